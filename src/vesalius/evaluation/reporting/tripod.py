"""The TRIPOD+AI checklist: 27 items in 52 parts, where the report answers each, and what must be asked.

Source: Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for reporting clinical
prediction models that use regression or machine learning methods. BMJ 2024;385:e078378. The numbers and what
each item is for (development D, evaluation E) are the statement's; the words are ours.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from vesalius.evaluation.run import Run

For = Literal["D", "E", "DE"]
"""What an item is for: developing a model, evaluating one, or both."""

Study = Literal["internal", "external", "shipped"]
"""What a run is: a model developed and validated by resampling; developed on one part of the patients and
evaluated on another (by time, by place); or a finished model evaluated as it is."""

Standing = Literal["filled", "asked", "answered", "not_applicable"]


class Item(msgspec.Struct, frozen=True):
    """One part of an item; its words are the text ``tripod.CODE``.

    Attributes:
        code: its number, as ``12a``.
        topic: the part of the statement it stands in.
        applies: what it is for.
        places: the sections of the report that answer it.
        question: what must be asked for it; empty where the machine fills it.
    """

    code: str
    topic: str
    applies: For
    places: tuple[str, ...]
    question: str = ""


ITEMS: tuple[Item, ...] = (
    Item("1", "title", "DE", ("summary",)),
    Item("2", "abstract", "DE", ("summary",)),
    Item("3a", "introduction", "DE", ("purpose", "sources"), "context"),
    Item("3b", "introduction", "DE", ("purpose",)),
    Item("3c", "introduction", "DE", ("subgroups",), "inequalities"),
    Item("4", "introduction", "DE", ("method",)),
    Item("5a", "methods", "DE", ("participants",), "data_source"),
    Item("5b", "methods", "DE", ("participants",)),
    Item("6a", "methods", "DE", ("participants",), "setting"),
    Item("6b", "methods", "DE", ("purpose", "participants")),
    Item("6c", "methods", "DE", ("decided",), "treatments"),
    Item("7", "methods", "DE", ("leakage", "missing"), "preparation"),
    Item("8a", "methods", "DE", ("outcome",), "outcome"),
    Item("8b", "methods", "DE", ("outcome",), "assessors"),
    Item("8c", "methods", "DE", ("outcome",), "blinding"),
    Item("9a", "methods", "D", ("inputs",), "predictor_choice"),
    Item("9b", "methods", "DE", ("inputs",)),
    Item("9c", "methods", "DE", ("inputs",), "predictor_assessors"),
    Item("10", "methods", "DE", ("size",), "sample_size"),
    Item("11", "methods", "DE", ("missing",)),
    Item("12a", "methods", "D", ("method",)),
    Item("12b", "methods", "D", ("method", "inputs")),
    Item("12c", "methods", "D", ("method",)),
    Item("12d", "methods", "DE", ("method", "sides")),
    Item("12e", "methods", "DE", ("method",)),
    Item("12f", "methods", "E", ("method",)),
    Item("12g", "methods", "E", ("reproduce",)),
    Item("13", "methods", "DE", ("leakage",)),
    Item("14", "methods", "DE", ("subgroups",)),
    Item("15", "methods", "D", ("outcome", "thresholds")),
    Item("16", "methods", "DE", ("method",), "comparison"),
    Item("17", "methods", "DE", ("questions",), "ethics"),
    Item("18a", "open_science", "DE", ("questions",), "funding"),
    Item("18b", "open_science", "DE", ("questions",), "conflicts"),
    Item("18c", "open_science", "DE", ("questions",), "protocol"),
    Item("18d", "open_science", "DE", ("questions",), "registration"),
    Item("18e", "open_science", "DE", ("questions",), "data_sharing"),
    Item("18f", "open_science", "DE", ("reproduce",)),
    Item("19", "involvement", "DE", ("questions",), "involvement"),
    Item("20a", "results", "DE", ("participants",)),
    Item("20b", "results", "DE", ("participants", "missing", "subgroups"), "characteristics"),
    Item("20c", "results", "E", ("participants",), "comparison"),
    Item("21", "results", "DE", ("participants", "size")),
    Item("22", "results", "D", ("reproduce",)),
    Item("23a", "results", "DE", ("discrimination", "calibration", "thresholds", "subgroups")),
    Item("23b", "results", "DE", ("sides",)),
    Item("24", "results", "E", ("method",)),
    Item("25", "discussion", "DE", ("summary",), "interpretation"),
    Item("26", "discussion", "DE", ("limits",)),
    Item("27a", "discussion", "D", ("missing",)),
    Item("27b", "discussion", "D", ("purpose",)),
    Item("27c", "discussion", "DE", ("limits",), "next_steps"),
)
"""Every part, in the order of the statement."""


def applies(item: Item, study: Study) -> bool:
    """Whether an item is for this kind of study."""
    if study == "internal":
        return item.applies != "E"
    if study == "shipped":
        return item.applies != "D"
    return True


def held(run: Run) -> frozenset[str]:
    """The questions that the run answers itself."""
    known = {
        "sample_size": run.sample is not None,
        "characteristics": run.monitoring is not None,
        "comparison": study(run) == "internal",  # the same patients, each held out in turn
    }
    return frozenset(name for name, there in known.items() if there)


def study(run: Run) -> Study:
    """What kind of study a run is, by its plan."""
    apart = run.plan is not None and run.plan.kind in ("time", "sites", "external")
    return "external" if apart else "internal"


def standing(item: Item, kind: Study, filled: Collection[str], answered: Collection[str]) -> Standing:
    """Whether an item is filled by the machine, asked, answered, or not for this study.

    Args:
        item: the item.
        kind: what the run is.
        filled: the questions that the run answers itself.
        answered: the questions that a person has answered.
    """
    if not applies(item, kind):
        return "not_applicable"
    if not item.question or item.question in filled:
        return "filled"
    return "answered" if item.question in answered else "asked"


def items_of(question: str) -> tuple[str, ...]:
    """The items that wait for a question."""
    return tuple(item.code for item in ITEMS if item.question == question)
