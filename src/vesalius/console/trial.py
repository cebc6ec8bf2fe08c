"""The silent trial of a use: planning it, how far it is, its looks, the tool beside the clinicians."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
from markupsafe import Markup
from starlette.responses import Response

from vesalius import trial
from vesalius.console import trial_pictures as pictures
from vesalius.console.contexts import (
    Apart,
    Choice,
    FateLine,
    LookLine,
    PlanForm,
    PlanLine,
    SilentTrialPage,
    TrialField,
    TrialGroup,
)
from vesalius.console.languages import N_, NAMED
from vesalius.console.runs import latest_run
from vesalius.console.suggestion import name_of
from vesalius.console.trial_words import (
    CHANGED,
    ENDPOINTS,
    EXPLAINED,
    FATES,
    MEANINGS,
    NUMBERS,
    OTHERS,
    RIGHT,
    RULES,
    SHOWN,
    SPENDING,
    TILES,
    VERDICTS,
    must_show,
    scale,
    with_interval,
    written,
)
from vesalius.console.visit import Visit, redirect, render
from vesalius.console.words import Speaker, speaker
from vesalius.errors import InvalidDecision, InvalidSetting
from vesalius.governance import Right
from vesalius.trial import Draft, Look, Plan, State
from vesalius.trial.cases import disagreements, grouping
from vesalius.usecase import UseCase, find

REGISTERED = N_("The plan is registered. From now on it can only be followed by another.")
NO_NUMBER = "a number is missing, or is none"
WRONG = N_("This plan cannot be kept:")
MOST_APART = 40
"""How many closed cases are listed."""


def show(visit: Visit) -> Response:
    """The page."""
    name = visit.path("name")
    usecase = visit.hospital.usecase(find(name).card.name)
    return _page(visit, usecase, _first(visit, usecase))


def plan(visit: Visit) -> Response:
    """Proposes, computes or registers a plan; nothing is kept but by registering."""
    name, act = visit.path("name"), visit.form.get("act", "")
    usecase = visit.hospital.usecase(find(name).card.name)
    try:
        draft = _drafted(visit, usecase, proposing=act == "propose")
        if act == "register":
            trial.register(
                visit.hospital,
                name,
                visit.who,
                draft,
                reason=visit.form.get("reason", "").strip()[:2000],
                at=visit.now,
                after=_after(visit),
            )
            visit.notice(REGISTERED)
            return redirect(f"/usecases/{name}/trial")
        if act not in ("propose", "compute"):
            raise InvalidDecision("nothing to do with that button")
        trial.size(draft)
    except (InvalidSetting, ValueError) as error:
        told = error.message if isinstance(error, InvalidSetting) else NO_NUMBER
        return _page(visit, usecase, _drafted(visit, usecase, proposing=True), told, status=400)
    return _page(visit, usecase, draft, computed=True)


def _after(visit: Visit) -> int:
    seen = visit.form.get("after", "")
    return int(seen) if seen.isdecimal() and len(seen) < 9 else -1


def _first(visit: Visit, usecase: UseCase) -> Draft:
    """The plan in force, to change it; else what the validation lets one propose."""
    stands = trial.state(visit.hospital, usecase.card.name, visit.now)
    if stands.plan is not None:
        return stands.plan.draft
    return _proposal(visit, usecase, "auroc" if usecase.model else "sensitivity")


def _proposal(visit: Visit, usecase: UseCase, endpoint: Any) -> Draft:
    return trial.propose(usecase.card, latest_run(visit.hospital, usecase.card.name), endpoint)


def _drafted(visit: Visit, usecase: UseCase, *, proposing: bool) -> Draft:
    """The plan as the form has it.

    Raises:
        ValueError: a number is none.
    """
    form = visit.form
    endpoint = form.get("endpoint", "")
    if endpoint not in ENDPOINTS:
        raise InvalidDecision("there is no such endpoint")
    draft = _proposal(visit, usecase, endpoint)
    if proposing:
        return draft
    aim = msgspec.structs.replace(draft.aim, **_numbers(form, endpoint, SHOWN[endpoint]))
    rules: dict[str, Any] = _numbers(form, endpoint, RULES)
    rules |= {name: round(rules[name]) for name in ("looks", "wait_days", "longest_days")}
    return msgspec.structs.replace(
        draft,
        aim=aim,
        spending="pocock" if form.get("spending") == "pocock" else "obrien-fleming",
        acts=tuple(each.code for each in usecase.card.options if f"act.{each.code}" in form),
        subgroups=tuple(each.name for each in usecase.card.inputs if f"group.{each.name}" in form),
        **rules,
    )


def _numbers(form: Mapping[str, str], endpoint: str, names: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for name in names:
        value = float(form.get(name, "").strip().removesuffix("%").replace(",", ".").replace("−", "-")[:20])
        if not math.isfinite(value):  # NaN compares with nothing and would pass every bound
            raise ValueError("not a number")
        found[name] = round(value / scale(endpoint, NUMBERS[name].unit), 8)
    return found


def _page(
    visit: Visit, usecase: UseCase, draft: Draft, told: str = "", *, computed: bool = False, status: int = 200
) -> Response:
    name = usecase.card.name
    said, stands = speaker(name, visit.language), trial.state(visit.hospital, name, visit.now)
    last = stands.looks[-1] if stands.looks else None
    verdict, tone = VERDICTS[stands.verdict]
    apart = _apart(visit, usecase, stands)
    page = SilentTrialPage(
        name=name,
        title=said.say("title"),
        verdict=verdict,
        tone="warning" if stands.changed in ("tool", "silenced") else tone,
        explained=EXPLAINED[stands.verdict],
        changed=CHANGED.get(stands.changed, ""),
        due=stands.due,
        plan=_plan(visit, said, stands.plan) if stands.plan else (),
        reason=stands.plan.reason if stands.plan else "",
        hash=stands.plan.hash if stands.plan else "",
        tiles=_tiles(visit, stands),
        progress=pictures.progress(visit.language, stands) if stands.plan else Markup(),
        next_at=stands.next_at,
        looks=tuple(_look(visit, stands.plan, each) for each in stands.looks if stands.plan),
        picture=pictures.boundaries(visit.language, stands) if stands.looks else Markup(),
        fates=_fates(last),
        pictogram=pictures.pictogram(visit.language, last) if last else Markup(),
        compared=_compared(last),
        others=_others(visit, last),
        times=_times(visit, last),
        groups=tuple(_group(visit, said, stands.plan, last)),
        apart=apart[:MOST_APART],
        apart_more=max(len(apart) - MOST_APART, 0),
        may_judge=_may_judge(visit, usecase),
        form=_form(visit, usecase, said, stands, draft, told, computed=computed),
        past=tuple(_past(visit, each) for each in stands.plans[1:]),
    )
    return render(visit, "trial.html", page, status)


def _plan(visit: Visit, said: Speaker, plan: Plan) -> tuple[tuple[str, str], ...]:
    say, draft = visit.language, plan.draft
    days = N_("%(num)s days")
    rows = (
        (N_("It must show"), must_show(say, plan.aim)),
        (N_("What is expected"), written(say, plan.aim.endpoint, plan.aim.expected)),
        (N_("Chance of a false success"), say.percent(draft.alpha, 1)),
        (N_("Chance to see a true success"), say.percent(draft.power)),
        (N_("Planned looks"), ", ".join(say.percent(each) for each in plan.fractions)),
        (N_("At most, about"), say.say(N_("%(num)s patients"), num=say.number(plan.patients))),
        (N_("To act means"), ", ".join(said.option(code) for code in draft.acts)),
        (N_("Wait for the outcome"), say.say(days, num=draft.wait_days)),
        (N_("At the longest"), say.say(days, num=draft.longest_days)),
        (N_("Must not be worse by"), ", ".join(said.input(each) for each in draft.subgroups) or "–"),
        (N_("Registered"), f"{say.moment(plan.at)}, {name_of(visit, plan.by)}"),
    )
    return tuple((say.say(label), value) for label, value in rows)


def _tiles(visit: Visit, stands: State) -> tuple[tuple[str, str], ...]:
    if stands.accrual is None:
        return ()
    return tuple(
        (visit.language.number(getattr(stands.accrual, name)), words) for name, words in TILES.items()
    )


def _look(visit: Visit, plan: Plan, look: Look) -> LookLine:
    say, endpoint = visit.language, plan.aim.endpoint
    bounds = look.bounds
    verdict, tone = VERDICTS[look.verdict]
    extremes = ""
    if look.extremes:
        low, high = (written(say, endpoint, each) for each in look.extremes)
        extremes = say.say(N_("%(low)s to %(high)s"), low=low, high=high)
    return LookLine(
        number=look.number,
        at=look.at,
        share=say.percent(bounds.fractions[-1]),
        figure=with_interval(say, endpoint, look.interval) or "–",
        z=say.number(look.measured.z, 2),
        upper=say.number(bounds.upper[-1], 2),
        lower=say.number(bounds.lower[-1], 2),
        verdict=verdict,
        tone=tone,
        extremes=extremes,
        hash=look.hash,
    )


def _fates(look: Look | None) -> tuple[FateLine, ...]:
    if look is None or not _compared(look):
        return ()
    counts = {(cell.tool, cell.clinicians, cell.outcome): cell.count for cell in look.cells}
    return tuple(
        FateLine(words, counts.get((tool, people, True), 0), counts.get((tool, people, False), 0))
        for tool, people, words in FATES
    )


def _compared(look: Look | None) -> int:
    """Of how many patients it is known what the clinicians did and what happened."""
    cells = look.cells if look else ()
    return sum(cell.count for cell in cells if cell.clinicians is not None and cell.outcome is not None)


def _others(visit: Visit, look: Look | None) -> tuple[tuple[str, str], ...]:
    kinds = {"auroc": "auroc", "observed_expected": "calibration"}
    found = look.others if look else {}
    return tuple(
        (visit.say(words), with_interval(visit.language, kinds.get(name, "sensitivity"), found[name]))
        for name, words in OTHERS.items()
        if name in found and found[name].value is not None
    )


def _times(visit: Visit, look: Look | None) -> tuple[tuple[str, str], ...]:
    if look is None:
        return ()
    rows = []
    if look.hours_ahead is not None:
        ahead = visit.language.lasted(max(timedelta(hours=look.hours_ahead), timedelta()))
        rows.append((visit.say(N_("From the suggestion to the known outcome, median")), ahead))
    if look.minutes_late is not None:
        late = visit.language.lasted(max(timedelta(minutes=look.minutes_late), timedelta()))
        rows.append((visit.say(N_("From the data to the suggestion, median")), late))
    return tuple(rows)


def _group(visit: Visit, said: Speaker, plan: Plan | None, look: Look | None) -> list[TrialGroup]:
    if plan is None or look is None:
        return []
    booleans = {"true": N_("yes"), "false": N_("no")}
    found = []
    for row in look.groups:
        level = booleans.get(row.level)
        words = visit.say(level) if level else said.or_else(f"level.{row.level}", row.level)
        found.append(
            TrialGroup(
                visit.language.say(NAMED, name=said.input(row.input), value=words),
                row.patients,
                row.events,
                with_interval(visit.language, plan.aim.endpoint, row.estimate),
                row.worse,
            )
        )
    return found


def _may_judge(visit: Visit, usecase: UseCase) -> bool:
    return visit.may(Right.SEE_SILENT) and bool(visit.who.role_among(usecase.card.reviewers))


def _apart(visit: Visit, usecase: UseCase, stands: State) -> tuple[Apart, ...]:
    """The closed cases of the last look on which they disagreed, for those who may judge them."""
    if stands.plan is None or not stands.looks or not _may_judge(visit, usecase):
        return ()
    found = disagreements(visit.hospital, stands.plan, usecase, stands.looks[-1].at)
    words = {(tool, people): each for tool, people, each in FATES}
    return tuple(
        Apart(case.id, case.as_of, words[tool, people], RIGHT["tool" if tool == case.outcome else "people"])
        for case, tool, people in reversed(found)
    )


def _past(visit: Visit, plan: Plan) -> PlanLine:
    return PlanLine(
        plan.number,
        plan.at,
        name_of(visit, plan.by),
        must_show(visit.language, plan.aim),
        plan.reason,
        plan.hash,
    )


def _form(
    visit: Visit, usecase: UseCase, said: Speaker, stands: State, draft: Draft, told: str, *, computed: bool
) -> PlanForm | None:
    if not visit.may(Right.PLAN_TRIAL) or stands.changed == "live":
        return None
    endpoint, groupings = draft.aim.endpoint, [each for each in usecase.card.inputs if grouping(each)]
    typed = bool(told) and visit.form.get("endpoint") == endpoint
    return PlanForm(
        after=stands.plan.number if stands.plan else 0,
        endpoint=endpoint,
        endpoints=tuple(
            Choice(code, visit.say(words), chosen=code == endpoint) for code, words in ENDPOINTS.items()
        ),
        meaning=visit.say(MEANINGS[endpoint]),
        beliefs=tuple(_field(visit, draft, name, typed=typed) for name in SHOWN[endpoint]),
        rules=tuple(_field(visit, draft, name, typed=typed) for name in RULES),
        spending=tuple(
            Choice(code, visit.say(words), chosen=code == draft.spending) for code, words in SPENDING.items()
        ),
        acts=tuple(
            _tick(visit, "act", each.code, said.option(each.code), each.code in draft.acts, typed=typed)
            for each in usecase.card.options
        ),
        groups=tuple(
            _tick(visit, "group", each.name, said.input(each.name), each.name in draft.subgroups, typed=typed)
            for each in groupings
        ),
        computed=_computed(visit, usecase, draft) if computed else (),
        problem=WRONG if told else "",
        told=told,
        reason=visit.form.get("reason", "")[:2000],
        run=draft.run,
        anew=stands.plan is not None,
    )


def _tick(visit: Visit, kind: str, code: str, words: str, drafted: bool, *, typed: bool) -> Choice:
    """A box of the form, ticked as it was where the form was refused."""
    return Choice(code, words, chosen=f"{kind}.{code}" in visit.form if typed else drafted)


def _field(visit: Visit, draft: Draft, name: str, *, typed: bool) -> TrialField:
    """One number, as it was typed where the form was refused."""
    number, endpoint = NUMBERS[name], draft.aim.endpoint
    value = getattr(draft, name) if name in RULES else getattr(draft.aim, name)
    units = {"%": "%", "days": visit.say(N_("days")), "": ""}
    times = scale(endpoint, number.unit)
    shown = visit.form.get(name, "")[:20] if typed else f"{round(value * times, 6):g}"
    percent = number.unit == "figure" and times == 100.0
    return TrialField(
        name=name,
        label=visit.say(number.label),
        help=visit.say(number.help),
        unit="%" if percent else units.get(number.unit, ""),
        value=shown,
        minimum=number.minimum,
        maximum=number.maximum,
        step=0.1 if percent else number.step,
    )


def _computed(visit: Visit, usecase: UseCase, draft: Draft) -> tuple[tuple[str, str], ...]:
    """How many patients the plan needs, in words; how long that takes at the pace of the last four weeks."""
    total, say = trial.size(draft), visit.language
    best, worst = total.expected[2], total.expected[0]
    rows = [
        (say.number(total.needed.patients), N_("patients at most")),
        (say.number(best), N_("on average, if it is as good as you expect")),
        (say.number(worst), N_("on average, if it only reaches the value")),
    ]
    filed = visit.hospital.review.daily(usecase.card.name, visit.now - timedelta(days=28), visit.now)
    pace = sum(day.filed for day in filed) / 28
    if pace > 0:
        days = timedelta(days=total.needed.patients / pace + draft.wait_days)
        rows.append((say.lasted(days), N_("at most, at the pace of the last four weeks")))
    return tuple(rows)
