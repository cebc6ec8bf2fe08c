"""What the laboratory sends: two CSV files, with its own codes and words, in French.

``laboratoire.csv`` has a line per result (urine strip, flow cytometry, blood), ``microbiologie.csv`` a line
per culture. The maps in ``maps/`` say what each column means in FHIR.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from vesalius.demo.urine import Case, Culture

Row = tuple[str, ...]

RESULTS = (
    "echantillon",
    "dossier",
    "sejour",
    "code",
    "analyse",
    "resultat",
    "unite",
    "preleve_le",
    "valide_le",
)
CULTURES = (
    "echantillon",
    "dossier",
    "sejour",
    "conclusion",
    "germe",
    "numeration",
    "unite",
    "preleve_le",
    "valide_le",
)
BRUSSELS = ZoneInfo("Europe/Brussels")

GRADES = {
    "negative": "Nég",
    "trace": "Traces",
    "small": "+",
    "moderate": "++",
    "large": "+++",
    "positive": "Pos",
    "clear": "Clair",
    "cloudy": "Trouble",
}
STRIP = {
    "nitrite": ("BU-NIT", "Nitrites"),
    "leukocytes_strip": ("BU-LEU", "Estérase leucocytaire"),
    "blood": ("BU-SG", "Sang"),
    "protein": ("BU-PRO", "Protéines"),
    "glucose": ("BU-GLU", "Glucose"),
    "ketones": ("BU-CET", "Corps cétoniques"),
    "clarity": ("BU-ASP", "Aspect"),
}
COUNTS = {
    "leukocytes_count": ("UF-GB", "Leucocytes, cytométrie"),
    "erythrocytes_count": ("UF-GR", "Érythrocytes, cytométrie"),
    "bacteria_count": ("UF-BAC", "Bactéries, cytométrie"),
}
BLOOD = {
    "crp": ("S-CRP", "CRP", "mg/L", 1),
    "creatinine": ("S-CREA", "Créatinine", "mg/dL", 2),
    "leukocytes": ("B-GB", "Leucocytes", "10*3/uL", 1),
}


def local(moment: datetime) -> str:
    """A moment as the laboratory writes it: Belgian time, with its offset from UTC."""
    return moment.astimezone(BRUSSELS).isoformat(timespec="seconds")


def results(case: Case) -> Iterator[tuple[datetime, Row]]:
    """A line for each urine and blood result, with when it was validated."""
    for name, grade in case.strip.items():
        yield case.issued, _row(case, *STRIP[name], GRADES[grade], "")
    for name, count in case.counts.items():
        yield case.issued, _row(case, *COUNTS[name], f"{count:.0f}", "/uL")
    for name, value in case.blood.items():
        code, words, unit, digits = BLOOD[name]
        yield case.issued, _row(case, code, words, f"{value:.{digits}f}", unit)


def _row(case: Case, code: str, words: str, value: str, unit: str) -> Row:
    times = (local(case.collected), local(case.issued))
    return (case.number, case.person.number, f"S-{case.number}", code, words, value, unit, *times)


def cultures(case: Case) -> Iterator[tuple[datetime, Row]]:
    """The line of the culture, if one was asked for."""
    if culture := case.culture:
        head = (case.number, case.person.number, f"S-{case.number}", "POS" if culture.positive else "NEG")
        times = (local(case.collected), local(culture.issued))
        yield culture.issued, (*head, _grown(culture), str(culture.count), "{CFU}/mL", *times)


def _grown(culture: Culture) -> str:
    if culture.organism:
        return culture.organism.name
    return "Flore mixte, non significative" if culture.count else "Culture stérile"


def table(header: Row, rows: Iterable[Row]) -> bytes:
    """A CSV file as the laboratory writes it: UTF-8, semicolons, one header line."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
