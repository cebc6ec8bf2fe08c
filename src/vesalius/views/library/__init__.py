"""The library: useful views that ship with Vesalius, each a JSON file here with its code systems pinned.

The files say themselves what they give: the title and description of each view, and of each of its columns.
Columns named ``stay``, ``patient`` and the like hold the ``id`` of another view's row, to join on.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from vesalius.errors import NotFound
from vesalius.views._view import View

FOLDER = Path(__file__).parent

BASE = "https://vesalius.example/fhir/ViewDefinition/"
"""What the canonical URL of each begins with; its name follows."""


@cache
def names() -> tuple[str, ...]:
    """The names of the views, in order of the alphabet."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def text(name: str) -> str:
    """A view as it stands in its file.

    Raises:
        NotFound: there is no such view.
    """
    if name not in names():
        raise NotFound(f"the library has no view {name[:64]!r}", hint="vesalius view list")
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def definition(name: str) -> dict[str, Any]:
    """A view, decoded.

    Raises:
        NotFound: there is no such view.
    """
    found: dict[str, Any] = msgspec.json.decode(text(name))
    return found


def load(name: str) -> View:
    """A view, ready to run.

    Raises:
        NotFound: there is no such view.
    """
    return View.load(definition(name))
