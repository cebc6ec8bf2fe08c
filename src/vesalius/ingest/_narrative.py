"""The readable text of a resource: a small piece of XHTML, made or cleaned, that can do nothing."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

_OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'


def listed(lines: Iterable[str]) -> dict[str, Any]:
    """A narrative made of some lines of text.

    >>> listed(["a < b"])["div"]
    '<div xmlns="http://www.w3.org/1999/xhtml"><ul><li>a &lt; b</li></ul></div>'
    """
    items = "".join(f"<li>{escape(line, quote=False)}</li>" for line in lines)
    return {"status": "generated", "div": f"{_OPEN}<ul>{items}</ul></div>"}


def sent(xhtml: str) -> dict[str, Any]:
    """A narrative that the sender wrote, already cleaned to elements and text of XHTML."""
    return {"status": "additional", "div": f"{_OPEN}{xhtml}</div>"}
