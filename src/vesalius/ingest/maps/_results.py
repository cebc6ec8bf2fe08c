"""The results of a proposed map: one column each in a wide table, one row each in a long one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vesalius.fhir import codes
from vesalius.ingest.maps._blocks import LOCAL, SHARED, key_of, moment, reason, why
from vesalius.ingest.maps._toml import Inline, comment, dump, line, name, text
from vesalius.ingest.maps.guess import Guessed
from vesalius.ingest.maps.profile import Column, as_number
from vesalius.terminology import Match, by_loinc, find, ucum

if TYPE_CHECKING:
    from vesalius.ingest.maps.proposal import Table


def _result_template(table: Table, id_end: str) -> Iterator[str]:
    """What all results of the table have in common."""
    collected, issued = table.role("result.collected"), table.role("result.issued")
    collected = collected or (None if issued else table.role("encounter.start"))
    yield "[template.result]"
    yield line("resourceType", "Observation")
    yield line("id", id_end)
    yield line("status", "final")
    yield line("subject.reference", f"Patient/{table.patient}")
    if table.stay:
        yield line("encounter.reference", f"Encounter/{table.stay}")
    if collected:
        yield from why(collected)
        yield from moment(table, collected, "effectiveDateTime")
    if issued and issued.column.type == "dateTime":
        yield from why(issued)
        yield from moment(table, issued, "issued")
    elif issued and not collected:
        yield from why(issued)
        yield from moment(table, issued, "effectiveDateTime")
    if not (issued and issued.column.type == "dateTime"):
        yield from comment("No moment of issue: results count as known when they are received.")
    yield ""


def _own(table: Table) -> list[str]:
    """What tells one result of a patient from another: the sample, else the moment."""
    parts = []
    for role in ("result.sample", "result.collected", "result.issued"):
        found = table.role(role)
        if found and (piece := table.braces(found)) != "{row}":
            parts.append(piece)
            break
    return parts


def wide_results(table: Table) -> Iterator[str]:
    """One observation for each column that is an analyte."""
    found = table.roles("analyte")
    if not found:
        return
    rows = table.columns[0].column.rows
    owner = [table.stay or table.patient, *_own(table)]
    keyed = table.role("encounter.id") or table.role("patient.id")
    apart = bool(keyed and keyed.column.unique) or rows == 0
    yield "# Results: one column each " + "-" * 50
    if len(owner) == 1 and not apart and owner[0] != "{row}":
        yield from comment(
            "confirm: several rows of one patient and no moment; {row} is only for a file that is sent once"
        )
        owner.append("{row}")
    yield from _result_template(table, "-".join([*owner, "{key}"]))
    numeric = [one for one in found if one.best and one.best.match and one.best.match.code.unit]
    worded = [one for one in found if one not in numeric]
    if numeric:
        yield from _wide_numbers(table, numeric)
    for guessed in worded:
        yield from _wide_words(table, guessed)


def _wide_numbers(table: Table, found: list[Guessed]) -> Iterator[str]:
    yield "[[resource]]"
    yield line("like", "result")
    yield 'when = [{ column = "{column}", given = true }]'
    yield "each = ["
    for guessed in found:
        assert guessed.best is not None
        match = guessed.best.match
        assert match is not None
        yield from comment(reason(guessed), "  ")
        yield f"  {_each({'column': table.use(guessed), 'key': key_of(guessed.column.name)}, match)},"
    yield "]"
    yield "[resource.body]"
    yield from _coded("{code}", "{display}", "{kind}")
    yield "valueQuantity = " + dump(
        Inline({"column": "{column}", "as": "quantity", "unit": "{unit}", "range": ["{low}", "{high}"]})
    )
    yield ""


def _each(first: dict[str, str], match: Match, unit: str = "") -> str:
    low, high = match.code.range or (0, 0)
    return dump(
        Inline(
            first
            | {"code": match.code.loinc, "display": match.code.display, "kind": match.analyte.kind}
            | {"unit": unit or match.code.unit, "low": f"{low:g}", "high": f"{high:.12g}"}
        )
    )


def _coded(code: str, display: str, kind: str) -> Iterator[str]:
    yield f"category = [{{ coding = [{{ system = {text(codes.CATEGORY)}, code = {text(kind)} }}] }}]"
    yield f'code.coding = [{{ system = "{{loinc}}", code = {text(code)}, display = {text(display)} }}]'


def _wide_words(table: Table, guessed: Guessed) -> Iterator[str]:
    assert guessed.best is not None
    match = guessed.best.match
    assert match is not None
    table_name = key_of(guessed.column.name)
    yield "[[resource]]"
    yield from why(guessed)
    yield line("like", "result")
    yield f"when = [{{ column = {text(table.use(guessed))}, given = true }}]"
    yield f"each = [{dump(Inline({'key': table_name}))}]"
    yield "[resource.body]"
    yield from _coded(match.code.loinc, match.code.display, match.analyte.kind)
    yield line("valueCodeableConcept", Inline({"column": guessed.column.name, "values": table_name}))
    yield ""
    yield from _word_values(guessed.column, table_name)


def _word_values(column: Column, table_name: str) -> Iterator[str]:
    """The words of a column, as far as many rows share them; the rest is held until it is listed."""
    yield f"[values.{name(table_name)}]"
    shared = sorted(value for value, count in column.values.items() if count >= SHARED and len(value) <= 40)
    for value in shared:
        yield f"{name(value)} = {{ text = {text(value)} }}"
    if len(shared) < len(column.values):
        rare = len(column.values) - len(shared)
        yield from comment(
            f"confirm: {rare} rarer words are not copied here; rows that hold one wait until it is listed"
        )
    yield ""


# -- long tables -------------------------------------------------------------------------------------------


def long_results(table: Table) -> Iterator[str]:
    """One observation for each row, by its test."""
    test = table.role("result.code") or table.role("result.loinc") or table.role("result.name")
    value = table.role("result.value")
    assert test is not None
    assert value is not None
    owner = [table.stay or table.patient, *_own(table)]
    if table.role("result.sample"):
        owner = owner[1:]
    yield "# Results: one row each " + "-" * 50
    if len(owner) == 1 and not table.role("result.sample"):
        yield from comment(
            "confirm: no sample and no moment tells results apart; {row} is for a file that is sent once"
        )
        owner.append("{row}")
    yield from why(test)
    yield from _result_template(table, "-".join([*owner, table.braces(test)]))
    yield from _tests(table, test, value)


def _tests(table: Table, test: Guessed, value: Guessed) -> Iterator[str]:
    units, numeric = _by_test(table, test, value)
    called = table.role("result.name")
    known = sorted(code for code in test.column.values if _may_list(test, code))[:400]
    names = _names_of(table, test, called)
    matches = {code: _best(names.get(code, code), code, units.get(code, "")) for code in known}
    counted = [code for code in known if numeric.get(code, 0.0) >= 0.9]
    worded = [code for code in known if code not in counted]
    column = text(table.use(test))
    yield from why(value)
    with_unit = [code for code in counted if _unit_of(units.get(code, ""), matches[code])]
    said = [code for code in with_unit if units.get(code)]
    for group in (said, [code for code in with_unit if code not in said]):
        if group:
            yield from _long_numbers(table, column, group, units, matches)
    rest = [code for code in counted if code not in with_unit]
    for codes_, comment_ in (
        (rest, "confirm: numbers without a unit that we know; kept as text"),
        (worded, ""),
    ):
        if codes_:
            yield from _long_texts(table, column, codes_, value, comment_)
    yield from comment("A test that is not listed is held, not passed over.")
    yield "[[resource]]"
    yield line("like", "result")
    yield f"when = [{{ column = {column}, not_in = [{', '.join(map(text, known))}] }}]"
    yield f"body.code = {dump(Inline({'column': table.use(test), 'values': 'tests'}))}"
    yield ""
    yield "[values.tests]"
    for code in known:
        yield from _test_value(code, names.get(code, code), matches[code])


def _may_list(test: Guessed, code: str) -> bool:
    """Whether a code may stand in a map: it is one of a catalogue, not of one patient."""
    return len(code) <= 80 and (
        test.column.values[code] >= 2 or bool(find(code, limit=1)) or test.column.distinct <= 50
    )


def _by_test(table: Table, test: Guessed, value: Guessed) -> tuple[dict[str, str], dict[str, float]]:
    """The unit of most results of each test, and the share of its results that are numbers."""
    header = table.sample.header
    at, of = header.index(test.column.name), header.index(value.column.name)
    unit = table.role("result.unit")
    by = header.index(unit.column.name) if unit else -1
    counts: dict[str, list[int]] = {}
    units: dict[str, dict[str, int]] = {}
    for row in table.sample.rows:
        cell = row[of].strip()
        if not cell:
            continue
        code = row[at].strip()
        seen = counts.setdefault(code, [0, 0])
        seen[0] += 1
        seen[1] += as_number(cell) is not None
        if by >= 0 and row[by].strip():
            of_code = units.setdefault(code, {})
            of_code[row[by].strip()] = of_code.get(row[by].strip(), 0) + 1
    usual = {code: max(found, key=lambda each, found=found: found[each]) for code, found in units.items()}  # type: ignore[misc]
    return usual, {code: numbers / every for code, (every, numbers) in counts.items()}


def _names_of(table: Table, test: Guessed, called: Guessed | None) -> dict[str, str]:
    """What the table itself calls each test."""
    if called is None or called is test:
        return {}
    header = table.sample.header
    at, of = header.index(test.column.name), header.index(called.column.name)
    found: dict[str, str] = {}
    for row in table.sample.rows:
        found.setdefault(row[at].strip(), row[of].strip())
    return {code: words for code, words in found.items() if words and len(words) <= 80}


def _best(words: str, code: str, unit: str) -> Match | None:
    if known := by_loinc(code):
        return Match(known[0], known[1], 1.0, "it is this LOINC code", None)
    found = [*find(words, unit, limit=1), *find(code, unit, limit=1)]
    return max(found, key=lambda match: match.score, default=None)


def _unit_of(spelled: str, match: Match | None) -> str:
    """The unit of a test: what the table says, else what the analyte is usually reported in."""
    if spelled:
        return ucum(spelled)
    return match.code.unit if match else ""


def _long_numbers(
    table: Table, column: str, known: list[str], units: dict[str, str], matches: dict[str, Match | None]
) -> Iterator[str]:
    unit, value = table.role("result.unit"), table.role("result.value")
    assert value is not None
    yield "[[resource]]"
    yield line("like", "result")
    yield f'when = [{{ column = {column}, in = ["{{test}}"] }}]'
    yield "each = ["
    for code in known:
        spelled, match = units.get(code, ""), matches[code]
        asked = _unit_of(spelled, match)
        low, high = "-1000000000", "1000000000"
        if match and match.code.range and match.unit_fits is not False:
            low, high = (f"{bound:.12g}" for bound in match.code.range)
        else:
            yield from comment("confirm: give the least and the greatest number that is believed", "  ")
        names = {"test": code, "unit": asked, "spelled": spelled or asked, "low": low, "high": high}
        yield f"  {dump(Inline(names))},"
    yield "]"
    yield "[resource.body]"
    yield f'code = {{ column = {column}, values = "tests" }}'
    cell: dict[str, Any] = {
        "column": table.use(value),
        "as": "quantity",
        "unit": "{unit}",
        "range": ["{low}", "{high}"],
    }
    cell["spelled"] = ["{spelled}"]
    if unit and units.get(known[0]):
        cell["unit_column"] = table.use(unit)
    elif unit:
        yield from comment(f"confirm: {unit.column.name} says nothing for these; the unit is a guess")
    yield line("valueQuantity", Inline(cell))
    yield ""


def _long_texts(table: Table, column: str, known: list[str], value: Guessed, note: str) -> Iterator[str]:
    yield "[[resource]]"
    if note:
        yield from comment(note)
    yield line("like", "result")
    yield f"when = [{{ column = {column}, in = [{', '.join(map(text, known))}] }}]"
    yield "[resource.body]"
    yield f'code = {{ column = {column}, values = "tests" }}'
    yield from comment("Words: give them a table of values to make codes of them.")
    yield line("valueString", Inline({"column": table.use(value)}))
    yield ""


def _test_value(code: str, words: str, match: Match | None) -> Iterator[str]:
    if match is None:
        yield from comment("confirm: no LOINC code is known for it")
        coding = [Inline({"system": LOCAL, "code": code})]
        yield f"{name(code)} = {dump(Inline({'text': words, 'coding': coding}))}"
        return
    mark = "" if match.score >= 0.85 else "confirm: "
    yield from comment(f"{mark}{match.code.display} ({match.score:.2f}): {match.why}")
    coding = [Inline({"system": codes.LOINC, "code": match.code.loinc, "display": match.code.display})]
    yield f"{name(code)} = {dump(Inline({'text': words, 'coding': coding}))}"
