"""Machines that may speak to the hospital."""

from __future__ import annotations

from pathlib import Path

import click

from vesalius.cli._shared import HOME, opened


@click.group("client")
def client() -> None:
    """Machines that may use the FHIR API: add one, list them, revoke one."""


@client.command()
@click.argument("name")
@click.option("--source", required=True, help="The feed under whose name it writes.")
@click.option(
    "--may",
    multiple=True,
    required=True,
    type=click.Choice(["read", "write", "export", "view", "care", "audit"]),
    help="What it may do; several times for several rights. With care, refusals do not narrow it.",
)
@HOME
def add(name: str, source: str, may: tuple[str, ...], home: Path) -> None:
    """Add a client, and print its token: once, for it is not kept."""
    from vesalius.governance import clients

    with opened(home) as hospital:
        token = clients.add(hospital.engine, name, source=source, may=may)
    click.echo(token)
    click.echo("note it now: it cannot be shown again", err=True)


@client.command("list")
@HOME
def list_command(home: Path) -> None:
    """List the clients, what each may do, and which are revoked."""
    from vesalius.governance import clients

    with opened(home) as hospital:
        for each in clients.everyone(hospital.engine):
            state = f"revoked {each.revoked_at:%Y-%m-%d}" if each.revoked_at else "active"
            click.echo(f"{each.id:<24} {'+'.join(each.may):<18} {each.source:<24} {state}")


@client.command()
@click.argument("name")
@HOME
def revoke(name: str, home: Path) -> None:
    """Revoke the token of a client, from its next request on."""
    from vesalius.governance import clients

    with opened(home) as hospital:
        clients.revoke(hospital.engine, name)
    click.echo(f"revoked {name}")
