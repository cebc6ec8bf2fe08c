"""The report as PDF: tagged, archivable (PDF/A-2a) and accessible (PDF/UA-1), made by typst.

The typst file never changes: the document reaches it as JSON data, so that no text of a card, an answer or a
run is ever read as markup. The fonts are those that typst brings; nothing is fetched.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from vesalius.evaluation._svg import with_rules
from vesalius.evaluation.reporting.document import Document, Picture, anchor
from vesalius.evaluation.reporting.html import stylesheet

log = logging.getLogger(__name__)

STANDARDS: tuple[Any, ...] = (["ua-1", "a-2a"], ["ua-1"])
"""What is tried, best first, and at last none of them: a text that no font can write (an emoji in an answer)
is no PDF/A."""

_VARIABLES = re.compile(r"--([\w-]+):\s*([^;}]+)")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_VAR = re.compile(r"var\(--([\w-]+)\)")
_FONT = 'font-family: "Libertinus Serif"; '


def pdf(made: Document) -> bytes:
    """A document as PDF; the same document gives the same bytes."""
    import typst

    source, data = _template(), {"document": msgspec.json.encode(_data(made)).decode()}
    for standards in STANDARDS:
        try:
            return typst.compile(
                source,
                sys_inputs=data,
                ignore_system_fonts=True,
                pdf_standards=standards,
                timestamp=_date(made),
            )
        except typst.TypstError as error:
            log.warning("the PDF is not %s: %s", " and ".join(standards), error.message)
    return typst.compile(source, sys_inputs=data, ignore_system_fonts=True, timestamp=_date(made))


def _template() -> bytes:
    return (files("vesalius.evaluation.reporting") / "templates" / "report.typ").read_bytes()


def _date(made: Document) -> datetime:
    """The date that the file bears: the last day of the data, so that the same run gives the same bytes."""
    return datetime.combine(date.fromisoformat(made.last), time(), UTC)


def images(made: Document, ppi: float = 60) -> list[bytes]:
    """Each page as a PNG, to look at."""
    import typst

    data = {"document": msgspec.json.encode(_data(made)).decode()}
    pages: Any = typst.compile(_template(), sys_inputs=data, ignore_system_fonts=True, format="png", ppi=ppi)
    return list(pages) if isinstance(pages, list) else [pages]


def _data(made: Document) -> dict[str, Any]:
    """The document as typst reads it: pictures with their style inside, and where each figure links to."""
    data: dict[str, Any] = msgspec.to_builtins(made)
    links = {row.anchor for section in made.sections for row in _rows(section.blocks) if row.anchor}
    for section, whole in zip(data["sections"], made.sections, strict=True):
        for block, kept in zip(section["blocks"], whole.blocks, strict=True):
            if isinstance(kept, Picture):
                block["svg"] = styled(kept.svg)
    _link(data["sections"], links)
    return data


def _rows(blocks: Any) -> Any:
    for block in blocks:
        yield from getattr(block, "rows", ())


def _link(value: Any, known: set[str]) -> None:
    """Turns every path into the name of its line in the annex, where there is one."""
    if isinstance(value, dict):
        path = value.get("at")
        if isinstance(path, str) and value.get("block") is None and "by" not in value:
            value["link"] = anchor(path) if anchor(path) in known else ""
        for each in value.values():
            _link(each, known)
    elif isinstance(value, list):
        for each in value:
            _link(each, known)


def styled(svg: str) -> str:
    """A picture with the rules of its classes inside, in the colours of paper."""
    return with_rules(svg, _rules())


@cache
def _rules() -> str:
    """The rules for ``svg.chart``, with their variables filled in and the one font that is there."""
    screen = stylesheet().partition("@media")[0]
    values = dict(_VARIABLES.findall(screen))
    rules = []
    for selector, body in _RULE.findall(screen):
        names = [name.strip() for name in selector.split(",") if name.strip().startswith("svg.chart ")]
        if names:
            filled = _VAR.sub(lambda found: values.get(found[1], "#000000"), body)
            rules.append(f"{', '.join(name.removeprefix('svg.chart ') for name in names)} {{{filled}}}")
    return f"text {{ {_FONT}}} " + " ".join(rules)
