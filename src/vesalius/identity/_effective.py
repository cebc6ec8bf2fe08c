"""What a resource is, once merges are taken into account.

Of each resource the log holds what was sent, byte for byte, and, after it, what this room made of it. What it
made follows from two things alone: the newest version that was sent, and the merges that hold. So a merge,
its undoing, a chain of them, a late arrival and a correction are one and the same step (:func:`settle`): look
what the resource ought to be, and add a version if it is something else. Nothing that was sent is ever
changed, and undoing needs no memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from vesalius import fhir
from vesalius.identity._merges import Merge, Merges
from vesalius.identity._tables import SOURCE, moved
from vesalius.lake import Arrival, Lake, Version

REPLACED_BY, REPLACES = "replaced-by", "replaces"

_LOCAL = re.compile(r"Patient/([A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII)
_TICK = timedelta(microseconds=1)

Key = tuple[str, str]


def as_sent(versions: Sequence[Version]) -> list[Version]:
    """The versions that were sent, the one in force last."""
    return sorted((each for each in versions if each.source != SOURCE), key=_order)


def in_force(versions: Sequence[Version]) -> Version:
    """The version in force."""
    return max(versions, key=_order)


def _order(version: Version) -> tuple[datetime, int]:
    return version.recorded_at, version.seq


def settle(lake: Lake, connection: sa.Connection, keys: Iterable[Key], received_at: datetime) -> int:
    """Brings resources in line with the merges that hold, within a transaction that writes to the log.

    Args:
        lake: where they are.
        connection: a transaction of ``store.writing`` in which the log's turn was taken.
        keys: which resources, as (type, id); unknown ones are passed over.
        received_at: the moment of the change.

    Returns:
        How many of them got a new version.
    """
    histories = lake.histories(connection, keys)
    sent = {key: as_sent(versions) for key, versions in histories.items()}
    known = {key: versions for key, versions in sent.items() if versions}
    merges = Merges.of(connection, _patients(known))
    arrivals, rows = [], []
    for key, versions in known.items():
        wanted, moment, cause = _wanted(versions, merges)
        newest = in_force(histories[key])
        digest = fhir.digest(wanted)
        if digest == fhir.digest(newest.body):
            continue
        moment = _free(max(moment, versions[-1].recorded_at, newest.recorded_at), digest, histories[key])
        arrivals.append(Arrival.of(wanted, moment, digest))
        back = wanted is versions[-1].body
        rows.append({"type": key[0], "id": key[1], "merge": cause.id if cause else None, "back": back})
    return _write(lake, connection, arrivals, rows, received_at)


def _write(
    lake: Lake, connection: sa.Connection, arrivals: list[Arrival], rows: list[dict[str, Any]], at: datetime
) -> int:
    if arrivals:
        first = lake.head(connection)
        written = lake.write(arrivals, SOURCE, at, connection)
        assert written.written == len(arrivals)
        of_merges = [row | {"seq": first + n} for n, row in enumerate(rows, 1) if row["merge"]]
        if of_merges:
            connection.execute(sa.insert(moved), of_merges)
    return len(arrivals)


def _free(moment: datetime, digest: str, versions: Sequence[Version]) -> datetime:
    """The first microsecond from ``moment`` on at which no version has this content: the log keeps one."""
    taken = {
        each.recorded_at
        for each in versions
        if each.recorded_at >= moment and fhir.digest(each.body) == digest
    }
    while moment in taken:
        moment += _TICK
    return moment


def _patients(sent: dict[Key, list[Version]]) -> set[str]:
    """Every patient whom these resources are, or mention."""
    found = {id_ for type_, id_ in sent if type_ == "Patient"}
    for versions in sent.values():
        mentioned = (_LOCAL.fullmatch(each) for each in fhir.references(versions[-1].resource))
        found.update(each[1] for each in mentioned if each)
    return found


def _wanted(sent: Sequence[Version], merges: Merges) -> tuple[bytes, datetime, Merge | None]:
    """What a resource ought to be, from when on, and the merge that says so."""
    newest = sent[-1]
    if newest.type == "Patient":
        touching = [*merges.out.get(newest.id, ()), *merges.into.get(newest.id, ())]
        cause = max(touching, key=lambda each: each.changed, default=None)
        return _patient(sent, merges), merges.touched(newest.id), cause
    subject = (newest.subject or "").removeprefix("Patient/")
    if merges.survivor(subject) == subject:
        return newest.body, merges.changed(subject), _last(merges, subject)

    def survivor(reference: str) -> str:
        found = _LOCAL.fullmatch(reference)
        # What names one version of a patient keeps naming it: that version is about who it was about.
        if not found or found[2]:
            return reference
        return f"Patient/{merges.survivor(found[1])}"

    moved_body = fhir.dump(fhir.with_references(newest.resource, survivor))
    return moved_body, merges.changed(subject), merges.from_(subject)


def _last(merges: Merges, subject: str) -> Merge | None:
    return max(merges.out.get(subject, ()), key=lambda each: each.changed, default=None)


# Patients --------------------------------------------------------------------------------------------------


def targets(patient: dict[str, Any], kind: str = REPLACED_BY) -> list[str]:
    """The ids of the patients of this server that a Patient's links of one kind name."""
    found = []
    for link in patient.get("link", ()):
        named = _LOCAL.fullmatch(link.get("other", {}).get("reference", ""))
        if link.get("type") == kind and named:
            found.append(named[1])
    return found


def _patient(sent: Sequence[Version], merges: Merges) -> bytes:
    """A Patient with the links that the merges that hold call for, and no other between two patients here."""
    newest = sent[-1]
    out, replaced = merges.from_(newest.id), merges.replaced(newest.id)
    undone = {each.source for each in merges.into.get(newest.id, ())} - set(replaced)
    base = _own(sent)
    body = dict(base.resource)
    links = [link for link in body.get("link", ()) if not _refuted(link, out.target if out else "", undone)]
    if out and out.target not in targets(body):
        links.append(_link(out.target, REPLACED_BY))
    links += [_link(each, REPLACES) for each in replaced if each not in targets(body, REPLACES)]
    body = {name: value for name, value in body.items() if name != "link"} | (
        {"link": links} if links else {}
    )
    if out:
        body["active"] = False
    elif targets(base.resource):  # it was inactive because of that link
        body.pop("active", None)
    return base.body if body == base.resource else fhir.dump(body)


def _own(sent: Sequence[Version]) -> Version:
    """The newest version that says who the patient is: a notice of a merge may hold links alone."""
    if not targets(sent[-1].resource):
        return sent[-1]
    fuller = [each for each in sent if each.resource.keys() & {"birthDate", "gender", "address"}]
    return fuller[-1] if fuller else sent[-1]


def _refuted(link: dict[str, Any], target: str, undone: set[str]) -> bool:
    named = _LOCAL.fullmatch(link.get("other", {}).get("reference", ""))
    if not named:
        return False
    if link.get("type") == REPLACED_BY:
        return named[1] != target
    return link.get("type") == REPLACES and named[1] in undone


def _link(patient: str, kind: str) -> dict[str, Any]:
    return {"other": {"reference": f"Patient/{patient}"}, "type": kind}
