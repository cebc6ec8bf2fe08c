"""Where models lie: one file each, named by its own hash, written whole or not at all."""

from __future__ import annotations

import hashlib
import logging
import os
import string
from functools import cache
from pathlib import Path

from vesalius.errors import Conflict, InvalidModel, NotAllowed, NotFound
from vesalius.modelling import _file
from vesalius.modelling._file import LARGEST_FILE
from vesalius.modelling.model import Model
from vesalius.modelling.signatures import Keys, Signature, refuse
from vesalius.modelling.training import AnyModel
from vesalius.modelling.trees import Trees

log = logging.getLogger(__name__)


def load(raw: bytes) -> AnyModel:
    """The model in a file of any schema that this version reads; nothing is run and nothing is guessed.

    Raises:
        InvalidModel: too large, not JSON, another schema, damaged, or not consistent.
    """
    kind = Trees if _file.opened(raw).schema == Trees.SCHEMA else Model
    return kind.from_bytes(raw)


@cache
def shipped(path: Path, digest: str) -> AnyModel:
    """The model that a package ships, if it is the one that the package's code names; read once.

    Args:
        path: its file.
        digest: the SHA-256 that the code says it has.

    Raises:
        InvalidModel: it is another file, or no model.
    """
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != digest:
        raise InvalidModel(
            f"{path.parent.name}/{path.name} is not the model that its package names",
            hint="install the package again",
        )
    return load(raw)


class ModelStore:
    """A folder of model files, each with its signature beside it.

    Args:
        folder: made when the first model is saved.
        keys: the hospital's, to sign and to verify with; without them nothing is signed or verified.
    """

    def __init__(self, folder: Path, keys: Keys | None = None) -> None:
        self.folder = folder
        self.keys = keys

    def save(self, model: AnyModel, by: str = "") -> str:
        """Signs ``model`` and writes it durably; saving it again changes nothing, and signs nothing.

        Args:
            model: the model.
            by: who vouches for it; the account of the system when it is not given.

        Returns:
            Its hash, by which it is loaded.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(model.hash)
        if not path.exists():
            if self.keys is not None:
                _write(self._signature(model.hash), self.keys.sign(model.hash, by).encode())
            _write(path, model.to_bytes())
        return model.hash

    def sign(self, name: str, by: str = "") -> None:
        """Signs a model that is here; a signature of an unknown key is replaced.

        Raises:
            Conflict: it is signed by a known key, or what is beside it is not its signature.
        """
        name = self.find(name)
        self._read(name)
        found = self.verify(name)
        if self.keys is None or found.state in ("signed", "tampered"):
            raise Conflict(f"model {name[:12]}… is {found}")
        _write(self._signature(name), self.keys.sign(name, by).encode())

    def verify(self, name: str) -> Signature:
        """What its signature says; a file that is not the one its name promises is ``tampered``."""
        path = self._signature(name)
        if self.keys is None:
            return Signature("unsigned")
        try:
            self._read(name)
        except InvalidModel:
            return Signature("tampered")
        return self.keys.verify(name.lower(), path.read_bytes() if path.is_file() else None)

    def load(self, name: str, *, signed: bool = False) -> AnyModel:
        """The model with this hash. One that nobody known has signed is loaded, and the log says so.

        Args:
            name: its hash.
            signed: refuse it then, too.

        Raises:
            NotFound: the folder has none of that name.
            InvalidModel: the file is not the one its name promises, or the signature not that of the file.
            NotAllowed: it must be signed, and is not by a known key.
        """
        raw = self._read(name)
        found = self.verify(name)
        refuse(name, found)
        if signed and found.state != "signed":
            raise NotAllowed(f"model {name[:12]}… is {found}", hint="vesalius model sign, or model trust")
        if self.keys is not None and found.state != "signed":
            log.warning("model %s: %s", name[:12], found)
        return load(raw)

    def find(self, start: str) -> str:
        """The hash of the only model whose hash begins so.

        Raises:
            NotFound: there is none, or there are several.
        """
        found = [name for name in self.names() if name.startswith(start.lower())]
        if len(found) != 1:
            raise NotFound(f"{len(found)} models begin with {start[:64]!r}", hint="vesalius model list")
        return found[0]

    def names(self) -> list[str]:
        """The hashes of all models, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def _read(self, name: str) -> bytes:
        if len(name) != 64 or not set(name) <= set(string.hexdigits):
            raise NotFound("a model is asked for by its SHA-256, 64 hexadecimal digits")
        path = self._path(name)
        if not path.is_file():
            raise NotFound(f"there is no model {name[:12]}…", hint=f"models lie in {self.folder.name}/")
        if path.stat().st_size > LARGEST_FILE:
            raise InvalidModel(f"the file of model {name[:12]}… is too large to be one")
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != name.lower():
            raise InvalidModel(f"the file of model {name[:12]}… is damaged", hint="restore it from a backup")
        return raw

    def _path(self, name: str) -> Path:
        return self.folder / f"{name.lower()}.json"

    def _signature(self, name: str) -> Path:
        return self.folder / f"{name.lower()}.jws"


def _write(path: Path, raw: bytes) -> None:
    """Whole or not at all."""
    partial = path.with_suffix(f"{path.suffix}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
