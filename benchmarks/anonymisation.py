"""How long an optimal anonymisation takes, beside ARX; the measures, beside pycanon; a large table.

    VESALIUS_DATA=DATA .venv/bin/python benchmarks/anonymisation.py
    VESALIUS_DATA=DATA .venv/bin/python benchmarks/anonymisation.py --large

The Adult census extract with the hierarchies and the 24 optima of ARX that come with it (DATA/adult-arx).
ARX's milliseconds are recorded there: the best of five runs in a warm virtual machine; ours are the whole
call, from the table to the published table, once. pycanon's seconds are those that
``benchmarks/anonymisation_peers.py`` printed with pycanon 1.3.6 on two shared cores; run it again beside this
one to compare on one machine.
"""

import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from arx_adult import optima
from vesalius.privacy import achieved, anonymise, plan, read_table, risks_of

PYCANON = {"k": 0.22, "alpha": 6.08, "l": 2.15, "entropy l": 6.07, "recursive c": 2.13, "basic beta": 36.86,
           "enhanced beta": 37.02, "t": 34.88, "delta": 35.09}  # fmt: skip
"""CPU seconds of pycanon for each measure of the Adult table: 8 columns, occupation sensitive."""


def beside_arx(folder: Path) -> None:
    table = read_table(folder / "adult.csv.gz")
    print(
        f"{'model, suppression limit, what is lost least':<46} {'ours s':>7} {'ARX s':>7} {'looked at':>10}"
    )
    ours = theirs = 0.0
    for optimum in optima(folder):
        start = time.perf_counter()
        made = anonymise(table, optimum.plan)
        seconds, arx = time.perf_counter() - start, int(optimum.row["best_of_5_wall_ms"]) / 1000
        same = made.levels == optimum.levels and made.suppressed == int(optimum.row["suppressed_records"])
        ours, theirs = ours + seconds, theirs + arx
        verdict = "same optimum" if same else "ANOTHER ANSWER"
        print(f"{optimum.name:<46} {seconds:7.2f} {arx:7.2f} {made.searched:>10,} {verdict}")
    print(f"{'all':<46} {ours:7.2f} {theirs:7.2f}")


def beside_pycanon(folder: Path) -> None:
    table = read_table(folder / "adult.csv.gz")
    quasi = [name for name in table.column_names if name != "occupation"]
    best = 1e9
    for _ in range(5):
        start = time.process_time()
        achieved(table, quasi, "occupation")
        best = min(best, time.process_time() - start)
    theirs = sum(PYCANON.values())
    print(f"\nnine measures: {best:.4f} s CPU; pycanon 1.3.6 {theirs:.0f} s, {theirs / best:,.0f} times")
    slow = {name: seconds for name, seconds in PYCANON.items() if seconds >= 1}
    least = min(slow, key=lambda name: slow[name])
    print(f"all nine against pycanon's {least} alone ({slow[least]} s): {slow[least] / best:,.0f} times")


def large() -> None:
    """A made-up register: a million stays, eight quasi-identifying columns, 27,000 nodes."""
    deal, rows = np.random.default_rng(1), 1_000_000
    towns = deal.choice(np.arange(1000, 10000, 8), 1100, replace=False)
    crowd = deal.pareto(1.2, 1100) + 0.2
    chapters = [f"{letter}{number:02}" for letter in "ABCDEFGHIJKLMN" for number in range(30)]
    wards = [f"{letter}{number}" for letter in "ABCDE" for number in range(1, 6)]
    nations = ["be", "fr", "nl", "de", "ma", "tr", "it", "pl"]
    columns = {
        "age": np.clip(deal.normal(55, 22, rows), 0, 99).astype(int).astype(str),
        "sex": deal.choice(["m", "f"], rows),
        "town": deal.choice(towns, rows, p=crowd / crowd.sum()).astype(str),
        "admitted": np.datetime_as_string(np.datetime64("2024-01-01") + deal.integers(0, 700, rows)),
        "ward": deal.choice(wards, rows),
        "days": deal.geometric(0.2, rows).clip(0, 60).astype(str),
        "nation": deal.choice(nations, rows, p=[0.8, 0.05, 0.04, 0.03, 0.03, 0.02, 0.02, 0.01]),
        "illness": deal.choice(chapters, rows),
    }
    hierarchies = {
        "age": plan.Intervals(widths=[5, 10, 20], low=0, high=100),
        "sex": plan.All(),
        "town": plan.Prefixes(lengths=[3, 2, 1]),
        "admitted": plan.Dates(),
        "ward": plan.Prefixes(lengths=[1]),
        "days": plan.Intervals(widths=[2, 4, 8, 16], high=60),
        "nation": plan.All(),
        "illness": plan.Prefixes(lengths=[1]),
    }
    asked = plan.Plan(
        columns={
            name: plan.Column(role="quasi-identifying", hierarchy=hierarchy)
            for name, hierarchy in hierarchies.items()
        },
        models=[plan.KAnonymity(k=5)],
        suppression=0.05,
    )
    table = pa.table(columns)
    start, cpu = time.perf_counter(), time.process_time()
    made = anonymise(table, asked)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\n{rows:,} rows, 8 columns, k=5, 5 %: {wall:.1f} s ({cpu:.1f} s CPU), {memory:.2f} GB at most")
    print(f"{made.searched:,} of {made.result.nodes:,} nodes looked at, optimal: {made.optimal}")
    start = time.perf_counter()
    risks_of(table, table.column_names)
    print(f"the risks of the table: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    data = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data")) / "adult-arx"
    if not data.is_dir():
        sys.exit(f"no folder {data}: set VESALIUS_DATA")
    beside_arx(data)
    beside_pycanon(data)
    if "--large" in sys.argv:
        large()
