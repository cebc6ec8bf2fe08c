"""What Evidently, NannyML and CyclOps see, beside Vesalius, on one data set and five scenarios.

    .venv/bin/python benchmarks/evidence.py
    VESALIUS_PEERS_EVIDENTLY=…/bin/python VESALIUS_PEERS_NANNYML=…/bin/python \
      VESALIUS_PEERS_CYCLOPS=…/bin/python .venv/bin/python benchmarks/evidence.py

The data are 60,000 stays of readmission-diabetes130, no patient twice among reference and current; the
probabilities come from a logistic regression that was trained on other patients. Each tool runs with its own
defaults. OHDSI PatientLevelPrediction is written in R and reads OMOP databases: it is not run here.
"""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow as pa
import pyarrow.csv
from readmissions import DATA, NUMBERS

from vesalius.card import Input
from vesalius.evaluation.monitoring import Reference, Seen, Tally, estimated, look, realised, total
from vesalius.modelling import train

FILE = DATA / "readmission-diabetes130" / "diabetic_data.csv.gz"
LEVELS = ("age", "gender", "race", "insulin", "change", "diabetesMed", "A1Cresult", "max_glu_serum")
PEERS = ("evidently", "nannyml", "cyclops")
THRESHOLD = 0.15
CURRENT = 10_000


@dataclass(frozen=True)
class Stays:
    """N stays: facts, outcomes."""

    table: pa.Table
    outcomes: np.ndarray


def stays():
    """One stay of each patient, the first in the file, in an order by chance."""
    with gzip.open(FILE) as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8")))
    first = list({row["patient_nbr"]: row for row in reversed(rows)}.values())
    order = np.random.default_rng(7).permutation(len(first))
    rows = [first[place] for place in order]
    columns = {name: [float(row[name]) for row in rows] for name in NUMBERS}
    columns |= {name: [row[name] for row in rows] for name in LEVELS}
    return Stays(pa.table(columns), np.array([row["readmitted"] == "<30" for row in rows]))


def described(table):
    """The inputs, as a card would declare them."""
    numbers = [Input(name, "number") for name in NUMBERS]
    return (*numbers, *(Input(n, "category", tuple(sorted(set(table[n].to_pylist())))) for n in LEVELS))


def scenarios(current, rng):
    """By name: the facts and outcomes of what comes in."""
    table, truth = current.table, current.outcomes
    place = table.column_names.index("time_in_hospital")
    hours = table.set_column(place, "time_in_hospital", pa.array(table["time_in_hospital"].to_numpy() * 24))
    place = table.column_names.index("num_medications")
    gone = np.where(rng.random(len(truth)) < 0.5, np.nan, table["num_medications"].to_numpy())
    dead = table.set_column(place, "num_medications", pa.array(gone, from_pandas=True))
    old = np.isin(np.array(table["age"].to_pylist()), ["[70-80)", "[80-90)", "[90-100)"])
    kept = np.flatnonzero(old | (rng.random(len(truth)) < 0.4))
    reversed_ = np.where(rng.random(len(truth)) < 0.6, rng.permutation(truth), truth)
    return {
        "nothing": (table, truth),
        "unit": (hours, truth),
        "missing": (dead, truth),
        "older": (table.take(kept), truth[kept]),
        "concept": (table, reversed_),
    }


def ours(reference, table, probability, truth):
    """What a hospital's own monitors say of these stays, had they come over four weeks."""
    start = process_time()
    days = [str(row % 28) for row in range(table.num_rows)]
    counted = Tally.by_day(reference, days, table, probability, probability >= THRESHOLD, truth)
    filed = {int(day): tally for day, tally in counted.items()}
    signs = look(Seen(reference, filed, filed, today=27))
    tally = total(list(filed.values()))
    guess, real = estimated(reference, tally), realised(tally)
    return {
        "drifted": [" ".join(filter(None, (sign.monitor, sign.about, sign.what))) for sign in signs],
        "estimated": guess.auroc.value,
        "realised": real.auroc.value,
        "interval": [real.auroc.low, real.auroc.high],
        "seconds": round(process_time() - start, 3),
    }


def write(folder, name, table, probability, truth):
    table = table.append_column("probability", pa.array(probability))
    table = table.append_column("acted", pa.array((probability >= THRESHOLD).astype(int)))
    table = table.append_column("outcome", pa.array(truth.astype(int)))
    pyarrow.csv.write_csv(table, folder / f"{name}.csv")


def peers(folder):
    answers = {}
    for name in PEERS:
        python = os.environ.get(f"VESALIUS_PEERS_{name.upper()}")
        if python:
            script = Path(__file__).with_name("evidence_peers.py")
            done = subprocess.run(
                [python, str(script), name, str(folder)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                answers[name] = {"error": done.stderr.strip().splitlines()[-1]}
            else:
                answers[name] = json.loads(done.stdout.splitlines()[-1])
    return answers


def show(name, each):
    def figure(key):
        value = each.get(key)
        return "-" if value is None else f"{value:.3f}"

    drifted = each["drifted"] if isinstance(each["drifted"], str) else ", ".join(each["drifted"]) or "nothing"
    interval = "-".join(f"{end:.3f}" for end in each["interval"]) if each.get("interval") else "no interval"
    print(f"  {name:<10} {each['seconds']:>7} s  estimated {figure('estimated')}  "
          f"realised {figure('realised')} ({interval})  sees: {drifted}")  # fmt: skip


def main():
    if not FILE.exists():
        print("readmission-diabetes130 is not here: nothing to compare on")
        return
    every = stays()
    inputs, rng = described(every.table), np.random.default_rng(11)
    ends = (15_000, 50_000, 50_000 + CURRENT)
    learn, before, now = (
        Stays(every.table.slice(start, end - start), every.outcomes[start:end])
        for start, end in zip((0, *ends), ends, strict=False)
    )
    model = train(learn.table, learn.outcomes, inputs, replicates=0)
    chances = np.array(model.score(before.table).probability)
    reference = Reference.of(inputs, before.table, chances, before.outcomes, acted=chances >= THRESHOLD)
    cases = scenarios(now, rng)
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        write(folder, "reference", before.table, chances, before.outcomes)
        mine = {}
        for name, (table, truth) in cases.items():
            probability = np.array(model.score(table).probability)
            write(folder, name, table, probability, truth)
            mine[name] = ours(reference, table, probability, truth)
        others = peers(folder)
    for name in cases:
        print(f"{name}: {cases[name][0].num_rows} stays")
        show("vesalius", mine[name])
        for peer, answers in others.items():
            if "error" in answers:
                print(f"  {peer:<10} {answers['error']}")
            else:
                show(peer, answers[name])


if __name__ == "__main__":
    sys.exit(main())
