"""``vesalius demo``: the synthetic hospital."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from vesalius.cli._shared import opened, progress


@click.command()
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

    with progress() as tick:
        made = make_hospital(home, seed=seed, size=size, fresh=fresh, progress=tick)
    for line in made.lines():
        click.echo(line)
    with opened(home) as hospital:
        serve(hospital, hospital.settings.host, hospital.settings.port if port is None else port)


def _demo_check(seed: int) -> None:
    import tempfile

    from vesalius.demo.walk import check

    with tempfile.TemporaryDirectory(prefix="vesalius-check-") as folder, progress() as tick:
        stages = check(Path(folder), seed=seed, progress=tick)
    for stage in stages:
        click.echo(f"{'ok  ' if stage.ok else 'FAIL'} {stage.name:<12} {stage.words}")
    if not all(stage.ok for stage in stages):
        sys.exit(1)
