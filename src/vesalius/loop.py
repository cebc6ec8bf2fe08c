"""The loop: one turn of a use, the outcomes that came in, and making a suggestion again.

A turn finds who is due, reads what was known about them, asks the use case, and files what it says: aloud
only where governance says the use speaks, else in silence. All reading is from one position of the lake's
log, which each suggestion keeps beside its own moment: :func:`replay` gives the same bytes years later.

A candidate's moment (``as_of``) is the one the use case gives it: when it became due. A turn that runs an
hour late suggests from what was known then, not from what came since: live use, silence and validation all
ask the same question.

A patient who objects to being spoken of by a tool (:mod:`vesalius.governance.consent`) gets no suggestion,
aloud or in silence, and what still waits about them leaves the worklist (:func:`spare`). Who objects no more
gets it at the next turn, as long as they are due in the window.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from vesalius import bought, identity, terminology, trial
from vesalius.errors import (
    Conflict,
    Erased,
    InvalidCard,
    NotAllowed,
    Tampered,
    VesaliusError,
)
from vesalius.evaluation import Cohort, gather
from vesalius.governance import audit, consent, uses
from vesalius.governance.lifecycle import State
from vesalius.hospital import Hospital
from vesalius.ingest import quality
from vesalius.lake import Erasure, Lake
from vesalius.monitoring import alarms, refreshing
from vesalius.review import OUTCOME_WINDOW, About, Display, Filed
from vesalius.review.whereabouts import displays
from vesalius.store import reading, writing
from vesalius.usecase import OURS, Candidate, Suggestion, UseCase, encode, find, names

log = logging.getLogger(__name__)

BATCH = 2_000
"""How many candidates are read, suggested and filed at a time, to bound memory."""

_ORIGIN = ("usecase", "version", "model", "settings", "position", "subject", "focus", "as_of")


@dataclass(frozen=True)
class Turn:
    """What one turn did.

    Attributes:
        usecase: of which use.
        at: the moment it took as now.
        mode: live, silent, or ``off`` where the life cycle lets the use read no patient at all.
        position: the position of the lake that it read; 0 when off.
        candidates: how many were due in the window.
        waiting: of those, how many had no suggestion yet, and do not object to one.
        withheld: how many had none, and get none, because they object.
        filed: how many suggestions were filed.
        failed: how many of those waiting got none, because of a defect; the next turn tries them again.
        error: what went wrong, without patient data; empty when nothing did.
    """

    usecase: str
    at: datetime
    mode: Literal["live", "silent", "off"] = "off"
    position: int = 0
    candidates: int = 0
    waiting: int = 0
    filed: int = 0
    failed: int = 0
    error: str = ""
    withheld: int = 0


def turn(hospital: Hospital, name: str, now: datetime) -> Turn:
    """One turn of the use ``name``: everyone who became due in the card's window up to ``now``, once.

    Running it again files nothing new. A use that is neither silent nor live is off: nothing is read. One
    candidate whose suggestion cannot be made does not keep the others from theirs.

    Raises:
        NotFound: no such use case is installed, or its model is missing.
    """
    find(name)
    hush(hospital, name, now)
    if not uses.current(hospital.engine, name, now).runs:
        return Turn(name, now)
    usecase = hospital.usecase(name)
    lake = hospital.lake.pinned()
    due = usecase.candidates(lake, now - usecase.card.window, now)
    known = hospital.review.filed_foci(name, [candidate.focus for candidate in due])
    objecting = consent.excluded(hospital.lake, consent.Kind.SUGGESTIONS, now)
    new = [candidate for candidate in due if candidate.focus not in known]
    waiting = [candidate for candidate in new if candidate.subject not in objecting]
    held = [candidate for candidate in new if candidate.subject in objecting]
    spare(hospital, now)
    _bring_back(hospital, name, [each for each in due if each.subject not in objecting], now)
    mode: Literal["live", "silent", "off"] = "live" if uses.speaks(hospital.engine, name, now) else "silent"
    filed = failed = 0
    if usecase.model is not None:
        hospital.models.save(usecase.model)
    if held:
        _withhold(hospital, name, held, lake.position(), now)
    for start in range(0, len(waiting), BATCH):
        made, defects = _suggested(usecase, lake, waiting[start : start + BATCH])
        mode, count = _file(hospital, usecase, lake, made, now)
        filed, failed = filed + count, failed + len(defects)
        for defect in sorted(set(defects)):
            # Only the kind of error: its message could quote what it was reading.
            log.error("%s: %d suggestions could not be made: %s", name, defects.count(defect), defect)
    error = f"{failed} suggestions could not be made" if failed else ""
    return Turn(name, now, mode, lake.position(), len(due), len(waiting), filed, failed, error, len(held))


def hush(hospital: Hospital, name: str, now: datetime) -> tuple[str, ...]:
    """Makes known that a live use speaks no more, because a gate of it expired or re-opened; which gates.

    It is moved to silence, what it said leaves the worklist, and an alarm says why until it is signed again.
    """
    use = uses.current(hospital.engine, name, now)
    if not use.reopened or use.state != State.LIVE:
        return ()
    with writing(hospital.engine) as connection:
        gone = uses.enforce(connection, name, now)
        if gone:
            finding = alarms.Finding("gate", "", "stop", {gate: ", ".join(why) for gate, why in gone.items()})
            alarms.stopped(connection, name, use.model, finding, now)
    return tuple(gone)


def spare(hospital: Hospital, now: datetime) -> int:
    """Takes off the worklist what waits about patients who object to being spoken of; how many.

    Each is marked, so that it comes back at the next turn of its use once the patient objects no more.

    Raises:
        Unavailable: the index of consents is far behind; asking again brings it further.
    """
    consent.bring_up(hospital.lake)
    with reading(hospital.engine) as connection:
        objecting = consent.refusing(connection, now, consent.Kind.SUGGESTIONS)
        if objecting is None or not hospital.review.waiting_about(
            connection, identity.with_merged(objecting)
        ):
            return 0
    with writing(hospital.engine) as connection:
        # Asked again in the transaction that closes them: a decision of a moment ago stays.
        found = hospital.review.waiting_about(connection, identity.with_merged(objecting))
        for name in sorted({each.usecase for each in found}):
            marks = [(each.subject, each.focus, each.as_of) for each in found if each.usecase == name]
            consent.withhold(connection, name, marks, now)
        hospital.review.close([each.id for each in found], now, connection)
        _tell(connection, audit.Action.SUGGESTION_WITHHELD, found, now)
    return len(found)


def _bring_back(hospital: Hospital, name: str, due: Sequence[Candidate], now: datetime) -> None:
    """Puts back what :func:`spare` took off, of patients who are still due and object no more."""
    marked = consent.marked(hospital.engine, name, [each.focus for each in due])
    if not marked:
        return
    with writing(hospital.engine) as connection:
        use = uses.current(connection, name, now)
        # What a use had said before it fell silent does not come back with its voice.
        foci = [focus for focus, at in marked.items() if use.speaks and use.since and use.since <= at]
        found = hospital.review.reopen(name, foci, connection)
        consent.release(connection, name, [each.focus for each in found])
        _tell(connection, audit.Action.SUGGESTION_RETURNED, found, now)


def _tell(connection: sa.Connection, action: audit.Action, found: Sequence[About], now: datetime) -> None:
    for each in found:
        detail = {"subject": each.subject, "usecase": each.usecase, "kind": str(consent.Kind.SUGGESTIONS)}
        audit.record(connection, audit.SYSTEM, action, each.id, detail, now)


def _withhold(hospital: Hospital, name: str, held: Sequence[Candidate], position: int, now: datetime) -> None:
    """Marks who gets no suggestion because they object; the audit counts those who were not marked before."""
    marked = consent.marked(hospital.engine, name, [each.focus for each in held])
    fresh = [(each.subject, each.focus, each.as_of) for each in held if each.focus not in marked]
    if not fresh:
        return
    with writing(hospital.engine) as connection:
        use = uses.current(connection, name, now)
        if use.runs and (count := consent.withhold(connection, name, fresh, now)):
            mode = "live" if use.speaks else "silent"
            detail = {"mode": mode, "filed": 0, "withheld": count, "position": position}
            audit.record(connection, audit.SYSTEM, audit.Action.USE_TURNED, name, detail, now)


def outcomes(hospital: Hospital, name: str, now: datetime) -> int:
    """Records what is known at ``now`` of what happened to those who had a suggestion; how many were new.

    A use that is neither silent nor live reads nothing, and records nothing.
    """
    if not uses.current(hospital.engine, name, now).runs:
        return 0
    lake = hospital.lake.pinned()
    waiting = hospital.review.awaiting_outcome(name, now - OUTCOME_WINDOW, now)
    if not waiting:
        return 0
    usecase = hospital.usecase(name)
    # What happened to a patient who was merged meanwhile is found with the one who stands for them.
    stands = identity.followed(hospital.engine, {filed.subject for filed in waiting})
    asked = [Candidate(stands[filed.subject], filed.focus, filed.as_of) for filed in waiting]
    known = usecase.outcome(lake, asked, now)
    pairs = [(filed.id, found) for filed, found in zip(waiting, known, strict=True) if found is not None]
    return hospital.review.record_outcomes(pairs, now)


def history(
    hospital: Hospital,
    name: str,
    *,
    until: datetime | None = None,
    known_at: datetime | None = None,
    at: datetime | None = None,
) -> Cohort:
    """The past of the use ``name`` in this hospital, to learn from and to validate on; the audit notes it.

    To learn from the past is no care of those it is about: who refuses such use when it is read is left out
    (Regulation (EU) 2025/327, articles 53(1)(e) and 71).

    Args:
        hospital: whose lake is read.
        name: the use case.
        until: nobody who became due later.
        known_at: no outcome that was known later.
        at: when it is read; now, if not given.

    Raises:
        NotAllowed: the data protection officer has not approved its data.
        NotEnoughData: nobody became due, or no outcome is known.
    """
    usecase = find(name)()
    state = uses.current(hospital.engine, name).state
    if state in (State.IDEA, State.RETIRED):
        hint = "the data protection officer signs its first gate in the console"
        raise NotAllowed(f"{name} may not read the history in the state {state}", hint=hint)
    without = consent.excluded(hospital.lake, consent.Kind.SECONDARY, at)
    cohort = gather(usecase, hospital.lake, until=until, known_at=known_at, without=without)
    patients = len({candidate.subject for candidate in cohort.evidence.candidates})
    detail = {
        "patients": patients, "position": cohort.evidence.position, "left_out": cohort.refused
    }  # fmt: skip
    audit.record(hospital.engine, audit.SYSTEM, audit.Action.USE_HISTORY_READ, name, detail, at)
    return cohort


def turn_all(
    hospital: Hospital, now: datetime, watched: Callable[[refreshing.Refreshed], None] | None = None
) -> list[Turn]:
    """A turn and the outcomes of every use case installed; one that fails does not stop the others.

    The next look of a silent trial is taken when it is due: nobody chooses its moment.
    What arrived since the last time is looked at too (:func:`catch_up`), and the monitoring is brought up to
    date, which silences a live use whose stop rule fires. At the end the audit's head is signed.

    Args:
        hospital: an open hospital.
        now: the moment.
        watched: hears what the monitoring did for each use.
    """
    bought.adopt(hospital.engine)  # another process may have registered one
    turns = [_guarded(hospital, name, now) for name in names()]
    catch_up(hospital)
    for done in refreshing.refresh(hospital, now):
        if watched:
            watched(done)
    audit.heads.sign_new(hospital.engine, hospital.keys)
    return turns


def catch_up(hospital: Hospital, progress: Callable[[int, int], None] | None = None) -> None:
    """Looks at what arrived since the last time: the quality of feeds, local codes, possible double patients.

    Args:
        hospital: an open hospital.
        progress: called with the versions counted, and those to count in all.
    """
    lake = hospital.lake
    quality.refresh(lake, progress)
    with suppress(Conflict):  # somebody else does it at this moment
        terminology.refresh(lake)
    with suppress(Conflict):
        identity.refresh(
            lake,
            automatic=tuple(filter(None, hospital.settings.identity_automatic.split(","))),
            witness=lambda connection, made: audit.merged(connection, audit.SYSTEM, made),
        )


def replay(hospital: Hospital, identifier: str) -> bytes:
    """Makes a suggestion again from what was known then, with the model and the settings of then.

    Returns:
        Its canonical JSON, byte for byte what was filed.

    Raises:
        NotFound: no such suggestion, or its model or settings are gone.
        Conflict: another version of the use case is installed than the one that made it.
        Erased: it rests on what was erased on request since.
        Tampered: the bytes differ; the message names the fields that do.
    """
    filed = hospital.review.get(identifier)
    if filed.erased is not None:
        raise _erased(filed, hospital.lake.erasure(filed.erased), "it was emptied")
    there = find(filed.usecase).card.version
    if there != filed.version:
        raise Conflict(
            f"suggestion {identifier} was made by version {filed.version} of {filed.usecase}, not {there}",
            hint=f"install version {filed.version} to make it again",
        )
    settings = uses.use_settings(hospital.engine, filed.usecase, filed.settings)
    usecase = hospital.usecase_with(filed.usecase, filed.model, settings)
    try:
        evidence = usecase.evidence(hospital.lake.pinned(filed.position), [_candidate(filed)])
        body = encode(usecase.suggest(evidence)[0])
    except Exception:
        if gone := hospital.lake.erased_about(filed.subject, filed.focus):
            raise _erased(filed, gone, "it can no longer be made") from None
        raise
    if body != filed.body:
        fields = ", ".join(_differs(body, filed.body))
        if gone := hospital.lake.erased_about(filed.subject, filed.focus):
            raise _erased(filed, gone, f"it comes out differently in {fields}")
        raise Tampered(f"suggestion {identifier} comes out differently in {fields}")
    return body


def _erased(filed: Filed, gone: Erasure | None, words: str) -> Erased:
    """Why a suggestion cannot be made again: some of what it was made from was erased."""
    of = f"erasure {gone.id}, by {gone.by} on {gone.at:%Y-%m-%d}, ground {gone.ground}" if gone else "unknown"
    message = f"suggestion {filed.id} rests on data that was erased on request; {words}"
    return Erased(message, hint=f"{of}; no sign of tampering")


Made = list[tuple[Suggestion, Display]]


def _suggested(usecase: UseCase, lake: Lake, candidates: Sequence[Candidate]) -> tuple[Made, list[str]]:
    """The suggestions about some candidates, and the kind of the defect of each one that has none.

    What fails for many is asked again for each half, until those are alone whose data it cannot bear. An
    error of ours (no model, no database) is not theirs: it stops the turn.
    """
    if not candidates:
        return [], []
    try:
        suggestions = usecase.suggest(usecase.evidence(lake, candidates))
        _check_answers(usecase, lake, candidates, suggestions)
        return list(zip(suggestions, displays(lake, candidates), strict=True)), []
    except OURS:
        raise
    except Exception as error:  # a use case is other people's code, and data is what it is
        if len(candidates) == 1:
            return [], [type(error).__name__]
    middle = len(candidates) // 2
    parts = [_suggested(usecase, lake, part) for part in (candidates[:middle], candidates[middle:])]
    return [item for made, _ in parts for item in made], [kind for _, defects in parts for kind in defects]


def _file(
    hospital: Hospital, usecase: UseCase, lake: Lake, made: Made, now: datetime
) -> tuple[Literal["live", "silent", "off"], int]:
    suggestions, shown = [item for item, _ in made], [item for _, item in made]
    name = usecase.card.name
    with writing(hospital.engine) as connection:
        # Asked again in the transaction that files: a use suspended a moment ago says nothing more.
        use = uses.current(connection, name, now)
        if not use.runs:
            return "off", 0
        mode: Literal["live", "silent"] = "live" if use.speaks else "silent"
        uses.remember_settings(connection, name, usecase.settings, now)
        new = hospital.review.file(suggestions, mode, now, shown, connection)
        consent.release(connection, name, [each.focus for each in suggestions])
        if new:
            detail = {"mode": mode, "filed": new, "position": lake.position()}
            audit.record(connection, audit.SYSTEM, audit.Action.USE_TURNED, name, detail, now)
    return mode, new


def _check_answers(
    usecase: UseCase, lake: Lake, candidates: Sequence[Candidate], suggestions: Sequence[Suggestion]
) -> None:
    """A suggestion that could not be made again is not filed."""
    model, card = usecase.model.hash if usecase.model is not None else "", usecase.card
    made_by = (card.name, card.version, model, usecase.settings_hash, lake.position())
    asked = [(*made_by, each.subject, each.focus, each.as_of) for each in candidates]
    if asked != [tuple(getattr(each, name) for name in _ORIGIN) for each in suggestions]:
        raise InvalidCard(
            f"{card.name}: its suggestions do not say what they were made from",
            hint=f"fill {', '.join(_ORIGIN)}",
        )


def _guarded(hospital: Hospital, name: str, now: datetime) -> Turn:
    try:
        done = turn(hospital, name, now)
        outcomes(hospital, name, now)
        trial.turn(hospital, name, now)
    except VesaliusError as error:
        log.error("the turn of %s failed: %s", name, error)  # noqa: TRY400  a trace may quote patient data
        return Turn(name, now, error=str(error))
    except Exception as error:  # a use case is other people's code: its fault must not stop the other uses
        # Only the kind of error: its message could quote what it was reading.
        log.error("the turn of %s failed: %s", name, type(error).__name__)  # noqa: TRY400
        return Turn(name, now, error=type(error).__name__)
    return done


def _candidate(filed: Filed) -> Candidate:
    return Candidate(filed.subject, filed.focus, filed.as_of)


def _differs(one: bytes, other: bytes) -> list[str]:
    try:
        left, right = msgspec.json.decode(one), msgspec.json.decode(other)
    except msgspec.DecodeError:
        return ["the stored bytes cannot be read"]
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
