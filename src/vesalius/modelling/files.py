"""Where models lie: one file each, named by its own hash, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import string
from pathlib import Path

from vesalius.errors import InvalidModel, NotFound
from vesalius.modelling import _file
from vesalius.modelling._file import LARGEST_FILE
from vesalius.modelling.model import Model
from vesalius.modelling.training import AnyModel
from vesalius.modelling.trees import SCHEMA, Trees


def load(raw: bytes) -> AnyModel:
    """The model in a file of any schema that this version reads; nothing is run and nothing is guessed.

    Raises:
        InvalidModel: too large, not JSON, another schema, damaged, or not consistent.
    """
    schema = _file.opened(raw).schema
    return Trees.from_bytes(raw) if schema == SCHEMA else Model.from_bytes(raw)


class ModelStore:
    """A folder of model files.

    Args:
        folder: made when the first model is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, model: AnyModel) -> str:
        """Writes ``model`` durably; saving it again changes nothing.

        Returns:
            Its hash, by which it is loaded.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(model.hash)
        if not path.exists():
            partial = path.with_suffix(f".{os.getpid()}.partial")
            with partial.open("wb") as file:
                file.write(model.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        return model.hash

    def load(self, name: str) -> AnyModel:
        """The model with this hash.

        Raises:
            NotFound: the folder has none of that name.
            InvalidModel: the file is not the one its name promises.
        """
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
        return load(raw)

    def names(self) -> list[str]:
        """The hashes of all models, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name.lower()}.json"
