"""May this person see this patient, now, for this? The one place that answers, below every page and API.

:meth:`Access.allow` takes a person, a right and any number of patients, and says for each: granted, with the
purpose and the relation that the event notes, or refused, and why. It asks one question of the database for a
whole page of patients. :meth:`Access.scope` says the same of all patients at once, for a list.

A patient may refuse, too (:mod:`vesalius.governance.consent`): one person by name, whom nothing lets in, or
everybody who treats, and then only a broken glass opens (Belgian law of 22 April 2019, articles 36 and 37).

:func:`may` is the same rule as a pure function of role, right, state of the use and relation: every cell of
it can be tested.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from vesalius import identity
from vesalius.errors import Conflict, InvalidSetting, NotAllowed, OutsideCare
from vesalius.governance import care, consent, glass, roles
from vesalius.governance.lifecycle import State
from vesalius.governance.people import Person
from vesalius.governance.purposes import CARING, Purpose, purpose
from vesalius.governance.roles import Right
from vesalius.lake import Lake
from vesalius.review.whereabouts import displays
from vesalius.settings import Settings
from vesalius.store import reading
from vesalius.usecase import Candidate


class Relation(StrEnum):
    """Why a person may see a patient."""

    NOT_ASKED = "not_asked"
    """The purpose asks for none, or the hospital does not."""
    EVERYWHERE = "everywhere"
    """They belong to a service that serves all patients."""
    UNIT = "unit"
    """The patient is, or was lately, with a unit of theirs."""
    TAKEN_ON = "taken_on"
    """They took the patient on."""
    GLASS = "glass"
    """They broke the glass."""
    NONE = "none"
    """There is none."""


class Why(StrEnum):
    """Why a person may not see a patient."""

    ROLE = "role"
    NO_RELATION = "no_relation"
    REFUSED = "refused"
    """The patient refuses that those who treat see their data here; a broken glass opens it."""
    EXCLUDED = "excluded"
    """The patient refuses this very person; no glass opens it."""


@dataclass(frozen=True)
class Grant:
    """That a person may see a patient.

    Attributes:
        purpose: for what; None for a right under which no patient is seen.
        relation: by which relation.
    """

    purpose: Purpose | None
    relation: Relation

    @property
    def emergency(self) -> bool:
        """Whether the glass is broken."""
        return self.relation == Relation.GLASS

    @property
    def detail(self) -> dict[str, Any]:
        """What the event says of it; a reading without relation too, where the hospital only warns."""
        made: dict[str, Any] = {"purpose": str(self.purpose)} if self.purpose else {}
        if self.emergency:
            made["emergency"] = True
        if self.relation == Relation.NONE:
            made["relation"] = str(self.relation)
        return made


@dataclass(frozen=True)
class Answer:
    """What a person may see of some patients.

    Attributes:
        granted: by ``Patient/ID``, those whom they may see.
        refused: the others, and why not.
    """

    granted: Mapping[str, Grant]
    refused: Mapping[str, Why]


@dataclass(frozen=True)
class Rules:
    """What the hospital asks for; its settings say so.

    Attributes:
        mode: ``required``, ``warn`` or ``off``.
        grace: for how long after a stay its unit still sees the patient.
        hours: for how long a broken glass stays open.
    """

    mode: str = "required"
    grace: timedelta = timedelta(days=30)
    hours: float = 4.0

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Those of a hospital's settings."""
        return cls(settings.care_relation, timedelta(days=settings.care_grace_days), settings.glass_hours)


@dataclass(frozen=True)
class Scope:
    """Whom a person may see, of all patients; each selects one column, the ids of patients.

    Attributes:
        only: nobody else; None for everybody.
        never: and none of these; None for none.
    """

    only: sa.Select[tuple[str]] | None = None
    never: sa.Select[tuple[str]] | None = None


@dataclass(frozen=True)
class _Known:
    """What is known of some patients and a person.

    Attributes:
        relations: with each with whom there is one.
        shut: those who refuse, and why; not those to whom a broken glass lets the person in.
    """

    relations: Mapping[str, Relation]
    shut: Mapping[str, Why]


class Access:
    """Who may see whom, in one hospital.

    Args:
        lake: where patients, their stays and what they refuse are.
        rules: what the hospital asks for.
    """

    def __init__(self, lake: Lake, rules: Rules | None = None) -> None:
        self.lake = lake
        self.rules = rules or Rules()

    def allow(
        self,
        person: Person,
        right: Right,
        subjects: Iterable[str],
        *,
        wanted: str = "",
        at: datetime | None = None,
    ) -> Answer:
        """What a person may see of some patients, under a right.

        Args:
            person: who asks.
            right: under which right.
            subjects: the patients, as ``Patient/ID``.
            wanted: one of the purposes of the right, or empty for its first.
            at: when.

        Raises:
            InvalidSetting: there is no such right or purpose.
            NotAllowed: the right does not serve that purpose.
            Unavailable: the index of who lies where, or of who refuses what, is far behind.
        """
        asked, why = tuple(dict.fromkeys(subjects)), purpose(right, wanted)
        if not roles.may(person.roles, right):
            return Answer({}, dict.fromkeys(asked, Why.ROLE))
        if why not in CARING or not asked:
            return Answer(dict.fromkeys(asked, Grant(why, Relation.NOT_ASKED)), {})
        known = self._related(person, asked, at or datetime.now(UTC))
        granted, refused = {}, {}
        for subject in asked:
            relation = known.relations.get(subject, Relation.NONE)
            if subject in known.shut:
                refused[subject] = known.shut[subject]
            elif relation == Relation.NONE and self.rules.mode == "required":
                refused[subject] = Why.NO_RELATION
            else:
                granted[subject] = Grant(Purpose.ETREAT if relation == Relation.GLASS else why, relation)
        return Answer(granted, refused)

    def require(
        self, person: Person, right: Right, subject: str, *, wanted: str = "", at: datetime | None = None
    ) -> Grant:
        """The grant of one patient.

        Raises:
            NotAllowed: the person's role does not permit it.
            OutsideCare: the person has no care relation with the patient, or the patient refuses.
        """
        roles.require(person.roles, right)
        answer = self.allow(person, right, [subject], wanted=wanted, at=at)
        if subject in answer.granted:
            return answer.granted[subject]
        why = answer.refused[subject]
        breakable = why in (Why.NO_RELATION, Why.REFUSED) and person.may(Right.BREAK_GLASS)
        if why == Why.REFUSED:
            raise OutsideCare("this patient refuses to be seen here", breakable=breakable, refused=True)
        raise OutsideCare("this patient is not in your care", breakable=breakable)

    def scope(self, person: Person, right: Right, at: datetime | None = None) -> Scope:
        """Whom a person may see of all patients, under a right whose purpose is treatment.

        Raises:
            NotAllowed: the person's role does not permit it.
        """
        roles.require(person.roles, right)
        if purpose(right) not in CARING:
            return Scope()
        at = at or datetime.now(UTC)
        self._bring_up()
        with reading(self.lake.engine) as connection:
            mine = care.units(connection, person.id)
            never = self._never(connection, person, at)
            if self.rules.mode != "required" or care.EVERYWHERE in mine:
                return Scope(None, never)
            with_units = care.staying(connection, mine, at, self.rules.grace)
        parts = sa.union(with_units, care.holding(person.id, at), glass.holding(person.id, at)).subquery()
        return Scope(identity.with_merged(sa.select(parts.c.patient)), never)

    def _never(self, connection: sa.Connection, person: Person, at: datetime) -> sa.Select[tuple[str]] | None:
        """Selects those who refuse this very person, or everybody; not those to whom the glass is broken."""
        named = consent.excluding(connection, person, at)
        everybody = consent.refusing(connection, at)
        parts = [] if named is None else [identity.with_merged(named)]
        if everybody is not None:
            open_ = identity.with_merged(glass.holding(person.id, at)).subquery()
            shut = identity.with_merged(everybody).subquery()
            parts.append(sa.select(shut.c[0]).where(shut.c[0].not_in(sa.select(open_.c[0]))))
        if len(parts) < 2:
            return parts[0] if parts else None
        both = sa.union(*parts).subquery()
        return sa.select(both.c[0])

    def take_on(
        self, person: Person, subject: str, *, reason: str, until: datetime, at: datetime | None = None
    ) -> care.Taken:
        """Notes that a person treats a patient; see :func:`vesalius.governance.care.take_on`.

        Raises:
            OutsideCare: the patient refuses them, or everybody.
        """
        self._check_open(person, subject, at or datetime.now(UTC))
        return care.take_on(self.lake, person, subject, reason=reason, until=until, at=at)

    def break_glass(
        self, person: Person, subject: str, *, code: str, words: str, at: datetime | None = None
    ) -> glass.Broken:
        """Opens a patient to a person without a care relation; see :func:`vesalius.governance.glass.break_`.

        Raises:
            NotAllowed: the person's role does not permit it.
            OutsideCare: the patient refuses them by name.
            Conflict: they may see the patient already.
            NotFound: there is no such patient.
        """
        at = at or datetime.now(UTC)
        roles.require(person.roles, Right.BREAK_GLASS)
        patient = care.known(self.lake, subject)
        if self._check_open(person, subject, at, breaking=True):
            raise Conflict("you may see this patient already")
        ward = displays(self.lake, [Candidate(subject, subject, at)])[0].ward
        hours = self.rules.hours
        return glass.break_(
            self.lake.engine, person, patient, ward=ward, code=code, words=words, hours=hours, at=at
        )

    def _check_open(self, person: Person, subject: str, at: datetime, *, breaking: bool = False) -> bool:
        """Whether the person may see a patient; raises where the patient refuses what no glass opens."""
        known = self._related(person, (subject,), at)
        why = known.shut.get(subject)
        if why == Why.REFUSED and not breaking:
            raise OutsideCare("this patient refuses to be seen here", breakable=True, refused=True)
        if why == Why.EXCLUDED:
            raise OutsideCare(
                "this patient is not open to you", hint="ask a colleague who treats the patient"
            )
        return why is None and subject in known.relations

    def _bring_up(self) -> None:
        consent.bring_up(self.lake)
        if self.rules.mode != "off":
            care.bring_up(self.lake)

    def _related(self, person: Person, subjects: Collection[str], at: datetime) -> _Known:
        """The relation with each patient with whom there is one, and those who refuse."""
        self._bring_up()
        ids = {each: each.removeprefix("Patient/") for each in subjects if each.startswith("Patient/")}
        with reading(self.lake.engine) as connection:
            one = identity.companions(connection, ids.values())
            everybody = sorted({each for same in one.values() for each in same})
            excluded = _among(connection, consent.excluding(connection, person, at), everybody)
            refused = _among(connection, consent.refusing(connection, at), everybody)
            opened = _among(connection, glass.holding(person.id, at), everybody) if refused else set()
            by_id = self._by_id(connection, person, everybody, at)
        order = list(Relation)
        relations: dict[str, Relation] = {}
        shut: dict[str, Why] = {}
        for subject, id_ in ids.items():
            same = one[id_]
            found = [by_id[each] for each in same if each in by_id]
            if not same.isdisjoint(excluded):
                shut[subject] = Why.EXCLUDED
            elif not same.isdisjoint(refused) and same.isdisjoint(opened):
                shut[subject] = Why.REFUSED
            elif not same.isdisjoint(refused):
                relations[subject] = Relation.GLASS
            elif found:
                relations[subject] = min(found, key=order.index)
        return _Known(relations, shut)

    def _by_id(
        self, connection: sa.Connection, person: Person, ids: Collection[str], at: datetime
    ) -> dict[str, Relation]:
        if self.rules.mode == "off":
            return dict.fromkeys(ids, Relation.NOT_ASKED)
        mine = care.units(connection, person.id)
        if care.EVERYWHERE in mine:
            return dict.fromkeys(ids, Relation.EVERYWHERE)
        parts = {
            Relation.GLASS: glass.holding(person.id, at),
            Relation.TAKEN_ON: care.holding(person.id, at),
            Relation.UNIT: care.staying(connection, mine, at, self.rules.grace),
        }
        selects = [
            chosen.add_columns(sa.literal(str(relation))).where(chosen.selected_columns[0].in_(ids))
            for relation, chosen in parts.items()
        ]
        found: dict[str, Relation] = {}
        rank = list(parts)
        for patient, relation in connection.execute(sa.union_all(*selects)):
            before = found.get(patient)
            if before is None or rank.index(before) < rank.index(Relation(relation)):
                found[patient] = Relation(relation)
        return found


def _among(connection: sa.Connection, chosen: sa.Select[tuple[str]] | None, ids: Collection[str]) -> set[str]:
    """Those of some ids whom a selection holds."""
    if chosen is None:
        return set()
    inner = chosen.subquery()
    return set(connection.execute(sa.select(inner.c[0]).where(inner.c[0].in_(ids))).scalars())


# The rule as a pure function -------------------------------------------------------------------------------

_ALL = frozenset(State)
_ALIVE = _ALL - {State.RETIRED}

STATES: Mapping[Right, frozenset[State]] = {
    # What was suggested aloud is kept and can be read after the use stopped; decided only while it speaks.
    Right.DECIDE: frozenset({State.LIVE}),
    Right.SIGN_GATES: frozenset(
        {State.IDEA, State.DATA_APPROVED, State.VALIDATED, State.SILENT, State.SUSPENDED}
    ),
    Right.SUSPEND: _ALIVE - {State.SUSPENDED},
    Right.RETIRE: _ALIVE,
    Right.CHANGE_MODEL: _ALIVE,
    Right.CHANGE_SETTINGS: _ALIVE,
    Right.PLAN_TRIAL: _ALIVE - {State.LIVE},
}
"""In which states of a use its rights are there; one that is not here does not depend on the state."""


def may(role: str | Iterable[str], right: str, state: str = "", relation: str = Relation.NOT_ASKED) -> bool:
    """Whether a role has a right on a use in a state, towards a patient of a relation; a pure function.

    Args:
        role: one role, or several.
        right: the right.
        state: of the use that it is about; empty where it is about none.
        relation: with the patient whom it is about; ``not_asked`` where it is about none, or the hospital
            asks for none.

    Raises:
        InvalidSetting: there is no such right, state or relation.

    Examples:
        >>> may("doctor", "decide", "live", "unit")
        True
        >>> may("doctor", "decide", "suspended", "unit")
        False
        >>> may("doctor", "decide", "live", "none")
        False
    """
    if state and state not in State.__members__.values():
        raise InvalidSetting(f"there is no state {state!r}", hint=", ".join(State))
    if relation not in Relation.__members__.values():
        raise InvalidSetting(f"there is no relation {relation!r}", hint=", ".join(Relation))
    if not roles.may(role, right):
        return False
    if state and State(state) not in STATES.get(Right(right), _ALL):
        return False
    return relation != Relation.NONE or purpose(right) not in CARING


def require(role: str | Iterable[str], right: str, state: str = "") -> None:
    """Passes when a role has a right on a use in a state.

    Raises:
        NotAllowed: it has not.
    """
    roles.require(role, right)
    if not may(role, right, state):
        raise NotAllowed(f"nobody may {right.replace('_', ' ')} in the state {state}")
