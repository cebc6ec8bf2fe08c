"""Nobody gets in without a token, and nobody further than their rights."""

import dataclasses
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from machines import PATIENT, TestClient, issues, machine

from vesalius.api import OPERATIONS
from vesalius.api.application import KNOWN, OPEN
from vesalius.console import whole
from vesalius.governance import audit, clients, people

CLOSED = [each for each in OPERATIONS if each.needs != OPEN]


def address(path):
    return path.removeprefix("/fhir").format(
        type="Patient", id="p1", version="1", job="x" * 32, file="Patient.ndjson"
    )


@pytest.mark.parametrize("each", CLOSED, ids=lambda each: f"{each.method} {each.path}")
def test_without_a_token_there_is_nothing(single, each):
    for given in (
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer wrong",
        "Bearer vesalius_",
        "Bearer vesalius_a_b",
    ):
        answer = single(each.method, address(each.path), PATIENT, Authorization=given)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert issues(answer)


@pytest.mark.parametrize(
    "each", [x for x in CLOSED if x.needs != KNOWN], ids=lambda each: f"{each.method} {each.path}"
)
def test_a_client_without_the_right_is_refused(small, each):
    others = [right for right in clients.May if right != each.needs]
    answer = machine(small, "other", may=others)(each.method, address(each.path), PATIENT)
    assert answer.status_code == 403
    assert audit.events(small.engine, action="access.refused")[0].detail["right"] == each.needs
    assert small.lake.position() == 0


def test_a_body_that_is_wrong_leaves_a_line_with_the_client_and_none_of_its_words(feed, caplog):
    assert feed.post("/Patient", {"resourceType": "Patient", "birthDate": "Peeters"}).status_code == 422
    told = [each.getMessage() for each in caplog.records if each.name == "vesalius.refused"]
    assert told == ["422 POST /fhir/{type} by feed"]


def test_anybody_may_ask_what_the_server_can_do(single):
    assert single.get("/metadata", Authorization="").status_code == 200


def test_a_revoked_token_opens_nothing_from_the_next_request_on(feed, hospital):
    assert feed.get("/Patient").status_code == 200
    clients.revoke(hospital.engine, "feed")
    assert feed.get("/Patient").status_code == 401


def test_wrong_tokens_are_counted_by_address_and_then_wait_while_the_right_one_goes_through(feed, hospital):
    wrong = {"Authorization": f"Bearer {feed.token[:-1]}{'A' if feed.token[-1] != 'A' else 'B'}"}
    statuses = [feed.get("/Patient", **wrong).status_code for _ in range(clients.ATTEMPTS + 2)]
    assert statuses == [401] * clients.ATTEMPTS + [429] * 2
    assert int(feed.get("/Patient", **wrong).headers["retry-after"]) == 900
    assert feed.get("/Patient").status_code == 200
    noted = audit.events(hospital.engine, action="client.refused", limit=100)
    assert len(noted) == clients.ATTEMPTS  # a flood does not fill the audit
    assert all(feed.token not in str(each) for each in noted)


def test_after_a_while_wrong_tokens_are_answered_again(engine):
    now = datetime(2026, 5, 4, tzinfo=UTC)
    for _ in range(clients.ATTEMPTS):
        with pytest.raises(clients.NotAllowed):
            clients.sign_in(engine, "x", "10.0.0.1", now)
    with pytest.raises(clients.TooMany):
        clients.sign_in(engine, "x", "10.0.0.1", now)
    with pytest.raises(clients.NotAllowed):
        clients.sign_in(engine, "x", "10.0.0.2", now)
    with pytest.raises(clients.NotAllowed):
        clients.sign_in(engine, "x", "10.0.0.1", now + clients.WINDOW + timedelta(seconds=1))


def test_the_session_of_a_browser_opens_nothing_below_fhir_and_a_token_no_page(small):
    people.add(small.engine, "ann", name="Ann", role="engineer", password="correct horse battery")
    token = clients.add(small.engine, "feed", source="feed", may=("read",))
    small = dataclasses.replace(small, settings=msgspec.structs.replace(small.settings, second_factor="none"))
    with TestClient(whole(small)) as browser:
        form = browser.get("/sign-in").text.partition('name="token" value="')[2].partition('"')[0]
        signed = browser.post(
            "/sign-in", data={"token": form, "login": "ann", "password": "correct horse battery"}
        )
        assert signed.status_code == 200
        assert browser.get("/received", follow_redirects=False).status_code == 200
        assert browser.get("/fhir/Patient").status_code == 401
        answer = browser.get("/fhir/Patient", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        browser.cookies.clear()
        page = browser.get("/received", headers={"Authorization": f"Bearer {token}"}, follow_redirects=False)
        assert page.status_code in {302, 303}


def test_every_answer_is_kept_out_of_caches_and_frames(single):
    for answer in (
        single.get("/metadata"),
        single.get("/Patient/x"),
        single.get("/a/b/c/d/e"),
        single("PUT", "/x", {}),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "strict-transport-security" not in answer.headers, "it means nothing without TLS"
    single.http.base_url = "https://testserver"
    for path in ("/metadata", "/Patient/x", "/a/b/c/d/e"):
        assert "max-age=31536000" in single.get(path).headers["strict-transport-security"]
