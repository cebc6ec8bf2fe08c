"""Data in, and the lake it comes to."""

from __future__ import annotations

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
    help="The map of a CSV file.  [default: the one the feed's last CSV file came through, as mended since]",
)
@click.option(
    "--format",
    "kind",
    default="auto",
    show_default=True,
    help="Of the files, where their names do not tell.",
)
@HOME
def ingest(files: tuple[Path, ...], source: str, map_file: Path | None, kind: str, home: Path) -> None:
    """Receive files: FHIR NDJSON, FHIR bundles, or CSV through a map."""
    from vesalius.ingest import CsvMap, map_of_feed, receive

    with opened(home) as hospital, progress() as tick:
        known = None if map_file else map_of_feed(hospital.engine, source)
        csv_map = CsvMap.load(map_file) if map_file else known.read() if known else None
        for path in files:
            receipt = receive(
                hospital.lake,
                path.name,
                path,
                source=source,
                csv_map=csv_map,
                format=kind,
                progress=rows(tick, path.name),
            )
            click.echo(said(receipt))
            if receipt.quarantined:
                click.echo("  vesalius quarantine lists what was held, and why")


@click.command("lake")
@click.option("--rebuild", is_flag=True, help="Make the typed columns again from the log.")
@click.option(
    "--backup",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Copy the whole SQLite database to this file while it is in use.",
)
@HOME
def lake_command(rebuild: bool, backup: Path | None, home: Path) -> None:
    """What the lake holds."""
    with opened(home) as hospital:
        if backup:
            hospital.lake.backup(backup)
        if rebuild:
            hospital.lake.rebuild_columns()
        for kind, counts in sorted(hospital.lake.count().items()):
            click.echo(f"{kind:<24} {counts['resources']:>10} resources {counts['versions']:>10} versions")
