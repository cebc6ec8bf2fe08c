"""The hospital's own sign-in: with a real provider, and with one that lies."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from vesalius.errors import InvalidSetting, NotAllowed, Unavailable
from vesalius.governance import audit, people, sessions
from vesalius.governance.provider import _BACK_CHANNEL, Provider, _challenge
from vesalius.settings import Settings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ISSUER = "https://login.example"
SETTINGS = Settings(
    oidc_issuer=ISSUER, oidc_client="vesalius", oidc_secret="shared", oidc_address="https://vesalius.example",
    oidc_roles={"cardiologists": "doctor", "chiefs": "director"},
)  # fmt: skip
LOGOUT = {"typ": "logout+jwt"}
KEYS = [RSAKey.generate_key(2048, {"kid": name}) for name in ("first", "second")]


class Liar:
    """A provider whose answers a test chooses."""

    def __init__(self, engine, settings=SETTINGS):
        self.key, self.shown, self.claims, self.token, self.asked = KEYS[0], [KEYS[0]], {}, None, []
        self.issuer, self.down, self.codes = ISSUER, False, {}
        client = httpx.Client(transport=httpx.MockTransport(self.answer))
        self.console = Provider(engine, settings, client)

    def answer(self, request):
        self.asked.append(request.url.path)
        if self.down:
            raise httpx.ConnectError("down")
        if request.url.path == "/.well-known/openid-configuration":
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
            return httpx.Response(
                200, json={"issuer": self.issuer} | {each: f"{ISSUER}/{each}" for each in names}
            )
        if request.url.path == "/jwks_uri":
            return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.shown]})
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        challenge = self.codes.pop(form["code"], None)  # a code is good once
        if challenge != _challenge(form["code_verifier"]):
            return httpx.Response(400, json={"error": "invalid_grant"})
        assert request.headers["authorization"].startswith("Basic ")
        return httpx.Response(200, json={"id_token": self.token or self.sign(self.claims)})

    def sign(self, claims, key=None, **header):
        key = key or self.key
        return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, claims, key)

    def visit(self, at=NOW, **claims):
        """Sends somebody there; what they bring back."""
        where, state = self.console.begin("/board", at)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}
        assert asked["code_challenge_method"] == "S256"
        self.codes["c1"] = asked["code_challenge"]
        now = int(at.timestamp())
        usual = {
            "iss": ISSUER, "aud": "vesalius", "sub": "u1", "nonce": asked["nonce"], "iat": now, "exp": now + 300,
            "preferred_username": "cdel", "name": "Camille", "groups": ["cardiologists"], "locale": "fr-BE", "sid": "s1",
        }  # fmt: skip
        self.claims = {name: value for name, value in (usual | claims).items() if value is not None}
        return {"code": "c1", "state": state}, state


@pytest.fixture
def liar(engine):
    return Liar(engine)


def test_the_first_time_makes_an_account_and_the_next_finds_it(liar, engine):
    came = liar.console.finish(*liar.visit(), NOW)
    assert (came.person.id, came.person.roles, came.person.language) == ("cdel", ("doctor",), "fr")
    assert (came.target, came.session, came.person.elsewhere) == ("/board", "s1", True)
    again = liar.console.finish(*liar.visit(preferred_username="renamed"), NOW)
    assert again.person.id == "cdel"


def test_roles_follow_the_groups_at_each_sign_in(liar, engine):
    liar.console.finish(*liar.visit(), NOW)
    came = liar.console.finish(*liar.visit(groups=["chiefs", "unheard of", "cardiologists"]), NOW)
    assert came.person.roles == ("doctor", "director")
    with pytest.raises(NotAllowed, match="none of their groups"):
        liar.console.finish(*liar.visit(groups=["unheard of"]), NOW)


HOUR = 3600
BAD = {
    "wrong nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "wrong issuer": {"iss": "https://evil.example"},
    "wrong audience": {"aud": "another"},
    "two audiences without a party": {"aud": ["vesalius", "another"]},
    "another party": {"aud": ["vesalius", "another"], "azp": "another"},
    "no audience": {"aud": None},
    "expired": {"exp": int(NOW.timestamp()) - 61},
    "never expires": {"exp": None},
    "of the future": {"iat": int(NOW.timestamp()) + HOUR},
    "nobody": {"sub": None},
    "no group": {"groups": []},
    "groups of another kind": {"groups": {"cardiologists": True}},
    "no name": {"preferred_username": None},
}


@pytest.mark.parametrize("what", BAD)
def test_a_token_that_does_not_fit_lets_nobody_in(liar, engine, what):
    with pytest.raises((NotAllowed, InvalidSetting)):
        liar.console.finish(*liar.visit(**BAD[what]), NOW)
    assert people.everyone(engine) == []


def test_a_state_is_the_browsers_own_good_once_and_not_for_long(liar, engine):
    answer, state = liar.visit()
    for given, kept in ((answer, ""), (answer, "another"), ({**answer, "state": "another"}, state), ({}, "")):
        with pytest.raises(NotAllowed):
            liar.console.finish(given, kept, NOW)
    liar.console.finish(answer, state, NOW)
    with pytest.raises(NotAllowed, match="was used"):
        liar.console.finish(answer, state, NOW)
    late, state = liar.visit()
    with pytest.raises(NotAllowed, match="too long"):
        liar.console.finish(late, state, NOW + timedelta(minutes=11))
    assert len(audit.events(engine, action="person.refused")) == 6


def test_who_is_asked_again_is_asked_anew_there_too(liar):
    assert "prompt=login" in liar.console.begin("/", NOW, again=True)[0]
    assert "prompt" not in liar.console.begin("/", NOW)[0]


def test_who_was_asked_anew_signed_in_since_they_were_sent(liar):
    at = NOW.timestamp()
    liar.console.finish(*liar.visit(auth_time=at + 1), NOW, again=True)
    liar.console.finish(*liar.visit(auth_time=at - 4000), NOW)
    liar.console.finish(*liar.visit(), NOW, again=True)  # a provider that does not say when is believed
    with pytest.raises(NotAllowed, match="asked anew"):
        liar.console.finish(*liar.visit(auth_time=at - 4000), NOW, again=True)


def test_a_code_that_was_used_lets_nobody_in(liar):
    liar.console.finish(*liar.visit(), NOW)
    answer, state = liar.visit()
    liar.codes.clear()
    with pytest.raises(NotAllowed, match="did not take the code"):
        liar.console.finish(answer, state, NOW)


def test_an_answer_of_another_provider_or_a_refusal_lets_nobody_in(liar):
    for more in ({"iss": "https://evil.example"}, {"error": "access_denied"}, {"code": ""}):
        answer, state = liar.visit()
        with pytest.raises(NotAllowed):
            liar.console.finish({**answer, **more}, state, NOW)


def test_a_key_that_was_rotated_is_fetched_once(liar):
    liar.console.finish(*liar.visit(), NOW)
    liar.key, liar.shown = KEYS[1], [KEYS[1]]
    liar.console.finish(*liar.visit(), NOW)
    assert liar.asked.count("/jwks_uri") == 2


def test_no_forged_signature_is_believed(liar, engine):
    answer, state = liar.visit()
    plain = jwt.encode({"alg": "RS256", "kid": "first"}, liar.claims, KEYS[1])  # signed by another key
    for token in (plain, "x", "a.b.c", liar.sign(liar.claims)[:-4] + "AAAA", none_signed(liar.claims)):
        liar.token = token
        liar.codes["c1"] = None
        answer, state = liar.visit()
        liar.token = token
        with pytest.raises(NotAllowed, match="not signed"):
            liar.console.finish(answer, state, NOW)


def none_signed(claims):
    import base64
    import json

    parts = [json.dumps(each).encode() for each in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_how_strongly_they_signed_in_can_be_asked(engine):
    import msgspec

    liar = Liar(engine, msgspec.structs.replace(SETTINGS, oidc_acr="phr, phrh"))
    for acr in (None, "0"):
        with pytest.raises(NotAllowed, match="strongly"):
            liar.console.finish(*liar.visit(acr=acr), NOW)
    assert liar.console.finish(*liar.visit(acr="phr"), NOW).person.id == "cdel"


def test_nobody_takes_over_an_account_by_its_name(liar, engine):
    people.add(engine, "cdel", name="Another", role="director", password="correct horse battery")
    with pytest.raises(NotAllowed, match="account with a password"):
        liar.console.finish(*liar.visit(), NOW)
    people.add(engine, "far", name="Far", role="doctor", password=people.ELSEWHERE)
    assert liar.console.finish(*liar.visit(preferred_username="far", sub="u2"), NOW).person.id == "far"
    with pytest.raises(NotAllowed, match="somebody else"):
        liar.console.finish(*liar.visit(preferred_username="far", sub="u3"), NOW)


def test_only_people_with_an_account_where_the_hospital_says_so(engine):
    import msgspec

    liar = Liar(engine, msgspec.structs.replace(SETTINGS, oidc_known_only=True))
    with pytest.raises(NotAllowed, match="no account"):
        liar.console.finish(*liar.visit(), NOW)
    people.add(engine, "cdel", name="Camille", role="nurse", password=people.ELSEWHERE)
    assert liar.console.finish(*liar.visit(), NOW).person.id == "cdel"
    people.close(engine, "cdel", by="system")
    with pytest.raises(NotAllowed, match="closed"):
        liar.console.finish(*liar.visit(), NOW)


def test_a_provider_that_is_down_or_another_is_unavailable(liar):
    liar.down = True
    with pytest.raises(Unavailable, match="does not answer"):
        liar.console.begin("/", NOW)
    assert liar.console.leave() == ""
    liar.down, liar.issuer = False, "https://evil.example"
    with pytest.raises(Unavailable, match="not the one"):
        liar.console.begin("/", NOW)


def test_a_provider_that_sends_us_elsewhere_is_not_followed(engine):
    asked = []

    def answer(request):
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://evil.example/configuration"})

    console = Provider(engine, SETTINGS, httpx.Client(transport=httpx.MockTransport(answer)))
    with pytest.raises(Unavailable):
        console.begin("/", NOW)
    assert set(asked) == {urlsplit(ISSUER).hostname}


def test_what_ends_there_ends_here(liar, engine):
    liar.console.finish(*liar.visit(), NOW)
    rules = sessions.Rules(timedelta(hours=1), timedelta(hours=9))
    one, two = (
        sessions.begin(engine, "cdel", ["provider"], rules, provider=name, at=NOW) for name in ("s1", "s2")
    )
    usual = {"iss": ISSUER, "aud": "vesalius", "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 60,
             "events": {_BACK_CHANNEL: {}}}  # fmt: skip
    for bad in (
        {"sub": "u1", "events": {}},
        {"sub": "u1", "nonce": "x"},
        {},
        {"sid": "s1", "aud": "another"},
    ):
        with pytest.raises(NotAllowed):
            liar.console.ended(liar.sign(usual | bad, **LOGOUT), NOW)
    assert liar.console.ended(liar.sign(usual | {"sid": "s1"}, **LOGOUT), NOW) == 1
    assert sessions.find(engine, one, rules, NOW) is None
    assert sessions.find(engine, two, rules, NOW)
    assert liar.console.ended(liar.sign(usual | {"sub": "stranger"}, **LOGOUT), NOW) == 0
    assert liar.console.ended(liar.sign(usual | {"sub": "u1"}, **LOGOUT), NOW) == 1


def test_a_token_of_one_kind_is_not_taken_for_another(liar, engine):
    """OpenID Connect Back-Channel Logout 1.0, section 2.4; RFC 8725, section 3.11."""
    import msgspec

    usual = {"iss": ISSUER, "aud": "vesalius", "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 60,
             "events": {_BACK_CHANNEL: {}}, "sid": "s1"}  # fmt: skip
    for header in ({}, {"typ": "JWT"}, {"typ": "at+jwt"}):
        with pytest.raises(NotAllowed, match="another kind"):
            liar.console.ended(liar.sign(usual, **header), NOW)
    assert liar.console.ended(liar.sign(usual, typ="application/logout+jwt"), NOW) == 0
    untyped = msgspec.structs.replace(liar.console.settings, oidc_logout_typed=False)
    lenient = Provider(engine, untyped, liar.console._client)
    assert lenient.ended(liar.sign(usual, typ="JWT"), NOW) == 0
    coming = liar.visit()
    liar.token = liar.sign(liar.claims, **LOGOUT)
    with pytest.raises(NotAllowed, match="another kind"):
        liar.console.finish(*coming, NOW)


@pytest.mark.parametrize(
    "half", [{"oidc_client": ""}, {"oidc_roles": {}}, {"oidc_address": ""}, {"oidc_roles": {"x": "wizard"}}]
)
def test_half_set_up_it_does_not_start(engine, half):
    import msgspec

    with pytest.raises(InvalidSetting):
        Provider(engine, msgspec.structs.replace(SETTINGS, **half))
