"""The pages about uses: what they are for, how they do, their thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from vesalius.console.contexts.life import Fallen, Refused, ToDo


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
        waits: what waits for the reader.
    """

    rows: tuple[UseLine, ...]
    waits: tuple[ToDo, ...]


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
class TrialMark:
    """How the silent trial stands, at the step to *live*.

    Attributes:
        verdict: in English.
        tone: how it looks.
        seal: what the form brings back, and the signature keeps.
    """

    verdict: str
    tone: str
    seal: str


@dataclass(frozen=True)
class ValidationMark:
    """The validation run that was found for a gate.

    Attributes:
        run: its name.
        at: when it was kept.
        verdict: whether it speaks for what is in force, in English.
        tone: how it looks.
    """

    run: str
    at: datetime
    verdict: str
    tone: str


@dataclass(frozen=True)
class HeldDuty:
    """A duty that holds a gate.

    Attributes:
        id: its key.
        text: the duty, in the reader's language.
        article: where it is written.
        state: how it stands, in the reader's language.
        met: whether it is as the gate asks.
        path: where it can be read and said how it stands; empty for those who may not.
    """

    id: str
    text: str
    article: str
    state: str
    met: bool
    path: str


@dataclass(frozen=True)
class TrainingMark:
    """How many of those who may decide have the course.

    Attributes:
        trained, total: how many have it, of how many.
        share: the share that the gate asks for, in per cent; 0 where it does not ask.
        met: whether they are enough.
    """

    trained: int
    total: int
    share: int
    met: bool


@dataclass(frozen=True)
class OpenGate:
    """The step that is open.

    Attributes:
        code: what the form brings back: the step, the model and the settings that the reader saw.
        target: the state it leads to, in English.
        signatures: those it needs.
        may_sign: whether the reader can give one that is missing.
        may_refuse: whether the reader has a part in it.
        trial: how the silent trial stands, at the step to *live*; else None.
        lacking: what the evidence lacks, in English: signing in spite of it takes a second reason.
        run: the validation run that was found, which the form brings back; or empty.
        validation: how that run stands, where the gate is about it; else None.
        duties: those that hold the gate.
        training: of those who may decide, at the step to *live*; else None.
        about: what the step is for, in English.
        evidence: what to read before signing: names in English, and addresses.
        given: whether the reader has signed it, so that it waits for others.
        refused: who refused it last, while that is not mended; or None.
    """

    code: str
    target: str
    signatures: tuple[Signature, ...]
    may_sign: bool
    may_refuse: bool
    trial: TrialMark | None = None
    lacking: tuple[str, ...] = ()
    run: str = ""
    validation: ValidationMark | None = None
    duties: tuple[HeldDuty, ...] = ()
    training: TrainingMark | None = None
    about: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    given: bool = False
    refused: Refused | None = None


@dataclass(frozen=True)
class Past:
    """One thing that happened to a use.

    Attributes:
        at: when.
        by: who, by name.
        role: in which role, in English; or empty.
        label: what, in English.
        before: from what: a state in the reader's language, a hash, or empty.
        after: to what: a state or thresholds in the reader's language, or a hash.
        reason: their words.
        mark: that a signature was given without a success in the silent trial, in English; or empty.
    """

    at: datetime
    by: str
    role: str
    label: str
    before: str
    after: str
    reason: str
    mark: str = ""


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
        reads: its inputs, in the reader's language.
        action: the action it advises on.
        target: what it predicts.
        risk_class: the regime the maker assumes.
        version: of the use case.
        reviewers: the English names of the roles that decide.
        sources: the citations.
        limits: what it was not tested for.
        state: where it stands, in English.
        speaks: whether its suggestions are shown.
        may_dossier: whether the reader keeps its dossier.
        may_monitor: whether the reader may see how it does over time.
        fallen: why it is silent although it spoke before; or None.
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
        run: the id of the validation run that is shown, or empty.
        fragment: the validation run as HTML made by the evaluation, or empty.
        bought: whether it was bought: its maker validated it.
        run_at: when the validation ran, or None.
    """

    name: str
    title: str
    purpose: str
    population: str
    not_for: str
    reads: tuple[str, ...]
    action: str
    target: str
    risk_class: str
    version: str
    reviewers: tuple[str, ...]
    sources: tuple[Cited, ...]
    limits: tuple[str, ...]
    state: str
    speaks: bool
    may_dossier: bool
    may_monitor: bool
    fallen: Fallen | None
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
    run: str
    fragment: Markup
    bought: bool
    run_at: datetime | None


@dataclass(frozen=True)
class ReportPage:
    """``/usecases/{name}/report``: the validation report, in the reader's language.

    Attributes:
        name: the code of the use.
        title: its title.
        run: the id of the validation run, or empty.
        run_at: when it ran, or None.
        fragment: the report as HTML made by the evaluation, or empty.
        open: how many of its questions are open.
    """

    name: str
    title: str
    run: str
    run_at: datetime | None
    fragment: Markup
    open: int


@dataclass(frozen=True)
class AskedLine:
    """One question of a report.

    Attributes:
        key: its code.
        words: the question, in the reader's language.
        owner: who answers for it, in the reader's language.
        due: by when, in the reader's language.
        items: the items of TRIPOD+AI that wait for it.
        answer: the answer, or empty.
        by: who gave it, by name; or the card that says it.
        at: when, or None.
        stale: whether it was given on another validation than the latest.
        version: the version that the reader sees, which the form brings back; 0 where nobody answered.
        may_answer: whether the reader has a role that answers for it.
        text: what stands in the form.
        problem: why an answer was refused, in English, or empty.
    """

    key: str
    words: str
    owner: str
    due: str
    items: str
    answer: str
    by: str
    at: datetime | None
    stale: bool
    version: int
    may_answer: bool
    text: str
    problem: str


@dataclass(frozen=True)
class AskedPage:
    """``/usecases/{name}/questions``: what no machine can fill in a report.

    Attributes:
        name: the code of the use.
        title: its title.
        lines: the questions, open ones first.
        open: how many are open.
        mine: how many of these the reader can answer.
    """

    name: str
    title: str
    lines: tuple[AskedLine, ...]
    open: int
    mine: int


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
        unit: what its numbers are in: ``%`` for a probability.
        value: the value in force, or the one that was refused, in that unit.
        minimum, maximum, step: its bounds, in that unit.
        low, high, default: its bounds and the card's own value, for people.
    """

    name: str
    label: str
    help: str
    unit: str
    value: float
    minimum: float
    maximum: float
    step: float
    low: str
    high: str
    default: str


@dataclass(frozen=True)
class TrialWords:
    """The headings over what each threshold would have meant: the card's ``trial.NAME``, or general ones.

    Attributes:
        intro: what the hospital weighs.
        caption: what is supposed.
        acted: who would be acted on.
        avoided: acts that would not take place.
        wrongly: of these, on patients with the outcome.
        missed: patients with the outcome who would not be acted on.
    """

    intro: str
    caption: str
    acted: str
    avoided: str
    wrongly: str
    missed: str


@dataclass(frozen=True)
class ThresholdsPage:
    """``/usecases/{name}/settings``.

    Attributes:
        name: the code of the use.
        title: its title.
        knobs: the settings.
        trials: what each threshold would have meant.
        words: the headings over them.
        picture: the same as a picture, or empty.
        patients: how many patients the validation run had.
        courses: how many courses the clinicians gave them, or None when that is not known.
        may_change: whether the reader may change them.
        speaks: whether the use speaks, and would fall silent by a change.
        fallen: why it is silent although it spoke before; or None.
        past: earlier changes, latest first.
        problem: why a change was refused, in English, or empty.
        reason: the reason given then.
    """

    name: str
    title: str
    knobs: tuple[Knob, ...]
    trials: tuple[Trial, ...]
    words: TrialWords
    picture: Markup
    patients: int
    courses: int | None
    may_change: bool
    speaks: bool
    fallen: Fallen | None
    past: tuple[Past, ...]
    problem: str
    reason: str
