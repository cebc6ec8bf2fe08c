"""Who vouches for a model file: a signature beside it, by a key of the hospital or of one that it trusts.

The signature is a JSON Web Signature with detached content (RFC 7515, appendix F) over the SHA-256 of the
file, by Ed25519 (RFC 8032; the algorithm ``Ed25519`` of RFC 9864). Its protected header says who signed, and
when. A hash alone says that a file is whole; a signature says that it is ours.
"""

from __future__ import annotations

import getpass
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from vesalius.errors import InvalidModel, InvalidSetting, Tampered

State = Literal["signed", "unsigned", "unknown key", "tampered"]

TYPE = "vesalius-model"
"""The ``typ`` of the header: a signature made for something else is none of a model."""

OWN = "this hospital"
"""The name of its own key."""

_ALGORITHM: Final = "Ed25519"
_HEADER = frozenset({"alg", "kid", "typ", "by", "at"})
_LARGEST = 4096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Signature:
    """What is known of the signature of a model.

    Attributes:
        state: ``signed`` by a known key; ``unsigned``; by an ``unknown key``; or ``tampered``: the signature
            is not one, or not of this file.
        key: the name of the key: ``this hospital`` or that under which it is trusted; of an unknown key, its
            thumbprint (RFC 7638) as the header gives it.
        by: who signed.
        at: when, as an ISO 8601 moment.
    """

    state: State
    key: str = ""
    by: str = ""
    at: str = ""

    def __str__(self) -> str:
        if self.state == "signed":
            return f"signed by {self.by} on {self.at} with the key of {self.key}"
        return f"{self.state} {self.key}".rstrip()


class Keys:
    """A folder of keys: ``hospital.jwk``, made at the first signature, and ``trusted/NAME.jwk``.

    Args:
        folder: closed to all but its owner.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sign(self, digest: str, by: str = "") -> str:
        """The signature of the file with this SHA-256.

        Args:
            digest: 64 hexadecimal digits.
            by: who signs; the account of the system when it is not given.

        Raises:
            InvalidSetting: others than the owner can read the key, or it is none.
        """
        from joserfc import jws

        key = self.own
        header = {
            "alg": _ALGORITHM,
            "kid": key.thumbprint(),
            "typ": TYPE,
            "by": by or getpass.getuser(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        whole = jws.serialize_compact(header, digest.encode(), key, registry=_registry())
        return str(jws.detach_content(whole))

    def seal(self, content: bytes, kind: str, by: str = "") -> str:
        """A JSON Web Signature (RFC 7515) that carries what it signs: a token that stands by itself.

        Args:
            content: what is signed.
            kind: what it is, the ``typ`` of the header: no token of one kind passes for another.
            by: who signs; the account of the system when it is not given.

        Raises:
            InvalidSetting: others than the owner can read the key, or it is none.
        """
        from joserfc import jws

        key = self.own
        header = {
            "alg": _ALGORITHM,
            "kid": key.thumbprint(),
            "typ": kind,
            "by": by or getpass.getuser(),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        return str(jws.serialize_compact(header, content, key, registry=_registry()))

    def unseal(self, token: str, kind: str) -> bytes:
        """What :meth:`seal` signed, if a known key did.

        Raises:
            Tampered: it is no such token, was changed, or no known key signed it.
        """
        header = _header(token.encode(), kind, detached=False)
        name = self.known.get(header["kid"]) if header else None
        if name is None:
            raise Tampered(
                f"no known key signed this {kind}", hint="vesalius model trust takes the key of another"
            )
        return _unsealed(token, kind, self._public(name))

    def verify(self, digest: str, signature: bytes | None) -> Signature:
        """What ``signature`` says of the file with this SHA-256; it never raises for what it is given."""
        if signature is None:
            return Signature("unsigned")
        header = _header(signature)
        if header is None:
            return Signature("tampered")
        name = self.known.get(header["kid"])
        if name is None:
            return Signature("unknown key", header["kid"])
        sound = _sound(digest, signature, self._public(name))
        return Signature("signed", name, header["by"], header["at"]) if sound else Signature("tampered")

    @property
    def known(self) -> dict[str, str]:
        """The name of each known key, by its thumbprint."""
        found = {_read(path).thumbprint(): path.stem for path in sorted(self._trusted.glob("*.jwk"))}
        if self._path.exists():
            found[self.own.thumbprint()] = OWN
        return found

    @cached_property
    def own(self) -> Any:
        """The hospital's key; made now if there is none."""
        from joserfc.jwk import OKPKey

        if not self._path.exists():
            self._make(self.folder)
            _write_once(self._path, _text(OKPKey.generate_key(_ALGORITHM), private=True))
        if self._path.stat().st_mode & 0o077:
            raise InvalidSetting(
                f"the key {self._path.name} is open to others than its owner",
                hint=f"chmod 600 {self._path}; if others may have read it, delete it and sign again",
            )
        key = _read(self._path)
        if not key.is_private:
            raise InvalidSetting(
                f"the key {self._path.name} is a public one", hint="restore it from a backup"
            )
        return key

    def public(self) -> str:
        """The hospital's public key as JSON, for others to trust."""
        return _text(self.own, private=False)

    def trust(self, name: str, text: bytes) -> str:
        """Trusts the models that the owner of a public key signs.

        Returns:
            The key's thumbprint, to be compared with the owner by another way than that by which it came.

        Raises:
            InvalidSetting: the name cannot be one, is taken by another key, or the key is no Ed25519 key.
        """
        if not _NAME.fullmatch(name) or name == OWN:
            raise InvalidSetting("a key's name has letters, digits, - _ . and at most 64 of them")
        key = _parsed(text, "the file")
        path = self._trusted / f"{name}.jwk"
        if path.exists() and _read(path).thumbprint() != key.thumbprint():
            raise InvalidSetting(f"another key is trusted as {name}", hint=f"delete {path} first")
        self._make(self._trusted)
        if not path.exists():
            _write_once(path, _text(key, private=False))  # of a private one, only what is public is kept
        return str(key.thumbprint())

    def _public(self, name: str) -> Any:
        return self.own if name == OWN else _read(self._trusted / f"{name}.jwk")

    @property
    def _path(self) -> Path:
        return self.folder / "hospital.jwk"

    @property
    def _trusted(self) -> Path:
        return self.folder / "trusted"

    def _make(self, folder: Path) -> None:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def _registry() -> Any:
    from joserfc.jws import JWSRegistry

    return JWSRegistry(algorithms=[_ALGORITHM], strict_check_header=False)


def unseal(token: str, kind: str, public: bytes) -> bytes:
    """What :meth:`Keys.seal` signed, verified with nothing but a public key.

    Args:
        token: the token.
        kind: what it is.
        public: the key as JSON, as :meth:`Keys.public` gives it.

    Raises:
        InvalidSetting: the key is none.
        Tampered: it is no such token, was changed, or another key signed it.
    """
    return _unsealed(token, kind, _parsed(public, "the file"))


def _unsealed(token: str, kind: str, key: Any) -> bytes:
    from joserfc import jws
    from joserfc.errors import JoseError

    wrong = f"the signature of this {kind} does not hold"
    if _header(token.encode(), kind, detached=False) is None:
        raise Tampered(wrong)
    try:
        return bytes(jws.deserialize_compact(token.strip(), key, registry=_registry()).payload)
    except (JoseError, ValueError):
        raise Tampered(wrong) from None


def _header(signature: bytes, kind: str = TYPE, *, detached: bool = True) -> dict[str, str] | None:
    """The protected header, if the signature is of the form that is written here."""
    import msgspec
    from joserfc.util import urlsafe_b64decode

    parts = signature.strip().split(b".")
    if len(signature) > _LARGEST or len(parts) != 3 or bool(parts[1]) == detached:
        return None
    try:
        header = msgspec.json.decode(urlsafe_b64decode(parts[0]), type=dict[str, str])
    except (ValueError, msgspec.MsgspecError):
        return None
    right = set(header) == _HEADER and header["alg"] == _ALGORITHM and header["typ"] == kind
    return header if right else None


def _sound(digest: str, signature: bytes, key: Any) -> bool:
    from joserfc import jws
    from joserfc.errors import JoseError

    try:
        jws.deserialize_compact(signature.strip(), key, registry=_registry(), payload=digest)
    except (JoseError, ValueError):
        return False
    return True


def _text(key: Any, *, private: bool) -> str:
    import msgspec

    return msgspec.json.encode(key.as_dict(private=private), order="sorted").decode()


def _read(path: Path) -> Any:
    return _parsed(path.read_bytes(), path.name)


def _parsed(text: bytes, what: str) -> Any:
    """An Ed25519 key from its JSON."""
    from joserfc.errors import JoseError
    from joserfc.jwk import OKPKey

    try:
        key = OKPKey.import_key(_object(text))
    except (JoseError, ValueError, TypeError, KeyError):
        raise InvalidSetting(f"{what} holds no key", hint="an Ed25519 key as JSON (RFC 8037)") from None
    if key.as_dict(private=False).get("crv") != _ALGORITHM:
        raise InvalidSetting(f"{what} holds a key of another kind than Ed25519")
    return key


def _object(text: bytes) -> dict[str, str | list[str]]:
    import msgspec

    try:
        return msgspec.json.decode(text[:_LARGEST], type=dict[str, str | list[str]])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError("not an object") from error


def _write_once(path: Path, text: str) -> None:
    """A new file for its owner alone, whole or not at all; one that another process made first is kept."""
    handle, partial = tempfile.mkstemp(dir=path.parent)  # with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, path)
    except FileExistsError:
        pass
    finally:
        Path(partial).unlink()


def refuse(name: str, found: Signature) -> None:
    """Raises where the file was changed, or somebody else's signature put beside it."""
    if found.state == "tampered":
        raise InvalidModel(
            f"the signature of model {name[:12]}… is not that of its file",
            hint="restore both from a backup; vesalius model verify says which",
        )
