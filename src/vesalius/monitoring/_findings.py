"""What the monitors see that is worth an alarm, short of stopping the use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vesalius.evaluation.monitoring import Sign
from vesalius.monitoring.alarms import Finding, Level
from vesalius.monitoring.status import Figures, RuleLine

LEVELS: Mapping[str, Level] = {
    "silent": "alarm",
    "flooded": "notice",
    "drift": "notice",
    "unit": "alarm",
    "missing": "notice",
    "together": "notice",
    "estimated": "alarm",
    "auroc": "alarm",
    "calibration": "notice",
    "subgroup": "alarm",
    "fewer": "notice",
}
"""How bad what each monitor sees is. What can harm a patient today is an alarm: values in another unit, no
suggestions at all, discrimination lost, one group served worse."""


def findings(
    figures: Figures, signs: Sequence[Sign], fired: Sequence[RuleLine], *, fewer: bool, live: bool
) -> list[Finding]:
    """All of them.

    Args:
        figures: what the refresh found.
        signs: what the look of today sees.
        fired: the stop rules; of a use that is not live, one that fires is an alarm.
        fewer: whether the chart for fewer outcomes than said has signalled.
        live: whether the use speaks.
    """
    found = [_of_sign(figures, sign) for sign in signs]
    if fewer:
        found.append(Finding("fewer", "", LEVELS["fewer"], {}))
    if not live:
        found += [
            Finding(f"stop.{rule.name}", rule.about, "alarm", of_rule(rule)) for rule in fired if rule.fires
        ]
    return found


def of_rule(rule: RuleLine) -> dict[str, Any]:
    """The figures of a stop rule, for its alarm."""
    figures = {
        "cases": rule.cases,
        "minimum": rule.minimum,
        "value": rule.value,
        "low": rule.low,
        "high": rule.high,
        "limit": rule.limit,
        "what": rule.what,
    }
    return {name: value for name, value in figures.items() if value not in (None, "")}


def _of_sign(figures: Figures, sign: Sign) -> Finding:
    """One sign; of the volume, what it is about is a monitor of its own."""
    monitor, about = (sign.about, "") if sign.monitor == "volume" else (sign.monitor, sign.about)
    shown: dict[str, Any] = {
        "rows": sign.rows,
        "days": sign.days,
        "value": round(sign.value, 4),
        "before": round(sign.before, 4),
    }
    if sign.what:
        shown["unit"] = sign.what
    if monitor == "calibration":
        shown |= {"proposal": figures.proposal, "add": figures.add, "multiply": figures.multiply}
    return Finding(monitor, about, LEVELS[monitor], shown)
