"""How long a validation takes, part by part, and how that compares with scikit-learn and a plain bootstrap.

    .venv/bin/python benchmarks/validation.py [--rows 100000] [--kind ebm] [--processes 2] [--draws 1000]
    .venv/bin/python benchmarks/validation.py --readmission
    .venv/bin/python benchmarks/validation.py --parts

The first makes rows: 30 % of the stays are repeats, twelve inputs, one outcome in nine. It validates them as
``vesalius validate`` does: detectors of leaks, five folds by patient with a challenger, a split by time, the
model on all rows, every figure with its bootstrap, subgroups, sample size, reference of monitoring, report.

The second receives ``../shared/data/readmission-diabetes130`` (or ``$VESALIUS_DATA``) into a lake in a folder
of its own, and validates the use case ``readmission`` from there: the CSV file, candidates, evidence and
outcomes are part of its time.

Seconds are of the clock; CPU seconds are of all processes. The peer: for each bootstrap sample of patients
scikit-learn's AUROC, average precision and Brier score, and statsmodels' or scikit-learn's logistic
regression for the calibration slope: four figures of one model, where we give eleven of every model, baseline
and subgroup, 99 thresholds and the decision curve. It is timed over 20 samples and multiplied.
"""

import argparse
import importlib
import inspect
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import pyarrow as pa

from vesalius.card import LANGUAGES, Card, Input, Option
from vesalius.evaluation import figures as figures_module
from vesalius.evaluation import gather, leakage, receive_folder, report, study, validate
from vesalius.modelling import train
from vesalius.usecase import Candidate, Evidence, Suggestion, Text, UseCase

DATA = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
LEVELS = ("a", "b", "c", "d", "e")
INPUTS = (
    Input("age", "number"),
    Input("sex", "category", ("female", "male")),
    *(Input(f"number{n}", "number") for n in range(6)),
    *(Input(f"level{n}", "category", LEVELS) for n in range(2)),
    *(Input(f"sign{n}", "boolean") for n in range(2)),
)
WORDS = {"title": "Stays", "purpose": "-", "population": "-", "not_for": "-", "action": "-", "target": "-"}
WORDS |= {f"input.{item.name}": item.name for item in INPUTS}
WORDS |= {f"level.{level}": level for item in INPUTS for level in item.levels}
KIND = "ebm"


class Stays(UseCase):
    """Made-up stays."""

    card = Card(
        name="stays",
        version="1",
        risk_class="none",
        reviewers=("doctor",),
        inputs=INPUTS,
        options=(Option("act"), Option("leave")),
        override_reasons=(),
        texts={language: WORDS | {"option.act": "Act", "option.leave": "Leave"} for language in LANGUAGES},
    )

    def candidates(self, *_):
        return []

    def evidence(self, *_):
        raise NotImplementedError

    def outcome(self, *_):
        return []

    def suggest(self, evidence):
        scores = self.model.score(evidence.table)
        return [
            Suggestion(
                usecase="stays",
                version="1",
                subject=item.subject,
                focus=item.focus,
                as_of=item.as_of,
                position=0,
                option="act" if chance >= 0.15 else "leave",
                indicator="info",
                summary=Text("title"),
            )
            for item, chance in zip(evidence.candidates, scores.probability, strict=True)
        ]

    def learn(self, evidence, outcomes, seed=0):
        groups = [item.subject for item in evidence.candidates]
        return train(evidence.table, outcomes, INPUTS, seed, KIND, groups=groups)

    def challenger(self, evidence, outcomes, seed=0):
        groups = [item.subject for item in evidence.candidates]
        return train(evidence.table, outcomes, INPUTS, seed, "lightgbm", groups=groups, replicates=0)

    def baselines(self, evidence):
        return {"number0": np.nan_to_num(np.array(evidence.table["number0"].to_pylist(), dtype=float))}


def made(rows: int, seed: int = 0) -> tuple[Evidence, np.ndarray]:
    """Rows with a signal in some inputs, a tenth of one input missing, and repeated patients."""
    rng = np.random.default_rng(seed)
    columns = {"age": rng.integers(18, 95, rows).astype(float)}
    columns |= {f"number{n}": np.round(rng.gamma(2, 2, rows), 1) for n in range(6)}
    signs = {f"sign{n}": rng.random(rows) < 0.3 for n in range(2)}
    levels = {f"level{n}": rng.integers(0, 5, rows) for n in range(2)}
    logits = -3.2 + 0.02 * (columns["age"] - 60) + 0.2 * columns["number0"] - 0.1 * columns["number1"]
    logits += (
        0.5 * signs["sign0"] + 0.2 * (levels["level0"] == 3) + 0.3 * signs["sign1"] * (columns["number2"] > 5)
    )
    outcomes = rng.random(rows) < 1 / (1 + np.exp(-logits))
    table = pa.table(
        {
            "age": columns["age"],
            "sex": pa.array(rng.choice(["female", "male"], rows).tolist()),
            **{
                name: pa.array(column, mask=rng.random(rows) < (0.1 if name == "number3" else 0))
                for name, column in columns.items()
                if name != "age"
            },
            **{name: pa.array([LEVELS[place] for place in column]) for name, column in levels.items()},
            **signs,
        }
    )
    start = datetime(2024, 1, 1, tzinfo=UTC)
    people = rng.integers(0, int(rows * 0.7), rows).tolist()
    candidates = tuple(
        Candidate(f"Patient/{name}", f"Encounter/{row}", start + timedelta(minutes=5 * row))
        for row, name in enumerate(people)
    )
    return Evidence(candidates, table, tuple({} for _ in range(rows)), 1), outcomes


class Clock:
    """Seconds by part."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        begin = perf_counter()
        yield
        self.parts[name] = self.parts.get(name, 0.0) + perf_counter() - begin
        print(f"{name}: {perf_counter() - begin:.1f} s", file=sys.stderr, flush=True)

    def wrap(self, module: object, name: str, part: str) -> None:
        """Times every call of a function of a module."""
        original = getattr(module, name)

        def timed(*args, **kwargs):
            with self.part(part):
                return original(*args, **kwargs)

        setattr(module, name, timed)


def instrumented() -> Clock:
    clock, module = Clock(), importlib.import_module("vesalius.evaluation.study")
    clock.wrap(leakage, "inspect", "detectors of leaks")
    clock.wrap(leakage, "known_later", "detectors of leaks")
    clock.wrap(module, "hold_out", "learning and predicting")
    clock.wrap(module, "foretold", "learning and predicting")
    clock.wrap(figures_module, "drawn", "bootstrap")
    clock.wrap(figures_module, "performances", "curves")
    clock.wrap(figures_module, "calibration", "curves")
    return clock


def peer(outcomes: np.ndarray, people: list[str], draws: int) -> float:
    """Seconds of the plain way for four figures of one model."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    rng = np.random.default_rng(0)
    logits = np.where(outcomes, 0.5, -0.5) + rng.normal(-2, 1, len(outcomes))
    chance = 1 / (1 + np.exp(-logits))
    place = {name: number for number, name in enumerate(dict.fromkeys(people))}
    rows = [[] for _ in place]
    for number, name in enumerate(people):
        rows[place[name]].append(number)
    begin, some = perf_counter(), 20
    for _ in range(some):
        drawn = np.concatenate([rows[each] for each in rng.integers(0, len(rows), len(rows))])
        truth, score = outcomes[drawn], chance[drawn]
        roc_auc_score(truth, score)
        average_precision_score(truth, score)
        brier_score_loss(truth, score)
        LogisticRegression(C=1e9).fit(logits[drawn, None], truth)
    return (perf_counter() - begin) / some * draws


def synthetic(asked) -> None:
    clock = instrumented()
    evidence, outcomes = made(asked.rows)
    begin = perf_counter()
    with clock.part("study"):
        run = study(
            Stays, evidence, outcomes, [None] * asked.rows, 1, draws=asked.draws, workers=asked.processes
        )
    with clock.part("report"):
        report(run, Stays.card, "en")
    told(run, clock, perf_counter() - begin)
    people = [item.subject for item in evidence.candidates]
    plain = peer(outcomes, people, asked.draws)
    ours = clock.parts["bootstrap"]
    print(
        f"scikit-learn, {asked.draws} samples, 4 figures of 1 model: {plain:.0f} s; ours, all: {ours:.1f} s"
    )


def readmission(asked) -> None:
    from vesalius.hospital import Hospital
    from vesalius.usecase import find

    kind, clock = find("readmission"), instrumented()
    maps = Path(inspect.getfile(kind)).parent / "maps"
    with tempfile.TemporaryDirectory(prefix="vesalius-") as folder:
        hospital = Hospital.open(Path(folder))
        begin = perf_counter()
        with clock.part("receiving"):
            receive_folder(hospital.lake, DATA / "readmission-diabetes130", maps, processes=asked.processes)
        with clock.part("candidates, evidence, outcomes"):
            cohort = gather(kind(), hospital.lake)
        with clock.part("study"):
            run = validate(kind, cohort, hospital.lake, 1514, workers=asked.processes)
        with clock.part("report"):
            report(run, kind.card, "en")
        told(run, clock, perf_counter() - begin)
        hospital.close()


def parts(asked) -> None:
    """CPU seconds of the detectors and of the figures alone, for predictions that are made up."""
    from vesalius.evaluation import tables
    from vesalius.evaluation.ranked import Resamples
    from vesalius.modelling import one_thread

    evidence, outcomes = made(asked.rows)
    chance = 0.11 * np.exp(np.random.default_rng(0).normal(0, 0.5, asked.rows) + 0.5 * outcomes)
    chance = np.clip(chance, 0.001, 0.95)[None]
    sets = np.stack([chance < 0.2, chance > 0.08], axis=2)
    people = [item.subject for item in evidence.candidates]
    samples = Resamples(people, asked.draws, 1)
    nobody = (None,) * asked.rows
    found = tables.Found(evidence, outcomes.astype(float), chance, sets, nobody, samples, (0.15,))
    with one_thread():
        for name, work in {
            "detectors of leaks": lambda: leakage.inspect(evidence, outcomes, Stays.card),
            f"bootstrap, {asked.draws} samples": lambda: figures_module.drawn(
                found, Stays().baselines(evidence), chance * 0.9, Stays.card
            ),
        }.items():
            begin = process_time()
            work()
            print(f"{name:<34}{process_time() - begin:8.1f} CPU s")
    print(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def told(run, clock: Clock, seconds: float) -> None:
    inside = ("detectors of leaks", "learning and predicting", "bootstrap", "curves")
    whole = clock.parts.pop("study")
    clock.parts["the rest of the study"] = whole - sum(clock.parts.get(name, 0.0) for name in inside)
    for line in run.lines():
        print(line)
    for name, value in clock.parts.items():
        print(f"{name:<34}{value:8.1f} s {value / seconds:6.0%}")
    used = sum(
        resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'validation':<34}{seconds:8.1f} s; {used:.0f} CPU s in all; at most {most:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kind", choices=["ebm", "logistic"], default="ebm")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--readmission", action="store_true")
    parser.add_argument("--parts", action="store_true")
    asked = parser.parse_args()
    KIND = asked.kind
    (parts if asked.parts else readmission if asked.readmission else synthetic)(asked)
