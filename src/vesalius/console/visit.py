"""One request: who asks, in which language, with which form; and how a page answers it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
from vesalius.governance import Person, Right, audit, people, purposes, sessions
from vesalius.governance.second_factor import SecondFactor
from vesalius.governance.sessions import Stage
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
    "works_council": N_("Works council"),
}
"""The name of each role."""

LINKS = (
    ("/", N_("Worklist"), Right.SEE_WORKLIST),
    ("/decisions", N_("My decisions"), Right.SEE_DECISIONS),
    ("/board", N_("Board"), Right.SEE_MONITORING),
    ("/usecases", N_("Uses"), Right.SEE_FIGURES),
    ("/register", N_("Register"), Right.SEE_GATES),
    ("/academy", N_("Academy"), Right.SEE_EVIDENCE),
    ("/received", N_("Received"), Right.SEE_RECEIVED),
    ("/quality", N_("Data quality"), Right.SEE_RECEIVED),
    ("/terminology", N_("Codes"), Right.SEE_CODES),
    ("/views", N_("Views"), Right.SEE_VIEWS),
    ("/identity", N_("Identity"), Right.SEE_IDENTITY),
    ("/consents", N_("Consent"), Right.RECORD_CONSENT),
    ("/access", N_("Access"), Right.REVIEW_ACCESS),
    ("/audit", N_("Audit"), Right.SEE_AUDIT),
    ("/people", N_("People"), Right.MANAGE_PEOPLE),
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
        waiting: who has shown a part of what they must show to be signed in, or nobody.
        sitting: their session at the server.
        right: the right that the page needs; its purpose stands in every event of the visit.
        names: the names of the accounts looked up so far.
    """

    request: Request
    hospital: Hospital
    language: Language
    form: Mapping[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    person: Person | None = None
    waiting: Person | None = None
    sitting: sessions.Session | None = None
    right: Right | None = None
    names: dict[str, str] = field(default_factory=dict)

    @property
    def rules(self) -> sessions.Rules:
        """What the hospital asks of sessions."""
        return sessions.Rules.of(self.hospital.settings)

    @property
    def second(self) -> SecondFactor:
        """The second factors of the hospital."""
        steps = self.hospital.settings.second_factor_steps
        return SecondFactor(self.hospital.engine, self.hospital.home, steps)

    @property
    def address(self) -> str:
        """The network address of the browser, as the proxy hands it on."""
        return self.request.client.host[:64] if self.request.client else ""

    @property
    def fresh(self) -> bool:
        """Whether who they are was shown lately: asked again before what matters."""
        return self.sitting is not None and self.sitting.fresh(self.now)

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
    token, hospital = visit.session.get("sid"), visit.hospital
    if not isinstance(token, str):
        return None
    attended = visit.request.url.path not in UNATTENDED
    visit.sitting = sessions.find(hospital.engine, token, visit.rules, visit.now, attended=attended)
    person = people.find(hospital.engine, visit.sitting.person) if visit.sitting else None
    if visit.sitting is None or person is None:
        _clear(visit)
        return None
    if visit.sitting.stage != Stage.OPEN:
        visit.waiting = person
        return None
    return person


def remember(visit: Visit, person: Person, *shown: str, provider: str = "") -> None:
    """Begins a session, in the place of the one there was, if any."""
    if visit.sitting is not None:
        sessions.end(visit.hospital.engine, str(visit.session["sid"]), visit.now)
    token = sessions.begin(
        visit.hospital.engine,
        person.id,
        shown,
        visit.rules,
        address=visit.address,
        agent=visit.request.headers.get("user-agent", ""),
        provider=provider,
        at=visit.now,
    )
    _renew(visit, person, token)


def advance(visit: Visit, person: Person, shown: str) -> None:
    """Notes that the person of this session showed more; its token, and that of the forms, are new ones."""
    token = sessions.advance(
        visit.hospital.engine, str(visit.session.get("sid", "")), shown, visit.rules, visit.now
    )
    if token is None:
        raise NotAllowed("the session has ended")
    _renew(visit, person, token)


def _renew(visit: Visit, person: Person, token: str) -> None:
    kept = _preferences(visit)
    visit.session.clear()
    visit.session.update(kept, sid=token, token=new_token())
    visit.sitting = sessions.find(visit.hospital.engine, token, visit.rules, visit.now)
    opened = visit.sitting is not None and visit.sitting.stage == Stage.OPEN
    visit.person, visit.waiting = (person, None) if opened else (None, person)


def forget(visit: Visit) -> None:
    """Signs the person out; what they chose for their eyes stays."""
    sessions.end(visit.hospital.engine, str(visit.session.get("sid", "")), visit.now)
    _clear(visit)


def _clear(visit: Visit) -> None:
    kept = _preferences(visit)
    visit.session.clear()
    visit.session.update(kept, token=new_token())
    visit.person = visit.waiting = visit.sitting = None


def _preferences(visit: Visit) -> dict[str, Any]:
    kept = ("language", "theme", "keys", "next")
    return {name: visit.session[name] for name in kept if name in visit.session}


def check_token(visit: Visit) -> None:
    """Refuses a form that this session was not given.

    Raises:
        NotAllowed: the form's token is not the session's.
    """
    if not same(visit.form.get("token", ""), visit.session.get("token", "")):
        raise NotAllowed("the form is out of date", hint="go back, load the page again and send it again")


def render(visit: Visit, template: str, page: object, status: int = 200) -> HTMLResponse:
    """The page as HTML: ``template`` filled with its context."""
    frame = {"shell": shell(visit), "page": page}  # the frame of a page is no command of a system
    words = environment(visit.language.code).get_template(template).render(frame)
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
