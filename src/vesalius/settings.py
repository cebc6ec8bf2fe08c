"""The hospital's own settings: ``vesalius.toml`` in its home folder, and ``VESALIUS_*`` in the environment.

Every setting, its default and its meaning are the fields of :class:`Settings`; the environment wins over the
file. An unknown setting is an error: a typing mistake never passes in silence.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from vesalius.errors import InvalidSetting

FILE = "vesalius.toml"
PREFIX = "VESALIUS_"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of one hospital.

    Attributes:
        hospital: the name shown on every page.
        database: the SQLAlchemy URL of the database; empty means SQLite in the home folder.
        language: the language of a person who has not chosen one: fr, nl, de or en.
        host: the address the console listens on; keep it on this machine and put a TLS proxy before it.
        port: the port the console listens on.
        undo_minutes: for how long a decision can be undone by the person who took it.
        session_hours: after how many hours without a request a person is signed out.
        session_hours_at_most: after how many hours a person is signed out in any case.
        second_factor: who must have a second factor beside their password, where the data is not synthetic:
            ``all``, ``none``, or roles with commas between them; who has one always uses it.
        second_factor_steps: for how many steps of 30 seconds before and after its own a code is taken: 1, for
            clocks that differ (RFC 6238, 5.2), or 0 where every clock is right (OWASP ASVS 5.0, 6.5.5).
        local_accounts: who may sign in with a password kept here while the hospital's own sign-in is on:
            ``all``, or the accounts of administrators for when it fails, with commas between them.
        oidc_issuer: the address of the hospital's own sign-in (OpenID Connect); empty means none.
        oidc_client: the name under which it knows this console.
        oidc_secret: the secret that goes with it; the file is its owner's alone.
        oidc_address: the console's own address as browsers see it, such as ``https://vesalius.example``.
        oidc_scope: what is asked for, beside ``openid``.
        oidc_groups: the claim that names a person's groups.
        oidc_roles: which group has which role; who is in none of them stays out.
        oidc_acr: how strongly a person must have signed in there (``acr``), with commas between what will do;
            empty means as it likes.
        oidc_logout_typed: whether only tokens of the type ``logout+jwt`` end sessions here; turn it off for a
            provider that does not set the type.
        oidc_known_only: whether only people with an account here may sign in; else the first time makes one.
        identity_automatic: the rules by which patients are merged without a person, with commas between them,
            such as ``R1``; empty means none.
        care_relation: whether those who treat see only patients whom they care for: ``required``, ``warn``
            (all are shown, and the audit notes what was read without a care relation) or ``off``.
        care_grace_days: for how many days after a stay on a ward its people still see the patient.
        glass_hours: for how long a patient stays open to somebody who broke the glass.
        explain_names: whether the sheet for a patient names the person who decided, or only the role.
        explain_contact: whom a patient can ask about it here, such as a service and its telephone number.
        require_course: whether who decides on suggestions must have passed the course of their use:
            ``require``, ``warn`` (they may decide, and the audit notes it) or ``off``.
        require_course_uses: the same for single uses, by their name.
        course_months: for how many months a pass of the course of a use counts.
        synthetic: whether the data is synthetic; every page then says so, and demo people can sign in.
    """

    hospital: str = "Vesalius"
    database: str = ""
    language: Annotated[str, msgspec.Meta(pattern="^(fr|nl|de|en)$")] = "fr"
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8642
    undo_minutes: Annotated[float, msgspec.Meta(ge=0, le=1440)] = 10
    session_hours: Annotated[float, msgspec.Meta(gt=0, le=24)] = 8
    session_hours_at_most: Annotated[float, msgspec.Meta(gt=0, le=24)] = 12
    second_factor: Annotated[str, msgspec.Meta(pattern="^(all|none|[a-z_]+(,[a-z_]+)*)$")] = "all"
    second_factor_steps: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    local_accounts: Annotated[str, msgspec.Meta(min_length=1)] = "all"
    oidc_issuer: Annotated[
        str, msgspec.Meta(pattern="^(https://.+|http://(localhost|127\\.0\\.0\\.1)(:[0-9]+)?(/.*)?|)$")
    ] = ""
    oidc_client: str = ""
    oidc_secret: str = ""
    oidc_address: Annotated[str, msgspec.Meta(pattern="^(https?://[^/]+|)$")] = ""
    oidc_scope: str = "profile email groups"
    oidc_groups: str = "groups"
    oidc_roles: dict[str, str] = {}
    oidc_acr: str = ""
    oidc_logout_typed: bool = True
    oidc_known_only: bool = False
    identity_automatic: Annotated[str, msgspec.Meta(pattern="^(R[0-9]+(,R[0-9]+)*)?$")] = ""
    care_relation: Annotated[str, msgspec.Meta(pattern="^(off|warn|required)$")] = "required"
    care_grace_days: Annotated[float, msgspec.Meta(ge=0, le=365)] = 30
    glass_hours: Annotated[float, msgspec.Meta(gt=0, le=72)] = 4
    explain_names: bool = False
    explain_contact: Annotated[str, msgspec.Meta(max_length=300)] = ""
    require_course: Literal["off", "warn", "require"] = "off"
    require_course_uses: dict[str, Literal["off", "warn", "require"]] = {}
    course_months: Annotated[int, msgspec.Meta(ge=1, le=120)] = 12
    synthetic: bool = False

    @classmethod
    def load(cls, home: Path, environ: Mapping[str, str] | None = None) -> Settings:
        """The settings of the hospital whose home folder is ``home``.

        Raises:
            InvalidSetting: the file cannot be read, or a setting is unknown or wrong; the message names it.
        """
        environ = os.environ if environ is None else environ
        path = home / FILE
        values: dict[str, Any] = {}
        try:
            if path.exists():
                values = msgspec.toml.decode(path.read_bytes())
            names = {field.name: field for field in msgspec.structs.fields(cls)}
            given = {
                key.removeprefix(PREFIX).lower(): value
                for key, value in environ.items()
                if key.startswith(PREFIX)
            }
            values |= {name: value for name, value in given.items() if name in names}
            return msgspec.convert(values, cls, strict=False)
        except (OSError, UnicodeDecodeError, msgspec.DecodeError, msgspec.ValidationError) as error:
            raise InvalidSetting(
                f"{path}: {error}", hint="docs/engineer/settings.md lists them all"
            ) from error

    def save(self, home: Path) -> None:
        """Writes ``vesalius.toml`` whole, or not at all."""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = home / f".{FILE}.partial"
        partial.unlink(missing_ok=True)
        # The owner's alone: the URL of a database can hold its password.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.toml.encode(self))
        partial.replace(home / FILE)
