"""Data in, what is held of it, and the lake it comes to."""

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
    help="The map of a CSV file, or the hospital's own rows for HL7 v2.",
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
    """Receive files: FHIR NDJSON, FHIR bundles, HL7 v2, or CSV through a map."""
    from vesalius.ingest import load_map, receive

    csv_map = load_map(map_file) if map_file else None
    with opened(home) as hospital, progress() as tick:
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


@click.command()
@click.option("--cause", help="Only what was held for this cause.")
@click.option("--retry", is_flag=True, help="Try again what was held, after its map was mended.")
@click.option(
    "--map", "map_file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The mended map."
)
@click.option("--limit", type=int, default=20, show_default=True)
@HOME
def quarantine(cause: str | None, retry: bool, map_file: Path | None, limit: int, home: Path) -> None:
    """What was received and could not be understood: by cause, with its reason; and try it again."""
    from vesalius import ingest as room

    with opened(home) as hospital:
        if retry:
            csv_map = room.load_map(map_file) if map_file else None
            click.echo(said(room.retry(hospital.lake, cause=cause, csv_map=csv_map)))
            return
        for code, count in sorted(room.causes(hospital.engine).items()):
            click.echo(f"{count:>8}  {code}")
        for item in room.held(hospital.engine, cause=cause, limit=limit):
            click.echo(f"{item.id:>8}  {item.cause:<20} {item.place}: {item.words}")


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
