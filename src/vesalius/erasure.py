"""Erasing a patient, or one resource, from everything the hospital keeps here (GDPR, article 17).

:func:`plan` looks and changes nothing; :func:`forget` carries it out: all rows of the database in one
transaction, then the columns, then the files of the database. Killed before the transaction ends, nothing was
erased; killed after it, :func:`finish` does the rest, and the columns are dropped as soon as the hospital is
opened again. ``docs/decisions/0010-erasure-and-the-log.md`` says what stays, and why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from vesalius import fhir, identity, ingest, review, terminology
from vesalius.errors import Conflict, InvalidDecision, NotFound, UnreadableInput
from vesalius.governance import Right, audit, care, consent, people, require
from vesalius.hospital import Hospital
from vesalius.ingest.erasing import Trace
from vesalius.lake import Erasure, Lake, Version, erasing
from vesalius.store import overwriting, reading, scrub, writing

GROUNDS: dict[str, str] = {
    "not-needed": "17(1)(a): no longer needed for what it was collected for",
    "consent-withdrawn": "17(1)(b): consent was withdrawn, and there is no other ground",
    "objection": "17(1)(c): the patient objects, and nothing overriding stands against it",
    "unlawful": "17(1)(d): it was processed unlawfully",
    "legal-duty": "17(1)(e): a law demands the erasure",
    "child": "17(1)(f): it was collected from a child for an online service",
}
"""The legal grounds, by their code."""

ASKERS = ("patient", "representative", "authority", "hospital")
"""Who can ask, as codes: no name is kept."""

MENTIONS = 200
"""How many resources that only mention the patient are named."""

FOLDERS = ("runs", "tables", "imports", "inbox")
"""The folders of the home that may hold rows or uploads of patients; they are looked through, not changed."""

LARGEST = 256 * 1024 * 1024
"""Larger files are named without being looked through."""

_BINARY = re.compile(rb'"(?:[^"]*/)?(Binary/[A-Za-z0-9\-.]{1,64})["/]')
_REFERENCE = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})", re.ASCII)

Name = tuple[str, str]
Tick = Callable[[str, int, int], None]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is erased.

    Attributes:
        asked_by: who asked, one of :data:`ASKERS`.
        ground: one of :data:`GROUNDS`.
        reason: in the words of the person who carries it out, without a name of a patient.
    """

    asked_by: str
    ground: str
    reason: str

    def check(self) -> None:
        """Refuses an order that says too little.

        Raises:
            InvalidDecision: the asker or the ground is unknown, or there is no reason.
        """
        if self.asked_by not in ASKERS:
            raise InvalidDecision("say who asked", hint=", ".join(ASKERS))
        if self.ground not in GROUNDS:
            raise InvalidDecision("name the legal ground", hint=", ".join(GROUNDS))
        if not self.reason.strip():
            raise InvalidDecision("say why it is erased")


@dataclass(frozen=True)
class Plan:
    """What an erasure would reach.

    Attributes:
        reference: what was asked for, ``Patient/ID`` or ``Type/ID``.
        patients: the patients who are one person with it, as ``Patient/ID``; none for one resource.
        versions: how many versions of each type would be emptied.
        resources: of how many resources.
        traces: the messages and held items whose bytes would be emptied.
        suggestions: the ids of the suggestions that would be emptied.
        mentions: other resources that mention it, as ``Type/ID``; they stay as they are.
        files: files of the home that mention it; they stay, and a person must look at them.
        last: the numbers of the newest message and item that were looked through.
        also: the words that a person added to look for.
        keep: the messages and items that a person wants kept.
    """

    reference: str
    patients: tuple[str, ...]
    versions: dict[str, int]
    resources: int
    traces: tuple[Trace, ...]
    suggestions: tuple[str, ...]
    mentions: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    last: tuple[int, int] = (0, 0)
    also: tuple[str, ...] = ()
    keep: frozenset[str] = frozenset()

    @property
    def counts(self) -> dict[str, int]:
        """How many of everything, as it is kept and noted in the audit."""
        kinds = Counter(each.kind for each in self.traces)
        others = {"messages": kinds["message"], "quarantine": kinds["quarantine"]}
        return self.versions | others | {"suggestions": len(self.suggestions)}


@dataclass
class _Target:
    """What of the log is meant: the versions, and the resources of which none stays."""

    reference: str
    patients: frozenset[str]
    taken: list[Version] = field(default_factory=list)
    whole: set[Name] = field(default_factory=set)
    about: dict[Name, str] = field(default_factory=dict)

    def add(self, versions: list[Version], taken: list[Version]) -> None:
        if taken:
            key = (taken[0].type, taken[0].id)
            self.taken += taken
            self.about[key] = next((each.subject for each in reversed(taken) if each.subject), "")
            if len(taken) == len(versions):
                self.whole.add(key)

    @property
    def names(self) -> set[str]:
        """The resources of which no version stays, as ``Type/ID``."""
        return {"/".join(key) for key in self.whole} | self.patients

    @property
    def marks(self) -> list[tuple[str, str]]:
        """What is marked: each resource with the patient it was about."""
        of_patients = [(each, each) for each in self.patients]
        return of_patients + [("/".join(key), self.about[key]) for key in sorted(self.whole)]


def plan(
    hospital: Hospital,
    reference: str,
    *,
    also: Collection[str] = (),
    keep: Collection[str] = (),
    tick: Tick | None = None,
) -> Plan:
    """What erasing ``Patient/ID``, or one resource ``Type/ID``, would reach; nothing is changed.

    Args:
        hospital: where.
        reference: of the patient or the resource.
        also: words to look for in the bytes of messages and held items, besides ids and numbers.
        keep: messages and items, as ``message/7`` and ``quarantine/12``, that are to stay.
        tick: called with what is looked through, how far, and how many there are.

    Raises:
        NotFound: nothing of it is here, or the reference has neither form.
        Conflict: the patient was merged into another.
    """
    last = ingest.erasing.last(hospital.engine)
    with reading(hospital.engine) as connection:
        target = _target(hospital.lake, connection, reference)
        words = _words(target, also)
        found = _traces(connection, target, words, (0, 0), tick)
        traces = tuple(each for each in found if each.name not in keep)
        suggestions = tuple(review.erasing.resting_on(connection, target.patients, target.names))
    if not (target.taken or traces or suggestions):
        raise NotFound(f"nothing of {reference} is here")
    return Plan(
        reference=reference,
        patients=tuple(sorted(target.patients)),
        versions=dict(sorted(Counter(each.type for each in target.taken).items())),
        resources=len(target.about),
        traces=traces,
        suggestions=suggestions,
        mentions=_mentions(hospital.lake, target),
        files=tuple(_files(hospital.home, words)),
        last=last,
        also=tuple(also),
        keep=frozenset(keep),
    )


def forget(
    hospital: Hospital, planned: Plan, order: Order, person: people.Person, at: datetime | None = None
) -> Erasure:
    """Carries out what was planned, and what came since; all of it, or nothing.

    The columns and the files of the database still hold the old bytes until :func:`finish`.

    Raises:
        NotAllowed: the person has not the right.
        InvalidDecision: the order says too little.
        Conflict: as for :func:`plan`.
    """
    require(person.roles, Right.ERASE)
    order.check()
    return _carried_out(hospital, planned, order, person.id, at or datetime.now(UTC))


def _carried_out(hospital: Hospital, planned: Plan, order: Order, by: str, at: datetime) -> Erasure:
    lake = hospital.lake
    with overwriting(hospital.engine) as connection:
        identity.take_turn(lake, connection)
        target = _target(lake, connection, planned.reference)
        late = _traces(connection, target, _words(target, planned.also), planned.last, None)
        traces = [*planned.traces, *(each for each in late if each.name not in planned.keep)]
        suggestions = list(review.erasing.resting_on(connection, target.patients, target.names))
        types = sorted({each.type for each in target.taken})
        kinds = Counter(each.kind for each in traces)
        counts = dict(sorted(Counter(each.type for each in target.taken).items())) | {
            "messages": kinds["message"],
            "quarantine": kinds["quarantine"],
            "suggestions": len(suggestions),
        }
        made = erasing.begin(
            connection,
            at=at,
            by=by,
            asked_by=order.asked_by,
            ground=order.ground,
            reason=order.reason,
            type_=planned.reference.partition("/")[0],
            counts=counts,
            columns=types,
        )
        _erase(lake, connection, target, made, traces, suggestions, at)
        detail = {"ground": order.ground, "asked_by": order.asked_by, "counts": counts}
        audit.record(connection, by, audit.Action.LAKE_FORGOTTEN, f"erasure/{made.id}", detail, at)
    return made


def _erase(
    lake: Lake,
    connection: sa.Connection,
    target: _Target,
    made: Erasure,
    traces: Iterable[Trace],
    suggestions: list[str],
    at: datetime,
) -> None:
    kept = erasing.digests(connection)

    def alias(name: str) -> str:
        return kept.alias(made.id, name)

    erasing.bury(connection, made.id, target.taken, target.whole, kept)
    erasing.mark(connection, made.id, target.marks, kept)
    patients = [each.removeprefix("Patient/") for each in target.patients]
    identity.forgetting.forget(connection, patients, target.about, alias)
    stays = [id_ for type_, id_ in target.whole if type_ == "Encounter"]
    care.forget(connection, patients, stays, made.id, alias)
    consents = [id_ for type_, id_ in target.about if type_ == "Consent"]
    consent.forget(lake, connection, patients, consents, made.id, alias)
    ingest.erasing.empty(connection, traces)
    review.erasing.empty(connection, suggestions, made.id, at, alias, target.names)
    terminology.recount(connection)


def finish(hospital: Hospital, at: datetime | None = None) -> list[Erasure]:
    """Does what is left of every erasure: drops columns, and cleans the files of the database.

    Returns:
        The erasures that it finished.

    Raises:
        Unavailable: another process keeps the journal in use, or there is no room; ask again.
    """
    hospital.lake.resume_erasures()
    open_ = [each for each in erasures(hospital.engine) if not each.finished]
    if open_:
        scrub(hospital.engine, _tables())
        with writing(hospital.engine) as connection:
            erasing.cleaned(connection, [each.id for each in open_], at or datetime.now(UTC))
    return open_


def _tables() -> list[str]:
    rooms = (identity.forgetting, ingest.erasing, review.erasing, care, consent)
    return [*erasing.tables(), *(each for room in rooms for each in room.tables())]


def erasures(engine: sa.Engine) -> list[Erasure]:
    """Every erasure, the latest first."""
    with reading(engine) as connection:
        return erasing.every(connection)


def allow(
    hospital: Hospital, reference: str, person: people.Person, reason: str, at: datetime | None = None
) -> int:
    """Lets what was erased come back, should a feed send it again; how many resources that is.

    What was erased does not come back by itself: nothing of it is here any more.

    Args:
        hospital: where.
        reference: ``Patient/ID``, with all that was about that patient, or one ``Type/ID``.
        person: who decides.
        reason: why, in that person's words.
        at: when; now, if not given.

    Raises:
        NotAllowed: the person has not the right.
        InvalidDecision: no reason is given.
        NotFound: it was never erased here, or may come back already.
    """
    require(person.roles, Right.ERASE)
    if not reason.strip():
        raise InvalidDecision("say why it may come back")
    at = at or datetime.now(UTC)
    with writing(hospital.engine) as connection:
        numbers, count = erasing.allow(connection, reference, person.id, reason, at)
        if not count:
            raise NotFound("nothing of that name is kept away")
        for number in numbers:
            detail = {"resources": count}
            action = audit.Action.LAKE_ALLOWED
            audit.record(connection, person.id, action, f"erasure/{number}", detail, at)
    return count


# What it reaches -------------------------------------------------------------------------------------------


def _target(lake: Lake, connection: sa.Connection, reference: str) -> _Target:
    parts = _REFERENCE.fullmatch(reference)
    if not parts:
        raise NotFound("name a patient or a resource", hint="as in Patient/12 or Observation/7")
    if parts[1] == "Patient":
        return _patient(lake, connection, parts[2])
    target = _Target(reference, frozenset())
    key = (parts[1], parts[2])
    for versions in lake.histories(connection, [key]).values():
        target.add(versions, versions)
    _add_binaries(lake, connection, target)
    return target


def _patient(lake: Lake, connection: sa.Connection, id_: str) -> _Target:
    stands, persons = identity.forgetting.same_person(connection, id_)
    if stands != id_:
        hint = f"erase Patient/{stands}, who stands for both, or take the merge back first"
        raise Conflict(f"Patient/{id_} was merged into another patient", hint=hint)
    target = _Target(f"Patient/{id_}", frozenset(f"Patient/{each}" for each in persons))
    after: Name = ("", "")
    while keys := lake.ever_about(connection, target.patients, after):
        for versions in lake.histories(connection, keys).values():
            taken = identity.forgetting.taken(versions, target.patients)
            target.add(versions, [each for each in taken if not _shared(each, target.patients)])
        after = keys[-1]
    _add_binaries(lake, connection, target)
    return target


def _shared(version: Version, patients: Collection[str]) -> bool:
    """Whether a resource names other patients too, and is about nobody first of all: a group, a list."""
    resource = version.resource
    if version.type == "Patient" or any(name in resource for name in ("subject", "patient", "beneficiary")):
        return False
    named = {fhir.patient_of(each) for each in fhir.references(resource)}
    return bool(named - {None, *patients})


def _add_binaries(lake: Lake, connection: sa.Connection, target: _Target) -> None:
    """Files that what is taken points to, and nothing else: a Binary says of nobody whose it is."""
    named = {each.decode() for version in target.taken for each in _BINARY.findall(version.body)}
    if not named:
        return
    seqs = {each.seq for each in target.taken}
    others = {
        name
        for version in _holding(lake, named)
        if version.seq not in seqs and version.type != "Binary"
        for name in named
        if name.encode() in version.body
    }
    keys = [("Binary", each.removeprefix("Binary/")) for each in sorted(named - others)]
    about = next(iter(sorted(target.patients)), "")
    for key, versions in lake.histories(connection, keys).items():
        target.add(versions, versions)
        target.about[key] = target.about[key] or about


def _holding(lake: Lake, names: Collection[str]) -> Iterator[Version]:
    ordered = sorted(names)
    for start in range(0, len(ordered), 20):
        needles = [each.encode() for each in ordered[start : start + 20]]
        for type_ in lake.count():
            yield from lake.holding(type_, needles, 0, lake.position())


def _mentions(lake: Lake, target: _Target) -> tuple[str, ...]:
    names = target.patients or {target.reference}
    wanted = re.compile(rb"|".join(re.escape(each.encode()) + rb'["/]' for each in sorted(names)))
    seqs = {each.seq for each in target.taken}
    found: dict[str, None] = {}
    for version in _holding(lake, names):
        if version.seq not in seqs and wanted.search(version.body):
            found[f"{version.type}/{version.id}"] = None
        if len(found) >= MENTIONS:
            break
    return tuple(found)


def _words(target: _Target, also: Collection[str]) -> re.Pattern[bytes] | None:
    """What identifies what is erased in bytes that no table knows: numbers, ids, words of a person."""
    words = {each.partition("/")[2] for each in (target.patients or {target.reference})}
    for version in target.taken:
        own = version.type == "Patient" or not target.patients
        held = version.resource.get("identifier", []) if own else []
        for each in held if isinstance(held, list) else [held]:
            words.add(str(each.get("value", "")))
    telling = {each for each in words if len(each) >= (4 if each.isdigit() else 2)}
    return ingest.erasing.pattern(telling | {each for each in also if each.strip()})


def _traces(
    connection: sa.Connection,
    target: _Target,
    words: re.Pattern[bytes] | None,
    after: tuple[int, int],
    tick: Tick | None,
) -> list[Trace]:
    found = list(ingest.erasing.messages(connection, words, after[0], tick))
    return found + list(ingest.erasing.items(connection, words, target.names, after[1], tick))


def _files(home: Path, words: re.Pattern[bytes] | None) -> Iterator[str]:
    for folder in FOLDERS:
        for path in sorted((home / folder).rglob("*")):
            if not words or not path.is_file():
                continue
            if path.stat().st_size > LARGEST or words.search(path.read_bytes()):
                yield str(path.relative_to(home))


# After a restore -------------------------------------------------------------------------------------------


def saved(engine: sa.Engine) -> bytes:
    """What was erased, to keep outside the database: digests and their secret; empty where nothing was.

    A backup that is older than an erasure brings back what was erased: :func:`again` erases it once more.
    """
    with reading(engine) as connection:
        return erasing.saved(connection)


def again(hospital: Hospital, copy: bytes, at: datetime | None = None) -> int:
    """Erases once more what a copy of :func:`saved` names, after a restore of an older backup.

    Returns:
        How many patients and resources were here again.

    Raises:
        UnreadableInput: it is no such copy.
        Conflict: this database has erasures of its own, under another secret.
    """
    at = at or datetime.now(UTC)
    try:
        with writing(hospital.engine) as connection:
            erasing.carry(connection, copy)
    except msgspec.MsgspecError:
        raise UnreadableInput("this is no copy of the erasures of a hospital") from None
    count = 0
    for reference, before in _back(hospital.lake):
        order = Order(asked_by=before.asked_by, ground=before.ground, reason=before.reason)
        _carried_out(hospital, plan(hospital, reference), order, before.by, at)
        count += 1
    finish(hospital, at)
    return count


def _back(lake: Lake) -> Iterator[tuple[str, Erasure]]:
    """What was erased and is in the log all the same: patients first, then what is left of resources."""
    with reading(lake.engine) as connection:
        found = dict(erasing.back(connection, patients=True))
    stands = identity.followed(lake.engine, found)
    for name, number in found.items():
        before = lake.erasure(number)
        if before and lake.patients([name]):  # not gone with another of the same person
            yield stands[name], before
    with reading(lake.engine) as connection:
        found = dict(erasing.back(connection, patients=False))
    for name, number in found.items():
        before = lake.erasure(number)
        if before and lake.history(name):
            yield name, before
