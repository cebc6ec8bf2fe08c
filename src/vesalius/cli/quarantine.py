"""What was received and could not be understood: looking at it, mending, trying again, setting aside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, opened, progress, rows

if TYPE_CHECKING:
    from vesalius.ingest import Attempt, Chosen

CAUSE = click.option("--cause", default="", help="Only what is held for this cause.")
SOURCE = click.option("--source", default="", help="Only what came from this feed.")
IDS = click.option("--id", "ids", type=int, multiple=True, help="Only this one; can be repeated.")
BY = click.option("--by", default="system", show_default=True, help="Who asks; kept with it.")


@click.group(invoke_without_command=True)
@CAUSE
@SOURCE
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@HOME
@click.pass_context
def quarantine(ctx: click.Context, cause: str, source: str, limit: int, home: Path) -> None:
    """What was received and could not be understood: by problem, the most frequent first."""
    if ctx.invoked_subcommand:
        return
    from vesalius import ingest

    with opened(home) as hospital:
        for code, count in sorted(ingest.causes(hospital.engine).items()):
            click.echo(f"{count:>8}  {code}")
        found = ingest.problems(hospital.engine, ingest.Chosen(cause=cause, source=source), limit)
        for each in found:
            click.echo(f"{each.count:>8}  {each.cause:<20} {each.source}: {each.words} (such as {each.last})")


@quarantine.command()
@click.argument("item", type=int)
@HOME
def show(item: int, home: Path) -> None:
    """One item, with its original bytes and what was done about it. It can hold patient data."""
    from vesalius import ingest
    from vesalius.governance import audit

    with opened(home) as hospital:
        found = ingest.one(hospital.engine, item)
        audit.record(hospital.engine, audit.SYSTEM, audit.Action.QUARANTINE_READ, f"item {item}")
        click.echo(f"{found.source}: {found.name}, {found.place} ({found.status})")
        click.echo(f"{found.cause}: {found.words}")
        for step in reversed(ingest.mending.steps(hospital.engine, item=item)):
            click.echo(f"attempt {step.attempt}: {step.before} -> {step.after} {' '.join(step.became)}")
        click.echo(found.raw.decode("utf-8", errors="backslashreplace"))


@quarantine.command()
@CAUSE
@SOURCE
@IDS
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The mended map of rows of CSV.  [default: the one they came through]",
)
@click.option("--dry-run", is_flag=True, help="Say what would become of it, and write nothing.")
@BY
@click.option("--reason", default="", help="Why; kept with it.")
@HOME
def retry(
    cause: str,
    source: str,
    ids: tuple[int, ...],
    map_file: Path | None,
    dry_run: bool,
    by: str,
    reason: str,
    home: Path,
) -> None:
    """Try again what is held, after its map, its sender or Vesalius was mended; see what changed."""
    from vesalius import ingest

    given = ingest.load_map(map_file) if map_file else None
    chosen = _chosen(cause, source, ids)
    with opened(home) as hospital, progress() as tick:
        if dry_run:
            tried = ingest.mending.trial(hospital.lake, chosen, given)
            click.echo(f"{tried.items} tried: {tried.released} would be taken in")
            for (code, words), count in tried.still.most_common():
                click.echo(f"{count:>8}  {code:<20} {words}")
            return
        done = ingest.retry(
            hospital.lake, chosen, given=given, by=by, reason=reason, progress=rows(tick, "trying again")
        )
        _say(done)
        for (before, after), count in sorted(ingest.mending.changes(hospital.engine, done.id).items()):
            click.echo(f"{count:>8}  {before} -> {after}")


@quarantine.command()
@CAUSE
@SOURCE
@IDS
@BY
@click.option("--reason", required=True, help="Why; kept with it.")
@HOME
def aside(cause: str, source: str, ids: tuple[int, ...], by: str, reason: str, home: Path) -> None:
    """Take what will never be understood off the list; nothing is deleted."""
    from vesalius.errors import UnreadableInput
    from vesalius.ingest import mending

    if not (cause or source or ids):
        raise UnreadableInput("say what to set aside", hint="--id, --cause or --source")
    with opened(home) as hospital:
        _say(mending.set_aside(hospital.engine, _chosen(cause, source, ids), by=by, reason=reason))


@quarantine.command()
@CAUSE
@SOURCE
@IDS
@BY
@HOME
def back(cause: str, source: str, ids: tuple[int, ...], by: str, home: Path) -> None:
    """Put what was set aside back on the list."""
    from vesalius.ingest import mending

    with opened(home) as hospital:
        _say(mending.bring_back(hospital.engine, _chosen(cause, source, ids), by=by))


def _chosen(cause: str, source: str, ids: tuple[int, ...]) -> Chosen:
    from vesalius.ingest import Chosen

    return Chosen(cause=cause, source=source, ids=ids or None)


def _say(done: Attempt) -> None:
    words = {"aside": "set aside", "back": "brought back"}
    if done.kind in words:
        click.echo(f"{done.items} {words[done.kind]}")
        return
    click.echo(
        f"{done.items} tried, {done.released} taken in, {done.held} still held: "
        f"{done.written} resources written, {done.unchanged} unchanged"
    )
