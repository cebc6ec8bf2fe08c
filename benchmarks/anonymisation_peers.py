"""The figures that tests/privacy/test_measures.py holds ours to, and how long pycanon takes for them.

python -m venv PEERS && PEERS/bin/pip install pycanon==1.3.6
PEERS/bin/python benchmarks/anonymisation_peers.py [ADULT.csv.gz]
"""

import json
import sys
import time

import pandas as pd
from pycanon import anonymity, metrics


def small():
    """A table that a formula makes, so that a test can make it again."""
    number = range(600)
    return pd.DataFrame(
        {
            "age": [f"{n * 37 % 7}0s" for n in number],
            "sex": ["fm"[n * n % 11 % 2] for n in number],
            "zone": [f"z{n * 53 % 5 % 3}" for n in number],
            "illness": [f"i{(n * 29 + n * n) % 17 % 6}" for n in number],
            "score": [(n * 31 + n * n * 7) % 23 % 9 for n in number],
        }
    )


def measured(table, quasi, secret):
    asked = {
        "k": lambda: anonymity.k_anonymity(table, quasi),
        "alpha": lambda: anonymity.alpha_k_anonymity(table, quasi, [secret])[0],
        "l": lambda: anonymity.l_diversity(table, quasi, [secret]),
        "entropy l": lambda: anonymity.entropy_l_diversity(table, quasi, [secret]),
        "recursive c, l": lambda: anonymity.recursive_c_l_diversity(table, quasi, [secret]),
        "basic beta": lambda: anonymity.basic_beta_likeness(table, quasi, [secret]),
        "enhanced beta": lambda: anonymity.enhanced_beta_likeness(table, quasi, [secret]),
        "t": lambda: anonymity.t_closeness(table, quasi, [secret]),
        "delta": lambda: anonymity.delta_disclosure(table, quasi, [secret]),
        "mean risk of a class": lambda: metrics.average_rir(table, quasi),
        "discernibility": lambda: metrics.discernability_metric(table, table, quasi),
        "average class size by k": lambda: metrics.average_ecsize(table, table, quasi),
    }
    for name, ask in asked.items():
        start = time.process_time()
        figure = ask()
        seconds = time.process_time() - start
        figure = [float(each) for each in figure] if isinstance(figure, tuple) else float(figure)
        print(json.dumps({"measure": name, "figure": figure, "seconds": round(seconds, 4)}), flush=True)


for secret in ("illness", "score"):
    print("small table,", secret)
    measured(small(), ["age", "sex", "zone"], secret)
for path in sys.argv[1:]:
    table = pd.read_csv(path, sep=";")
    print("Adult, 8 quasi-identifying columns, occupation sensitive")
    measured(table, [name for name in table.columns if name != "occupation"], "occupation")
