"""Planning a trial: what validation lets one believe, how many patients that needs, and registering it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from vesalius.card import Card
from vesalius.errors import Conflict, InvalidSetting, NotAllowed
from vesalius.evaluation import Run, metrics
from vesalius.evaluation.endpoints import PAIRED, Aim, Name, Needed, needed, planned_power
from vesalius.evaluation.sequential import Design, design
from vesalius.governance import Person, Right, audit, roles, uses
from vesalius.governance.lifecycle import State as Life
from vesalius.hospital import Hospital
from vesalius.review import OUTCOME_WINDOW
from vesalius.store import writing
from vesalius.trial import _keeping
from vesalius.trial.cases import grouping
from vesalius.trial.records import Draft, Plan
from vesalius.usecase import UseCase

MOST_LOOKS = 10

BELIEFS: dict[Name, tuple[float, float]] = {
    "auroc": (0.75, 0.8),
    "sensitivity": (0.8, 0.9),
    "ppv": (0.3, 0.4),
    "sensitivity_gain": (0.0, 0.1),
    "net_benefit_gain": (0.0, 0.03),
    "calibration": (0.8, 1.0),
}
"""The value to exceed and the expected figure, to begin with where no validation says better. They are places
to start from, not recommendations; the page says so."""

MARGIN = 0.1
"""How much less sensitive than the clinicians a tool may be, to begin with, where no gain is expected."""


@dataclass(frozen=True)
class Size:
    """What a draft comes to.

    Attributes:
        design: its looks and bounds.
        needed: the maximum information, and about how many patients hold it.
        expected: about how many patients are seen before the end, where the tool is no better than the value,
            half way, and as good as expected.
    """

    design: Design
    needed: Needed
    expected: tuple[int, int, int]


def propose(card: Card, run: Run | None = None, endpoint: Name = "auroc") -> Draft:
    """A draft to begin with: what the validation run lets one believe, to be changed by people.

    The value to exceed is the lower end of the figure's interval in validation: the trial then shows that
    nothing was lost on the way to live data.

    Args:
        card: of the use.
        run: its validation, or None.
        endpoint: the primary endpoint.
    """
    acts = tuple(option.code for option in card.options if option.indicator != "info")
    acts = acts or tuple(option.code for option in card.options[:1])
    value, expected = BELIEFS[endpoint]
    aim = Aim(endpoint=endpoint, value=value, upper=1.25, expected=expected, prevalence=0.2)
    if run is not None:
        aim = _believed(run, endpoint, acts) or aim
    groups = tuple(item.name for item in card.inputs if item.name in card.subgroups and grouping(item))
    return Draft(aim=aim, acts=acts, subgroups=groups, run=run.id if run else "")


def size(draft: Draft) -> Size:
    """How many patients a draft needs, and how many it will see on average.

    Raises:
        InvalidSetting: something in it is no sensible number; the message says what.
    """
    if not 1 <= draft.looks <= MOST_LOOKS:
        raise InvalidSetting(f"between 1 and {MOST_LOOKS} looks")
    fractions = [(place + 1) / draft.looks for place in range(draft.looks)]
    made = design(
        [*fractions[:-1], 1.0],
        alpha=draft.alpha,
        power=planned_power(draft.aim.endpoint, draft.power),
        spending=draft.spending,
        futility=draft.spending,
    )
    most = needed(draft.aim, made.alpha, made.power, made.inflation)
    none, half, whole = (math.ceil(most.patients * (share / made.inflation)) for share in made.expected)
    return Size(made, most, (none, half, whole))


def register(
    hospital: Hospital,
    name: str,
    person: Person,
    draft: Draft,
    *,
    reason: str,
    at: datetime | None = None,
    after: int | None = None,
) -> Plan:
    """Registers what the silent trial of a use is to show; it cannot be changed, only followed by another.

    A new version begins anew: only cases after it count, and all of alpha is there again. It is kept beside
    the old ones, with its reason, and the audit holds the hash of each.

    Args:
        hospital: an open hospital.
        name: the use case.
        person: who answers for it.
        draft: what is to be shown, and how.
        reason: why.
        at: when.
        after: the number of the plan that the person saw in force, 0 for none.

    Raises:
        NotAllowed: the person may not plan a trial, or the use speaks already or is retired.
        InvalidSetting: the draft or the reason is not complete.
        Conflict: another plan was registered meanwhile.
    """
    roles.require(person.roles, Right.PLAN_TRIAL)
    usecase, at = hospital.usecase(name), at or datetime.now(UTC)
    if not reason.strip():
        raise InvalidSetting("say why: the reason is kept with the plan")
    check(draft, usecase)
    total = size(draft)
    with writing(hospital.engine) as connection:
        state = uses.current(connection, name).state
        if state in (Life.LIVE, Life.RETIRED):
            raise NotAllowed(f"{name} is {state}: there is no silence to plan")
        before = _keeping.plans(connection, name)
        number = before[0].number if before else 0
        made = Plan(
            usecase=name,
            version=usecase.card.version,
            model=usecase.model.hash if usecase.model else "",
            settings=usecase.settings_hash,
            draft=draft,
            fractions=total.design.bounds.fractions,
            information=total.needed.information,
            patients=total.needed.patients,
            number=number + 1,
            by=person.id,
            role=person.role_among(tuple(roles.MATRIX[Right.PLAN_TRIAL])),
            at=at,
            reason=reason.strip(),
        )
        plan = _keeping.settled(made)
        if after not in (None, number) or not _keeping.keep_plan(connection, plan):
            raise Conflict("another plan was registered meanwhile", hint="read it first")
        uses.remember_settings(connection, name, usecase.settings, at)
        views = uses.life(connection, name, at).marks.get("views", "")
        detail = {"number": plan.number, "hash": plan.hash, "role": plan.role, "views": views}
        audit.record(connection, person.id, audit.Action.TRIAL_REGISTERED, name, detail, at)
    return plan


def check(draft: Draft, usecase: UseCase) -> None:
    """Passes a draft that fits the use.

    Raises:
        InvalidSetting: it does not; the message says what is wrong.
    """
    options = {option.code for option in usecase.card.options}
    if not draft.acts or not set(draft.acts) <= options or set(draft.acts) == options:
        raise InvalidSetting("name the options that mean to act: one at least, and not all of them")
    inputs = {item.name for item in usecase.card.inputs if grouping(item)}
    if not set(draft.subgroups) <= inputs:
        raise InvalidSetting("a subgroup is an input of the card with levels, or the age")
    if not 0 <= draft.wait_days <= OUTCOME_WINDOW.days or not draft.wait_days < draft.longest_days <= 3650:
        raise InvalidSetting("the wait for an outcome is at most 180 days, and shorter than the trial")
    if usecase.model is None and draft.aim.endpoint in ("auroc", "calibration"):
        raise InvalidSetting("a use without a model gives no probability: choose another endpoint")
    if draft.aim.endpoint in PAIRED and type(usecase).practice is UseCase.practice:
        raise InvalidSetting("this use does not know what the clinicians do: choose another endpoint")


def drafted(plan: Plan) -> Design:
    """The design of a registered plan, computed again."""
    return _designed(plan.draft)


@lru_cache(maxsize=64)
def _designed(draft: Draft) -> Design:
    return size(draft).design


def _believed(run: Run, endpoint: Name, acts: tuple[str, ...]) -> Aim | None:
    """The aim that a validation run suggests; None where it does not say."""
    if not run.rows or not 0 < run.events < run.rows:
        return None
    prevalence = run.events / run.rows
    chosen = [each for each in run.proposed if each.option in acts]
    rows, hits = sum(each.rows for each in chosen), sum(each.events for each in chosen)
    flagged = min(max(rows / run.rows, 0.01), 0.99)
    base = Aim(endpoint=endpoint, value=0.0, expected=0.0, prevalence=round(prevalence, 3))
    if endpoint == "calibration":
        return _with(base, 0.8, 1.0, upper=1.25)
    if endpoint == "auroc":
        area = run.performance.auroc
        return _with(base, area.low, area.value) if area.value and area.low else None
    if endpoint in ("sensitivity", "ppv"):
        found = metrics.exact(hits, run.events if endpoint == "sensitivity" else rows)
        return _with(base, found.low, found.value, flagged=round(flagged, 3)) if found.value else None
    return _paired(run, base, rows, hits)


def _paired(run: Run, base: Aim, rows: int, hits: int) -> Aim | None:
    """The aim of a comparison with the clinicians of the validation."""
    people = run.practice
    if people is None or people.sensitivity.value is None:
        return None
    tool, theirs = hits / run.events, people.sensitivity.value
    if base.endpoint == "sensitivity_gain":
        apart = min(max(tool * (1 - theirs) + theirs * (1 - tool), 0.05), 0.95)  # as if independent
        gain = tool - theirs
        value = 0.0 if gain > 0.03 else -MARGIN
        return _with(base, value, max(gain, 0.0) if value < 0 else gain, disagreement=round(apart, 2))
    threshold = base.prevalence
    odds = threshold / (1 - threshold)
    known = sum((people.acted_with, people.acted_without, people.left_with, people.left_without))
    ours = (hits - odds * (rows - hits)) / run.rows
    gain = ours - (people.acted_with - odds * people.acted_without) / known
    apart = abs(rows / run.rows - people.acted / known) + 0.2
    return _with(base, 0.0, gain, disagreement=round(min(apart, 0.9), 2), threshold=threshold)


def _with(base: Aim, value: float | None, expected: float | None, **rest: float) -> Aim:
    """An aim with figures that people can read: the value rounded down, the expected to two decimals."""
    low = math.floor(100 * (value or 0.0) + 1e-9) / 100
    made: Aim = msgspec.structs.replace(base, value=low, expected=round(expected or 0.0, 3), **rest)
    return made
