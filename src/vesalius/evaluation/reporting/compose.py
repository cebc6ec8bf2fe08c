"""From a run to the whole document."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from vesalius.card import Card
from vesalius.errors import NotFound
from vesalius.evaluation.reporting import annexes, chai, performance, sections, tripod
from vesalius.evaluation.reporting.document import Document, Question, Section, anchor, paths
from vesalius.evaluation.reporting.names import words
from vesalius.evaluation.reporting.questions import QUESTIONS, Answer, answered, spoken
from vesalius.evaluation.reporting.summary import summary
from vesalius.evaluation.reporting.writer import Writer
from vesalius.evaluation.run import Run, latest
from vesalius.usecase import UseCase

BODY: tuple[Callable[[Writer], Section | None], ...] = (
    sections.purpose,
    sections.participants,
    sections.outcome,
    sections.inputs,
    sections.size,
    sections.missing,
    sections.method,
    performance.discrimination,
    performance.calibration,
    performance.sides,
    performance.thresholds,
    performance.decided,
    performance.proposed,
    performance.subgroups,
    performance.challenger,
    sections.leakage,
    sections.limits,
)
"""The sections between the summary and the annexes, in order."""

FRAME = ("contents", "page", "of", "owner", "due", "open", "answered", "confirm", "items")
"""The texts of the frame, ``frame.NAME``."""


def writer(
    run: Run,
    card: Card,
    language: str,
    answers: Mapping[str, Answer] | None = None,
    *,
    own: bool | None = None,
) -> Writer:
    """What sections are written with.

    Args:
        run: the figures.
        card: of the use case that was validated.
        language: fr, nl, de or en.
        answers: what people answered, by question.
        own: whether the model is one that the hospital learnt, or the shipped one: it decides which limits of
            the card hold; None for all of them.

    Raises:
        InvalidSetting: the report does not speak that language.
    """
    return Writer(run, card, words(language), answers or {}, own)


def kept(folder: Path, usecase: str, run: str = "") -> Run:
    """A stored run of a use.

    Args:
        folder: of the runs.
        usecase: the use.
        run: the id of the run; empty for the latest.

    Raises:
        NotFound: there is none, or it is of another use.
        UnreadableInput: its file is damaged.
    """
    if not run:
        found = latest(folder, usecase)
        if found is None:
            raise NotFound(f"no validation of {usecase} is kept here", hint=f"vesalius validate {usecase}")
        return found
    if not _RUN.fullmatch(run) or run.rpartition("-")[0] != usecase:
        raise NotFound(
            f"{run!r} is no run of {usecase}", hint="its name is USE-DIGEST, as validate printed it"
        )
    return Run.load(folder / f"{run}.json")


_RUN = re.compile(r"[\w-]+-[0-9a-f]{16}", re.ASCII)


def owned(kind: type[UseCase], run: Run) -> bool:
    """Whether the model of a run is one that the hospital learnt, and not the one that the use ships."""
    shipped = kind().model
    return shipped is None or shipped.hash != run.model


def questionnaire(
    language: str, answers: Mapping[str, Answer], run: Run | None, card: Card
) -> tuple[Question, ...]:
    """Every question of the latest run of a use, in the order in which they are due, with its answer.

    Args:
        language: fr, nl, de or en.
        answers: what people answered.
        run: the latest validation; None where there is none yet: then every question stands.
        card: of the use case.
    """
    if run is not None:
        return writer(run, card, language, answers).questions
    given = answered(card, language, answers)
    said = words(language)
    return tuple(spoken(item, said, given.get(item.key), "", tripod.items_of(item.key)) for item in QUESTIONS)


def document(
    run: Run,
    card: Card,
    language: str,
    answers: Mapping[str, Answer] | None = None,
    *,
    own: bool | None = None,
    synthetic: bool = False,
) -> Document:
    """The whole report; arguments as of :func:`writer`.

    Args:
        run: the figures.
        card: of the use case.
        language: fr, nl, de or en.
        answers: what people answered.
        own: whether the model is the hospital's own; None where that is not known.
        synthetic: whether the patients are made up; every page then says so.
    """
    by = writer(run, card, language, answers, own=own)
    digest = hashlib.sha256(run.to_bytes()).hexdigest()
    body = [summary(by), *filter(None, (make(by) for make in BODY))]
    present = [section.key for section in body] + ["questions", "tripod", "chai", "sources", "reproduce"]
    found = list(annexes.standings(by).values())
    made = Document(
        language=language,
        title=by.say("title"),
        over=by.words("report.over"),
        lead=by.say("purpose"),
        run=run.id,
        digest=digest,
        model=run.model,
        usecase=run.usecase,
        version=run.version,
        last=run.last,
        banner=by.words("report.synthetic") if synthetic else "",
        words={name: by.words(f"frame.{name}") for name in FRAME}
        | {"colon": by.words("pair", name="", value="")},
        filled=found.count("filled"),
        asked=sum(not item.answer for item in by.questions),
        answered=sum(bool(item.answer) for item in by.questions),
        sections=(
            *body,
            annexes.questions(by),
            annexes.checklist(by, present),
            annexes.card(by, chai.leaves(by)),
            sections.sources(by),
            sections.reproduce(by, digest),
        ),
    )
    where = paths(made)
    last = annexes.origins(by, run, where, [anchor(path) for path in where])
    return msgspec.structs.replace(made, sections=(*made.sections, last))
