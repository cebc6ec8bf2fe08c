"""Views: the library, what people saved, and a place to write one and see its rows at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response, StreamingResponse

from vesalius.console.contexts import (
    ColumnLine,
    Fault,
    Preview,
    ViewLine,
    ViewPage,
    ViewsPage,
    ViewVersion,
    WritePage,
)
from vesalius.console.languages import N_
from vesalius.console.visit import Visit, redirect, render
from vesalius.errors import Conflict, InvalidSetting, InvalidView, NotFound, TooMany
from vesalius.governance import Right, audit, people, secondary
from vesalius.governance import views as saved_views
from vesalius.governance.secondary import LeftOut
from vesalius.privacy.counts import SMALLEST, small
from vesalius.views import View, check, library, output
from vesalius.views.places import line_of

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 20
"""How many rows are shown."""

READ = 5_000
"""How many resources are read for them at most."""

SECONDS = 3.0
"""For how long they are read at most."""

CELL = 120
"""How many characters of a cell are shown."""

AROUND = 2
"""How many lines are shown before and after one that is wrong."""

MOST_ROWS, MOST_SECONDS = 1_000_000, 300.0
"""How many rows a file has at most, and for how long it is made."""

SAVED = N_("Saved. Every version is kept.")
UNDONE = N_("The last change was taken back.")
WITHDRAWN = N_("The view was withdrawn. It can be brought back.")
BAD_NAME = N_("A view's name has small letters, digits and underscores, a letter first.")
MEANWHILE = N_("There is such a view already, or somebody saved it meanwhile. Your text is still here.")

TOO_LONG = N_("That is more than a file may have here. Narrow the view, or use the command line.")
MISFIT = N_("The view does not fit something that was received. Show its first rows to see what.")

START = """{
  "resourceType": "ViewDefinition",
  "resource": "Patient",
  "select": [
    {
      "column": [
        {"name": "id", "path": "getResourceKey()"},
        {"name": "sex", "path": "gender"},
        {"name": "birth_date", "path": "birthDate"}
      ]
    }
  ]
}
"""
"""What a new view begins with."""


def show(visit: Visit) -> Response:
    """The library, and what people saved."""
    page = ViewsPage(
        library=tuple(_line(f"/views/library/{name}", library.definition(name)) for name in library.names()),
        saved=tuple(
            _line(f"/views/saved/{each.name}", each.definition, each.name, _name(visit, each.by), each.at)
            for each in saved_views.everyone(visit.hospital.engine)
        ),
        may_write=visit.may(Right.WRITE_VIEWS),
    )
    return render(visit, "views.html", page)


def of_library(visit: Visit) -> Response:
    """One view of the library."""
    name = visit.path("name")
    return _page(visit, _Shown(f"/views/library/{name}", name, library.text(name)))


def saved(visit: Visit) -> Response:
    """One view that people saved, with its versions."""
    name = visit.path("name")
    versions = saved_views.history(visit.hospital.engine, name)
    return _page(visit, _Shown(f"/views/saved/{name}", name, versions[0].text, tuple(versions)))


def undo(visit: Visit) -> Response:
    """Takes the last change of a saved view back."""
    name, after = visit.path("name"), _number(visit.form.get("after", ""))
    made = saved_views.undo(visit.hospital.engine, name, visit.who, after=after, at=visit.now)
    visit.notice(WITHDRAWN if made.withdrawn else UNDONE)
    return redirect(f"/views/saved/{name}")


def library_rows(visit: Visit) -> Response:
    """All rows of a view of the library, as CSV."""
    return _csv(visit, visit.path("name"), library.definition(visit.path("name")))


def saved_rows(visit: Visit) -> Response:
    """All rows of a saved view, as CSV."""
    found = saved_views.current(visit.hospital.engine, visit.path("name"))
    return _csv(visit, found.name, found.definition)


def write(visit: Visit) -> Response:
    """A place to write a view: empty, or from one that is there."""
    query = visit.query
    name, after, text = "", 0, START
    if start := query.get("library", ""):
        text = library.text(start)
    elif start := query.get("saved", ""):
        found = saved_views.current(visit.hospital.engine, start)
        name, after, text = found.name, found.version, found.text
    return render(visit, "view_write.html", _tried(visit, text, name, after, rows=False))


def tried(visit: Visit) -> Response:
    """Tries what was written: its rows, or what is wrong with it; or saves it."""
    text = visit.form.get("text", "").replace("\r\n", "\n")
    name, after = visit.form.get("name", "").strip(), _number(visit.form.get("after", ""))
    if visit.form.get("do") != "save":
        return render(visit, "view_write.html", _tried(visit, text, name, after))
    problem = ""
    try:
        saved_views.save(visit.hospital.engine, name, text, visit.who, after=after, at=visit.now)
    except InvalidSetting:
        problem = BAD_NAME
    except Conflict:
        problem = MEANWHILE
    except InvalidView:
        pass  # the page says what and where
    else:
        visit.notice(SAVED)
        return redirect(f"/views/saved/{name}")
    return render(visit, "view_write.html", _tried(visit, text, name, after, problem, rows=False), 422)


@dataclass(frozen=True)
class _Shown:
    """A view on its way to its page."""

    path: str
    name: str
    text: str
    versions: tuple[saved_views.SavedView, ...] = ()


def _page(visit: Visit, shown: _Shown) -> Response:
    definition = saved_views.parse(shown.text) if shown.text else {}
    view = View.load(definition) if shown.text else None
    preview: Preview | None = None
    faults: list[Fault] = []
    if view and visit.query.get("rows") and visit.may(Right.RUN_VIEWS):
        preview, faults = _preview(visit, view, shown.name, definition, shown.text)
    page = ViewPage(
        path=shown.path,
        name=shown.name,
        title=_words(definition, "title"),
        words=_words(definition, "description"),
        resource=view.definition.resource if view else "",
        columns=_columns(view) if view else (),
        text=shown.text,
        route=view.route if view else "",
        sql=view.explain() if view else "",
        preview=preview,
        faults=tuple(faults),
        versions=tuple(
            ViewVersion(each.version, _name(visit, each.by), each.at, each.restores, each.withdrawn)
            for each in shown.versions
        ),
        version=shown.versions[0].version if shown.versions else 0,
        may_run=visit.may(Right.RUN_VIEWS),
        may_write=visit.may(Right.WRITE_VIEWS),
    )
    return render(visit, "view.html", page)


def _tried(
    visit: Visit, text: str, name: str, after: int, problem: str = "", *, rows: bool = True
) -> WritePage:
    """The page with what was written, what is wrong with it, and its rows where it can run."""
    view: View | None = None
    preview: Preview | None = None
    try:
        definition = saved_views.parse(text)
        view = View.load(definition)
        faults = [
            _fault(text, each.message, each.place, each.hint, grave=each.severity == "error")
            for each in check(definition)
        ]
        if rows and visit.may(Right.RUN_VIEWS):
            preview, wrong = _preview(visit, view, name or "view", definition, text)
            faults += wrong
    except InvalidView as error:
        faults = [_refused(text, error)]
    return WritePage(
        text=text,
        name=name,
        after=after,
        problem=problem,
        faults=tuple(faults),
        preview=preview,
        columns=_columns(view) if view else (),
        route=view.route if view else "",
        sql=view.explain() if view else "",
    )


def _preview(
    visit: Visit, view: View, name: str, definition: Mapping[str, Any], text: str
) -> tuple[Preview | None, list[Fault]]:
    """The first rows, read from the log, and noted: what was read, and about whom."""
    lake, end = visit.hospital.lake.pinned(), time.monotonic() + SECONDS
    out = _left_out(visit, view)
    rows: list[dict[str, Any]] = []
    subjects: set[str] = set()
    faults: list[Fault] = []
    read, whole = 0, True
    try:
        for version in output.versions(view, lake, output.Asked(without=out.without)):
            if len(rows) > SHOWN or read >= READ or time.monotonic() > end:
                whole = False
                break
            read += 1
            found = view.rows([version.resource])
            rows += found
            if found and version.subject:
                subjects.add(version.subject)
    except InvalidView as error:
        faults = [_refused(text, error)]
    detail = {"rows": min(len(rows), SHOWN), "subjects": sorted(subjects), "left_out": out.patients}
    _note(visit, view, name, definition, detail)
    cells = tuple(tuple(_cell(value) for value in row.values()) for row in rows[:SHOWN])
    more = not whole or len(rows) > SHOWN
    few = small(out.patients)
    told = SMALLEST if few else out.patients
    return (None if faults else Preview(view.columns, cells, more, read, told, few)), faults


def _left_out(visit: Visit, view: View) -> LeftOut:
    """Who stays out: a view is seen for no patient's care (:data:`governance.purposes.PURPOSES`)."""
    return secondary.left_out(visit.hospital.lake, [view.definition.resource], at=visit.now)


def _csv(visit: Visit, name: str, definition: Mapping[str, Any]) -> Response:
    view = View.load(definition)
    out = _left_out(visit, view)
    _note(visit, view, name, definition, {"format": "csv", "left_out": out.patients})
    asked = output.Asked(without=out.without, limit=MOST_ROWS + 1)
    rows = _bounded(output.batches(view, visit.hospital.lake, asked))
    pieces = output.encoded(rows, view.schema, "csv")
    try:  # the first piece is made before the file begins: what is wrong by then is still said on a page
        first = next(pieces, b"")
    except (TooMany, InvalidView) as error:
        visit.notice(TOO_LONG if isinstance(error, TooMany) else MISFIT, "warning")
        return redirect(visit.request.url.path.removesuffix("/csv"))
    headers = {
        "content-disposition": f'attachment; filename="{name}.csv"',
        "patients-left-out": out.told,
    }
    return StreamingResponse(chain([first], pieces), media_type="text/csv", headers=headers)


def _bounded(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Breaks off what is too long: no file that looks whole and is not."""
    count, end = 0, time.monotonic() + MOST_SECONDS
    for batch in rows:
        count += batch.num_rows
        if count > MOST_ROWS or time.monotonic() > end:
            raise TooMany(f"more than {MOST_ROWS} rows, or {MOST_SECONDS:g} seconds", seconds=0)
        yield batch


def _note(
    visit: Visit, view: View, name: str, definition: Mapping[str, Any], detail: Mapping[str, Any]
) -> None:
    read = {
        "resource": view.definition.resource,
        "columns": list(view.columns[:100]),
        "digest": saved_views.digest(dict(definition)),
    }
    visit.note(audit.Action.VIEW_READ, name[:128], {**read, **detail})


def _refused(text: str, error: InvalidView) -> Fault:
    message = error.message.removeprefix(f"{error.place}: ") if error.place else error.message
    return _fault(text, message, error.place, error.hint)


def _fault(text: str, message: str, place: str, hint: str, *, grave: bool = True) -> Fault:
    lines, line = text.split("\n"), line_of(text, place)
    first = max(1, line - AROUND)
    excerpt = tuple(
        (number, words[:CELL], number == line)
        for number, words in enumerate(lines[first - 1 : line + AROUND], first)
    )
    return Fault(message, hint, place, line, grave, excerpt)


def _columns(view: View) -> tuple[ColumnLine, ...]:
    return tuple(
        ColumnLine(each.name, str(view.schema.field(each.name).type), each.description)
        for each in view.definition.columns
    )


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def _line(path: str, definition: Mapping[str, Any], name: str = "", by: str = "", at: Any = None) -> ViewLine:
    named = name or _words(definition, "name")
    return ViewLine(path, named, _words(definition, "title"), _words(definition, "resource"), by, at)


def _words(definition: Mapping[str, Any], name: str) -> str:
    value = definition.get(name)
    return value if isinstance(value, str) else ""


def _name(visit: Visit, login: str) -> str:
    try:
        return people.get(visit.hospital.engine, login).name
    except NotFound:
        return login


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
