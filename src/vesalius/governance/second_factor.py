"""The second factor: codes that change with time, and codes for when the telephone is lost.

Time-based one-time passwords (TOTP, RFC 6238: SHA-1, six digits, 30 seconds). A code is good in its own step,
and in those beside it unless the hospital wants it otherwise (RFC 6238, 5.2), once: neither it nor an older
one is taken again. The secret is encrypted in the database (AES-256-GCM in a JSON Web Encryption, RFC 7516)
with a key that lies in the home folder, not in the database; the name of the account is bound to it.

Recovery codes have 120 random bits each: they cannot be guessed, so a hash without salt is enough
(OWASP ASVS 5.0, 6.5.2). Each is good once.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Conflict, NotAllowed, Tampered
from vesalius.governance import audit, keyfile
from vesalius.governance.audit import Action
from vesalius.governance.limits import CODE
from vesalius.store import Instant, add, metadata, reading, writing

KEY_FILE = "second-factor.secret"
STEP = 30
"""Seconds for which a code is shown."""

CODES = 10
"""How many recovery codes a person has."""

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

_factor = sa.Table(
    "second_factor",
    metadata,
    sa.Column("person", sa.String(64), primary_key=True),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("confirmed", sa.Boolean, nullable=False),
    sa.Column("last_step", sa.BigInteger, nullable=False),
)
_recovery = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("person", sa.String(64), primary_key=True),
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("used_at", Instant),
)


class SecondFactor:
    """The second factors of a hospital.

    Args:
        engine: its database.
        home: its folder, which holds the key that the secrets are encrypted with.
        around: for how many steps before and after its own a code is taken.
    """

    def __init__(self, engine: sa.Engine, home: Path, around: int = 1) -> None:
        self.engine, self.home, self.around = engine, home, around

    def enrolled(self, login: str) -> bool:
        """Whether a person has one."""
        with reading(self.engine) as connection:
            return enrolled(connection, login)

    def begin(self, login: str, at: datetime | None = None) -> str:
        """A new secret in base 32, 160 bits; it counts once :meth:`confirm` was given a code of it.

        A page that is loaded again shows the same secret.

        Raises:
            Conflict: the person has a second factor.
        """
        at, row = at or datetime.now(UTC), self._row(login)
        if row is not None:
            if row.confirmed:
                raise Conflict("there is a second factor already", hint="reset it first")
            return self._open(row)
        secret = "".join(secrets.choice(_BASE32) for _ in range(32))
        with writing(self.engine) as connection:
            values = {"secret": self._seal(login, secret), "since": at, "confirmed": False, "last_step": 0}
            add(connection, _factor, {"person": login, **values})  # of two pages at once, one secret stays
        return self._open(self._row(login))

    def confirm(self, login: str, code: str, at: datetime | None = None) -> tuple[str, ...]:
        """Takes the second factor into use, after a right code of it; the recovery codes, shown once.

        Raises:
            NotAllowed: the code is wrong, or too many were.
            Conflict: nothing was begun, or it is in use.
        """
        at, row = at or datetime.now(UTC), self._row(login)
        if row is None or row.confirmed:
            raise Conflict("no second factor was begun")
        if not CODE.take(self.engine, login, at):
            raise NotAllowed("too many wrong codes", hint="wait a quarter of an hour")
        step = self._step(row, code, at)
        if step is None:
            raise NotAllowed("the code is wrong", hint="set the clock of the telephone by itself")
        CODE.clear(self.engine, login)
        mine = sa.and_(_factor.c.person == login, _factor.c.confirmed.is_(False))
        with writing(self.engine) as connection:
            done = sa.update(_factor).where(mine).values(confirmed=True, since=at, last_step=step)
            if connection.execute(done).rowcount != 1:
                raise Conflict("somebody was faster")
            audit.record(connection, login, Action.SECOND_FACTOR_ADDED, login, {}, at)
            return _new_codes(connection, login)

    def check(self, login: str, code: str, at: datetime | None = None) -> None:
        """Passes if it is a code of the person, of the telephone or for recovery, that was not used before.

        Raises:
            NotAllowed: wrong, used, or too many were wrong; the message does not say which.
        """
        at, row = at or datetime.now(UTC), self._row(login)
        if row is not None and row.confirmed and CODE.take(self.engine, login, at):
            step = self._step(row, code, at)
            if self._use_step(login, step) if step is not None else self._use_recovery(login, code, at):
                CODE.clear(self.engine, login)
                return
        audit.record(self.engine, login, Action.PERSON_REFUSED, login, {"factor": "code"}, at)
        raise NotAllowed("the code is wrong, was used before, or too many were wrong")

    def renew(self, login: str, at: datetime | None = None) -> tuple[str, ...]:
        """New recovery codes, in the place of the old ones.

        Raises:
            Conflict: the person has no second factor.
        """
        with writing(self.engine) as connection:
            if not enrolled(connection, login):
                raise Conflict("there is no second factor")
            audit.record(connection, login, Action.PERSON_CHANGED, login, {"what": "recovery codes"}, at)
            return _new_codes(connection, login)

    def left(self, login: str) -> int:
        """How many recovery codes were not used."""
        mine = sa.and_(_recovery.c.person == login, _recovery.c.used_at.is_(None))
        with reading(self.engine) as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(mine)).scalar_one())

    def replace_key(self, by: str, at: datetime | None = None) -> int:
        """Makes a new key, and encrypts every secret anew with it; how many there are.

        The new key lies beside the old one until all are encrypted: broken off anywhere, each secret still
        opens, and asking again ends the work. Nobody else may write meanwhile: stop the console first.

        Args:
            by: the account.
            at: when.
        """
        path = self.home / KEY_FILE
        self._finish(path)
        keyfile.key(keyfile.replacement(path))
        with writing(self.engine) as connection:
            rows = connection.execute(sa.select(_factor)).all()
            for row in rows:
                sealed = self._seal(row.person, self._open(row), keyfile.replacement(path))
                mine = sa.update(_factor).where(_factor.c.person == row.person)
                connection.execute(mine.values(secret=sealed))
            audit.record(connection, by, Action.KEY_REPLACED, KEY_FILE, {"count": len(rows)}, at)
        keyfile.replacement(path).replace(path)
        return len(rows)

    def _finish(self, path: Path) -> None:
        """Ends a replacement that was broken off: takes the new key if the secrets are its own."""
        if not keyfile.replacement(path).exists():
            return
        with reading(self.engine) as connection:
            row = connection.execute(sa.select(_factor).limit(1)).one_or_none()
        if row is None or _opens(row, path):
            keyfile.replacement(path).unlink()
        else:
            keyfile.replacement(path).replace(path)

    def _row(self, login: str) -> Any:
        with reading(self.engine) as connection:
            return connection.execute(sa.select(_factor).where(_factor.c.person == login)).one_or_none()

    def _step(self, row: Any, code: str, at: datetime) -> int | None:
        """The step whose code it is, if it is later than the last one that was used."""
        import pyotp

        given = "".join(code.split())
        if len(given) != 6 or not (given.isascii() and given.isdigit()):
            return None
        made, now = pyotp.TOTP(self._open(row)), int(at.timestamp()) // STEP
        near = range(now - self.around, now + self.around + 1)
        fits = [step for step in near if hmac.compare_digest(made.generate_otp(step), given)]
        return next((step for step in fits if step > row.last_step), None)

    def _use_step(self, login: str, step: int) -> bool:
        mine = sa.and_(_factor.c.person == login, _factor.c.last_step < step)  # of two at once, one passes
        with writing(self.engine) as connection:
            return connection.execute(sa.update(_factor).where(mine).values(last_step=step)).rowcount == 1

    def _use_recovery(self, login: str, code: str, at: datetime) -> bool:
        mine = sa.and_(
            _recovery.c.person == login, _recovery.c.hash == _hash(code), _recovery.c.used_at.is_(None)
        )
        with writing(self.engine) as connection:
            used = connection.execute(sa.update(_recovery).where(mine).values(used_at=at)).rowcount == 1
            if used:
                audit.record(connection, login, Action.RECOVERY_USED, login, {}, at)
            return used

    def _seal(self, login: str, secret: str, key: Path | None = None) -> str:
        from joserfc import jwe

        header = {"alg": "dir", "enc": "A256GCM", "kid": login}
        return jwe.encrypt_compact(header, secret.encode(), _key(key or self.home / KEY_FILE))

    def _open(self, row: Any) -> str:
        path = self.home / KEY_FILE
        opened = _opens(row, path)
        if opened is None and keyfile.replacement(path).exists():  # a replacement of the key was broken off
            opened = _opens(row, keyfile.replacement(path))
        if opened is None:
            hint = f"{KEY_FILE} is not the one it was made with: reset the second factor"
            raise Tampered("the second factor cannot be read", hint=hint)
        if opened.headers().get("kid") != row.person or opened.plaintext is None:
            raise Tampered("the second factor is that of another account")
        return str(opened.plaintext.decode())


def _opens(row: Any, path: Path) -> Any:
    """What a row holds, or None if it was not encrypted with the key of this file."""
    from joserfc import jwe
    from joserfc.errors import JoseError

    try:
        return jwe.decrypt_compact(row.secret, _key(path))
    except (JoseError, ValueError):
        return None


def _key(path: Path) -> Any:
    from joserfc.jwk import OctKey

    return OctKey.import_key(hashlib.sha256(keyfile.key(path).encode()).digest())


def enrolled(connection: sa.Connection, login: str) -> bool:
    """Whether a person has a second factor."""
    mine = sa.and_(_factor.c.person == login, _factor.c.confirmed)
    return connection.execute(sa.select(sa.literal(1)).where(mine)).first() is not None


def drop(connection: sa.Connection, login: str, by: str, at: datetime | None = None) -> None:
    """Takes a second factor and its recovery codes away; the person makes a new one."""
    connection.execute(sa.delete(_recovery).where(_recovery.c.person == login))
    connection.execute(sa.delete(_factor).where(_factor.c.person == login))
    audit.record(connection, by, Action.SECOND_FACTOR_RESET, login, {}, at)


def address(login: str, hospital: str, secret: str) -> str:
    """What the telephone reads: an ``otpauth`` address with the secret."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(
        name=login, issuer_name=f"Vesalius {hospital}".replace(":", " ")
    )


def picture(text: str) -> str:
    """A QR code (ISO/IEC 18004) as SVG without style or script, dark on light in every theme."""
    import segno

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        border=4,
        dark="#000",
        light="#fff",
        xmldecl=False,
        nl=False,
        omitsize=True,  # it then says its extent as viewBox, and is drawn whole at any size
    )
    return out.getvalue().decode()


def _new_codes(connection: sa.Connection, login: str) -> tuple[str, ...]:
    made = tuple(
        "-".join("".join(secrets.choice(_BASE32) for _ in range(4)) for _ in range(6)) for _ in range(CODES)
    )
    connection.execute(sa.delete(_recovery).where(_recovery.c.person == login))
    connection.execute(sa.insert(_recovery), [{"person": login, "hash": _hash(each)} for each in made])
    return made


def _hash(code: str) -> str:
    plain = "".join(each for each in code.upper() if each in _BASE32)
    return hashlib.sha256(plain.encode()).hexdigest()
