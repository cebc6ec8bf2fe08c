"""Folders of files made unrecognisable: whole or not at all, with what was held back told beside it.

The folder is made under another name and gets its own when everything is in it. What was held back is a list
beside it, which names the hospital's own files and stays in the hospital; nothing of it is in the folder.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from vesalius.errors import Conflict, UnreadableInput
from vesalius.privacy.counts import told

REPORT = "report.json"

REFUSED = "concerns a patient who refuses any use but their care"
"""The reason beside what is held back for that; the report in the folder says only how many patients."""


class Held(msgspec.Struct, frozen=True):
    """Something that was held back.

    Attributes:
        file: the name of the file it is in.
        place: its line, from 1; 0 for the whole file.
        reason: why, without any value of it.
    """

    file: str
    place: int
    reason: str


class Report(msgspec.Struct):
    """What was done, without any value.

    Attributes:
        permit: whose pseudonyms; empty without one.
        secret: the version of the secret behind them.
        read: how many resources, texts or images; without those of who refuses.
        written: how many of them came out.
        held: how many were held back, by reason.
        changed: how much was changed, by kind.
        left_out: how many patients are not in it because they refuse, as it may leave the hospital.
    """

    permit: str = ""
    secret: int = 0
    read: int = 0
    written: int = 0
    held: dict[str, int] = {}
    changed: dict[str, int] = {}
    left_out: str = "0"


class Extract:
    """A folder that is being made; use it in a ``with`` block.

    Args:
        folder: must not be there yet; the list of what was held back is ``FOLDER.held.ndjson`` beside it.
        report: says whose pseudonyms; its counts are kept here.

    Raises:
        Conflict: the folder is there already.
    """

    def __init__(self, folder: Path, report: Report | None = None) -> None:
        if folder.exists():
            raise Conflict(f"{folder.name} is there already", hint="choose another folder")
        self.report = report or Report()
        self._folder = folder
        self._partial = folder.with_name(f".{folder.name}.partial")
        self._held: list[Held] = []
        self._open: dict[str, IO[bytes]] = {}
        self._places: dict[str, list[tuple[str, int, int]]] = {}
        self._changed: Counter[str] = Counter()
        self._refused: set[str] = set()

    def __enter__(self) -> Self:
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(mode=0o700, parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            for file in self._open.values():
                file.close()
            shutil.rmtree(self._partial, ignore_errors=True)  # no longer there, when all went well

    def _finish(self) -> None:
        for name, places in self._places.items():
            with (self._partial / name).open("wb") as ordered:
                for _, start, length in sorted(places):
                    self._open[name].seek(start)
                    ordered.write(self._open[name].read(length) + b"\n")
            (self._partial / f"{name}.lines").unlink()
        self.report.changed = dict(sorted(self._changed.items()))
        reasons = Counter(one.reason for one in self._held if one.reason != REFUSED)
        self.report.held = dict(reasons.most_common())
        self.report.left_out = told(len(self._refused))
        body = msgspec.json.format(msgspec.json.encode(self.report))
        (self._partial / REPORT).write_bytes(body + b"\n")
        self._write_held()
        self._partial.rename(self._folder)

    def file(self, name: str, body: bytes, changed: dict[str, int]) -> None:
        """Writes one file; of one name twice, the second gets a number."""
        stem, dot, ending = name.rpartition(".")
        path, number = self._partial / name, 1
        while path.exists():
            number += 1
            path = self._partial / f"{stem}-{number}{dot}{ending}"
        path.write_bytes(body)
        self._done(changed)

    def line(self, name: str, key: str, body: bytes, changed: dict[str, int]) -> None:
        """Adds a line to a file, whose lines will be in the order of their keys.

        The order in which records came can say whose they are; that of pseudonyms says nothing.
        """
        if name not in self._open:
            self._open[name] = (self._partial / f"{name}.lines").open("w+b")
        file = self._open[name]
        self._places.setdefault(name, []).append((key, file.tell(), len(body)))
        file.write(body)
        self._done(changed)

    def hold(self, file: str, place: int, reason: str) -> None:
        """Notes that something was held back."""
        self.report.read += 1
        self._held.append(Held(file, place, reason))

    def refuse(self, file: str, place: int, patients: Iterable[str]) -> None:
        """Notes that something was left out because of patients who refuse it.

        What lies in the folder counts the patients, and no more: of a few, not even that.
        """
        self._held.append(Held(file, place, REFUSED))
        self._refused.update(patients)

    def _done(self, changed: dict[str, int]) -> None:
        self.report.read += 1
        self.report.written += 1
        self._changed.update(changed)

    def _write_held(self) -> None:
        path = self._folder.with_name(f"{self._folder.name}.held.ndjson")
        if not self._held:
            path.unlink(missing_ok=True)
            return
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.writelines(msgspec.json.encode(one) + b"\n" for one in self._held)


def files(source: Path, *endings: str) -> list[Path]:
    """The files of a folder and its folders that have one of the endings, in order; or the one file.

    Raises:
        UnreadableInput: there is none.
    """
    if source.is_file():
        return [source]
    found = sorted(
        path for path in source.rglob("*") if path.is_file() and (not endings or path.name.endswith(endings))
    )
    if not found:
        raise UnreadableInput(f"{source.name} holds no file that ends in {', '.join(endings) or 'anything'}")
    return found


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The items of a file with their place: the lines of NDJSON, compressed or not; or the file as a whole.

    Raises:
        UnreadableInput: it is compressed, and damaged.
    """
    if path.name.endswith(".json"):
        yield 0, path.read_bytes()
        return
    opened: Any = gzip.open if path.name.endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            for place, line in enumerate(file, 1):
                if line.strip():
                    yield place, line
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise UnreadableInput(f"cannot be read to its end ({type(error).__name__})") from None
