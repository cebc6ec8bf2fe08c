"""The course of a use, made from its card and from the latest validation kept here: nobody writes it.

Every figure is read from the stored run, every word about the use from its card; a use whose card names
questions of its own (``course.KEY.words``, ``.right``, ``.wrong1`` …, ``.why`` in its texts) adds them to the
pool. Where there is no run, the course says so and shows no figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from vesalius.academy import drawing, texts
from vesalius.academy.course import Course, Head, Page, Question, Table
from vesalius.card import Card
from vesalius.governance import uses as register
from vesalius.governance import watching
from vesalius.governance.literacy import PREFIX, course_of
from vesalius.governance.roles import MATRIX, Right

if TYPE_CHECKING:
    from vesalius.evaluation import Run
    from vesalius.evaluation.run import Threshold
    from vesalius.evaluation.words import Words
    from vesalius.hospital import Hospital
    from vesalius.usecase import UseCase

OWN = "course"
"""Where a card's texts hold the questions of its own."""

EXAMPLE = 0.3
"""The probability that is explained where the use has no threshold of its own."""

FEW = 20
"""With fewer cases than this, nothing is said about what came true for them."""

ASKS = (
    "decides",
    "not_for",
    "probability",
    "interval",
    "limit",
    "bedside",
    "hurry",
    "override",
    "silent",
    "incident",
    "thousand",
)
"""The questions of every use."""


def named(usecase: str) -> str:
    """The name of the course of a use."""
    return course_of(usecase)


def usecase_of(name: str) -> str:
    """The use that a course is about; empty for a written course."""
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else ""


def head(card: Card) -> Head:
    """What is known of the course of a use without making its pages."""
    return Head(named(card.name), card.version, tuple(card.reviewers), system=card.name)


def course(hospital: Hospital, kind: type[UseCase], language: str) -> Course:
    """The course of a use in one language, with the figures of its latest validation here."""
    from vesalius.evaluation import latest, reporting

    card = kind.card
    run = latest(hospital.runs, card.name) if hospital.runs.is_dir() else None
    use = register.current(hospital.engine, card.name)
    shipped = kind().model
    in_force = use.model or (shipped.hash if shipped is not None else "")
    watch = watching.watching(hospital.engine, card.name)
    by = _Writer(
        card=card,
        language=language,
        settings=card.fill(use.settings),
        run=run,
        own=reporting.owned(kind, run) if run else bool(use.model),
        other=run is not None and run.model != in_force,
        undo=hospital.settings.undo_minutes,
        overrides=next(
            (rule.limit for rule in watching.stop_rules(card, watch) if rule.name == "override"), None
        ),
    )
    title = by.say("title", title=card.say("title", language))
    pages, questions = tuple(by.pages()), tuple(by.questions())
    return Course(head(card), language, title, by.say("lead"), pages, questions, run.id if run else "")


_ROLES = tuple(key.removeprefix("role.") for key in texts.ours()["en"] if key.startswith("role."))


@dataclass(frozen=True)
class _Writer:
    """What the pages are written with."""

    card: Card
    language: str
    settings: Mapping[str, float]
    run: Run | None
    own: bool
    other: bool
    undo: float
    overrides: float | None

    def say(self, key: str, **values: object) -> str:
        """One of the academy's texts on uses."""
        return texts.say(f"use.{key}", self.language, **values)

    def card_says(self, key: str) -> str:
        """One of the card's texts."""
        return self.card.say(key, self.language)

    @cached_property
    def words(self) -> Words:
        """Numbers as people of the language write them."""
        from vesalius.evaluation.words import Words

        return Words(self.language)

    @cached_property
    def thresholds(self) -> tuple[tuple[str, float], ...]:
        """The thresholds of probability in force, with their names, highest first."""
        found = [
            (self.card_says(f"setting.{item.name}"), self.settings[item.name])
            for item in self.card.settings
            if not item.unit
        ]
        return tuple(sorted(found, key=lambda pair: -pair[1]))

    @cached_property
    def example(self) -> float:
        """The probability that is explained: that from which on the tool proposes to act."""
        return self.thresholds[0][1] if self.thresholds else EXAMPLE

    @cached_property
    def rows(self) -> tuple[tuple[str, Threshold], ...]:
        """For each threshold in force its name, and the row of the run that is nearest."""
        from vesalius.evaluation.reporting.summary import nearest

        if self.run is None:
            return ()
        places = [(name, nearest(self.run.thresholds, value)) for name, value in self.thresholds]
        return tuple((name, self.run.thresholds[place]) for name, place in places if place is not None)

    def per_thousand(self, row: Threshold) -> tuple[int, int, int]:
        """Of 1,000 cases: acted on with the outcome, acted on without it, left with it."""
        assert self.run is not None
        per = 1000 / self.run.rows
        return round(row.caught * per), round((row.acted - row.caught) * per), round(row.missed * per)

    def pages(self) -> Iterator[Page]:
        """The pages, in order."""
        yield self._what()
        yield self._page("not_for", text=(self.card_says("not_for"),), notice=self.say("not_for.notice"))
        yield self._tested()
        yield self._probability()
        if self.rows:
            yield self._thousand()
        yield self._fails()
        yield self._exercise()
        yield self._disagree()
        yield self._after()
        yield self._tell()

    def _page(
        self,
        key: str,
        *,
        text: tuple[str, ...] = (),
        points: tuple[str, ...] = (),
        notice: str = "",
        caption: str = "",
        picture: str = "",
        table: Table | None = None,
        exercise: Question | None = None,
        **values: object,
    ) -> Page:
        title = self.say(f"{key}.title", **values)
        return Page(key, title, text, points, notice, table, caption, picture, exercise)

    def _what(self) -> Page:
        options = "; ".join(self.card_says(f"option.{item.code}") for item in self.card.options)
        points = (
            self.say("what.for_whom", population=self.card_says("population")),
            self.say("what.proposes", options=options),
            self.say("what.decides"),
        )
        caption = self.say("what.caption")
        picture = drawing.flow(self.say("what.labels").splitlines(), caption)
        return self._page(
            "what", text=(self.card_says("purpose"),), points=points, caption=caption, picture=picture
        )

    def _tested(self) -> Page:
        run, words = self.run, self.words
        learnt = self.say("tested.own" if self.own else "tested.shipped")
        if run is None:
            return self._page("tested", text=(self.say("tested.none"), learnt))
        text = self.say(
            "tested.run",
            rows=words.number(run.rows),
            patients=words.number(run.patients),
            first=run.first[:10],
            last=run.last[:10],
            events=words.number(run.events),
            target=self.card_says("target"),
        )
        notice = self.say("tested.other") if self.other else ""
        return self._page("tested", text=(text, learnt), notice=notice)

    def _probability(self) -> Page:
        count = round(100 * self.example)
        given = {"percent": self.words.percent(self.example), "count": count, "rest": 100 - count}
        text = [self.say("probability.text", target=self.card_says("target"), **given)]
        text += self._came_true()
        text.append(self.say("probability.interval"))
        caption = self.say("probability.caption", **given)
        picture = drawing.hundred(count, caption)
        return self._page(
            "probability", text=tuple(text), caption=caption, picture=picture, percent=given["percent"]
        )

    def _came_true(self) -> list[str]:
        """What came true for cases with about the probability of the example, in the run."""
        if self.run is None:
            return []
        with_, without = self.run.histogram.with_outcome, self.run.histogram.without_outcome
        bins = len(with_)
        here = min(bins - 1, int(self.example * bins))
        first, last = max(0, here - 1), min(bins, here + 2)
        events = sum(with_[first:last])
        count = events + sum(without[first:last])
        if count < FEW:
            return []
        share = self.words.percent
        return [
            self.say(
                "probability.came_true",
                count=self.words.number(round(count)),
                low=share(first / bins),
                high=share(last / bins),
                observed=share(events / count),
            )
        ]

    def _thousand(self) -> Page:
        words = self.words
        _, row = self.rows[0]
        helped, harmed, left = self.per_thousand(row)
        given = {
            "percent": words.percent(row.probability),
            "helped": words.number(helped),
            "harmed": words.number(harmed),
            "left": words.number(left),
        }
        own = self.card.consequences(self.language)
        kinds = (("helped", helped), ("harmed", harmed), ("missed", left))
        points = tuple(
            self.say(
                "thousand.point", count=words.number(count), words=own.get(kind, self.say(f"thousand.{kind}"))
            )
            for kind, count in kinds
        )
        table = Table(
            self.say("thousand.table"),
            tuple(
                self.say(f"thousand.head_{name}") for name in ("from", "acted", "found", "needless", "left")
            ),
            tuple(self._row(name, each) for name, each in self.rows),
        )
        caption = self.say("thousand.caption", **given)
        picture = drawing.thousand(((helped, "a-hit"), (harmed, "a-act"), (left, "a-left")), caption)
        text = (self.say("thousand.text", **given), self.say("thousand.cost"))
        return self._page("thousand", text=text, points=points, caption=caption, picture=picture, table=table)

    def _row(self, name: str, row: Threshold) -> tuple[str, ...]:
        helped, harmed, left = self.per_thousand(row)
        first = self.say("thousand.row", name=name, percent=self.words.percent(row.probability))
        return (first, *(self.words.number(count) for count in (helped + harmed, helped, harmed, left)))

    def _fails(self) -> Page:
        limits = tuple(self.card_says(f"limit.{key}") for key in self.card.limits_of(own=self.own))
        return self._page("fails", text=tuple(self._groups()), points=limits, notice=self.say("fails.notice"))

    def _groups(self) -> Iterator[str]:
        """The groups where it does worse beyond chance, and those too few to say."""
        from vesalius.evaluation import reporting
        from vesalius.evaluation.reporting.names import words

        run = self.run
        if run is None or run.performance.auroc.value is None or not run.subgroups:
            return
        whole, name = run.performance.auroc.value, reporting.group_name(self.card, words(self.language))
        worse = [
            row
            for row in run.subgroups
            if row.auroc and row.auroc.high is not None and row.auroc.high < whole
        ]
        for row in worse:
            assert row.auroc is not None
            yield self.say(
                "fails.worse",
                group=name(row),
                auroc=self.words.number(row.auroc.value, 2),
                whole=self.words.number(whole, 2),
            )
        if not worse:
            yield self.say("fails.no_worse")
        few = [name(row) for row in run.subgroups if row.auroc is None or row.auroc.value is None]
        if few:
            yield self.say("fails.few", groups="; ".join(few))

    @cached_property
    def _reason(self) -> str:
        codes = self.card.override_reasons
        code = "missing_facts" if "missing_facts" in codes else codes[0] if codes else ""
        return self.card_says(f"reason.{code}") if code else ""

    def _exercise(self) -> Page:
        values = {
            "option": self.card_says(f"option.{self.card.options[0].code}") if self.card.options else "",
            "percent": self.words.percent(self.example),
            "reason": self._reason,
        }
        asked = texts.question(texts.ours()[self.language], "use.exercise.question", "exercise", **values)
        caption = self.say("exercise.caption")
        picture = drawing.scales(self.say("exercise.labels").splitlines(), caption)
        return self._page(
            "exercise", text=(self.say("exercise.text"),), caption=caption, picture=picture, exercise=asked
        )

    def _disagree(self) -> Page:
        reasons = "; ".join(self.card_says(f"reason.{code}") for code in self.card.override_reasons)
        points = [self.say(f"disagree.{name}") for name in ("accept", "modify", "override", "defer")]
        if self.undo:
            points.append(self.say("disagree.undo", minutes=self.words.number(self.undo)))
        text = [self.say("disagree.text")]
        if reasons:
            text.append(self.say("disagree.reasons", reasons=reasons))
        return self._page("disagree", text=tuple(text), points=tuple(points))

    def _after(self) -> Page:
        points = [self.say(f"after.{name}") for name in ("kept", "counted")]
        if self.overrides is not None:
            points.append(self.say("after.stops", share=self.words.percent(self.overrides)))
        points.append(self.say("after.nobody"))
        caption = self.say("after.caption")
        picture = drawing.flow(self.say("after.labels").splitlines(), caption)
        return self._page("after", points=tuple(points), caption=caption, picture=picture)

    def _tell(self) -> Page:
        roles = [role for role in _ROLES if role in MATRIX[Right.SUSPEND]]
        who = ", ".join(texts.say(f"role.{role}", self.language) for role in roles)
        points = (
            self.say("tell.stop", who=who),
            *(self.say(f"tell.{name}") for name in ("data", "incident", "silent")),
        )
        return self._page("tell", points=points)

    def questions(self) -> Iterator[Question]:
        """The pool: what every use asks, what the figures ask, and what the card's own questions ask."""
        said = texts.ours()[self.language]
        limits = self.card.limits_of(own=self.own)
        values = {
            "target": self.card_says("target"),
            "not_for": self.card_says("not_for"),
            "percent": self.words.percent(self.example),
            "count": round(100 * self.example),
            "reason": self._reason,
            "limit": self.card_says(f"limit.{limits[0]}") if limits else "",
        }
        for key in ASKS:
            if key == "limit" and not limits:
                continue
            if key == "thousand":
                yield from self._asked_thousand()
                continue
            yield texts.question(said, f"use.question.{key}", key, **values)
        own = self.card.texts.get(self.language, {})
        for key in texts.keys(own, OWN):
            yield texts.question(own, f"{OWN}.{key}", f"own-{key}")

    def _asked_thousand(self) -> Iterator[Question]:
        """How many of 1,000 the threshold leaves out; not asked where the wrong answers would be right."""
        if not self.rows:
            return
        _, row = self.rows[0]
        _, _, left = self.per_thousand(row)
        if left < 2:
            return
        number = self.words.number
        values = {
            "percent": self.words.percent(row.probability),
            "target": self.card_says("target"),
            "left": number(left),
            "third": number(max(1, left // 3)) if left >= 6 else number(left * 4),
        }
        said = texts.ours()[self.language]
        yield texts.question(said, "use.question.thousand", "thousand", **values)
