"""How one input lay in one week, beside the reference."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from vesalius.errors import NotFound
from vesalius.evaluation.monitoring import total
from vesalius.evaluation.monitoring.reference import Field
from vesalius.monitoring import _references, _tallies
from vesalius.monitoring._weeks import FEWEST
from vesalius.store import reading


@dataclass(frozen=True)
class Beside:
    """One input, twice.

    Attributes:
        field: the input of the reference, with its bins.
        before: how many were in each bin of the reference; the last is missing.
        now: how many were in each bin that week.
    """

    field: Field
    before: tuple[int, ...]
    now: tuple[int, ...]


def distribution(engine: sa.Engine, name: str, model: str, input_: str, monday: int) -> Beside:
    """One input in the week of a Monday (as days since 1970) beside the reference.

    Raises:
        NotFound: there is no reference, no such input, or fewer than 30 suggestions that week.
    """
    with reading(engine) as connection:
        kept = _references.in_force(connection, name, model)
        found = _tallies.between(connection, name, model, "filed", monday, monday + 6)
    week = total(list(found.values()))
    if kept is None or week.rows < FEWEST:
        raise NotFound(
            "nothing can be shown of this week", hint=f"it takes a reference and {FEWEST} suggestions"
        )
    for field, counts in zip(kept.reference.fields, week.counts, strict=True):
        if field.name == input_:
            return Beside(field, field.counts, counts)
    raise NotFound("there is no such input", hint=", ".join(each.name for each in kept.reference.fields))
