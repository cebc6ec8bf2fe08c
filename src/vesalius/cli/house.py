"""The house: the audit, and the console."""

from __future__ import annotations

from pathlib import Path

import click

from vesalius.cli._shared import HOME, opened


@click.command("audit")
@HOME
def audit_command(home: Path) -> None:
    """Verify that no audit event was altered, removed or reordered."""
    from vesalius.governance import audit

    with opened(home) as hospital:
        click.echo(f"{audit.verify(hospital.engine)} events, chain intact")


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
