"""Pseudonyms: one domain for each permit, so that two permits' data cannot be laid over each other.

A hospital keeps one secret, its owner's alone. From it a key is derived for each permit (HKDF, RFC 5869, with
HMAC-SHA-256; its expansion is the feedback mode of NIST SP 800-108 rev. 1, section 4.2), and a pseudonym is
the HMAC-SHA-256 of an identifier under that key. ENISA prefers such a keyed code to a plain or salted hash,
which falls to trying all identifiers ("Pseudonymisation techniques and best practices", 2019, section 5.1):
there are fewer than 10^9 national numbers, and a laptop hashes them all in minutes. Without the secret
nothing tells that two pseudonyms of two permits are one person, nor whose a pseudonym is.

A pseudonym is 128 bits, 32 hexadecimal digits. By the birthday bound, two of n have the same with a chance
below n²/2^129: less than 10^-20 for a billion.

Pseudonyms are personal data still (GDPR, recital 26): who holds the secret can go back by trying.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vesalius.errors import InvalidIdentifier, InvalidSetting, NotFound
from vesalius.fhir import belgium

FILE = "pseudonyms.json"
"""The file of the secrets, in the hospital's folder."""

LONGEST = 1000
"""The most characters of an identifier."""

_SALT = b"vesalius pseudonyms"
_BYTES = 32
_PERMIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_BETWEEN = b"\x1f"  # the unit separator: no identifier may hold it


def hkdf(secret: bytes, info: bytes, length: int = _BYTES, *, salt: bytes = b"") -> bytes:
    """A key derived from a secret: HKDF with SHA-256, RFC 5869 sections 2.2 and 2.3.

    Args:
        secret: the input keying material.
        info: what the key is for; other words, another key.
        length: bytes to make, at most 8160.
        salt: not secret; binds the secret to one application.
    """
    if not 0 < length <= 255 * _BYTES:
        raise ValueError("HKDF with SHA-256 makes 1 to 8160 bytes")
    random = hmac.digest(salt or bytes(_BYTES), secret, hashlib.sha256)
    made, block = b"", b""
    for number in range(1, -(-length // _BYTES) + 1):
        block = hmac.digest(random, block + info + bytes([number]), hashlib.sha256)
        made += block
    return made[:length]


class Pseudonyms:
    """The pseudonyms of one permit.

    Args:
        secret: the hospital's, at least 32 bytes.
        permit: its name: letters, digits, points, hyphens and underscores, at most 100.
        version: of the secret.

    Raises:
        InvalidIdentifier: the name of the permit has another form.
        InvalidSetting: the secret is too short.

    >>> first, again, other = (Pseudonyms(bytes(32), permit) for permit in ("a", "a", "b"))
    >>> first.of("Patient", "12") == again.of("Patient", "12")
    True
    >>> first.of("Patient", "12") == other.of("Patient", "12")
    False
    """

    def __init__(self, secret: bytes, permit: str, version: int = 1) -> None:
        if not _PERMIT.fullmatch(permit):
            raise InvalidIdentifier(
                "a permit is named by at most 100 letters, digits, points, hyphens and underscores"
            )
        if len(secret) < _BYTES:
            raise InvalidSetting("the secret of the pseudonyms is shorter than 32 bytes")
        self.permit = permit
        self.version = version
        self._keys = {
            purpose: hkdf(secret, _BETWEEN.join((purpose.encode(), permit.encode())), salt=_SALT)
            for purpose in ("pseudonym", "date", "uid")
        }

    def of(self, kind: str, value: str) -> str:
        """The pseudonym of an identifier: 32 hexadecimal digits.

        Args:
            kind: what the identifier is of, such as ``Patient``, or its naming system: the same value of two
                kinds has two pseudonyms.
            value: the identifier; its composed form (Unicode NFC) is what counts.

        Raises:
            InvalidIdentifier: it is empty, too long, has blanks around it, or control characters.
        """
        return self._digest("pseudonym", kind, value).hex()[:32]

    def of_niss(self, text: str) -> str:
        """The pseudonym of a Belgian national register or bis number, however it is written.

        >>> made = Pseudonyms(bytes(32), "study")
        >>> made.of_niss("93.05.18-223.61") == made.of_niss("93051822361")
        True

        Raises:
            InvalidIdentifier: it has not eleven digits, or its check digits are wrong: mistyped, it would
                be a second person.
        """
        if not belgium.niss_is_valid(text):
            raise InvalidIdentifier("is not a national number: eleven digits, the last two of them checks")
        return self.of(belgium.NISS, belgium.normal(text))

    def identifier(self, system: str, value: str) -> str:
        """The pseudonym of an identifier of a naming system; of a national number, by its digits.

        What a feed calls a national number and is none, gets the pseudonym of what is written.
        """
        known = belgium.system_of(system)
        if known == belgium.NISS and belgium.niss_is_valid(value):
            return self.of_niss(value)
        return self.of(known or "identifier", value)

    def uid(self, value: str) -> str:
        """A DICOM UID for a UID: ``2.25.`` and 122 bits, a UUID of version 8 as a number (PS3.5 section B.2).

        Raises:
            InvalidIdentifier: it is no UID: digits and points, at most 64.
        """
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)*", value) or len(value) > 64:
            raise InvalidIdentifier("is not a UID: digits and points, at most 64 of them")
        bits = int.from_bytes(self._digest("uid", "UID", value)[:16], "big")
        bits = bits & ~(0xF << 76) | 8 << 76  # version 8 of RFC 9562: made in our own way
        return f"2.25.{bits & ~(0x3 << 62) | 0x2 << 62}"

    def number(self, kind: str, value: str, below: int) -> int:
        """A number from 0 to below ``below``, the same for the same identifier; each is as likely.

        Of 128 bits, so what the remainder favours some numbers by is below 10^-30 for any range of days.
        """
        return int.from_bytes(self._digest("date", kind, value)[:16], "big") % below

    def _digest(self, purpose: str, kind: str, value: str) -> bytes:
        for part in (kind, value):
            _check(part)
        message = _BETWEEN.join(unicodedata.normalize("NFC", part).encode() for part in (kind, value))
        return hmac.digest(self._keys[purpose], message, hashlib.sha256)


def _check(value: str) -> None:
    if not value or value != value.strip():
        raise InvalidIdentifier("an identifier is empty, or has blanks around it")
    if len(value) > LONGEST:
        raise InvalidIdentifier(f"an identifier is longer than {LONGEST} characters")
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
        raise InvalidIdentifier("an identifier holds control characters")


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    current: int
    secrets: dict[int, str]
    permits: dict[str, int] = {}


class Secrets:
    """The secrets of a hospital, by version, and which version each permit uses.

    A permit keeps the version of its first use, so that later extracts join the earlier ones; a new permit
    takes the newest. A secret that is destroyed takes with it every way back from its pseudonyms.

    Args:
        home: the hospital's folder; the file is made where there is none, mode 600.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / FILE

    def pseudonyms(self, permit: str) -> Pseudonyms:
        """The pseudonyms of a permit.

        Raises:
            InvalidIdentifier: the name has a form that a permit cannot have.
            InvalidSetting: the file is damaged, or others than its owner may read it.
            NotFound: the secret that the permit used was destroyed.
        """
        with self._changed() as kept:
            version = kept.permits.get(permit, kept.current)
            if version not in kept.secrets:
                raise NotFound("the secret of this permit was destroyed: its pseudonyms cannot be made again")
            made = Pseudonyms(bytes.fromhex(kept.secrets[version]), permit, version)
            kept.permits[permit] = version
        return made

    def rotate(self) -> int:
        """Makes a new secret, which new permits will use; returns its version."""
        with self._changed() as kept:
            kept.current = max(kept.secrets, default=0) + 1
            kept.secrets[kept.current] = secrets.token_hex(_BYTES)
        return kept.current

    def destroy(self, version: int) -> None:
        """Destroys a secret that is no longer the newest: its permits end, and cannot be gone back on.

        Raises:
            InvalidSetting: it is the newest; rotate first.
            NotFound: there is none of that version.
        """
        with self._changed() as kept:
            if version not in kept.secrets:
                raise NotFound(f"there is no secret of version {version}")
            if version == kept.current:
                raise InvalidSetting("the newest secret cannot be destroyed", hint="rotate first")
            del kept.secrets[version]

    def versions(self) -> dict[int, list[str]]:
        """Every version, the destroyed ones that a permit used too, with the permits that use it."""
        with self._changed() as kept:
            found: dict[int, list[str]] = {
                version: [] for version in sorted({*kept.secrets, *kept.permits.values()})
            }
            for permit, version in sorted(kept.permits.items()):
                found[version].append(permit)
        return found

    @contextmanager
    def _changed(self) -> Iterator[_Kept]:
        """What is kept, written back whole when it was changed; one process at a time."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._file.with_name(f".{FILE}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = self._read()
            before = msgspec.json.encode(kept)
            yield kept
            if msgspec.json.encode(kept) != before or not self._file.exists():
                self._write(kept)
        finally:
            os.close(lock)

    def _read(self) -> _Kept:
        if not self._file.exists():
            return _Kept(1, {1: secrets.token_hex(_BYTES)})
        if self._file.stat().st_mode & 0o077:
            raise InvalidSetting(f"others may read {FILE}", hint=f"chmod 600 {FILE}")
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=_Kept)
            short = [version for version, one in kept.secrets.items() if len(bytes.fromhex(one)) < _BYTES]
        except (msgspec.DecodeError, ValueError):
            raise InvalidSetting(f"{FILE} is damaged", hint="put back the saved copy") from None
        if short or kept.current not in kept.secrets:
            raise InvalidSetting(f"{FILE} is damaged: a secret lacks", hint="put back the saved copy")
        return kept

    def _write(self, kept: _Kept) -> None:
        partial = self._file.with_name(f".{FILE}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.json.encode(kept))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._file)
        finally:
            partial.unlink(missing_ok=True)
