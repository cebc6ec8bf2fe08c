"""The dossier of a use: built behind the page, verified, read in one's language, taken away."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from vesalius import dossier
from vesalius.console.codes import Behind
from vesalius.console.contexts import DossierPage
from vesalius.console.languages import N_
from vesalius.console.reports import TYPES
from vesalius.console.suggestion import name_of
from vesalius.console.visit import Visit, redirect, render
from vesalius.console.words import cards, speaker
from vesalius.dossier import Sealed, Verdict
from vesalius.errors import NotFound, UnreadableInput, VesaliusError
from vesalius.governance import audit, register
from vesalius.governance.audit import Action
from vesalius.governance.register import System
from vesalius.usecase import encode

KINDS = ("pdf", "html", "json")
BUILDING = N_("It is being built. This page looks again by itself.")
BUILT = N_("Built, sealed and kept.")
BUSY = N_("Something else is under way at this moment: try again shortly.")
PATIENCE = 1.5
"""For how many seconds the page waits for what goes on behind it."""


@dataclass
class Progress:
    """How far a build is.

    Attributes:
        done, total: steps.
        running: whether it goes on.
        problem: why it failed, in English; empty where it did not.
    """

    done: int = 0
    total: int = dossier.STEPS
    running: bool = True
    problem: str = ""


def show(visit: Visit) -> Response:
    """The dossier as it was last built, to read."""
    system, progress = _system(visit), _progress(visit)
    sealed, problem = None, ""
    try:
        sealed = dossier.opened(
            visit.hospital, system.name, visit.who, "page", visit.language.code, visit.now
        )
    except UnreadableInput as error:
        problem = error.message
    answer = render(visit, "dossier.html", _page(visit, system, sealed, problem=problem))
    if progress is not None and progress.running:
        answer.headers["Refresh"] = "2"
    return answer


def build(visit: Visit) -> Response:
    """Builds it anew, behind the page."""
    system, progress, hospital, who, now = _system(visit), Progress(), visit.hospital, visit.who, visit.now
    began: list[bool] = []

    def work() -> None:
        began.append(True)
        visit.request.app.state.dossiers[system.name] = progress
        try:
            dossier.make(hospital, system.name, who, now, progress=lambda done, _: _step(progress, done))
        except VesaliusError as error:
            progress.problem = error.message
        finally:
            progress.running = False

    behind: Behind = visit.request.app.state.behind
    behind.do(work, PATIENCE)
    if not began:
        visit.notice(BUSY, "warning")
    elif progress.running:
        visit.notice(BUILDING, "info")
    elif not progress.problem:
        visit.notice(BUILT)
    return redirect(f"/register/{system.name}/dossier")


def verify(visit: Visit) -> Response:
    """Holds it against the database, and names what does not fit."""
    system = _system(visit)
    sealed = dossier.kept(visit.hospital, system.name)
    if sealed is None:
        raise NotFound("no dossier was built", hint="build it first")
    verdict = dossier.examined(visit.hospital, system.name, sealed, visit.who, visit.now)
    return render(visit, "dossier.html", _page(visit, system, sealed, verdict))


def download(visit: Visit) -> Response:
    """The dossier as a file: in the reader's language, or sealed with all four."""
    system, kind, code = _system(visit), visit.path("kind"), visit.language.code
    if kind not in KINDS:
        raise NotFound("there is no such file")
    sealed = dossier.opened(visit.hospital, system.name, visit.who, kind, code, visit.now)
    if sealed is None:
        raise NotFound("no dossier was built", hint="build it first")
    body = encode(sealed) if kind == "json" else dossier.render(kind, sealed.dossier, code)
    file = f"dossier-{system.name}.{kind}" if kind == "json" else f"dossier-{system.name}.{code}.{kind}"
    return Response(
        body, media_type=TYPES[kind], headers={"Content-Disposition": f'attachment; filename="{file}"'}
    )


def _step(progress: Progress, done: int) -> None:
    progress.done = done


def _system(visit: Visit) -> System:
    return register.system(visit.hospital.engine, visit.path("name"), visit.now)


def _progress(visit: Visit) -> Progress | None:
    found: Progress | None = visit.request.app.state.dossiers.get(visit.path("name"))
    return found


def _page(
    visit: Visit, system: System, sealed: Sealed | None, verdict: Verdict | None = None, problem: str = ""
) -> DossierPage:
    progress = _progress(visit)
    running = progress is not None and progress.running
    made = sealed.dossier if sealed else None
    built = audit.events(visit.hospital.engine, action=Action.DOSSIER_BUILT, thing=system.name, limit=1)
    return DossierPage(
        name=system.name,
        title=_title(visit, system),
        at=made.at if made else None,
        by=name_of(visit, built[0].actor) if built and made else "",
        events=len(made.sources) if made else 0,
        digest=made.digest if made else "",
        counts=(made.counts.auto, made.counts.waiting, made.counts.assisted, made.counts.manual)
        if made
        else (0, 0, 0, 0),
        applying=made.counts.applying if made else 0,
        verified=verdict is not None,
        problems=verdict.problems if verdict else (),
        since=verdict.since if verdict else 0,
        running=running,
        done=progress.done if progress and running else 0,
        steps=progress.total if progress and running else dossier.STEPS,
        failed=problem or (progress.problem if progress and not running else ""),
        fragment=Markup(dossier.embedded(made, visit.language.code)) if made else Markup(),  # noqa: S704 -- our own escaping templates  # nosec B704
    )


def _title(visit: Visit, system: System) -> str:
    if system.entry:
        return system.entry.title
    return speaker(system.name, visit.language).say("title") if system.name in cards() else system.name
