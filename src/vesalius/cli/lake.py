"""Looking after the lake: how large it is, its columns, copies of it, what leaves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from vesalius.cli import erasure as erasing
from vesalius.cli._shared import CARE, HOME, MOMENT, Tick, left_out, opened, progress


@click.group("lake")
def lake() -> None:
    """What the lake holds, and looking after it."""


for _each in (erasing.forget, erasing.erasures, erasing.allow):
    lake.add_command(_each)


@lake.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@HOME
def stats(as_json: bool, home: Path) -> None:
    """How much the lake holds of each resource type, and whether its columns follow."""
    import msgspec

    with opened(home) as hospital:
        found = hospital.lake.stats()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)))
        return
    head = ("type", "resources", "versions", "files", "MB", "behind", "first received", "last received")
    click.echo("{:<24}{:>11}{:>11}{:>7}{:>9}{:>9}  {:<18}{:<16}".format(*head))
    for each in found.types:
        received = (f"{moment:%Y-%m-%d %H:%M}" for moment in (each.first_received, each.last_received))
        click.echo(
            f"{each.type:<24}{each.resources:>11}{each.versions:>11}{each.files:>7}{each.bytes / 1e6:>9.1f}"
            f"{each.behind:>9}  {'  '.join(received)}"
        )
    resources, versions = (
        sum(getattr(each, name) for each in found.types) for name in ("resources", "versions")
    )
    click.echo(f"{'all':<24}{resources:>11}{versions:>11}")
    click.echo(f"log at position {found.position}, database of {found.database_bytes / 1e6:.1f} MB")


@lake.command()
@HOME
def rebuild(home: Path) -> None:
    """Make the typed columns again from the log; readers are not disturbed."""
    with opened(home) as hospital, progress() as tick:
        totals = {kind: counts["versions"] for kind, counts in hospital.lake.count().items()}
        hospital.lake.rebuild_columns(lambda kind, done: _tick(tick, kind, done, totals))
        click.echo(f"{sum(totals.values())} versions of {len(totals)} types")


@lake.command()
@HOME
def compact(home: Path) -> None:
    """Bring the columns up to date and make their many small files into few."""
    with opened(home) as hospital:
        hospital.lake.refresh_columns()
        before = sum(each.files for each in hospital.lake.stats().types)
        hospital.lake.compact_columns()
        after = sum(each.files for each in hospital.lake.stats().types)
    click.echo(
        f"{before} files before, {after} now; replaced ones stay for a day, for those still reading them"
    )


@lake.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@HOME
def backup(file: Path, home: Path) -> None:
    """Copy the whole database, SQLite or PostgreSQL, to one SQLite FILE while it is in use."""
    from vesalius.governance import audit

    with opened(home) as hospital:
        hospital.lake.backup(file)
        size = file.stat().st_size
        audit.record(hospital.engine, audit.SYSTEM, audit.Action.LAKE_BACKED_UP, file.name, {"bytes": size})
    click.echo(f"{file}: {size / 1e6:.1f} MB; keep it like the patients' data that it is")


@lake.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--replace", is_flag=True, help="Throw away what the database holds now.")
@click.option(
    "--erasures",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A copy of lake erasures --save: erase again what the backup brings back.",
)
@HOME
def restore(file: Path, replace: bool, erasures: Path | None, home: Path) -> None:
    """Put a backup FILE, of SQLite or PostgreSQL, in the place of the database: whole or not at all.

    What was erased since the backup was taken is erased again: what the present database knows of it, and
    what a copy says.
    """
    from vesalius import erasure
    from vesalius.governance import audit

    with opened(home) as hospital:
        copies = [erasure.saved(hospital.engine), erasures.read_bytes() if erasures else b""]
        hospital.lake.restore(file, replace=replace)
        again = sum(erasure.again(hospital, copy) for copy in copies if copy)
        versions = sum(counts["versions"] for counts in hospital.lake.count().values())
        said = {"versions": versions, "replaced": replace}  # into the database as it is now: the restored one
        audit.record(hospital.engine, audit.SYSTEM, audit.Action.LAKE_RESTORED, file.name, said)
        events = audit.verify(hospital.engine)
    click.echo(f"{versions} versions; {events} audit events, chain intact; the columns follow when asked for")
    if again:
        click.echo(f"{again} patients and resources that were erased before were erased again")


@lake.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--type", "types", multiple=True, help="Only this resource type; may be given again.")
@click.option("--as-of", type=MOMENT, default=None, help="What was known then, such as 2024-05-01T00:00:00Z.")
@click.option("--versions", is_flag=True, help="Every version ever received, not only the one in force.")
@click.option("--gzip", is_flag=True, help="Compress the files.")
@CARE
@HOME
def export(
    folder: Path,
    types: tuple[str, ...],
    as_of: datetime | None,
    versions: bool,
    gzip: bool,
    care: bool,
    home: Path,
) -> None:
    """Write FHIR NDJSON to FOLDER, one file per resource type, each line as it was received.

    Patients who refuse any use of their data but their own care are left out, unless it is for that: as when
    the record moves to another system.
    """
    from vesalius.governance import audit, secondary

    with opened(home) as hospital, progress() as tick:
        kinds = types or tuple(hospital.lake.count())
        out = secondary.NOBODY if care else secondary.left_out(hospital.lake, kinds)
        totals = {kind: counts["versions"] for kind, counts in hospital.lake.count().items()}
        written = hospital.lake.export(
            folder,
            types or None,
            as_of=as_of,
            versions=versions,
            gzip=gzip,
            without=out.without,
            progress=lambda kind, done: _tick(tick, kind, done, totals),
        )
        detail: dict[str, Any] = {"types": sorted(written), "count": sum(written.values())}
        detail |= {"purpose": "TREAT"} if care else {"left_out": out.patients}
        audit.record(hospital.engine, audit.SYSTEM, audit.Action.LAKE_EXPORTED, folder.name, detail)
    for kind, count in written.items():
        click.echo(f"{kind:<24} {count:>10}")
    left_out(out)


@lake.command()
@click.option("--days", type=click.IntRange(min=0), required=True, help="How long they are kept.")
@click.option("--messages", is_flag=True, help="Also those of messages that were taken in.")
@HOME
def retention(days: int, messages: bool, home: Path) -> None:
    """Empty the original bytes of quarantined items that were released more than DAYS ago.

    What they became is in the lake; their cause, place and moment stay. Items that are still held stay whole.

    With --messages, those of the messages that were taken in more than DAYS ago, too. Their record stays, and
    what is sent again is still known; but they can no longer be converted again through a mended mapping.
    """
    from vesalius import ingest

    before = datetime.now(UTC) - timedelta(days=days)
    with opened(home) as hospital:
        click.echo(f"{ingest.empty_released(hospital.engine, before)} released items emptied")
        if messages:
            click.echo(f"{ingest.empty_taken(hospital.engine, before)} messages emptied")


def _tick(tick: Tick, kind: str, done: int, totals: dict[str, int]) -> None:
    tick(kind, done, totals.get(kind, 0), f"{done}")
