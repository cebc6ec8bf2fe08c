"""The house: who may sign in, the audit, and the console."""

from __future__ import annotations

from pathlib import Path

import click

from vesalius.cli._shared import HOME, LANGUAGES, opened


@click.command("audit")
@HOME
def audit_command(home: Path) -> None:
    """Verify that no audit event was altered, removed or reordered."""
    from vesalius.governance import audit

    with opened(home) as hospital:
        click.echo(f"{audit.verify(hospital.engine)} events, chain intact")


@click.command("person")
@click.argument("login")
@click.option("--name", required=True, help="As colleagues know them.")
@click.option("--role", "role", required=True, help="Such as doctor, biologist, dpo, director, engineer.")
@click.option("--language", type=click.Choice(LANGUAGES), default="fr", show_default=True)
@click.password_option(help="Asked for when it is not given.")
@HOME
def person_command(login: str, name: str, role: str, language: str, password: str, home: Path) -> None:
    """Add a person who may sign in."""
    from vesalius.governance import people

    with opened(home) as hospital:
        people.add(hospital.engine, login, name=name, role=role, language=language, password=password)
    click.echo(f"added {login}")


@click.command("serve")
@click.option("--host", default=None, help="The address to listen on.  [default: the setting host]")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="[default: the setting port]")
@HOME
def serve_command(host: str | None, port: int | None, home: Path) -> None:
    """Open the hospital's console, and its FHIR API beside it."""
    from vesalius.console import serve

    with opened(home) as hospital:
        settings = hospital.settings
        serve(hospital, host or settings.host, settings.port if port is None else port)
