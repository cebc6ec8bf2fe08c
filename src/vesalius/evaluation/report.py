"""The validation report: one HTML page in four languages, every figure filled from the stored run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from vesalius.evaluation import charts
from vesalius.evaluation.run import Decided, Performance, Run, Subgroup, Threshold
from vesalius.evaluation.words import Words

if TYPE_CHECKING:
    from vesalius.card import Card

SHOWN = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""The thresholds whose row is in the report; the run holds all."""

MOST_INPUTS = 15
"""Bars in the picture of contributions."""


def report(run: Run, card: Card, language: str) -> str:
    """One self-contained HTML page: no script, no inline style, nothing fetched.

    Args:
        run: the figures.
        card: of the use case that was validated; it says the words about the use.
        language: fr, nl, de or en.

    Raises:
        InvalidSetting: the report does not speak that language.
    """
    return _render("page.html", run, card, language)


def fragment(run: Run, card: Card, language: str) -> str:
    """The body of the report alone, for a page that has its own head and links :func:`stylesheet`."""
    return _render("fragment.html", run, card, language)


def stylesheet() -> str:
    """The CSS of the report and of its pictures; every rule stays inside ``.report`` or ``svg.chart``."""
    return (files("vesalius.evaluation") / "templates" / "report.css").read_text("utf-8")


def naming(card: Card, words: Words) -> Callable[[str], str]:
    """From a name in a run (an input, an option, a baseline, a way of deciding) to words for people."""
    texts = card.texts.get(words.language, {})

    def named(name: str) -> str:
        for key in (f"input.{name}", f"baseline.{name}", f"option.{name}"):
            if key in texts:
                return texts[key]
        return words.texts.get(f"way.{name}", name.replace("_", " "))

    return named


def group_name(card: Card, words: Words) -> Callable[[Subgroup], str]:
    """From a subgroup to words for people: ``Sex: female``, ``Age: 18–39``."""
    texts = card.texts.get(words.language, {})

    def named(row: Subgroup) -> str:
        level = texts.get(f"level.{row.level}", row.level.replace("-", "–").replace("+", " +"))
        return words("pair", name=texts.get(f"input.{row.input}", row.input), value=level)

    return named


def _render(template: str, run: Run, card: Card, language: str) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("vesalius.evaluation", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = Words(language)
    named, group = naming(card, words), group_name(card, words)
    few = _few_inputs(run)
    pictures = {name: Markup(svg) for name, svg in charts.all_of(few, words, named, group).items()}  # noqa: S704
    return environment.get_template(template).render(
        run=run,
        card=card,
        words=words,
        say=_sayer(card, language),
        named=named,
        group=group,
        pictures=pictures,
        css=Markup(stylesheet()),  # noqa: S704
        tiles=_tiles(run, words),
        performances=[_performance(item, words, named) for item in run.performances],
        thresholds=[_threshold(row, run, words) for row in run.thresholds if row.probability in SHOWN],
        decided=[_decided(item, words, named) for item in run.decided],
        missing=sorted((row for row in run.missing if row.rows), key=lambda row: (-row.rows, row.input)),
        unknown=[named(row.input) for row in run.missing if row.rows == run.rows],
    )


def _few_inputs(run: Run) -> Run:
    return msgspec.structs.replace(run, importance=run.importance[:MOST_INPUTS])


def _sayer(card: Card, language: str) -> Callable[[str], str]:
    def say(key: str) -> str:
        return card.say(key, language)

    return say


def _tiles(run: Run, words: Words) -> list[tuple[str, str, str]]:
    """The figures that open the report: what, value, interval."""
    model = run.performance
    rivals = [item for item in run.performances[1:] if item.gain and item.auroc.value is not None]
    best = max(rivals, key=lambda item: item.auroc.value or 0.0, default=None)
    tiles = [
        (
            words("tile.patients"),
            words.number(run.patients),
            words("tile.events", events=run.events, share=words.percent(run.events / run.rows, 1)),
        ),
        _tile(words("tile.auroc"), model.auroc, words, 3),
        _tile(words("tile.slope"), model.slope, words, 2),
        _tile(words("tile.brier"), model.brier, words, 3),
    ]
    if best:
        tiles.append(_tile(words("tile.gain"), best.gain, words, 3))
    return tiles


def _tile(name: str, item: Any, words: Words, digits: int) -> tuple[str, str, str]:
    whole = words.estimate(item, digits)
    value, _, interval = whole.partition(" (")
    return name, value, interval.removesuffix(")")


def _performance(item: Performance, words: Words, named: Callable[[str], str]) -> Mapping[str, str]:
    columns = ("auroc", "auprc", "brier", "scaled_brier", "slope", "intercept", "ici", "gain")
    digits = {"slope": 2, "intercept": 2}
    cells = {name: words.estimate(getattr(item, name), digits.get(name, 3)) for name in columns}
    return {"name": named(item.name), **cells}


def _threshold(row: Threshold, run: Run, words: Words) -> Sequence[str]:
    per = 1000 / run.rows

    def both(count: float) -> str:
        return f"{words.number(count)} ({words.number(count * per)})"

    return (
        words.percent(row.probability),
        both(row.acted),
        both(row.avoided),
        both(row.avoided_with_outcome),
        both(row.missed),
        words.share(row.sensitivity, 0),
        words.share(row.specificity, 0),
        words.share(row.ppv, 0),
        words.share(row.npv, 0),
    )


def _decided(item: Decided, words: Words, named: Callable[[str], str]) -> Sequence[str]:
    return (
        named(item.name),
        words.number(item.acted),
        words.share(item.sensitivity),
        words.share(item.specificity),
        f"{words.number(item.acted_without)} · {words.share(item.needless, 0)}",
        words.number(item.left_with),
    )
