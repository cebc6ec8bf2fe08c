"""The Adult table, its hierarchies, and the optima that ARX found (see the data's README)."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from vesalius.privacy import plan as plans

CRITERIA = {
    "Loss(0.5)": "loss",
    "DM": "discernibility",
    "AECS": "average-class-size",
    "NUEntropy": "entropy",
}


@dataclass(frozen=True)
class Optimum:
    """A row of ARX's results, and the plan that asks for it."""

    name: str
    plan: plans.Plan
    row: dict[str, str]

    @property
    def levels(self) -> dict[str, int]:
        return {
            name: int(level)
            for name, _, level in (part.partition("=") for part in self.row["generalisation_levels"].split())
        }


def models(name: str, column: str) -> list[plans.Model]:
    found: list[plans.Model] = [plans.KAnonymity(k=int(re.match(r"k=(\d+)", name)[1]))]
    if "distinct" in name:
        found.append(plans.DistinctDiversity(column=column, l=3))
    elif "entropy" in name:
        found.append(plans.EntropyDiversity(column=column, l=5))
    elif "recursive" in name:
        found.append(plans.RecursiveDiversity(column=column, c=4, l=3))
    elif "t=0.2" in name:
        found.append(plans.Closeness(column=column, t=0.2))
    elif "delta" in name:
        found.append(plans.Disclosure(column=column, delta=1))
    return found


def optima(folder: Path) -> list[Optimum]:
    """The 24 rows."""
    with (folder / "arx_optimal_results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [
        "sex",
        "age",
        "race",
        "marital-status",
        "education",
        "native-country",
        "workclass",
        "occupation",
        "salary-class",
    ]
    found = []
    for row in rows:
        secret = row["sensitive_attribute"]
        columns = {
            name: plans.Column(
                role="sensitive" if name == secret else "quasi-identifying",
                hierarchy=plans.FromFile(path=str(folder / "hierarchies" / f"adult_hierarchy_{name}.csv")),
            )
            for name in names
        }
        plan = plans.Plan(
            columns=columns,
            models=models(row["privacy_model"], secret),
            suppression=float(row["suppression_limit"]),
            criterion=CRITERIA[row["quality_metric"]],
        )
        name = f"{row['privacy_model']}, {row['suppression_limit']}, {row['quality_metric']}"
        found.append(Optimum(name, plan, row))
    return found
