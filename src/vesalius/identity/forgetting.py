"""What this room keeps of a patient who is erased, and whose a version is once merges are looked through."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import sqlalchemy as sa

from vesalius.identity._merges import Merges, chunks, upstream
from vesalius.identity._tables import SOURCE, key, merge, moved, number, pair, patient
from vesalius.lake import Version

WORDS = "erased"
"""What stands in the place of a reason that a person wrote about an erased patient."""


def same_person(connection: sa.Connection, id_: str) -> tuple[str, set[str]]:
    """Who stands for a patient now, and everybody who is one person with them by merges that hold."""
    stands = Merges.of(connection, [id_]).survivor(id_)
    return stands, upstream(connection, stands)


def taken(versions: Sequence[Version], subjects: Collection[str]) -> list[Version]:
    """Those of the versions of one resource that hold something of some patients, by what was sent.

    A version that was sent goes with the patient it was about; one that was about nobody, with those who all
    the others were about. What a merge made of a version goes with that version, whomever it was about: it
    has the same content.

    Args:
        versions: all versions of one resource, in order of arrival.
        subjects: the patients, as ``Patient/ID``.
    """
    sent = [each for each in versions if each.source != SOURCE]
    abouts = {each.subject for each in sent if each.subject}
    theirs = bool(abouts) and abouts <= set(subjects)
    found: list[Version] = []
    before = False
    for version in versions:
        if version.source != SOURCE:
            before = version.subject in subjects if version.subject else theirs
        if before:
            found.append(version)
    return found


def forget(
    connection: sa.Connection,
    patients: Iterable[str],
    resources: Iterable[tuple[str, str]],
    alias: Callable[[str], str],
) -> None:
    """Erases what is kept of some patients, by their ids, and of resources that were moved.

    That two were merged, when and by whom stays, under names that nobody can lead back to them.

    Args:
        connection: a transaction of ``store.writing``.
        patients: their ids.
        resources: as (type, id), what was erased of the log.
        alias: the id that stands for a ``Type/ID`` from now on.
    """
    for ids in chunks(patients):
        connection.execute(sa.delete(key).where(key.c.patient.in_(ids)))
        connection.execute(sa.delete(number).where(number.c.patient.in_(ids)))
        connection.execute(sa.delete(patient).where(patient.c.id.in_(ids)))
        connection.execute(sa.delete(pair).where(sa.or_(pair.c.one.in_(ids), pair.c.other.in_(ids))))
        for each in ids:
            name = alias(f"Patient/{each}")
            either = sa.or_(merge.c.source == each, merge.c.target == each)
            connection.execute(sa.update(merge).where(either).values(reason=WORDS, todo=None))
            undone = sa.and_(either, merge.c.undone_at.is_not(None))
            connection.execute(sa.update(merge).where(undone).values(undone_reason=WORDS))
            connection.execute(sa.update(merge).where(merge.c.source == each).values(source=name))
            connection.execute(sa.update(merge).where(merge.c.target == each).values(target=name))
    for type_, id_ in resources:
        of_it = sa.and_(moved.c.type == type_, moved.c.id == id_)
        connection.execute(sa.delete(moved).where(of_it))


def tables() -> list[str]:
    """The tables that hold names and numbers of patients, whose files are to be cleaned."""
    return [each.name for each in (key, number, patient, pair, merge, moved)]
