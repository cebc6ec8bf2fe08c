"""The cases of a trial: who counts, what the tool, the clinicians and nature did with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from vesalius import identity
from vesalius.card import Input
from vesalius.evaluation import groups
from vesalius.evaluation.endpoints import Sample, counted
from vesalius.hospital import Hospital
from vesalius.lake import Lake
from vesalius.review import Filed, Silent
from vesalius.trial.records import Accrual, Cell, Plan
from vesalius.usecase import Candidate, UseCase, evidence_of

BATCH = 2_000
"""How many candidates are read at a time, to bound memory."""


@dataclass(frozen=True)
class Cases:
    """The silent suggestions since the plan was registered.

    Attributes:
        counted: the first of each patient, in scope and waited for long enough; the outcome may be missing.
        stands: for each of their subjects, the patient who stands for them now.
        waiting, beyond, repeats: as in :class:`Accrual`.
    """

    counted: tuple[Silent, ...]
    stands: dict[str, str]
    waiting: int
    beyond: int
    repeats: int

    @property
    def candidates(self) -> list[Candidate]:
        """What a use case is asked about them."""
        return [Candidate(self.stands[each.subject], each.focus, each.as_of) for each in self.counted]


def gather(hospital: Hospital, plan: Plan, now: datetime) -> Cases:
    """The cases at ``now``: in the order of their moments, so that who counts does not change with time.

    A case counts when it has been waited for long enough, not when its outcome comes in: outcomes that come
    in fast are not like the others.
    """
    tool = (plan.usecase, plan.version, plan.model, plan.settings)
    rows = hospital.review.silent(*tool, since=plan.at, until=now)
    stands = identity.followed(hospital.engine, {each.subject for each in rows})
    ripe, seen = now - timedelta(days=plan.draft.wait_days), set[str]()
    kept: list[Silent] = []
    waiting = beyond = repeats = 0
    for each in rows:
        patient = stands[each.subject]
        if plan.model and each.probability is None:
            beyond += 1
        elif patient in seen:
            repeats += 1
        elif each.as_of > ripe:
            seen.add(patient)
            waiting += 1
        else:
            seen.add(patient)
            kept.append(each)
    return Cases(tuple(kept), stands, waiting, beyond, repeats)


def accrual(plan: Plan, cases: Cases) -> Accrual:
    """What has been seen; only counts that say nothing of how the tool does."""
    known = [each for each in cases.counted if each.outcome is not None]
    events = sum(each.outcome is True for each in known)
    flagged = sum(each.option in plan.draft.acts for each in known)
    held = counted(plan.aim, events, len(known), flagged)
    return Accrual(
        patients=len(known),
        events=events,
        flagged=flagged,
        missing=len(cases.counted) - len(known),
        waiting=cases.waiting,
        beyond=cases.beyond,
        repeats=cases.repeats,
        information=held,
        fraction=held / plan.information,
    )


def sample(plan: Plan, cases: Cases, practice: Sequence[bool | None]) -> Sample:
    """The cases as arrays; not a number where an outcome, a probability or the clinicians' act is unknown."""

    def numbers(values: Sequence[float | bool | None]) -> Any:
        return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)

    return Sample(
        numbers([each.outcome for each in cases.counted]),
        numbers([each.option in plan.draft.acts for each in cases.counted]),
        numbers([each.probability for each in cases.counted]),
        numbers(practice),
    )


def practised(usecase: UseCase, lake: Lake, cases: Cases, now: datetime) -> list[bool | None]:
    """What the clinicians did for each case by themselves; None where nobody knows, or it was erased."""
    found: list[bool | None] = []
    for some in _batches(cases.candidates):
        found += usecase.practice(lake, some, now)
    return [None if case.erased else act for case, act in zip(cases.counted, found, strict=True)]


def levels(usecase: UseCase, lake: Lake, cases: Cases, inputs: Sequence[str]) -> dict[str, list[str]]:
    """For each of some inputs, the level of each case, ``""`` where it is not known."""
    items = {item.name: item for item in usecase.card.inputs if item.name in inputs}
    found: dict[str, list[str]] = {name: [] for name in items}
    for some in _batches(cases.candidates):
        for count, table in evidence_of(usecase, lake, some):
            for name, item in items.items():
                column = [None] * count if table is None else table.column(name).to_pylist()
                found[name] += [groups.of(item, value) or "" for value in column]
    return found


def _batches(candidates: Sequence[Candidate]) -> Iterator[Sequence[Candidate]]:
    return (candidates[start : start + BATCH] for start in range(0, len(candidates), BATCH))


def grouping(item: Input) -> bool:
    """Whether patients can be told apart by an input: by its levels, or by bands of age."""
    return item.kind in ("category", "grade", "boolean") or (item.kind == "number" and item.unit == "a")


def cells(plan: Plan, cases: Cases, practice: Sequence[bool | None]) -> tuple[Cell, ...]:
    """The tool, the clinicians and the outcome of every case that counts."""
    fates = Counter(
        (each.option in plan.draft.acts, act, each.outcome)
        for each, act in zip(cases.counted, practice, strict=True)
    )
    ordered = sorted(fates.items(), key=lambda item: tuple(map(str, item[0])))
    return tuple(Cell(*fate, count=count) for fate, count in ordered)


def shown(filed: Filed, plan: Plan | None, at: datetime | None) -> bool:
    """Whether a silent suggestion may be read by those who may judge it.

    Only a closed case of the trial: its outcome is known and was waited for at a look that has been taken.
    Anything earlier would sway who treats the patient, or let somebody count how the tool does between looks.

    Args:
        filed: the suggestion.
        plan: the plan in force.
        at: the moment of the last look, or None.
    """
    if plan is None or at is None or filed.outcome is None or filed.erased is not None:
        return False
    if (filed.usecase, filed.model, filed.settings) != (plan.usecase, plan.model, plan.settings):
        return False
    ripe = at - timedelta(days=plan.draft.wait_days)
    return filed.mode == "silent" and plan.at < filed.as_of <= ripe and filed.outcome.recorded_at <= at


def disagreements(
    hospital: Hospital, plan: Plan, usecase: UseCase, at: datetime
) -> list[tuple[Silent, bool, bool]]:
    """The closed cases of a look on which the tool and the clinicians did not agree; what each would do.

    Args:
        hospital: an open hospital.
        plan: the plan in force.
        usecase: the use.
        at: the moment of the last look.
    """
    cases = gather(hospital, plan, at)
    acts = practised(usecase, hospital.lake.pinned(), cases, at)
    found = []
    for case, act in zip(cases.counted, acts, strict=True):
        tool = case.option in plan.draft.acts
        if act is not None and act != tool and case.outcome is not None and not case.erased:
            found.append((case, tool, act))
    return found
