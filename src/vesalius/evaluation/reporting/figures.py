"""Figures taken from a run by their path, so that a figure and its link can never part."""

from __future__ import annotations

import re
import string
from typing import Any

import msgspec

from vesalius.errors import NotFound
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.reporting.document import Span, Spans
from vesalius.evaluation.run import Run
from vesalius.evaluation.words import Words

_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]")

LONGEST = 400
"""Characters of a stored value that are written out; of a longer one, how many values it holds."""


def find(run: Run, path: str) -> Any:
    """What stands at a path of a run, such as ``performances[0].auroc.value``.

    Raises:
        NotFound: the run has nothing there.
    """
    value: Any = run
    place = 0
    for step in _STEP.finditer(path):
        name, index = step.groups()
        try:
            value = getattr(value, name) if name else value[int(index)]
        except (AttributeError, IndexError, TypeError) as error:
            raise NotFound(f"the run has no {path}") from error
        if step.start() != place:
            break
        place = step.end()
    if place != len(path):
        raise NotFound(f"{path} is no path of a run")
    return value


def stored(run: Run, path: str) -> str:
    """What stands at a path, as it stands in the file: JSON; of a long one, how many values it holds."""
    written = msgspec.json.encode(find(run, path)).decode()
    return written if len(written) <= LONGEST else ""


def size(run: Run, path: str) -> int:
    """How many numbers stand at and below a path."""
    return _numbers(msgspec.to_builtins(find(run, path)))


def _numbers(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_numbers, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_numbers, value))
    return int(isinstance(value, int | float))


class Figures:
    """Figures of one run, written in one language."""

    def __init__(self, run: Run, words: Words) -> None:
        self.run = run
        self.words = words

    def estimate(self, path: str, digits: int = 3) -> Span:
        """A figure with its interval."""
        return Span(self.words.estimate(self._estimate(path), digits), path)

    def share(self, path: str, digits: int = 1) -> Span:
        """A proportion with its interval, in percent."""
        return Span(self.words.share(self._estimate(path), digits), path)

    def percent(self, path: str, digits: int = 0) -> Span:
        """A share of one, in percent."""
        return Span(self.words.percent(find(self.run, path), digits), path)

    def number(self, path: str, digits: int = 0) -> Span:
        """A number."""
        return Span(self.words.number(find(self.run, path), digits), path)

    def text(self, path: str) -> Span:
        """Words of the run itself: a date, a hash."""
        return Span(str(find(self.run, path)), path)

    def thousand(self, path: str, digits: int = 0) -> Span:
        """A count, per 1,000 rows."""
        return Span(self.words.number(find(self.run, path) * 1000 / self.run.rows, digits), path)

    def of(self, path: str, text: str) -> Span:
        """A figure that follows from what stands at ``path``, written by the caller."""
        find(self.run, path)
        return Span(text, path)

    def _estimate(self, path: str) -> Estimate | None:
        found = find(self.run, path)
        return found if found is None or isinstance(found, Estimate) else Estimate(float(found))


def fill(template: str, values: dict[str, object]) -> Spans:
    """The spans of a text whose ``{fields}`` are figures or words."""
    parts: list[Span] = []
    for literal, name, _, _ in string.Formatter().parse(template):
        if literal:
            parts.append(Span(literal))
        if name is not None:
            value = values[name]
            parts.append(value if isinstance(value, Span) else Span(str(value)))
    return tuple(parts)
