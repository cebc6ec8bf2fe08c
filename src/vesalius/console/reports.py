"""The validation report of a use: to read in one's language, to take away, to answer the questions of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.responses import Response

from vesalius.console.contexts import AskedLine, AskedPage, ReportPage
from vesalius.console.languages import N_
from vesalius.console.runs import latest_run, made_at
from vesalius.console.suggestion import name_of
from vesalius.console.visit import Visit, redirect, render
from vesalius.console.words import Speaker, speaker
from vesalius.errors import Conflict, InvalidDecision, InvalidSetting, NotFound
from vesalius.governance import Right, answers
from vesalius.usecase import find

if TYPE_CHECKING:
    from vesalius.evaluation import Run
    from vesalius.evaluation.reporting import Document

TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "xml": "application/xml",
    "json": "application/json",
}
"""The files that a report can be taken away as."""

ANSWERED = N_("Answered. The report shows it with your name.")
UNDONE = N_("The last change of that answer was taken back.")
EMPTY = N_("Write the answer first, in at most 4,000 characters.")
MEANWHILE = N_("Somebody answered that question meanwhile. Your text is still here.")


def show(visit: Visit) -> Response:
    """The whole report of the latest validation."""
    from vesalius.evaluation.reporting import fragment

    name = visit.path("name")
    said, run = speaker(name, visit.language), latest_run(visit.hospital, name)
    made = None if run is None else _document(visit, said, name, run)
    page = ReportPage(
        name=name,
        title=said.say("title"),
        run=run.id if run else "",
        run_at=made_at(visit.hospital, run) if run else None,
        fragment=Markup(fragment(made)) if made else Markup(),  # noqa: S704 -- our own escaping templates  # nosec B704
        open=made.asked if made else 0,
    )
    return render(visit, "report.html", page)


def download(visit: Visit) -> Response:
    """The report as a file."""
    from vesalius.evaluation import reporting

    name, kind = visit.path("name"), visit.path("kind")
    said, run = speaker(name, visit.language), latest_run(visit.hospital, name)
    if kind not in TYPES or run is None:
        raise NotFound("there is no such report")
    made = reporting.render(kind, run, said.card, **_options(visit, name, run))
    names = {"Content-Disposition": f'attachment; filename="{run.id}.{visit.language.code}.{kind}"'}
    return Response(made, media_type=TYPES[kind], headers=names)


def asked(visit: Visit) -> Response:
    """The questions that no machine can fill, and their answers."""
    return render(visit, "questions.html", _asked(visit, visit.path("name")))


def answer(visit: Visit) -> Response:
    """Keeps an answer, or takes the last change of one back."""
    name, form = visit.path("name"), visit.form
    find(name)
    question, seen = form.get("question", ""), form.get("after", "")
    after = int(seen) if seen.isdecimal() and len(seen) < 7 else 0
    engine = visit.hospital.engine
    if form.get("act") == "undo":
        answers.undo(engine, name, question, visit.who, after=after, at=visit.now)
        visit.notice(UNDONE)
        return redirect(f"/usecases/{name}/questions#q-{question}")
    if form.get("act") != "answer":
        raise InvalidDecision("nothing to do with that button")
    run = latest_run(visit.hospital, name)
    words = form.get("text", "").replace("\r\n", "\n")
    try:
        answers.answer(
            engine, name, question, words, visit.who, run=run.id if run else "", after=after, at=visit.now
        )
    except InvalidSetting:
        return render(visit, "questions.html", _asked(visit, name, question, words, EMPTY), 400)
    except Conflict:
        return render(visit, "questions.html", _asked(visit, name, question, words, MEANWHILE), 409)
    visit.notice(ANSWERED)
    return redirect(f"/usecases/{name}/questions#q-{question}")


def _options(visit: Visit, name: str, run: Run) -> dict[str, Any]:
    from vesalius.evaluation.reporting import owned

    return {
        "language": visit.language.code,
        "answers": answers.spoken(visit.hospital.engine, name),
        "own": owned(find(name), run),
        "synthetic": visit.hospital.settings.synthetic,
    }


def _document(visit: Visit, said: Speaker, name: str, run: Run) -> Document:
    from vesalius.evaluation.reporting import document

    return document(run, said.card, **_options(visit, name, run))


def _asked(visit: Visit, name: str, chosen: str = "", words: str = "", problem: str = "") -> AskedPage:
    from vesalius.evaluation.reporting import questionnaire

    said, run = speaker(name, visit.language), latest_run(visit.hospital, name)
    known = answers.current(visit.hospital.engine, name)
    open_first = []
    given_by_people = answers.spoken(visit.hospital.engine, name)
    for question in questionnaire(visit.language.code, given_by_people, run, said.card):
        given = known.get(question.key)
        mine = visit.may(Right.ANSWER_QUESTIONS) and answers.may(question.key, visit.who)
        open_first.append(
            AskedLine(
                key=question.key,
                words=question.words,
                owner=question.owner,
                due=question.due,
                items=", ".join(question.items),
                answer=question.answer,
                by=name_of(visit, given.by) if given and given.text else question.by,
                at=given.at if given and given.text else None,
                stale=question.stale,
                version=given.version if given else 0,
                may_answer=mine,
                text=words if question.key == chosen else (given.text if given else ""),
                problem=problem if question.key == chosen else "",
            )
        )
    open_first.sort(key=lambda line: (bool(line.answer) and not line.stale, not line.may_answer))
    return AskedPage(
        name=name,
        title=said.say("title"),
        lines=tuple(open_first),
        open=sum(not line.answer for line in open_first),
        mine=sum(line.may_answer and not line.answer for line in open_first),
    )
