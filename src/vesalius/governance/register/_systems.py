"""Every system of the register, bought or made here, as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from vesalius.errors import NotFound
from vesalius.governance import _bought, uses
from vesalius.governance._bought import Entry
from vesalius.governance.classifying import Classification
from vesalius.governance.register import obligations
from vesalius.governance.register.obligations import Obligation
from vesalius.governance.uses import Gate, Life
from vesalius.store import reading
from vesalius.usecase import installed


@dataclass(frozen=True)
class System:
    """One system.

    Attributes:
        name: its code.
        entry: what was registered, for a bought one; None for a use case of the hospital.
        life: where it stands, gate by gate.
        gate: the gate that is open, or None.
        obligations: the duties that apply, in the order of the rules.
    """

    name: str
    entry: Entry | None
    life: Life
    gate: Gate | None
    obligations: tuple[Obligation, ...]

    @property
    def bought(self) -> bool:
        """Whether it was bought."""
        return self.entry is not None

    @property
    def classification(self) -> Classification | None:
        """What it is in law, or None where nobody answered."""
        return self.life.classification

    @property
    def expires(self) -> datetime | None:
        """When the first signature that holds ends, or None."""
        ends = (each.expires for each in self.life.gates.values())
        return min((end for end in ends if end), default=None)

    @property
    def open_obligations(self) -> tuple[Obligation, ...]:
        """The duties that nobody has done or set aside."""
        return tuple(each for each in self.obligations if each.state == "open")


def systems(where: sa.Engine, at: datetime | None = None) -> list[System]:
    """Every system: the use cases that are installed, and those that were bought."""
    with reading(where) as connection:
        entries = {each.name: each for each in _bought.entries(connection)}
        return [_system(connection, name, entries.get(name), at) for name in sorted({*installed(), *entries})]


def system(where: sa.Engine | sa.Connection, name: str, at: datetime | None = None) -> System:
    """One system.

    Raises:
        NotFound: none of that name is installed or registered.
    """
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return system(connection, name, at)
    entry = _bought.entry(where, name)
    if entry is None and name not in installed():
        raise NotFound(f"there is no system {name!r}", hint="the register lists them")
    return _system(where, name, entry, at)


def _system(connection: sa.Connection, name: str, entry: Entry | None, at: datetime | None) -> System:
    at = at or datetime.now(UTC)
    life = uses.life(connection, name, at)
    return System(
        name,
        entry,
        life,
        uses.gate_of(life, at),
        tuple(obligations.of(connection, name, life.classification)),
    )
