"""What a clinical use is: every extension point of Vesalius, in this one file.

A use case is one class, :class:`UseCase`, that answers five questions: its :attr:`~UseCase.card` (what is it
for, on whom, by whom, not for what), :meth:`~UseCase.candidates` (who needs a suggestion),
:meth:`~UseCase.evidence` (which facts), :meth:`~UseCase.suggest` (what to propose, and why) and
:meth:`~UseCase.outcome` (what really happened). One that learns answers up to five more:
:meth:`~UseCase.learn`, :meth:`~UseCase.challenger`, :meth:`~UseCase.baselines`, :meth:`~UseCase.practice` and
:meth:`~UseCase.sites`; the model that it brings is named by :attr:`~UseCase.ships`. One that has measurements
to show answers :meth:`~UseCase.courses`.

It is found through the entry-point group ``vesalius.usecases``; ours use nothing that a hospital's own
cannot. All is batch-first: the same call serves one patient in milliseconds and a million in a validation
run, and the same code runs on history, in silence and live.
"""

from __future__ import annotations

import abc
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import metadata
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec

from vesalius.card import Card, Text
from vesalius.errors import (
    Conflict,
    InvalidCard,
    InvalidModel,
    InvalidSetting,
    NotFound,
    Unavailable,
    VesaliusError,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from vesalius.lake import Lake
    from vesalius.modelling import AnyModel

log = logging.getLogger(__name__)

GROUP = "vesalius.usecases"

OURS = (InvalidModel, InvalidCard, InvalidSetting, Unavailable, Conflict)
"""Errors that are not due to one patient's data (no model, no database): they stop what is being done."""

Indicator = Literal["info", "warning", "critical"]
"""How urgent a suggestion is: the three values of a CDS Hooks card (CDS Hooks 2.0, Card Attributes)."""


class Candidate(msgspec.Struct, frozen=True, order=True):
    """One patient, at one moment, for whom a suggestion is due.

    Attributes:
        subject: the patient, as ``Patient/ID``.
        focus: the resource that makes the suggestion due, as ``Type/ID`` (a specimen, a stay …).
        as_of: the moment of the suggestion; evidence is what was known then, and nothing later.
    """

    subject: str
    focus: str
    as_of: datetime


@dataclass(frozen=True)
class Evidence:
    """The facts about some candidates: row ``i`` of everything belongs to candidate ``i``.

    Attributes:
        candidates: N candidates.
        table: N rows, one column per input of the card; null where the input is not known.
        sources: N mappings from an input's name to the versioned references it came from
            (``Observation/ID/_history/2``); a tuple, or a sequence that looks them up when asked for.
        position: the position of the lake's log at which the facts were read.
    """

    candidates: tuple[Candidate, ...]
    table: pa.Table
    sources: Sequence[Mapping[str, tuple[str, ...]]]
    position: int

    def __len__(self) -> int:
        return len(self.candidates)

    @property
    def patients(self) -> list[str]:
        """N patients: what rows are kept together by."""
        return [candidate.subject for candidate in self.candidates]

    def known(self, name: str) -> int:
        """In how many rows an input is known."""
        return len(self) - int(self.table[name].null_count)

    def take(self, rows: Sequence[int]) -> Evidence:
        """The evidence on the candidates numbered ``rows``, in that order."""
        return Evidence(
            tuple(self.candidates[row] for row in rows),
            self.table.take(list(rows)) if len(rows) else self.table.slice(0, 0),
            _taken(self.sources, rows),
            self.position,
        )


def _taken(sources: Sequence[Mapping[str, tuple[str, ...]]], rows: Sequence[int]) -> Sequence[Any]:
    """Some sources: those that are looked up when asked for stay so, since a validation asks about few."""
    return tuple(sources[row] for row in rows) if isinstance(sources, tuple) else _Taken(sources, tuple(rows))


@dataclass(frozen=True)
class _Taken(Sequence[Any]):
    whole: Sequence[Any]
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return _Taken(self.whole, self.rows[at])
        return self.whole[self.rows[at]]


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """One contributing fact.

    Attributes:
        input: the card's input that it is about, or the name of the rule that spoke.
        value: the value of the input, as it was known.
        contribution: what it adds to the log odds (contributions and ``base`` sum to the prediction); 0 for a
            rule.
        sources: the versioned references of the resources it came from.
        rule: the text of the rule that spoke, when this reason is a rule.
        advice: what the ward can do about it, where the use case knows something.
    """

    input: str
    value: str | float | bool | None = None
    contribution: float = 0.0
    sources: tuple[str, ...] = ()
    rule: Text | None = None
    advice: Text | None = None


class Change(msgspec.Struct, frozen=True):
    """What would change the suggestion: were ``input`` ``value``, the option would be ``option``."""

    input: str
    value: str | float | bool | None
    option: str


class Suggestion(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What the tool proposes about one candidate. It is never an act.

    It holds all that is needed to make it again, byte for byte: the moment, the position of the lake, the
    version of the use case, the model's hash and the settings' hash. Words are keys of the card's texts, with
    their values: they are rendered in the reader's language when they are read.

    Attributes:
        usecase, version: which use case, in which version.
        model: the SHA-256 of the model file, or empty for a use that has only rules.
        settings: the SHA-256 of the hospital's settings of this use.
        subject, focus, as_of: the candidate.
        position: the position of the lake's log that was read.
        option: the code of the card's option that is proposed.
        indicator: how urgent.
        summary: one line that says what is proposed.
        priority: orders the worklist, greater first; 0 to 1.
        probability: of the card's target, 0 to 1; None where there is no model or the case is out of scope.
        interval: the 90 % interval of that probability.
        base: the log odds before any fact.
        reasons: the facts, strongest first.
        missing: the inputs that were not known.
        changes: what would change the option.
        limits: keys of texts that say what the tool was not tested for, that apply to this candidate.
        resources: FHIR resources proposed for the record once a person has accepted.
    """

    usecase: str
    version: str
    model: str = ""
    settings: str = ""
    subject: str
    focus: str
    as_of: datetime
    position: int
    option: str
    indicator: Indicator
    summary: Text
    priority: float = 0.0
    probability: float | None = None
    interval: tuple[float, float] | None = None
    base: float = 0.0
    reasons: tuple[Reason, ...] = ()
    missing: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    limits: tuple[str, ...] = ()
    resources: tuple[dict[str, Any], ...] = ()

    @property
    def id(self) -> str:
        """A name that depends only on what was asked: the same question has the same id."""
        asked = (self.usecase, self.version, self.model, self.settings, self.subject, self.focus, self.as_of)
        return hashlib.sha256(encode((*asked, self.position))).hexdigest()[:20]


class Course(msgspec.Struct, frozen=True):
    """How one measurement went until the moment of a suggestion: a small picture on its page.

    Attributes:
        name: a key of the card's texts that names it.
        unit: the UCUM unit.
        normal: the least and the greatest value that is normal; an end that is open is None.
        points: when it became known, and the value, oldest first.
    """

    name: str
    unit: str
    normal: tuple[float | None, float | None]
    points: tuple[tuple[datetime, float], ...]


class Outcome(msgspec.Struct, frozen=True):
    """What really happened to one candidate.

    Attributes:
        value: whether the card's target came true.
        known_at: when it could first be known.
        sources: the versioned references of the resources that say so.
        label: a short word of the source for people (an organism, "no growth").
    """

    value: bool
    known_at: datetime
    sources: tuple[str, ...] = ()
    label: str = ""


class UseCase(abc.ABC):
    """One clinical use of AI: five answers.

    Args:
        model: the model to use, or None for the one the use case ships (or for a use that has only rules).
        settings: the hospital's values of the card's settings; what is not given has the card's default.

    Attributes:
        card: what it is for.
        ships: the file of the model that comes with it, and the SHA-256 that it must have; None without one.
    """

    card: ClassVar[Card]
    ships: ClassVar[tuple[Path, str] | None] = None

    def __init__(self, model: AnyModel | None = None, settings: Mapping[str, Any] | None = None) -> None:
        self.model = model if model is not None else self.shipped_model()
        self.settings = self.card.fill(settings or {})

    @property
    def settings_hash(self) -> str:
        """The SHA-256 of the settings in force."""
        return hashlib.sha256(encode(self.settings)).hexdigest()

    def suggestion(self, evidence: Evidence, row: int, option: str, summary: Text, **rest: Any) -> Suggestion:
        """A suggestion about one row, with everything filled in that a replay needs.

        Args:
            evidence: the facts about N candidates.
            row: which of them.
            option: the code of the card's option.
            summary: one line.
            rest: any other field of :class:`Suggestion`; without them the indicator is that of the option,
                and what is missing are the card's inputs that are null in the row.
        """
        asked = evidence.candidates[row]
        rest.setdefault("indicator", self.card.option(option).indicator)
        if "missing" not in rest:
            names = (item.name for item in self.card.inputs)
            rest["missing"] = tuple(name for name in names if not evidence.table[name][row].is_valid)
        return Suggestion(
            usecase=self.card.name,
            version=self.card.version,
            model=self.model.hash if self.model else "",
            settings=self.settings_hash,
            subject=asked.subject,
            focus=asked.focus,
            as_of=asked.as_of,
            position=evidence.position,
            option=option,
            summary=summary,
            **rest,
        )

    @abc.abstractmethod
    def candidates(self, lake: Lake, since: datetime, until: datetime) -> list[Candidate]:
        """Who became due in (``since``, ``until``], by what was recorded in it; each with its own moment.

        Live, ``until`` is now; a validation run asks for years at once.
        """

    @abc.abstractmethod
    def evidence(self, lake: Lake, candidates: Sequence[Candidate]) -> Evidence:
        """The facts about each candidate, as known at its ``as_of``, from one reading of the lake."""

    @abc.abstractmethod
    def suggest(self, evidence: Evidence) -> list[Suggestion]:
        """One suggestion per candidate, in the same order; each depends on the evidence of its own alone."""

    @abc.abstractmethod
    def outcome(self, lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
        """What happened to each candidate, as far as it is known at ``as_of``."""

    def shipped_model(self) -> AnyModel | None:
        """The model that comes with the use case, if there is one.

        Raises:
            InvalidModel: the file is not the one that :attr:`ships` names.
        """
        from vesalius.modelling import shipped

        return shipped(*self.ships) if self.ships is not None and self.ships[0].exists() else None

    @property
    def is_shipped(self) -> bool:
        """Whether the model is the one that comes with the use case, and not the hospital's own."""
        shipped = self.shipped_model()
        return self.model is not None and shipped is not None and self.model.hash == shipped.hash

    def needed_model(self) -> AnyModel:
        """The model, for a use that says nothing without one.

        Raises:
            InvalidModel: there is none.
        """
        if self.model is None:
            raise InvalidModel(
                f"the use case {self.card.name} has no model",
                hint=f"train one: vesalius train {self.card.name}",
            )
        return self.model

    def learn(self, evidence: Evidence, outcomes: np.ndarray, seed: int = 0) -> AnyModel:  # noqa: ARG002
        """A new model from N rows of evidence and N outcomes (bool); same rows and seed, same hash."""
        raise InvalidCard(f"the use case {self.card.name} has only rules: there is nothing to learn")

    def challenger(
        self,
        evidence: Evidence,  # noqa: ARG002
        outcomes: np.ndarray,  # noqa: ARG002
        seed: int = 0,  # noqa: ARG002
    ) -> AnyModel | None:
        """A freer model, to be held beside the one that :meth:`learn` makes; None where there is none.

        Validation learns it on the same rows of the same folds, and tells whether its gain is more than
        chance. It is never the model in force.

        Raises:
            NotFound: the library that learns it is not installed; the validation then goes on without.
        """
        return None

    def baselines(self, evidence: Evidence) -> dict[str, np.ndarray]:  # noqa: ARG002
        """Simple rules or published scores to hold beside the model: N scores each, greater is likelier."""
        return {}

    def practice(
        self,
        lake: Lake,  # noqa: ARG002
        candidates: Sequence[Candidate],
        as_of: datetime,  # noqa: ARG002
    ) -> list[bool | None]:
        """Whether the clinicians, by themselves, did for each candidate what ``card.action`` names."""
        return [None] * len(candidates)

    def courses(self, lake: Lake, candidate: Candidate) -> tuple[Course, ...]:  # noqa: ARG002
        """How measurements went until the candidate's moment, for people to look at; none by default.

        They are drawn on the page of the suggestion from the position of the lake that it was made from.
        """
        return ()

    def sites(self, lake: Lake, candidates: Sequence[Candidate]) -> list[str] | None:  # noqa: ARG002
        """Where each candidate was seen (a ward, a hospital, a data set); None where that is not known.

        By it a validation holds out one site after another, or learns on all sites but one.
        """
        return None


@cache
def entry_points(*, group: str) -> EntryPoints:
    """What the installed packages declare; read once, since it means looking at every one of them (12 ms)."""
    return metadata.entry_points(group=group)


_present: dict[str, type[UseCase]] = {}


def present(kinds: Mapping[str, type[UseCase]]) -> None:
    """Puts use cases that were made while running beside those installed, in the place of any before.

    They are the bought systems of the register of the hospital that is open. An installed use case goes
    before one of the same name.
    """
    _present.clear()
    _present.update(kinds)


def presented() -> dict[str, type[UseCase]]:
    """The use cases that were put beside those installed."""
    return dict(_present)


def names() -> list[str]:
    """The names of the use cases that are installed on this machine, loaded or not, and of those present."""
    return sorted({point.name for point in entry_points(group=GROUP)} | _present.keys())


def installed() -> dict[str, type[UseCase]]:
    """Every use case that is installed on this machine and can be loaded, by name.

    One that cannot be loaded is written to the log: it must not take the others down with it.
    """
    found: dict[str, type[UseCase]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        try:
            found.setdefault(point.name, _load(point))  # of two with one name the first, as in find()
        except InvalidCard as error:
            log.error("%s", error)  # noqa: TRY400 -- the kind of error is enough
    return dict(sorted((_present | found).items()))


def find(name: str) -> type[UseCase]:
    """The use case called ``name``.

    Raises:
        NotFound: none is installed under that name.
        InvalidCard: it is installed, and cannot be loaded.
    """
    for point in (point for point in entry_points(group=GROUP) if point.name == name):
        return _load(point)
    if name in _present:
        return _present[name]
    raise NotFound(f"there is no use case {name!r}", hint=f"installed: {', '.join(names()) or 'none'}")


def _load(point: EntryPoint) -> type[UseCase]:
    try:
        found: type[UseCase] = point.load()
    except VesaliusError as error:
        raise InvalidCard(f"the use case {point.name} cannot be loaded: {error}") from error
    except Exception as error:  # other people's code, at its import
        raise InvalidCard(f"the use case {point.name} cannot be loaded: {type(error).__name__}") from error
    return found


def evidence_of(
    usecase: UseCase, lake: Lake, candidates: Sequence[Candidate]
) -> Iterator[tuple[int, pa.Table | None]]:
    """The evidence on some candidates, in order, piece by piece with how many; None of one that has none.

    What fails for many is asked again for each half, until those are alone whose data the use case cannot
    bear; the log tells of each without a word of theirs. An error in :data:`OURS` is raised.
    """
    try:
        table = usecase.evidence(lake, candidates).table
    except OURS:
        raise
    except Exception as error:  # a use case is other people's code, and data is what it is
        if len(candidates) == 1:
            # Only the kind of error: its message could quote what it was reading.
            log.error("%s: no evidence for a case: %s", usecase.card.name, type(error).__name__)  # noqa: TRY400
            yield 1, None
            return
        middle = len(candidates) // 2
        yield from evidence_of(usecase, lake, candidates[:middle])
        yield from evidence_of(usecase, lake, candidates[middle:])
    else:
        yield len(candidates), table


def encode(value: Any) -> bytes:
    """The one JSON form of a value: sorted keys, no spaces. It is what hashes and replays compare."""
    return msgspec.json.encode(value, order="sorted")


def decode_suggestion(body: bytes) -> Suggestion:
    """A suggestion from the bytes that :func:`encode` made of it."""
    return msgspec.json.decode(body, type=Suggestion)
