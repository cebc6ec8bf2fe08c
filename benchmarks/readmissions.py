"""The 99,343 stays of the diabetes data as a table, for the benchmarks of models; no use case is involved."""

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pyarrow as pa

from vesalius.card import Input

DATA = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
NUMBERS = [
    "time_in_hospital",
    "num_lab_procedures",
    "num_procedures",
    "num_medications",
    "number_outpatient",
    "number_emergency",
    "number_inpatient",
    "number_diagnoses",
]
AGES = tuple(f"[{age}-{age + 10})" for age in range(0, 100, 10))
ENDED = {"11", "13", "14", "19", "20", "21"}  # death or hospice: see the README of the data
LEFT_OUT = {"encounter_id", "patient_nbr", "readmitted", "weight"}
CHAPTERS = (  # of ICD-9, as in Strack et al., BioMed Res Int 2014:781670, table 2
    ("circulatory", 390, 459),
    ("respiratory", 460, 519),
    ("digestive", 520, 579),
    ("genitourinary", 580, 629),
    ("neoplasm", 140, 239),
    ("musculoskeletal", 710, 739),
    ("injury", 800, 999),
)


def chapter(code):
    if code[0] in "EV":
        return code[0]
    if code.startswith("250"):
        return "diabetes"
    number = int(float(code))
    return next((name for name, first, last in CHAPTERS if first <= number <= last), "other")


def load(rows=None):
    """The table, who came back within 30 days, the patients, and the inputs; of so many stays by chance."""
    with gzip.open(DATA / "readmission-diabetes130" / "diabetic_data.csv.gz", "rt") as file:
        stays = [row for row in csv.DictReader(file) if row["discharge_disposition_id"] not in ENDED]
    if rows:
        chosen = np.random.default_rng(0).permutation(len(stays))[:rows]
        stays = [stays[row] for row in chosen]
    inputs, columns = [], {}
    for name in stays[0]:
        values = [None if row[name] == "?" else row[name] for row in stays]
        if name in LEFT_OUT:
            continue
        if name in NUMBERS:
            inputs.append(Input(name, "number"))
            columns[name] = pa.array([float(value) for value in values])
            continue
        if name.startswith("diag_"):
            values = [value and chapter(value) for value in values]
        levels, counts = np.unique([value for value in values if value], return_counts=True)
        common = tuple(levels[np.argsort(-counts, kind="stable")][:15].tolist())
        if len(levels) > 1:
            inputs.append(Input(name, "grade", AGES) if name == "age" else Input(name, "category", common))
            columns[name] = pa.array(values, pa.string())
    outcomes = np.array([row["readmitted"] == "<30" for row in stays])
    return pa.table(columns), outcomes, [row["patient_nbr"] for row in stays], tuple(inputs)
