"""Rows of the views with what their codes mean: the columns that the features read beside the views' own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from vesalius.usecases.readmission import words
from vesalius.usecases.readmission.diagnoses import comorbidities, group

if TYPE_CHECKING:
    import pyarrow as pa

GROUP, CHARLSON, CLASS = "group", "charlson", "class"
"""The systems of the codes that are made here of the codes of the record."""

ADDED = {
    "observations": ("quantity", "mg_dl", "laboratory"),
    "diagnoses": ("diagnosis", "group"),
    "medicines": ("medicine",),
}
"""The columns that are added, by view."""

REFUTED = frozenset({"refuted", "entered-in-error"})
"""Verification statuses of a condition that the patient does not have."""

Codes = Callable[[str | None, str | None], Iterable[tuple[str, str]]]


def observations(rows: pa.Table) -> pa.Table:
    """With three columns more.

    ``quantity`` is the number with its unit (``7.5|%``), ``mg_dl`` a glucose, ``laboratory`` the status of a
    laboratory result.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    number: Any = rows["number"]
    quantity: Any = pc.binary_join_element_wise(pc.cast(number, pa.string()), rows["unit"], "|")
    factors = {unit: factor for unit, (factor, _) in words.UNITS["glucose"].items()}
    unit: Any = pc.index_in(rows["unit"], pa.array(list(factors)))
    scaled: Any = pc.multiply(number, pc.take(pa.array(list(factors.values())), unit))
    is_result: Any = pc.is_in(rows["category"], pa.array(["laboratory"]))
    return (
        rows.append_column("quantity", quantity)
        .append_column("mg_dl", scaled)
        .append_column("laboratory", pc.if_else(is_result, rows["status"], None))
    )


def diagnoses(rows: pa.Table) -> pa.Table:
    """One row per diagnosis and group or Charlson condition, with ``diagnosis`` (its code) and ``group``.

    A diagnosis that was refuted keeps its row and has no code, so that it replaces what it was before.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    refuted: Any = pc.is_in(rows["status"], pa.array(sorted(REFUTED)))
    code: Any = pc.if_else(pc.fill_null(refuted, False), None, rows["code"])
    rows = rows.set_column(rows.column_names.index("code"), "code", code)
    found = _spread(rows, _of_diagnosis)
    is_group: Any = pc.is_in(found["code_system"], pa.array([GROUP]))
    names: Any = pc.if_else(is_group, found["code"], None)
    return found.rename_columns(
        ["diagnosis" if name == "original" else name for name in found.column_names]
    ).append_column("group", names)


def medicines(rows: pa.Table) -> pa.Table:
    """One row per medicine and class, with ``medicine``: its ATC code."""
    found = _spread(rows, _of_medicine)
    return found.rename_columns(["medicine" if name == "original" else name for name in found.column_names])


def _of_diagnosis(system: str | None, code: str | None) -> Iterable[tuple[str, str]]:
    name = group(system, code)
    return [(GROUP, name or ""), *((CHARLSON, each) for each in sorted(comorbidities(system, code)))]


def _of_medicine(system: str | None, code: str | None) -> Iterable[tuple[str, str]]:
    classes = words.medicine_classes(code or "") if system == words.ATC else ()
    return [(CLASS, name) for name in classes] or [(CLASS, "")]


def _spread(rows: pa.Table, meaning: Codes) -> pa.Table:
    """The rows, each as often as its code has meanings: with the meaning as code, the code as ``original``.

    A code without a meaning has an empty one: its row stays, since it may replace another version.
    """
    import pyarrow as pa

    known: dict[tuple[str | None, str | None], list[tuple[str, str]]] = {}
    place, systems, codes, originals = [], [], [], []
    pairs = zip(rows["code_system"].to_pylist(), rows["code"].to_pylist(), strict=True)
    for row, pair in enumerate(pairs):
        if pair not in known:
            known[pair] = list(meaning(*pair))
        for number, (system, code) in enumerate(known[pair]):
            place.append(row)
            systems.append(system)
            codes.append(code or None)
            originals.append(pair[1] if not number else None)
    found = rows.drop_columns(["code_system", "code"]).take(pa.array(place, pa.int64()))
    return (
        found.append_column("code_system", pa.array(systems, pa.string()))
        .append_column("code", pa.array(codes, pa.string()))
        .append_column("original", pa.array(originals, pa.string()))
    )
