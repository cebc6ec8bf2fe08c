"""The page as a document: every figure comes from the result, every word from the texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

from vesalius import __version__
from vesalius.evaluation.anonymity import pictures
from vesalius.evaluation.reporting import html
from vesalius.evaluation.reporting.document import (
    Block,
    Document,
    Notice,
    Picture,
    Points,
    Prose,
    Row,
    Section,
    Span,
    Table,
    Tile,
    Tiles,
)
from vesalius.evaluation.words import Words, catalogue
from vesalius.privacy import Result, Risks

LIMITS = ("limit.columns", "limit.rows", "limit.again", "limit.law")
"""What the page says that anonymising does not do."""


@cache
def texts(language: str) -> dict[str, str]:
    """The words of the page in one language.

    Raises:
        InvalidSetting: it does not speak it.
    """
    catalogue(language)  # refuses a language that nothing speaks
    raw = (files("vesalius.evaluation.anonymity") / "texts" / f"{language}.toml").read_bytes()
    return msgspec.toml.decode(raw, type=dict[str, str])


def page(result: Result, language: str, title: str) -> str:
    """One self-contained HTML page.

    Args:
        result: of :func:`vesalius.privacy.anonymise`.
        language: fr, nl, de or en.
        title: what the table is called.

    Raises:
        InvalidSetting: the page does not speak that language.
    """
    return html.page(document(result, language, title))


def document(result: Result, language: str, title: str) -> Document:
    """The page as data.

    Args:
        result: of :func:`vesalius.privacy.anonymise`.
        language: fr, nl, de or en.
        title: what the table is called.

    Raises:
        InvalidSetting: the page does not speak that language.
    """
    words = Words(language)
    words.texts = words.texts | texts(language)
    parts: dict[str, list[Block]] = {
        "summary": _summary(result, words),
        "classes": [_picture("classes", pictures.classes(result, words), words)],
        "columns": [_picture("columns", pictures.columns(result, words), words), _columns(result, words)],
        "rules": [Points(tuple((Span(each),) for each in _rules(result, words)))],
        "risks": [_risks(result, words)],
        "lost": _lost(result, words),
        "limits": [Points(tuple((Span(words(key)),) for key in LIMITS))],
    }
    return Document(
        language=language,
        title=title,
        over=words("over"),
        lead="",
        run=f"Vesalius {__version__}",
        digest=hashlib.sha256(msgspec.json.encode(result, order="sorted")).hexdigest(),
        model="",
        usecase="",
        version="",
        last="",
        banner="",
        words={"contents": words("contents"), "colon": words("pair", name="", value="")},
        filled=0,
        asked=0,
        answered=0,
        sections=tuple(Section(key, words(f"section.{key}"), tuple(blocks)) for key, blocks in parts.items()),
    )


def _picture(name: str, svg: str, words: Words) -> Picture:
    return Picture(name, svg, words(f"{name}.title"), words(f"{name}.note"), "")


def _summary(result: Result, words: Words) -> list[Block]:
    before, after = result.before, result.after
    numbers = {"searched": words.number(result.searched), "nodes": words.number(result.nodes)}
    threshold = words.percent(after.threshold)

    def tile(name: str, value: str, note: str) -> Tile:
        return Tile(name, Span(value), note)

    def was(value: str) -> str:
        return words("was", value=value)

    lead = words(
        "lead",
        records=words.number(result.records),
        published=words.number(after.records),
        suppressed=words.number(result.suppressed),
        share=words.percent(result.suppressed / result.records, 1),
    )
    removed = words("removed", names=", ".join(result.removed)) if result.removed else words("removed.none")
    highest = (words.percent(after.prosecutor_max, 1), was(words.percent(before.prosecutor_max, 1)))
    tiles = (
        tile(
            words("tile.above", threshold=threshold),
            words.percent(after.above, 1),
            was(words.percent(before.above, 1)),
        ),
        tile(words("tile.highest"), *highest),
        tile(words("tile.uniques"), words.number(after.uniques), was(words.number(before.uniques))),
        tile(words("tile.loss"), words.percent(result.utility.loss, 1), words("of_scale")),
    )
    proof: Block
    if result.optimal:
        proof = Prose((Span(words("optimal", **numbers)),))
    else:
        proof = Notice(words("not_optimal", **numbers))
    return [Prose((Span(lead), Span(" "), Span(removed))), Tiles(tiles), proof]


def _columns(result: Result, words: Words) -> Table:
    rows = tuple(
        Row(
            (
                name,
                words("level.of", level=level, depth=result.depths[name] - 1),
                words.percent(result.utility.granularity[name], 1),
            )
        )
        for name, level in result.levels.items()
    )
    heads = tuple(words(f"head.{each}") for each in ("column", "level", "covers"))
    return Table(words("columns.caption"), heads, rows)


def _rules(result: Result, words: Words) -> list[str]:
    said = []
    for model in result.models:
        fields: Mapping[str, object] = msgspec.to_builtins(model)
        shown = {name: _shown(value, words) for name, value in fields.items()}
        others = words.number(fields["k"] - 1) if isinstance(fields.get("k"), int) else ""  # type: ignore[operator]
        said.append(words(f"model.{fields['kind']}", others=others, **shown))
    return said


def _shown(value: object, words: Words) -> str:
    if isinstance(value, float) and not value.is_integer():
        return words.number(value, len(f"{value:g}".partition(".")[2]))
    return words.number(value) if isinstance(value, int | float) else str(value)


def _risks(result: Result, words: Words) -> Table:
    def row(name: str) -> Row:
        def shown(risks: Risks) -> str:
            value = getattr(risks, name)
            return words.number(value) if isinstance(value, int) else words.percent(value, 2)

        named = words(f"risk.{name}", threshold=words.percent(result.after.threshold))
        return Row((named, shown(result.before), shown(result.after)))

    names = (
        "records", "classes", "uniques", "smallest", "prosecutor_max", "prosecutor_mean", "journalist_max",
        "marketer", "above",
    )  # fmt: skip
    heads = (words("head.measure"), words("before"), words("after"))
    return Table(words("risks.caption"), heads, tuple(row(name) for name in names))


def _lost(result: Result, words: Words) -> list[Block]:
    digits = {"loss": 4, "discernibility": 0, "average_class_size": 1, "entropy": 0}
    rows = tuple(
        Row((words(f"lost.{name}"), words.number(getattr(result.utility, name), places)))
        for name, places in digits.items()
    )
    sought = words("lost.sought", name=words(f"lost.{result.criterion.replace('-', '_')}"))
    return [
        Prose((Span(sought),)),
        Table(words("lost.caption"), (words("head.measure"), words("after")), rows),
    ]
