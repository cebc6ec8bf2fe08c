"""One row of evidence with what a model says of it: what every use that learns makes of them.

Ours are built on it, and a hospital's own may be: a use says what it proposes, and why.
"""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vesalius.card import Card, Input, Text
from vesalius.usecase import Evidence, Reason, Suggestion, UseCase

if TYPE_CHECKING:
    from vesalius.modelling import Scores


@dataclass(frozen=True, kw_only=True)
class Case(abc.ABC):
    """One candidate with what is known, and what the model says.

    Attributes:
        card, settings: of the use case.
        facts: the inputs by name; None where not known.
        sources: the versioned references of each input.
        scores: what the model says of all candidates; None where it does not speak of this one.
        row: which candidate.
    """

    card: Card
    settings: Mapping[str, float]
    facts: Mapping[str, Any]
    sources: Mapping[str, tuple[str, ...]]
    scores: Scores | None
    row: int

    @property
    @abc.abstractmethod
    def option(self) -> str:
        """The code of the option that is proposed."""

    @property
    @abc.abstractmethod
    def summary(self) -> Text:
        """One line."""

    @property
    @abc.abstractmethod
    def priority(self) -> float:
        """Its place in the worklist, 0 to 1."""

    @property
    @abc.abstractmethod
    def reasons(self) -> tuple[Reason, ...]:
        """Why."""

    @abc.abstractmethod
    def applies(self, *, shipped: bool) -> Mapping[str, bool]:
        """Of each limit of the card, whether it applies here.

        Args:
            shipped: whether the model is the one that comes with the use case.
        """

    @property
    def silent(self) -> bool:
        """Whether no probability may be shown."""
        return self.scores is None

    @property
    def shown(self) -> Scores | None:
        """What the model says, where it may be shown."""
        return None if self.silent else self.scores

    @property
    def probability(self) -> float | None:
        """Of the card's target, to 6 decimals."""
        return None if self.shown is None else round(self.shown.probability[self.row], 6)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 90 % interval of the probability, to 6 decimals; None where the model gives none."""
        found = None if self.shown is None else self.shown.interval(self.row)
        return None if found is None else (round(found[0], 6), round(found[1], 6))

    @property
    def base(self) -> float:
        """The log odds before any fact."""
        return 0.0 if self.shown is None else self.shown.base

    @property
    def missing(self) -> tuple[str, ...]:
        """The inputs that were not known."""
        return tuple(item.name for item in self.card.inputs if self.facts.get(item.name) is None)

    def weighed(self, rest: Iterable[str]) -> Iterator[Reason]:
        """The facts that the model weighed, strongest first, then what is known of ``rest``."""
        added = {} if self.shown is None else dict(self.shown.strongest(self.row))
        for name in (*added, *(name for name in rest if name not in added)):
            value, weight = self.facts.get(name), added.get(name, 0.0)
            if value is not None or weight:
                yield Reason(name, value, weight, self.sources.get(name, ()))

    def sources_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """Where some inputs came from: each resource once, in the order in which it was read."""
        return tuple(dict.fromkeys(source for name in names for source in self.sources.get(name, ())))

    def limits(self, *, shipped: bool) -> tuple[str, ...]:
        """The card's limits that apply here, in its order; arguments as of :meth:`applies`."""
        applies = self.applies(shipped=shipped)
        return tuple(key for key in self.card.limits if applies[key])

    def suggestion(self, usecase: UseCase, evidence: Evidence, **rest: Any) -> Suggestion:
        """The suggestion; ``rest`` as in :meth:`vesalius.usecase.UseCase.suggestion`."""
        return usecase.suggestion(
            evidence,
            self.row,
            self.option,
            self.summary,
            priority=self.priority,
            probability=self.probability,
            interval=self.interval,
            base=self.base,
            reasons=self.reasons,
            missing=self.missing,
            limits=self.limits(shipped=usecase.is_shipped),
            **rest,
        )


def arrow_type(item: Input) -> Any:
    """The Arrow type of an input's column."""
    import pyarrow as pa

    return {"number": pa.float64(), "boolean": pa.bool_()}.get(item.kind, pa.string())
