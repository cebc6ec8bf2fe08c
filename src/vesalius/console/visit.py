"""One request: who asks, in which language, with which form; and how a page answers it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from vesalius.console.contexts import Link, Notice, Shell
from vesalius.console.languages import N_, Language, chosen, languages
from vesalius.console.security import new_token, same
from vesalius.console.templating import environment
from vesalius.errors import NotAllowed, NotFound
from vesalius.governance import Person, Right, audit, people, purposes
from vesalius.hospital import Hospital

STATIC = Path(__file__).parent / "static"

ROLES = {
    "doctor": N_("Doctor"),
    "biologist": N_("Clinical biologist"),
    "nurse": N_("Nurse"),
    "pharmacist": N_("Pharmacist"),
    "dpo": N_("Data protection officer"),
    "director": N_("Director"),
    "engineer": N_("Engineer"),
    "legal": N_("Legal counsel"),
    "records": N_("Medical records"),
}
"""The name of each role."""

LINKS = (
    ("/", N_("Worklist"), Right.SEE_WORKLIST),
    ("/decisions", N_("My decisions"), Right.SEE_DECISIONS),
    ("/board", N_("Board"), Right.SEE_MONITORING),
    ("/usecases", N_("Uses"), Right.SEE_FIGURES),
    ("/received", N_("Received"), Right.SEE_RECEIVED),
    ("/quality", N_("Data quality"), Right.SEE_RECEIVED),
    ("/terminology", N_("Codes"), Right.SEE_CODES),
    ("/views", N_("Views"), Right.SEE_VIEWS),
    ("/identity", N_("Identity"), Right.SEE_IDENTITY),
    ("/access", N_("Access"), Right.REVIEW_ACCESS),
    ("/audit", N_("Audit"), Right.SEE_AUDIT),
)
"""The main pages: path, name, the right one needs."""


UNATTENDED = ("/worklist/fresh",)
"""What an open page asks for by itself: it keeps nobody signed in."""


@dataclass
class Visit:
    """One request of one person.

    Attributes:
        request: the HTTP request.
        hospital: the hospital of this console.
        language: the language to answer in.
        form: the fields of a POST; the last one of each name.
        now: the moment of the request.
        person: who is signed in, or nobody.
        right: the right that the page needs; its purpose stands in every event of the visit.
    """

    request: Request
    hospital: Hospital
    language: Language
    form: Mapping[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    person: Person | None = None
    right: Right | None = None

    @property
    def session(self) -> dict[str, Any]:
        """The signed cookie's content."""
        return self.request.session

    @property
    def who(self) -> Person:
        """The person who is signed in."""
        if self.person is None:
            raise NotAllowed("nobody is signed in")
        return self.person

    @property
    def query(self) -> Mapping[str, str]:
        """The fields of the address, cut to a sane length, without the null characters no database takes."""
        return {name: value[:200].replace("\0", "") for name, value in self.request.query_params.items()}

    def path(self, name: str) -> str:
        """A part of the address, such as the id of a suggestion.

        Raises:
            NotFound: it has a null character, which no database takes.
        """
        value = str(self.request.path_params[name])
        if "\0" in value:
            raise NotFound("there is no such name")
        return value

    def number(self, name: str) -> int:
        """A part of the address that is a number.

        Raises:
            NotFound: it is greater than any that was ever given out.
        """
        value = int(self.path(name))
        if value >= 2**31:
            raise NotFound("there is no such number")
        return value

    def may(self, action: str) -> bool:
        """Whether the person's role permits ``action``."""
        return not action or (self.person is not None and self.person.may(action))

    def require(self, action: str) -> None:
        """Refuses what the person's role does not permit.

        Raises:
            NotAllowed: it does not permit ``action``.
        """
        if not self.may(action):
            self.refused({"right": action})
            raise NotAllowed(f"the role {self.who.role} does not permit {action}")

    def refused(self, detail: Mapping[str, Any]) -> None:
        """Writes to the audit that the person was refused this page."""
        self.note(audit.Action.ACCESS_REFUSED, self.request.url.path[:128].replace("\0", "?"), detail)

    def note(self, action: audit.Action, thing: str, detail: Mapping[str, Any] | None = None) -> None:
        """Writes to the audit what the person did, and for what purpose where patients can be seen by it."""
        why = purposes.purpose(self.right) if self.right else None
        told = ({"purpose": str(why)} if why else {}) | dict(detail or {})
        audit.record(self.hospital.engine, self.who.id, action, thing, told, self.now)

    def say(self, message: str, **values: object) -> str:
        """A message in the visit's language."""
        return self.language.say(message, **values)

    def here(self) -> str:
        """The address of this page, to come back to."""
        url = self.request.url
        if self.request.method != "GET":
            return "/"
        return url.path + (f"?{url.query}" if url.query else "")

    def notice(self, text: str, kind: str = "good") -> None:
        """Keeps a line to be shown once, on the next page."""
        self.session["notice"] = {"kind": kind, "text": text}


def begin(request: Request, form: Mapping[str, str]) -> Visit:
    """The visit of a request: reads the session, finds the person, chooses the language."""
    hospital: Hospital = request.app.state.hospital
    visit = Visit(request, hospital, languages()["en"], form)
    visit.person = _signed_in(visit)
    wanted = [
        request.session.get("language", ""),
        *([visit.person.language] if visit.person else _accepted(request)),
    ]
    visit.language = languages()[chosen(wanted, hospital.settings.language)]
    return visit


def _signed_in(visit: Visit) -> Person | None:
    session, hospital = visit.session, visit.hospital
    login, seen = session.get("person"), session.get("seen")
    if not isinstance(login, str) or not isinstance(seen, int | float):
        return None
    idle = visit.now.timestamp() - seen
    if idle > timedelta(hours=hospital.settings.session_hours).total_seconds():
        forget(visit)
        return None
    person = _still(visit, login)
    if person is None:
        forget(visit)
    elif idle > 30 and visit.request.url.path not in UNATTENDED:  # a cookie with every request is waste
        session["seen"] = visit.now.timestamp()
    return person


def _still(visit: Visit, login: str) -> Person | None:
    """The person, unless meanwhile the account was closed, its password changed, or the data became real."""
    try:
        person = people.get(visit.hospital.engine, login)
    except NotFound:
        return None
    stranger = person.demo and not visit.hospital.settings.synthetic
    return None if stranger or person.stamp != visit.session.get("stamp") else person


def remember(visit: Visit, person: Person) -> None:
    """Signs a person in, in a new session."""
    kept = _preferences(visit)
    visit.session.clear()
    visit.session.update(
        kept, person=person.id, stamp=person.stamp, seen=visit.now.timestamp(), token=new_token()
    )
    visit.person = person


def forget(visit: Visit) -> None:
    """Signs the person out; what they chose for their eyes stays."""
    kept = _preferences(visit)
    visit.session.clear()
    visit.session.update(kept, token=new_token())
    visit.person = None


def _preferences(visit: Visit) -> dict[str, Any]:
    return {name: visit.session[name] for name in ("language", "theme", "keys") if name in visit.session}


def check_token(visit: Visit) -> None:
    """Refuses a form that this session was not given.

    Raises:
        NotAllowed: the form's token is not the session's.
    """
    if not same(visit.form.get("token", ""), visit.session.get("token", "")):
        raise NotAllowed("the form is out of date", hint="go back, load the page again and send it again")


def render(visit: Visit, template: str, page: object, status: int = 200) -> HTMLResponse:
    """The page as HTML: ``template`` filled with its context."""
    words = environment(visit.language.code).get_template(template).render(shell=shell(visit), page=page)
    return HTMLResponse(words, status_code=status)


def shell(visit: Visit) -> Shell:
    """What the frame of every page shows."""
    session, settings = visit.session, visit.hospital.settings
    if "token" not in session:
        session["token"] = new_token()
    notice = session.pop("notice", None) if "notice" in session else None
    return Shell(
        hospital=settings.hospital,
        synthetic=settings.synthetic,
        language=visit.language,
        languages=tuple(languages().values()),
        theme=session.get("theme", ""),
        keys=session.get("keys", True),
        person=visit.person,
        role=ROLES.get(visit.person.role, visit.person.role) if visit.person else "",
        links=_links(visit),
        token=session["token"],
        here=visit.here(),
        notice=Notice(**notice) if notice else None,
        now=visit.now,
        assets=assets(),
    )


def _links(visit: Visit) -> tuple[Link, ...]:
    path = visit.request.url.path
    return tuple(
        Link(target, label, path == target or (target != "/" and path.startswith(f"{target}/")))
        for target, label, action in LINKS
        if visit.person and visit.may(action)
    )


def home(visit: Visit) -> str:
    """The first of the main pages that the person may see."""
    return next((link.path for link in _links(visit)), "/about")


def redirect(path: str) -> Response:
    """Sends the browser on after a form, so that loading the page again does not send the form again."""
    return RedirectResponse(path, status_code=303)


def sign_in_path(visit: Visit) -> str:
    """Where to sign in, and to come back from."""
    return f"/sign-in?next={quote(visit.here(), safe='')}" if visit.here() != "/" else "/sign-in"


def address(path: str, **query: str | int) -> str:
    """A path with the query fields that are not empty."""
    given = {name: value for name, value in query.items() if value not in ("", 0)}
    return f"{path}?{urlencode(given)}" if given else path


def fields(body: bytes) -> dict[str, str]:
    """The fields of a form, the last one of each name.

    Raises:
        ValueError: the bytes are not a form in UTF-8, or have too many fields, or a null character.
    """
    pairs = parse_qsl(
        body.decode("utf-8"),
        keep_blank_values=True,
        strict_parsing=bool(body),
        max_num_fields=60,
        errors="strict",
    )
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise ValueError("a null character")
    return dict(pairs)


@cache
def assets() -> str:
    """A short hash of the static files: their addresses change when they do."""
    names = sorted(path for path in STATIC.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in names)).hexdigest()[:10]


def _accepted(request: Request) -> list[str]:
    header = request.headers.get("accept-language", "")[:200]
    return [part.strip()[:2].lower() for part in header.split(",")]
