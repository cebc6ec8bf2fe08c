"""Data in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vesalius.cli._shared import HOME, MOMENT, opened, progress, rows, said
from vesalius.cli.maps import ingest_table, sql_options, table_of

if TYPE_CHECKING:
    from vesalius.hospital import Hospital
    from vesalius.ingest import Map


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--source", required=True, help="The name of the feed the files come from.")
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The map of a table, or your own rows for HL7 v2.  [default: the feed's last one, as mended]",
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
    type=MOMENT,
    default=None,
    help="When they were received, if not now: for data whose dates were shifted into the future.",
)
@sql_options
@click.option("--watermark", default="", help="The column of a table that grows with each change.")
@click.option(
    "--overlap",
    type=click.IntRange(0),
    default=300,
    show_default=True,
    help="Seconds to look back for rows that were committed late.",
)
@click.option("--from-start", is_flag=True, help="Read a table again from its first row.")
@HOME
def ingest(
    files: tuple[Path, ...],
    source: str,
    map_file: Path | None,
    kind: str,
    received: datetime | None,
    home: Path,
    **of_table: Any,
) -> None:
    """Receive files: FHIR, HL7 v2, KMEHR, C-CDA, or tables through a map; or a table of another database."""
    from vesalius.ingest import load_map, map_of_feed

    address, from_start = of_table.pop("address"), of_table.pop("from_start")
    if bool(files) == bool(address):
        raise click.UsageError("name files, or a database with --sql")
    with opened(home) as hospital:
        known = None if map_file else map_of_feed(hospital.engine, source)
        csv_map = load_map(map_file) if map_file else known.read() if known else None
        if not address:
            _ingest_files(hospital, files, source, csv_map, kind, received)
            return
        table = table_of(address, of_table.pop("table_name"), **of_table)
        ingest_table(hospital, table, source, csv_map, received, from_start=from_start)


def _ingest_files(
    hospital: Hospital,
    files: tuple[Path, ...],
    source: str,
    csv_map: Map | None,
    kind: str,
    received: datetime | None,
) -> None:
    from vesalius.ingest import receive

    with progress() as tick:
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
