"""How long models take to train and to score, and what the challengers gain over the default.

    .venv/bin/python benchmarks/modelling.py [REPEATS]
    .venv/bin/python benchmarks/modelling.py large [ROWS]

The first reads ``../shared/data/uti-primary-care`` (or ``$VESALIUS_DATA``), 472 patients, 128 with the
outcome. Times are CPU seconds (user and system, all threads), the best of several. The AUROCs come from
REPEATS (default 1) times ten-fold cross-validation, the same folds for all; the peer is scikit-learn's plain
logistic regression on one-hot columns, with missing as a level of its own. The interval of a gain is a paired
bootstrap of patients.

The second reads ``../shared/data/readmission-diabetes130``: training on ROWS (default 80,000) of its stays,
44 inputs, with inner calibration and without replicates; the AUROC on the patients who are not among them;
and scoring a million rows.
"""

import csv
import gzip
import os
import sys
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow as pa
import readmissions
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
            model = train(table.take(rows), outcomes[rows], inputs, 0, kind=kind, replicates=copies)
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
    trees = best(lambda: train(table, outcomes, inputs, kind="lightgbm"), 1)
    print(f"train lightgbm, 472 rows, 20 replicates  {trees:.3f}")
    print(f"score 1 row                              {best(lambda: model.score(table.slice(0, 1)), 20):.4f}")
    print(f"score 10,000 rows                        {best(lambda: model.score(many)):.3f}")
    folds = splits.repeated(outcomes, range(len(outcomes)), 10, repeats, 0)
    counts = resamples(range(len(outcomes)), 1000, np.random.default_rng(0))
    found = {
        "logistic": held_out(folds, glass_box("logistic", 0)),
        "ebm": held_out(folds, glass_box("ebm", 0)),
        "lightgbm": held_out(folds, glass_box("lightgbm", 0)),
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


def large(rows):
    table, outcomes, patients, inputs = readmissions.load()
    names, number = np.unique(patients, return_inverse=True)
    order = np.random.default_rng(0).permutation(len(names))[number]
    ranked = np.argsort(order, kind="stable")
    learned, rest = ranked[:rows], ranked[rows:]
    rest = rest[order[rest] != order[learned[-1]]]  # no patient on both sides
    many = pa.concat_tables([table] * 11).slice(0, 1_000_000)
    whole = np.ones(len(rest))
    print(f"{rows:,} rows, {len(inputs)} inputs       train, CPU s   score 1 M rows   explain   AUROC")
    for kind in ("logistic", "ebm", "lightgbm"):
        models = []
        known = [patients[row] for row in learned]

        def action(kind=kind, models=models, known=known):
            part = table.take(learned)
            models.append(train(part, outcomes[learned], inputs, 0, kind=kind, groups=known, replicates=0))

        spent = best(action, 1)
        model = models[0]
        scoring = best(lambda model=model: model.score(many).probabilities, 1)
        some = model.score(many.slice(0, 10_000))
        explaining = best(lambda some=some: some.gains, 1)
        area = metrics.auroc(outcomes[rest].astype(float), model.score(table.take(rest)).probabilities, whole)
        print(f"{kind:<28}{spent:>14.1f}{scoring:>17.1f}{explaining:>10.2f}   {area:.4f}")
    print("explain: 10,000 rows, once scored (of an additive model its contributions come with the score)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["large"]:
        large(int(sys.argv[2]) if len(sys.argv) > 2 else 80_000)
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
