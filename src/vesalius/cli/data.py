"""Data in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from vesalius.cli._shared import HOME, opened, progress, rows, said


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--source", required=True, help="The name of the feed the files come from.")
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The map of a CSV file, or your own rows for HL7 v2.  [default: the feed's last one, as mended]",
)
@click.option(
    "--format",
    "kind",
    default="auto",
    show_default=True,
    help="Of the files, where their names do not tell.",
)
@click.option(
    "--received",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="When they were received, if not now: for data whose dates were shifted into the future.",
)
@HOME
def ingest(
    files: tuple[Path, ...],
    source: str,
    map_file: Path | None,
    kind: str,
    received: datetime | None,
    home: Path,
) -> None:
    """Receive files: FHIR NDJSON, FHIR bundles, HL7 v2, KMEHR, C-CDA, or CSV through a map."""
    from vesalius.ingest import load_map, map_of_feed, receive

    with opened(home) as hospital, progress() as tick:
        known = None if map_file else map_of_feed(hospital.engine, source)
        csv_map = load_map(map_file) if map_file else known.read() if known else None
        for path in files:
            receipt = receive(
                hospital.lake,
                path.name,
                path,
                source=source,
                csv_map=csv_map,
                format=kind,
                received_at=received,
                progress=rows(tick, path.name),
            )
            click.echo(said(receipt))
            if receipt.quarantined:
                click.echo("  vesalius quarantine lists what was held, and why")
