"""The hospital's own sign-in: OpenID Connect 1.0, by authorization code.

What is checked: discovery (the issuer says the name we know it by), PKCE with S256 (RFC 7636), a state bound
to the browser and good once, the issuer in the answer where it is given (RFC 9207), the signature of the ID
token by a key of the issuer's (fetched again when it is unknown), then issuer, audience, authorised party,
lifetime, nonce (OpenID Connect Core 1.0, 3.1.3.7) and, where the hospital asks, how strongly they signed in.

Groups become roles by the setting ``oidc_roles``, anew at each sign-in. Nobody's tokens are kept.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import sqlalchemy as sa

from vesalius.card import LANGUAGES
from vesalius.errors import InvalidSetting, NotAllowed, Unavailable
from vesalius.governance import audit, people, sessions
from vesalius.governance.audit import Action
from vesalius.governance.people import Person
from vesalius.governance.roles import Role
from vesalius.settings import Settings
from vesalius.store import Instant, metadata, reading, writing

if TYPE_CHECKING:
    import httpx

RETURN = "/sign-in/provider/return"
LOGOUT = "/sign-in/provider/logout"

WAITS = timedelta(minutes=10)
"""How long somebody may take at the provider."""

LEEWAY = 60
"""By how many seconds the clocks may differ."""

TIMEOUT = 10.0
"""Seconds to wait for the provider."""

_LARGEST = 512 * 1024
_ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
]
_LOGOUT_TYPE = "logout+jwt"  # OpenID Connect Back-Channel Logout 1.0, section 2.4
_BACK_CHANNEL = "http://schemas.openid.net/event/backchannel-logout"

_request = sa.Table(
    "provider_request",
    metadata,
    sa.Column("state", sa.String(64), primary_key=True),
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("verifier", sa.String(64), nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
_known = sa.Table(
    "provider_person",
    metadata,
    sa.Column("issuer", sa.String(255), primary_key=True),
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("person", sa.String(64), nullable=False, unique=True),
    sa.Column("since", Instant, nullable=False),
)


@dataclass(frozen=True)
class Came:
    """Somebody who came back from the provider.

    Attributes:
        person: who.
        session: the name of their session there, or empty.
        target: the page of the console that they wanted.
    """

    person: Person
    session: str
    target: str


class Provider:
    """The hospital's own sign-in.

    Args:
        engine: the hospital's database.
        settings: the hospital's.
        client: what speaks HTTP, or None for one that follows no redirect.

    Raises:
        InvalidSetting: it is only half set up, or a group is given a role that there is not.
    """

    def __init__(self, engine: sa.Engine, settings: Settings, client: httpx.Client | None = None) -> None:
        if not (
            settings.oidc_issuer and settings.oidc_client and settings.oidc_address and settings.oidc_roles
        ):
            hint = "oidc_issuer, oidc_client, oidc_address and oidc_roles belong together"
            raise InvalidSetting("the hospital's own sign-in is half set up", hint=hint)
        unknown = set(settings.oidc_roles.values()) - set(Role)
        if unknown:
            raise InvalidSetting(f"no role {', '.join(sorted(unknown))!r}", hint=", ".join(Role))
        self.engine, self.settings, self._client = engine, settings, client
        self._said: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}

    def begin(self, target: str, at: datetime | None = None, *, again: bool = False) -> tuple[str, str]:
        """Where to send the browser, and the state that it must bring back.

        Args:
            target: the page of the console that they want.
            at: when.
            again: whether the provider is to ask anew, even of somebody who is signed in there.

        Raises:
            Unavailable: the provider does not answer, or is not the one that was set up.
        """
        at = at or datetime.now(UTC)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code", "client_id": self.settings.oidc_client, "redirect_uri": self._back,
            "scope": " ".join(dict.fromkeys(["openid", *self.settings.oidc_scope.split()])), "state": state,
            "nonce": nonce, "code_challenge": _challenge(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        if again:
            asked["prompt"] = "login"
        if self.settings.oidc_acr:
            asked["acr_values"] = " ".join(self._strong)
        where = self._endpoint("authorization_endpoint")
        with writing(self.engine) as connection:
            connection.execute(sa.delete(_request).where(_request.c.at <= at - WAITS))
            values = {"state": _hash(state), "nonce": nonce, "verifier": verifier, "target": target, "at": at}
            connection.execute(sa.insert(_request).values(values))
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}", state

    def finish(
        self, answer: Mapping[str, str], state: str, at: datetime | None = None, *, again: bool = False
    ) -> Came:
        """Who came back.

        Args:
            answer: the fields of the address that the provider sent the browser to.
            state: what :meth:`begin` gave this browser.
            at: when.
            again: whether they were asked anew: if the provider says when they signed in there
                (``auth_time``), it must be since they were sent.

        Raises:
            NotAllowed: something does not fit; nothing says to the browser what.
            Unavailable: the provider does not answer.
        """
        at = at or datetime.now(UTC)
        try:
            begun = self._take(answer.get("state", ""), state, at)
            self._let_in(answer)
            claims = self._verify(self._exchange(answer["code"], begun.verifier), begun.nonce, at)
            if again:
                self._check_anew(claims.get("auth_time"), begun.at)
            person = self._person(claims, at)
        except NotAllowed as error:
            audit.record(
                self.engine, "unknown", Action.PERSON_REFUSED, "unknown", {"provider": error.message}, at
            )
            raise
        return Came(person, str(claims.get("sid") or ""), begun.target)

    def leave(self) -> str:
        """Where one signs out at the provider too, or nothing (OpenID Connect RP-Initiated Logout 1.0)."""
        try:
            where = self._endpoint("end_session_endpoint", needed=False)
        except Unavailable:
            return ""
        asked = {
            "client_id": self.settings.oidc_client,
            "post_logout_redirect_uri": f"{self.settings.oidc_address}/sign-in",
        }
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}" if where else ""

    def ended(self, token: str, at: datetime | None = None) -> int:
        """Ends the sessions that the provider says have ended (OpenID Connect Back-Channel Logout 1.0).

        Raises:
            NotAllowed: it is no logout token of the provider's.
            Unavailable: the provider does not answer.
        """
        at = at or datetime.now(UTC)
        claims = self._claims(token, at, logout=True)
        events = claims.get("events")
        if not isinstance(events, dict) or _BACK_CHANNEL not in events or "nonce" in claims:
            raise NotAllowed("this is no logout token")
        session, subject = str(claims.get("sid") or ""), str(claims.get("sub") or "")
        if not session and not subject:
            raise NotAllowed("the logout token names nobody")
        return sessions.end_at_provider(self.engine, session, self._login(subject) or "", at)

    @property
    def _back(self) -> str:
        return f"{self.settings.oidc_address}{RETURN}"

    @property
    def _strong(self) -> list[str]:
        return [each.strip() for each in self.settings.oidc_acr.split(",")]

    def _take(self, given: str, kept: str, at: datetime) -> Any:
        """The request that an answer belongs to; it is good once."""
        if not kept or not secrets.compare_digest(given.encode(), kept.encode()):
            raise NotAllowed("the state is not this browser's")
        with writing(self.engine) as connection:
            mine = sa.delete(_request).where(_request.c.state == _hash(given), _request.c.at > at - WAITS)
            row = connection.execute(mine.returning(*_request.c)).one_or_none()
        if row is None:
            raise NotAllowed("the state was used, or took too long")
        return row

    def _check_anew(self, shown: Any, sent: datetime) -> None:
        if isinstance(shown, int | float) and shown + LEEWAY < sent.timestamp():
            raise NotAllowed("they were not asked anew there")

    def _let_in(self, answer: Mapping[str, str]) -> None:
        if answer.get("iss", self.settings.oidc_issuer) != self.settings.oidc_issuer:
            raise NotAllowed("the answer is another provider's")
        if answer.get("error") or not answer.get("code"):
            raise NotAllowed("the provider did not let them in")

    def _exchange(self, code: str, verifier: str) -> str:
        asked = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._back,
            "client_id": self.settings.oidc_client, "code_verifier": verifier,
        }  # fmt: skip
        said = self._ask("POST", self._endpoint("token_endpoint"), asked)
        token = said.get("id_token")
        if not isinstance(token, str):
            raise NotAllowed("the provider did not take the code")
        return token

    def _verify(self, token: str, nonce: str, at: datetime) -> dict[str, Any]:
        claims = self._claims(token, at)
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise NotAllowed("the nonce is another request's")
        if not claims.get("sub"):
            raise NotAllowed("the token names nobody")
        if self.settings.oidc_acr and claims.get("acr") not in self._strong:
            raise NotAllowed("they did not sign in strongly enough there")
        return claims

    def _claims(self, token: str, at: datetime, *, logout: bool = False) -> dict[str, Any]:
        """The claims of a token of the provider's, of the kind that is asked, meant for us, now."""
        given = self._decode(token)
        typed = str(given.header.get("typ", "")).lower().removeprefix("application/") == _LOGOUT_TYPE
        if typed != logout and (typed or self.settings.oidc_logout_typed):
            raise NotAllowed(
                "the token is of another kind", hint=f"a logout token has the type {_LOGOUT_TYPE}"
            )
        claims = dict(given.claims)
        client, meant = self.settings.oidc_client, claims.get("aud")
        audience = [meant] if isinstance(meant, str) else meant if isinstance(meant, list) else []
        if claims.get("iss") != self.settings.oidc_issuer:
            raise NotAllowed("the token is another issuer's")
        if client not in audience or (len(audience) > 1 and claims.get("azp") != client):
            raise NotAllowed("the token is meant for another audience")
        now, ends, begun = at.timestamp(), claims.get("exp"), claims.get("iat")
        if not isinstance(ends, int | float) or ends + LEEWAY <= now:
            raise NotAllowed("the token has expired")
        if not isinstance(begun, int | float) or begun - LEEWAY > now:
            raise NotAllowed("the token is of the future")
        return claims

    def _decode(self, token: str) -> Any:
        from joserfc import jwt
        from joserfc.errors import JoseError

        for again in (False, True):
            try:
                return jwt.decode(token, self._key_set(again=again), algorithms=_ALGORITHMS)
            except (JoseError, ValueError) as error:
                # A key that is not among ours may be new: they rotate. Asked once, and not for every forgery.
                if again:
                    raise NotAllowed("the token is not signed by the provider") from error
        raise AssertionError

    def _key_set(self, *, again: bool) -> Any:
        from joserfc.jwk import KeySet

        if again or not self._keys:
            self._keys = self._ask("GET", self._endpoint("jwks_uri"))
        usable = [each for each in self._keys.get("keys", ()) if each.get("kty") != "oct"]
        return KeySet.import_key_set({"keys": usable})

    def _person(self, claims: Mapping[str, Any], at: datetime) -> Person:
        roles = self._roles(claims)
        if not roles:
            raise NotAllowed("none of their groups has a role here")
        subject, login = str(claims["sub"])[:255], self._login(str(claims["sub"]))
        if login is None:
            return self._first(claims, subject, roles, at)
        person = people.find(self.engine, login)
        if person is None or (person.locked_until or at) > at:
            raise NotAllowed("the account is closed or locked")
        if person.roles != roles:
            people.change(
                self.engine, login, {"roles": list(roles)}, audit.SYSTEM, f"roles: {', '.join(roles)}", at
            )
        return people.get(self.engine, login)

    def _first(self, claims: Mapping[str, Any], subject: str, roles: tuple[str, ...], at: datetime) -> Person:
        """The account of somebody who comes for the first time."""
        login = str(claims.get("preferred_username") or claims.get("email") or "").strip()
        known = people.find(self.engine, login) if login else None
        if known is not None and not known.elsewhere:  # nobody takes an account over by bearing its name
            raise NotAllowed("their name is that of an account with a password")
        if known is None and self.settings.oidc_known_only:
            raise NotAllowed("they have no account here")
        if known is None:
            tongue = str(claims.get("locale") or "")[:2]
            known = people.add(
                self.engine,
                login,
                name=str(claims.get("name") or login)[:200],
                role=roles,
                language=tongue if tongue in LANGUAGES else self.settings.language,
                password=people.ELSEWHERE,
                at=at,
            )
        try:
            with writing(self.engine) as connection:
                values = {
                    "issuer": self.settings.oidc_issuer,
                    "subject": subject,
                    "person": known.id,
                    "since": at,
                }
                connection.execute(sa.insert(_known).values(values))
        except sa.exc.IntegrityError as error:
            raise NotAllowed("the account is somebody else's") from error
        return known

    def _roles(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        said = claims.get(self.settings.oidc_groups)
        groups = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        found = [role for group, role in self.settings.oidc_roles.items() if group in groups]
        return tuple(dict.fromkeys(found))

    def _login(self, subject: str) -> str | None:
        mine = sa.and_(_known.c.issuer == self.settings.oidc_issuer, _known.c.subject == subject[:255])
        with reading(self.engine) as connection:
            return connection.execute(sa.select(_known.c.person).where(mine)).scalar()

    def _endpoint(self, name: str, *, needed: bool = True) -> str:
        """An address that the provider gives for itself."""
        if not self._said:
            where = self.settings.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration"
            said = self._ask("GET", where)
            if said.get("issuer") != self.settings.oidc_issuer:
                raise Unavailable("the hospital's own sign-in is not the one that was set up")
            self._said = said
        found = str(self._said.get(name) or "")
        if needed and not found:
            raise Unavailable(f"the hospital's own sign-in names no {name}")
        return found

    def _ask(self, method: str, where: str, form: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What the provider answers, as JSON; a refusal of a form is an answer too."""
        import httpx

        secret = self.settings.oidc_secret
        signed = (self.settings.oidc_client, secret) if form and secret else None
        client = self._client or httpx.Client(timeout=TIMEOUT, follow_redirects=False)
        try:
            answer = client.request(method, where, data=form, auth=signed or httpx.USE_CLIENT_DEFAULT)
            said = answer.json() if len(answer.content) <= _LARGEST else None
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("the hospital's own sign-in does not answer") from error
        finally:
            if self._client is None:
                client.close()
        if not isinstance(said, dict) or answer.status_code >= 500 or (answer.is_error and not form):
            raise Unavailable("the hospital's own sign-in does not answer")
        return said


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
