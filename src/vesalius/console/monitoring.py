"""How one use does over time, and acknowledging its alarms."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from vesalius.console import plots
from vesalius.console.board import burden
from vesalius.console.contexts import (
    Distribution,
    Figure,
    GapRow,
    HeatCell,
    HeatRow,
    MonitoringPage,
    RuleRow,
    Tally,
)
from vesalius.console.languages import N_
from vesalius.console.visit import Visit, redirect, render
from vesalius.console.watched import RULES, about, alarm_line, near, ranged, rule_limit, rule_value, shared
from vesalius.console.words import STATES, Speaker, speaker
from vesalius.errors import InvalidDecision, NotFound
from vesalius.governance import Right
from vesalius.monitoring import Figures, Status, Week, acknowledge, alarms, status, undo
from vesalius.monitoring.status import Cell, RuleLine, people, this_monday, weeks
from vesalius.review.factors import Factors, start_of, total

SHOWN = 26
"""Over how many weeks figures are shown …"""

HEAT = 12
"""… and inputs."""

SMALL = 5
"""A ward where fewer suggestions were shown is left out."""

SOME, MUCH = 0.1, 0.25
"""Of the stability index, where the heat map grows darker: the customary bounds of a shift that is worth a
look, and of one that is large (Siddiqi, Credit Risk Scorecards, 2006, p. 136)."""

RUN = N_("the validation run %(run)s (%(rows)s rows), since %(day)s")
FIRST = N_(
    "its first weeks here (%(rows)s suggestions), since %(day)s: no validation run was made of this model"
)
PROPOSALS = {
    "intercept": N_("Proposal, for a person to decide: add %(add)s to the log odds."),
    "intercept and slope": N_(
        "Proposal, for a person to decide: multiply the log odds by %(multiply)s and add %(add)s."
    ),
}
GONE = N_("Missing: %(now)s, and %(before)s in the reference.")
RETURNED = N_("%(hours)s hours over 28 days, at %(minutes)s minutes for each one accepted (%(source)s)")
NOT_MEASURED = N_("Not measured: the hospital has not said how many minutes an accepted suggestion saves.")
UNDECLARED = N_("%(count)s (the hospital has not said how many clinician-hours there are)")
ACKNOWLEDGED = N_("Acknowledged. It stays in view until it is resolved.")
TAKEN_BACK = N_("Taken back: the alarm is open again.")


def show(visit: Visit) -> Response:
    """The page."""
    name = visit.path("name")
    return render(visit, "monitoring.html", _page(visit, name, speaker(name, visit.language)))


def look_at(visit: Visit) -> Response:
    """Acknowledges an alarm, or takes that back."""
    name, number, engine = visit.path("name"), visit.number("id"), visit.hospital.engine
    speaker(name, visit.language)
    if all(each.id != number for each in alarms.standing(engine, name)):
        raise NotFound("this use has no such alarm")
    if visit.form.get("act") == "undo":
        undo(engine, number, visit.who, visit.now, minutes=visit.hospital.settings.undo_minutes)
        visit.notice(TAKEN_BACK)
    elif visit.form.get("act") == "acknowledge":
        acknowledge(engine, number, visit.who, visit.form.get("words", ""), visit.now)
        visit.notice(ACKNOWLEDGED)
    else:
        raise InvalidDecision("nothing to do with that button")
    return redirect(f"/usecases/{name}/monitoring")


def _page(visit: Visit, name: str, said: Speaker) -> MonitoringPage:
    engine = visit.hospital.engine
    each = status(engine, name)
    seen = each.figures or Figures(at=visit.now)
    past = weeks(engine, name, seen.model, SHOWN) if each.figures else []
    monday = this_monday(visit.now)
    by_week = _by_week(people(engine, name, monday - 7 * (SHOWN - 1)), monday)
    recent = total(list(by_week.values())[-4:])
    return MonitoringPage(
        name=name,
        title=said.say("title"),
        state=STATES[each.use.state],
        light=each.light,
        refreshed=each.figures.at if each.figures else None,
        compared=_compared(visit, seen),
        waiting=seen.waiting,
        alarms=tuple(alarm_line(visit, said, alarm) for alarm in each.alarms),
        resolved=tuple(alarm_line(visit, said, alarm) for alarm in alarms.past(engine, name, 20)),
        may_acknowledge=visit.may(Right.ACKNOWLEDGE),
        figures=_figures(visit, seen),
        rules=tuple(_rule(visit, said, each, rule) for rule in seen.rules),
        weeks=tuple(plots.week_name(visit, week.monday) for week in past[-HEAT:]),
        heat=_heat(visit, said, name, past[-HEAT:]),
        chosen=_chosen(visit, said, name, seen),
        plots=plots.performance(visit, past, seen) if seen.origin and seen.scored else (),
        proposal=_proposal(visit, seen),
        gaps=tuple(
            GapRow(
                about(said, gap.group),
                gap.known,
                ranged(visit, gap.auroc),
                ranged(visit, gap.ratio),
                gap.beyond,
            )
            for gap in seen.gaps
        ),
        people=plots.of_people(visit, by_week, each.watch.clinician_hours)
        if recent.live or recent.decided
        else (),
        reasons=_reasons(visit, said, recent),
        wards=tuple(
            (ward or visit.say(N_("ward not known")), visit.language.number(round(count / 28, 1)))
            for ward, count in sorted(recent.shown.items(), key=lambda item: -item[1])
            if count >= SMALL
        ),
        options=_options(said, recent),
        bias=_bias(visit, seen),
        returned=_returned(visit, each),
        burden=_burden(visit, seen),
    )


def _by_week(days: dict[int, Factors], last: int) -> dict[int, Factors]:
    """What people did per week, oldest first; weeks without anything are there, up to ``last``."""
    if not days:
        return {}
    first = min(days)
    first -= (first - last) % 7
    return {
        monday: total(days[day] for day in range(monday, monday + 7) if day in days)
        for monday in range(first, last + 1, 7)
    }


def _compared(visit: Visit, seen: Figures) -> str:
    if not seen.origin or seen.origin_at is None:
        return ""
    said = {"rows": visit.language.number(seen.origin_rows, 0), "day": visit.language.day(seen.origin_at)}
    return visit.say(FIRST, **said) if seen.origin == "first" else visit.say(RUN, run=seen.origin, **said)


def _figures(visit: Visit, seen: Figures) -> tuple[Figure, ...]:
    number = visit.language.number
    found = [Figure(number(sum(seen.daily), 0), N_("suggestions in 28 days"))]
    if seen.scored and seen.origin:
        found += [
            Figure(ranged(visit, seen.estimated), N_("AUROC, estimated before outcomes are known")),
            Figure(ranged(visit, seen.realised), N_("AUROC by the outcomes known of a quarter")),
            Figure(ranged(visit, seen.before), N_("AUROC at the reference")),
            Figure(number(seen.known, 0), N_("outcomes known of a quarter")),
            Figure(ranged(visit, seen.ratio), N_("outcomes observed per expected")),
            Figure(ranged(visit, seen.slope), N_("slope of calibration")),
        ]
    if seen.decided:
        found.append(Figure(shared(visit, seen.overrides), N_("of decisions are overrides")))
    for minutes, words in (
        (seen.to_suggestion, N_("median from the data to the suggestion")),
        (seen.to_decision, N_("median from the data to the decision")),
        (seen.to_decision_p90, N_("nine in ten were decided within")),
    ):
        if minutes is not None:
            found.append(Figure("≈ " + visit.language.briefly(timedelta(minutes=minutes)), words))
    if seen.uncounted:
        found.append(Figure(number(seen.uncounted, 0), N_("could not be compared (out of scope, or erased)")))
    return tuple(found)


def _rule(visit: Visit, said: Speaker, each: Status, rule: RuleLine) -> RuleRow:
    state = "fires" if rule.fires else "early" if rule.cases < rule.minimum else "quiet"
    return RuleRow(
        name=rule.name,
        label=RULES[rule.name],
        value=rule_value(visit, rule),
        about=about(said, rule.about) if rule.about else "",
        limit=rule_limit(visit, rule.name, rule.limit),
        cases=rule.cases,
        minimum=rule.minimum,
        state="near" if state == "quiet" and rule.left is not None else state,
        near=near(visit, (rule,)) if each.use.speaks else "",
    )


def _heat(visit: Visit, said: Speaker, name: str, past: list[Week]) -> tuple[HeatRow, ...]:
    inputs = list(dict.fromkeys(cell.input for week in past for cell in week.cells))
    by_week = [{cell.input: cell for cell in week.cells} for week in past]
    return tuple(
        HeatRow(
            said.input(each),
            tuple(
                _heat_cell(visit, name, each, week.monday, cells.get(each))
                for week, cells in zip(past, by_week, strict=True)
            ),
        )
        for each in inputs
    )


def _heat_cell(visit: Visit, name: str, input_: str, monday: int, cell: Cell | None) -> HeatCell:
    label = plots.week_name(visit, monday)
    if cell is None:
        return HeatCell("few", "", "", "", label)
    level = "much" if cell.psi >= MUCH else "some" if cell.psi >= SOME else "quiet"
    flag = "unit" if cell.unit else "drift" if cell.drifted else "missing" if cell.lost else ""
    asked = urlencode({"input": input_, "week": start_of(monday).date().isoformat()})
    path = f"/usecases/{name}/monitoring?{asked}#distribution"
    return HeatCell(level, visit.language.number(cell.psi, 2), flag, path, label)


def _chosen(visit: Visit, said: Speaker, name: str, seen: Figures) -> Distribution | None:
    input_, week = visit.query.get("input", ""), visit.query.get("week", "")
    if not input_ or not seen.origin:
        return None
    from vesalius.monitoring.distributions import distribution

    beside = distribution(visit.hospital.engine, name, seen.model, input_, plots.monday_of(week))
    missing = (beside.now[-1] / max(sum(beside.now), 1), beside.before[-1] / max(sum(beside.before), 1))
    percent = visit.language.percent
    return Distribution(
        title=f"{said.input(input_)}, {plots.week_name(visit, plots.monday_of(week))}",
        picture=plots.beside(visit, said, beside),
        sentence=visit.say(GONE, now=percent(missing[0]), before=percent(missing[1])),
    )


def _proposal(visit: Visit, seen: Figures) -> str:
    if seen.proposal not in PROPOSALS:
        return ""
    number = visit.language.number
    values = {"add": visit.language.signed(seen.add), "multiply": number(seen.multiply, 2)}
    return visit.say(PROPOSALS[seen.proposal], **values)


def _reasons(visit: Visit, said: Speaker, recent: Factors) -> tuple[Tally, ...]:
    overridden = recent.count("overridden")
    return tuple(
        Tally(
            said.or_else(f"reason.{code}", code) if code else visit.say(N_("in words only")),
            count,
            count / overridden if overridden else None,
        )
        for code, count in sorted(recent.reasons.items(), key=lambda item: -item[1])
    )


def _options(said: Speaker, recent: Factors) -> tuple[Tally, ...]:
    """Of the decisions on each option, how many were overrides."""
    found: dict[str, list[int]] = {}
    for act in recent.acts:
        pair = found.setdefault(act.option, [0, 0])
        pair[0] += act.count * (act.action == "overridden")
        pair[1] += act.count
    return tuple(
        Tally(said.or_else(f"option.{code}", code), decided, over / decided)
        for code, (over, decided) in sorted(found.items())
    )


def _bias(visit: Visit, seen: Figures) -> tuple[Tally, ...]:
    pairs = (
        (N_("suggestions that proved right"), seen.right),
        (N_("suggestions that proved wrong"), seen.wrong),
    )
    return tuple(
        Tally(visit.say(words), all_, accepted / all_ if all_ else None)
        for words, (accepted, all_) in pairs
        if seen.right[1] + seen.wrong[1]
    )


def _returned(visit: Visit, each: Status) -> str:
    if each.figures is None or each.figures.returned is None or each.watch.minutes_saved is None:
        return visit.say(NOT_MEASURED)
    number = visit.language.number
    return visit.say(
        RETURNED,
        hours=number(round(each.figures.returned, 1)),
        minutes=number(each.watch.minutes_saved),
        source=each.watch.minutes_source,
    )


def _burden(visit: Visit, seen: Figures) -> str:
    shown = burden(visit, seen)
    return shown if seen.per_hour is not None or not seen.wards else visit.say(UNDECLARED, count=shown)
