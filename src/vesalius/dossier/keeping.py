"""The dossiers kept in the hospital's home: built, verified and read by people, each time with an event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.dossier.building import build
from vesalius.dossier.document import Sealed
from vesalius.dossier.verifying import Verdict, load, verify
from vesalius.errors import Tampered, Unavailable
from vesalius.governance import audit, register, roles
from vesalius.governance.audit import Action
from vesalius.governance.people import Person
from vesalius.governance.roles import Right
from vesalius.usecase import encode

if TYPE_CHECKING:
    from vesalius.hospital import Hospital

FILE = "dossier.json"


def folder(hospital: Hospital, name: str) -> Path:
    """Where the dossier of a use is kept.

    Raises:
        NotFound: there is no such use.
    """
    return hospital.home / "dossiers" / register.system(hospital.engine, name).name


def make(
    hospital: Hospital,
    name: str,
    person: Person | None = None,
    at: datetime | None = None,
    *,
    where: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sealed:
    """Builds the dossier of a use, keeps it, and notes so in the audit.

    Args:
        hospital: whose.
        name: the use.
        person: who asks; None for somebody at the command line of the server.
        at: when.
        where: the folder to keep it in, instead of the hospital's own.
        progress: called with the steps done, and all of them.

    Raises:
        NotAllowed: the person may not.
        NotFound: there is no such use.
        Tampered: the audit does not verify.
        Unavailable: it cannot be written.
    """
    actor = _actor(person)
    sealed = build(hospital, name, at, progress)
    made = sealed.dossier
    _write(where or folder(hospital, name), encode(sealed))
    detail = {"content": made.digest, "size": made.size, "sources": len(made.sources)}
    audit.record(hospital.engine, actor, Action.DOSSIER_BUILT, name, detail, at)
    return sealed


def kept(hospital: Hospital, name: str, where: Path | None = None) -> Sealed | None:
    """The dossier as it was last built; None where there is none.

    Raises:
        UnreadableInput: the file is no dossier any more.
    """
    file = (where or folder(hospital, name)) / FILE
    return load(file.read_bytes()) if file.is_file() else None


def check(
    hospital: Hospital, name: str, sealed: Sealed, person: Person | None = None, at: datetime | None = None
) -> Verdict:
    """Verifies a dossier, itself too, and notes in the audit what was found.

    Raises:
        NotAllowed: the person may not.
    """
    actor = _actor(person)
    try:
        found = verify(hospital, name, sealed)
    except Tampered as error:
        found = Verdict(len(sealed.dossier.sources), (error.message,))
    detail = {"holds": found.holds, "problems": len(found.problems), "content": sealed.dossier.digest}
    audit.record(hospital.engine, actor, Action.DOSSIER_VERIFIED, name, detail, at)
    return found


def opened(
    hospital: Hospital, name: str, person: Person, kind: str, language: str, at: datetime | None = None
) -> Sealed | None:
    """The dossier for a person to read or take away; the audit notes so. None where there is none.

    Raises:
        NotAllowed: the person may not.
    """
    actor, found = _actor(person), kept(hospital, name)
    if found is not None:
        detail = {"kind": kind, "language": language}
        audit.record(hospital.engine, actor, Action.DOSSIER_READ, name, detail, at)
    return found


def _actor(person: Person | None) -> str:
    if person is None:
        return audit.SYSTEM
    roles.require(person.roles, Right.KEEP_DOSSIER)
    return person.id


def _write(folder: Path, body: bytes) -> None:
    """Writes the file, whole or not at all."""
    partial = folder / f"{FILE}.partial"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_bytes(body)
        partial.replace(folder / FILE)
    except OSError as error:
        raise Unavailable(f"cannot write in {folder}: {error.strerror}") from None
