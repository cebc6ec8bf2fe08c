"""Following a long request: how far it is, its files, its end."""

from __future__ import annotations

from starlette.responses import Response

from vesalius.api import answers, exports, imports, jobs
from vesalius.api.calls import Call
from vesalius.governance.audit import Action
from vesalius.governance.clients import May

_RIGHTS = {"export": May.EXPORT, "import": May.WRITE}


def show(call: Call) -> Response:
    """How far a job is (202), or its manifest (200)."""
    job = _job(call)
    return exports.progress(call, job) if job.kind == "export" else imports.progress(call, job)


def file(call: Call) -> Response:
    """One file of its result."""
    job, name = _job(call), call.request.path_params["file"]
    return exports.file(call, job, name) if job.kind == "export" else imports.errors_file(call, job, name)


def end(call: Call) -> Response:
    """Ends a job: an export can no longer be fetched; of an import, what has landed stays."""
    job = _job(call)
    jobs.end(call.hospital.engine, job)
    if job.kind == "import":
        imports.forget(call.hospital, job)
    call.note(Action.EXPORT_ENDED, job.id, {"kind": job.kind, "status": job.status})
    return answers.answer(None, 202)


def _job(call: Call) -> jobs.Job:
    job = jobs.find(call.hospital.engine, call.request.path_params["job"], call.who.id, call.now)
    call.who.require(_RIGHTS[job.kind])
    return job
