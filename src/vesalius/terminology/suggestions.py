"""What a local code may mean: guesses with a score, for a person to confirm; nothing here decides by itself.

Three sources, the surest first: what senders themselves put beside the code; a standard code that goes by
the same name in this hospital's own data; and the table of common analytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from vesalius.store import reading
from vesalius.terminology._tables import code_seen
from vesalius.terminology.analytes import find
from vesalius.terminology.concepts import plain
from vesalius.terminology.standards import QUANTITY, systems
from vesalius.terminology.units import same_unit, ucum
from vesalius.terminology.worklist import Entry

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"

BESIDE, SAME_NAME, TABLE, UNIT = "beside", "same-name", "table", "unit"
"""Why something is suggested, as codes."""

_ANALYTES = ("Observation.code", "ServiceRequest.code", "DiagnosticReport.code")
_LEAST = 0.5


class Suggested(msgspec.Struct, frozen=True):
    """One guess.

    Attributes:
        system, code, display: the target.
        score: how sure, from 0 to 1.
        why: the code of the reason.
        seen: how often this hospital's data bear it out.
    """

    system: str
    code: str
    display: str
    score: float
    why: str
    seen: int = 0

    @property
    def system_name(self) -> str:
        """The name of the target's system."""
        return systems()[self.system].name


class _Standard(msgspec.Struct):
    """A standard code of this hospital's own data."""

    system: str
    code: str
    kind: str
    unit: str
    times: int
    name: str


class Suggestions:
    """The guesses of one moment; it reads the hospital's own standard codes once.

    Args:
        engine: the hospital's database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._by_name: dict[tuple[str, str], list[_Standard]] = {}
        self._beside: dict[tuple[str, str], dict[str, tuple[_Standard, int]]] = {}
        c = code_seen.c
        asked = sa.select(c.system, c.code, c.kind, c.unit, c.times, c.names, c.beside)
        with reading(engine) as connection:
            for row in connection.execute(asked.where(~c.local, c.kind != QUANTITY)):
                system, code, kind, unit, times, names, beside = row
                called = _counts(names)
                standard = _Standard(
                    system, code, kind, unit, times, max(called, key=lambda name: called[name], default="")
                )
                for name in {plain(each) for each in called} - {""}:
                    self._by_name.setdefault((standard.kind, name), []).append(standard)
                for local, number in _counts(beside).items():
                    self._note(standard, local, number)

    def _note(self, standard: _Standard, local: str, number: int) -> None:
        others = self._beside.setdefault((standard.kind, local), {})
        _, before = others.get(standard.code, (standard, 0))
        others[standard.code] = (standard, before + number)

    def of(self, entry: Entry, limit: int = 4) -> list[Suggested]:
        """The guesses for one local code, the surest first."""
        if entry.key.kind == QUANTITY:
            unit = ucum(entry.key.code)
            return [Suggested(UCUM, unit, "", 0.95, UNIT)] if unit else []
        found = [*self._sent(entry), *self._named(entry), *_table(entry)]
        best: dict[tuple[str, str], Suggested] = {}
        for each in found:
            key = each.system, each.code
            if key not in best or each.score > best[key].score:
                best[key] = each
        return sorted(best.values(), key=lambda each: -each.score)[:limit]

    def _sent(self, entry: Entry) -> Iterable[Suggested]:
        key = entry.key
        others = self._beside.get((key.kind, f"{key.system}|{key.code}"), {})
        total = sum(number for _, number in others.values())
        for standard, number in others.values():
            score = round(0.99 * number / total * _unit_fits(key.unit, standard.unit), 2)
            yield Suggested(standard.system, standard.code, standard.name, score, BESIDE, number)

    def _named(self, entry: Entry) -> Iterable[Suggested]:
        for name in {plain(each) for each in _names(entry)}:
            others = self._by_name.get((entry.key.kind, name), ())
            total = sum(each.times for each in others)
            for each in others:
                fits = _unit_fits(entry.key.unit, each.unit)
                score = round((0.8 + 0.15 * each.times / total) * fits, 2)
                yield Suggested(each.system, each.code, each.name, score, SAME_NAME, each.times)


def _unit_fits(one: str, other: str) -> float:
    """A code that is reported in another unit is another code more often than not."""
    if one == other or same_unit(ucum(one) or one, ucum(other) or other):
        return 1.0
    return 0.9 if not one or not other else 0.6


def _table(entry: Entry) -> Iterable[Suggested]:
    if entry.key.kind not in _ANALYTES:
        return
    for name in _names(entry):
        for match in find(name, entry.key.unit):
            if match.score >= _LEAST:
                score = round(0.9 * match.score, 2)
                yield Suggested(LOINC, match.code.loinc, match.code.display, score, TABLE)


def _names(entry: Entry) -> Sequence[str]:
    """What it is called; of what has only a code, the code."""
    return entry.guesses[:3] or (entry.key.code,)


def _counts(text: str) -> dict[str, int]:
    return {} if text == "{}" else msgspec.json.decode(text, type=dict[str, int])
