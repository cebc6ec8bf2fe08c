"""Rows to monitor: drawn, with probabilities that are right by construction."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from vesalius.card import Input

INPUTS = (
    Input("age", "number", unit="a"),
    Input("creatinine", "number", unit="mg/dL"),
    Input("ward", "category", ("medicine", "surgery", "geriatrics")),
    Input("diabetes", "boolean"),
)


@dataclass(frozen=True)
class Rows:
    table: pa.Table
    probability: np.ndarray
    outcomes: np.ndarray
    sex: list[str]


def rows(count, seed=0, *, factor=1.0, missing=0.05, wards=(0.5, 0.3, 0.2), older=0.0, odds=1.0):
    rng = np.random.default_rng(seed)
    age = np.clip(rng.normal(68 + older, 14, count), 18, 100)
    creatinine = rng.lognormal(0.05 + 0.004 * (age - 68), 0.35, count)
    ward = rng.choice(["medicine", "surgery", "geriatrics"], count, p=wards)
    diabetes = rng.random(count) < 0.25
    logits = -1.6 + 0.03 * (age - 68) + 0.9 * np.log(creatinine) + 0.5 * diabetes
    probability = 1 / (1 + np.exp(-logits))
    truth = odds * probability / (1 - probability + odds * probability)
    table = pa.table(
        {
            "age": age,
            "creatinine": pa.array(creatinine * factor, mask=rng.random(count) < missing),
            "ward": ward.tolist(),
            "diabetes": diabetes,
        }
    )
    return Rows(table, probability, rng.random(count) < truth, rng.choice(["female", "male"], count).tolist())
