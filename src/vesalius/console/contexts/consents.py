"""What the pages of consent show: how many refuse what, and what one patient refuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from vesalius.console.contexts.frame import Choice, Pages


@dataclass(frozen=True)
class RefusedRow:
    """How many refuse one thing, as the picture shows it.

    Attributes:
        label: what, in English.
        changes: what the refusal changes, in English.
        patients: how many refuse it now.
        share: of all patients, as a fraction of one.
        unread: of those who refuse, for whom a Consent could not be read as finely as it says.
        nameless: how many Consents refuse it and name no patient of this hospital.
        picture: the two counts as a bar.
    """

    label: str
    changes: str
    patients: int
    share: float
    unread: int
    nameless: int
    picture: Markup


@dataclass(frozen=True)
class RefusalRow:
    """One refusal, from wherever it comes.

    Attributes:
        patient: whose, as ``Patient/ID``; empty where the Consent names no patient of this hospital.
        path: the address of the patient's page, sealed for the reader, or empty.
        label: what is refused, in English.
        begins: from when; None for always.
        ends: until when; None for no end.
        holds: whether it holds now.
        reason: why it counts where it does not simply say so, in English; else empty.
        source: the Consent; empty for what was entered here.
    """

    patient: str
    path: str
    label: str
    begins: datetime | None
    ends: datetime | None
    holds: bool
    reason: str
    source: str


@dataclass(frozen=True)
class FoundRow:
    """A patient who has the number that was looked for.

    Attributes:
        path: the address of their page, sealed for the reader.
        name: their name, or the reference.
        born: their birth date, as far as it is known.
    """

    path: str
    name: str
    born: str


@dataclass(frozen=True)
class ConsentsPage:
    """``/consents``.

    Attributes:
        counts: how many refuse what.
        patients: how many patients there are.
        withheld: of each use, its title and how many suggestions were not made because the patient objects.
        rows: refusals, by patient.
        list: which page of them this is.
        kinds: what can be refused, to choose the rows by.
        only_unread: whether only those are listed that count because a Consent could not be read as it says.
        filtered: whether the rows are chosen.
        looked_for: the number or reference that was looked for.
        found: the patients who have it, where there are several.
        problem: why nobody was found, in the reader's language.
    """

    counts: tuple[RefusedRow, ...]
    patients: int
    withheld: tuple[tuple[str, int], ...]
    rows: tuple[RefusalRow, ...]
    list: Pages
    kinds: tuple[Choice, ...]
    only_unread: bool
    filtered: bool
    looked_for: str = ""
    found: tuple[FoundRow, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class ConsentStep:
    """One thing that was done with a refusal that was entered here.

    Attributes:
        at: when.
        what: in English.
        by: the name of who did it.
    """

    at: datetime
    what: str
    by: str


@dataclass(frozen=True)
class EntryRow:
    """A refusal that was entered here.

    Attributes:
        id: its number.
        label: what is refused, in English.
        person: the name of the one person alone who is refused; empty for everybody.
        said_by: who told the hospital, in English.
        begins: from when.
        ends: until when; None for no end.
        state: how it stands, in English.
        tone: the colour of that.
        steps: what was done with it, the first step first.
        withdrawable: whether it can be withdrawn.
        undo: what taking the last step back is called, in English; empty where nothing is left to take back.
    """

    id: int
    label: str
    person: str
    said_by: str
    begins: datetime
    ends: datetime | None
    state: str
    tone: str
    steps: tuple[ConsentStep, ...]
    withdrawable: bool
    undo: str


@dataclass(frozen=True)
class RefusalForm:
    """The form of a new refusal.

    Attributes:
        kinds: what can be refused.
        said_by: who can tell the hospital.
        begins: the day from which on, as the form sends it.
        person: the account of the one person alone who is refused, or empty.
        people: the accounts of those who treat, with their names.
        today: the day it is.
        last: the last day that can be chosen.
    """

    kinds: tuple[Choice, ...]
    said_by: tuple[Choice, ...]
    begins: str
    person: str
    people: tuple[tuple[str, str], ...]
    today: str
    last: str


@dataclass(frozen=True)
class PatientConsentsPage:
    """``/consents/patient``.

    Attributes:
        of: the patient, sealed for the reader: what every form brings back.
        patient: as ``Patient/ID``.
        name: their name, or nothing.
        born: their birth date, as far as it is known.
        same: others who are one person with them, as ``Patient/ID``.
        standing: what is refused to everybody now, in English.
        rows: what systems of the hospital sent.
        entries: what was entered here, the latest first.
        form: a new refusal.
        problem: what is wrong with a form, in the reader's language.
    """

    of: str
    patient: str
    name: str
    born: str
    same: tuple[str, ...]
    standing: tuple[str, ...]
    rows: tuple[RefusalRow, ...]
    entries: tuple[EntryRow, ...]
    form: RefusalForm
    problem: str = ""
