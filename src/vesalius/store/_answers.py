"""What the driver says of a database that does not answer, in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from vesalius.errors import InvalidSetting, Unavailable

_SILENCE = (sa.exc.OperationalError, sa.exc.InternalError, sa.exc.InterfaceError)
_HINTS = {
    "full": "make room on the disk",
    "No space": "make room on the disk",
    "locked": "another process is writing; try again",
    "readonly": "may this account write in its folder?",
    "read-only": "may this account write in it?",
    "unable to open": "is its folder there, and may this account use it?",
    "malformed": "restore it from a backup",
    "not a database": "restore it from a backup",
    "connection": "is its server running?",
}


@contextmanager
def answering() -> Iterator[None]:
    """Runs a block that talks to the database.

    Raises:
        Unavailable: the database does not answer: it is full, locked, read-only, damaged or out of reach.
    """
    try:
        yield
    except sa.exc.TimeoutError:
        raise Unavailable("the database has no connection free", hint="try again in a moment") from None
    except sa.exc.DBAPIError as error:
        if not isinstance(error, _SILENCE) and type(error) is not sa.exc.DatabaseError:
            raise
        # The first line of the driver's own message: what follows, and the statement, may quote a patient.
        said = str(error.orig).strip().partition("\n")[0]
        raise Unavailable(f"the database does not answer: {said}", hint=_hint(said)) from None


@contextmanager
def understood() -> Iterator[None]:
    """Runs a block that reads the URL of a database.

    Raises:
        InvalidSetting: it is no URL, or names a database that there is no driver for.
    """
    try:
        yield
    except (sa.exc.ArgumentError, ImportError, ValueError):  # their messages may quote a password
        hint = "sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"
        raise InvalidSetting("the setting database is not the URL of a database", hint=hint) from None


def _hint(said: str) -> str:
    return next((hint for word, hint in _HINTS.items() if word in said), "")
