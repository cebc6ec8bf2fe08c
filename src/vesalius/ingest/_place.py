"""Where rows of another database wait to be taken in, and where it is remembered how far it was read.

::

    KEY.json           how far its rows are in the lake
    KEY.pending.jsonl  rows that were fetched and are not yet all in the lake
    KEY.pending.json   how far it will have come once they are

Each file is written whole under another name, flushed, and renamed; ``KEY.pending.jsonl`` comes last and goes
last, so that at any moment a killed run has left a state from which the next one goes on.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from vesalius.errors import Conflict, Unavailable, UnreadableInput


def later(one: Any, other: Any) -> bool:
    """Whether one watermark comes after another; nothing comes after or before a missing one."""
    if one is None or other is None:
        return False
    try:
        return bool(one > other)
    except TypeError:
        raise UnreadableInput("the column to go on from holds values of several kinds") from None


@dataclass
class State:
    """How far a table has been read.

    Attributes:
        watermark: the latest one that was read; None before the first run.
        seen: the digests of the rows that the next run will be given again: those at the watermark (or in the
            overlap before it), and those without one. Value: their watermark.
    """

    watermark: Any = None
    seen: dict[str, Any] = field(default_factory=dict)
    overlap: timedelta = timedelta()

    def following(self, overlap: timedelta) -> State:
        """The state that a run begins to build upon this one."""
        return State(self.watermark, dict(self.seen), overlap)

    def takes(self, mark: Any, raw: bytes, *, known: State) -> bool:
        """Notes a row; False, if it was read by an earlier run."""
        digest = hashlib.sha256(raw).hexdigest()[:32]
        if later(mark, self.watermark) or (mark is not None and self.watermark is None):
            self.watermark = mark
        new = digest not in known.seen
        self.seen[digest] = mark
        return new

    def trimmed(self) -> State:
        """The state without the rows that no run will be given again."""
        since = self.watermark
        if isinstance(since, datetime):
            since = since - self.overlap
        kept = {row: mark for row, mark in self.seen.items() if mark is None or not later(since, mark)}
        return State(self.watermark, kept)


@dataclass
class Place:
    """The files of one table of one feed, locked as long as it is open."""

    folder: Path
    key: str

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, key: str) -> Iterator[Place]:
        """Opens the place.

        Raises:
            Conflict: someone else has it open.
            Unavailable: the folder cannot be written.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(folder / f"{key}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(f"the folder of tables cannot be written: {error.strerror}") from None
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Conflict("the same table is being read at this moment") from None
            place = cls(folder, key)
            place._tidy()
            yield place
        finally:
            os.close(lock)

    @property
    def rows(self) -> Path:
        """The file of rows that wait."""
        return self.folder / f"{self.key}.pending.jsonl"

    @property
    def pending(self) -> bool:
        """Whether rows wait that an earlier run has fetched."""
        return self.rows.exists()

    @property
    def state(self) -> State:
        """How far the table has been read.

        Raises:
            UnreadableInput: the file that says so is damaged.
        """
        try:
            return _state(self._path("json").read_bytes())
        except FileNotFoundError:
            return State()
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError):
            raise UnreadableInput(
                "what was remembered of this table is damaged", hint="read it from the start"
            ) from None

    @contextmanager
    def writing(self) -> Iterator[Callable[[bytes], None]]:
        """Writes lines to a file that :meth:`offer` makes the pending one; else it is dropped."""
        path = self._path("rows.tmp")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                self._file = file
                yield lambda line: _write_line(file, line)
        except OSError as error:
            raise Unavailable(f"the rows cannot be written: {error.strerror}") from None
        finally:
            path.unlink(missing_ok=True)

    def offer(self, state: State) -> None:
        """Makes what was written the pending rows, and ``state`` what holds once they are taken in."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._replace("pending.json", _encoded(state.trimmed()))
        self._path("rows.tmp").rename(self.rows)
        self._sync()

    def done(self) -> None:
        """The pending rows are in the lake."""
        waiting = self._path("pending.json")
        if waiting.exists():
            waiting.rename(self._path("json"))
            self._sync()
        self.rows.unlink(missing_ok=True)

    def discard(self) -> None:
        """The pending rows are given up; the next run asks for them again."""
        self.rows.unlink(missing_ok=True)
        self._path("pending.json").unlink(missing_ok=True)

    def _tidy(self) -> None:
        """Finishes what a killed run had begun to tidy up."""
        self._path("rows.tmp").unlink(missing_ok=True)
        waiting = self._path("pending.json").exists()
        if self.pending and not waiting:
            self.rows.unlink()  # they are in the lake already
        elif waiting and not self.pending:
            self._path("pending.json").unlink()

    def _path(self, ending: str) -> Path:
        return self.folder / f"{self.key}.{ending}"

    def _replace(self, ending: str, content: bytes) -> None:
        temporary = self._path(f"{ending}.tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self._path(ending))

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_line(file: Any, line: bytes) -> None:
    file.write(line)
    file.write(b"\n")


_KINDS: dict[str, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    "datetime": (datetime.isoformat, datetime.fromisoformat),
    "date": (date.isoformat, date.fromisoformat),
    "int": (str, int),
    "Decimal": (str, Decimal),
    "float": (repr, float),
    "str": (str, str),
}


def _mark(value: Any) -> list[str] | None:
    if value is None:
        return None
    kind = type(value).__name__
    if kind not in _KINDS:
        raise UnreadableInput(
            f"the column to go on from holds {kind}", hint="it must hold moments, numbers or texts"
        )
    return [kind, _KINDS[kind][0](value)]


def _unmark(mark: list[str] | None) -> Any:
    return None if mark is None else _KINDS[mark[0]][1](mark[1])


def _encoded(state: State) -> bytes:
    seen = {digest: _mark(mark) for digest, mark in state.seen.items()}
    return msgspec.json.encode({"watermark": _mark(state.watermark), "seen": seen})


def _state(raw: bytes) -> State:
    read = msgspec.json.decode(raw)
    return State(_unmark(read["watermark"]), {row: _unmark(mark) for row, mark in read["seen"].items()})
