"""How long monitoring takes: ten uses of a million suggestions each, and what others take.

    .venv/bin/python benchmarks/monitoring.py [USES] [ROWS]
    VESALIUS_PEERS=PEERS/bin/python .venv/bin/python benchmarks/monitoring.py

Each use has 20 inputs (15 numbers, 5 categories; 5 % missing), a probability, an outcome and two groups, over
28 days. All is counted from raw columns (Arrow, in memory), then every monitor looks. Times are CPU seconds
of all threads, best of three for what is short. The limit is a plain numpy pass that reads each number once:
a comparison and a sum. The peers (benchmarks/peers.txt) run in an environment of their own on 100,000 rows:
NannyML's CBPE in one chunk and in chunks of 2,000, and Evidently's data drift.
"""

import os
import subprocess
import sys
from time import process_time

import numpy as np

COUNT = 100_000


def case(count, seed, shift=0.0):
    rng = np.random.Generator(np.random.PCG64(seed))
    probability = 1 / (1 + np.exp(-rng.normal(-1.2 + shift, 1.1, count)))
    return probability, rng.random(count) < probability


def columns(count, seed):
    rng = np.random.default_rng(seed)
    found = {}
    for place in range(20):
        gone = rng.random(count) < 0.05
        if place % 4 == 3:
            found[f"x{place}"] = (np.array(["a", "b", "c", "d"])[rng.integers(0, 4, count)], gone)
        else:
            found[f"x{place}"] = (rng.lognormal(0, 0.5, count), gone)
    return found


def best(action, times=3):
    spent = []
    for _ in range(times):
        start = process_time()
        action()
        spent.append(process_time() - start)
    return min(spent)


def ours(uses, rows):
    import pyarrow as pa

    from vesalius.card import Input
    from vesalius.evaluation.monitoring import Reference, Seen, Tally, cbpe, cusum, look

    raw = columns(rows, 1)
    table = pa.table({name: pa.array(values, mask=gone) for name, (values, gone) in raw.items()})
    inputs = [
        Input(name, "category", ("a", "b", "c", "d")) if int(name[1:]) % 4 == 3 else Input(name, "number")
        for name in raw
    ]
    share, outcomes = case(rows, 2)
    sex = pa.array(np.array(["female", "male"])[np.arange(rows) % 2])
    days = np.repeat(np.arange(28), -(-rows // 28))[:rows].astype(str)
    days = pa.array([f"{int(day):02}" for day in range(28)]).take(days.astype(np.int64))
    small = table.slice(0, min(20_000, rows))
    reference = Reference.of(inputs, small, share[: len(small)], outcomes[: len(small)])

    def count():
        return Tally.by_day(reference, days, table, share, share > 0.3, outcomes, {"sex": sex})

    def once():
        found = {int(day): tally for day, tally in count().items()}
        return look(Seen(reference, found, found, 27))

    once()
    start = process_time()
    for _ in range(uses):
        once()
    spent = process_time() - start
    numbers = [values for values, _ in raw.values() if values.dtype.kind == "f"]
    limit = best(lambda: [(np.count_nonzero(values >= 1.0), values.sum()) for values in numbers])
    chart = cusum(reference.scored, 2.0, rows, 0.1)
    print(f"{uses} uses × {rows:,} suggestions × 20 inputs, counted by day and looked at  {spent:.2f} CPU s")
    once = best(lambda: Tally.of(reference, table, share, outcomes=outcomes))
    print(f"  one use, counted at once  {once:.2f}")
    print(f"  one use, counted by day   {best(count, 1):.2f}")
    print(f"  limit: numpy reads the 15 numbers once  {limit:.3f}")
    spent = best(lambda: chart.update(chart.start(), share, outcomes))
    print(f"  a CUSUM over {rows:,} cases  {spent:.2f}")
    few, _ = case(COUNT, 13)
    acted = few >= 0.25
    whole = best(lambda: cbpe(few, acted), 5)
    parts = [slice(start, start + 2000) for start in range(0, COUNT, 2000)]
    chunked = best(lambda: [cbpe(few[part], acted[part]) for part in parts])
    print(f"CBPE of {COUNT:,} in one piece {whole:.4f}, in pieces of 2,000 {chunked:.4f}")
    some = table.slice(0, COUNT)
    print(f"drift of {COUNT:,} × 20  {best(lambda: drifted(reference, some, share)):.3f}")


def drifted(reference, table, share):
    from vesalius.evaluation.monitoring import Tally, drift

    return drift(reference, Tally.of(reference, table, share[: len(table)]))


def nannyml():
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    import warnings

    warnings.filterwarnings("ignore")
    import nannyml as peer
    import pandas as pd

    names = {
        "roc_auc": "auroc",
        "accuracy": "accuracy",
        "specificity": "specificity",
        "recall": "sensitivity",
        "precision": "ppv",
        "f1": "f1",
    }

    def frame(share, outcomes=None):
        found = pd.DataFrame({"p": share, "pred": (share >= 0.25).astype(int)})
        return found if outcomes is None else found.assign(y=outcomes.astype(int))

    def fitted(size):
        columns = {"y_pred_proba": "p", "y_pred": "pred", "y_true": "y"}
        made = peer.CBPE(
            metrics=list(names), problem_type="classification_binary", chunk_size=size, **columns
        )
        return made.fit(frame(*case(2000, 11)))

    made = fitted(2000)
    told = made.estimate(frame(case(2000, 12, -0.4)[0])).filter(period="analysis").to_df()
    print(f"NannyML {peer.__version__}, it calibrates: {made.needs_calibration}")
    print({ours: float(told[(theirs, "value")].iloc[0]) for theirs, ours in names.items()})
    many = frame(case(COUNT, 13)[0])
    one = fitted(COUNT)
    whole, parts = best(lambda: one.estimate(many)), best(lambda: made.estimate(many), 1)
    print(f"NannyML CBPE of {COUNT:,} in one piece {whole:.3f}, in pieces of 2,000 {parts:.2f}")


def evidently():
    import warnings

    warnings.filterwarnings("ignore")
    import evidently as peer
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    def frame(count, seed):
        parts = columns(count, seed)
        return pd.DataFrame({name: pd.Series(values).mask(gone) for name, (values, gone) in parts.items()})

    before, now = frame(20_000, 1), frame(COUNT, 2)
    spent = best(lambda: Report([DataDriftPreset(method="psi")]).run(now, before), 1)
    print(f"Evidently {peer.__version__} drift of {COUNT:,} × 20, by PSI  {spent:.2f}")


def peers(python):
    for name in ("nannyml", "evidently"):
        environment = os.environ | {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}
        done = subprocess.run(
            [python, __file__, name], env=environment, capture_output=True, text=True, check=False
        )
        print(
            done.stdout.strip() if not done.returncode else f"{name}: {done.stderr.strip().splitlines()[-1]}"
        )


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    if asked in ("nannyml", "evidently"):
        {"nannyml": nannyml, "evidently": evidently}[asked]()
    else:
        ours(int(asked or 10), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
        if python := os.environ.get("VESALIUS_PEERS"):
            peers(python)
