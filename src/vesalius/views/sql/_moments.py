"""Dates and times in SQL: they are text as FHIR writes it, and compare by precision (FHIRPath N1, 6.2).

Text of equal precision in one time zone orders as the moments do. So two moments are brought to one time
zone, where both have a clock time, and compared on as many letters as both have; where these are equal, the
moments are equal if both are as precise, and else it is not known.
"""

from __future__ import annotations

from vesalius.views.fhirpath._types import MOMENTS
from vesalius.views.sql._dialect import Dialect
from vesalius.views.sql._plan import NotCompiledError
from vesalius.views.sql._value import Sql, let

ORDER = ("<", "<=", ">", ">=")
_DATE = 10
"""How many letters a whole date has; what has more has a clock time."""
_LETTERS = {
    "Date": {4: 4, 6: 7, 8: 10},
    "DateTime": {4: 4, 6: 7, 8: 10, 10: 13, 12: 16, 14: 19, 17: 23},
    "Time": {2: 2, 4: 5, 6: 8, 9: 12},
}
"""By the digits that a boundary is asked for, how many letters that is."""
_LOW = {"Date": "0001-01-01", "DateTime": "0001-01-01T00:00:00.000", "Time": "00:00:00.000"}
_HIGH = {"Date": "0001-12-31", "DateTime": "0001-12-31T23:59:59.999", "Time": "23:59:59.999"}


def compared(dialect: Dialect, operator: str, left: Sql, right: Sql) -> str:
    """A comparison of two moments: null where it cannot be known."""
    times = [MOMENTS[each.shape.types[0]] == "Time" for each in (left, right)]
    if times[0] != times[1]:
        if operator != "=":
            raise NotCompiledError("an order of a date and a time")
        return f"(CASE WHEN {left.text} IS NOT NULL AND {right.text} IS NOT NULL THEN FALSE END)"
    if times[0]:
        return _by_letters(dialect, operator, _padded(dialect, left.text, 8), _padded(dialect, right.text, 8))
    if not (_may_have_clock(left) and _may_have_clock(right)):
        return _by_letters(dialect, operator, left.text, right.text)
    plain = _by_letters(dialect, operator, "_a", "_b")
    exact = _by_letters(dialect, operator, "_u", "_v")
    for name, text, zone in (("_v", "_b", "_y"), ("_u", "_a", "_z")):
        exact = let(dialect, name, _instant(dialect, text, zone), exact)
    exact = f"CASE WHEN (_z <> '') = (_y <> '') THEN {exact} END"
    for name, text in (("_y", "_b"), ("_z", "_a")):
        exact = let(dialect, name, dialect.zone(text), exact)
    clocked = " AND ".join(f"{dialect.length(text)} > {_DATE}" for text in ("_a", "_b"))
    found = f"CASE WHEN {clocked} THEN {exact} ELSE {plain} END"
    return let(dialect, "_a", left.text, let(dialect, "_b", right.text, found))


def edge(dialect: Dialect, value: Sql, *, high: bool, digits: int | None = None) -> str:
    """The first (or last) moment that what is written can stand for; null where there is none.

    Args:
        dialect: how the engine writes it.
        value: the moment.
        high: the last.
        digits: how many digits of it to give; all, if None.
    """
    kind = MOMENTS[value.shape.type]
    letters = _LETTERS[kind].get(digits) if digits is not None else len(_LOW[kind])
    if letters is None:
        return dialect.cast("NULL", "text")
    whole = _whole_edge(dialect, value, kind, high=high)
    if letters == len(_LOW[kind]):
        return whole
    if kind != "DateTime" or letters <= _DATE:
        return dialect.prefix(whole, str(letters))
    return f"({dialect.prefix(whole, str(letters))} || {_edge_zone(dialect, value.text, high=high)})"


def _edge_zone(dialect: Dialect, text: str, *, high: bool) -> str:
    zone = dialect.zone(text)
    unknown = dialect.text("-12:00" if high else "+14:00")
    return f"CASE WHEN {zone} = '' THEN {unknown} ELSE {zone} END"


def _whole_edge(dialect: Dialect, value: Sql, kind: str, *, high: bool) -> str:
    template = (_HIGH if high else _LOW)[kind]
    if kind == "Time":
        return _filled(dialect, value.text, template)
    zone = dialect.zone(value.text) if kind == "DateTime" else "''"
    local = _without(dialect, value.text, zone) if kind == "DateTime" else value.text
    filled = _filled(dialect, local, template)
    if high:
        # The last day depends on the month; the rest of the text does not depend on the day.
        whole = dialect.month_end(dialect.substring(local, 0, 7))
        month = whole + (f" || {dialect.text(template[_DATE:])}" if len(template) > _DATE else "")
        filled = f"CASE WHEN {dialect.length(local)} = 7 THEN {month} ELSE {filled} END"
    if kind == "Date":
        return f"({filled})"
    return f"(({filled}) || {_edge_zone(dialect, value.text, high=high)})"


def _may_have_clock(value: Sql) -> bool:
    if value.moment is not None:
        return len(value.moment.parts) > 3
    return value.shape.type != "date"


def _by_letters(dialect: Dialect, operator: str, left: str, right: str) -> str:
    """A comparison on the letters that both have."""
    shared = f"least({dialect.length(left)}, {dialect.length(right)})"
    a, b = dialect.prefix(left, shared), dialect.prefix(right, shared)
    same = f"{dialect.length(left)} = {dialect.length(right)}"
    whole = "TRUE" if "=" in operator else "FALSE"
    if operator == "=":
        return f"(CASE WHEN {a} <> {b} THEN FALSE WHEN {same} THEN TRUE END)"
    return f"(CASE WHEN {a} <> {b} THEN {a} {operator} {b} WHEN {same} THEN {whole} END)"


def _padded(dialect: Dialect, text: str, seconds: int) -> str:
    """A moment with seconds gets nine digits after the point: 1.5 and 1.50 seconds are equal."""
    point = f"CASE WHEN {dialect.has(text, dialect.text('.'))} THEN {text} ELSE {text} || '.' END"
    return (
        f"CASE WHEN {dialect.length(text)} >= {seconds} THEN {dialect.pad(f'({point})', seconds + 10, '0')} "
        f"ELSE {text} END"
    )


def _without(dialect: Dialect, text: str, zone: str) -> str:
    return dialect.prefix(text, f"{dialect.length(text)} - {dialect.length(zone)}")


def _instant(dialect: Dialect, text: str, zone: str) -> str:
    """A dateTime in UTC and without its time zone; as it is where it has none."""
    local = _without(dialect, text, zone)
    shifted = dialect.shifted(dialect.prefix(local, "19"), zone)
    rest = dialect.substring(local, 19, None)
    utc = f"CASE WHEN {zone} IN ('', 'Z') THEN {local} ELSE {shifted} || {rest} END"
    return _padded(dialect, f"({utc})", 19)


def _filled(dialect: Dialect, text: str, template: str) -> str:
    """The text, and from the template what is missing at its end."""
    return f"({text} || {dialect.rest(dialect.text(template), dialect.length(text))})"
