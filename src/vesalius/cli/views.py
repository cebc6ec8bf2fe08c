"""Views: run one, check one, see how it runs, try the official tests, and the library."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vesalius.cli._shared import CARE, HOME, MOMENT, left_out, opened, progress
from vesalius.errors import InvalidView, NotFound

if TYPE_CHECKING:
    from vesalius.governance.secondary import LeftOut
    from vesalius.lake import Lake
    from vesalius.views import Files, Problem, View

SHOWN = 20
"""How many rows a table on the screen has, unless another limit is asked for."""
WIDTH = 32
"""How many characters of a cell a table on the screen shows."""


@click.group("view")
def view() -> None:
    """SQL on FHIR views: FHIR resources as tables.

    VIEW is a file with a ViewDefinition, the name of one of the library (`vesalius view list`), or the name
    of one that was saved in this hospital.
    """


@view.command("run")
@click.argument("name", metavar="VIEW")
@click.option(
    "--to",
    "form",
    type=click.Choice(["table", "csv", "ndjson", "json", "parquet"]),
    default="table",
    show_default=True,
    help="As what; a table shows the first rows on the screen.",
)
@click.option(
    "--out",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write, whole or not.",
)
@click.option(
    "--from",
    "files",
    multiple=True,
    help="NDJSON (plain, .gz, .zst) or a lake's Parquet, instead of the hospital's lake; may be given again.",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "duckdb", "python", "spark"]),
    default="auto",
    show_default=True,
    help="What it runs on.",
)
@click.option("--as-of", type=MOMENT, default=None, help="What was known then, such as 2024-05-01T00:00:00Z.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many rows.")
@CARE
@HOME
def run_command(
    name: str,
    form: str,
    target: Path | None,
    files: tuple[str, ...],
    engine: str,
    as_of: datetime | None,
    limit: int | None,
    care: bool,
    home: Path,
) -> None:
    """Give the rows of a VIEW: of each resource the version in force, now or at a moment.

    Patients who refuse any use of their data but their own care are left out, unless it is for that.
    """
    from vesalius.views import output

    if form == "parquet" and target is None:
        raise click.UsageError("Parquet is no text: name a file with --out")
    found, digest = _digested(name, home)
    with _source(files, home, found, digest, care=care) as (source, out), progress() as tick:
        wanted = limit or (SHOWN + 1 if form == "table" else None)
        asked = output.Asked(
            as_of=as_of,
            limit=wanted,
            without=out.without,
            engine=engine,  # type: ignore[arg-type]
            progress=lambda share: tick("reading", int(share * 100), 100, f"{share:.0%}"),
        )
        rows = output.batches(found, source, asked)
        if form == "table":
            _screen(found, rows, limit)
            left_out(out)
            return
        told = output.counted(rows, lambda count: tick("rows", count, 0, f"{count}"))
        pieces = output.encoded(told, found.schema, form)
        if target is None:
            _print(pieces)
        else:
            size = output.write(pieces, target)
            click.echo(f"{target}: {size / 1e6:.1f} MB", err=True)
        left_out(out)


@view.command()
@click.argument("name", metavar="VIEW")
@HOME
def check(name: str, home: Path) -> None:
    """Say what is wrong with a VIEW, or probably wrong, and where; exit with 1 if anything is."""
    from vesalius import views as room
    from vesalius.views.places import line_of

    text, definition = _read(name, home)
    problems = room.check(definition) if isinstance(definition, dict) else [definition]
    for each in problems:
        line = f"line {line_of(text, each.place)}" if text else name
        click.echo(f"{line}: {each}".rstrip())
    if any(each.severity == "error" for each in problems):
        sys.exit(1)
    found = room.View.load(definition)  # type: ignore[arg-type]
    click.echo(f"{name}: {len(found.columns)} columns of {found.definition.resource}, {found.route}")


@view.command()
@click.argument("name", metavar="VIEW")
@click.option("--from", "files", multiple=True, help="The SQL over these files, not over a lake's columns.")
@HOME
def explain(name: str, files: tuple[str, ...], home: Path) -> None:
    """Show which way a VIEW goes on each engine, and the SQL."""
    from vesalius.views import Files

    found = _view(name, home)
    click.echo("-- python: any view runs, one resource after the other")
    click.echo(f"-- duckdb: {found.route}")
    click.echo(found.explain(Files(files) if files else None))
    if find_spec("pyspark"):
        from vesalius.views import spark

        click.echo(f"\n-- spark: {spark.route(found)}")
        click.echo(spark.explain(found))


@view.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--engine", "chosen", multiple=True, help="Only this engine; may be given again.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write test_report.json there, per engine.",
)
def conformance(folder: Path, chosen: tuple[str, ...], report: Path | None) -> None:
    """Run the official test files of FOLDER on every engine; exit with 1 if a case fails."""
    from vesalius.views import conformance as room

    files = room.test_files(folder)
    found: dict[str, list[room.Result]] = {}
    with progress() as tick:
        for engine in chosen or room.engines():
            found[engine] = []
            for each in room.run(files, engine):
                found[engine].append(each)
                tick(engine, len(found[engine]), 0, each.file)
    _tally([file.name for file in files], found)
    for engine, results in found.items():
        for each in results:
            if not each.passed:
                click.echo(f"{engine}: {each.file}: {each.title}: {each.problem}")
        if report:
            _write_report(room.report(results), report, engine)
    if not all(each.passed for results in found.values() for each in results):
        sys.exit(1)


@view.command("list")
def list_command() -> None:
    """List the views of the library."""
    from vesalius.views import library

    for name in library.names():
        definition = library.definition(name)
        click.echo(f"{name:<28} {definition['resource']:<26} {definition['title']}")


@view.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a view of the library, to read or to start from."""
    from vesalius.views import library

    click.echo(library.text(name), nl=False)


def _view(name: str, home: Path | None) -> View:
    """A view by the name of its file, in the library, or saved in the hospital, if there is one."""
    return _digested(name, home)[0]


def _digested(name: str, home: Path | None) -> tuple[View, str]:
    """A view, and the hash by which the audit names it."""
    from vesalius.governance import views as saved
    from vesalius.views import Problem, View

    _, definition = _read(name, home)
    if isinstance(definition, Problem):
        raise InvalidView(definition.message, place=definition.place)
    return View.load(definition), saved.digest(definition)


def _read(name: str, home: Path | None) -> tuple[str, dict[str, Any] | Problem]:
    """The text of a view, and what it says, or why that cannot be read."""
    from vesalius.governance import views as saved
    from vesalius.views import Problem

    text = _text(name, home)
    try:
        return text, saved.parse(text)
    except InvalidView as error:
        return text, Problem(error.place, error.message.removeprefix(f"{error.place}: "), hint=error.hint)


def _text(name: str, home: Path | None) -> str:
    from vesalius.governance import views as saved
    from vesalius.views import library

    if name in library.names():
        return library.text(name)
    if Path(name).suffix == ".json" or Path(name).exists():
        try:
            return Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise InvalidView(f"cannot read {Path(name).name}: {error}") from None
    if home and home.expanduser().is_dir():
        with opened(home) as hospital, suppress(NotFound):
            return saved.current(hospital.engine, name).text
    raise NotFound(f"there is no view {name[:64]!r}", hint="a file, or one of `vesalius view list`")


@contextmanager
def _source(
    files: tuple[str, ...], home: Path, found: View, digest: str, *, care: bool
) -> Iterator[tuple[Lake | Files, LeftOut]]:
    """What to read, and who stays out of it; reading the hospital's lake is an event of its audit."""
    from vesalius.governance import audit, secondary
    from vesalius.views import Files

    if files:
        yield Files(files), secondary.NOBODY
        return
    with opened(home) as hospital:
        kind = found.definition.resource
        out = secondary.NOBODY if care else secondary.left_out(hospital.lake, [kind])
        detail: dict[str, Any] = {"resource": kind, "columns": list(found.columns), "digest": digest}
        detail |= {"purpose": "TREAT"} if care else {"left_out": out.patients}
        name = found.definition.name[:64] or "view"
        audit.record(hospital.engine, audit.SYSTEM, audit.Action.VIEW_READ, name, detail)
        yield hospital.lake, out


def _print(pieces: Iterator[bytes]) -> None:
    sys.stdout.buffer.writelines(pieces)
    sys.stdout.buffer.flush()


def _screen(found: View, batches: Iterable[Any], limit: int | None) -> None:
    """The first rows as a table; says where there are more than it shows."""
    rows = [row for batch in batches for row in batch.to_pylist()]
    shown = rows if limit else rows[:SHOWN]
    cells = [[_cell(row[name]) for name in found.columns] for row in shown]
    widths = [max(map(len, [name, *(row[at] for row in cells)])) for at, name in enumerate(found.columns)]
    for line in [list(found.columns), ["-" * width for width in widths], *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if len(rows) > len(shown):
        click.echo(f"the first {len(shown)} rows; --limit or --to csv gives more")


def _cell(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _tally(files: list[str], found: dict[str, Any]) -> None:
    """One line per file and one for all: how many cases of it pass on each engine."""
    click.echo(f"{'file':<28}{'cases':>6}" + "".join(f"{engine:>10}" for engine in found))
    for file in [*files, "all"]:
        of = {engine: [r for r in results if file in ("all", r.file)] for engine, results in found.items()}
        passed = "".join(f"{sum(each.passed for each in results):>10}" for results in of.values())
        cases = max((len(results) for results in of.values()), default=0)
        click.echo(f"{file:<28}{cases:>6}{passed}")


def _write_report(made: dict[str, Any], folder: Path, engine: str) -> None:
    import msgspec

    from vesalius.views import output

    folder.mkdir(parents=True, exist_ok=True)
    output.write(
        [msgspec.json.format(msgspec.json.encode(made)), b"\n"], folder / f"{engine}.test_report.json"
    )
