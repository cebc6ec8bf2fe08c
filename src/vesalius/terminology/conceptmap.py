"""Decisions as a FHIR ConceptMap, so that hospitals share them; and a table of decisions as CSV.

What a mapping depends on, the kind of element and the unit, stands in ``dependsOn``, made for that. Names of
people do not travel.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius import fhir
from vesalius.errors import InvalidMap, InvalidResource
from vesalius.store import writing
from vesalius.terminology.concepts import ANY_KIND, ANY_UNIT
from vesalius.terminology.mappings import NOT_MAPPABLE, Decision, checked, decide, decisions, in_force
from vesalius.terminology.standards import system_of

KIND = "https://vesalius.example/fhir/mapping-kind"
UNIT = "https://vesalius.example/fhir/mapping-unit"
"""The properties that a mapping can depend on."""

NO_UNIT = "(none)"
"""How a file says that there must be no unit: FHIR takes no empty value."""

LIMIT = 16 * 1024 * 1024
"""The largest file that is read, in bytes."""

COLUMNS = (
    "system", "code", "display", "kind", "unit", "target_system", "target_code", "target_display",
    "equivalence", "reason",
)  # fmt: skip
"""The columns of a CSV file; only ``system`` and ``code`` must be there."""

Note = Callable[[sa.Connection, Decision], None]


class Imported(msgspec.Struct, frozen=True):
    """What became of the mappings of a file.

    Attributes:
        added: were not in force here.
        unchanged: are in force already.
        kept: the hospital has decided otherwise, and its own decision stands.
    """

    added: int = 0
    unchanged: int = 0
    kept: int = 0


def export(engine: sa.Engine, *, title: str = "", at: datetime | None = None) -> dict[str, Any]:
    """Every decision in force, as a FHIR R4 ConceptMap."""
    groups: dict[tuple[str, str], dict[tuple[str, str], list[dict[str, Any]]]] = {}
    for each in in_force(decisions(engine)):
        group = groups.setdefault((each.system, each.target_system), {})
        group.setdefault((each.code, each.display), []).append(_target(each))
    made: dict[str, Any] = {
        "resourceType": "ConceptMap",
        "status": "active",
        "date": (at or datetime.now(UTC)).isoformat(timespec="seconds"),
        **({"title": title} if title else {}),
    }
    if groups:
        made["group"] = [_group(*names, group) for names, group in groups.items()]
    return made


def _group(source: str, target: str, of: dict[tuple[str, str], list[dict[str, Any]]]) -> dict[str, Any]:
    elements = [
        {"code": code, **({"display": display} if display else {}), "target": targets}
        for (code, display), targets in of.items()
    ]
    return {"source": source, **({"target": target} if target else {}), "element": elements}


def _target(each: Decision) -> dict[str, Any]:
    depends = [
        {"property": name, "value": value}
        for name, value, every in ((KIND, each.kind, ANY_KIND), (UNIT, each.unit or NO_UNIT, ANY_UNIT))
        if value != every
    ]
    given = {"code": each.target_code, "display": each.target_display}
    return {
        **{name: value for name, value in given.items() if value},
        "equivalence": each.equivalence,
        "comment": each.reason,
        **({"dependsOn": depends} if depends else {}),
    }


def load(
    engine: sa.Engine,
    raw: bytes,
    *,
    by: str,
    reason: str,
    at: datetime | None = None,
    note: Note | None = None,
) -> Imported:
    """Takes the mappings of a ConceptMap (JSON) or of a CSV table; all of them, or none.

    What the hospital has decided itself stands: a file never overrules it.

    Args:
        engine: the hospital's database.
        raw: the bytes of the file.
        by: who takes them over.
        reason: why; the reason that the file gives follows it.
        at: when; now, if not given.
        note: called for each new decision, within the transaction.

    Raises:
        InvalidMap: something in the file cannot be taken; the message says where.
        InvalidResource: it is JSON, but not a valid ConceptMap.
    """
    if len(raw) > LIMIT:
        raise InvalidMap(f"the file is larger than {LIMIT} bytes")
    items = _concept_map(raw) if raw.lstrip().startswith(b"{") else _table(raw)
    found = [(place, _judged(place, each, by, reason)) for place, each in items]
    total = Imported()
    with writing(engine) as connection:
        known = {_slot(each): each for each in in_force(decisions(connection))}
        for _, each in found:
            own = known.get(_slot(each))
            if own:
                same = (own.target_code, own.equivalence) == (each.target_code, each.equivalence)
                field = "unchanged" if same else "kept"
            else:
                made = decide(connection, each, by=by, reason=each.reason, at=at)
                known[_slot(each)], field = made, "added"
                if note:
                    note(connection, made)
            total = msgspec.structs.replace(total, **{field: getattr(total, field) + 1})
    return total


def _slot(each: Decision) -> tuple[str, ...]:
    return each.kind, each.system, each.code, each.unit, each.target_system


def _judged(place: str, each: Decision, by: str, reason: str) -> Decision:
    whole = f"{reason.strip()}: {each.reason.strip()}" if each.reason.strip() else reason
    try:
        return checked(msgspec.structs.replace(each, by=by, reason=whole[:2_000]))
    except InvalidMap as error:
        raise InvalidMap(f"{place}: {error.message}", hint=error.hint) from None


def _concept_map(raw: bytes) -> Iterator[tuple[str, Decision]]:
    fhir.check(raw)
    resource = fhir.load(raw)
    if resource["resourceType"] != "ConceptMap":
        raise InvalidResource("is not a ConceptMap")
    for number, group in enumerate(resource.get("group", ())):
        for place, element in enumerate(group["element"]):
            where = f"group[{number}].element[{place}]"
            for target in element.get("target", ()):
                yield where, _decision(where, group, element, target)


def _decision(where: str, group: dict[str, Any], element: dict[str, Any], target: dict[str, Any]) -> Decision:
    depends = {each["property"]: each["value"] for each in target.get("dependsOn", ())}
    if depends.keys() - {KIND, UNIT}:
        raise InvalidMap(f"{where}: it depends on something that is not known here")
    unmatched = target["equivalence"] == NOT_MAPPABLE
    return Decision(
        system=group.get("source", ""),
        code=element.get("code", ""),
        display=element.get("display", ""),
        kind=depends.get(KIND, ANY_KIND),
        unit=_unit(depends.get(UNIT, ANY_UNIT)),
        target_system="" if unmatched else group.get("target", ""),
        target_code="" if unmatched else target.get("code", ""),
        target_display=target.get("display", ""),
        equivalence=target["equivalence"],
        reason=target.get("comment", ""),
    )


def _table(raw: bytes) -> Iterator[tuple[str, Decision]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidMap("the file is not text in UTF-8") from None
    first = text.partition("\n")[0]
    mark = max((",", ";", "\t"), key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
    except csv.Error as error:
        raise InvalidMap(f"the file is not a table: {error}") from None
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if not {"system", "code"} <= set(header) or set(header) - set(COLUMNS) or len(set(header)) < len(header):
        raise InvalidMap("its first line must name the columns", hint=", ".join(COLUMNS))
    yield from _rows(header, rows[1:])


def _rows(header: list[str], rows: Iterable[list[str]]) -> Iterator[tuple[str, Decision]]:
    for number, cells in enumerate(rows, 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InvalidMap(f"row {number}: it has {len(cells)} cells, the first line {len(header)}")
        given: dict[str, Any] = {
            name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()
        }
        if "target_system" in given:
            given["target_system"] = system_of(given["target_system"]).url
        elif "target_code" not in given:
            given.setdefault("equivalence", NOT_MAPPABLE)
        if "unit" in given:
            given["unit"] = _unit(given["unit"])
        yield f"row {number}", Decision(**{"system": "", "code": "", **given})


def _unit(text: str) -> str:
    return "" if text == NO_UNIT else text
