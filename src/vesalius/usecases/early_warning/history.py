"""What happened afterwards: death, or a transfer to intensive care. Never evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from vesalius.usecase import Candidate, Outcome
from vesalius.usecases.early_warning.stays import Stays, Version, in_force

if TYPE_CHECKING:
    from vesalius.lake import Lake

SOON = timedelta(hours=24)
"""How soon after the moment a death or a transfer to intensive care is what the ward was warned of: the
horizon in which NEWS was judged when it was made (Smith et al., Resuscitation 2013;84:465-470)."""


def outcomes(lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
    """What happened to each candidate, as far as it was known at ``as_of``.

    In intensive care, whether the patient left the hospital alive; on a ward, whether they died or came to
    intensive care within 24 hours.
    """
    stays = Stays.read(lake, sorted({candidate.subject for candidate in candidates}))
    return [_outcome(stays, candidate, as_of) for candidate in candidates]


def _outcome(stays: Stays, candidate: Candidate, as_of: datetime) -> Outcome | None:
    stay = stays.at(candidate.subject, candidate.as_of)
    if stay is None:
        return None
    if stay.intensive_care:
        return _of_stay(stays.versions[stay.resource], as_of)
    return _on_ward(stays, candidate, as_of)


def _of_stay(versions: Sequence[Version], as_of: datetime) -> Outcome | None:
    """How a stay ended: the first version from which on the answer has not changed."""
    last = in_force(versions, as_of)
    if last is None or last.died is None:
        return None
    known = [version for version in versions if version.recorded_at <= as_of]
    while len(known) > 1 and known[-2].died == last.died:
        known.pop()
    label = "death" if last.died else "alive"
    return Outcome(last.died, known[-1].recorded_at, (known[-1].reference,), label)


def _on_ward(stays: Stays, candidate: Candidate, as_of: datetime) -> Outcome | None:
    until = candidate.as_of + SOON
    found = []
    for versions in stays.of[candidate.subject]:
        last = in_force(versions, as_of)
        if last is None or last.subject != candidate.subject:
            continue
        if last.died and last.end is not None and candidate.as_of < last.end <= until:
            found.append((last.recorded_at, last.reference, "death"))
        began = last.start is not None and candidate.as_of < last.start <= until
        if last.intensive_care and began:
            found.append((last.recorded_at, last.reference, "intensive_care"))
    if found:
        at, reference, label = min(found)
        return Outcome(True, max(at, candidate.as_of), (reference,), label)
    return Outcome(False, until) if as_of >= until else None


def practice(lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[bool | None]:
    """Whether a ward's patient came to intensive care within 24 hours; None in intensive care, and before."""
    stays = Stays.read(lake, sorted({candidate.subject for candidate in candidates}))
    found: list[bool | None] = []
    for candidate in candidates:
        stay = stays.at(candidate.subject, candidate.as_of)
        outcome = None if stay is None or stay.intensive_care else _on_ward(stays, candidate, as_of)
        found.append(None if outcome is None else outcome.label == "intensive_care")
    return found
