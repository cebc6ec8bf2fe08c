"""No identifier of a patient stands in a log, an address or an error page: a whole run, and a search of all it left.

What counts as an identifier, and what does not, is written in docs/governance/identifiers.md: names, numbers that
a person bears (national, of the hospital, of a stay), telephone, mail and street. The id of a resource is a
pseudonym and may stand in an address.
"""

import io
import json
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
import synthetic
from argon2 import PasswordHasher
from cells import Caller, world
from expected import EXPECTED
from test_every_cell import address

from vesalius import api, loop
from vesalius.console.application import FIND, SEARCH
from vesalius.governance import clients, people, roles
from vesalius.governance.clients import May
from vesalius.governance.roles import Role
from vesalius.ingest import CsvMap, receive, receive_message
from vesalius.lake import Arrival
from vesalius.review import Display

FAMILY, GIVEN = "Zwartemerkx", "Ildegonda"
NISS = "13072912388"
MRN, STAY = "MRN9047713", "STAY5518802"
PHONE, MAIL, STREET = "+32470118877", "ildegonda.z@example.org", "Merkteken 41"
MARKS = (FAMILY, GIVEN, NISS, "13.07.29-123.88", MRN, STAY, PHONE, MAIL, STREET)
NAME = f"{FAMILY}, {GIVEN}"
LINKS = re.compile(r'(?:href|src|action|hx-get|hx-post|formaction)="([^"]*)"')

MARKED = {
    "resourceType": "Patient", "id": "p2", "gender": "female", "birthDate": "1913-07-29",
    "identifier": [
        {"system": "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/ssin", "value": NISS},
        {"system": "https://hospital.example/mrn", "value": MRN},
    ],
    "name": [{"family": FAMILY, "given": [GIVEN], "text": NAME}],
    "telecom": [{"system": "phone", "value": PHONE}, {"system": "email", "value": MAIL}],
    "address": [{"line": [STREET], "city": "Namur"}],
}  # fmt: skip
BROKEN = MARKED | {"gender": NAME, "birthDate": NISS, MRN: STREET}
MESSAGE = (
    f"MSH|^~\\&|HIS|HOSP|||20260301101500||ADT^A01^ADT_A01|{STAY}|P|2.5\r"
    f"PID|1||{MRN}^^^HOSP^MR||{FAMILY}^{GIVEN}||{NISS}|F|||{STREET}||{PHONE}\rPV1|1|I|||||||||||||||||{STAY}\r"
).encode()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What a whole run left: every log line, address and error page."""
    logs, kept = io.StringIO(), logging.getLogger().level
    handler = logging.StreamHandler(logs)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    home = tmp_path_factory.mktemp("marked")
    try:
        with pytest.MonkeyPatch.context() as patch:
            people._nobody.cache_clear()
            patch.setattr(people, "_hasher", lambda: PasswordHasher(1, 8, 1))
            with world(home) as made:
                _bring_in(made)
                addresses, errors = _console(made, patch)
                more, wrong = _machines(made)
                yield {"logs": logs, "addresses": addresses + more, "errors": errors + wrong, "home": home}
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(kept)


def _bring_in(made) -> None:
    """The patient by every door: good and broken, understood and held; then the loop turns."""
    lake, now = made.hospital.lake, datetime.now(UTC)
    lake.write([Arrival.of(json.dumps(MARKED).encode())], "adt", now)
    shown = Display(NAME, "1913-07-29", "Urologie", STAY)
    made.hospital.review.file([synthetic.suggestion(34, now)], "live", now, [shown])
    lines = [json.dumps(MARKED | {"id": "p2"}), json.dumps(BROKEN), f"{{ {NAME} {NISS}"]
    receive(lake, "night.ndjson", io.BytesIO("\n".join(lines).encode()), source="adt")
    rows = f"patient;sex\n{MRN};{NAME}\n{NISS};{PHONE}\n".encode()
    receive(
        lake, "people.csv", io.BytesIO(rows), source="adt", csv_map=CsvMap.parse(synthetic.ROWS_MAP, "m.toml")
    )
    receive_message(lake, MESSAGE, source="his")
    receive_message(lake, MESSAGE.replace(b"PID|1", b"PID|" + NAME.encode()), source="his")
    loop.turn_all(made.hospital, now + timedelta(minutes=5))


def _console(made, patch) -> tuple[list[str], list[str]]:
    """Every page as every role; every link on it; and what goes wrong."""
    addresses, errors = [], []

    def ask(caller: Caller, method: str, path: str, form=None):
        answer = caller.ask(method, path, form)
        addresses.extend(
            [path, answer.headers.get("location", ""), answer.headers.get("content-disposition", "")]
        )
        addresses.extend(LINKS.findall(answer.text))
        if answer.status >= 400:
            errors.append(f"{answer.headers} {answer.text}")
        return answer

    for name, cell in EXPECTED.items():
        if name.startswith("GET") and "/report" not in name:
            allowed = [role for role in Role if cell.right and roles.may(role, cell.right)]
            for role in [*allowed[:2], "nurse", "records", ""]:
                ask(made.caller(role), *address(made, name, cell))
    doctor, engineer = made.caller("doctor"), made.caller("engineer")
    found = ask(doctor, "POST", SEARCH, {"text": f"{FAMILY} {GIVEN}"})
    page = ask(doctor, "GET", found.headers["location"])
    assert FAMILY in page.text, "what is looked for is found"
    records = made.caller("records")
    looked_up = ask(records, "POST", FIND, {"number": NISS})
    assert FAMILY in ask(records, "GET", looked_up.headers["location"]).text
    assert any(
        FAMILY in each.text for each in (ask(doctor, "GET", "/"), ask(engineer, "GET", "/quarantine/1"))
    )
    wrong = dict.fromkeys(
        ("action", "act", "code", "map", "verdict", "question", "row", "login", "name"), NAME
    )
    wrong |= {"text": NAME, "words": NISS, "reason": MRN, "survivor": NISS, "delay": PHONE}
    wrong |= {"number": NAME, "of": NISS, "kind": MRN, "person": NAME, "begins": NISS, "ends": MRN}
    for name, cell in EXPECTED.items():
        if name.startswith("POST") and cell.right and SEARCH not in name:
            for caller in (doctor, engineer, made.caller("records")):
                answer = caller.ask(*address(made, name, cell), wrong)
                addresses.append(answer.headers.get("location", ""))
                if answer.status >= 500:
                    errors.append(answer.text)
    made.caller("").ask("POST", "/sign-in", {"login": NAME, "password": NISS})

    def broken(*_, **__):
        raise RuntimeError(f"{NAME} {NISS} {MRN}")

    with patch.context() as worse:
        worse.setattr(made.hospital.review, "worklist", broken)
        assert ask(doctor, "GET", "/").status == 500
        assert ask(doctor, "POST", "/nowhere", {"text": NAME}).status == 404
    return addresses, errors


def _machines(made) -> tuple[list[str], list[str]]:
    """The API: the patient read, searched by a form, written wrongly, and an error of the server."""
    from machines_of_cells import machine

    token = clients.add(made.hospital.engine, "marked", source="adt", may=tuple(May))
    ask = machine(api.app(made.hospital), token)
    addresses, errors = [], []
    for method, path, body, kind in (
        ("GET", "/fhir/Patient/p2", b"", ""),
        ("PUT", "/fhir/Patient/p2", json.dumps(BROKEN).encode(), "application/fhir+json"),
        ("PUT", "/fhir/Patient/p3", json.dumps(MARKED).encode(), "application/fhir+json"),
        ("POST", "/fhir/Patient", f"{{ {NAME}".encode(), "application/fhir+json"),
        ("POST", "/fhir/Patient/_search", f"identifier={NISS}".encode(), "application/x-www-form-urlencoded"),
        ("POST", "/fhir/Patient/_search", f"name={FAMILY}".encode(), "application/x-www-form-urlencoded"),
        ("POST", "/fhir", json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": BROKEN, "request": {"method": "PUT", "url": "Patient/p2"}}]}).encode(), "application/fhir+json"),
        ("POST", "/fhir/$process-message", MESSAGE, "application/fhir+json"),
        ("GET", "/fhir/Patient/none", b"", ""),
    ):  # fmt: skip
        status, headers, text = ask(method, path, body, kind)
        addresses += [headers.get("location", ""), headers.get("content-location", "")]
        addresses += [str(each) for each in re.findall(r'"(?:url|fullUrl)":\s*"([^"]*)"', text)]
        if status >= 400:
            errors.append(text)
    assert len(errors) >= 6
    return addresses, errors


def within(text: str) -> list[str]:
    return [
        mark
        for mark in MARKS
        if mark in text or mark.replace(" ", "%20") in text or mark.replace("+", "%2B") in text
    ]


def test_no_identifier_stands_in_a_log_of_any_level(run):
    written = run["logs"].getvalue()
    for said in ("incident", "RuntimeError", "quarantined", "vesalius.ingest"):
        assert said in written, "a log that says nothing proves nothing"
    assert not within(written)


def test_no_identifier_stands_in_an_address(run):
    assert len(set(run["addresses"])) > 200
    for each in run["addresses"]:
        assert not within(each), each


def test_no_identifier_stands_in_an_error(run):
    assert len(run["errors"]) > 50
    for each in run["errors"]:
        assert not within(each), each[:2000]


STORES = re.compile(r"\.sqlite(-wal|-shm)?$|/columns/|/lake/|/quarantine/|/blobs/")


def test_no_other_file_of_the_hospital_holds_one(run):
    seen = [path for path in run["home"].rglob("*") if path.is_file()]
    assert seen
    for path in seen:
        if not STORES.search(path.as_posix()):
            assert not within(path.read_bytes().decode("utf-8", "replace")), path
