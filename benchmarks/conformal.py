"""How often the 90 % prediction sets hold the truth on patients held out, over all and in each subgroup.

    .venv/bin/python benchmarks/conformal.py [urine] [icu] [readmission]

Reads the folders of ``../shared/data`` (or ``$VESALIUS_DATA``) of these names. ``urine``: 472 patients, three
times ten-fold. ``icu``: the last and the mean value of 20 vital signs and tests of 4,000 stays (set a), tried
on 4,000 others (set c). ``readmission``: 99,343 stays of 69,990 patients, several stays of one; 30 % of the
patients are held out; once with the sets of all patients, once with those of each age group. The model is the
logistic one. A share in brackets is of so few (under 100) that chance alone moves it by more than 3 points.
"""

import csv
import gzip
import os
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import readmissions

import modelling as urine
from vesalius.card import Input
from vesalius.evaluation import splits
from vesalius.modelling import train

DATA = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
MEASURED = [
    "HR",
    "Temp",
    "GCS",
    "RespRate",
    "SysABP",
    "DiasABP",
    "MAP",
    "NISysABP",
    "SaO2",
    "FiO2",
    "PaO2",
    "PaCO2",
    "pH",
    "Urine",
    "Creatinine",
    "BUN",
    "Lactate",
    "WBC",
    "Platelets",
    "Bilirubin",
]


def stays(part):
    """The last and the mean value of each measurement of each stay, and who died in hospital."""

    def rows(name):
        path = DATA / "icu-mortality-2012" / f"set_{part}_{name}.csv.gz"
        with gzip.open(path, "rt") as file:
            yield from csv.DictReader(file)

    known = defaultdict(lambda: defaultdict(list))
    for row in rows("series"):
        for name in MEASURED:
            if row.get(name):
                known[row["RecordID"]][name].append(float(row[name]))
    static = list(rows("static"))
    dead = {row["RecordID"]: row["In-hospital_death"] == "1" for row in rows("outcomes")}
    columns = {"age": pa.array([float(row["Age"]) for row in static])}
    sexes = {"0": "female", "0.0": "female", "1": "male", "1.0": "male"}
    columns["sex"] = pa.array([sexes.get(row["Gender"]) for row in static], pa.string())
    columns["unit"] = pa.array([row["ICUType"][:1] for row in static], pa.string())
    for name in MEASURED:
        seen = [known[row["RecordID"]].get(name) for row in static]
        columns[f"{name}_last"] = pa.array([each[-1] if each else None for each in seen], pa.float64())
        columns[f"{name}_mean"] = pa.array([np.mean(each) if each else None for each in seen], pa.float64())
    inputs = [Input("age", "number"), Input("sex", "category", ("female", "male"))]
    inputs += [Input("unit", "category", ("1", "2", "3", "4"))]
    inputs += [Input(name, "number") for name in columns if name.endswith(("_last", "_mean"))]
    return pa.table(columns), np.array([dead[row["RecordID"]] for row in static]), inputs


def say(title, truth, allowed, groups):
    """One line per group: what share of its sets hold the truth."""
    hit = np.where(truth, allowed[:, 1], allowed[:, 0])

    def share(rows):
        text = f"{hit[rows].mean():.3f}" if rows.any() else "-"
        return f"{text:>7} " if rows.sum() >= 100 else f"({text:>6})"

    print(f"\n{title:<28}{'cases':>8}{'events':>8}{'all':>9}{'events':>9}{'others':>9}")
    for name, rows in {"all": np.ones(len(truth), bool), **groups}.items():
        print(
            f"{name:<28}{rows.sum():>8}{(rows & truth).sum():>8}"
            f" {share(rows)} {share(rows & truth)} {share(rows & ~truth)}"
        )
    print(f"sets with both answers: {(allowed.sum(axis=1) == 2).mean():.3f}")


def of_column(table, name):
    values = np.array(table[name].to_pylist(), dtype=object)
    known = sorted({value for value in values if value is not None})
    return {f"{name} {each}": values == each for each in known}


def bands(table, name, edges):
    values = np.array(table[name].to_pylist(), dtype=float)
    pairs = list(pairwise(edges))
    return {f"{name} {low}-{high}": (values >= low) & (values < high) for low, high in pairs}


def on_urine():
    table, outcomes, inputs = urine.load()
    folds = splits.repeated(outcomes, range(len(outcomes)), 10, 3, 0)
    found = np.zeros((3, len(outcomes), 2), bool)
    for repeat, row in enumerate(folds):
        for fold in range(10):
            rows, held = np.flatnonzero(row != fold), np.flatnonzero(row == fold)
            model = train(table.take(rows), outcomes[rows], inputs, 0, replicates=0)
            found[repeat, held] = model.score(table.take(held)).allowed
    groups = of_column(table, "gender") | bands(table, "age", (18, 40, 65, 120))
    groups = {name: np.tile(rows, 3) for name, rows in groups.items()}
    say("urine, 3 x 10-fold", np.tile(outcomes, 3), found.reshape(-1, 2), groups)


def on_icu():
    table, outcomes, inputs = stays("a")
    model = train(table, outcomes, inputs, 0, replicates=0)
    other, truth, _ = stays("c")
    groups = of_column(other, "sex") | of_column(other, "unit") | bands(other, "age", (15, 50, 65, 80, 91))
    say("icu, set a to set c", truth, model.score(other).allowed, groups)


def on_readmission():
    table, outcomes, patients, inputs = readmissions.load()
    names, number = np.unique(patients, return_inverse=True)
    held = (np.random.default_rng(0).random(len(names)) < 0.3)[number]
    rows, rest = np.flatnonzero(~held), np.flatnonzero(held)
    for strata in ("", "age"):
        learned, known = table.take(rows), [patients[row] for row in rows]
        model = train(learned, outcomes[rows], inputs, 0, groups=known, replicates=0, strata=strata)
        other = table.take(rest)
        groups = of_column(other, "gender") | of_column(other, "age")
        title = f"readmission, by {strata}" if strata else "readmission"
        say(title, outcomes[rest], model.score(other).allowed, groups)


if __name__ == "__main__":
    every = {"urine": on_urine, "icu": on_icu, "readmission": on_readmission}
    for name in sys.argv[1:] or every:
        every[name]()
