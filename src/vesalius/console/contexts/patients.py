"""The pages about patients: worklist, suggestion, decisions, resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from vesalius.console.contexts.frame import Choice, Link, Pages, Tab
from vesalius.console.contexts.life import Fallen


@dataclass(frozen=True)
class Patient:
    """How people recognise a patient.

    Attributes:
        name: as ``Family, Given``.
        sex: a short word in the reader's language, or empty.
        age: in years, in words of the reader's language, or empty.
        born: the birth date as known, or empty.
        ward: where the patient lies, or empty.
        stay: the number of the stay, or empty.
        reference: ``Patient/ID``.
    """

    name: str
    sex: str
    age: str
    born: str
    ward: str
    stay: str
    reference: str


@dataclass(frozen=True)
class Chance:
    """A probability and how sure it is.

    Attributes:
        probability: a fraction of one.
        low, high: its interval.
        marks: the thresholds that the hospital chose.
    """

    probability: float
    low: float
    high: float
    marks: tuple[float, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line of the worklist.

    Attributes:
        id: the suggestion's id.
        indicator: critical, warning or info.
        patient: whom it is about.
        usecase: the title of the use.
        option: what is proposed.
        summary: the line that says what is proposed.
        chance: the probability, or None where there is none.
        as_of: since when it waits.
        waiting: for how long, in words.
        status: the English words of where its review stands.
        tone: the colour of the status.
        until: until when it is deferred, or None.
        past_due: whether that moment has passed.
    """

    id: str
    indicator: str
    patient: Patient
    usecase: str
    option: str
    summary: str
    chance: Chance | None
    as_of: datetime
    waiting: str
    status: str
    tone: str
    until: datetime | None
    past_due: bool


@dataclass(frozen=True)
class WorklistPage:
    """``/``.

    Attributes:
        rows: the lines of this page.
        list: which page this is.
        tabs: open, deferred, decided, with their counts.
        filters: for each filter its choices.
        text: what was searched.
        status: the tab in force.
        filtered: whether a filter is in force.
        clear: the address without filters.
        poll: where to ask how many are new.
        several: whether more than one use is installed.
        silent: the titles of the uses that run in silence, so that nobody waits for them.
        fallen: the uses that spoke and are silent now, each with the reason.
        stopped: the titles of the uses that do not run at all, such as one that was suspended.
        others: how many more there are about patients who are not in the reader's care.
    """

    rows: tuple[Row, ...]
    list: Pages
    tabs: tuple[Tab, ...]
    filters: Mapping[str, tuple[Choice, ...]]
    text: str
    status: str
    filtered: bool
    clear: str
    poll: str
    several: bool
    silent: tuple[str, ...]
    fallen: tuple[Fallen, ...]
    stopped: tuple[str, ...]
    others: int = 0


@dataclass(frozen=True)
class FreshPage:
    """``/worklist/fresh``: the line that a page gets when its list has changed.

    Attributes:
        total: how many the list has now, under the filters of the page.
        path: the address that shows it.
    """

    total: int
    path: str


@dataclass(frozen=True)
class SourceLink:
    """A resource that a fact came from, in the version that was read.

    Attributes:
        reference: ``Observation/1/_history/2``.
        path: its page.
        name: what it is, in English.
        about: the names of the facts it gave.
        recorded_at: when it was known, or None when it can no longer be read.
    """

    reference: str
    path: str
    name: str
    about: tuple[str, ...]
    recorded_at: datetime | None


@dataclass(frozen=True)
class Fact:
    """One contributing fact.

    Attributes:
        name: of the input.
        value: in words, with its unit; empty when it was not known.
        contribution: what it adds to the log odds.
        sources: where it came from.
    """

    name: str
    value: str
    contribution: float
    sources: tuple[SourceLink, ...]


@dataclass(frozen=True)
class Advice:
    """What the ward can do about one reason.

    Attributes:
        reason: the fact, with its value.
        words: what can be done, with its citation.
    """

    reason: str
    words: str


@dataclass(frozen=True)
class Rule:
    """A clinical rule that spoke.

    Attributes:
        words: what it says, with its citation.
        sources: the facts it read.
    """

    words: str
    sources: tuple[SourceLink, ...]


@dataclass(frozen=True)
class Turn:
    """What would change the suggestion.

    Attributes:
        name: of the input.
        value: what it would have to be.
        option: what would be proposed then.
    """

    name: str
    value: str
    option: str


@dataclass(frozen=True)
class Taken:
    """A decision that was taken.

    Attributes:
        id: its number.
        label: what was done, in English.
        tone: its colour.
        by: who, by name.
        role: their role, in English.
        at: when.
        option: what was chosen, or empty.
        reason: the reason, or empty.
        words: the person's own words, or empty.
        until: until when it was deferred, or None.
        undone_at: when it was taken back, or None.
        undo_until: until when the reader can take it back, or None.
    """

    id: int
    label: str
    tone: str
    by: str
    role: str
    at: datetime
    option: str
    reason: str
    words: str
    until: datetime | None
    undone_at: datetime | None
    undo_until: datetime | None


@dataclass(frozen=True)
class Ending:
    """What really happened.

    Attributes:
        value: whether the card's target came true.
        words: what the source says, or empty.
        known_at: when it could first be known.
    """

    value: bool
    words: str
    known_at: datetime


@dataclass(frozen=True)
class Similar:
    """What happened to patients with about this probability in the validation run.

    Attributes:
        count: how many there were.
        low, high: the probabilities they had.
        observed: the part of them in whom the target came true.
    """

    count: int
    low: float
    high: float
    observed: float


@dataclass(frozen=True)
class DecisionForm:
    """What the reader can decide.

    Attributes:
        token: the revision that was read; it is sent back, so that nobody overwrites what they have not seen.
        options: the other options, for a modification.
        reasons: the reasons for an override.
        delays: until when it can be deferred.
        action: what was asked for when it was refused, or empty.
        words: the words given then.
        problem: why it was refused, in the reader's language, or empty.
    """

    token: int
    options: tuple[Choice, ...]
    reasons: tuple[Choice, ...]
    delays: tuple[Choice, ...]
    action: str = ""
    words: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Trace:
    """How one measurement went until the moment of the suggestion.

    Attributes:
        name: what is measured.
        last: the last value, with its unit.
        normal: what is normal, in words.
        words: the picture in words.
        points: for each measurement the part of the time that had gone by (0 to 1), and its value.
        low, high: the ends of what is normal; None where it has no end.
        gap: the part of the time from which on two measurements are too far apart to be joined by a line.
    """

    name: str
    last: str
    normal: str
    words: str
    points: tuple[tuple[float, float], ...]
    low: float | None
    high: float | None
    gap: float


@dataclass(frozen=True)
class SuggestionPage:
    """``/suggestions/{id}``.

    Attributes:
        id: the suggestion's id.
        usecase: the code of the use.
        title: the title of the use.
        target: what the probability is of.
        patient: whom it is about.
        merged: that the patient was merged with another since, in the reader's language; or empty.
        objects: whether the patient objects to suggestions, so that no tool makes one any more.
        indicator: critical, warning or info.
        option: what is proposed.
        summary: the line that says it.
        chance: the probability, or None.
        rules: the clinical rules that spoke.
        advice: what the ward can do about the main reasons.
        facts: the facts that weigh, strongest first.
        light_facts: the facts that weigh little or nothing.
        base: the log odds before any fact.
        heaviest: the greatest weight of a fact, without its sign.
        missing: the names of the inputs that were not known.
        traces: how measurements went until then.
        turns: what would change it.
        limits: what the tool was not tested for, that applies here.
        not_for: what the tool is not for.
        sources: every resource that was read, by time.
        proposed: the FHIR resources it proposes once a person has accepted, as readable JSON.
        similar: what happened to similar patients in the validation run, or None.
        as_of: the moment of the suggestion.
        filed_at: when it was filed.
        position: the position of the lake that was read.
        version: of the use case.
        model: the model's hash, or empty.
        settings: the settings' hash, or empty.
        status: where its review stands, in English.
        tone: the colour of the status.
        deferred_until: until when it is deferred, or None.
        taken: the decisions, latest first.
        standing: the decision that stands, or None.
        ending: what happened, or None.
        form: what the reader can decide, or None.
        why_not: why the reader cannot decide, in English, or empty.
        glass_until: until when the patient is open to the reader, who broke the glass; None otherwise.
        asks_audit: whether the reader may ask who looked at the patient.
        bought: whether a system that was bought said it, of which only the results are seen.
    """

    id: str
    usecase: str
    title: str
    target: str
    patient: Patient
    merged: str
    objects: bool
    indicator: str
    option: str
    summary: str
    chance: Chance | None
    rules: tuple[Rule, ...]
    advice: tuple[Advice, ...]
    facts: tuple[Fact, ...]
    light_facts: tuple[Fact, ...]
    base: float
    heaviest: float
    missing: tuple[str, ...]
    traces: tuple[Trace, ...]
    turns: tuple[Turn, ...]
    limits: tuple[str, ...]
    not_for: str
    sources: tuple[SourceLink, ...]
    proposed: tuple[str, ...]
    similar: Similar | None
    as_of: datetime
    filed_at: datetime
    position: int
    version: str
    model: str
    settings: str
    status: str
    tone: str
    deferred_until: datetime | None
    taken: tuple[Taken, ...]
    standing: Taken | None
    ending: Ending | None
    form: DecisionForm | None
    why_not: str
    glass_until: datetime | None = None
    asks_audit: bool = False
    bought: bool = False


@dataclass(frozen=True)
class MyDecision:
    """One line of ``/decisions``.

    Attributes:
        suggestion: its id.
        patient: whom it is about.
        title: the title of the use.
        proposed: what was proposed.
        taken: the decision.
        ending: what happened, or None.
        target: what the outcome is about.
    """

    suggestion: str
    patient: Patient
    title: str
    proposed: str
    taken: Taken
    ending: Ending | None
    target: str


@dataclass(frozen=True)
class DecisionsPage:
    """``/decisions``.

    Attributes:
        rows: the reader's decisions, latest first.
        list: which page this is.
    """

    rows: tuple[MyDecision, ...]
    list: Pages


@dataclass(frozen=True)
class ResourcePage:
    """``/resources/{type}/{id}/{version}``.

    Attributes:
        reference: ``Observation/1/_history/2``.
        name: what it is, in English.
        title: what it says about itself (the code's words), or empty.
        fields: its fields as (path, value).
        raw: its JSON, indented.
        recorded_at: when its content was known.
        received_at: when the hospital's lake received it.
        source: the feed it came from.
        versions: the other versions of the resource, with their pages.
        size: of the JSON as received, in bytes.
    """

    reference: str
    name: str
    title: str
    fields: tuple[tuple[str, str], ...]
    raw: str
    recorded_at: datetime
    received_at: datetime
    source: str
    versions: tuple[Link, ...]
    size: int
