"""Erasing on request, seeing what was erased, and letting it come back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, opened, progress

if TYPE_CHECKING:
    from vesalius.erasure import Order, Plan
    from vesalius.hospital import Hospital

ASKERS = ("patient", "representative", "authority", "hospital")
GROUNDS = ("not-needed", "consent-withdrawn", "objection", "unlawful", "legal-duty", "child")
SHOWN = 20
"""How many suggestions, mentions and files are named; the rest is counted."""

LOGIN = click.option("--by", "login", help="The account of the data protection officer who answers for it.")


@click.command()
@click.argument("reference", required=False)
@click.option("--dry-run", is_flag=True, help="List what would go, and change nothing.")
@LOGIN
@click.option("--asked-by", type=click.Choice(ASKERS), help="Who asked; no name is kept.")
@click.option("--ground", type=click.Choice(GROUNDS), help="The legal ground (GDPR, article 17(1), a to f).")
@click.option("--reason", default="", help="Why, in words that name no patient; kept.")
@click.option("--also", multiple=True, help="A word to look for in messages and held items, such as a name.")
@click.option("--keep", multiple=True, help="A message/N or quarantine/N that is to stay.")
@click.option("--confirm", default="", help="REFERENCE once more, instead of being asked for it.")
@click.option("--password", default="", help="Of that account; asked for when it is not given.")
@click.option("--resume", is_flag=True, help="Finish erasures that were broken off.")
@HOME
def forget(
    reference: str | None,
    dry_run: bool,
    login: str | None,
    asked_by: str | None,
    ground: str | None,
    reason: str,
    also: tuple[str, ...],
    keep: tuple[str, ...],
    confirm: str,
    password: str,
    resume: bool,
    home: Path,
) -> None:
    """Erase a patient or one resource (REFERENCE: Patient/ID or Type/ID) from everything kept here.

    First it lists what would go: versions by type, messages, held items, suggestions. Then it asks for
    REFERENCE once more. What was erased cannot be brought back. Backups are not reached: let them expire, and
    see docs/governance/erasure.md.
    """
    from vesalius import erasure

    with opened(home) as hospital:
        if resume:
            click.echo(f"{len(erasure.finish(hospital))} erasures finished")
            return
        if not reference:
            raise click.UsageError("name what is to be erased: Patient/ID or Type/ID")
        with progress() as tick:
            bar = lambda what, done, total: tick(what, done, total, f"{done}")  # noqa: E731
            planned = erasure.plan(hospital, reference, also=also, keep=keep, tick=bar)
        _tell(planned)
        if dry_run:
            return
        order = erasure.Order(asked_by=asked_by or "", ground=ground or "", reason=reason)
        _carry_out(hospital, planned, order, login, password, confirm)


def _carry_out(
    hospital: Hospital, planned: Plan, order: Order, login: str | None, password: str, confirm: str
) -> None:
    from vesalius import erasure
    from vesalius.governance import people

    order.check()
    if not login:
        raise click.UsageError("name the account that answers for it: --by LOGIN")
    given = password or click.prompt("Password", hide_input=True)
    person = people.sign_in(hospital.engine, login, given)
    said = confirm or click.prompt(f"This cannot be undone. Type {planned.reference} to erase it")
    if said != planned.reference:
        raise click.UsageError("nothing was erased: that is not its name")
    made = erasure.forget(hospital, planned, order, person)
    click.echo(f"erasure {made.id}: rows emptied; cleaning columns and files …")
    erasure.finish(hospital)
    hospital.lake.refresh_columns()
    click.echo(f"erasure {made.id} is finished; backups are not reached: let them expire")


def _tell(planned: Plan) -> None:
    for kind, count in planned.versions.items():
        click.echo(f"{kind:<24}{count:>8} versions")
    click.echo(f"{'all':<24}{sum(planned.versions.values()):>8} versions of {planned.resources} resources")
    if len(planned.patients) > 1:
        click.echo(f"one person by merges: {', '.join(planned.patients)}")
    for each in planned.traces:
        why = f", {each.cause}" if each.cause else ""
        click.echo(f"{each.name:<24} of {each.source} ({each.status}{why})")
    for title, names in (
        ("suggestions that rest on it, to be emptied", planned.suggestions),
        ("resources that mention it and stay", planned.mentions),
        ("files of the home that mention it and stay: look at them", planned.files),
    ):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            click.echo(f"{len(names)} {title}: {', '.join(names[:SHOWN])}{more}")
    if not planned.traces:
        click.echo("no message and no held item names it")


@click.command()
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a copy to keep outside the database, for lake restore --erasures.",
)
@HOME
def erasures(save: Path | None, home: Path) -> None:
    """What was erased: when, by whom, on what ground, how much; never whom."""
    import os

    from vesalius import erasure

    with opened(home) as hospital:
        for each in erasure.erasures(hospital.engine):
            state = "finished" if each.finished else "NOT finished: vesalius lake forget --resume"
            counts = ", ".join(f"{count} {name}" for name, count in each.counts.items() if count)
            click.echo(
                f"{each.id:>4}  {each.at:%Y-%m-%d %H:%M}  {each.by}  {each.type}  {each.ground}"
                f"  asked by {each.asked_by}  {counts}  {state}"
            )
        if save:
            with os.fdopen(os.open(save, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(erasure.saved(hospital.engine))


@click.command()
@click.argument("reference")
@click.option("--by", "login", required=True, help="The account of the data protection officer who decides.")
@click.option("--reason", required=True, help="Why, in words that name no patient; kept.")
@click.password_option(confirmation_prompt=False, help="Of that account; asked for when it is not given.")
@HOME
def allow(reference: str, login: str, reason: str, password: str, home: Path) -> None:
    """Let what was erased come back, should a feed send it again; what is held can then be retried."""
    from vesalius import erasure
    from vesalius.governance import people

    with opened(home) as hospital:
        person = people.sign_in(hospital.engine, login, password)
        count = erasure.allow(hospital, reference, person, reason)
    click.echo(f"{count} resources may come back; vesalius quarantine retry takes in what is held")
