"""The report's own words and numbers in four languages; what is about the use comes from its card."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

from vesalius.card import LANGUAGES
from vesalius.errors import InvalidSetting
from vesalius.evaluation.metrics import Estimate

DASH = "–"

_THOUSANDS = {"fr": "\u202f", "de": ".", "nl": ".", "en": ","}

_PLAIN = 4
"""Digits up to which a number is written without a mark between its thousands."""

_PERCENT = {"fr": "\u202f%", "de": "\u00a0%", "nl": "%", "en": "%"}


@cache
def catalogue(language: str) -> dict[str, str]:
    """Every text of the report in one language.

    Raises:
        InvalidSetting: the report does not speak it.
    """
    if language not in LANGUAGES:
        raise InvalidSetting(
            f"the report does not speak {language!r}", hint=f"choose one of {', '.join(LANGUAGES)}"
        )
    raw = (files("vesalius.evaluation") / "texts" / f"{language}.toml").read_bytes()
    return msgspec.toml.decode(raw, type=dict[str, str])


class Words:
    """Says texts and numbers as people of one language write them."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.texts = catalogue(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key`` with its values filled in."""
        return self.texts[key].format(**values)

    def number(self, value: float | None, digits: int = 0) -> str:
        """A number with this many decimals, or a dash."""
        if value is None:
            return DASH
        text = f"{value:.{digits}f}"
        text = text.removeprefix("-") if not text.strip("-0.") else text  # no minus zero
        whole, point, rest = text.partition(".")
        if len(whole.lstrip("-")) > _PLAIN:
            whole = f"{int(whole):,}".replace(",", _THOUSANDS[self.language])
        return f"{whole}{point if self.language == 'en' else ',' * len(point)}{rest}".replace("-", "\u2212")

    def percent(self, value: float | None, digits: int = 0) -> str:
        """A share of one as a percentage."""
        return DASH if value is None else self.number(100 * value, digits) + _PERCENT[self.language]

    def estimate(self, item: Estimate | None, digits: int = 3) -> str:
        """A figure with its interval."""
        if item is None or item.value is None:
            return DASH
        value = self.number(item.value, digits)
        if item.low is None or item.high is None:
            return value
        low, high = self.number(item.low, digits), self.number(item.high, digits)
        return f"{value} ({self._range(item.low, low, high)})"

    def share(self, item: Estimate | None, digits: int = 1) -> str:
        """A proportion with its interval, in percent."""
        if item is None or item.value is None:
            return DASH
        value = self.percent(item.value, digits)
        if item.low is None or item.high is None:
            return value
        low, high = self.number(100 * item.low, digits), self.percent(item.high, digits)
        return f"{value} ({self._range(item.low, low, high)})"

    def _range(self, low: float, first: str, last: str) -> str:
        """Two ends; a dash between them would look like a minus sign where one is negative."""
        return f"{first}{DASH}{last}" if low >= 0 else self("to", low=first, high=last)
