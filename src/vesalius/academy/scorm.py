"""A course as a SCORM 1.2 package, which Moodle and most learning platforms take.

One content object: all pages, then every question of the pool, marked in the browser and told to the
platform (``cmi.core.score.raw``, ``cmi.core.lesson_status``). Sources: ADL, SCORM Content Aggregation Model
1.2 (manifest, ``masteryscore``) and SCORM Run-Time Environment 1.2 (the API). The same course gives the same
bytes.

What a platform says was passed there is its own record; it opens no gate here.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from html import escape
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # it writes XML only  # nosec B405

from vesalius.academy.course import Course, Page, Question

IMSCP = "http://www.imsproject.org/xsd/imscp_rootv1p1p2"
ADLCP = "http://www.adlnet.org/xsd/adlcp_rootv1p2"
FILES = ("index.html", "course.css", "course.js")

_STYLE = """body{font:1.05rem/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem}
fieldset{margin:1rem 0}label{display:block;padding:.3rem 0}svg{max-width:100%;height:auto}
.notice{border-left:4px solid #734600;padding-left:.8rem}td,th{text-align:left;padding:.2rem .8rem .2rem 0}
.a-box,.a-track{fill:#eef2f5;stroke:#76848f}.a-person,.a-band{fill:#def0f1;stroke:#0b626b}.a-strong{fill:#fff1d1}
.a-arrow{fill:none;stroke:#15212c;stroke-width:2}.a-hit,.a-point{fill:#0b626b}.a-act{fill:#9fc9cd;stroke:#0b626b}
.a-none{fill:none;stroke:#76848f}.a-left{stroke:#9e1a1a;stroke-width:2}.a-text{font-size:14px}
"""

_SCRIPT = """"use strict";
(function () {
  function find(from) {
    for (var at = from, n = 0; at && n < 10; n += 1) {
      if (at.API) { return at.API; }
      if (at === at.parent) { break; }
      at = at.parent;
    }
    return from.opener ? find(from.opener) : null;
  }
  var api = find(window);
  if (api) { api.LMSInitialize(""); }
  document.querySelector("form").addEventListener("submit", function (event) {
    event.preventDefault();
    var asked = document.querySelectorAll("fieldset"), right = 0;
    asked.forEach(function (each) {
      var chosen = each.querySelector("input:checked");
      if (chosen && chosen.value === "right") { right += 1; }
      each.querySelector(".why").hidden = false;
    });
    var score = Math.round(100 * right / asked.length);
    document.querySelector("output").textContent = right + " / " + asked.length;
    if (api) {
      api.LMSSetValue("cmi.core.score.min", "0");
      api.LMSSetValue("cmi.core.score.max", "100");
      api.LMSSetValue("cmi.core.score.raw", String(score));
      var mark = Number(document.body.dataset.mark);
      api.LMSSetValue("cmi.core.lesson_status", score >= mark ? "passed" : "failed");
      api.LMSCommit("");
    }
  });
  window.addEventListener("pagehide", function () { if (api) { api.LMSFinish(""); } });
}());
"""


def package(course: Course) -> bytes:
    """The package of a course: a zip with its manifest, one page, its style and its script."""
    files = {
        "imsmanifest.xml": manifest(course),
        "index.html": _html(course).encode(),
        "course.css": _STYLE.encode(),
        "course.js": _SCRIPT.encode(),
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def manifest(course: Course) -> bytes:
    """The manifest ``imsmanifest.xml``, in UTF-8."""
    name = f"vesalius-{course.head.name}-{course.language}"
    root = Element(
        "manifest",
        {"identifier": name, "version": "1.1", "xmlns": IMSCP, "xmlns:adlcp": ADLCP},
    )
    about = SubElement(root, "metadata")
    SubElement(about, "schema").text = "ADL SCORM"
    SubElement(about, "schemaversion").text = "1.2"
    organisation = SubElement(
        SubElement(root, "organizations", default="course"), "organization", identifier="course"
    )
    SubElement(organisation, "title").text = course.title
    item = SubElement(organisation, "item", identifier="item", identifierref="content", isvisible="true")
    SubElement(item, "title").text = course.title
    SubElement(item, "adlcp:masteryscore").text = str(mark(course))
    resource = SubElement(
        SubElement(root, "resources"),
        "resource",
        {"identifier": "content", "type": "webcontent", "adlcp:scormtype": "sco", "href": FILES[0]},
    )
    for file in FILES:
        SubElement(resource, "file", href=file)
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def mark(course: Course) -> int:
    """The score that passes, 0 to 100."""
    return round(100 * course.head.pass_mark)


def _html(course: Course) -> str:
    pages = "".join(part for page in course.pages for part in _page(page))
    asked = "".join(_question(each) for each in course.questions)
    return (
        f'<!doctype html><html lang="{course.language}"><head><meta charset="utf-8">'
        f"<title>{escape(course.title)}</title>"
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="course.css"></head>'
        f'<body data-mark="{mark(course)}"><h1>{escape(course.title)}</h1><p>{escape(course.lead)}</p>{pages}'
        f'<form>{asked}<button>OK</button> <output aria-live="polite"></output></form>'
        '<script src="course.js"></script></body></html>'
    )


def _page(page: Page) -> Iterator[str]:
    yield f"<h2>{escape(page.title)}</h2>"
    yield from (f"<p>{escape(each)}</p>" for each in page.text)
    if page.points:
        yield f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in page.points)}</ul>"
    yield page.picture
    if page.table is not None:
        heads = "".join(f'<th scope="col">{escape(each)}</th>' for each in page.table.heads)
        rows = map(_row, page.table.rows)
        yield f"<table><caption>{escape(page.table.caption)}</caption><tr>{heads}</tr>{''.join(rows)}</table>"
    if page.exercise is not None:
        yield f"<p>{escape(page.exercise.words)}</p><p>{escape(page.exercise.why)}</p>"
    if page.notice:
        yield f'<p class="notice">{escape(page.notice)}</p>'


def _row(row: tuple[str, ...]) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
    return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'


def _question(asked: Question) -> str:
    # The right answer must not always be the first: in the order of its words, which anybody can check.
    name = escape(asked.key)
    answers = "".join(
        f'<label><input type="radio" name="{name}" value="{answer.key}"> {escape(answer.words)}</label>'
        for answer in sorted(asked.answers, key=lambda each: each.words)
    )
    why = f'<p class="why" hidden>{escape(asked.why)}</p>'
    return f"<fieldset><legend>{escape(asked.words)}</legend>{answers}{why}</fieldset>"
