"""How long models take to train and to score, and what the challenger gains over the default.

    .venv/bin/python benchmarks/modelling.py [REPEATS]

Reads ``../shared/data/uti-primary-care`` (or ``$VESALIUS_DATA``), 472 patients, 128 with the outcome. Times
are CPU seconds (user and system, all threads), the best of several. The AUROCs come from REPEATS (default 1)
times ten-fold cross-validation, the same folds for all; the peer is scikit-learn's plain logistic regression
on one-hot columns, with missing as a level of its own. The interval of a gain is a paired bootstrap of
patients.
"""

import csv
import gzip
import os
import sys
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow as pa
from sklearn.linear_model import LogisticRegressionCV

from vesalius.card import Input
from vesalius.evaluation import compare, metrics, resamples, splits
from vesalius.modelling import train

DATA = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
GRADES = ("negative", "small", "moderate", "large")
STRIP = ("ua_protein", "ua_glucose", "ua_ketones", "ua_blood", "ua_leuk")
YES_NO = [
    "dysuria",
    "abd_pain",
    "fever_subjective",
    "temp",
    "hr",
    "rr",
    "sbp",
    "ams",
    "low_abd_pain",
    "flank_pain",
    "cva",
    "vomiting",
    "catheter",
    "hx_calculi",
    "immunocompromised",
    "pregnant",
    "gender",
    "ua_clarity",
    "ua_nitrite",
    "Urinary_tract_infections",
]
UNKNOWN = {"not_reported", "other"}
THREE_IS_UNKNOWN = set(YES_NO) - {"dysuria", "abd_pain", "temp", "gender"}


def load():
    path = DATA / "uti-primary-care" / "PrimaryCare_Deidentified.tsv.gz"
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))

    def known(name, value):
        return None if value in UNKNOWN or (value == "3" and name in THREE_IS_UNKNOWN) else value

    columns = {"age": pa.array([float(row["age"]) for row in rows])}
    inputs = [Input("age", "number", unit="a")]
    for name in (*STRIP, *YES_NO):
        values = ["large" if row[name] == "4+" else known(name, row[name]) for row in rows]
        levels = GRADES if name in STRIP else tuple(sorted({value for value in values if value}))
        inputs.append(Input(name, "grade" if name in STRIP else "category", levels))
        columns[name] = pa.array(values, pa.string())
    return pa.table(columns), np.array([row["UCX_abnormal"] == "yes" for row in rows]), inputs


def best(action, times=3):
    spent = []
    for _ in range(times):
        start = process_time()
        action()
        spent.append(process_time() - start)
    return min(spent)


def one_hot(table, inputs):
    age = np.array(table["age"].to_pylist())
    parts = [((age - age.mean()) / age.std())[:, None]]
    for item in inputs[1:]:
        column = table[item.name].to_pylist()
        parts.append(
            np.array([[value == level for level in (*item.levels, None)] for value in column], float)
        )
    return np.hstack(parts)


def held_out(folds, learn):
    scores = np.zeros(folds.shape)
    for repeat, row in enumerate(folds):
        for fold in range(10):
            scores[repeat, row == fold] = learn(np.flatnonzero(row != fold), np.flatnonzero(row == fold))
    return scores


def main(repeats):
    table, outcomes, inputs = load()
    matrix = one_hot(table, inputs)

    def glass_box(kind, copies):
        def learn(rows, held):
            model = train(table.take(rows), outcomes[rows], inputs, 0, kind, replicates=copies)
            return model.score(table.take(held)).probability

        return learn

    def peer(rows, held):
        machine = LogisticRegressionCV(
            Cs=np.logspace(-2, 1, 7),
            cv=5,
            scoring="neg_log_loss",
            use_legacy_attributes=False,
            l1_ratios=(0,),
        )
        return machine.fit(matrix[rows], outcomes[rows]).predict_proba(matrix[held])[:, 1]

    model = train(table, outcomes, inputs)
    many = pa.concat_tables([table] * 22).slice(0, 10_000)
    print("what                                     CPU seconds")
    print(f"train logistic, 472 rows, 50 replicates  {best(lambda: train(table, outcomes, inputs)):.3f}")
    slow = best(lambda: train(table, outcomes, inputs, kind="ebm"), 1)
    print(f"train ebm, 472 rows, 50 replicates       {slow:.3f}")
    print(f"score 1 row                              {best(lambda: model.score(table.slice(0, 1)), 20):.4f}")
    print(f"score 10,000 rows                        {best(lambda: model.score(many)):.3f}")
    folds = splits.repeated(outcomes, range(len(outcomes)), 10, repeats, 0)
    counts = resamples(range(len(outcomes)), 1000, np.random.default_rng(0))
    found = {
        "logistic": held_out(folds, glass_box("logistic", 0)),
        "ebm": held_out(folds, glass_box("ebm", 0)),
        "scikit-learn, one-hot": held_out(folds, peer),
    }
    truth = outcomes.astype(float)
    print(f"\n{repeats} × 10-fold        AUROC                  gain over logistic")
    for name, scores in found.items():
        area = metrics.estimate(metrics.auroc, truth, scores, counts)
        gain = compare(truth, found["logistic"], scores, counts)
        print(
            f"{name:<22} {area.value:.3f} ({area.low:.3f}–{area.high:.3f})    "
            f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
