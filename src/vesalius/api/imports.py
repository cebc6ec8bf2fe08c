"""Bulk import: a file is uploaded, kept safe, and received in the background like any other file.

A client that has its answer (202) can go: the file is on disk and its job in the database. One thread of a
process works on the jobs; if the process is killed, the next one that is asked about a job goes on where it
stopped, for that is what ``ingest.receive`` does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from vesalius.api import answers, jobs
from vesalius.api.calls import JSON, NDJSON, Call, check_content
from vesalius.api.outcomes import Refusal, issue, refusal
from vesalius.errors import Conflict, NotFound, Unavailable, UnreadableInput
from vesalius.governance import audit
from vesalius.governance.audit import Action
from vesalius.hospital import Hospital
from vesalius.ingest import Receipt, held, receive

MAX_UPLOAD = 4 * 1024**3
"""The largest file that can be uploaded, in bytes as sent."""

IDLE_SECONDS = 60.0
"""For how long an upload may stand still."""

_BUFFER = 1024 * 1024
_log = logging.getLogger(__name__)


async def upload(call: Call) -> None:
    """Writes the body to a file of its own, as it comes; ``call.upload`` then names it.

    Raises:
        Refusal: it is too large, broken off, or in a form that we do not read.
        Unavailable: the disk is full.
    """
    check_content(call, (*NDJSON, *JSON))
    if call.header("content-encoding").strip().lower() not in {"", "identity", "gzip", "x-gzip"}:
        raise Refusal(415, "not-supported", "the content encoding must be gzip, or none")
    name = secrets.token_hex(16)
    call.upload = name
    try:
        file = _uploads(call.hospital) / name
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            await _copied(call, written)
            await run_in_threadpool(_synced, written)
    except OSError as error:
        raise Unavailable(f"the upload cannot be kept: {error.strerror}") from None


async def _copied(call: Call, written: BinaryIO) -> None:
    size, held_back, stream = 0, bytearray(), call.request.stream()
    try:
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                chunk = await anext(stream, None)
            if chunk is None:
                break
            size += len(chunk)
            if size > MAX_UPLOAD:
                raise Refusal(413, "too-costly", f"an upload has at most {MAX_UPLOAD} bytes")
            held_back += chunk
            if len(held_back) >= _BUFFER:
                await run_in_threadpool(written.write, bytes(held_back))
                held_back.clear()
    except TimeoutError:
        raise Refusal(408, "timeout", f"the upload stood still for {IDLE_SECONDS:g} seconds") from None
    except ClientDisconnect:
        raise Refusal(400, "incomplete", "the connection ended before the upload did") from None
    await run_in_threadpool(written.write, bytes(held_back))


def _synced(written: BinaryIO) -> None:
    written.flush()
    os.fsync(written.fileno())


def _uploads(hospital: Hospital) -> Path:
    folder = hospital.home / "imports"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def discard(call: Call) -> None:
    """Takes away an upload that became no job."""
    (_uploads(call.hospital) / call.upload).unlink(missing_ok=True)


def begin(call: Call) -> Response:
    """Makes a job of what was uploaded."""
    kind = check_content(call, (*NDJSON, *JSON))
    asked = {
        "format": "bundle" if kind in JSON else "ndjson",
        "source": call.who.source,
        "request": str(call.request.url),
    }
    asked["actor"] = call.who.actor
    lake = call.hospital.lake
    job = jobs.begin(
        call.hospital.engine, call.who.id, "import", asked, lake.position(), call.now, call.upload
    )
    resume(call.hospital)
    return answers.answer(None, 202, {"Content-Location": f"{call.base}/$jobs/{job.id}"})


def progress(call: Call, job: jobs.Job) -> Response:
    """How far it has come; its manifest, once it is done."""
    state = job.state
    if job.status == jobs.WAITING:
        resume(call.hospital)
        told = {"X-Progress": f"{state.get('done', 0)} items received", "Retry-After": "1"}
        return answers.answer(None, 202, told)
    if job.status == jobs.FAILED:
        raise Refusal(422, "processing", state["words"])
    at = f"{call.base}/$jobs/{job.id}"
    errors = [{"type": "OperationOutcome", "url": f"{at}/errors.ndjson", "count": state["quarantined"]}]
    manifest = {
        "transactionTime": answers.instant(job.at),
        "request": job.asked["request"],
        "requiresAccessToken": True,
        "output": [],
        "error": errors if state["quarantined"] else [],
        "extension": state,
    }
    made = answers.answer(manifest, 200, {"Expires": answers.http_date(job.expires_at)})
    made.headers["Content-Type"] = "application/json"
    return made


def errors_file(call: Call, job: jobs.Job, name: str) -> Response:
    """What of an import is held in quarantine, and why: one OperationOutcome per item."""
    if name != "errors.ndjson" or job.status != jobs.DONE:
        raise NotFound("the import has no such file")
    lines = [msgspec.json.encode(each) for each in _outcomes(call.hospital, job.state)]
    return Response(b"".join(line + b"\n" for line in lines), media_type=NDJSON[0])


def _outcomes(hospital: Hospital, state: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    offset, page = 0, 500
    while len(found) < state["quarantined"]:
        items = held(hospital.engine, limit=page, offset=offset)
        for item in items:
            if item.receipt == state["receipt"]:
                made = issue("error", "processing", f"{item.place}: {item.words} ({item.cause})")
                found.append({"resourceType": "OperationOutcome", "issue": [made]})
        if len(items) < page:
            break
        offset += page
    return found[::-1]


# The work --------------------------------------------------------------------------------------------------

_starting = threading.Lock()
_workers: dict[Path, threading.Thread] = {}


def resume(hospital: Hospital) -> None:
    """Works on the uploads that wait, in a thread of this process; returns at once."""
    with _starting:
        worker = _workers.get(hospital.home)
        if worker is None or not worker.is_alive():
            worker = threading.Thread(target=_work, args=(hospital,), name="imports", daemon=True)
            _workers[hospital.home] = worker
            worker.start()


def forget(hospital: Hospital, job: jobs.Job) -> None:
    """Takes away the upload of a job that its client has ended."""
    (_uploads(hospital) / job.id).unlink(missing_ok=True)


def _sweep(hospital: Hospital) -> None:
    """Takes away uploads that became no job, because the process was killed before it could answer."""
    before = time.time() - 2 * IDLE_SECONDS
    old = {file.name: file for file in _uploads(hospital).iterdir() if file.stat().st_mtime < before}
    for name in old.keys() - jobs.known(hospital.engine, old.keys()):
        old[name].unlink(missing_ok=True)


def _work(hospital: Hospital) -> None:
    try:
        _sweep(hospital)
        while job := jobs.claim(hospital.engine, "import", datetime.now(UTC)):
            _receive(hospital, job)
    except Exception as error:
        # The job stays as it is: whoever is asked about it next goes on.
        _log.warning("an import was broken off: %s", type(error).__name__)


def _receive(hospital: Hospital, job: jobs.Job) -> None:
    def alive(done: int, _: int) -> None:
        jobs.advance(hospital.engine, job, {"done": done}, jobs.WAITING, datetime.now(UTC))

    file = _uploads(hospital) / job.id
    try:
        receipt = receive(
            hospital.lake, f"import {job.id}", file, source=job.asked["source"], format=job.asked["format"],
            received_at=job.at, progress=alive,
        )  # fmt: skip
    except (Conflict, Unavailable):
        raise
    except Exception as error:
        words = str(error) if isinstance(error, UnreadableInput) else refusal(error).words
        jobs.advance(hospital.engine, job, {"words": words}, jobs.FAILED, datetime.now(UTC))
        return
    _finish(hospital, job, receipt)
    file.unlink(missing_ok=True)


def _finish(hospital: Hospital, job: jobs.Job, receipt: Receipt) -> None:
    counts = {name: getattr(receipt, name) for name in ("read", "written", "unchanged", "quarantined")}
    state = counts | {"receipt": receipt.id, "repeated": receipt.repeated}
    detail = {"written": receipt.written, "quarantined": receipt.quarantined, "job": job.id}
    audit.record(hospital.engine, job.asked["actor"], Action.DATA_RECEIVED, str(receipt.id), detail)
    jobs.advance(hospital.engine, job, state, jobs.DONE, datetime.now(UTC))
