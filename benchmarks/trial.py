"""Simulated silent trials: how often each ends with a false success and with a true one, and how soon.

Each endpoint in a world where its figure is just the value to exceed (a success is false there) and in one
where it is as good as expected. Looks come when the planned information is there, as in a hospital; the
bounds follow from the shares they really came at. Beside them, the e-process that may be looked at after each
patient.

    .venv/bin/python benchmarks/trial.py [TRIALS]
"""

import math
import sys
import time
from functools import cache
from statistics import NormalDist

import numpy as np

from vesalius.evaluation.endpoints import Aim, Sample, counted, measure, needed, planned_power
from vesalius.evaluation.sequential import at_looks, design, evidence_above

ALPHA, POWER, LOOKS, SEED = 0.025, 0.9, (1 / 3, 2 / 3, 1.0), 1514

AIMS = (
    Aim(endpoint="auroc", value=0.75, expected=0.82, prevalence=0.25),
    Aim(endpoint="auroc", value=0.9, expected=0.94, prevalence=0.15),
    Aim(endpoint="sensitivity", value=0.8, expected=0.9, prevalence=0.3),
    Aim(endpoint="ppv", value=0.3, expected=0.4, prevalence=0.2, flagged=0.3),
    Aim(endpoint="sensitivity_gain", value=0.0, expected=0.12, prevalence=0.3, disagreement=0.3),
    Aim(endpoint="sensitivity_gain", value=-0.1, expected=0.0, prevalence=0.3, disagreement=0.3),
    Aim(
        endpoint="net_benefit_gain", value=0.0, expected=0.04, prevalence=0.3, disagreement=0.3, threshold=0.3
    ),
    Aim(endpoint="calibration", value=0.8, upper=1.25, expected=1.0, prevalence=0.2),
)  # fmt: skip


def patients(rng, aim, count, truth):
    """``count`` patients of a world in which the endpoint's figure is ``truth``."""
    outcome, chance, none = (
        (rng.random(count) < aim.prevalence) * 1.0,
        rng.random(count),
        np.full(count, np.nan),
    )
    if aim.endpoint == "sensitivity":
        return Sample(outcome, (chance < np.where(outcome > 0, truth, 0.3)) * 1.0, none, none)
    if aim.endpoint == "ppv":
        acted = (rng.random(count) < aim.flagged) * 1.0
        return Sample((chance < np.where(acted > 0, truth, 0.05)) * 1.0, acted, none, none)
    if aim.endpoint == "auroc":
        score = rng.normal(size=count) + math.sqrt(2) * NormalDist().inv_cdf(truth) * outcome
        return Sample(outcome, (score > 0) * 1.0, score, none)
    if aim.endpoint == "sensitivity_gain":
        alone, agree = (aim.disagreement + truth) / 2, (rng.random(count) < 0.6) * 1.0
        tool = np.where(chance < alone, 1.0, np.where(chance < aim.disagreement, 0.0, agree))
        people = np.where(chance < alone, 0.0, np.where(chance < aim.disagreement, 1.0, agree))
        return Sample(outcome, tool, none, people)
    if aim.endpoint == "net_benefit_gain":
        odds = aim.threshold / (1 - aim.threshold)
        most = aim.disagreement * (aim.prevalence + (1 - aim.prevalence) * odds)
        apart, right = chance < aim.disagreement, rng.random(count) < (truth / most + 1) / 2
        agree = (rng.random(count) < 0.5) * 1.0
        tool = np.where(apart, np.where(right, outcome, 1 - outcome), agree)
        return Sample(outcome, tool, none, np.where(apart, 1 - tool, agree))
    probability = rng.beta(2, 2 / aim.prevalence - 2, count)
    outcome = (chance < np.clip(probability * truth, 0, 1)) * 1.0
    return Sample(outcome, (probability > 0.2) * 1.0, probability, none)


class Trials:
    """Many trials of one aim, each with the looks that its patients bring about."""

    def __init__(self, aim):
        self.aim = aim
        self.plan = design(LOOKS, alpha=ALPHA, power=planned_power(aim.endpoint, POWER))
        self.size = needed(aim, ALPHA, self.plan.power, self.plan.inflation)
        self.bounds = cache(lambda shares, last: at_looks(self.plan, shares, last=last))

    def run(self, rng, truth):
        """One trial: whether it ends with success, and after how many patients."""
        whole, shares = patients(rng, self.aim, 2 * self.size.patients + 50, truth), ()
        events, flagged = np.cumsum(whole.outcome), np.cumsum(whole.acted)
        for planned in LOOKS:
            count = self._enough(events, flagged, planned)
            found = measure(self.aim, whole.take(slice(0, count)))
            shares = (
                *shares,
                max(round(found.information / self.size.information, 3), sum(shares[-1:]) + 0.001),
            )
            bounds = self.bounds(shares, planned == 1.0)
            if found.z >= bounds.upper[-1]:
                return True, count
            if found.z <= bounds.lower[-1]:
                return False, count
        return False, count

    def _enough(self, events, flagged, planned):
        low, high = 2, len(events)
        while high - low > 1:
            middle = (low + high) // 2
            held = counted(self.aim, events[middle - 1], middle, flagged[middle - 1])
            low, high = (low, middle) if held >= planned * self.size.information else (middle, high)
        return high


def always(aim, most, trials, truth):
    """The e-process on the same question: how often it succeeds within the maximum, and when."""
    rng, ends = np.random.default_rng(SEED), []
    hits = np.cumsum(rng.random((trials, most)) < truth, axis=1)
    least = [
        next((each for each in range(of + 1) if evidence_above(each, of, aim.value) >= 1 / ALPHA), of + 1)
        for of in range(1, most + 1)
    ]
    for row in hits:
        over = np.flatnonzero(row >= least)
        ends.append(over[0] + 1 if len(over) else math.nan)
    return np.array(ends)


def main(trials):
    print(f"{trials} trials each, {len(LOOKS)} looks, alpha {ALPHA}, power {POWER}, seed {SEED}")
    print("| endpoint | at most patients | false success | true success | mean patients, then |")
    print("| --- | --: | --: | --: | --: |")
    begun = time.process_time()
    for aim in AIMS:
        many = Trials(aim)
        worlds = {}
        for truth in dict.fromkeys(
            (aim.value, aim.upper, aim.expected) if aim.upper else (aim.value, aim.expected)
        ):
            rng = np.random.default_rng(SEED)
            worlds[truth] = np.array([many.run(rng, truth) for _ in range(trials)], dtype=float)
        false = max(worlds[truth][:, 0].mean() for truth in worlds if truth != aim.expected)
        good = worlds[aim.expected]
        shown = (
            f"{aim.value:g} to {aim.upper:g}"
            if aim.upper
            else f"above {aim.value:g}, expected {aim.expected:g}"
        )
        print(
            f"| `{aim.endpoint}` {shown} | {many.size.patients} | {false:.2%} | {good[:, 0].mean():.1%} "
            f"| {good[:, 1].mean():.0f} |"
        )
    aim = next(each for each in AIMS if each.endpoint == "sensitivity")
    many = Trials(aim)
    most = int(many.size.information)
    rng = np.random.default_rng(SEED)
    looks = np.array([many.run(rng, aim.expected) for _ in range(trials)], dtype=float)
    won = looks[looks[:, 0] > 0, 1].mean() * aim.prevalence
    for name, limit in (("the same maximum", most), ("three times that", 3 * most)):
        ends = always(aim, limit, trials, aim.expected)
        false = np.isfinite(always(aim, limit, trials, aim.value)).mean()
        print(
            f"e-process, {name} ({limit} with the outcome): success {np.isfinite(ends).mean():.1%} "
            f"after a mean of {np.nanmean(ends):.0f}; false success {false:.2%}; the looks: after {won:.0f}"
        )
    print(f"{time.process_time() - begun:.0f} CPU seconds")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
