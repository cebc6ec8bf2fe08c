"""The report as one HTML page: no script, no inline style, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from vesalius.card import Card
from vesalius.evaluation.reporting.compose import document
from vesalius.evaluation.reporting.document import Document, Section, anchor
from vesalius.evaluation.reporting.questions import Answer
from vesalius.evaluation.run import Run

if TYPE_CHECKING:
    from jinja2 import Environment


def report(
    run: Run,
    card: Card,
    language: str,
    answers: Mapping[str, Answer] | None = None,
    *,
    own: bool | None = None,
    synthetic: bool = False,
) -> str:
    """One self-contained HTML page; the same run, card and answers give the same bytes.

    Args:
        run: the figures.
        card: of the use case that was validated; it says the words about the use.
        language: fr, nl, de or en.
        answers: what people answered, by question.
        own: whether the model is one that the hospital learnt; None where that is not known.
        synthetic: whether the patients are made up.

    Raises:
        InvalidSetting: the report does not speak that language.
    """
    return page(document(run, card, language, answers, own=own, synthetic=synthetic))


def page(made: Document) -> str:
    """A document as a page of its own."""
    return _render("page.html", made, made.sections)


def fragment(made: Document, *keys: str) -> str:
    """The body of a document, for a page that has its own head and links :func:`stylesheet`.

    Args:
        made: the document.
        keys: the sections to show; none of them for all.
    """
    shown = tuple(section for section in made.sections if not keys or section.key in keys)
    return _render("fragment.html", made, shown)


@cache
def stylesheet() -> str:
    """The CSS of the report and of its pictures; every rule stays inside ``.report`` or ``svg.chart``."""
    return (files("vesalius.evaluation.reporting") / "templates" / "report.css").read_text("utf-8")


def _render(template: str, made: Document, shown: tuple[Section, ...]) -> str:
    from markupsafe import Markup

    whole = len(shown) == len(made.sections)
    return (
        _environment()
        .get_template(template)
        .render(
            doc=made,
            sections=shown,
            whole=whole,
            anchor=anchor,
            css=Markup(stylesheet()),  # noqa: S704 -- a file of ours  # nosec B704
            drawn=Markup,
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("vesalius.evaluation.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
