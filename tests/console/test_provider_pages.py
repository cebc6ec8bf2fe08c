"""The hospital's own sign-in through the console, with a real provider: Canaille, by pytest-iam."""

import dataclasses
import uuid
import warnings
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
import synthetic
from browsing import Reader

from vesalius.console import app
from vesalius.governance import audit, people

CONSOLE = "http://testserver"


@pytest.fixture(scope="module")
def canaille(request):
    """A provider with one client, ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its libraries warn of each other
        server = request.getfixturevalue("iam_server")
        from canaille.oidc.provider import AuthorizationCodeGrant

        # Its store in memory finds a code by its client alone, and would take a made-up one for any other.
        def given(self, code, client):
            found = server.backend.query(server.models.AuthorizationCode, code=code)
            return next((each for each in found if each.code == code and not each.is_expired()), None)

        patch = pytest.MonkeyPatch()
        patch.setattr(AuthorizationCodeGrant, "query_authorization_code", given)
        client = server.models.Client(
            client_id="vesalius", client_secret="shared", client_name="Vesalius", client_uri=CONSOLE,
            redirect_uris=[f"{CONSOLE}/sign-in/provider/return"], post_logout_redirect_uris=[f"{CONSOLE}/sign-in"],
            grant_types=["authorization_code"], response_types=["code"],
            token_endpoint_auth_method="client_secret_basic", scope=["openid", "profile", "email", "groups"],
        )  # fmt: skip
        with server.app.app_context():
            server.backend.save(client)
            client.audience = [client]
            server.backend.save(client)
        yield server
        patch.undo()


@pytest.fixture(scope="module")
def house(canaille, tmp_path_factory):
    made = synthetic.make(tmp_path_factory.mktemp("oidc"), count=1, synthetic=False)
    issuer = httpx.get(f"{canaille.url}.well-known/openid-configuration").json()["issuer"]
    settings = msgspec.structs.replace(
        made.settings, oidc_issuer=issuer, oidc_client="vesalius", oidc_secret="shared", oidc_address=CONSOLE,
        oidc_roles={"cardiologists": "doctor"}, local_accounts="chief",
    )  # fmt: skip
    object.__setattr__(made, "settings", settings)
    yield made
    made.close()


@pytest.fixture
def person(canaille):
    """Somebody whom the provider knows, in a group, and signed in there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        name = f"u{uuid.uuid4().hex[:8]}"
        user = canaille.random_user(user_name=name, formatted_name=f"Dr {name}", preferred_language="fr")
        with canaille.app.app_context():
            group = canaille.models.Group(display_name="cardiologists", members=[user])
            known = canaille.backend.get(canaille.models.Group, display_name="cardiologists")
            if known:
                group = known
                group.members = [*known.members, user]
            canaille.backend.save(group)
            canaille.backend.reload(user)
        canaille.consent(user)
        canaille.login(user)
        yield user
        canaille.logout()


def there_and_back(browser, **query):
    """Follows the browser to the provider; where the provider sends it back to."""
    begun = browser.get("/sign-in/provider", params=query, follow_redirects=False)
    assert begun.status_code == 303
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answered = httpx.get(begun.headers["location"], follow_redirects=False)
    assert answered.status_code in (302, 303), answered.text[:500]
    return answered.headers["location"].removeprefix(CONSOLE)


def test_somebody_signs_in_with_the_sign_in_of_the_hospital(house, person):
    browser = Reader(app(house))
    assert "/sign-in/provider" in browser.get("/sign-in").text
    back = there_and_back(browser, next="/account")
    arrived = browser.get(back, follow_redirects=False)
    assert arrived.headers.get("location") == "/account"
    made = next(each for each in people.everyone(house.engine) if each.name == person.formatted_name)
    assert (made.roles, made.language, made.elsewhere) == (("doctor",), "fr", True)
    assert "/account/password" not in browser.get("/account").text
    assert audit.events(house.engine, actor=made.id)[0].detail["shown"] == ["provider"]
    again = browser.get(back, follow_redirects=False)  # the same answer, sent again
    assert again.status_code == 403
    out = browser.submit("/sign-out")
    assert "Sign out there too" in out.text or "déconnecter" in out.text


def test_an_answer_meant_for_another_browser_lets_nobody_in(house, person):
    stolen = there_and_back(Reader(app(house)))
    victim = Reader(app(house))
    assert victim.get(stolen, follow_redirects=False).status_code == 403
    there_and_back(victim)
    assert victim.get(stolen, follow_redirects=False).status_code == 403


def test_a_code_that_the_provider_did_not_give_lets_nobody_in(house, person):
    browser = Reader(app(house))
    state = parse_qs(urlsplit(there_and_back(browser)).query)["state"][0]
    path = "/sign-in/provider/return"
    answer = browser.get(path, params={"code": "made up", "state": state}, follow_redirects=False)
    assert answer.status_code == 403


def test_a_password_kept_here_opens_nothing_but_for_the_chief(house):
    people.add(
        house.engine, "chief", name="Chief", role="director", language="en", password=synthetic.PASSWORD
    )
    refused = Reader(app(house)).submit("/sign-in", login="martin", password=synthetic.PASSWORD)
    assert refused.status_code == 401
    allowed = Reader(app(house)).submit("/sign-in", login="chief", password=synthetic.PASSWORD)
    assert allowed.status_code == 200


def test_a_provider_that_does_not_answer_gets_a_page_in_words(house):
    settings = msgspec.structs.replace(house.settings, oidc_issuer="http://127.0.0.1:9")
    answer = Reader(app(dataclasses.replace(house, settings=settings))).get("/sign-in/provider")
    assert answer.status_code == 503
    assert "<h1" in answer.text


def test_only_a_signed_logout_is_believed(house):
    browser = Reader(app(house))
    for data in ({}, {"logout_token": "x"}, {"logout_token": "a.b.c"}):
        assert browser.post("/sign-in/provider/logout", data=data).status_code == 400
