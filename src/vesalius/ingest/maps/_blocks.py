"""The resources of a proposed map, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vesalius.fhir import codes
from vesalius.ingest.maps._toml import Inline, comment, dump, line, name, text
from vesalius.ingest.maps.guess import LIKELY, SURE, Guess, Guessed
from vesalius.ingest.maps.profile import Column

if TYPE_CHECKING:
    from vesalius.ingest.maps.proposal import Table

NAMES = frozenset(
    {"loinc", "ucum", "patients", "stays", "local", "niss", "row", "test", "code", "unit", "low", "high"}
    | {"display", "column", "system", "kind", "key", "spelled"}
)
"""Names that a proposed map uses in braces: a column that is called so cannot stand there."""

LOCAL = "https://hospital.example/codes"

SHARED = 5
"""How many rows must share a word before it is copied into a map."""

_SEX = {
    "female": {
        "f",
        "female",
        "femme",
        "v",
        "vrouw",
        "w",
        "weiblich",
        "frau",
        "féminin",
        "feminin",
        "vrouwelijk",
    },
    "male": {"m", "male", "homme", "man", "männlich", "mann", "masculin", "mannelijk", "h"},
    "other": {"x", "other", "autre", "ander", "anders", "divers", "o"},
    "unknown": {"u", "unknown", "inconnu", "onbekend", "unbekannt", "unknown/invalid", "?"},
}
_CODED = {"1": "male", "2": "female", "0": "female"}
_ICD = {"ICD-10": codes.ICD10, "ICD-9-CM": "http://hl7.org/fhir/sid/icd-9-cm"}


def reason(guessed: Guessed, best: Guess | None = None) -> str:
    """Why a column was taken for what it is, how sure, and what else it could be."""
    best = best or guessed.best
    if best is None:
        return ""
    others = [each for each in guessed.guesses if each.label != best.label and each.score >= LIKELY - 0.1][:2]
    otherwise = "; else " + ", ".join(f"{each.label} ({each.score:.2f})" for each in others) if others else ""
    mark = "" if best.score >= SURE else "confirm: "
    return f"{mark}{guessed.column.name} is {best.label} ({best.score:.2f}): {best.why}{otherwise}"


def why(guessed: Guessed) -> Iterator[str]:
    yield from comment(reason(guessed))


def moment(table: Table, guessed: Guessed, element: str, *, date_only: bool = False) -> Iterator[str]:
    """An element that is a date or a moment, as its column writes it."""
    column = guessed.column
    cell: dict[str, Any] = {"column": table.use(guessed), "as": "date"}
    if column.type == "dateTime" and not date_only:
        cell["as"] = "dateTime"
        if not _has_zone(column):
            cell["zone"] = table.zone
            yield from comment(f"confirm: {column.name} names no time zone; {table.zone} is taken")
    if column.form:
        cell["format"] = column.form
    if column.ambiguous:
        yield from comment(f"confirm: day before month in {column.name}? it could be {column.ambiguous}")
    yield line(element, Inline(cell))


def _has_zone(column: Column) -> bool:
    return all(value.endswith("Z") or value[-6:-5] in "+-" or value[-5:-4] in "+-" for value in column.values)


# -- the patient -------------------------------------------------------------------------------------------


def patient(table: Table) -> Iterator[str]:
    """The patient, if the table tells more of them than their number."""
    told = ("birth", "age", "sex", "niss", "family", "given", "death")
    if not any(table.role(f"patient.{each}") for each in told):
        return
    who = table.role("patient.id")
    yield "# The patient " + "-" * 60
    yield "[[resource]]"
    yield "[resource.body]"
    yield line("resourceType", "Patient")
    if who:
        yield from why(who)
    else:
        yield from comment(
            "confirm: no column tells patients apart; {row} is only for a file that is sent once"
        )
    yield line("id", table.patient)
    yield from _identifiers(table, who)
    yield from _sex(table)
    yield from _birth(table)
    if death := table.role("patient.death"):
        yield from why(death)
        yield from moment(table, death, "deceasedDateTime")
    yield from _name(table)
    yield ""
    yield from _sex_values(table)


def _identifiers(table: Table, who: Guessed | None) -> Iterator[str]:
    niss = table.role("patient.niss")
    parts = []
    if who and table.patient != "{row}":
        parts.append(dump(Inline({"system": "{patients}", "value": Inline({"column": table.use(who)})})))
    if niss:
        yield from why(niss)
        parts.append(dump(Inline({"system": "{niss}", "value": Inline({"column": table.use(niss)})})))
    if parts:
        yield f"identifier = [{', '.join(parts)}]"


def _sex(table: Table) -> Iterator[str]:
    if sex := table.role("patient.sex"):
        yield from why(sex)
        yield line("gender", Inline({"column": table.use(sex), "values": "sex"}))


def _sex_values(table: Table) -> Iterator[str]:
    sex = table.role("patient.sex")
    if not sex:
        return
    yield "[values.sex]"
    known = {}
    for value in sorted(sex.column.values):
        meant = next((code for code, words in _SEX.items() if value.lower() in words), "")
        if meant:
            known[value] = meant
        elif value in _CODED:
            known[value] = _CODED[value]
            yield from comment(f"confirm: which sex is {value}?")
        elif sex.column.values[value] >= SHARED and len(value) <= 20:
            known[value] = "unknown"
            yield from comment(f"confirm: what does {value} mean?")
        if value in known:
            yield f"{name(value)} = {text(known[value])}"
    if not known:
        yield from comment(
            "confirm: list here what each word of the column means: female, male, other, unknown"
        )
    yield ""


def _birth(table: Table) -> Iterator[str]:
    birth, age = table.role("patient.birth"), table.role("patient.age")
    if birth:
        yield from why(birth)
        yield from moment(table, birth, "birthDate", date_only=True)
    elif age and age.column.type == "integer" and _one_row_each(table):
        yield from why(age)
        yield from comment("confirm: the date of the ages; the birth year is that year less the age")
        cell = {"column": table.use(age), "as": "birth-year", "at": "2020-01-01", "range": [0, 130]}
        yield line("birthDate", Inline(cell))


def _one_row_each(table: Table) -> bool:
    """Whether a patient has one row: else an age that grows would contradict itself."""
    who = table.role("patient.id")
    return who is None or who.column.unique


def _name(table: Table) -> Iterator[str]:
    family, given = table.role("patient.family"), table.role("patient.given")
    parts: dict[str, Any] = {}
    for guessed, element in ((family, "family"), (given, "given")):
        if guessed:
            yield from why(guessed)
            cell = Inline({"column": table.use(guessed)})
            parts[element] = cell if element == "family" else [cell]
    if parts:
        yield f"name = [{dump(Inline(parts))}]"


# -- the stay ----------------------------------------------------------------------------------------------


def encounter(table: Table) -> Iterator[str]:
    """The stay, if the table tells more of it than its number."""
    told = ("start", "end", "days", "ward")
    stay = table.role("encounter.id")
    if not any(table.role(f"encounter.{each}") for each in told) or (table.long and not stay):
        return
    if table.long and not (table.role("encounter.start") or table.role("encounter.end")):
        return  # a ward that changes from row to row would contradict itself
    yield "# The stay " + "-" * 60
    yield "[[resource]]"
    yield "[resource.body]"
    yield line("resourceType", "Encounter")
    if stay:
        yield from why(stay)
    yield line("id", table.stay or table.patient)
    if stay and table.stay != "{row}":
        cell = Inline({"column": table.use(stay)})
        yield f"identifier = [{dump(Inline({'system': '{stays}', 'value': cell}))}]"
    yield from comment("confirm: finished stays of inpatients? else in-progress, and AMB or EMER")
    yield line("status", "finished")
    yield line("class", Inline({"system": codes.ACT, "code": "IMP"}))
    yield line("subject.reference", f"Patient/{table.patient}")
    for role, element in (("start", "period.start"), ("end", "period.end")):
        if found := table.role(f"encounter.{role}"):
            yield from why(found)
            yield from moment(table, found, element)
    if days := table.role("encounter.days"):
        yield from why(days)
        value = Inline({"column": table.use(days), "as": "decimal"})
        yield line("length", Inline({"value": value, "unit": "d", "system": "{ucum}", "code": "d"}))
    if ward := table.role("encounter.ward"):
        yield from why(ward)
        yield f"location = [{{ location = {{ display = {dump(Inline({'column': table.use(ward)}))} }} }}]"
    yield ""


# -- diagnoses, medications --------------------------------------------------------------------------------


def conditions(table: Table) -> Iterator[str]:
    """One condition for each column of diagnoses."""
    found = table.roles("diagnosis.code")
    if not found:
        return
    yield "# Diagnoses " + "-" * 60
    owner = table.stay or table.patient
    for guessed in found:
        column = guessed.column
        system = _ICD.get(column.system or "")
        yield "[[resource]]"
        yield from why(guessed)
        yield f"when = [{{ column = {text(table.use(guessed))}, given = true }}]"
        yield "[resource.body]"
        yield line("resourceType", "Condition")
        piece = (
            "{" + column.name + ":id}"
            if not set(column.name) & set("{}:!") and column.name not in NAMES
            else "{row}"
        )
        piece = piece if len(found) == 1 else f"{key_of(column.name)}"
        yield line("id", f"{owner}-{piece}")
        yield line("subject.reference", f"Patient/{table.patient}")
        if table.stay:
            yield line("encounter.reference", f"Encounter/{table.stay}")
        if system:
            cell = Inline({"column": column.name})
            yield f"code.coding = [{dump(Inline({'system': system, 'code': cell}))}]"
        else:
            yield from comment("confirm: which code system is it? kept as text until then")
            yield line("code.text", Inline({"column": column.name}))
        if start := table.role("encounter.start"):
            yield from moment(table, start, "recordedDate")
        yield ""


def key_of(column: str) -> str:
    """What an id calls a column."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in column).strip("-")
    return kept[:20] or "x"


def medications(table: Table) -> Iterator[str]:
    """A medication, from its code or its name."""
    code, called = table.role("drug.code"), table.role("drug.name")
    if not (code or called):
        return
    yield "# Medication " + "-" * 60
    yield "[[resource]]"
    yield "[resource.body]"
    yield line("resourceType", "MedicationStatement")
    yield from comment(
        "confirm: the id must be the same each time the same thing is sent; {row} is for a file sent once"
    )
    yield line("id", f"{table.patient}-med-{{row}}")
    yield line("status", "unknown")
    yield line("subject.reference", f"Patient/{table.patient}")
    if table.stay:
        yield line("context.reference", f"Encounter/{table.stay}")
    if code:
        yield from why(code)
        system = codes.ATC if code.column.system == "ATC" else "{local}"
        cell = Inline({"column": table.use(code)})
        yield f"medicationCodeableConcept.coding = [{dump(Inline({'system': system, 'code': cell}))}]"
    if called:
        yield from why(called)
        yield line("medicationCodeableConcept.text", Inline({"column": table.use(called)}))
    if dose := table.role("drug.dose"):
        yield from why(dose)
        yield f"dosage = [{dump(Inline({'text': Inline({'column': table.use(dose)})}))}]"
    if when := table.role("result.collected") or table.role("encounter.start"):
        yield from moment(table, when, "effectiveDateTime")
    yield ""


def anything() -> Iterator[str]:
    """For a table of which nothing was understood: a start."""
    yield from comment("confirm: nothing was recognised; say here what a row becomes")
    yield "[[resource]]"
    yield "[resource.body]"
    yield line("resourceType", "Basic")
    yield line("id", "{row}")
    yield line("code.text", "row")
    yield ""
