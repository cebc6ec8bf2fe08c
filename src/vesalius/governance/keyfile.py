"""A key in a file: made once, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from vesalius.errors import InvalidSetting

SHORTEST = 32
"""The fewest characters of a key."""


def key(path: Path) -> str:
    """The key that a file holds; made where there is none.

    Raises:
        InvalidSetting: the file is there, and holds none.
    """
    if not path.exists():
        _write(path)
    kept = path.read_text(encoding="ascii").strip()
    if len(kept) < SHORTEST:  # with an empty key anybody could write themselves what it protects
        raise InvalidSetting(f"{path.name} holds no key", hint="delete it: a new one is made")
    return kept


def replacement(path: Path) -> Path:
    """Where the next key lies while what the old one encrypted is encrypted anew."""
    return path.with_name(f"{path.name}.next")


def _write(path: Path) -> None:
    """Writes a new key whole, so that no other process ever reads half of one; the first one stays."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)
