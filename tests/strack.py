"""The stays of Strack 2014 as evidence, straight from their CSV file: seconds where the lake takes minutes.

The same columns as ``Readmission().evidence`` gives for the file once it is received, without sources;
``test_readmission_data.py`` holds the two equal. For tests and benchmarks of validation and monitoring.
"""

import csv
import gzip
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import numpy as np
import pyarrow as pa

from vesalius.usecase import Candidate, Evidence
from vesalius.usecases.readmission import derived, facts, rules, words
from vesalius.usecases.readmission.diagnoses import ICD9, charlson, comorbidities, group

FILE = "readmission-diabetes130/diabetic_data.csv.gz"
MOMENT = datetime(2005, 6, 5, 12, 15, tzinfo=UTC)
ORAL = {
    "metformin": (
        "metformin",
        "glyburide-metformin",
        "glipizide-metformin",
        "metformin-rosiglitazone",
        "metformin-pioglitazone",
    ),
    "sulfonylurea": (
        "chlorpropamide",
        "glimepiride",
        "acetohexamide",
        "glipizide",
        "glyburide",
        "tolbutamide",
        "tolazamide",
        "glyburide-metformin",
        "glipizide-metformin",
        "glimepiride-pioglitazone",
    ),
    "glitazone": (
        "pioglitazone",
        "rosiglitazone",
        "troglitazone",
        "glimepiride-pioglitazone",
        "metformin-rosiglitazone",
        "metformin-pioglitazone",
    ),
    "glinide": ("repaglinide", "nateglinide"),
}
DOSES = {"No": "not_taken", "Steady": "unchanged", "Up": "increased", "Down": "decreased"}
HBA1C = {"Norm": "below_7", ">7": "7_to_8", ">8": "above_8"}
GLUCOSE = {"Norm": "to_200", ">200": "200_to_300", ">300": "above_300"}


@dataclass(frozen=True)
class Stays:
    """N stays in scope.

    Attributes:
        evidence: what was known at discharge.
        outcomes: N booleans: readmitted within 30 days.
        race: N words of the source, for fairness alone.
    """

    evidence: Evidence
    outcomes: np.ndarray
    race: list[str]


def stays(shared_data, rows=None, *, scoped=True):
    """The first ``rows`` lines of the file (all, if not given), those in scope or all who left alive."""
    with gzip.open(shared_data / FILE, "rt", newline="") as file:
        cells = list(_received(islice(csv.DictReader(file), rows)))
    made = [(each, _facts(each)) for each in cells]
    kept = [(each, row) for each, row in made if _kept(row, scoped)]
    columns = {
        item.name: pa.array([row[item.name] for _, row in kept], facts.arrow_type(item))
        for item in facts.card().inputs
    }
    asked = tuple(
        Candidate(f"Patient/d130-{each['patient_nbr']}", f"Encounter/d130-{each['encounter_id']}", MOMENT)
        for each, _ in kept
    )
    return Stays(
        Evidence(asked, pa.table(columns), tuple({} for _ in asked), 0),
        np.array([each["readmitted"] == "<30" for each, _ in kept]),
        [each["race"] for each, _ in kept],
    )


def _received(cells):
    """Without the three rows that ingest holds: they give a patient another sex than an earlier row did."""
    sexes = {}
    for row in cells:
        if sexes.setdefault(row["patient_nbr"], row["gender"]) == row["gender"]:
            yield row


def _kept(row, scoped):
    if scoped:
        return not any(rule(row) for rule in rules.SCOPE)
    return row["destination"] not in (words.DEATH, words.HOSPICE)


def _facts(cells):
    source = words.SOURCE
    codes = [code for name in ("diag_1", "diag_2", "diag_3") if (code := cells[name]) != "?"]
    groups = {group(ICD9, code) for code in codes}
    held = {name for code in codes for name in comorbidities(ICD9, code)}
    specialty = cells["medical_specialty"]
    made = {
        "age": words.age_band(int(cells["age"][1:].partition("-")[0])),
        "sex": cells["gender"].lower() if cells["gender"] in ("Female", "Male") else None,
        "length_of_stay": float(cells["time_in_hospital"]),
        "admission": words.ADMISSIONS.get((f"{source}-admission", cells["admission_type_id"])),
        "origin": words.ORIGINS.get((f"{source}-source", cells["admission_source_id"])),
        "destination": words.DESTINATIONS.get((f"{source}-disposition", cells["discharge_disposition_id"])),
        "specialty": None
        if specialty == "?"
        else words.SPECIALTY_NAMES.get(specialty, words.OTHER_SPECIALTY),
        "principal_diagnosis": None if cells["diag_1"] == "?" else group(ICD9, cells["diag_1"]),
        "charlson": float(charlson(held)) if codes else None,
        "insulin": DOSES[cells["insulin"]],
        "medication_changed": cells["change"] == "Ch",
        "diabetes_medicine": cells["diabetesMed"] == "Yes",
        "hba1c": HBA1C.get(cells["A1Cresult"]),
        "glucose": GLUCOSE.get(cells["max_glu_serum"]),
        "haemoglobin": None,
        "sodium": None,
    }
    made |= {name: float(cells[code]) for name, code in _COUNTED.items()}
    made |= {name: any(cells[drug] != "No" for drug in drugs) for name, drugs in ORAL.items()}
    names = [item.name for item in facts.card().inputs if item.name.startswith(derived.HAS)]
    return made | {name: name.removeprefix(derived.HAS) in groups if codes else None for name in names}


_COUNTED = {name: code.replace("-", "_") for name, code in words.COUNTS.items()}
