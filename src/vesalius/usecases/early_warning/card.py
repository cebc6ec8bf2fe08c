"""The card, and the views beside it: read and compiled once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from vesalius.card import Card
from vesalius.views import View

FOLDER = Path(__file__).parent


@cache
def card() -> Card:
    """The card."""
    return Card.load(FOLDER)


@cache
def view(name: str) -> View:
    """One of the views."""
    return View.load(FOLDER / "views" / f"{name}.json")


@cache
def codes(name: str) -> tuple[str, ...]:
    """The codes of an input or of what is measured, as ``SYSTEM|CODE``."""
    found = {item.name: item.codes for item in card().inputs}
    return (found | {item.name: item.codes for item in card().measured})[name]
