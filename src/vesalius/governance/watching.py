"""What stops a use by itself, and what its hospital declares about it: kept, signed and audited.

The platform declares a **stop rule** of each kind, a card may declare its own in its place, and a hospital
moves the bound within what the rule allows. It cannot switch a rule off. A change is signed like one of the
thresholds, by an allowed person with a reason; every version is kept.

Two figures can only come from the hospital, and are asked with their source: how many clinician-hours a day
stand behind the worklist, and how many minutes an accepted suggestion saves. Without them nothing is computed
from them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from vesalius.card import Card, StopRule
from vesalius.errors import Conflict, InvalidSetting
from vesalius.governance import audit, roles, uses
from vesalius.governance._register import Change, add_change
from vesalius.governance.lifecycle import State
from vesalius.governance.people import Person
from vesalius.governance.roles import Right
from vesalius.store import Instant, metadata, reading, writing
from vesalius.usecase import encode, find

STOP_RULES: tuple[StopRule, ...] = (
    StopRule("outcomes", limit=0.1, strictest=1.0, loosest=0.02, minimum=100),
    StopRule("calibration", limit=1.5, strictest=1.2, loosest=2.5, minimum=200, days=91),
    StopRule("feed", limit=0.9, strictest=0.5, loosest=0.95, minimum=30, days=3),
    StopRule("subgroup", limit=0.15, strictest=0.08, loosest=0.3, minimum=200, days=182),
    StopRule("override", limit=0.7, strictest=0.4, loosest=0.9, minimum=50, days=28),
)
"""The platform's own, where the card declares none of that kind; docs/governance/monitoring.md explains each.

- ``outcomes``: how many false alarms a year are borne of a risk-adjusted CUSUM for a doubling of the odds of
  the outcome; the height that it must reach follows from that, and from the mix of risks of the reference
  (Steiner SH, Cook RJ, Farewell VT, Treasure T. Biostatistics 2000;1(4):441-452).
- ``calibration``: the factor between the outcomes observed and expected, either way, that the whole 95 %
  interval must lie beyond; or the slope of calibration wholly below one over that factor.
- ``feed``: the share of suggestions made without an input that was there for most at the reference.
- ``subgroup``: how much lower than that of the others the AUROC of a subgroup is, beyond chance at one in a
  thousand over all subgroups.
- ``override``: the share of decisions that are overrides, by the lower end of its 95 % interval.

The bounds are the platform's choice and no published norm: the hospital owns them.
"""

_HOURS = 24 * 1000  # a thousand people around the clock
_MINUTES = 24 * 60

# Every version, by its number; the newest of a use is in force.
_watch = sa.Table(
    "use_watch",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("usecase", sa.String(64), nullable=False, index=True),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)


class Watch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a hospital declares about the watching of one use.

    Attributes:
        limits: by the name of a stop rule, the bound in force instead of its own.
        clinician_hours: how many hours a day people stand behind the worklist of this use, all together.
        hours_source: where that figure comes from (a roster, a decision of the board).
        minutes_saved: how many minutes an accepted suggestion saves.
        minutes_source: where that figure comes from (a time study, a publication).
    """

    limits: dict[str, float] = {}
    clinician_hours: float | None = None
    hours_source: str = ""
    minutes_saved: float | None = None
    minutes_source: str = ""

    @property
    def hash(self) -> str:
        """The SHA-256 of all of it."""
        return hashlib.sha256(encode(self)).hexdigest()


def stop_rules(card: Card, watch: Watch | None = None) -> tuple[StopRule, ...]:
    """The stop rules of a use, with the hospital's bounds where it declared some.

    Args:
        card: its own rules stand in place of the platform's of the same name.
        watch: what the hospital declared; a bound outside the rule's own (of an older card) is drawn back.
    """
    own = {rule.name: rule for rule in card.stop_rules}
    given: Mapping[str, float] = watch.limits if watch else {}
    found = [own.get(rule.name, rule) for rule in STOP_RULES]
    return tuple(
        msgspec.structs.replace(rule, limit=min(max(given.get(rule.name, rule.limit), rule.low), rule.high))
        for rule in found
    )


def watching(where: sa.Engine | sa.Connection, name: str) -> Watch:
    """What the hospital declared about the use ``name``; nothing, where nobody did."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return watching(connection, name)
    asked = sa.select(_watch.c.body).where(_watch.c.usecase == name).order_by(_watch.c.seq.desc()).limit(1)
    body = where.execute(asked).scalar_one_or_none()
    return Watch() if body is None else msgspec.json.decode(body, type=Watch)


def declare(
    engine: sa.Engine, name: str, watch: Watch, person: Person, *, reason: str, at: datetime | None = None
) -> Watch:
    """Puts other bounds and declarations in force; the open gate loses the signatures that it has collected.

    Args:
        engine: the hospital's database.
        name: the use case.
        watch: all that is declared from now on.
        person: who signs.
        reason: why, in their words; never empty.
        at: when.

    Raises:
        NotAllowed: the person may not change settings.
        InvalidSetting: no reason, a bound outside what the rule allows, or a figure without its source.
        Conflict: it is in force already, or the use is retired.
    """
    roles.require(person.roles, Right.CHANGE_SETTINGS)
    if not reason.strip():
        raise InvalidSetting("say why: the reason is kept with the signature")
    _check(find(name).card, watch)
    at = at or datetime.now(UTC)
    with writing(engine) as connection:
        before = watching(connection, name)
        if uses.current(connection, name).state == State.RETIRED:
            raise Conflict(f"{name} is retired")
        if before == watch:
            raise Conflict(f"{name} is watched like that already")
        row = {"usecase": name, "hash": watch.hash, "body": encode(watch).decode()}
        connection.execute(sa.insert(_watch).values(**row, by=person.id, reason=reason, at=at))
        role = person.role_among(tuple(roles.MATRIX[Right.CHANGE_SETTINGS]))
        change = Change(name, at, person.id, role, "rules", before.hash, watch.hash, reason, watch.hash)
        add_change(connection, change)
        detail = {"from": before.hash, "to": watch.hash, "content": change.content}
        audit.record(connection, person.id, audit.Action.USE_RULES_CHANGED, name, detail, at)
    return watch


def _check(card: Card, watch: Watch) -> None:
    known: dict[str, StopRule] = {rule.name: rule for rule in stop_rules(card)}
    for name, limit in watch.limits.items():
        rule = known.get(name)
        if rule is None:
            raise InvalidSetting(f"there is no stop rule {name!r}", hint=", ".join(known))
        if not rule.low <= limit <= rule.high:  # NaN is outside too
            raise InvalidSetting(f"{name} = {limit:g} is outside {rule.low:g} to {rule.high:g}")
    figures = (
        ("clinician-hours a day", watch.clinician_hours, watch.hours_source, _HOURS),
        ("minutes saved", watch.minutes_saved, watch.minutes_source, _MINUTES),
    )
    for words, value, source, most in figures:
        if value is None:
            continue
        if not (math.isfinite(value) and 0 < value <= most):
            raise InvalidSetting(f"{words}: more than 0, at most {most:g}")
        if not source.strip():
            raise InvalidSetting(f"{words}: say where the figure comes from")
