"""The card of a bought system, made from its line in the register."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vesalius.card import LANGUAGES, Card, Input, Option, Source

if TYPE_CHECKING:
    from vesalius.governance.register import Entry

TEXTS = Path(__file__).parent / "texts"

INPUTS = (
    Input("finding", "category", levels=("abnormal", "normal", "unclear")),
    Input("confidence", "number"),
    Input("measurements", "number"),
    Input("sex", "category", levels=("female", "male", "other", "unknown")),
    Input("age", "number", unit="a"),
)
REASONS = ("not_seen_in_tracing", "artefact", "known_already", "clinical_picture", "other")
LIMITS = ("results_only", "no_probability", "maker_bounds")


def card_of(entry: Entry) -> Card:
    """The card: what the maker says, and that the platform sees the results only."""
    words = {"<title>": entry.title, "<maker>": entry.maker, "<purpose>": entry.purpose}
    sources = (Source("instructions", f"{entry.maker}: {entry.title} {entry.version}", entry.instructions),)
    return Card(
        name=entry.name,
        version=entry.version,
        risk_class=f"CE {entry.ce_class} (MDR)" if entry.ce_class != "none" else "no CE mark as a device",
        reviewers=("doctor",),
        inputs=INPUTS,
        options=(Option("abnormal", "warning"), Option("normal"), Option("unclear")),
        override_reasons=REASONS,
        limits=LIMITS,
        sources=sources,
        texts={language: _filled(_texts(language), words) for language in LANGUAGES},
    )


@cache
def _texts(language: str) -> dict[str, str]:
    return msgspec.toml.decode((TEXTS / f"{language}.toml").read_bytes(), type=dict[str, str])


def _filled(texts: dict[str, str], words: dict[str, str]) -> dict[str, str]:
    """The texts with the words of the entry, whose braces are no places for values."""
    made = {}
    for key, text in texts.items():
        for place, word in words.items():
            text = text.replace(place, word.replace("{", "{{").replace("}", "}}"))
        made[key] = text
    return made
