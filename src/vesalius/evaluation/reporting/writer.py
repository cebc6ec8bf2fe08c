"""What every section is written with: the run, the card, words in one language, and the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from vesalius.card import Card
from vesalius.evaluation import charts
from vesalius.evaluation._svg import described
from vesalius.evaluation.reporting import tripod
from vesalius.evaluation.reporting.document import (
    Asked,
    Fact,
    Heading,
    Notice,
    Picture,
    Points,
    Prose,
    Question,
    Row,
    Span,
    Spans,
    Table,
)
from vesalius.evaluation.reporting.figures import Figures, fill
from vesalius.evaluation.reporting.names import group_name, naming
from vesalius.evaluation.reporting.questions import Answer, answered, asked, spoken
from vesalius.evaluation.run import Plan, Run, Subgroup
from vesalius.evaluation.words import Words

MOST_INPUTS = 15
"""Bars in the picture of contributions."""


@dataclass(frozen=True)
class Writer:
    """Writes blocks about one run in one language.

    Attributes:
        run: the figures.
        card: of the use case.
        words: of the reader's language.
        answers: what people answered, by question.
        own: whether the model is one that the hospital learnt, or the shipped one; None where not known.
    """

    run: Run
    card: Card
    words: Words
    answers: Mapping[str, Answer]
    own: bool | None = None

    @cached_property
    def figures(self) -> Figures:
        """Figures by their path."""
        return Figures(self.run, self.words)

    @cached_property
    def named(self) -> Callable[[str], str]:
        """Names of inputs, options, rules and ways of deciding."""
        return naming(self.card, self.words)

    @cached_property
    def group(self) -> Callable[[Subgroup], str]:
        """Names of subgroups."""
        return group_name(self.card, self.words)

    @property
    def consequences(self) -> Mapping[str, str]:
        """The card's own words for those who are helped, harmed and missed; only those that it has."""
        return self.card.consequences(self.words.language)

    @cached_property
    def _drawn(self) -> dict[str, str]:
        few = msgspec.structs.replace(self.run, importance=self.run.importance[:MOST_INPUTS])
        return charts.all_of(few, self.words, self.named, self.group, self.consequences)

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """Every question of this run, in the order in which they are due."""
        given = self.given
        return tuple(
            spoken(item, self.words, given.get(item.key), self.run.id, tripod.items_of(item.key))
            for item in asked(self.filled)
        )

    @cached_property
    def filled(self) -> frozenset[str]:
        """The questions that the run answers itself."""
        return tripod.held(self.run)

    @cached_property
    def given(self) -> Mapping[str, Answer]:
        """The answers: those of people, and where there is none, those that the card itself gives."""
        return answered(self.card, self.words.language, self.answers)

    @cached_property
    def limits(self) -> tuple[str, ...]:
        """The limits of the card that hold for the model of this run, in words."""
        keys = self.card.limits if self.own is None else self.card.limits_of(own=self.own)
        return tuple(self.say(f"limit.{key}") for key in keys)

    @property
    def plan(self) -> str:
        """Who learned and who was held out, in words."""
        run, words = self.run, self.words
        plan = run.plan or Plan(kind="nested", repeats=run.repeats, folds=run.folds)
        held = ", ".join(plan.held) if plan.kind == "external" else words.number(len(plan.held))
        return words(
            f"plan.{plan.kind}",
            repeats=words.number(run.repeats),
            folds=words.number(run.folds),
            cut=plan.cut[:10],
            held=held,
        )

    def say(self, key: str) -> str:
        """A text of the card."""
        return self.card.say(key, self.words.language)

    def spans(self, key: str, **values: object) -> Spans:
        """A text whose fields are figures."""
        return fill(self.words.texts[key], values)

    def prose(self, key: str, **values: object) -> Prose:
        """A paragraph."""
        return Prose(self.spans(key, **values))

    def points(self, *points: Spans) -> Points:
        """A list."""
        return Points(points)

    def heading(self, key: str) -> Heading:
        """A heading within a section."""
        return Heading(self.words(key))

    def notice(self, key: str) -> Notice:
        """What must not be overlooked."""
        return Notice(self.words(key))

    def fact(self, key: str, *spans: Span) -> Fact:
        """A name and what it stands for."""
        return Fact(self.words(key), spans)

    def table(self, key: str, heads: Sequence[str], rows: Sequence[Row], words: int = 1) -> Table:
        """A table; ``heads`` are keys of the texts."""
        return Table(
            self.words(f"table.{key}"), tuple(self.words(head) for head in heads), tuple(rows), words
        )

    def picture(self, name: str, *at: str) -> Picture:
        """A picture of the run."""
        svg = self._drawn[name]
        return Picture(name, svg, self.words(f"{name}.title"), self.words(f"{name}.note"), described(svg), at)

    def pictures(self, name: str, *at: str) -> tuple[Picture, ...]:
        """A picture that a run may not have; nothing where it does not."""
        return (self.picture(name, *at),) if name in self._drawn else ()

    def asked(self, *keys: str) -> tuple[Asked, ...]:
        """The questions of these names that this run leaves open; nothing where there are none."""
        found = tuple(question for question in self.questions if question.key in keys)
        return (Asked(found),) if found else ()
