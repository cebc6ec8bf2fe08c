"""What stops a use by itself, and what its hospital declares: a form, signed with a reason."""

from __future__ import annotations

from math import isfinite

from starlette.responses import Response

from vesalius.card import StopRule
from vesalius.console.contexts import Bound, RulesPage
from vesalius.console.languages import N_
from vesalius.console.suggestion import name_of
from vesalius.console.templating import plain
from vesalius.console.visit import Visit, redirect, render
from vesalius.console.watched import RULES
from vesalius.console.words import Speaker, speaker
from vesalius.errors import Conflict, InvalidSetting
from vesalius.governance import Right, uses, watching
from vesalius.governance.watching import Watch

HELP = {
    "outcomes": N_(
        "How many false alarms a year are borne. Fewer make it slower: the chart must rise higher."
    ),
    "calibration": N_("The factor between outcomes observed and expected, either way, that is too much."),
    "feed": N_("The share of suggestions without the input that is too much (0.9 is nine in ten)."),
    "subgroup": N_("How much lower than elsewhere the AUROC of a subgroup may be."),
    "override": N_("The share of decisions that may be overrides (0.7 is seven in ten)."),
}
"""What the bound of each rule is."""

SIGNED = N_("The new bounds are in force from the next refresh on.")
NO_REASON = N_("Say why: the reason is kept with your name.")
WRONG = N_("A figure is not a number within its bounds, or lacks its source. Nothing was changed.")
SAME = N_("This is in force already. Nothing was changed.")


def show(visit: Visit) -> Response:
    """The page."""
    name = visit.path("name")
    return render(visit, "rules.html", _page(visit, name, speaker(name, visit.language)))


def change(visit: Visit) -> Response:
    """Puts other bounds in force, or says why not."""
    name = visit.path("name")
    said, reason = speaker(name, visit.language), visit.form.get("reason", "").strip()[:2000]
    if not reason:
        return _refused(visit, name, said, NO_REASON, 400)
    try:
        watching.declare(
            visit.hospital.engine, name, _declared(visit, said), visit.who, reason=reason, at=visit.now
        )
    except (ValueError, InvalidSetting):
        return _refused(visit, name, said, WRONG, 400)
    except Conflict:
        return _refused(visit, name, said, SAME, 409)
    visit.notice(SIGNED)
    return redirect(f"/usecases/{name}/monitoring/rules")


def _declared(visit: Visit, said: Speaker) -> Watch:
    """What the form says; a bound that is the rule's own is not declared."""
    form = visit.form
    given = {
        rule.name: (_number(form.get(rule.name, "")), rule.limit) for rule in watching.stop_rules(said.card)
    }
    return Watch(
        limits={name: value for name, (value, own) in given.items() if value is not None and value != own},
        clinician_hours=_number(form.get("hours", "")),
        hours_source=form.get("hours_source", "").strip()[:500],
        minutes_saved=_number(form.get("minutes", "")),
        minutes_source=form.get("minutes_source", "").strip()[:500],
    )


def _number(words: str) -> float | None:
    """The number that a field says; None where it is empty."""
    if not words.strip():
        return None
    value = float(words.strip().replace(",", ".")[:20])
    if not isfinite(value):  # NaN compares with nothing and would pass every bound
        raise ValueError("not a number")
    return round(value, 6)


def _refused(visit: Visit, name: str, said: Speaker, problem: str, status: int) -> Response:
    return render(visit, "rules.html", _page(visit, name, said, problem), status)


def _page(visit: Visit, name: str, said: Speaker, problem: str = "") -> RulesPage:
    engine, form = visit.hospital.engine, visit.form
    watch = watching.watching(engine, name)

    def typed(field: str, value: float | None) -> str:
        return form.get(field, "" if value is None else plain(value))[:20]

    return RulesPage(
        name=name,
        title=said.say("title"),
        bounds=tuple(_bound(visit, rule) for rule in watching.stop_rules(said.card, watch)),
        hours=typed("hours", watch.clinician_hours),
        hours_source=form.get("hours_source", watch.hours_source)[:500],
        minutes=typed("minutes", watch.minutes_saved),
        minutes_source=form.get("minutes_source", watch.minutes_source)[:500],
        may_change=visit.may(Right.CHANGE_SETTINGS),
        past=tuple(
            (change.at, name_of(visit, change.by), change.reason)
            for change in uses.history(engine, name)
            if change.kind == "rules"
        )[:20],
        problem=problem,
        reason=form.get("reason", "")[:2000],
    )


def _bound(visit: Visit, rule: StopRule) -> Bound:
    try:
        value = _number(visit.form.get(rule.name, ""))
    except ValueError:
        value = None
    return Bound(
        name=rule.name,
        label=RULES[rule.name],
        help=HELP[rule.name],
        value=rule.limit if value is None else value,
        low=rule.low,
        high=rule.high,
        step=0.01,
        minimum=rule.minimum,
        days=rule.days,
    )
