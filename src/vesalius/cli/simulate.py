"""Simulations: which monitor would see what goes wrong, and after how many patients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vesalius.cli._shared import DATA, HOME, SEED, Tick, history, progress

if TYPE_CHECKING:
    from vesalius.simulation import Drifted, Pool

PATIENTS = 5000
"""Made-up patients where no data is given."""


@click.group()
def simulate() -> None:
    """What the monitors of a live use would see, on days made up from known patients."""


@simulate.command("drift")
@click.option("--use", "usecase", required=True, help="The use case.")
@click.option("--scenario", default="all", show_default=True, help="What goes wrong; all for every scenario.")
@DATA
@click.option("--own", is_flag=True, help="Draw from the hospital's own history.")
@click.option("--repeats", type=click.IntRange(1, 500), default=10, show_default=True, help="How many times.")
@click.option("--a-day", type=click.FloatRange(1), default=40, show_default=True, help="Patients a day.")
@click.option(
    "--delay", type=click.IntRange(0, 365), default=30, show_default=True, help="Days to an outcome."
)
@click.option(
    "--days", type=click.IntRange(28, 730), default=180, show_default=True, help="After the change."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a picture of each scenario (SVG) to this folder.",
)
@SEED
@HOME
def drift(
    usecase: str,
    scenario: str,
    data: Path | None,
    own: bool,
    repeats: int,
    a_day: float,
    delay: int,
    days: int,
    as_json: bool,
    pictures: Path | None,
    seed: int,
    home: Path,
) -> None:
    """Let something go wrong and see which monitor sees it, when, and how often one cries wolf.

    The patients are those of --data or of the hospital's --own history; without either they are made up
    from the points of the model that the use ships.
    """
    from vesalius.governance.watching import stop_rules
    from vesalius.simulation import SCENARIOS, Plan, find, picture
    from vesalius.simulation import simulate as simulated

    wanted = SCENARIOS if scenario == "all" else (find(scenario),)
    plan = Plan(repeats=repeats, a_day=a_day, delay=delay, before=delay + 95, after=days, seed=seed)
    found: list[Drifted] = []
    with progress() as tick:
        pool = _pool(usecase, data, own, seed, home, tick)
        for each in wanted:
            done = simulated(pool, each, stop_rules(pool.card), plan, _ticking(tick, each.name))
            found.append(done)
            if pictures:
                pictures.mkdir(parents=True, exist_ok=True)
                (pictures / f"{usecase}-{each.name}.svg").write_text(picture(done), encoding="utf-8")
    if as_json:
        _json(found)
        return
    for line in _told(found):
        click.echo(line)


@simulate.command("sherpa")
@click.option("--repeats", type=click.IntRange(1, 200), default=3, show_default=True, help="How many times.")
@click.option("--a-day", type=click.FloatRange(0.5), default=3, show_default=True, help="Patients a day.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@SEED
def sherpa(repeats: int, a_day: float, as_json: bool, seed: int) -> None:
    """Ten years of a Belgian score whose c-statistic fell from .73 to .64, watched."""
    from vesalius.simulation.sherpa import replayed

    with progress() as tick:
        found = replayed(repeats, a_day, seed, _ticking(tick, "ten years"))
    if as_json:
        _json(found)
        return
    for line in found.lines():
        click.echo(line)


def _json(value: Any) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _ticking(tick: Tick, stage: str) -> Any:
    return lambda done, total: tick(stage, done, total, f"{done}/{total}")


def _pool(usecase: str, data: Path | None, own: bool, seed: int, home: Path, tick: Tick) -> Pool:
    from vesalius.simulation import made_up, of_cohort
    from vesalius.usecase import find

    kind = find(usecase)
    if data is None and not own:
        return made_up(kind, PATIENTS, seed)
    with history(usecase, data, home, tick) as (_, cohort):
        return of_cohort(kind, cohort, seed)


def _told(found: list[Drifted]) -> list[str]:
    first = found[0]
    plan = first.plan
    lines = [
        f"{first.usecase}: {first.origin}; {plan.repeats} repeats, {plan.a_day:g} patients a day",
        f"outcomes are known after {plan.delay} days; {plan.after} days are watched after the change",
        "median days (patients) until it is seen; % of the repeats where not all",
    ]
    for each in found:
        about = f" ({each.about})" if each.about else ""
        lines += ["", f"{each.scenario}: {each.words}{about}"]
        if each.scenario == "nothing":
            rate, low, high = each.a_year
            lines.append(
                f"  false alarms: {each.false_alarms} in {each.years:.1f} years: {rate:.2f} a year "
                f"({low:.2f} to {high:.2f}); stop rules that fired: {each.false_stops}"
            )
            continue
        lines += [_seen(line) for line in each.monitors if line.share]
        blind = [line.monitor for line in each.monitors if not line.share]
        lines.append(f"  never: {', '.join(blind) or 'none'}")
        should = "should" if each.should_stop else "need not"
        lines.append(f"  a stop rule {should} fire, and does in {each.stopped:.0%} of the repeats")
        lines += [_seen(line, "  stop ") for line in each.rules]
    return lines


def _seen(line: Any, head: str = "  ") -> str:
    share = "" if line.share == 1 else f"  {line.share:.0%}"
    return f"{head}{line.monitor:<14}{line.days:>6g} days  ({line.patients:,.0f}){share}"
