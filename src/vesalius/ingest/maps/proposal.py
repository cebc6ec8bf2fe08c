"""A whole map for a table, proposed from what its columns seem to mean; each guess says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vesalius.fhir import belgium, codes
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.maps import _blocks, _results
from vesalius.ingest.maps._toml import comment, line, text
from vesalius.ingest.maps.guess import Guessed, guess
from vesalius.ingest.maps.profile import Column, profile
from vesalius.ingest.maps.sample import Sample


@dataclass
class Proposal:
    """A map to confirm.

    Attributes:
        text: the map, in TOML with its comments; ``CsvMap.parse`` takes it.
        guesses: what each column was taken for: the role, or ``loinc:CODE``; only those that are in the map.
        unused: the columns that are not in the map.
        confirm: how many guesses are marked to be confirmed.
        notes: what a person should know of the file.
    """

    text: str
    guesses: dict[str, str]
    unused: list[str]
    confirm: int
    notes: list[str]


@dataclass
class Table:
    """A table whose columns were guessed, and what the blocks of the map need to know of it."""

    sample: Sample
    columns: list[Guessed]
    zone: str
    used: set[str] = field(default_factory=set)

    def role(self, name: str) -> Guessed | None:
        """The column that has this role."""
        return next((one for one in self.columns if one.best and one.best.role == name), None)

    def roles(self, name: str) -> list[Guessed]:
        """The columns that have this role."""
        return [one for one in self.columns if one.best and one.best.role == name]

    def use(self, guessed: Guessed) -> str:
        """The name of a column that goes into the map."""
        self.used.add(guessed.column.name)
        return guessed.column.name

    def braces(self, guessed: Guessed) -> str:
        """A column in braces for an id; the number of the row, where its name cannot stand in braces."""
        name = guessed.column.name
        if set(name) & set("{}:!") or name in _blocks.NAMES:
            return "{row}"
        self.use(guessed)
        return f"{{{name}:id}}"

    @property
    def long(self) -> bool:
        """Whether each row is one result."""
        named = self.role("result.code") or self.role("result.name") or self.role("result.loinc")
        return bool(self.role("result.value") and named)

    @property
    def patient(self) -> str:
        """What stands for the patient in ids."""
        found = self.role("patient.id") or self.role("patient.niss")
        if found and found.best and found.best.role == "patient.niss":
            return "{row}"  # a national number is no id
        return self.braces(found) if found else self.stay or "{row}"

    @property
    def stay(self) -> str:
        """What stands for the stay in ids; empty without one."""
        found = self.role("encounter.id")
        return self.braces(found) if found else ""


def propose(sample: Sample, zone: str = "Europe/Brussels") -> Proposal:
    """A map for a table.

    Args:
        sample: its beginning.
        zone: the time zone of moments that name none.
    """
    table = Table(sample, guess(profile(sample.header, sample.rows)), zone)
    body = [
        *_blocks.patient(table),
        *_blocks.encounter(table),
        *_blocks.conditions(table),
        *_blocks.medications(table),
        *(_results.long_results(table) if table.long else _results.wide_results(table)),
    ]
    if not any(part.startswith("[[resource]]") for part in body):
        body += _blocks.anything()
    lines = [*_head(table), *body, *_unused(table)]
    whole = "\n".join(lines).strip() + "\n"
    CsvMap.parse(whole, "proposal")  # what we propose, we accept ourselves
    labels = {
        one.column.name: one.best.label for one in table.columns if one.best and one.column.name in table.used
    }
    unused = [one.column.name for one in table.columns if one.column.name not in table.used]
    return Proposal(whole, labels, unused, whole.count("# confirm"), sample.notes)


# -- the head of the map -----------------------------------------------------------------------------------


def _head(table: Table) -> Iterator[str]:
    sample = table.sample
    yield from comment(
        "Proposed from the names and the content of the columns. It holds no value of a patient, except"
    )
    yield from comment(
        "codes and words that many rows share. Whatever is marked 'confirm' needs a person who knows"
    )
    yield from comment("the source: try it with 'vesalius map check', then take the mark away.")
    for note in sample.notes:
        yield from comment(f"confirm: {note}")
    yield ""
    if sample.kind == "csv":
        yield line("delimiter", sample.delimiter)
        if sample.quote != '"':
            yield line("quote", sample.quote)
        if sample.encoding != "utf-8":
            yield line("encoding", sample.encoding)
        if not sample.named:
            yield "# confirm: the file seems to have no header line; name its columns"
            yield f"columns = [{', '.join(map(text, sample.header))}]"
    if sample.header_row > 1:
        yield line("header_row", sample.header_row)
    if sample.sheet:
        yield line("sheet", sample.sheet)
    yield from _decimal_and_missing(table)
    if not (table.role("patient.id") or table.role("patient.niss")) and table.stay:
        yield from comment("confirm: no column names the patient; the number of the stay stands for it")
    yield ""
    yield "[constants]"
    yield line("loinc", codes.LOINC)
    yield line("ucum", codes.UCUM)
    yield "# confirm: the names of your own numbering, under an address of your hospital"
    yield line("patients", "https://hospital.example/patient-number")
    yield line("stays", "https://hospital.example/stay-number")
    yield line("local", _blocks.LOCAL)
    yield line("niss", belgium.NISS)
    yield ""


def _decimal_and_missing(table: Table) -> Iterator[str]:
    columns = [one.column for one in table.columns]
    commas = [column for column in columns if column.comma]
    points = [column for column in columns if column.type == "decimal" and not column.comma]
    if len(commas) > len(points):
        yield line("decimal", ",")
    silent = sorted({word for column in columns for word in column.silent})
    if silent:
        numbers = [word for word in silent if word.startswith("-") and word != "-"]
        if numbers:
            yield from comment(
                f"confirm: {', '.join(numbers)} stands among numbers that are never negative: no value?"
            )
        yield f"missing = [{', '.join(map(text, silent))}]"


# -- what is left out --------------------------------------------------------------------------------------


def _unused(table: Table) -> Iterator[str]:
    left = [one for one in table.columns if one.column.name not in table.used]
    if not left:
        return
    yield ""
    yield from comment("Not taken in:")
    for one in left:
        yield from comment(f"  {one.column.name}: {about(one.column)}{_perhaps(one)}")


def about(column: Column) -> str:
    """A column in words, without a value of it.

    >>> about(Column("x", rows=10))
    'always empty'
    """
    if column.type == "empty":
        return "always empty"
    filled = round(100 * column.filled / column.rows)
    kinds = "all different" if column.unique else f"{column.distinct} kinds"
    written = f" ({column.form})" if column.form else ""
    return f"{column.type}{written}, {filled} % filled, {kinds}"


def _perhaps(guessed: Guessed) -> str:
    likely = [each for each in guessed.guesses if each.score >= 0.3][:2]
    return "; perhaps " + " or ".join(each.label for each in likely) if likely else ""
