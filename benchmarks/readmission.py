"""Readmission within 30 days: trees beside a glass box and the published scores, quickly.

Data: ``readmission-diabetes130`` (Strack 2014, 101,766 stays, CC BY 4.0), read from the CSV by
``tests/strack.py``, which a test holds equal to what the lake gives. Five folds by patient. The trees have
the size and the number that the shipped model's own inner cross-validation chose, so that five trainings are
enough; those two numbers were chosen on the same patients. ``vesalius validate readmission`` chooses them
anew in every fold, and takes longer.

    .venv/bin/python benchmarks/readmission.py [ROWS]
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import strack  # noqa: E402
from vesalius.evaluation import metrics  # noqa: E402
from vesalius.modelling import deal, load, train  # noqa: E402
from vesalius.modelling._columns import read  # noqa: E402
from vesalius.modelling._lightgbm import Grown  # noqa: E402
from vesalius.modelling.training import LEVEL, conformal  # noqa: E402
from vesalius.usecases.readmission import Readmission  # noqa: E402
from vesalius.usecases.readmission.readmission import MODEL  # noqa: E402

FOLDS, DRAWS, SEED = 5, 200, 1514


def grown(table, outcomes, items, folds, chosen):
    """Held-out log odds of trees of the chosen size."""
    columns = [read(table, item.name, item.kind) for item in items]
    learner = Grown(items, columns, outcomes.astype(float), SEED)
    logits = np.empty(len(outcomes))
    for fold in range(FOLDS):
        rows, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        booster = learner.library.train(
            learner._parameters(int(chosen["leaves"])), learner._dataset(rows), int(chosen["rounds"])
        )
        logits[held] = booster.predict(learner.matrix[held], raw_score=True)
    return logits


def ruled(table, outcomes, items, folds, groups):
    """Held-out log odds of the glass box: a logistic regression of points."""
    logits = np.empty(len(outcomes))
    for fold in range(FOLDS):
        rows, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        known = [groups[row] for row in rows]
        model = train(table.take(rows), outcomes[rows], items, SEED, "logistic", groups=known, replicates=0)
        logits[held] = model.score(table.take(held)).logits
    return logits


def said(name, truth, scores, counts):
    """One line: AUROC with its interval."""
    found = metrics.estimate(metrics.auroc, truth, scores[None, :], counts)
    print(f"{name:<34} AUROC {found.value:.4f} ({found.low:.4f} to {found.high:.4f})")


def gain(name, truth, first, second, counts):
    """One line: how much more the second tells than the first, on the same draws."""
    whole = np.ones(len(truth))
    drawn = [metrics.auroc(truth, second, row) - metrics.auroc(truth, first, row) for row in counts]
    point = metrics.auroc(truth, second, whole) - metrics.auroc(truth, first, whole)
    low, high = np.quantile(drawn, [0.025, 0.975])
    print(f"{name:<34} {point:+.4f} ({low:+.4f} to {high:+.4f})")


def coverage(logits, outcomes, folds):
    """The share of held-out stays whose outcome is in the 90 % set, whose bounds come from the other
    folds."""
    hit = np.empty(len(outcomes), dtype=bool)
    for fold in range(FOLDS):
        held = folds == fold
        allowed = conformal(logits[~held], outcomes[~held], LEVEL).allowed(logits[held])
        hit[held] = np.where(outcomes[held], allowed[:, 1], allowed[:, 0])
    return hit


def report(stays, chosen):
    """Everything about one cohort."""
    table, outcomes = stays.evidence.table, stays.outcomes
    groups = stays.evidence.patients
    use = Readmission()
    items = use._inputs(stays.evidence)
    folds = deal(outcomes, groups, FOLDS, np.random.Generator(np.random.PCG64(SEED)))
    counts = metrics.resamples(groups, DRAWS, np.random.Generator(np.random.PCG64(SEED + 1)))
    truth = outcomes.astype(float)
    print(f"{len(truth)} stays, {len(set(groups))} patients, {outcomes.mean():.4f} readmitted")
    begun = time.process_time()
    trees = grown(table, outcomes, items, folds, chosen)
    print(f"trees {dict(chosen)}: {time.process_time() - begun:.0f} CPU-s")
    begun = time.process_time()
    glass = ruled(table, outcomes, items, folds, groups)
    print(f"glass box: {time.process_time() - begun:.0f} CPU-s")
    said("trees", truth, trees, counts)
    said("glass box (logistic)", truth, glass, counts)
    gain("  gain of the trees", truth, glass, trees, counts)
    for name, scores in use.baselines(stays.evidence).items():
        said(name, truth, scores, counts)
        gain("  gain of the trees", truth, scores, trees, counts)
    probability, whole = 1 / (1 + np.exp(-trees)), np.ones(len(truth))
    for name, metric in (
        ("slope", metrics.calibration_slope),
        ("intercept", metrics.calibration_intercept),
        ("ICI", metrics.ici),
        ("Brier", metrics.brier),
    ):
        print(f"{name:<34} {metric(truth, probability, whole):.4f}")
    print(f"{'Brier of the prevalence':<34} {truth.mean() * (1 - truth.mean()):.4f}")
    for name, threshold in use.settings.items():
        flagged = probability >= threshold
        told = f"{outcomes[flagged].mean():.3f} of them and {outcomes[flagged].sum() / outcomes.sum():.3f}"
        print(f"{name} {threshold:g}: {flagged.mean():.3f} of stays, {told} of readmissions")
    hit = coverage(trees, outcomes, folds)
    print(f"coverage of the 90 % sets {hit.mean():.4f}")
    groups_of(stays, truth, trees, probability, hit)


def groups_of(stays, truth, trees, probability, hit):
    """By sex, age, destination and race: race is no input, it is looked at here and nowhere else."""
    named = {"race": [word if word != "?" else "not recorded" for word in stays.race]}
    named |= {name: stays.evidence.table[name].to_pylist() for name in ("sex", "age", "destination")}
    for name, column in named.items():
        values = np.array([str(value) for value in column])
        for value in sorted(set(values)):
            mine = values == value
            if truth[mine].sum() >= 20:
                area = metrics.auroc(truth[mine], trees[mine], np.ones(int(mine.sum())))
                rates = f"observed {truth[mine].mean():.3f} predicted {probability[mine].mean():.3f}"
                told = f"n {mine.sum():>6} AUROC {area:.3f} {rates} coverage {hit[mine].mean():.3f}"
                print(f"{name + ' ' + value:<34} {told}")


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else None
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data"))
    if not (data / strack.FILE).is_file():
        sys.exit(f"no data at {data / strack.FILE} (set VESALIUS_DATA)")
    chosen = load(MODEL.read_bytes()).facts.chosen
    print("-- in scope: adults who go home or elsewhere, not to another acute hospital")
    report(strack.stays(data, rows), chosen)
    print("-- all who left alive and not to a hospice, as in the published comparisons")
    report(strack.stays(data, rows, scoped=False), chosen)


if __name__ == "__main__":
    main()
