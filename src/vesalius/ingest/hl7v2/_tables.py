"""The mapping tables: the official ones, our additions, and what a hospital replaces or adds.

The official ones are ``tables.json.gz``, made by ``tools/generate_hl7v2.py`` (HL7 v2-to-FHIR 1.0.0, HL7,
CC0 1.0). Ours are ``additions.toml``; a hospital's are a file of the same form.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import msgspec

from vesalius.errors import InvalidMap
from vesalius.ingest.hl7v2 import _language as language

Node = list[Any]


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One row of a segment or data type map.

    Attributes:
        field: the number of the field or component; 0 for the whole.
        v2: its HL7 v2 data type.
        path: where it goes, as ``_language.path`` gives it.
        datatype: the data type map that makes its value; empty for a primitive.
        codes: the code map that translates it; empty for none.
        assigned: what is assigned in place of the value, if so.
        condition: when the row holds; None for always.
    """

    field: int
    v2: str
    path: list[Node]
    datatype: str
    codes: str
    assigned: list[Node] | None
    condition: Node | None


class Use(msgspec.Struct, frozen=True, array_like=True):
    """One row of a message map: what a segment at a place of the message becomes.

    Attributes:
        path: the groups that hold the segment, and its name; or a group.
        segment: its name; empty for a group.
        many: whether it repeats.
        target: the resource it makes or adds to, as in ``Observation[1]``; empty for none.
        map: the segment map.
        condition: when the row holds.
        references: the references that it sets.
    """

    path: list[str]
    segment: str
    many: bool
    target: str
    map: str
    condition: Node | None
    references: list[Node]


class _Official(msgspec.Struct, frozen=True):
    licence: str
    messages: dict[str, list[Use]]
    segments: dict[str, list[Row]]
    datatypes: dict[str, list[Row]]
    codes: dict[str, dict[str, tuple[str, str, str]]]


class _OwnRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    map: str
    field: str
    path: str
    datatype: str = ""
    codes: str = ""
    value: str = ""
    when: str = ""
    reason: str = ""
    add: bool = False
    remove: bool = False


class _OwnStructure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    like: str
    segments: str


class _Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zone: str = ""
    rows: tuple[_OwnRow, ...] = ()
    codes: dict[str, dict[str, tuple[str, str, str] | str]] = {}
    systems: dict[str, str] = {}
    messages: dict[str, str] = {}
    structures: dict[str, _OwnStructure] = {}
    segments: dict[str, str] = {}
    merges: dict[str, str] = {}
    refused: dict[str, str] = {}


class Tables(msgspec.Struct, frozen=True):
    """Everything that a conversion follows.

    Attributes:
        messages: the message maps, by structure.
        segments: the segment maps.
        datatypes: the data type maps.
        codes: the code maps: code to (code, display, system).
        systems: names of code systems and authorities, in capitals, each with its URI.
        structures: the structure that each message type follows: ``ADT^A04`` or ``ADT``.
        zone: the hospital's time zone.
        digest: of the hospital's own file; empty without one.
        name: of that file, for messages.
        text: that file, as it was written.
        placed: what segments add to that no structure places, or that have no map where they stand:
            ``{"ZBE": "Encounter[1]"}``.
        merges: events that merge patients (``replaced``) or undo it (``unlinked``).
        refused: events that are not carried out, each with the words that say so.
    """

    messages: dict[str, list[Use]]
    segments: dict[str, list[Row]]
    datatypes: dict[str, list[Row]]
    codes: dict[str, dict[str, tuple[str, str, str]]]
    systems: dict[str, str]
    structures: dict[str, str]
    zone: str = "Europe/Brussels"
    digest: str = ""
    name: str = ""
    text: str = ""
    placed: dict[str, str] = {}
    merges: dict[str, str] = {}
    refused: dict[str, str] = {}

    @classmethod
    def standard(cls) -> Tables:
        """The official tables with our additions."""
        return _standard()

    @classmethod
    def load(cls, path: Path) -> Tables:
        """The same, with what a hospital's own file replaces or adds.

        Raises:
            InvalidMap: the file cannot be read, or a row of it is wrong.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise InvalidMap(f"{path.name}: cannot be read ({type(error).__name__})") from None
        return cls.of(text, path.name)

    @classmethod
    def of(cls, text: str, name: str = "map") -> Tables:
        """The same, from the text of such a file.

        Raises:
            InvalidMap: a row of it is wrong.
        """
        own = _own(text, name)
        found = _with(_standard(), own, name)
        _check(found, own, name)
        return msgspec.structs.replace(
            found, digest=hashlib.sha256(text.encode()).hexdigest(), name=name, text=text
        )

    def anywhere(self, segment: str) -> Use | None:
        """What a segment adds to where the structure of its message does not know it; None for nothing."""
        target = self.placed.get(segment)
        return Use([segment], segment, True, target, _map_of(segment, target), None, []) if target else None


def _check(tables: Tables, own: _Own, name: str) -> None:
    """Refuses rows that base R4 has no place for, now rather than at the first message."""
    from vesalius.ingest.hl7v2._plan import Plan  # it follows the tables

    plan = Plan(tables)
    for row in own.rows:
        kind = row.map.partition("[")[2].rstrip("]").partition("-")[0]
        if "." in row.field:
            plan.datatype(row.map)
        else:
            plan.segment(row.map, kind)
    if plan.unfit:
        raise InvalidMap(f"{name}: {plan.unfit[0]}", hint="the path must be one of FHIR R4")


@cache
def _standard() -> Tables:
    packed = files("vesalius.ingest.hl7v2").joinpath("tables.json.gz").read_bytes()
    official = msgspec.json.decode(gzip.decompress(packed), type=_Official)
    bare = Tables(official.messages, official.segments, official.datatypes, official.codes, {}, {})
    text = files("vesalius.ingest.hl7v2").joinpath("additions.toml").read_text(encoding="utf-8")
    return _with(bare, _own(text, "additions.toml"), "additions.toml")


def _own(text: str, name: str) -> _Own:
    try:
        return msgspec.convert(tomllib.loads(text), _Own)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidMap(f"{name}: {error}", hint="docs/engineer/hl7v2.md shows the form") from None


def _with(tables: Tables, own: _Own, name: str) -> Tables:
    if own.zone and own.zone not in available_timezones():
        raise InvalidMap(f"{name}: there is no time zone {own.zone!r}")
    segments, datatypes = dict(tables.segments), dict(tables.datatypes)
    fresh: set[tuple[str, int, str]] = set()
    for number, row in enumerate(own.rows, 1):
        maps = datatypes if "." in row.field else segments
        try:
            maps[row.map] = _replaced(maps.get(row.map, []), row, fresh)
        except InvalidMap as error:
            raise InvalidMap(f"{name}: row {number} ({row.field}): {error.message}") from None
    messages = dict(tables.messages)
    for title, one in own.structures.items():
        like = one.like.split()
        if unknown := [each for each in like if each not in messages]:
            raise InvalidMap(f"{name}: structures.{title}: there is no structure {unknown[0]!r}")
        messages[title] = structured(one.segments, [use for each in like for use in messages[each]])
    if own.segments:
        messages = {title: _filled(uses, own.segments) for title, uses in messages.items()}
    return msgspec.structs.replace(
        tables,
        messages=messages,
        segments=segments,
        datatypes=datatypes,
        codes=tables.codes
        | {key: tables.codes.get(key, {}) | _codes(value) for key, value in own.codes.items()},
        systems=tables.systems | {key.upper(): value for key, value in own.systems.items()},
        structures=tables.structures | own.messages,
        zone=own.zone or tables.zone,
        placed=tables.placed | own.segments,
        merges=tables.merges | own.merges,
        refused=tables.refused | own.refused,
    )


def _filled(uses: list[Use], placed: dict[str, str]) -> list[Use]:
    """The rows of a message map, in which each place of these segments that has no map has one."""
    mapped = {tuple(use.path) for use in uses if use.map}
    return [
        msgspec.structs.replace(use, target=target, map=_map_of(use.segment, target))
        if (target := placed.get(use.segment)) and tuple(use.path) not in mapped
        else use
        for use in uses
    ]


def _map_of(segment: str, target: str) -> str:
    return f"{segment}[{target.partition('[')[0]}]"


def structured(text: str, like: list[Use]) -> list[Use]:
    """The rows of a message map, from its segments in their order and the maps of messages like it.

    A segment repeats with ``*`` after it; ``{ORDER … }`` is a group that repeats; ``OBX@OBSERVATION`` is the
    segment as the other message has it in that group; ``RXE=MedicationRequest[1]`` says what it adds to, and
    ``NTE=-`` that it adds to nothing there, whatever it does elsewhere.

    Raises:
        InvalidMap: a group is not closed, or a word is none of these.
    """
    groups: list[str] = []
    found: list[Use] = []
    words = text.replace("{", " { ").replace("}", " } ").split()
    while words:
        word = words.pop(0)
        if word == "{" and words:
            groups.append(words.pop(0))
            found.append(Use(list(groups), "", True, "", "", None, []))
        elif word == "}" and groups:
            groups.pop()
        elif part := _WORD.fullmatch(word):
            found += _placed(part, groups, like)
        else:
            raise InvalidMap(f"{word!r} is not a segment of a structure")
    if groups:
        raise InvalidMap(f"the group {groups[-1]} is not closed")
    return found


_WORD = re.compile(r"([A-Z][A-Z0-9]{2})(\*)?(?:@([A-Z_]+))?(?:=(.+))?")


def _placed(part: re.Match[str], groups: list[str], like: list[Use]) -> list[Use]:
    segment, many, group, target = part[1], bool(part[2]), part[3], part[4]
    path = [*groups, segment]
    empty = [Use(path, segment, many, "", "", None, [])]
    if target == "-":
        return empty
    if target:
        return [Use(path, segment, many, target, _map_of(segment, target), None, [])]
    same = [use for use in like if use.segment == segment]
    inside = [use for use in same if len(use.path) > 1 and use.path[-2] == (group or (groups or [""])[-1])]
    said = inside or [use for use in same if use.target] or same
    chosen = [use for use in said if use.path == said[0].path]
    return [msgspec.structs.replace(use, path=path, many=many) for use in chosen] or empty


def _codes(table: dict[str, tuple[str, str, str] | str]) -> dict[str, tuple[str, str, str]]:
    return {code: (to, "", "") if isinstance(to, str) else to for code, to in table.items()}


def _replaced(rows: list[Row], own: _OwnRow, fresh: set[tuple[str, int, str]]) -> list[Row]:
    """The rows of a map with an own one, which replaces all for its field and top element, or is added."""
    found = re.fullmatch(r"([A-Z][A-Z0-9]{1,2})(?:[-.](\d+))?", own.field)
    if not found or not own.map.startswith(f"{found[1]}["):
        raise InvalidMap(f"{own.field!r} is not a field of {own.map!r}")
    number = int(found[2] or 0)
    row = Row(
        number, "", language.path(own.path), own.datatype, own.codes,
        [["text", own.value]] if own.value else None, language.condition(own.when, own.field),
    )  # fmt: skip
    top = row.path[0][0] if row.path else ""
    key = (own.map, number, top)
    kept = rows if own.add or key in fresh else [
        other for other in rows if other.field != number or (other.path[0][0] if other.path else "") != top
    ]  # fmt: skip
    fresh.add(key)
    return kept if own.remove else [*kept, row]
