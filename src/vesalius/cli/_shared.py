"""What several commands share: their options, an opened hospital, progress bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from vesalius.governance.secondary import LeftOut
    from vesalius.hospital import Hospital
    from vesalius.settings import Settings

LANGUAGES = ("fr", "nl", "de", "en")
"""Those of ``vesalius.card``, which no command loads before it runs."""

Tick = Callable[[str, int, int, str], None]

MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])
"""A moment with its time zone."""

NOW = click.option("--now", type=MOMENT, default=None, help="Take this moment as now.")

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


FILES = click.option(
    "--files",
    default="*",
    show_default=True,
    metavar="PATTERN",
    help="Of --data, only the files whose name fits.",
)


SEED = click.option(
    "--seed", type=int, default=1514, show_default=True, help="Same data and seed, same result."
)


CARE = click.option(
    "--for-care",
    "care",
    is_flag=True,
    help="It serves the care of the patients themselves: who refuses other uses is not left out.",
)


def left_out(out: LeftOut) -> None:
    """Says how many patients are not in something, because they refuse its use."""
    if out.patients:
        click.echo(f"left out, for they refuse any use but their care: {out.told} patients", err=True)


def written(path: Path, body: bytes) -> None:
    """Writes a file whole or not at all, and says so."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(body)
    partial.replace(path)
    click.echo(f"wrote {path}", err=True)


@contextmanager
def opened(home: Path, settings: Settings | None = None) -> Iterator[Hospital]:
    from vesalius.hospital import Hospital

    hospital = Hospital.open(home.expanduser(), settings)
    try:
        yield hospital
    finally:
        hospital.close()


@contextmanager
def history(
    usecase: str, data: Path | None, home: Path, tick: Tick, files: str = "*"
) -> Iterator[tuple[Hospital, Any]]:
    """The hospital's own history; or a folder's, received in a hospital that lasts as long as the block."""
    import inspect
    import tempfile

    from vesalius import loop
    from vesalius.evaluation import gather, receive_folder
    from vesalius.governance import consent
    from vesalius.settings import Settings
    from vesalius.usecase import find

    kind = find(usecase)
    # A folder's data goes into a database of its own, never into the one that VESALIUS_DATABASE names.
    with (
        tempfile.TemporaryDirectory(prefix="vesalius-") as folder,
        opened(Path(folder), Settings()) if data else opened(home) as hospital,
    ):
        if not data:
            yield hospital, loop.history(hospital, usecase)
            return
        maps = Path(inspect.getfile(kind)).parent / "maps"
        watch = rows(tick, "receiving")
        for receipt in receive_folder(hospital.lake, data.resolve(), maps, watch, files=files):
            click.echo(said(receipt), err=True)
        # Consents that lie among the data count as they would in a hospital.
        without = consent.excluded(hospital.lake, consent.Kind.SECONDARY)
        yield hospital, gather(kind(), hospital.lake, without=without)


def said(receipt: Any) -> str:
    again = " (received before: nothing to do)" if receipt.repeated else ""
    return (
        f"{receipt.name}: {receipt.read} read, {receipt.written} written, {receipt.unchanged} unchanged, "
        f"{receipt.quarantined} quarantined{again}"
    )


@contextmanager
def progress() -> Iterator[Tick]:
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


def rows(tick: Tick, stage: str) -> Callable[[int, int], None]:
    return lambda done, total: tick(stage, done, total, f"{done}")
