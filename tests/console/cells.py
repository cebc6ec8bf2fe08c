"""A hospital for the test of every cell: an account of each role in each care relation, and a quick browser.

The browser speaks to the application itself, without threads or sockets of its own: some ten thousand cells
are asked for in seconds. What a request wrote is taken back from a copy of the database that is held in memory.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pyotp
import pytest
import synthetic

from vesalius import identity, ingest, terminology
from vesalius.console import app, codes
from vesalius.governance import Right, care, glass, people, roles, uses
from vesalius.governance.access import Relation
from vesalius.governance.roles import Role
from vesalius.governance.second_factor import SecondFactor
from vesalius.hospital import Hospital
from vesalius.lake import Arrival
from vesalius.monitoring import alarms
from vesalius.monitoring.alarms import Finding
from vesalius.review import Display
from vesalius.store import writing
from vesalius.views import library

USE = synthetic.USECASE
PATIENT = "Patient/p2"
MARK = "Dubois, Marguerite"
"""The name of the patient whom the cells are about."""

TOKEN = re.compile(r'name="token" value="([^"]+)"')
RELATIONS = (Relation.UNIT, Relation.NONE, Relation.GLASS)


RUNNER = ThreadPoolExecutor(1)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Caller:
    """A browser with the cookies of one session; it keeps them as they were when it signed in."""

    console: object
    loop: asyncio.AbstractEventLoop
    cookie: str = ""
    token: str = ""

    def ask(self, method: str, path: str, form: Mapping[str, str] | None = None) -> Answer:
        body = urlencode({"token": self.token} | dict(form or {})).encode() if method == "POST" else b""
        # In a thread of its own: a browser of another test may hold a loop in this one.
        return RUNNER.submit(lambda: self.loop.run_until_complete(self._ask(method, path, body))).result()

    async def _ask(self, method: str, path: str, body: bytes) -> Answer:
        where, _, query = path.partition("?")
        headers = [(b"host", b"testserver"), (b"cookie", self.cookie.encode())]
        headers += [(b"content-type", b"application/x-www-form-urlencoded")] if body else []
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": where, "raw_path": quote(where).encode(), "query_string": query.encode(), "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("testserver", 80),
        }  # fmt: skip
        sent: list[dict] = []
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_() -> dict:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: dict) -> None:
            sent.append(message)

        await self.console(scope, receive_, send)
        start = next(each for each in sent if each["type"] == "http.response.start")
        said = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        text = b"".join(each.get("body", b"") for each in sent).decode("utf-8", "replace")
        if "set-cookie" in said and not self.token:
            self.cookie = said["set-cookie"].partition(";")[0]
        return Answer(start["status"], said, text)

    def sign_in(self, login: str, **fields: str) -> Caller:
        """Signs in, and keeps the session and the token of its forms."""
        token = _token(self.ask("GET", "/about").text)
        answer = self.ask("POST", "/sign-in", {"token": token, "login": login} | fields)
        assert answer.status == 303, (login, answer.status)
        self.token = _token(self.ask("GET", "/about").text)
        return self


def _token(page: str) -> str:
    found = TOKEN.search(page)
    assert found
    return found.group(1)


@dataclass
class World:
    """The hospital, who is signed in there, and what the cells are about.

    Attributes:
        callers: for each role and relation a browser; "" is nobody, "pending" waits for the second factor.
        places: what stands for the names in addresses, by the address.
    """

    hospital: Hospital
    loop: asyncio.AbstractEventLoop
    console: object
    callers: dict[tuple[str, Relation], Caller] = field(default_factory=dict)
    places: dict[str, object] = field(default_factory=dict)
    copies: dict[str, sqlite3.Connection] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    def caller(self, role: str, relation: Relation = Relation.UNIT) -> Caller:
        return self.callers[role, relation if (role, relation) in self.callers else Relation.UNIT]

    def callers_by(self, account: str) -> Caller:
        return next(each for key, each in self.callers.items() if login(*key) == account)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @property
    def file(self) -> Path:
        return Path(str(self.hospital.engine.url.database))

    def keep(self, name: str) -> None:
        """Copies the database into memory, under a name."""
        self.copies[name] = sqlite3.connect(":memory:", check_same_thread=False)
        with closing(sqlite3.connect(self.file)) as now:
            now.backup(self.copies[name])
        self.held[name] = self.written()

    def restore(self, name: str) -> None:
        """Puts the database back as it was under that name."""
        with closing(sqlite3.connect(self.file)) as now:
            self.copies[name].backup(now)

    def written(self) -> int:
        """What the database holds, but for what is written of every request: the audit, sessions, rates."""
        with closing(sqlite3.connect(self.file)) as now:
            names = [row[0] for row in now.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            held = {
                name: now.execute(f'SELECT * FROM "{name}"').fetchall()
                for name in sorted(names)
                if not name.startswith(("audit", "session", "rate", "sqlite"))
            }
        return hash(repr(held))


def login(role: str, relation: Relation = Relation.UNIT) -> str:
    return f"cell-{role.replace('_', '-')}-{relation}"


@contextmanager
def world(home: Path) -> Iterator[World]:
    """Makes it; takes some seconds."""
    now = datetime.now(UTC)
    with pytest.MonkeyPatch.context() as patch:  # its use is an idea still; it goes live below
        patch.setattr(synthetic, "go_live", lambda *_: None)
        hospital = synthetic.make(home, count=20)
    loop = asyncio.new_event_loop()
    try:
        _fill(hospital, now)
        made = World(hospital, loop, app(hospital))
        _staff(made, now)
        _places(made)
        _go_live(made, now)
        yield made
    finally:
        hospital.close()
        loop.close()


def _go_live(made: World, now: datetime) -> None:
    """The use goes live, signature by signature; the hospital is kept as it was in each state on the way."""
    engine, sign = made.hospital.engine, uses.sign

    def signed(*given, **named):
        state = uses.current(engine, USE).state
        if str(state) not in made.copies:
            made.keep(str(state))
        return sign(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uses, "sign", signed)
        synthetic.go_live(made.hospital, now - timedelta(days=30))
    assert uses.current(engine, USE).speaks
    made.keep("live")


def _fill(hospital: Hospital, now: datetime) -> None:
    stay = {
        "resourceType": "Encounter", "id": "e1", "status": "in-progress", "class": {"code": "IMP"},
        "subject": {"reference": PATIENT}, "period": {"start": (now - timedelta(days=1)).isoformat()},
        "location": [{"location": {"reference": "Location/URO", "display": "Urologie"}}],
    }  # fmt: skip
    hospital.lake.write([Arrival.of(json.dumps(stay).encode())], "tests", now)
    synthetic.doubles(hospital, now)
    synthetic.hold_rows(hospital)
    synthetic.receive_local_codes(hospital)
    synthetic.save_views(hospital)
    synthetic.validate(hospital)
    shown = Display(MARK, "1938-03-12", "Urologie", "26005010")
    hospital.review.file([synthetic.suggestion(5010, now)], "silent", now, [shown])
    with writing(hospital.engine) as connection:
        finding = Finding("subgroup", "sex=female", "alarm", {})
        alarms.settle(connection, USE, "ab" * 32, [finding], now)


def _staff(made: World, now: datetime) -> None:
    engine, words = made.hospital.engine, "On call, called to the bed by the nurse"
    breaking = [role for role in Role if roles.may(role, Right.BREAK_GLASS)]
    for role in Role:
        for relation in RELATIONS if role in breaking else (Relation.UNIT, Relation.NONE):
            name = login(role, relation)
            people.add(
                engine, name, name=f"Cell {role}", role=role, language="en", password=synthetic.PASSWORD
            )
            care.set_units(engine, name, ["Location/URO"] if relation == Relation.UNIT else [])
            if relation == Relation.GLASS:
                person = people.get(engine, name)
                made.hospital.access.break_glass(person, PATIENT, code="covering", words=words, at=now)
            caller = Caller(made.console, made.loop).sign_in(name, password=synthetic.PASSWORD)
            made.callers[role, relation] = caller
    nobody = Caller(made.console, made.loop)
    nobody.token = _token(nobody.ask("GET", "/about").text)
    made.callers["", Relation.UNIT] = nobody
    made.callers["pending", Relation.UNIT] = _pending(made, now)


def _pending(made: World, now: datetime) -> Caller:
    """A director who has shown a password, and not yet the second factor."""
    engine = made.hospital.engine
    people.add(
        engine, "pending", name="Pending", role=tuple(Role), language="en", password=synthetic.PASSWORD
    )
    care.set_units(engine, "pending", [care.EVERYWHERE])
    second, before = SecondFactor(engine, made.hospital.home), now - timedelta(minutes=30)
    second.confirm("pending", pyotp.TOTP(second.begin("pending", before)).at(before), before)
    return Caller(made.console, made.loop).sign_in("pending", password=synthetic.PASSWORD)


def _places(made: World) -> None:
    hospital = made.hospital
    found = hospital.review.worklist(subject=PATIENT, status="all", limit=9).items
    silent = hospital.review.worklist(subject=PATIENT, mode="silent", status="all", limit=9).items[0]
    held = ingest.held(hospital.engine)[0]
    terminology.refresh(hospital.lake)
    entry = next(each for each in terminology.worklist(hospital.engine).entries if each.name == "Kalium")
    made.places |= {
        "decision": 1,
        "refusal": 1,
        "of": "none",
        "uid": "none",
        "open": next(each.id for each in found if each.status == "open"),
        "decided": next(each.id for each in found if each.status not in ("open", "deferred")),
        "silent": silent.id,
        "pair": next(each.id for each in identity.pairs(hospital.engine) if each.one == "d1"),
        "merge": identity.merges(hospital.engine)[0].id,
        "glass": glass.listed(hospital.engine)[0].id,
        "alarm": alarms.standing(hospital.engine, USE)[0].id,
        "held": held.id,
        "map": held.map,
        "library": library.names()[0],
        "entry": entry,
        "row": codes._id(entry.key),
    }
