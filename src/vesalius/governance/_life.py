"""Where a system stands, gate by gate: what its events say, held against what is in force at a moment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from vesalius.errors import InvalidCard, NotFound
from vesalius.governance import _bought, classifying, gates, rulebook
from vesalius.governance._chain import told
from vesalius.governance._register import read_settings, read_use
from vesalius.governance.audit import Action
from vesalius.governance.gates import Signature, Standing
from vesalius.governance.lifecycle import NEXT, PATH, RESUMED, RUNS, Slot, State
from vesalius.governance.people import Person
from vesalius.store import reading
from vesalius.usecase import encode, find


@dataclass(frozen=True)
class Use:
    """A use as it stands.

    Attributes:
        name: the use case.
        state: where it stands in its life.
        since: since when; None for one that nobody has touched.
        model: the SHA-256 of the model in force; empty for the one that the use case ships.
        settings: the hospital's values of the card's settings; what is missing has the card's default.
        reopened: the gates on the way to here that do not hold now, each with the reasons; empty when all do.
    """

    name: str
    state: State
    since: datetime | None
    model: str
    settings: dict[str, float]
    reopened: Mapping[str, tuple[str, ...]]

    @property
    def speaks(self) -> bool:
        """Whether its suggestions are shown to people: it is live, and every gate holds."""
        return self.state == State.LIVE and not self.reopened

    @property
    def runs(self) -> bool:
        """Whether the loop turns for it, aloud or in silence."""
        return self.state in RUNS


@dataclass(frozen=True)
class Gate:
    """The gate that is open for a use: the first that does not hold, or one whose signatures expire soon.

    Attributes:
        name: which gate.
        source, target: where the use stands, and the state that the gate is for.
        slots: the signatures it needs, in order.
        signed: those that hold, by the slot's name.
        fallen: those that hold no more, with the reasons.
        code: changes with the gate and what it is about: what a person had before their eyes.
        renewal: whether it holds still, and is signed anew before it expires.
    """

    name: str
    source: State
    target: State
    slots: tuple[Slot, ...]
    signed: Mapping[str, Signature]
    fallen: Mapping[str, tuple[str, ...]]
    code: str = ""
    renewal: bool = False

    @property
    def open_slots(self) -> tuple[Slot, ...]:
        """The signatures still missing."""
        return tuple(slot for slot in self.slots if slot.name not in self.signed)

    def slot_for(self, person: Person) -> Slot | None:
        """The signature that this person can still give, if any."""
        if any(each.by == person.id for each in self.signed.values()):
            return None
        return next((slot for slot in self.open_slots if person.role_among(slot.roles)), None)


@dataclass(frozen=True)
class Life:
    """Where a use stands, gate by gate.

    Attributes:
        use: the use.
        gates: how each gate stands, by its name.
        marks: what is in force, which signatures are held against.
        classification: what it is in law, or None.
    """

    use: Use
    gates: Mapping[str, Standing]
    marks: Mapping[str, str]
    classification: classifying.Classification | None


@dataclass(frozen=True)
class Fall:
    """That a use which was live is silent.

    Attributes:
        at: since when.
        by: who brought it about: a person, or the system.
        gates: the gates that re-opened, each with the reasons; empty where none did, as for a stop rule.
        event: the place in the audit of the move to silence.
    """

    at: datetime
    by: str
    gates: Mapping[str, tuple[str, ...]]
    event: int


def life(where: sa.Engine | sa.Connection, name: str, at: datetime | None = None) -> Life:
    """Where the use ``name`` stands at ``at`` (now, if not given), read from the audit."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return life(connection, name, at)
    row, folded = read_use(where, name), gates.fold(where, name)
    settings = (read_settings(where, name, row.settings) or {}) if row else {}
    model = row.model if row else ""
    known_as = classifying.of(where, name)
    marks = _marks(where, name, model, settings, known_as)
    stands = gates.standings(
        folded, rulebook.gate_rules(where), marks, at or datetime.now(UTC), council=_council(known_as)
    )
    passed = PATH[: PATH.index(folded.state) + 1] if folded.state in PATH else ()
    reopened = {str(each): _why(stands[each]) for each in passed if not stands[each].holds}
    since = folded.since or (row.since if row else None)
    use = Use(name, folded.state, since, model, settings, reopened)
    return Life(use, stands, marks, known_as)


def current(where: sa.Engine | sa.Connection, name: str, at: datetime | None = None) -> Use:
    """The use ``name`` as it stands; one that nobody has touched is an idea with the card's own settings."""
    return life(where, name, at).use


def gate(where: sa.Engine | sa.Connection, name: str, at: datetime | None = None) -> Gate | None:
    """The gate that is open for the use ``name``; None when every one holds, or it is retired."""
    at = at or datetime.now(UTC)
    return gate_of(life(where, name, at), at)


def gate_of(found: Life, at: datetime) -> Gate | None:
    """The same of a use whose life was read already."""
    state = found.use.state
    if state == State.RETIRED:
        return None
    if state == State.SUSPENDED:
        return _open(found, found.gates[RESUMED], State.SILENT)
    ahead = (*found.use.reopened, *((NEXT[state],) if state in NEXT else ()))
    if ahead:
        return _open(found, found.gates[ahead[0]], State(ahead[0]))
    for each in PATH:  # all hold: is one of them to be signed anew soon?
        stands = found.gates[each]
        fresh = {
            name: one
            for name, one in stands.signed.items()
            if one.expires is None or one.expires - at > gates.RENEWAL
        }
        if len(fresh) < len(stands.signed):
            renewed = Standing(stands.gate, stands.slots, fresh, {})
            return _open(found, renewed, each, renewal=True)
    return None


def falls(where: sa.Engine | sa.Connection, name: str) -> tuple[Fall, ...]:
    """Each time that the use ``name`` was live and fell silent, latest last."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return falls(connection, name)
    return tuple(fall for fall in _moves(where, name) if fall)


def fallen(where: sa.Engine | sa.Connection, name: str) -> Fall | None:
    """Why the use ``name``, which was live, is silent; None for one that never was, or is live again."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return fallen(connection, name)
    moves = _moves(where, name)
    return moves[-1] if moves else None


def _moves(where: sa.Connection, name: str) -> list[Fall | None]:
    """Every move of the use ``name``: a fall where it was one from live to silent."""
    found: list[Fall | None] = []
    noted: Mapping[str, Any] = {}
    for event in told(where, (Action.USE_MOVED, Action.USE_REOPENED), name):
        if event.action == Action.USE_REOPENED:
            noted = event.detail.get("gates", {})  # of the move that it brings about, just after it
            continue
        fell = (event.detail.get("from"), event.detail["to"]) == (State.LIVE, State.SILENT)
        gone = {str(gate): tuple(why) for gate, why in noted.items()}
        found.append(Fall(event.at, event.actor, gone, event.seq) if fell else None)
        noted = {}
    return found


def _open(found: Life, stands: Standing, target: State, *, renewal: bool = False) -> Gate:
    code = hashlib.sha256(encode((stands.gate, found.use.state, dict(found.marks)))).hexdigest()[:16]
    return Gate(
        stands.gate, found.use.state, target, stands.slots, stands.signed, stands.fallen, code, renewal
    )


def _marks(
    connection: sa.Connection,
    name: str,
    model: str,
    settings: Mapping[str, float],
    found: classifying.Classification | None,
) -> dict[str, str]:
    """What is in force of all that a gate can be about, each as a short text or hash."""
    regime = found.regime.key if found else ""
    try:
        kind: Any = find(name)
    except (NotFound, InvalidCard):
        kind = None
    if kind is None or hasattr(kind, "entry"):  # bought: what is in force is its line in the register
        entry = _bought.entry(connection, name)
        if entry is None:
            return {}
        return {"version": entry.version, "model": entry.hash, "views": entry.device, "regime": regime}
    return {
        "version": kind.card.version,
        "model": model,
        "views": gates.views_mark(kind),
        "settings": _filled(kind, settings),
        "regime": regime,
    }


def _filled(kind: Any, settings: Mapping[str, float]) -> str:
    """The hash of every setting in force; empty where they no longer fit the card."""
    try:
        return hashlib.sha256(encode(kind.card.fill(settings))).hexdigest()
    except InvalidCard:
        return ""


def _council(found: classifying.Classification | None) -> bool:
    """Whether workers are put under high-risk AI, or nobody has said that they are not."""
    return found is None or (found.regime.high_risk and found.answers.get("workers") != "no")


def _why(stands: Standing) -> tuple[str, ...]:
    found: Iterable[str] = (why for each in stands.fallen.values() for why in each)
    return tuple(dict.fromkeys(found)) or ("unsigned",)


def known(connection: sa.Connection, name: str) -> None:
    """Passes for a system of the register: a use case that is installed, or one that was bought."""
    if _bought.entry(connection, name) is None:
        find(name)
