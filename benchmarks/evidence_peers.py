"""One peer of benchmarks/evidence.py, in an environment of its own.

    PEER/bin/python benchmarks/evidence_peers.py evidently|nannyml|cyclops FOLDER

FOLDER holds ``reference.csv`` and, per scenario, ``SCENARIO.csv``. Prints JSON: by scenario, the columns that
the peer calls drifted with its defaults, the AUROC that it estimates and finds, and its CPU-seconds.
"""

import json
import logging
import os
import sys
import warnings
from pathlib import Path
from time import process_time

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["DO_NOT_TRACK"] = "1"
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

import pandas as pd  # noqa: E402

NUMBERS = ["time_in_hospital", "num_lab_procedures", "num_procedures", "num_medications", "number_outpatient",
           "number_emergency", "number_inpatient", "number_diagnoses"]  # fmt: skip
LEVELS = ["age", "gender", "race", "insulin", "change", "diabetesMed", "A1Cresult", "max_glu_serum"]


def evidently(reference, current):
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.metrics import RocAuc
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(
        numerical_columns=NUMBERS,
        categorical_columns=LEVELS,
        classification=[
            BinaryClassification(
                target="outcome", prediction_labels="acted", prediction_probas="probability", pos_label=1
            )
        ],
    )
    sets = [
        Dataset.from_pandas(each.astype(dict.fromkeys(LEVELS, "object")), data_definition=definition)
        for each in (current, reference)
    ]
    found = Report([DataDriftPreset(columns=NUMBERS + LEVELS), RocAuc()]).run(*sets).dict()["metrics"]
    drifted, auroc = [], None
    for each in found:
        name, value = each["metric_name"], each["value"]
        config = each["config"]
        if name.startswith("ValueDrift"):
            above = any(word in config.get("method", "") for word in ("distance", "divergence", "PSI", "psi"))
            if value >= config["threshold"] if above else value < config["threshold"]:
                drifted.append(config["column"])
        elif name.startswith("RocAuc"):
            auroc = float(value)
    return {"drifted": drifted, "realised": auroc}


def nannyml(reference, current):
    import nannyml

    names = {"y_true": "outcome", "y_pred": "acted", "y_pred_proba": "probability"}
    kind, size = "classification_binary", len(current)
    drift = nannyml.UnivariateDriftCalculator(
        column_names=NUMBERS + LEVELS,
        treat_as_categorical=LEVELS,
        continuous_methods=["jensen_shannon"],
        categorical_methods=["jensen_shannon"],
        chunk_size=size,
    )
    frame = drift.fit(reference).calculate(current).filter(period="analysis").to_df()
    drifted = [name for name in NUMBERS + LEVELS if bool(frame[name]["jensen_shannon"]["alert"].iloc[-1])]
    together = nannyml.DataReconstructionDriftCalculator(column_names=NUMBERS + LEVELS, chunk_size=size)
    frame = together.fit(reference).calculate(current).filter(period="analysis").to_df()
    if bool(frame["reconstruction_error"]["alert"].iloc[-1]):
        drifted.append("(together)")
    guess = nannyml.CBPE(metrics=["roc_auc"], problem_type=kind, chunk_size=size, **names).fit(reference)
    frame = guess.estimate(current).filter(period="analysis").to_df()
    real = nannyml.PerformanceCalculator(metrics=["roc_auc"], problem_type=kind, chunk_size=size, **names)
    known = real.fit(reference).calculate(current).filter(period="analysis").to_df()
    return {
        "drifted": drifted,
        "estimated": float(frame["roc_auc"]["value"].iloc[-1]),
        "realised": float(known["roc_auc"]["value"].iloc[-1]),
    }


def cyclops(reference, current):
    from cyclops.evaluate.metrics import create_metric

    metric = create_metric("binary_auroc")
    auroc = float(metric(current["outcome"].to_numpy(), current["probability"].to_numpy()))
    try:
        from cyclops.monitor.tester import TSTester
    except Exception as error:  # its detectors need PyTorch and alibi-detect
        return {"drifted": f"does not start: {type(error).__name__}", "realised": auroc}
    sets = []
    for each in (reference, current):
        frame = pd.concat(
            [each[NUMBERS], pd.get_dummies(each[LEVELS].astype(str)).reindex(columns=_dummies(reference))],
            axis=1,
        )
        sets.append(frame.fillna(0).to_numpy(dtype="float32"))
    tester = TSTester("ks")
    try:
        tester.fit(sets[0])
        p, _ = tester.test_shift(sets[1])
    except Exception as error:
        return {"drifted": f"fails: {type(error).__name__}", "realised": auroc}
    # It tells the smallest p-value of all columns, without saying whose; its limit is shared out over them.
    return {"drifted": ["(together)"] if p < tester.p_val_threshold else [], "realised": auroc}


def _dummies(reference):
    return list(pd.get_dummies(reference[LEVELS].astype(str), prefix_sep="=").columns)


def main(name, folder):
    read = {"keep_default_na": False, "na_values": [""]}
    reference = pd.read_csv(folder / "reference.csv", **read)
    answers = {}
    for path in sorted(folder.glob("*.csv")):
        if path.stem != "reference":
            current = pd.read_csv(path, **read)
            start = process_time()
            answers[path.stem] = {
                **{"evidently": evidently, "nannyml": nannyml, "cyclops": cyclops}[name](reference, current),
                "seconds": round(process_time() - start, 2),
            }
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
