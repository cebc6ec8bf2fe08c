"""How each use does, and whether an alarm is open."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, opened, progress, rows

if TYPE_CHECKING:
    from vesalius.hospital import Hospital
    from vesalius.monitoring import Alarm, Range, Status


@click.command()
@click.argument("usecase", required=False)
@click.option("--refresh", is_flag=True, help="Count what is new first, and apply the stop rules.")
@click.option("--check", is_flag=True, help="Fail when an alarm is open, for a monitoring system.")
@HOME
def monitor(usecase: str | None, refresh: bool, check: bool, home: Path) -> None:
    """How each use does: drift, performance, what people do with it, alarms and stop rules.

    Without a USECASE, all of them, those that need attention first. A notice is no alarm; one that somebody
    has acknowledged is not open. With --refresh, it fails too when a use cannot be brought up to date.
    """
    from vesalius import monitoring
    from vesalius.usecase import find, names

    if usecase:
        find(usecase)
    wanted, failed = [usecase] if usecase else names(), False
    with opened(home) as hospital:
        if refresh:
            failed = _refresh(hospital, usecase)
        found = monitoring.statuses(hospital.engine, wanted)
    for each in sorted(found, key=monitoring.attention):
        for line in _lines(each):
            click.echo(line)
    alarms = any(alarm.open and alarm.level != "notice" for each in found for alarm in each.alarms)
    if failed or (check and alarms):
        sys.exit(1)


def _refresh(hospital: Hospital, usecase: str | None) -> bool:
    """Brings one use or all up to date; whether one could not be."""
    from vesalius.monitoring import refreshing

    with progress() as tick:
        done = refreshing.refresh(hospital, datetime.now(UTC), rows(tick, "monitoring"), usecase or "")
    for each in done:
        if each.silenced:
            click.secho(f"{each.usecase} was silenced: {each.silenced}", fg="red", err=True)
        if each.error:
            click.echo(f"{each.usecase}: {each.error}", err=True)
    return any(each.error for each in done)


def _lines(each: Status) -> list[str]:
    seen = each.figures
    head = f"{each.use.name}: {each.use.state}, {each.light}"
    if seen is None:
        return [f"{head}; not refreshed yet", *map(_alarm, each.alarms)]
    lines = [f"{head}; {sum(seen.daily)} suggestions in {len(seen.daily)} days, {seen.at:%Y-%m-%d %H:%M} UTC"]
    if seen.origin:
        compared = (
            f"  AUROC estimated {_range(seen.estimated)}, by {seen.known} outcomes {_range(seen.realised)}"
        )
        lines.append(f"{compared}, reference {_range(seen.before)} ({seen.origin})")
        lines.append(f"  observed per expected {_range(seen.ratio)}, slope {_range(seen.slope)}")
    elif each.use.runs:
        lines.append(f"  nothing to compare with yet; {seen.waiting} suggestions wait")
    if seen.decided:
        lines.append(f"  {seen.decided} decisions, overridden {_range(seen.overrides)}")
    for rule in seen.rules:
        value = "-" if rule.value is None else f"{rule.value:.3g}"
        about = f" ({rule.about})" if rule.about else ""
        cases = f"{rule.cases} of at least {rule.minimum} cases"
        lines.append(f"  stop rule {rule.name}{about}: {value}, limit {rule.limit:.3g}, {cases}")
    return [*lines, *map(_alarm, each.alarms)]


def _alarm(alarm: Alarm) -> str:
    seen = f"since {alarm.first_seen:%Y-%m-%d}"
    known = f", acknowledged by {alarm.acknowledged_by}" if alarm.acknowledged_at else ""
    return f"  {alarm.level.upper()} {' '.join(filter(None, (alarm.monitor, alarm.about)))} {seen}{known}"


def _range(figure: Range) -> str:
    if figure.value is None:
        return "-"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
