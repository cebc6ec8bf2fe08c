"""The commands. Each one loads what it needs when it runs, so that asking for help is quick."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from vesalius import __version__
from vesalius.errors import VesaliusError

if TYPE_CHECKING:
    from vesalius.hospital import Hospital
    from vesalius.settings import Settings

Tick = Callable[[str, int, int, str], None]
Kind = Literal["auto", "csv", "ndjson", "bundle"]

HOME = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="VESALIUS_HOME",
    default=Path("~/.vesalius"),
    show_default=True,
    help="The hospital's folder.",
)


DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder of data, instead of the hospital's own history.",
)

SEED = click.option(
    "--seed", type=int, default=1514, show_default=True, help="Same data and seed, same result."
)


class Commands(click.Group):
    """Turns an expected error into one line and exit code 1; a defect still shows its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command that was asked for."""
        try:
            return super().invoke(ctx)
        except VesaliusError as error:
            click.secho(f"vesalius: {error}", fg="red", err=True)
            ctx.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands in the order of the loop, not of the alphabet."""
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="vesalius")
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
def main(verbose: bool) -> None:
    """Brings AI to the bedside safely: evidence, suggestion, a person decides, outcome, evaluation."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=handler.level, handlers=[handler])


@main.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-hospital"),
    show_default=True,
    help="Where the synthetic hospital is kept.",
)
@click.option("--check", is_flag=True, help="Walk the loop by machine, print a line per stage, and exit.")
@click.option("--size", type=click.IntRange(min=200), default=None, help="How many urine samples of history.")
@click.option("--seed", type=int, default=1514, show_default=True, help="Same seed, same hospital.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=None, help="The console's port.  [default: 8642]"
)
@click.option("--fresh", is_flag=True, help="Forget the synthetic hospital made before, and make a new one.")
def demo(home: Path, check: bool, size: int | None, seed: int, port: int | None, fresh: bool) -> None:
    """Make a synthetic hospital, run the loop on it, and open its console."""
    if check:
        _demo_check(seed)
        return
    from vesalius.console import serve
    from vesalius.demo.making import make_hospital

    with _progress() as tick:
        made = make_hospital(home, seed=seed, size=size, fresh=fresh, progress=tick)
    for line in made.lines():
        click.echo(line)
    with _opened(home) as hospital:
        serve(hospital, hospital.settings.host, hospital.settings.port if port is None else port)


def _demo_check(seed: int) -> None:
    import tempfile

    from vesalius.demo.walk import check

    with tempfile.TemporaryDirectory(prefix="vesalius-check-") as folder, _progress() as tick:
        stages = check(Path(folder), seed=seed, progress=tick)
    for stage in stages:
        click.echo(f"{'ok  ' if stage.ok else 'FAIL'} {stage.name:<12} {stage.words}")
    if not all(stage.ok for stage in stages):
        sys.exit(1)


@main.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--source", required=True, help="The name of the feed the files come from.")
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The map of a CSV file.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["auto", "csv", "ndjson", "bundle"]),
    default="auto",
    show_default=True,
)
@HOME
def ingest(files: tuple[Path, ...], source: str, map_file: Path | None, kind: Kind, home: Path) -> None:
    """Receive files: FHIR NDJSON, FHIR bundles, or CSV through a map."""
    from vesalius.ingest import CsvMap, receive

    csv_map = CsvMap.load(map_file) if map_file else None
    with _opened(home) as hospital, _progress() as tick:
        for path in files:
            receipt = receive(
                hospital.lake,
                path.name,
                path,
                source=source,
                csv_map=csv_map,
                format=kind,
                progress=_rows(tick, path.name),
            )
            click.echo(_said(receipt))
            if receipt.quarantined:
                click.echo("  vesalius quarantine lists what was held, and why")


@main.command()
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

    with _opened(home) as hospital:
        if retry:
            csv_map = room.CsvMap.load(map_file) if map_file else None
            click.echo(_said(room.retry(hospital.lake, cause=cause, csv_map=csv_map)))
            return
        for code, count in sorted(room.causes(hospital.engine).items()):
            click.echo(f"{count:>8}  {code}")
        for item in room.held(hospital.engine, cause=cause, limit=limit):
            click.echo(f"{item.id:>8}  {item.cause:<20} {item.place}: {item.words}")


@main.command("lake")
@click.option("--rebuild", is_flag=True, help="Make the typed columns again from the log.")
@click.option(
    "--backup",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Copy the whole SQLite database to this file while it is in use.",
)
@HOME
def lake_command(rebuild: bool, backup: Path | None, home: Path) -> None:
    """What the lake holds."""
    with _opened(home) as hospital:
        if backup:
            hospital.lake.backup(backup)
        if rebuild:
            hospital.lake.rebuild_columns()
        for kind, counts in sorted(hospital.lake.count().items()):
            click.echo(f"{kind:<24} {counts['resources']:>10} resources {counts['versions']:>10} versions")


@main.command()
def usecases() -> None:
    """The use cases installed on this machine."""
    from vesalius.usecase import installed

    for name, kind in installed().items():
        click.echo(f"{name:<16} {kind.card.version:<8} {kind.card.say('title', 'en')}")


@main.command("new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder to make it in.",
)
def new(name: str, into: Path) -> None:
    """Start a use case of your own from the template."""
    from vesalius.usecases.template import create

    click.echo(f"made {create(into, name)}; docs/engineer/write-a-use-case.md goes on from here")


@main.command("check")
@click.argument("usecase")
def check_command(usecase: str) -> None:
    """Run a use case's examples and the checks that every use case must pass."""
    from vesalius.usecase import find
    from vesalius.usecases.checks import run_checks

    checks = run_checks(find(usecase))
    for item in checks:
        click.echo(
            f"{'ok  ' if item.passed else 'FAIL'} {item.name}{': ' + item.words if item.words else ''}"
        )
    if not all(item.passed for item in checks):
        sys.exit(1)


@main.command()
@click.argument("usecase")
@DATA
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the model, instead of the hospital's own store.",
)
@SEED
@HOME
def train(usecase: str, data: Path | None, out: Path | None, seed: int, home: Path) -> None:
    """Learn a model; it goes into use only once its gates are signed."""
    from vesalius.usecase import find

    use = find(usecase)()
    with _progress() as tick, _history(usecase, data, home, tick) as (hospital, cohort):
        model = use.learn(cohort.evidence, cohort.outcomes, seed)
        if out:
            out.write_bytes(model.to_bytes())
        else:
            hospital.models.save(model)
    known = f"{len(cohort.outcomes)} patients, {int(cohort.outcomes.sum())} with the outcome"
    click.echo(f"model {model.hash}: {known}")
    if not out:
        click.echo(f"vesalius adopt {usecase} {model.hash} --by LOGIN --reason WHY puts it in force")


@main.command()
@click.argument("usecase")
@click.argument("model")
@click.option("--by", "login", required=True, help="The account of the engineer who answers for it.")
@click.option("--reason", required=True, help="Why; kept with the name.")
@click.password_option(confirmation_prompt=False, help="Of that account; asked for when it is not given.")
@HOME
def adopt(usecase: str, model: str, login: str, reason: str, password: str, home: Path) -> None:
    """Put a learnt MODEL, named by its hash, in force; a use that speaks falls silent until signed again."""
    from vesalius.governance import people, uses

    with _opened(home) as hospital:
        person = people.sign_in(hospital.engine, login, password)
        hospital.models.load(model)
        use = uses.set_model(hospital.engine, usecase, model, person, reason=reason)
    click.echo(f"{usecase} is {use.state.value} with model {model}")


@main.command()
@click.argument("usecase")
@DATA
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write the report.  [default: the hospital's runs]",
)
@SEED
@click.option(
    "--language",
    type=click.Choice(["fr", "nl", "de", "en"]),
    default=None,
    help="Of the report; all four when left out.",
)
@HOME
def validate(
    usecase: str, data: Path | None, out: Path | None, seed: int, language: str | None, home: Path
) -> None:
    """Validate a use case on history: honest cross-validation, beside a simple rule and the clinicians."""
    from vesalius.evaluation import report, study
    from vesalius.usecase import find

    kind = find(usecase)
    with _progress() as tick, _history(usecase, data, home, tick) as (hospital, cohort):
        run = study(
            kind,
            cohort.evidence,
            cohort.outcomes,
            cohort.practice,
            seed=seed,
            progress=_rows(tick, "cross-validation"),
        )
        folder = out or hospital.runs
        folder.mkdir(parents=True, exist_ok=True)
        run.save(folder)
        for tongue in [language] if language else ["fr", "nl", "de", "en"]:
            path = folder / f"{usecase}.{tongue}.html"
            path.write_text(report(run, kind.card, tongue), encoding="utf-8")
            click.echo(f"wrote {path}", err=True)
    for line in run.lines():
        click.echo(line)


@main.command("run")
@click.argument("usecase", required=False)
@click.option(
    "--now",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="Take this moment as now.",
)
@HOME
def run_command(usecase: str | None, now: datetime | None, home: Path) -> None:
    """One turn of the loop: who is due, their evidence, suggestions, and the outcomes that came in.

    Without a USECASE, every use case installed has its turn; one that fails does not stop the others. Let
    a timer of the system call it every few minutes: a turn that comes late, or twice, changes nothing.
    """
    from vesalius import loop

    moment = now or datetime.now(UTC)
    with _opened(home) as hospital:
        if usecase:
            turns = [loop.turn(hospital, usecase, moment)]
            loop.outcomes(hospital, usecase, moment)
        else:
            turns = loop.turn_all(hospital, moment)
    for turn in turns:
        done = "" if turn.mode == "off" and turn.error else _turned(turn)
        click.echo(f"{turn.usecase}: {'; '.join(filter(None, (done, turn.error)))}")
    if any(turn.error for turn in turns):
        sys.exit(1)


def _turned(turn: Any) -> str:
    return f"{turn.candidates} due, {turn.filed} new suggestions ({turn.mode})"


@main.command()
@click.argument("suggestion")
@HOME
def replay(suggestion: str, home: Path) -> None:
    """Make a suggestion again from what was known then; print it, byte for byte, or fail."""
    from vesalius import loop
    from vesalius.governance import audit

    with _opened(home) as hospital:
        body = loop.replay(hospital, suggestion)
        audit.record(hospital.engine, audit.SYSTEM, audit.Action.SUGGESTION_REPLAYED, suggestion)
        sys.stdout.buffer.write(body + b"\n")


@main.command("audit")
@HOME
def audit_command(home: Path) -> None:
    """Verify that no audit event was altered, removed or reordered."""
    from vesalius.governance import audit

    with _opened(home) as hospital:
        click.echo(f"{audit.verify(hospital.engine)} events, chain intact")


@main.command("person")
@click.argument("login")
@click.option("--name", required=True, help="As colleagues know them.")
@click.option("--role", "role", required=True, help="Such as doctor, biologist, dpo, director, engineer.")
@click.option("--language", type=click.Choice(["fr", "nl", "de", "en"]), default="fr", show_default=True)
@click.password_option(help="Asked for when it is not given.")
@HOME
def person_command(login: str, name: str, role: str, language: str, password: str, home: Path) -> None:
    """Add a person who may sign in."""
    from vesalius.governance import people

    with _opened(home) as hospital:
        people.add(hospital.engine, login, name=name, role=role, language=language, password=password)
    click.echo(f"added {login}")


@main.command("serve")
@click.option("--host", default=None, help="The address to listen on.  [default: the setting host]")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="[default: the setting port]")
@HOME
def serve_command(host: str | None, port: int | None, home: Path) -> None:
    """Open the hospital's console."""
    from vesalius.console import serve

    with _opened(home) as hospital:
        settings = hospital.settings
        serve(hospital, host or settings.host, settings.port if port is None else port)


@contextmanager
def _opened(home: Path, settings: Settings | None = None) -> Iterator[Hospital]:
    from vesalius.hospital import Hospital

    hospital = Hospital.open(home.expanduser(), settings)
    try:
        yield hospital
    finally:
        hospital.close()


@contextmanager
def _history(usecase: str, data: Path | None, home: Path, tick: Tick) -> Iterator[tuple[Hospital, Any]]:
    """The hospital's own history; or a folder's, received in a hospital that lasts as long as the block."""
    import inspect
    import tempfile

    from vesalius import loop
    from vesalius.evaluation import gather, receive_folder
    from vesalius.settings import Settings
    from vesalius.usecase import find

    kind = find(usecase)
    # A folder's data goes into a database of its own, never into the one that VESALIUS_DATABASE names.
    with (
        tempfile.TemporaryDirectory(prefix="vesalius-") as folder,
        _opened(Path(folder), Settings()) if data else _opened(home) as hospital,
    ):
        if not data:
            yield hospital, loop.history(hospital, usecase)
            return
        maps = Path(inspect.getfile(kind)).parent / "maps"
        for receipt in receive_folder(hospital.lake, data.resolve(), maps, _rows(tick, "receiving")):
            click.echo(_said(receipt), err=True)
        yield hospital, gather(kind(), hospital.lake)


def _said(receipt: Any) -> str:
    again = " (received before: nothing to do)" if receipt.repeated else ""
    return (
        f"{receipt.name}: {receipt.read} read, {receipt.written} written, {receipt.unchanged} unchanged, "
        f"{receipt.quarantined} quarantined{again}"
    )


@contextmanager
def _progress() -> Iterator[Tick]:
    """Progress bars on standard error: ``tick(stage, done, total, words)``."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TextColumn("{task.fields[words]}"),
        TimeElapsedColumn(),
    )
    bars = Progress(*columns, console=Console(stderr=True))
    tasks: dict[str, Any] = {}

    def tick(stage: str, done: int, total: int, words: str = "") -> None:
        if not tasks:
            bars.start()  # only now: a command that has nothing to show prints no empty line
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total or None, words=words)
        bars.update(tasks[stage], completed=done, total=total or None, words=words)

    try:
        yield tick
    finally:
        if tasks:
            bars.stop()


def _rows(tick: Tick, stage: str) -> Callable[[int, int], None]:
    return lambda done, total: tick(stage, done, total, f"{done}")
