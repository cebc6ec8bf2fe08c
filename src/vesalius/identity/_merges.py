"""The merges that bear on some patients: who stands for whom, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from vesalius.identity._tables import merge as table

PERSON, FEED, RULE = "person", "feed", "rule"

NEVER = datetime.min.replace(tzinfo=UTC)
_CHUNK = 500

Item = TypeVar("Item")


def chunks(items: Iterable[Item], size: int = _CHUNK) -> Iterator[list[Item]]:
    """Lists of at most ``size`` items, in order."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """One merge: from a moment on, what is about one patient is about another.

    Attributes:
        id: its number.
        source: the id of the patient who was replaced.
        target: the id of the patient who stands for both.
        at: from when on it counts: when a person decided, or when the feed said that it was recorded.
        origin: who decided: ``person``, ``feed`` (a system of the hospital) or ``rule`` (one that the
            hospital made automatic).
        by: the account, the name of the feed, or the code of the rule.
        reason: why, in the words of the person.
        undone_at, undone_origin, undone_by, undone_reason: the same of its undoing, or None.
        todo: what was last looked at while resources are still being moved, or None.
    """

    id: int
    source: str
    target: str
    at: datetime
    origin: str
    by: str
    reason: str
    undone_at: datetime | None = None
    undone_origin: str | None = None
    undone_by: str | None = None
    undone_reason: str | None = None
    todo: str | None = None

    @property
    def active(self) -> bool:
        """Whether it holds."""
        return self.undone_at is None

    def known(self, as_of: datetime | None) -> bool:
        """Whether it held at a moment; without one, whether it holds or ever did."""
        if as_of is None:
            return True
        return self.at <= as_of and (self.undone_at is None or self.undone_at > as_of)

    def at_the_time(self, as_of: datetime | None) -> Merge:
        """It as it was at a moment at which it held: not taken back yet."""
        return self if as_of is None else msgspec.structs.replace(self, undone_at=None)

    @property
    def changed(self) -> datetime:
        """When it began or ceased to hold."""
        return self.undone_at or self.at


def of_row(row: sa.Row[Any]) -> Merge:
    """The merge that a row holds."""
    return Merge(**row._mapping)


@dataclass
class Merges:
    """The merges that some patients take part in, undone ones too, and those further down their chains."""

    out: dict[str, list[Merge]] = field(default_factory=dict)
    into: dict[str, list[Merge]] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: sa.Connection, patients: Iterable[str], as_of: datetime | None = None) -> Merges:
        """Reads them, for patients given by their ids; those that held at a moment, where one is given."""
        found: dict[int, Merge] = {}
        seen: set[str] = set()
        wanted = set(patients)
        while wanted:
            seen |= wanted
            for ids in chunks(sorted(wanted)):
                chosen = sa.or_(table.c.source.in_(ids), table.c.target.in_(ids))
                rows = connection.execute(sa.select(table).where(chosen))
                found |= {each.id: each.at_the_time(as_of) for each in map(of_row, rows) if each.known(as_of)}
            wanted = {each.target for each in found.values() if each.active and each.source in seen} - seen
        merges = cls()
        for each in sorted(found.values(), key=lambda item: item.id):
            merges.out.setdefault(each.source, []).append(each)
            merges.into.setdefault(each.target, []).append(each)
        return merges

    def from_(self, patient: str) -> Merge | None:
        """The merge that holds and replaces a patient, or None."""
        return next((each for each in self.out.get(patient, ()) if each.active), None)

    def replaced(self, patient: str) -> list[str]:
        """The patients whom this one replaces by merges that hold."""
        return [each.source for each in self.into.get(patient, ()) if each.active]

    def survivor(self, patient: str) -> str:
        """Who stands for a patient in the end: A → B → C gives C."""
        return [patient, *(each.target for each in self.chain(patient))][-1]

    def chain(self, patient: str) -> Iterator[Merge]:
        """The merges that hold, one after the other, from a patient to the one who stands for them."""
        seen = {patient}
        while (step := self.from_(patient)) and step.target not in seen:
            yield step
            patient = step.target
            seen.add(patient)

    def changed(self, patient: str) -> datetime:
        """When who stands for a patient last changed."""
        along = [patient, *(each.target for each in self.chain(patient))]
        moments = [each.changed for name in along for each in self.out.get(name, ())]
        return max(moments, default=NEVER)

    def touched(self, patient: str) -> datetime:
        """When a merge from or into this very patient last began or ceased to hold."""
        both = [*self.out.get(patient, ()), *self.into.get(patient, ())]
        return max((each.changed for each in both), default=NEVER)


def upstream(connection: sa.Connection, patient: str) -> set[str]:
    """A patient, and everybody whom they stand for by merges that hold, at any distance."""
    seen, wanted = {patient}, {patient}
    while wanted:
        found: set[str] = set()
        for ids in chunks(sorted(wanted)):
            into = sa.select(table.c.source).where(table.c.target.in_(ids), table.c.undone_at.is_(None))
            found.update(connection.execute(into).scalars())
        wanted = found - seen
        seen |= wanted
    return seen


def with_merged(patients: sa.Select[tuple[str]]) -> sa.Select[tuple[str]]:
    """Some patients, by their ids, and everybody who is one person with them by merges that hold.

    Args:
        patients: selects one column, the ids.

    Returns:
        Selects the ids of all of them, each once.
    """
    found = patients.cte(recursive=True)  # without a name: one question may hold several of them
    # One step for both directions: PostgreSQL lets a recursion name itself once.
    here, c = found.c[0], table.c
    other = sa.case((c.target == here, c.source), else_=c.target)
    either = sa.or_(c.target == here, c.source == here)
    return sa.select(found.union(sa.select(other).join(found, either).where(c.undone_at.is_(None))).c[0])


def companions(connection: sa.Connection, patients: Iterable[str]) -> dict[str, set[str]]:
    """For each of some patients, by their ids: everybody who is one person with them, themselves included."""
    ids = set(patients)
    known = Merges.of(connection, ids)
    merged = ids & (known.out.keys() | known.into.keys())
    return {each: upstream(connection, known.survivor(each)) if each in merged else {each} for each in ids}
