"""What each page may show: one documented dataclass per page, the contract between code and templates.

A hospital that changes a template may rely on these fields; a test compares what the templates read with what
is documented here. ``shell`` is on every page; ``page`` is the page's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from vesalius.console.languages import Language
from vesalius.governance import Person


@dataclass(frozen=True)
class Link:
    """A place to go.

    Attributes:
        path: its address.
        label: its English words.
        current: whether it is where the reader is.
    """

    path: str
    label: str
    current: bool = False


@dataclass(frozen=True)
class Notice:
    """A line shown once, after something was done.

    Attributes:
        kind: good, info, warning or critical.
        text: its English words.
    """

    kind: str
    text: str


@dataclass(frozen=True)
class Shell:
    """The frame of every page.

    Attributes:
        hospital: the hospital's name.
        synthetic: whether the data is synthetic.
        language: the language of the page.
        languages: those one can switch to.
        theme: light, dark, or empty for what the system says.
        keys: whether the keyboard shortcuts are on.
        person: who is signed in, or nobody.
        role: the English name of the person's role.
        links: the main pages this person may see.
        token: what every form brings back.
        here: the address of this page.
        notice: a line to show once.
        now: the moment of the request.
        assets: a short hash of the static files.
    """

    hospital: str
    synthetic: bool
    language: Language
    languages: tuple[Language, ...]
    theme: str
    keys: bool
    person: Person | None
    role: str
    links: tuple[Link, ...]
    token: str
    here: str
    notice: Notice | None
    now: datetime
    assets: str


@dataclass(frozen=True)
class Choice:
    """One choice of a list.

    Attributes:
        value: what the form sends.
        words: what people read.
        count: how many there are, or None.
        chosen: whether it is the one in force.
    """

    value: str
    words: str
    count: int | None = None
    chosen: bool = False


@dataclass(frozen=True)
class DemoPerson:
    """One of the demo people.

    Attributes:
        login: the name to sign in with.
        name: as colleagues know them.
        initials: of the name.
        role: the English name of the role.
        language: the name of their language, in that language.
        language_code: its code.
        text: what one can try as this person, in English.
    """

    login: str
    name: str
    initials: str
    role: str
    language: str
    language_code: str
    text: str


@dataclass(frozen=True)
class SignInPage:
    """``/sign-in``.

    Attributes:
        people: the demo people of a synthetic hospital.
        next: where to go afterwards.
        login: the name that was given, when it was refused.
        refused: what was wrong, in the reader's language, or empty.
    """

    people: tuple[DemoPerson, ...]
    next: str
    login: str = ""
    refused: str = ""


@dataclass(frozen=True)
class ErrorPage:
    """An error, and what to do about it.

    Attributes:
        status: the HTTP status.
        title: what is wrong, in English.
        advice: what to do, in English.
        detail: what the code said, in English, without patient data; or empty.
        incident: the number under which the log has it, or empty.
    """

    status: int
    title: str
    advice: str
    detail: str = ""
    incident: str = ""


@dataclass(frozen=True)
class Pages:
    """Which page of a list this is.

    Attributes:
        number: from 1.
        pages: how many there are.
        total: how many entries all pages have.
        previous: the address of the page before, or empty.
        next: the address of the page after, or empty.
    """

    number: int
    pages: int
    total: int
    previous: str
    next: str


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


@dataclass(frozen=True)
class Tab:
    """One tab.

    Attributes:
        path: its address.
        label: its English words.
        count: how many it holds.
        current: whether it is in force.
    """

    path: str
    label: str
    count: int
    current: bool


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
        recorded_at: when it was known, or None when it can no longer be read.
    """

    reference: str
    path: str
    name: str
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
class SuggestionPage:
    """``/suggestions/{id}``.

    Attributes:
        id: the suggestion's id.
        usecase: the code of the use.
        title: the title of the use.
        target: what the probability is of.
        patient: whom it is about.
        indicator: critical, warning or info.
        option: what is proposed.
        summary: the line that says it.
        chance: the probability, or None.
        rules: the clinical rules that spoke.
        facts: the facts that weigh, strongest first.
        silent_facts: the facts that were read and weigh nothing.
        base: the log odds before any fact.
        heaviest: the greatest weight of a fact, without its sign.
        missing: the names of the inputs that were not known.
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
    """

    id: str
    usecase: str
    title: str
    target: str
    patient: Patient
    indicator: str
    option: str
    summary: str
    chance: Chance | None
    rules: tuple[Rule, ...]
    facts: tuple[Fact, ...]
    silent_facts: tuple[Fact, ...]
    base: float
    heaviest: float
    missing: tuple[str, ...]
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
class UseLine:
    """One line of ``/usecases``.

    Attributes:
        name: the code of the use.
        title: its title.
        purpose: what it is for.
        version: of the use case.
        state: where it stands in its life, in English.
        speaks: whether its suggestions are shown.
        open: how many suggestions are open.
        decided: how many were decided.
    """

    name: str
    title: str
    purpose: str
    version: str
    state: str
    speaks: bool
    open: int
    decided: int


@dataclass(frozen=True)
class UsesPage:
    """``/usecases``.

    Attributes:
        rows: every use that is installed.
    """

    rows: tuple[UseLine, ...]


@dataclass(frozen=True)
class Step:
    """One state of the life of a use.

    Attributes:
        label: its English name.
        done: whether it has been passed.
        now: whether the use stands there.
    """

    label: str
    done: bool
    now: bool


@dataclass(frozen=True)
class Signature:
    """One signature of the open gate.

    Attributes:
        roles: the English names of the roles, any of which can give it.
        by: who gave it, or empty.
        at: when, or None.
        reason: their words, or empty.
    """

    roles: tuple[str, ...]
    by: str
    at: datetime | None
    reason: str


@dataclass(frozen=True)
class OpenGate:
    """The step that is open.

    Attributes:
        target: the state it leads to, in English.
        signatures: those it needs.
        may_sign: whether the reader can give one that is missing.
        may_refuse: whether the reader has a part in it.
    """

    target: str
    signatures: tuple[Signature, ...]
    may_sign: bool
    may_refuse: bool


@dataclass(frozen=True)
class Past:
    """One thing that happened to a use.

    Attributes:
        at: when.
        by: who, by name.
        role: in which role, in English; or empty.
        label: what, in English.
        before: from what; an English name or a hash.
        after: to what; an English name or a hash.
        reason: their words.
    """

    at: datetime
    by: str
    role: str
    label: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class Figure:
    """A number with its words.

    Attributes:
        value: the number, written in the reader's language.
        words: what it is, in English.
    """

    value: str
    words: str


@dataclass(frozen=True)
class Tally:
    """One line of a small table of counts.

    Attributes:
        words: what is counted, in the reader's language.
        count: how many.
        share: as a fraction of one, or None.
    """

    words: str
    count: int
    share: float | None


@dataclass(frozen=True)
class Cited:
    """A source of the card.

    Attributes:
        citation: as it is cited.
        url: where it is, or empty.
    """

    citation: str
    url: str


@dataclass(frozen=True)
class UsePage:
    """``/usecases/{name}``: the evidence page.

    Attributes:
        name: the code of the use.
        title: its title.
        purpose: what it is for.
        population: on whom.
        not_for: what it is not for.
        action: the action it advises on.
        target: what it predicts.
        risk_class: the regime the maker assumes.
        version: of the use case.
        reviewers: the English names of the roles that decide.
        sources: the citations.
        limits: what it was not tested for.
        state: where it stands, in English.
        speaks: whether its suggestions are shown.
        since: since when, or None.
        steps: its life.
        gate: the step that is open, or None.
        past: what happened, latest first.
        may_suspend: whether the reader may stop it.
        model: the hash of the model in force, or empty.
        settings: the settings in force, as (name, value).
        figures: live counts.
        decisions: decisions by kind.
        reasons: why people overrode it.
        outcomes: what happened after each option.
        fragment: the validation run as HTML made by the evaluation, or empty.
        run_at: when the validation ran, or None.
    """

    name: str
    title: str
    purpose: str
    population: str
    not_for: str
    action: str
    target: str
    risk_class: str
    version: str
    reviewers: tuple[str, ...]
    sources: tuple[Cited, ...]
    limits: tuple[str, ...]
    state: str
    speaks: bool
    since: datetime | None
    steps: tuple[Step, ...]
    gate: OpenGate | None
    past: tuple[Past, ...]
    may_suspend: bool
    model: str
    settings: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    decisions: tuple[Tally, ...]
    reasons: tuple[Tally, ...]
    outcomes: tuple[Tally, ...]
    fragment: Markup
    run_at: datetime | None


@dataclass(frozen=True)
class Trial:
    """What acting from one threshold on would have meant in the validation run.

    Attributes:
        value: the threshold.
        acted: patients who would have been treated.
        avoided: courses that would not have been given.
        avoided_share: the same, of all courses of the reference.
        avoided_wrongly: of those avoided, how many had the outcome.
        missed: patients with the outcome who would not have been treated.
        missed_share: the same, of all with the outcome.
        in_force: the names of the settings that stand at this threshold now.
    """

    value: float
    acted: float
    avoided: float
    avoided_share: float
    avoided_wrongly: float
    missed: float
    missed_share: float
    in_force: str


@dataclass(frozen=True)
class Knob:
    """One setting that the hospital chooses.

    Attributes:
        name: its code.
        label: its name.
        help: what it does.
        value: the value in force, or the one that was refused.
        minimum, maximum, step: its bounds.
        default: the card's own value.
    """

    name: str
    label: str
    help: str
    value: float
    minimum: float
    maximum: float
    step: float
    default: float


@dataclass(frozen=True)
class ThresholdsPage:
    """``/usecases/{name}/settings``.

    Attributes:
        name: the code of the use.
        title: its title.
        knobs: the settings.
        trials: what each threshold would have meant.
        picture: the same as a picture, or empty.
        patients: how many patients the validation run had.
        courses: how many courses the clinicians gave them, or None when that is not known.
        may_change: whether the reader may change them.
        past: earlier changes, latest first.
        problem: why a change was refused, in English, or empty.
        reason: the reason given then.
    """

    name: str
    title: str
    knobs: tuple[Knob, ...]
    trials: tuple[Trial, ...]
    picture: Markup
    patients: int
    courses: int | None
    may_change: bool
    past: tuple[Past, ...]
    problem: str
    reason: str


@dataclass(frozen=True)
class ReceiptRow:
    """One file that was received.

    Attributes:
        id: of the receipt.
        at: when.
        source: the feed.
        name: of the file.
        format: csv, ndjson or bundle.
        status: what became of it, in English, or empty when it went well.
        read, written, unchanged, quarantined: how many resources.
    """

    id: str
    at: datetime
    source: str
    name: str
    format: str
    status: str
    read: int
    written: int
    unchanged: int
    quarantined: int


@dataclass(frozen=True)
class HeldItem:
    """One thing that could not be understood.

    Attributes:
        id: its number.
        words: why.
        place: where in the file.
        original: its bytes as received, cut.
        cut: whether there is more.
    """

    id: str
    words: str
    place: str
    original: str
    cut: bool


@dataclass(frozen=True)
class Cause:
    """A cause for which things are held.

    Attributes:
        code: the code of the cause.
        label: what it means, in English.
        count: how many are held for it.
        items: some of them, where the reader may see them.
    """

    code: str
    label: str
    count: int
    items: tuple[HeldItem, ...]


@dataclass(frozen=True)
class ReceivedPage:
    """``/received``.

    Attributes:
        receipts: the latest files.
        causes: what is held, by cause.
        held: how many are held in all.
        may_look: whether the reader may see the original bytes.
        may_retry: whether the reader may try them again.
        totals: the resources in the lake, as (type in English, how many, how many versions).
    """

    receipts: tuple[ReceiptRow, ...]
    causes: tuple[Cause, ...]
    held: int
    may_look: bool
    may_retry: bool
    totals: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class EventRow:
    """One event of the audit.

    Attributes:
        seq: its place in the chain.
        at: when.
        actor: the name of the person, or of the account.
        label: what was done, in English.
        action: the code of it.
        object: on what.
        detail: what else, on one line.
        hash: the first characters of its hash.
    """

    seq: int
    at: datetime
    actor: str
    label: str
    action: str
    object: str
    detail: str
    hash: str


@dataclass(frozen=True)
class AuditPage:
    """``/audit``.

    Attributes:
        rows: events, latest first.
        list: which page this is.
        actors: the accounts one can filter by.
        actions: what one can filter by.
        thing: the object that was asked for, or empty.
        verified: how many events the chain has, after it was verified; or None.
        broken: what does not fit, after it was verified; or empty.
        head: the end of the chain, to note elsewhere.
    """

    rows: tuple[EventRow, ...]
    list: Pages
    actors: tuple[Choice, ...]
    actions: tuple[Choice, ...]
    thing: str
    verified: int | None
    broken: str
    head: str


@dataclass(frozen=True)
class AboutPage:
    """``/about``.

    Attributes:
        version: of Vesalius.
        libraries: the browser libraries, as (name, licence file).
    """

    version: str
    libraries: tuple[tuple[str, str], ...]
