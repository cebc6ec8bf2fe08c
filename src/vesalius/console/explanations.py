"""The sheet for a patient, of a decision that AI took part in; and the notice of a use."""

from __future__ import annotations

from markupsafe import Markup
from starlette.responses import Response

from vesalius.card import LANGUAGES
from vesalius.console.contexts import ExplanationPage
from vesalius.console.languages import NAMES
from vesalius.console.visit import Visit, render
from vesalius.errors import NotFound

TYPES = {"html": "text/html; charset=utf-8", "pdf": "application/pdf"}
"""The files that a sheet can be taken away as."""


def show(visit: Visit) -> Response:
    """The sheet, in the patient's language: that of the reader until another is chosen."""
    from vesalius import explanation

    name, language = visit.path("id"), _language(visit)
    made = explanation.sheet(visit.hospital, name, language, by=visit.who, at=visit.now)
    page = ExplanationPage(
        id=name,
        title=made.title,
        language=language,
        languages=tuple((code, NAMES[code]) for code in LANGUAGES),
        fragment=Markup(explanation.fragment(made)),  # noqa: S704 -- our own escaping code  # nosec B704
    )
    return render(visit, "explanation.html", page)


def download(visit: Visit) -> Response:
    """The sheet as a file."""
    from vesalius import explanation

    name, kind, language = visit.path("id"), visit.path("kind"), _language(visit)
    _check(kind)
    made = explanation.sheet(visit.hospital, name, language, by=visit.who, kind=kind, at=visit.now)
    return _file(explanation.render(kind, made), kind, f"{name}.{language}")


def notice(visit: Visit) -> Response:
    """The notice of a use, for the wall of its wards, as a file."""
    from vesalius import explanation

    name, kind, language = visit.path("name"), visit.path("kind"), _language(visit)
    _check(kind)
    made = explanation.notice(visit.hospital, name, language)
    return _file(explanation.render(kind, made), kind, f"notice.{name}.{language}")


def _language(visit: Visit) -> str:
    wanted = visit.query.get("language", "")
    return wanted if wanted in LANGUAGES else visit.language.code


def _check(kind: str) -> None:
    if kind not in TYPES:
        raise NotFound("there is no such sheet")


def _file(body: bytes, kind: str, name: str) -> Response:
    names = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "no-store"}
    return Response(body, media_type=TYPES[kind], headers=names)
