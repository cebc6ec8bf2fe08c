"""A sheet as a file: HTML, or PDF that is tagged and archivable, in large print."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, time
from html import escape
from importlib.resources import files
from typing import Any

from vesalius.errors import InvalidSetting
from vesalius.explanation.document import Part, Sheet

log = logging.getLogger(__name__)

FORMATS = ("html", "pdf")
"""What a sheet can be."""

STANDARDS: tuple[Any, ...] = (["ua-1", "a-2a"], ["ua-1"])
"""What is tried, best first, at last none of them: a name that no font can write is no PDF/A."""

STYLE = """
body { font: 1.25rem/1.6 Verdana, "DejaVu Sans", sans-serif; color: #1b2530; background: #fff; }
body { max-width: 42rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.8rem; line-height: 1.25; } h2 { font-size: 1.4rem; margin-top: 2rem; }
svg { max-width: 100%; height: auto; }
.banner { border: 2px solid #a63a0b; color: #a63a0b; padding: .5rem; }
.foot { color: #51606f; font-size: 1rem; border-top: 1px solid #51606f; padding-top: .5rem; }
@media print { h2 { break-after: avoid; } section { break-inside: avoid; } }
"""
"""Large print: 20 px in the browser and 16 pt on paper, and it grows with the reader's own setting.

Source: RNIB, Clear print guidelines: large print is 16 to 18 pt.
"""


def render(kind: str, made: Sheet) -> bytes:
    """A sheet as the bytes of a file; the same sheet gives the same bytes.

    Raises:
        InvalidSetting: there is no such format.
    """
    if kind not in FORMATS:
        raise InvalidSetting(f"a sheet is no {kind}", hint=f"one of {', '.join(FORMATS)}")
    return pdf(made) if kind == "pdf" else page(made).encode()


def page(made: Sheet) -> str:
    """A whole page that needs nothing else."""
    title = escape(made.title)
    return (
        f'<!doctype html>\n<html lang="{made.language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><main>\n<h1>{title}</h1>\n{fragment(made)}</main></body></html>\n"
    )


def fragment(made: Sheet) -> str:
    """The sheet without its title, to stand in a page."""
    head = [f'<p class="banner">{escape(made.banner)}</p>'] if made.banner else []
    head += [f"<p>{escape(each)}</p>" for each in (made.about, made.tool, made.lead) if each]
    foot = " · ".join(each for each in (made.hospital, made.foot) if each)
    body = "\n".join(_part(each) for each in made.parts)
    return "\n".join(head) + f'\n{body}\n<p class="foot">{escape(foot)}</p>\n'


def pdf(made: Sheet) -> bytes:
    """A sheet as PDF: tagged (PDF/UA-1) and archivable (PDF/A-2a), made by typst; nothing is fetched."""
    import typst

    source = (files("vesalius.explanation") / "templates" / "sheet.typ").read_bytes()
    data = {"sheet": made.to_bytes().decode()}
    at = datetime.combine(date.fromisoformat(made.day), time(), UTC)
    for standards in STANDARDS:
        try:
            return typst.compile(
                source, sys_inputs=data, ignore_system_fonts=True, pdf_standards=standards, timestamp=at
            )
        except typst.TypstError:
            # Not its message: it could quote what the sheet says.
            log.warning("a sheet is no PDF of %s", " and ".join(standards))
    return typst.compile(source, sys_inputs=data, ignore_system_fonts=True, timestamp=at)


def _part(part: Part) -> str:
    lines = [f"<h2>{escape(part.title)}</h2>", *(f"<p>{escape(each)}</p>" for each in part.before)]
    if part.points:
        lines.append(f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in part.points)}</ul>")
    if part.picture is not None:
        lines.append(part.picture.svg)
    lines += [f"<p>{escape(each)}</p>" for each in part.after]
    return f"<section>{''.join(lines)}</section>"
