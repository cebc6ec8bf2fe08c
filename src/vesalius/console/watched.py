"""The words of monitoring that several pages share: alarms, figures with their intervals, stop rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from vesalius.console.contexts import AlarmLine
from vesalius.console.languages import N_, NAMED
from vesalius.console.suggestion import name_of
from vesalius.console.visit import Visit
from vesalius.console.words import Speaker
from vesalius.monitoring import Alarm, Range
from vesalius.monitoring.status import RuleLine

ALARMS = {
    "silent": N_("Far fewer suggestions than usual"),
    "flooded": N_("Far more suggestions than usual"),
    "drift": N_("Its values have drifted"),
    "unit": N_("Its values look as if their unit had changed"),
    "missing": N_("How often it is missing has changed"),
    "together strange": N_("The inputs no longer hang together as they did"),
    "together moved": N_("The inputs together have moved"),
    "estimated": N_("The estimated performance has fallen"),
    "auroc": N_("The performance has fallen, by the outcomes known"),
    "calibration": N_("The probabilities no longer mean what they say"),
    "subgroup": N_("It is served differently from the others"),
    "fewer": N_("Fewer outcomes come true than said"),
    "gate": N_("A gate expired or is open again"),
    "stop.outcomes": N_("Stop rule: more outcomes come true than said"),
    "stop.calibration": N_("Stop rule: the calibration has collapsed"),
    "stop.feed": N_("Stop rule: it no longer comes"),
    "stop.subgroup": N_("Stop rule: it is served much worse than the others"),
    "stop.override": N_("Stop rule: people override most of it"),
}
"""What each alarm says; of an input or a subgroup, its name stands before it."""

RULES = {
    "outcomes": N_("More outcomes than said, case by case"),
    "calibration": N_("Calibration"),
    "feed": N_("A needed input no longer comes"),
    "subgroup": N_("A subgroup served worse"),
    "override": N_("Overrides"),
}
"""What each stop rule watches."""

FIGURES = N_("%(value)s against %(before)s; n = %(rows)s, %(days)s d")
STOPPED = N_("%(value)s, limit %(limit)s, on %(cases)s cases")
LEFT = N_("If it goes on like the last cases, it falls silent in about %(cases)s")


def alarm_line(visit: Visit, said: Speaker, alarm: Alarm) -> AlarmLine:
    """One alarm, in words."""
    undo = timedelta(minutes=visit.hospital.settings.undo_minutes)
    return AlarmLine(
        id=alarm.id,
        level=alarm.level,
        what=visit.say(_words(alarm)),
        about=about(said, alarm.about) if alarm.monitor != "together" else "",
        figures=_figures(visit, alarm),
        since=alarm.first_seen,
        resolved=alarm.resolved_at,
        by=name_of(visit, alarm.acknowledged_by) if alarm.acknowledged_by else "",
        at=alarm.acknowledged_at,
        words=alarm.words,
        may_undo=alarm.acknowledged_by == visit.who.id
        and alarm.acknowledged_at is not None
        and alarm.resolved_at is None
        and visit.now - alarm.acknowledged_at <= undo,
    )


def _words(alarm: Alarm) -> str:
    """What an alarm says; of all inputs together, what it is about says which."""
    named = f"{alarm.monitor} {alarm.about}" if alarm.monitor == "together" else alarm.monitor
    return ALARMS.get(named, alarm.monitor)


def about(said: Speaker, name: str) -> str:
    """An input, or a subgroup as ``INPUT=LABEL``, by its name for people."""
    named, equals, label = name.partition("=")
    if not equals:
        return said.input(named)
    return said.language.say(NAMED, name=said.input(named), value=said.value(named, label))


def ranged(visit: Visit, figure: Range, digits: int = 2) -> str:
    """A figure with its interval, or a dash."""
    return _spanned(figure, lambda value: visit.language.number(value, digits))


def shared(visit: Visit, figure: Range) -> str:
    """A share with its interval in percent, or a dash."""
    return _spanned(figure, visit.language.percent)


def _spanned(figure: Range, write: Callable[[float], str]) -> str:
    if figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return write(figure.value)
    return f"{write(figure.value)} ({write(figure.low)}–{write(figure.high)})"


def rule_value(visit: Visit, rule: RuleLine) -> str:
    """What a stop rule sees, in its own terms."""
    figure = Range(rule.value, rule.low, rule.high)
    return shared(visit, figure) if rule.name in ("feed", "override") else ranged(visit, figure)


def rule_limit(visit: Visit, name: str, limit: float) -> str:
    """Its bound, in its own terms."""
    return visit.language.percent(limit) if name in ("feed", "override") else visit.language.number(limit, 2)


def near(visit: Visit, rules: tuple[RuleLine, ...]) -> str:
    """After how many more cases a rule would fire; empty where nobody can say."""
    left = [rule.left for rule in rules if rule.left is not None and not rule.fires]
    return visit.say(LEFT, cases=visit.language.number(min(left), 0)) if left else ""


def _figures(visit: Visit, alarm: Alarm) -> str:
    shown: Mapping[str, Any] = alarm.figures
    number = visit.language.number
    if alarm.monitor.startswith("stop."):
        if "value" not in shown or "limit" not in shown:
            return ""
        return visit.say(
            STOPPED,
            value=rule_limit(visit, alarm.monitor.removeprefix("stop."), shown["value"]),
            limit=rule_limit(visit, alarm.monitor.removeprefix("stop."), shown["limit"]),
            cases=number(shown.get("cases", 0), 0),
        )
    if "rows" not in shown:
        return ""
    digits = 0 if alarm.monitor in ("silent", "flooded") else 2
    unit = f"{shown['unit']}: " if shown.get("unit") else ""
    return unit + visit.say(
        FIGURES,
        value=number(shown["value"], digits),
        before=number(shown["before"], digits),
        rows=number(shown["rows"], 0),
        days=number(shown["days"], 0),
    )
