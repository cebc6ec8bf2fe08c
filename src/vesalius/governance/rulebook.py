"""The rules of the house: who signs each gate, the questionnaire, the obligations. All of it is data.

The platform's own are files beside this module. A hospital's file of that name in ``HOME/rules`` stands
in the place of one; it is checked when the hospital is opened, and put in force with an event of the audit
that keeps its hash. What was in force at any time can be read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa

from vesalius.errors import InvalidSetting
from vesalius.governance import audit
from vesalius.governance._chain import latest
from vesalius.governance.lifecycle import GATES, Slot
from vesalius.governance.roles import MATRIX, Right, Role
from vesalius.store import Instant, add, metadata, reading, writing

T = TypeVar("T")
Kind = Literal["gates", "questions", "obligations"]
KINDS: tuple[Kind, ...] = ("gates", "questions", "obligations")
FOLDER = "rules"
"""The folder of a hospital's own files, in its home."""

_rules = sa.Table(
    "rulebook",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)


class GateDuties(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which duties hold a gate, by their ids, where they apply and the law asks for them already.

    Attributes:
        done: those that must be done, or set aside with a reason; else a second reason is asked for.
        owned: those for which somebody must have said until when, where they are not done.
        strict: of those in ``done``, the ones that no second reason replaces.
    """

    done: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()
    strict: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """All of them, in order."""
        return (*self.done, *self.owned)


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of those who may decide must hold the course of the use before a gate.

    Attributes:
        share: of them, above 0 to 1.
        units: only those who serve one of these units, or all; empty for everybody.
    """

    share: float
    units: tuple[str, ...] = ()


class GateRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One gate.

    Attributes:
        slots: the signatures that it needs.
        months: how long a signature holds; None for no end.
        duties: which duties hold it; None for those of the platform's own file.
        training: how many must be trained; None where it does not ask.
    """

    slots: tuple[str, ...]
    months: int | None = None
    duties: GateDuties | None = None
    training: Training | None = None


class GateRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file ``gates.toml``: the slots by name, with the roles that can fill each, and the gates."""

    slots: dict[str, tuple[Role, ...]]
    gates: dict[str, GateRule]

    def of(self, gate: str) -> tuple[Slot, ...]:
        """The slots of a gate, in order."""
        return tuple(Slot(name, self.slots[name]) for name in self.gates[gate].slots)

    def duties(self, gate: str) -> GateDuties:
        """Which duties hold a gate: as the file says, else as the platform's own does."""
        said = self.gates[gate].duties
        return read_gates(own("gates")).gates[gate].duties or GateDuties() if said is None else said


@cache
def own(kind: Kind) -> bytes:
    """The platform's own file; it changes with the release alone."""
    return files("vesalius.governance").joinpath(FOLDER, f"{kind}.toml").read_bytes()


def body(where: sa.Connection, kind: Kind) -> tuple[str, bytes]:
    """The rules in force, as a file, and their SHA-256.

    What the latest event of the audit names is in force, whatever else the table holds.
    """
    said = latest(where, audit.Action.RULES_ADOPTED, kind)
    if said is not None and said.get("own") is False:
        asked = sa.select(_rules.c.body).where(_rules.c.kind == kind, _rules.c.hash == said["content"])
        kept = where.execute(asked).scalar_one_or_none()
        if kept is not None and hashlib.sha256(kept.encode()).hexdigest() == said["content"]:
            return said["content"], kept.encode()
    given = own(kind)
    return hashlib.sha256(given).hexdigest(), given


def gate_rules(where: sa.Connection) -> GateRules:
    """Who signs each gate."""
    return read_gates(body(where, "gates")[1])


@lru_cache(maxsize=8)
def read_gates(given: bytes) -> GateRules:
    """Reads and checks ``gates.toml``.

    Raises:
        InvalidSetting: an unknown role, slot or gate, a gate without a slot, or months that make no sense.
    """
    found = read(given, GateRules, "gates")
    if set(found.gates) != set(GATES):
        raise InvalidSetting(f"gates.toml: the gates are {', '.join(GATES)}; each needs its table")
    for name, roles in found.slots.items():
        wrong = set(roles) - MATRIX[Right.SIGN_GATES]
        if not roles or wrong or not 1 <= len(name) <= 32:
            raise InvalidSetting(f"gates.toml: slot {name!r} needs roles that may sign gates")
    for name, rule in found.gates.items():
        unknown = set(rule.slots) - set(found.slots)
        if unknown or not rule.slots or len(set(rule.slots)) != len(rule.slots):
            raise InvalidSetting(f"gates.toml: gate {name} needs slots that are declared, each once")
        if rule.months is not None and not 1 <= rule.months <= 120:
            raise InvalidSetting(f"gates.toml: gate {name}: 1 to 120 months, or none")
        if rule.duties is not None and not set(rule.duties.strict) <= set(rule.duties.done):
            raise InvalidSetting(f"gates.toml: gate {name}: what is strict is in done, too")
        if rule.training is not None and not 0 < rule.training.share <= 1:
            raise InvalidSetting(f"gates.toml: gate {name}: a share above 0, 1 at most")
    return found


def read(given: bytes, kind: type[T], name: str) -> T:
    """A rules file as what it must be.

    Raises:
        InvalidSetting: it is no TOML, or a field is missing, unknown or wrong; the message names it.
    """
    try:
        return msgspec.toml.decode(given, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InvalidSetting(
            f"{name}.toml: {error}", hint="docs/governance/register.md explains it"
        ) from error


def adopt(engine: sa.Engine, home: Path, at: datetime | None = None) -> list[Kind]:
    """Puts the hospital's own files in force where they changed; which ones.

    A file that was taken away brings the platform's own back. Nothing changes when one file is wrong.

    Raises:
        InvalidSetting: a file cannot be read, or is wrong.
    """
    given = _given(home)
    at, changed = at or datetime.now(UTC), []
    with reading(engine) as connection:
        wanted = {kind: text for kind, text in given.items() if _differs(connection, kind, text)}
    if not wanted:
        return []
    with writing(engine) as connection:
        for kind, text in wanted.items():
            if not _differs(connection, kind, text):
                continue
            used = own(kind) if text is None else text
            digest = hashlib.sha256(used).hexdigest()
            add(connection, _rules, {"kind": kind, "hash": digest, "body": used.decode(), "at": at})
            detail = {"content": digest, "own": text is None}
            audit.record(connection, audit.SYSTEM, audit.Action.RULES_ADOPTED, kind, detail, at)
            changed.append(kind)
    return changed


def _given(home: Path) -> Mapping[Kind, bytes | None]:
    found: dict[Kind, bytes | None] = {}
    for kind in KINDS:
        path = home / FOLDER / f"{kind}.toml"
        try:
            found[kind] = path.read_bytes() if path.is_file() else None
        except OSError as error:
            raise InvalidSetting(f"cannot read {path}: {error.strerror}") from None
        if (text := found[kind]) is not None:
            _check(kind, text)
    _check_duties(found["gates"], found["obligations"])
    return found


def _check_duties(gates: bytes | None, obligations: bytes | None) -> None:
    """A hospital's gates ask for no duty that its rules do not know: it would hold nothing, unseen."""
    from vesalius.governance.register.obligations import read_rules

    if gates is None:
        return
    known = {each.id for each in read_rules(obligations or own("obligations")).duties}
    for name, rule in read_gates(gates).gates.items():
        if unknown := set(rule.duties.named if rule.duties else ()) - known:
            raise InvalidSetting(f"gates.toml: gate {name}: no duty is called {', '.join(sorted(unknown))}")


def _check(kind: Kind, text: bytes) -> None:
    from vesalius.governance import classifying
    from vesalius.governance.register import obligations

    readers: Mapping[Kind, Any] = {
        "gates": read_gates, "questions": classifying.read_questions, "obligations": obligations.read_rules,
    }  # fmt: skip
    readers[kind](text)


def _differs(connection: sa.Connection, kind: Kind, text: bytes | None) -> bool:
    said = latest(connection, audit.Action.RULES_ADOPTED, kind)
    if text is None:
        return said is not None and said.get("own") is False
    return said is None or bool(said.get("own")) or said["content"] != hashlib.sha256(text).hexdigest()
