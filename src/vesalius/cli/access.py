"""Who may see whom: broken glass, and the units of accounts."""

from __future__ import annotations

from pathlib import Path

import click

from vesalius.cli._shared import HOME, opened


@click.group("access")
def access() -> None:
    """Who may see whom: the glass that was broken, and where accounts belong."""


@access.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what was reviewed.")
@HOME
def list_command(everything: bool, home: Path) -> None:
    """List the glass that was broken, what waits for its review first; no words, no patient."""
    from vesalius.governance import glass

    with opened(home) as hospital:
        found = glass.listed(hospital.engine, reviewed=None if everything else False, limit=10_000)
    for each in found:
        state = each.verdict.verdict if each.verdict else "to review"
        click.echo(f"{each.id:>5}  {each.at:%Y-%m-%d %H:%M}  {each.person:<20} {each.code:<10} {state}")


@access.command()
@click.argument("login")
@click.argument("unit", nargs=-1)
@click.option("--none", "nowhere", is_flag=True, help="Take all units away.")
@HOME
def units(login: str, unit: tuple[str, ...], nowhere: bool, home: Path) -> None:
    """Say to which units an account belongs: Location/GER, a name, or * for all; without units, show them."""
    from vesalius.governance import care, people

    with opened(home) as hospital:
        people.get(hospital.engine, login)
        if unit or nowhere:
            care.set_units(hospital.engine, login, unit)
        for each in care.units(hospital.engine, login):
            click.echo(each)
