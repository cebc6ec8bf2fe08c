"""The map of a CSV file: which FHIR resources each row becomes. It is data, in TOML; nothing in it is run.

``docs/engineer/csv-maps.md`` explains it on a page.
"""

from __future__ import annotations

import hashlib
import string
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec

from vesalius.errors import InvalidMap
from vesalius.fhir import resource_types
from vesalius.ingest._bodies import Body, Gaps
from vesalius.ingest._cells import ABSENT, Cell, Maker, Row, cell_maker, time_zone
from vesalius.ingest._items import Found
from vesalius.ingest._makers import Constant, Object, Part, Perhaps, Several, Text, id_piece, settled


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition on a cell: one of a list, none of a list, or whether it says anything at all."""

    column: str
    in_: tuple[str, ...] = msgspec.field(name="in", default=())
    not_in: tuple[str, ...] = ()
    given: bool | None = None


class _Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: dict[str, Any] = {}
    like: str = ""
    when: tuple[When, ...] = ()
    each: tuple[dict[str, str], ...] = ()
    needs: tuple[str, ...] = ()


class _Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of a list that stands for several: one for each set of names, if its conditions hold."""

    each: tuple[dict[str, str], ...]
    body: dict[str, Any]
    when: tuple[When, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    resource: tuple[_Resource, ...]
    title: str = ""
    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    decimal: str = "."
    columns: tuple[str, ...] = ()
    header_row: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    sheet: str = ""
    missing: tuple[str, ...] = ("",)
    constants: dict[str, str] = {}
    values: dict[str, dict[str, Any]] = {}
    template: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class CsvMap:
    """A map, read and checked.

    Attributes:
        name: of its file, for messages.
        text: itself, as it was written.
        digest: the SHA-256 of its text; the same file through another map is another receipt.
        delimiter, quote, encoding: how the CSV file is written; no ``quote`` means that quotes mean nothing.
        header: the columns of a file that has no header line.
        header_row: which row that says something holds the names of the columns, from 1; those before it are
            passed over.
        sheet: the sheet of a workbook; its first visible one, if empty.
        columns: the columns that the map reads; a file without one of them is refused whole.
        moments: how the dates of a column are written, and in which zone: typed dates are put into words so.
    """

    name: str
    text: str = field(repr=False)
    digest: str
    delimiter: str
    quote: str
    encoding: str
    header: tuple[str, ...]
    columns: frozenset[str]
    header_row: int = 1
    sheet: str = ""
    moments: Mapping[str, tuple[str, tzinfo | None]] = field(default_factory=dict)
    _missing: frozenset[str] = frozenset()
    _bodies: tuple[Body, ...] = field(default=(), repr=False)

    @classmethod
    def load(cls, path: Path) -> CsvMap:
        """Reads the map in the file ``path``.

        Raises:
            InvalidMap: it cannot be read, or something in it is wrong; the message names the key.
        """
        try:
            return cls.parse(path.read_text(encoding="utf-8"), path.name)
        except (OSError, UnicodeError) as error:
            raise InvalidMap(f"{path}: cannot be read ({type(error).__name__})") from error

    @classmethod
    def parse(cls, text: str, name: str = "map") -> CsvMap:
        """Reads a map from its text; see :meth:`load`."""
        try:
            file = msgspec.convert(tomllib.loads(text, parse_float=Decimal), _File)
            _check_form(file)
            builder = _Builder(file)
            bodies = tuple(builder.bodies())
        except tomllib.TOMLDecodeError as error:
            raise InvalidMap(f"{name}: not TOML: {error}") from None
        except RecursionError:
            raise InvalidMap(f"{name}: its tables lie too deep within each other") from None
        except msgspec.ValidationError as error:
            raise InvalidMap(f"{name}: {str(error).replace('$.', '')}") from None
        except InvalidMap as error:
            raise InvalidMap(f"{name}: {error.message}", hint="docs/engineer/csv-maps.md") from None
        return cls(
            name=name,
            text=text,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            delimiter=file.delimiter,
            quote=file.quote,
            encoding=file.encoding,
            header=file.columns,
            columns=frozenset(builder.columns),
            header_row=file.header_row,
            sheet=file.sheet,
            moments=builder.moments,
            _missing=frozenset({*file.missing, ""}),
            _bodies=bodies,
        )

    def found(self, cells: Mapping[str, str], number: int) -> tuple[Found, ...]:
        """As :meth:`resources`, with the JSON that is kept of each; that alone, where no more was needed.

        Raises:
            FaultError: as of :meth:`resources`.
            InvalidResource: what a table of values says cannot be written as JSON.
        """
        row = Row(number, cells, self._missing)
        return tuple(one for body in self._bodies if (one := body(row)) is not None)

    def resources(self, cells: Mapping[str, str], number: int) -> list[dict[str, Any]]:
        """The resources that one row becomes.

        Args:
            cells: the cells by column.
            number: which row it is, from 1, the header not counted.

        Raises:
            FaultError: a cell is not what the map announces; the row as a whole cannot be taken in.
        """
        row = Row(number, cells, self._missing)
        return [made for body in self._bodies if (made := body.make(row)) is not ABSENT]


def _check_form(file: _File) -> None:
    if len(file.delimiter) != 1 or len(file.quote) > 1 or len(file.decimal) != 1:
        raise InvalidMap("delimiter and decimal are one character, quote one or none")
    try:
        plain = "\n,a".encode(file.encoding) == b"\n,a"
    except LookupError:
        raise InvalidMap(f"encoding: there is no encoding {file.encoding!r}") from None
    if not plain:
        raise InvalidMap("encoding: lines cannot be told apart in it; convert the file to utf-8 first")


class _Builder:
    """Turns the templates of a map into functions from a row to a resource."""

    def __init__(self, file: _File) -> None:
        self.file = file
        self.columns: set[str] = set()
        self.gaps = Gaps()
        self.moments: dict[str, tuple[str, tzinfo | None]] = {}

    def bodies(self) -> list[Body]:
        found = []
        for number, resource in enumerate(self.file.resource):
            for scope in resource.each or ({},):
                try:
                    found.append(self._resource(resource, self.file.constants | scope))
                except InvalidMap as error:
                    raise InvalidMap(f"resource[{number}]: {error.message}") from None
        return found

    def _resource(self, resource: _Resource, scope: dict[str, str]) -> Body:
        if resource.like and resource.like not in self.file.template:
            raise InvalidMap(f"like: there is no template.{resource.like}")
        body = _merged(self.file.template.get(resource.like, {}), resource.body)
        if body.get("resourceType") not in resource_types():
            raise InvalidMap("body.resourceType: is not a resource type of FHIR R4")
        if "id" not in body:
            raise InvalidMap("body.id: every resource needs an id, made from columns or {row}")
        conditions = [self._condition(when, scope) for when in resource.when]
        return Body(conditions, self._object(body, scope, "body"), frozenset(resource.needs), self.gaps)

    def _condition(self, when: When, scope: dict[str, str]) -> Callable[[Row], bool]:
        column = self._column(when.column, scope, "when.column")
        # a name of 'each' may stand for a whole text of the list; any other text is what it is, braces too
        among = frozenset(_named(text, scope) for text in when.in_)
        not_among = frozenset(_named(text, scope) for text in when.not_in)

        def holds(row: Row) -> bool:
            text = row.cell(column)
            return (
                (not among or text in among)
                and text not in not_among
                and (when.given is None or when.given == (text is not None))
            )

        return holds

    def _node(self, node: Any, scope: dict[str, str], key: str) -> Maker:
        if isinstance(node, dict):
            if "column" in node:
                return self._cell(node, scope, key)
            return settled(self._object(node, scope, key))
        if isinstance(node, list):
            return self._list(node, scope, key)
        if isinstance(node, str):
            return self._text(node, scope, key)
        if isinstance(node, datetime | date | time):
            node = node.isoformat()
        return Constant(node)

    def _object(self, node: dict[str, Any], scope: dict[str, str], key: str) -> Object:
        return Object([(name, self._node(child, scope, f"{key}.{name}")) for name, child in node.items()])

    def _list(self, node: list[Any], scope: dict[str, str], key: str) -> Maker:
        makers = [
            maker
            for place, child in enumerate(node)
            for maker in self._entries(child, scope, f"{key}[{place}]")
        ]
        return settled(Several(makers))

    def _entries(self, node: Any, scope: dict[str, str], key: str) -> list[Maker]:
        """What an entry of a list stands for: itself, or with ``each`` one for each set of names."""
        if not isinstance(node, dict) or "each" not in node:
            return [self._node(node, scope, key)]
        try:
            group = msgspec.convert(node, _Group)
        except msgspec.ValidationError as error:
            raise InvalidMap(f"{key}: {str(error).replace('$.', '')}") from None
        return [self._entry(group, scope | names, key) for names in group.each]

    def _entry(self, group: _Group, scope: dict[str, str], key: str) -> Maker:
        conditions = [self._condition(when, scope) for when in group.when]
        make = self._node(group.body, scope, f"{key}.body")
        return Perhaps(conditions, make)

    def _text(self, node: str, scope: dict[str, str], key: str) -> Maker:
        parts = self._parts(node, scope, key)
        return settled(Text(parts))

    def _parts(self, node: str, scope: dict[str, str], key: str) -> list[Part]:
        """The text before each column that is named in braces, and that column; constants are put in."""
        try:
            pieces = [(text, name, form or "") for text, name, form, _ in string.Formatter().parse(node)]
        except ValueError:
            raise InvalidMap(f"{key}: a brace is not closed; write a plain brace twice") from None
        parts = []
        for text, name, form in pieces:
            if form not in {"", "id"}:
                raise InvalidMap(f"{key}: after a colon in braces only 'id' may stand")
            if name is None or name in scope:
                value = scope[name] if name else ""
                parts.append(Part(text + (id_piece(value) if form and value else value), "", clean=False))
            else:
                self.columns |= {name} - {"row"}
                parts.append(Part(text, name, clean=bool(form)))
        return parts

    def _column(self, name: str, scope: dict[str, str], key: str) -> str:
        column = self._known(name, scope, key) if "{" in name else name
        self.columns.add(column)
        return column

    def _known(self, text: str, scope: dict[str, str], key: str) -> str:
        """A text in which only constants and names of ``each`` stand in braces."""
        parts = self._parts(text, scope, key)
        if any(part.column for part in parts):
            raise InvalidMap(f"{key}: {text!r} names something that is neither in 'each' nor a constant")
        return "".join(part.text for part in parts)

    def _bounds(self, range_: Any, scope: dict[str, str], key: str) -> Any:
        """A range whose bounds may be names of ``each``: ``["{low}", "{high}"]``."""
        if not isinstance(range_, list) or not any(isinstance(bound, str) for bound in range_):
            return range_
        try:
            return [Decimal(self._known(str(bound), scope, key)) for bound in range_]
        except ArithmeticError:
            raise InvalidMap(f"{key}.range: a bound is not a number") from None

    def _cell(self, node: dict[str, Any], scope: dict[str, str], key: str) -> Maker:
        if "range" in node:
            node = node | {"range": self._bounds(node["range"], scope, key)}
        try:
            cell = msgspec.convert(node, Cell)
        except msgspec.ValidationError as error:
            raise InvalidMap(f"{key}: {str(error).replace('$.', '')}") from None
        column = self._column(cell.column, scope, key)
        changed: dict[str, Any] = {"column": column}
        if cell.unit_column:
            changed["unit_column"] = self._column(cell.unit_column, scope, key)
        for name in ("values", "unit"):
            given = getattr(cell, name)
            changed[name] = _named(given, scope)
        changed["spelled"] = tuple(_named(each, scope) for each in cell.spelled)
        whole = msgspec.structs.replace(cell, **changed)
        if whole.format:
            self.moments.setdefault(column, (whole.format, time_zone(whole.zone, column)))
        return cell_maker(whole, self.file.values, self.file.decimal)


def _named(text: str, scope: Mapping[str, str]) -> str:
    """What a text that is nothing but a name in braces stands for; itself, if there is no such name."""
    return scope.get(text[1:-1], text) if text[:1] == "{" else text


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the elements of ``over`` put in, object by object; cells and lists replace as a whole."""
    merged = dict(base)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if both and "column" not in value else value
    return merged
