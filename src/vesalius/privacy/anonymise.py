"""Making a table anonymous by its plan: search, publish, and say what it cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.errors import NotAnonymous
from vesalius.privacy import plan as plans
from vesalius.privacy._cells import Cells, Classes
from vesalius.privacy._coding import Coded, coded, levels_of
from vesalius.privacy._search import Found, Progress, Search
from vesalius.privacy.losses import criterion, granularity
from vesalius.privacy.models import Rules
from vesalius.privacy.plan import Plan
from vesalius.privacy.risk import Risks, risks


class Utility(msgspec.Struct, frozen=True, kw_only=True):
    """What the published table lost. All of them are less for a table that says more.

    Attributes:
        loss: from 0, the table as it was, to 1, nothing; see :class:`vesalius.privacy.losses.Loss`.
        discernibility: for each record, how many look like it; all of them for one left out.
        average_class_size: records by classes, those left out as one class.
        entropy: bits that the published names say less than the values.
        granularity: by column, the mean share of all values that a published name covers, 0 to 1.
    """

    loss: float
    discernibility: float
    average_class_size: float
    entropy: float
    granularity: dict[str, float]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, without the table: it can be kept and shown.

    Attributes:
        records: of the table that was given.
        suppressed: how many of them were left out.
        levels: by quasi-identifying column, the level that was published, 0 for the values themselves.
        depths: by column, how many levels there are.
        removed: the identifying columns, which were left out.
        before, after: the risks of the table given, and of the one published.
        utility: what it lost.
        criterion: what was to be lost least, and ``lost``: how much of it was.
        optimal: whether nothing loses less. Not if the plan's number of checks came first.
        searched: how many generalisations were looked at, of ``nodes``.
        models: the models of the plan, as it writes them.
    """

    records: int
    suppressed: int
    levels: dict[str, int]
    depths: dict[str, int]
    removed: list[str]
    before: Risks
    after: Risks
    utility: Utility
    criterion: plans.Criterion
    lost: float
    optimal: bool
    searched: int
    nodes: int
    models: list[plans.Model]


@dataclass(frozen=True)
class Anonymised:
    """A published table and what it cost.

    Attributes:
        table: the records that are published, in the order of their values: the order they came in is no
            clue.
        result: levels, risks, losses.
    """

    table: pa.Table
    result: Result

    @property
    def levels(self) -> dict[str, int]:
        """By column, the level that was published."""
        return self.result.levels

    @property
    def suppressed(self) -> int:
        """How many records were left out."""
        return self.result.suppressed

    @property
    def risks(self) -> Risks:
        """Of the published table."""
        return self.result.after

    @property
    def loss(self) -> float:
        """What was lost, by the plan's criterion."""
        return self.result.lost

    @property
    def optimal(self) -> bool:
        """Whether nothing loses less."""
        return self.result.optimal

    @property
    def searched(self) -> int:
        """How many generalisations were looked at."""
        return self.result.searched


def anonymise(
    table: pa.Table, plan: Plan, population: pa.Table | None = None, progress: Progress | None = None
) -> Anonymised:
    """Makes a table anonymous, losing as little as can be.

    The same table and plan give the same result.

    Args:
        table: the records, with exactly the columns of the plan.
        plan: what must hold of the published table.
        population: those among whom an attacker looks; for k-map, delta-presence and the journalist's risk.
        progress: called now and then with the generalisations that are settled, and all of them.

    Raises:
        InvalidPlan: the plan, its hierarchies and the table do not fit.
        NotAnonymous: no generalisation meets the plan.
    """
    made = coded(table, plan, population)
    cells = made.cells
    rules = Rules(plan.models, cells)
    measure = criterion(plan.criterion, cells, rules.smallest)
    limit = math.floor(plan.suppression * table.num_rows + 1e-9)
    found = Search(cells, rules, measure, limit, plan.checks).run(progress)
    if found is None:
        raise _hopeless(cells, plan, limit)
    return Anonymised(_published(table, plan, made, found), _result(table, plan, cells, found))


def _result(table: pa.Table, plan: Plan, cells: Cells, found: Found) -> Result:
    raw = cells.count > 0
    kept = found.kept & (found.classes.size > 0)
    people = found.classes.population
    after = risks(found.classes.size[kept], plan.threshold, None if people is None else people[kept])
    before = risks(
        cells.count[raw], plan.threshold, None if cells.population is None else cells.population[raw]
    )
    return Result(
        records=table.num_rows,
        suppressed=table.num_rows - after.records,
        levels=dict(levels_of(found.classes.node, cells.axes)),
        depths={axis.name: axis.first + axis.depth for axis in cells.axes},
        removed=plan.named("identifying"),
        before=before,
        after=after,
        utility=_utility(cells, found),
        criterion=plan.criterion,
        lost=found.loss,
        optimal=found.optimal,
        searched=found.checked,
        nodes=found.nodes,
        models=list(plan.models),
    )


def _utility(cells: Cells, found: Found) -> Utility:
    def lost(name: plans.Criterion) -> float:
        return criterion(name, cells).value(found.classes, found.kept)

    return Utility(
        loss=lost("loss"),
        discernibility=lost("discernibility"),
        average_class_size=lost("average-class-size"),
        entropy=lost("entropy"),
        granularity=granularity(cells, found.classes.node),
    )


def _published(table: pa.Table, plan: Plan, made: Coded, found: Found) -> pa.Table:
    keep = found.kept[found.classes.of[made.row]]
    mask = pa.array(keep)
    place = {axis.name: at for at, axis in enumerate(made.cells.axes)}
    columns: dict[str, Any] = {}
    for name in table.column_names:
        role = plan.columns[name].role
        if role == "identifying":
            continue
        if role != "quasi-identifying":
            columns[name] = table[name].filter(mask)
            continue
        at = place[name]
        axis, level = made.cells.axes[at], found.classes.node[at]
        if level + axis.first == 0:
            columns[name] = table[name].filter(mask)
            continue
        names = pa.array(axis.names[level], pa.string())
        columns[name] = names.take(axis.codes[level][made.cells.codes[at]][made.row[keep]])
    return _in_order(pa.table(columns))


def _in_order(table: pa.Table) -> pa.Table:
    """In the order of the values, so that the order in which they came says nothing."""
    keys: list[tuple[str, Literal["ascending", "descending"]]] = [
        (name, "ascending") for name in table.column_names if not pa.types.is_nested(table[name].type)
    ]
    return table.take(pc.sort_indices(table, sort_keys=keys)) if keys else table


def _hopeless(cells: Cells, plan: Plan, limit: int) -> NotAnonymous:
    """Why nothing could be published: which models fail where the table is coarsest, and what would help."""
    top = cells.classes(tuple(axis.depth - 1 for axis in cells.axes))
    stopping = []
    for model in plan.models:
        judged = Rules([model], cells).judge(top, cells.records)
        out = cells.records - int(top.size[judged.kept].sum())
        if out > limit or not judged.possible:
            stopping.append(f"{plans.kind(model)} would leave out {out} of {cells.records} records")
    if plan.checks is not None and not stopping:
        return NotAnonymous(
            f"none of the first {plan.checks} generalisations meets the plan", hint="allow more checks"
        )
    what = "; ".join(stopping) or "the models together leave out too many records on every level"
    return NotAnonymous(
        f"no generalisation meets the plan, which lets {limit} records be left out; "
        f"on the coarsest levels: {what}",
        hint=_help(cells, top, plan),
    )


def _help(cells: Cells, top: Classes, plan: Plan) -> str:
    not_one = [axis.name for axis in cells.axes if len(axis.names[-1]) > 1]
    if not_one:
        return f"give {', '.join(not_one)} a coarser last level, or raise the suppression"
    if top.size.sum() < max(
        (model.k for model in plan.models if isinstance(model, plans.KAnonymity)), default=0
    ):
        return "the table has fewer records than k"
    if any(isinstance(model, plans.Presence | plans.KMap) for model in plan.models):
        return "the population is too small for these bounds, or the table too large a part of it"
    return "the sensitive column itself does not vary as much as the models ask: ask for less of it"
