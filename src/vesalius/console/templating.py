"""Templates: one Jinja environment per language, everything escaped, nothing undefined."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vesalius.console import pictures
from vesalius.console.languages import languages

FOLDER = Path(__file__).parent / "templates"


def plain(value: float) -> str:
    """A number for a form field: a point, no grouping, no more digits than it has."""
    return f"{value:.10g}"


def picture(svg: str) -> Markup:
    """A picture of the academy's own drawing, which escapes every word in it."""
    return Markup(svg)  # noqa: S704 -- vesalius.academy.drawing makes it  # nosec B704


@cache
def environment(code: str) -> Environment:
    """The environment whose words, dates and numbers are in the language ``code``."""
    language = languages()[code]
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(language.gettext, language.ngettext, newstyle=True)  # type: ignore[attr-defined]
    for name in ("day", "moment", "clock", "near", "lasted", "briefly", "number", "percent", "signed"):
        made.filters[name] = getattr(language, name)
    made.filters["plain"] = plain
    made.filters["picture"] = picture
    made.globals |= {
        "interval_picture": pictures.interval,
        "weight_picture": pictures.weight,
        "trace_picture": pictures.trace,
    }
    return made
