"""The frame of every page, lists, signing in, errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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
class Pages:
    """Which page of a list this is.

    Attributes:
        number: from 1.
        pages: how many there are; 0 where nobody has counted.
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
        provider: where to sign in with the hospital's own sign-in, or empty.
        leave: where to sign out there too, or empty.
    """

    people: tuple[DemoPerson, ...]
    next: str
    login: str = ""
    refused: str = ""
    provider: str = ""
    leave: str = ""


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
class AboutPage:
    """``/about``.

    Attributes:
        version: of Vesalius.
        libraries: the browser libraries, as (name, licence file).
    """

    version: str
    libraries: tuple[tuple[str, str], ...]
