"""The console under bad input: forged forms, headers, bodies, names, addresses."""

import base64
import dataclasses
import json
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import synthetic
from browsing import Reader

from vesalius.console import SCREENS, app
from vesalius.console.application import MAX_BODY
from vesalius.console.security import HEADERS, POLICY, local_path, same, secret
from vesalius.console.visit import STATIC
from vesalius.errors import InvalidSetting
from vesalius.governance import audit, people, uses
from vesalius.lake import Arrival


def test_every_answer_carries_the_strict_policy(reader):
    browser = reader("delforge")
    paths = [screen.path for screen in SCREENS] + [
        "/static/vesalius.css",
        "/static/report.css",
        "/health",
        "/nowhere",
    ]
    for path in paths:
        answer = browser.get(
            path.replace("{id:int}", "1").replace("{version:int}", "1"), follow_redirects=False
        )
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (path, name)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert not any(name.startswith("access-control-") for name in answer.headers), path
        kind = answer.headers.get("content-type", "")
        assert not answer.text or not kind.startswith("text/") or "charset=utf-8" in kind, (path, kind)
    for directive in (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ):
        assert directive in POLICY


def test_too_large_bodies_and_wrong_methods_are_refused_with_the_policy(reader):
    browser = reader("delforge")
    answer = browser.post(
        "/sign-in",
        content=b"a=" + b"x" * 100_000,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413
    assert answer.headers["Content-Security-Policy"] == POLICY
    for method, path in (
        ("PUT", "/"),
        ("DELETE", "/decisions"),
        ("POST", "/"),
        ("PATCH", "/sign-in"),
        ("TRACE", "/"),
    ):
        answer = browser.request(method, path)
        assert answer.status_code == 405, (method, path)
        assert answer.headers["Content-Security-Policy"] == POLICY


def test_pages_are_in_no_cache_and_files_are(reader):
    browser = reader("delforge")
    assert browser.get("/").headers["Cache-Control"] == "no-store"
    assert "max-age" in browser.get("/static/vesalius.css").headers["Cache-Control"]


def test_no_page_has_inline_script_style_or_a_foreign_address(reader, open_id):
    browser = reader("vermeulen")
    for path in ("/", f"/suggestions/{open_id()}", "/decisions", "/usecases/urine", "/received", "/about"):
        page = browser.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), path
        assert not re.search(r"<script(?! src=\"/static/)", page), path
        assert not re.search(r'(?:src|action)="(?:https?:)?//', page), path


@pytest.mark.parametrize(
    "screen", [screen for screen in SCREENS if screen.method == "POST"], ids=lambda screen: screen.path
)
def test_a_form_without_its_token_does_nothing(reader, screen):
    browser = reader("marchal")
    path = screen.path.replace("{id:int}", "1").replace("{id}", "x").replace("{name}", "urine")
    for data in ({}, {"token": ""}, {"token": "forged"}, {"token": "é" * 30}):
        answer = browser.post(path, data=data, follow_redirects=False)
        assert answer.status_code == 403, path
        assert "form was too old" in answer.text


def test_a_form_without_its_token_is_noted(reader, hospital):
    browser, before = reader("marchal"), seen_by(hospital, "marchal", "access.refused")
    browser.post("/people/change", data={"login": "nurse", "action": "lock"})
    assert seen_by(hospital, "marchal", "access.refused") == before + 1
    assert audit.events(hospital.engine, actor="marchal", limit=1)[0].detail == {"form": "without its token"}
    assert Reader(app(hospital)).post("/sign-in", data={"login": "nurse"}).status_code == 403


def test_what_tries_to_go_round_a_control_leaves_a_line_without_a_word_from_outside(reader, caplog):
    """OWASP ASVS 5.0, 16.3.3: input that is wrong, an order of steps that is not ours, too much, too large."""
    browser = reader("marchal")
    caplog.clear()
    browser.get("/suggestions/99999999999999999999999")
    browser.post("/people/change", data={"login": "Peeters", "action": "lock"})
    browser.submit("/people/change", login="delforge", action="explode")
    browser.post("/sign-out", data={"token": "x" * (MAX_BODY + 1)})
    told = [each.getMessage() for each in caplog.records if each.name == "vesalius.refused"]
    assert told == [
        "403 GET /suggestions/{id} by marchal",
        "403 POST /people/change by marchal",
        "400 POST /people/change by marchal",
        "413 POST any form by nobody known",
    ]


def test_the_token_of_another_session_is_refused(reader):
    stolen = reader("marchal").token()
    assert reader("theissen").post("/sign-out", data={"token": stolen}).status_code == 403


def test_signing_in_starts_a_new_session(reader):
    browser = reader()
    before = browser.token()
    browser.sign_in("delforge")
    assert browser.token() != before
    browser.submit("/sign-out")
    assert browser.get("/", follow_redirects=False).status_code == 303


def test_a_tampered_cookie_is_no_session(reader):
    browser = reader("delforge")
    value = browser.cookies["vesalius"]
    browser.cookies.set(
        "vesalius", value[:-2] + ("aa" if value[-2:] != "aa" else "bb"), domain="testserver.local"
    )
    other = Reader(browser.app)
    other.cookies.set("vesalius", value[:10] + "x" + value[11:])
    assert other.get("/", follow_redirects=False).status_code == 303


def test_the_cookie_is_out_of_reach_of_script_and_secure_behind_tls(hospital):
    answer = Reader(app(hospital)).get("/sign-in")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    behind = Reader(app(hospital), base_url="https://console.hospital").get("/sign-in")
    assert "; secure" in behind.headers["set-cookie"].lower()
    assert behind.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def test_signing_out_clears_what_the_browser_holds(reader):
    answer = reader("delforge").submit("/sign-out", follow=False)
    assert answer.headers["clear-site-data"] == '"cache", "storage"'


def test_a_session_ends_when_nobody_uses_it(reader, hospital, monkeypatch):
    from vesalius.console import visit

    browser = reader("delforge")

    class Later(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.now(UTC) + timedelta(hours=hospital.settings.session_hours, minutes=1)

    monkeypatch.setattr(visit, "datetime", Later)
    assert browser.get("/", follow_redirects=False).status_code == 303


def test_the_key_is_made_once_and_is_the_owners_alone(tmp_path):
    made = secret(tmp_path)
    assert secret(tmp_path) == made
    assert len(made) >= 60
    assert stat.S_IMODE((tmp_path / "console.secret").stat().st_mode) == 0o600


def test_guessing_passwords_is_stopped(tmp_path):
    hospital = synthetic.make(tmp_path, count=1, synthetic=False)
    browser = Reader(app(hospital))
    answers = [
        browser.submit("/sign-in", login="nobody", password=f"guess {number}").status_code
        for number in range(7)
    ]
    assert answers == [401] * 5 + [429] * 2
    hospital.close()


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=1",
        "",
        "evil",
    ],
)
def test_a_form_never_sends_anyone_elsewhere(reader, target):
    assert local_path(target) == "/"
    answer = reader().submit("/sign-in", follow=False, login="delforge", next=target)
    assert answer.headers["location"] == "/"
    assert "x=1" not in str(answer.headers)


@pytest.mark.parametrize("path", [
    "/suggestions/unknown", "/suggestions/%00", "/suggestions/..%2F..%2Fetc", "/usecases/unknown", "/usecases/unknown/settings",
    "/resources/Observation/nope/1", "/resources/Observation/n0/99", "/resources/x'--/y/1", "/resources/Observation/n0/" + "9" * 40,
    "/nowhere", "/static/../application.py", "/static/nothing.css",
])  # fmt: skip
def test_what_is_not_there_is_said_in_words(reader, path):
    answer = reader("delforge").get(path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-3",
        "page=abc",
        "page=" + "9" * 30,
        "status=nonsense",
        "find=" + "%25_" * 90,
        "ward=%3Cscript%3E",
        "indicator=x&option=y&usecase=z",
        "find=%00",
    ],
)
def test_strange_addresses_give_a_page(reader, query):
    answer = reader("delforge").get(f"/?{query}")
    assert answer.status_code == 200
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "body", [b"token", b"\xff\xfe=1", b"a=" + b"%00", b"&".join(b"a%d=1" % n for n in range(90))]
)
def test_broken_forms_are_refused(reader, body):
    answer = reader("delforge").post(
        "/sign-out", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 400
    assert "This could not be read" in answer.text


def test_names_with_markup_stay_text(reader, hospital):
    browser = reader("delforge")
    page = browser.submit("/worklist/search", text="script").text
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in page
    found = re.search(r'/suggestions/(\w+)"', page).group(1)
    for path in (f"/suggestions/{found}", "/resources/Observation/n9/1"):
        text = browser.get(path).text
        assert synthetic.EVIL not in text
        assert "&lt;script&gt;" in text


def test_resources_of_patients_without_a_suggestion_are_not_shown(reader, hospital):
    stranger = {"resourceType": "Patient", "id": "stranger", "gender": "female"}
    hospital.lake.write([Arrival.of(json.dumps(stranger).encode())], "tests", datetime.now(UTC))
    assert reader("delforge").get("/resources/Patient/stranger/1").status_code == 403


def test_a_defect_becomes_a_page_with_a_number_and_no_patient_in_the_log(
    hospital, reader, monkeypatch, caplog
):
    browser = reader("delforge")

    def broken(**_):
        raise RuntimeError("Lambert, Hélène was born on 1930-03-10")

    monkeypatch.setattr(hospital.review, "worklist", broken)
    answer = browser.get("/")
    assert answer.status_code == 500
    number = re.search(r"this number: (\w+)", answer.text).group(1)
    assert number in caplog.text
    assert "RuntimeError" in caplog.text
    assert "Lambert" not in caplog.text + answer.text


def test_without_a_database_there_is_still_an_answer(hospital, reader, monkeypatch, caplog):
    from vesalius.console import visit

    browser = reader("delforge")

    def gone(*_):
        raise OSError("disk of Lambert")

    monkeypatch.setattr(visit.sessions, "find", gone)
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "Work without it" in answer.text
    assert "Lambert" not in caplog.text


def test_comparing_tokens():
    assert same("abc", "abc")
    assert not same("", "")
    assert not same("é", "e")


def test_a_decision_that_does_not_exist_cannot_be_undone(reader):
    for number in ("999999", "9" * 40):
        assert reader("delforge").submit(f"/decisions/{number}/undo").status_code == 404


def test_a_page_about_a_missing_file_is_in_no_cache(reader):
    browser = reader("delforge")
    for path in ("/static/nothing.css", "/static/", "/static/vendor"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert answer.headers["Cache-Control"] == "no-store", path


def test_a_key_that_was_never_written_whole_is_refused(tmp_path):
    (tmp_path / "console.secret").touch()
    with pytest.raises(InvalidSetting, match="holds no key"):
        secret(tmp_path)


def test_all_who_start_at_once_share_one_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(secret, [tmp_path] * 32))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["console.secret"]


def test_an_open_worklist_alone_does_not_keep_anyone_signed_in(reader, hospital, monkeypatch):
    from vesalius.console import visit

    browser, passed = reader("delforge"), [timedelta()]

    class Later(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.now(UTC) + passed[0]

    monkeypatch.setattr(visit, "datetime", Later)
    step = timedelta(hours=hospital.settings.session_hours) / 4
    for _ in range(3):  # the page asks for news by itself, nobody touches it
        passed[0] += step
        assert browser.get("/worklist/fresh").status_code == 200
    passed[0] += 2 * step
    assert browser.get("/worklist/fresh", follow_redirects=False).status_code == 303


def test_a_demo_person_stays_out_once_the_data_is_real(hospital):
    browser = Reader(app(hospital)).sign_in("delforge")
    settings = msgspec.structs.replace(hospital.settings, synthetic=False)
    real = Reader(app(dataclasses.replace(hospital, settings=settings)))
    real.cookies.update(browser.cookies)
    assert real.get("/", follow_redirects=False).status_code == 303


def test_a_new_password_ends_the_sessions_of_the_old_one(tmp_path):
    hospital = synthetic.make(tmp_path, count=1, synthetic=False)
    browser = Reader(app(hospital))
    browser.submit("/sign-in", login="martin", password=synthetic.PASSWORD)
    assert browser.get("/", follow_redirects=False).status_code == 200
    people.set_password(hospital.engine, "martin", "another staple battery", by="system")
    assert browser.get("/", follow_redirects=False).status_code == 303
    hospital.close()


def test_a_closed_account_is_out_at_once(tmp_path):
    hospital = synthetic.make(tmp_path, count=1)
    browser = Reader(app(hospital)).sign_in("delforge")
    people.close(hospital.engine, "delforge", by="system")
    assert browser.get("/", follow_redirects=False).status_code == 303
    hospital.close()


@pytest.mark.parametrize("path", ["/decisions/{}/undo", "/resources/Observation/n0/{}"])
def test_a_number_of_thousands_of_digits_is_not_there(reader, path):
    browser = reader()
    method = "POST" if path.endswith("undo") else "GET"
    answer = browser.request(method, path.format("9" * 5000))
    assert answer.status_code == 404
    assert answer.headers["Content-Security-Policy"] == POLICY


def test_a_missing_page_without_a_database_still_has_an_answer(reader, monkeypatch, caplog):
    from vesalius.console import visit

    browser = reader("delforge")

    def gone(*_):
        raise OSError("disk of Lambert")

    monkeypatch.setattr(visit.sessions, "find", gone)
    answer = browser.get("/nowhere")
    assert answer.status_code == 500
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "Work without it" in answer.text
    assert "Lambert" not in caplog.text


def test_null_characters_reach_no_database(reader, hospital):
    browser = reader("theissen")
    assert browser.get("/suggestions/a%00b").status_code == 403
    assert browser.get("/audit?thing=%00&actor=a%00b").status_code == 200
    assert reader("delforge").get("/?find=a%00b").status_code == 200
    events = audit.events(hospital.engine, limit=20)
    assert not any("\0" in f"{event.object} {event.detail}" for event in events)


def seen_by(hospital, login, action):
    return len(audit.events(hospital.engine, actor=login, action=action, limit=1000))


def test_a_suggestion_shown_again_after_a_bad_decision_is_a_reading_too(reader, hospital, open_id):
    browser, identifier = reader("delforge"), open_id()
    before = seen_by(hospital, "delforge", "suggestion.read")
    answer = browser.submit(f"/suggestions/{identifier}/decision", action="nonsense")
    assert answer.status_code == 400
    assert seen_by(hospital, "delforge", "suggestion.read") == before + 1


def test_the_events_shown_after_verifying_are_a_reading_too(reader, hospital):
    browser = reader("theissen")
    before = seen_by(hospital, "theissen", "audit.read")
    assert browser.submit("/audit/verify").status_code == 200
    assert seen_by(hospital, "theissen", "audit.read") == before + 1


def test_what_speaks_about_nobody_known_is_refused_and_the_refusal_is_kept(reader, hospital):
    orphan = {"resourceType": "Person", "id": "orphan", "name": [{"family": "Lambert"}]}
    place = {"resourceType": "Location", "id": "spoed", "name": "Spoed"}
    arrivals = [Arrival.of(json.dumps(each).encode()) for each in (orphan, place)]
    hospital.lake.write(arrivals, "tests", datetime.now(UTC))
    browser = reader("delforge")
    before = seen_by(hospital, "delforge", "access.refused")
    answer = browser.get("/resources/Person/orphan/1")
    assert answer.status_code == 403
    assert "Lambert" not in answer.text
    assert seen_by(hospital, "delforge", "access.refused") == before + 1
    assert browser.get("/resources/Location/spoed/1").status_code == 200


def test_a_signature_is_given_for_what_was_seen_or_not_at_all(tmp_path):
    hospital = synthetic.make(tmp_path, count=1)
    console = app(hospital)
    director, engineer = Reader(console).sign_in("marchal"), people.get(hospital.engine, "segers")
    director.submit("/usecases/urine/sign", act="suspend", reason="Wrong unit")
    page = director.get("/usecases/urine").text
    seen = {name: re.search(f'name="{name}" value="([^"]*)"', page).group(1) for name in ("gate", "run")}
    uses.set_model(hospital.engine, "urine", "a" * 64, engineer, reason="Learnt again")
    for act in ("sign", "refuse"):
        answer = director.submit("/usecases/urine/sign", act=act, reason="As read", **seen)
        assert answer.status_code == 409
    assert not uses.gate(hospital.engine, "urine").signed
    uses.set_model(hospital.engine, "urine", "", engineer, reason="Back to the one that was read")
    stale = seen | {"run": "another"}
    assert director.submit("/usecases/urine/sign", act="sign", reason="x", **stale).status_code == 409
    assert director.submit("/usecases/urine/sign", act="sign", reason="As read", **seen).status_code == 200
    assert list(uses.gate(hospital.engine, "urine").signed) == ["director"]
    hospital.close()


def test_suggestions_of_a_use_that_is_gone_do_not_hide_those_of_the_others(hospital, reader, monkeypatch):
    from vesalius.console import decisions, words, worklist

    browser = reader("delforge")
    (one,) = hospital.review.worklist(limit=1).items
    hospital.review.decide(one.id, "accepted", by="delforge", role="doctor")
    card = words.cards()["urine"]
    for module in (words, worklist, decisions):
        monkeypatch.setattr(module, "cards", lambda: {"another": card})
    assert browser.get("/").status_code == 200
    assert browser.get("/decisions").status_code == 200


def test_every_page_of_who_is_signed_in_lets_them_sign_out(reader):
    browser = reader("segers")
    for path in ("/usecases", "/board", "/views", "/account", "/about", "/nowhere", "/audit"):
        assert 'action="/sign-out"' in browser.get(path).text, path


def test_password_fields_hide_and_take_what_is_pasted(tmp_path):
    hospital = synthetic.make(tmp_path, count=1, synthetic=False)
    browser = Reader(app(hospital))
    fields = re.findall(r'<input[^>]*name="password"[^>]*>', browser.get("/sign-in").text)
    browser.submit("/sign-in", login="martin", password=synthetic.PASSWORD)
    fields += re.findall(r'<input[^>]*name="(?:old|new|again)"[^>]*>', browser.get("/account").text)
    assert len(fields) == 4
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(?:current|new)-password"', field), "a password manager knows it"
        assert "onpaste" not in field
    hospital.close()


def test_the_browser_keeps_nothing_of_a_patient(reader, hospital):
    browser = reader("delforge")
    browser.submit("/worklist/search", text="Lambert")
    for script in (STATIC).glob("*.js"):
        assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie", script.read_text())
    assert '"historyCacheSize": 0' in browser.get("/").text, "htmx would keep pages in sessionStorage"
    cookie = base64.b64decode(browser.cookies["vesalius"].partition(".")[0] + "===").decode()
    assert set(json.loads(cookie)) <= {"sid", "token", "language", "theme", "keys", "next", "notice"}
    assert "Lambert" not in cookie
