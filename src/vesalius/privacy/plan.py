"""What a hospital writes down before it anonymises: the plan, a TOML file.

::

    suppression = 0.05                     # at most this share of the records may be left out

    [columns.name]
    role = "identifying"                   # left out

    [columns.age]
    role = "quasi-identifying"             # an attacker may know it: made coarser
    hierarchy = { kind = "intervals", widths = [5, 10, 20], low = 0, high = 120 }

    [columns.diagnosis]
    role = "sensitive"                     # what an attacker must not learn

    [[models]]
    kind = "k-anonymity"
    k = 5

    [[models]]
    kind = "distinct-l-diversity"
    column = "diagnosis"
    l = 3
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from vesalius.errors import InvalidPlan

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Whole = Annotated[int, msgspec.Meta(ge=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]

Role = Literal["identifying", "quasi-identifying", "sensitive", "insensitive"]
"""What an attacker can do with a column."""

Criterion = Literal["loss", "discernibility", "average-class-size", "entropy"]
"""What is to be lost least; see :mod:`vesalius.privacy.losses`."""

Distance = Literal["equal", "ordered", "hierarchical"]
"""How far two values of a sensitive column lie apart (Li et al. 2007, section 4)."""

Step = Literal["month", "quarter", "year", "decade"]


class _Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """A choice that ``kind`` names."""


class FromFile(_Spec, frozen=True, tag="file", kw_only=True):
    """A file in ARX's form: no header; the value, then its coarser names, separated by ``;``."""

    path: str


class Rows(_Spec, frozen=True, tag="rows", kw_only=True):
    """The rows themselves: each a value, then its coarser names."""

    rows: list[list[str]]


class Intervals(_Spec, frozen=True, tag="intervals", kw_only=True):
    """Numbers in intervals, each width a multiple of the one before; above them everything.

    Attributes:
        widths: of each level, in the units of the column.
        low: where the first interval begins.
        high: from here on, all values are one (``90+``); below ``low`` likewise. None of them for no end.
    """

    widths: Annotated[list[Positive], msgspec.Meta(min_length=1)]
    low: float = 0.0
    high: float | None = None


class Dates(_Spec, frozen=True, tag="dates", kw_only=True):
    """Days (ISO 8601) in months, quarters, years, decades; above them everything."""

    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)] = ("month", "quarter", "year")


class Prefixes(_Spec, frozen=True, tag="prefixes", kw_only=True):
    """Codes by their first characters: postal codes, NIS codes, ICD-10, ATC; above them everything.

    Attributes:
        lengths: how many characters are kept at each level, fewer and fewer: ``[3, 2, 1]`` for a Belgian
            postal code (1000-9999: the first digit is the province or a part of it), ``[3, 2]`` for the
            municipality (NIS, five digits), its district and province, ``[5, 4, 3, 1]`` for the levels of
            the ATC.
    """

    lengths: Annotated[list[Whole], msgspec.Meta(min_length=1)]


class All(_Spec, frozen=True, tag="all", kw_only=True):
    """The value as it is, or nothing of it."""


HierarchySpec = FromFile | Rows | Intervals | Dates | Prefixes | All
"""How the values of a column are made coarser."""


class KAnonymity(_Spec, frozen=True, tag="k-anonymity", kw_only=True):
    """Every published record looks like at least ``k - 1`` others (Sweeney 2002)."""

    k: Annotated[int, msgspec.Meta(ge=2)]


class KMap(_Spec, frozen=True, tag="k-map", kw_only=True):
    """Every published record fits at least ``k`` persons of the population (Sweeney 2001)."""

    k: Annotated[int, msgspec.Meta(ge=2)]


class DistinctDiversity(_Spec, frozen=True, tag="distinct-l-diversity", kw_only=True):
    """At least ``l`` values of the column in every class (Machanavajjhala et al. 2007)."""

    column: str
    l: Annotated[int, msgspec.Meta(ge=2)]  # noqa: E741 -- as the paper calls it


class EntropyDiversity(_Spec, frozen=True, tag="entropy-l-diversity", kw_only=True):
    """The entropy of the column in every class is that of ``l`` equally frequent values, or more."""

    column: str
    l: Annotated[float, msgspec.Meta(gt=1)]  # noqa: E741


class RecursiveDiversity(_Spec, frozen=True, tag="recursive-l-diversity", kw_only=True):
    """In every class the most frequent value is rarer than ``c`` times those from the ``l``-th on."""

    column: str
    c: Positive
    l: Annotated[int, msgspec.Meta(ge=2)]  # noqa: E741 -- as the paper calls it


class Closeness(_Spec, frozen=True, tag="t-closeness", kw_only=True):
    """In every class the column is spread as in the whole table, to within ``t`` (Li et al. 2007)."""

    column: str
    t: Annotated[float, msgspec.Meta(gt=0, le=1)]
    distance: Distance = "equal"


class Disclosure(_Spec, frozen=True, tag="delta-disclosure", kw_only=True):
    """No value's share in a class is ``2**delta`` times that in the table, or its inverse (Brickell 2008).

    A value that a class lacks is not counted, as in ARX and pycanon.
    """

    column: str
    delta: Positive


class Presence(_Spec, frozen=True, tag="delta-presence", kw_only=True):
    """The chance that a person of the population is in the table lies between ``low`` and ``high``.

    Nergiz et al. 2007. Needs the population's table. With ``low`` above zero nobody of the population may
    be missing from the classes: nothing can then be left out to help it.
    """

    low: Share = 0.0
    high: Share


Model = (
    KAnonymity
    | KMap
    | DistinctDiversity
    | EntropyDiversity
    | RecursiveDiversity
    | Closeness
    | Disclosure
    | Presence
)


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One column of the table.

    Attributes:
        role: what an attacker can do with it.
        hierarchy: how it is made coarser (quasi-identifying); how its values are alike (sensitive, for the
            hierarchical or the ordered distance).
        lowest: the finest level that may be published, 0 for the values themselves.
        highest: the coarsest; none for the last of the hierarchy.
    """

    role: Role
    hierarchy: HierarchySpec | None = None
    lowest: Annotated[int, msgspec.Meta(ge=0)] = 0
    highest: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What must hold of the published table.

    Attributes:
        columns: every column of the table by name; one that is not named is an error, for it would slip out.
        models: all of them must hold in every class that is published.
        suppression: at most this share of the records may be left out.
        criterion: what is to be lost least.
        threshold: the risk of a record above which it is counted as at risk.
        checks: at most so many generalisations are looked at; then the best found so far is taken, and said
            not to be proven the best. None of them for no end.
    """

    columns: dict[str, Column]
    models: Annotated[list[Model], msgspec.Meta(min_length=1)]
    suppression: Share = 0.0
    criterion: Criterion = "loss"
    threshold: Share = 0.2
    checks: Whole | None = None

    def named(self, role: Role) -> list[str]:
        """The columns of one role, in the order of the plan."""
        return [name for name, column in self.columns.items() if column.role == role]

    def check(self) -> None:
        """Looks for what the form of the file cannot rule out.

        Raises:
            InvalidPlan: no quasi-identifying column, one without hierarchy, a model on a column that is not
                sensitive, levels or bounds the wrong way round.
        """
        quasi = self.named("quasi-identifying")
        if not quasi:
            raise InvalidPlan(
                "the plan names no quasi-identifying column", hint="say what an attacker may know"
            )
        for name in quasi:
            column = self.columns[name]
            if column.hierarchy is None:
                raise InvalidPlan(
                    f"column {name!r} has no hierarchy", hint='{ kind = "all" } is the simplest'
                )
            if column.highest is not None and column.highest < column.lowest:
                raise InvalidPlan(f"column {name!r}: its highest level is below its lowest")
        for model in self.models:
            self._check_model(model)

    def _check_model(self, model: Model) -> None:
        if isinstance(model, Presence) and model.low > model.high:
            raise InvalidPlan("delta-presence: low is above high")
        name = getattr(model, "column", None)
        if name is None:
            return
        column = self.columns.get(name)
        if column is None or column.role != "sensitive":
            raise InvalidPlan(f"{kind(model)} needs a sensitive column, and {name!r} is none")
        if isinstance(model, Closeness) and model.distance == "hierarchical" and column.hierarchy is None:
            raise InvalidPlan(f"the hierarchical distance needs a hierarchy of {name!r}")


def kind(spec: msgspec.Struct) -> str:
    """The name of a model or hierarchy, as the plan writes it."""
    return str(type(spec).__struct_config__.tag)


def read_plan(path: Path) -> Plan:
    """A plan from its TOML file; the files of hierarchies are looked for beside it.

    Raises:
        InvalidPlan: it is not readable, or wrong; the message names the place.
    """
    try:
        plan = msgspec.toml.decode(path.read_bytes(), type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidPlan(f"{path.name}: {error}") from None
    except OSError as error:
        raise InvalidPlan(f"{path.name} cannot be read: {error.strerror}") from None
    plan.check()
    beside = {name: _placed(column, path.parent) for name, column in plan.columns.items()}
    return msgspec.structs.replace(plan, columns=beside)


def _placed(column: Column, folder: Path) -> Column:
    if not isinstance(column.hierarchy, FromFile):
        return column
    return msgspec.structs.replace(column, hierarchy=FromFile(path=str(folder / column.hierarchy.path)))
