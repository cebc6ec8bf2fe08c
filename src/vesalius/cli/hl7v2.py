"""What the person who connects a system that speaks HL7 v2 wants to see."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("hl7v2")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The hospital's own rows.",
)
@click.option("--unmapped", is_flag=True, help="Only the fields that go nowhere.")
def hl7v2_command(file: Path, map_file: Path | None, unmapped: bool) -> None:
    """Show where each field of the messages of a file goes in FHIR; no value is printed."""
    from vesalius.ingest import explained

    for line in explained(file, map_file, unmapped=unmapped):
        click.echo(line)
