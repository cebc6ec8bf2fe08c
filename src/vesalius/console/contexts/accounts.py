"""One's own account, and those of others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from vesalius.console.contexts.frame import Choice


@dataclass(frozen=True)
class CodePage:
    """``/sign-in/code``.

    Attributes:
        problem: what was wrong, in English, or empty.
    """

    problem: str = ""


@dataclass(frozen=True)
class OwnPasswordPage:
    """``/sign-in/password``.

    Attributes:
        login: the account, for the browser's own keeper of passwords.
        shortest: the fewest characters.
        problem: what was wrong, in the reader's language, or empty.
    """

    login: str
    shortest: int
    problem: str = ""


@dataclass(frozen=True)
class EnrolPage:
    """``/second-factor``.

    Attributes:
        picture: the QR code that the telephone reads.
        secret: the same as text, in groups of four.
        address: the same as an ``otpauth`` address, for a telephone that reads this page.
        problem: what was wrong, in English, or empty.
    """

    picture: Markup
    secret: str
    address: str
    problem: str = ""


@dataclass(frozen=True)
class RecoveryPage:
    """``/second-factor`` and ``/account/codes``, after the form: the recovery codes, shown once.

    Attributes:
        codes: each is good once.
        onward: where to go next.
    """

    codes: tuple[str, ...]
    onward: str


@dataclass(frozen=True)
class AgainPage:
    """``/…``: whatever page asked again who somebody is, before something that matters.

    Attributes:
        path: where the form was going.
        fields: what it said, to be sent again.
        login: the account.
        code: whether the second factor is asked too.
        provider: where to sign in again with the hospital's own sign-in; then nothing is asked here.
        problem: what was wrong, in English, or empty.
    """

    path: str
    fields: tuple[tuple[str, str], ...]
    login: str
    code: bool
    provider: str = ""
    problem: str = ""


@dataclass(frozen=True)
class SessionRow:
    """One place where somebody is signed in.

    Attributes:
        id: its name, for ending it.
        browser: in words, or empty.
        address: of the network.
        started: since when.
        seen: the last request.
        here: whether it is the reader's own.
    """

    id: str
    browser: str
    address: str
    started: datetime
    seen: datetime
    here: bool


@dataclass(frozen=True)
class AccountPage:
    """``/account``.

    Attributes:
        login: the account.
        roles: the English names of one's roles.
        kind: ``demo``, ``elsewhere`` or ``password``.
        second: whether there is a second factor.
        demanded: whether there must be one.
        left: how many recovery codes are left.
        shortest: the fewest characters of a password.
        sessions: where one is signed in.
        problem: what was wrong with the last form, in the reader's language, or empty.
    """

    login: str
    roles: tuple[str, ...]
    kind: str
    second: bool
    demanded: bool
    left: int
    shortest: int
    sessions: tuple[SessionRow, ...]
    problem: str = ""


@dataclass(frozen=True)
class PersonRow:
    """One account among all.

    Attributes:
        login: the account.
        name: as colleagues know them.
        roles: what they are, to choose from.
        held: the English names of their roles.
        kind: ``demo``, ``elsewhere`` or ``password``.
        second: whether they have a second factor.
        state: ``open``, ``invited``, ``locked`` by an administrator, or ``waiting`` after wrong passwords.
        sessions: in how many places they are signed in.
        own: whether it is the reader's own account.
    """

    login: str
    name: str
    roles: tuple[Choice, ...]
    held: tuple[str, ...]
    kind: str
    second: bool
    state: str
    sessions: int
    own: bool


@dataclass(frozen=True)
class PeoplePage:
    """``/people``.

    Attributes:
        people: every open account, by name.
        roles: the roles there are.
        languages: to choose from.
        login: the account whose initial password is shown, or empty.
        given: that password, shown once; or empty.
        problem: what was wrong with the last form, in the reader's language, or empty.
    """

    people: tuple[PersonRow, ...]
    roles: tuple[Choice, ...]
    languages: tuple[Choice, ...]
    login: str = ""
    given: str = ""
    problem: str = ""
