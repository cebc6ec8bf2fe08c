"""Bulk export (FHIR Bulk Data Access 2): asked for, counted while it is polled, streamed from the log.

Nothing is made beforehand and no copy of patient data lies on a disk: a file is read from the log, pinned at
the position at which the export was asked for, so that every process answers the same, now and after a
restart.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.responses import Response, StreamingResponse

from vesalius import fhir
from vesalius.api import answers, jobs
from vesalius.api.calls import NDJSON, Call
from vesalius.api.outcomes import Refusal
from vesalius.errors import InvalidResource, NotFound
from vesalius.governance import consent, secondary
from vesalius.governance.audit import Action
from vesalius.hospital import Hospital
from vesalius.lake import Version, Wanted

CHUNK = 500
"""How many resources are read at a time."""

COUNTING = 1.0
"""For how many seconds one poll counts."""

_PARAMETERS = {"_outputFormat", "_since", "_type", "_format"}


def export_all(call: Call) -> Response:
    """Asks for everything."""
    return _asked(call, patients=False)


def export_patients(call: Call) -> Response:
    """Asks for everything about all patients."""
    return _asked(call, patients=True)


def _asked(call: Call, *, patients: bool) -> Response:
    _check(call)
    lake, since = call.hospital.lake, _since(call)
    present = sorted(lake.count())
    types = _types(call) or present
    if patients:
        types = [kind for kind in types if kind == "Patient" or fhir.compartment(kind)]
    asked = {
        "types": [kind for kind in types if kind in present],
        "patients": patients,
        "since": answers.instant(since) if since else "",
        # Exactly what came after that export, though some of it may have been on its way in by then.
        "after": since and jobs.export_at(call.hospital.engine, since),
        "request": str(call.request.url),
    }
    job = jobs.begin(call.hospital.engine, call.who.id, "export", asked, lake.position(), call.now)
    detail = {
        "types": asked["types"],
        "patients": patients,
        "since": asked["since"],
        "position": job.position,
    }
    call.note(Action.EXPORT_ASKED, job.id, detail)
    return answers.answer(None, 202, {"Content-Location": f"{call.base}/$jobs/{job.id}"})


def _check(call: Call) -> None:
    if "respond-async" not in call.header("prefer").lower():
        raise Refusal(400, "required", "an export needs the header Prefer: respond-async")
    wanted = call.parameter("_outputFormat", "ndjson").replace(" ", "+").lower()
    if wanted not in {"ndjson", *NDJSON}:
        raise Refusal(400, "not-supported", "exports are NDJSON: _outputFormat=application/fhir+ndjson")
    unknown = {name for name, _ in call.query} - _PARAMETERS
    if unknown and call.prefers("handling") != "lenient":
        raise Refusal(
            400, "not-supported", f"the parameters of an export are {', '.join(sorted(_PARAMETERS))}"
        )


def _since(call: Call) -> datetime | None:
    text = call.parameter("_since").replace(" ", "+")
    try:
        return fhir.parse_time(text) if text else None
    except InvalidResource:
        raise Refusal(400, "value", "_since is a moment, as 2026-05-17T09:30:00Z") from None


def _types(call: Call) -> list[str]:
    named = [kind for name, value in call.query if name == "_type" for kind in value.split(",") if kind]
    if set(named) - fhir.resource_types():
        raise Refusal(400, "value", "_type names types of FHIR R4, with commas between them")
    return sorted(set(named))


def progress(call: Call, job: jobs.Job) -> Response:
    """How far it has come; its manifest, once all is counted."""
    job = _counted(call, job)
    counts, types = job.state.get("counts", {}), job.asked["types"]
    left_out = secondary.LeftOut(patients=job.state.get("left_out", 0)).told
    if job.status != jobs.DONE:
        told = {"X-Progress": f"{len(counts)} of {len(types)} types counted", "Retry-After": "1"}
        return answers.answer(None, 202, told)
    at = f"{call.base}/$jobs/{job.id}"
    manifest = {
        "transactionTime": answers.instant(job.at),
        "request": job.asked["request"],
        "requiresAccessToken": True,
        "output": [
            {"type": kind, "url": f"{at}/{kind}.ndjson", "count": counts[kind]}
            for kind in types
            if counts[kind]
        ],
        "error": [],
        "extension": {"patientsLeftOut": left_out},
    }
    made = answers.answer(manifest, 200, {"Expires": answers.http_date(job.expires_at)})
    made.headers["Content-Type"] = "application/json"
    return made


def _counted(call: Call, job: jobs.Job) -> jobs.Job:
    if job.status == jobs.DONE:
        return job
    hospital, now = call.hospital, call.now
    lake, counts = hospital.lake.pinned(job.position), dict(job.state.get("counts", {}))
    end, without = time.monotonic() + COUNTING, _without(call)
    left = [kind for kind in job.asked["types"] if kind not in counts]
    while left and time.monotonic() < end:
        kind = left.pop(0)
        counts[kind] = lake.how_many(_wanted(job, kind, without))
    state: dict[str, Any] = {"counts": counts}
    if not left:
        state["left_out"] = len(lake.concerned(without, job.asked["types"]))
    return jobs.advance(hospital.engine, job, state, jobs.WAITING if left else jobs.DONE, now)


def _without(call: Call) -> frozenset[str]:
    """Who stays out of what is drawn now; nobody, where it serves care."""
    if call.who.cares:
        return frozenset()
    return consent.excluded(call.hospital.lake, consent.Kind.SECONDARY, call.now)


def _wanted(job: jobs.Job, kind: str, without: frozenset[str]) -> Wanted:
    after, since = job.asked["after"], job.asked["since"]
    return Wanted(
        kind,
        about_patients=job.asked["patients"],
        since=fhir.parse_time(since) if since and after is None else None,
        after=after or 0,
        without=without,
    )


def file(call: Call, job: jobs.Job, name: str) -> Response:
    """One file of an export, line by line from the log."""
    kind = name.removesuffix(".ndjson")
    if not re.fullmatch(r"[A-Za-z]+\.ndjson", name) or kind not in job.asked["types"]:
        raise NotFound("the export has no such file")
    without, count = _without(call), job.state.get("counts", {}).get(kind)
    left_out = call.hospital.lake.pinned(job.position).concerned(without, [kind])
    call.note(Action.EXPORT_READ, f"{job.id}/{name}", {"count": count, "left_out": len(left_out)})
    return StreamingResponse(_lines(call.hospital, job, kind, without), media_type=NDJSON[0])


def _lines(hospital: Hospital, job: jobs.Job, kind: str, without: frozenset[str]) -> Iterator[bytes]:
    lake, wanted = hospital.lake.pinned(job.position), _wanted(job, kind, without)
    while True:
        found = lake.search(wanted, CHUNK)
        if found:
            yield b"".join(map(_line, found))
        if len(found) < CHUNK:
            return
        wanted = replace(wanted, after=found[-1].seq)


def _line(version: Version) -> bytes:
    """The JSON as it was received; laid out anew only if it had several lines."""
    body = version.body.strip()
    return (fhir.dump(version.resource) if b"\n" in body or b"\r" in body else body) + b"\n"
