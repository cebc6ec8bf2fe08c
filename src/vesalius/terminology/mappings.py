"""What people decided that local codes mean: decisions are added and withdrawn, never changed.

Words are those of a FHIR ConceptMap. Of the decisions on one key and one target system the last that was not
withdrawn is in force; "not mappable" (``unmatched``) is a decision too.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidMap, NotFound
from vesalius.store import reading, writing
from vesalius.terminology._tables import code_mapping as table
from vesalius.terminology.concepts import ANY_KIND, ANY_UNIT, LONGEST, TEXT, Key, plain
from vesalius.terminology.standards import QUANTITY, check_code, kind_of, kinds, standard_for, systems

MAPPED, WITHDRAWN = "mapped", "withdrawn"

EQUIVALENCES = (
    "equal", "equivalent", "wider", "subsumes", "narrower", "specializes", "inexact", "relatedto",
    "unmatched", "disjoint",
)  # fmt: skip
"""The codes of R4's ConceptMapEquivalence."""

APPLIED = frozenset({"equal", "equivalent", "wider", "subsumes"})
"""The equivalences whose target is true of whatever the local code is true of: only these are added."""

NOT_MAPPABLE = "unmatched"

_WIDTH = 255


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision on one local code.

    Attributes:
        kind: of the element, or ``*`` wherever the target's system is standard.
        system, code: the local code; ``concepts.TEXT`` and the words in their plain form.
        unit: only beside a result in this unit, empty: only without a unit, ``*``: whatever the unit.
        display: what the local code is called, for people.
        target_system, target_code, target_display: what it means; empty when it is not mappable.
        equivalence: how the target relates to the local code, as FHIR R4 says it.
        reason: why, in the words of who decided.
        by: who, as an account.
        at: when.
        uid: names the decision for ever, in the data too.
        id: its number, in the order of deciding; 0 before it is kept.
        withdrawn: the withdrawal, if there was one.
    """

    system: str
    code: str
    target_system: str = ""
    target_code: str = ""
    target_display: str = ""
    kind: str = ANY_KIND
    unit: str = ANY_UNIT
    display: str = ""
    equivalence: str = "equivalent"
    reason: str = ""
    by: str = ""
    at: datetime = datetime.min.replace(tzinfo=UTC)
    uid: str = ""
    id: int = 0
    withdrawn: Withdrawal | None = None

    @property
    def applies(self) -> bool:
        """Whether its target is added to data."""
        return self.withdrawn is None and self.equivalence in APPLIED

    def holds_for(self, key: Key) -> bool:
        """Whether it is about this local code, here and in this unit."""
        return (
            (self.system, self.code) == (key.system, key.code)
            and self.unit in (ANY_UNIT, key.unit)
            and (self.kind == key.kind or (self.kind == ANY_KIND and self._wherever(key.kind)))
        )

    def _wherever(self, kind: str) -> bool:
        if kind == QUANTITY or not self.target_system:
            return kind != QUANTITY
        return self.target_system in standard_for(kind)


class Withdrawal(msgspec.Struct, frozen=True):
    """Who took a decision back, when and why."""

    by: str
    at: datetime
    reason: str
    id: int = 0


def decide(
    where: sa.Engine | sa.Connection,
    decision: Decision,
    *,
    by: str,
    reason: str,
    at: datetime | None = None,
) -> Decision:
    """Keeps a decision; it is in force from now on for what arrives, and for the past once it is applied.

    Args:
        where: the transaction that notes it in the audit too, or the engine.
        decision: what was decided.
        by: who decided; never empty.
        reason: why; never empty.
        at: when; now, if not given.

    Raises:
        InvalidMap: it cannot be: no reason, a code of the wrong form, a target that is not standard there.
        Conflict: the very same decision is in force already.
    """
    decision = checked(msgspec.structs.replace(decision, by=by, reason=reason))
    if isinstance(where, sa.Engine):
        with writing(where) as connection:
            return _keep(connection, decision, at)
    return _keep(where, decision, at)


def checked(decision: Decision) -> Decision:
    """The decision, in its one form.

    Raises:
        InvalidMap: it cannot be kept; the message says why.
    """
    code = (
        plain(decision.code)
        if decision.system == TEXT and decision.kind != QUANTITY
        else decision.code.strip()
    )
    by, reason = decision.by.strip(), decision.reason.strip()
    decision = msgspec.structs.replace(decision, code=code, by=by, reason=reason)
    if not decision.by or not decision.reason:
        raise InvalidMap("a decision needs a name and a reason")
    if not decision.system or not decision.code:
        raise InvalidMap("a mapping begins with a local code and its system, or with words")
    if decision.equivalence not in EQUIVALENCES:
        raise InvalidMap(
            f"{decision.equivalence[:40]!r} is no equivalence of FHIR", hint=", ".join(EQUIVALENCES)
        )
    if decision.kind != ANY_KIND:
        kind_of(decision.kind)
    _check_sizes(decision)
    _check_source(decision)
    _check_target(decision)
    return decision


def _check_sizes(decision: Decision) -> None:
    texts = (decision.system, decision.code, decision.display, decision.target_code, decision.target_display)
    if any(len(text) > _WIDTH or "\0" in text for text in texts) or len(decision.unit) > LONGEST:
        raise InvalidMap(f"codes and their names have at most {_WIDTH} characters, units {LONGEST}")
    if len(decision.reason) > 2_000:
        raise InvalidMap("a reason has at most 2000 characters")


def _check_source(decision: Decision) -> None:
    if decision.system == TEXT and decision.kind == ANY_KIND:
        raise InvalidMap(
            "words mean something else in another element: name the kind of element", hint=", ".join(kinds())
        )
    if decision.kind != ANY_KIND and decision.system in standard_for(decision.kind):
        raise InvalidMap("the code is a standard one already: only local codes are mapped")
    if decision.kind == ANY_KIND and decision.system in systems():
        raise InvalidMap("the code is a standard one already: only local codes are mapped")


def _check_target(decision: Decision) -> None:
    if decision.equivalence == NOT_MAPPABLE:
        if decision.target_code or decision.target_system:
            raise InvalidMap("what is not mappable has no target")
        return
    if decision.target_system not in systems():
        names = ", ".join(each.name for each in systems().values())
        raise InvalidMap("the target is not from a standard code system", hint=f"one of {names}")
    check_code(systems()[decision.target_system], decision.target_code)
    if decision.kind != ANY_KIND and decision.target_system not in standard_for(decision.kind):
        wanted = ", ".join(kinds()[decision.kind].systems)
        raise InvalidMap(f"for {decision.kind} that system is not a standard one", hint=f"one of {wanted}")


def _keep(connection: sa.Connection, decision: Decision, at: datetime | None) -> Decision:
    _one_at_a_time(connection)
    same = [each for each in in_force(_read(connection)) if _slot(each) == _slot(decision)]
    if same and _content(same[-1]) == _content(decision):
        raise Conflict("this is how it is mapped already")
    made = msgspec.structs.replace(
        decision, uid=decision.uid or str(uuid.uuid4()), at=at or datetime.now(UTC)
    )
    row = {
        name: getattr(made, name) for name in msgspec.structs.asdict(made) if name not in ("id", "withdrawn")
    }
    key = connection.execute(sa.insert(table).values(act=MAPPED, **row)).inserted_primary_key
    assert key is not None
    return msgspec.structs.replace(made, id=int(key[0]))


def withdraw(
    where: sa.Engine | sa.Connection, uid: str, *, by: str, reason: str, at: datetime | None = None
) -> Decision:
    """Takes a decision back; what it added is no longer added, and leaves the past once that is applied.

    Raises:
        NotFound: there is no such decision.
        Conflict: it was withdrawn before.
        InvalidMap: no reason is given.
    """
    if isinstance(where, sa.Engine):
        with writing(where) as connection:
            return withdraw(connection, uid, by=by, reason=reason, at=at)
    by, reason, at = by.strip(), reason.strip(), at or datetime.now(UTC)
    if not by or not reason:
        raise InvalidMap("a withdrawal needs a name and a reason")
    _one_at_a_time(where)
    found = next((each for each in _read(where) if each.uid == uid), None)
    if found is None:
        raise NotFound("there is no such mapping")
    if found.withdrawn:
        raise Conflict("this mapping was withdrawn before")
    row = {
        name: getattr(found, name)
        for name in msgspec.structs.asdict(found)
        if name not in ("id", "withdrawn")
    }
    row |= {"by": by, "reason": reason, "at": at, "act": WITHDRAWN}
    key = where.execute(sa.insert(table).values(row)).inserted_primary_key
    assert key is not None
    return msgspec.structs.replace(found, withdrawn=Withdrawal(by, at, reason, int(key[0])))


def _one_at_a_time(connection: sa.Connection) -> None:
    # SQLite admits one writer anyway; on PostgreSQL ids must not be seen out of order, as those who re-code
    # the past note the last one that they took into account.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE code_mapping IN SHARE ROW EXCLUSIVE MODE"))


def decisions(where: sa.Engine | sa.Connection) -> list[Decision]:
    """Every decision there ever was, in the order in which they were made."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return _read(connection)
    return _read(where)


def in_force(of: Iterable[Decision]) -> list[Decision]:
    """Of some decisions, those in force: the last on each key and target system that was not withdrawn.

    A decision that a code is not mappable and one that maps it exclude each other: the later one counts.
    """
    last: dict[tuple[str, ...], dict[str, Decision]] = {}
    for each in of:
        if each.withdrawn:
            continue
        *source, target = _slot(each)
        others = last.setdefault(tuple(source), {})
        others.pop("", None)
        if each.equivalence == NOT_MAPPABLE:
            others.clear()
        others[target] = each
    return sorted((each for others in last.values() for each in others.values()), key=lambda each: each.id)


def newest(connection: sa.Connection) -> int:
    """The number of the last decision or withdrawal; 0 before the first."""
    return int(connection.execute(_NEWEST).scalar_one())


_NEWEST = sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0))


def _slot(each: Decision) -> tuple[str, ...]:
    return each.kind, each.system, each.code, each.unit, each.target_system


def _content(each: Decision) -> tuple[str, ...]:
    return each.target_code, each.target_display, each.equivalence


def _read(connection: sa.Connection) -> list[Decision]:
    made: dict[str, Decision] = {}
    for row in connection.execute(sa.select(table).order_by(table.c.id)):
        values = dict(row._mapping)
        if values.pop("act") == WITHDRAWN:
            back = Withdrawal(row.by, row.at, row.reason, row.id)
            made[row.uid] = msgspec.structs.replace(made[row.uid], withdrawn=back)
        else:
            made[row.uid] = Decision(**values)
    return list(made.values())
