"""Makes suggestions again in a process of its own: what ``checks`` compares byte for byte after a restart."""

from __future__ import annotations

import os
import subprocess  # for our own interpreter alone  # nosec B404
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vesalius.lake import Lake
from vesalius.store import open_store
from vesalius.usecase import Candidate, encode

if TYPE_CHECKING:
    from vesalius.usecase import UseCase


class Question(msgspec.Struct):
    """Which use case, on which lake, at which position, about whom."""

    module: str
    kind: str
    database: str
    position: int
    candidates: tuple[Candidate, ...]


def answer(question: Question) -> list[bytes]:
    """The suggestions, encoded."""
    kind: type[UseCase] = getattr(import_module(question.module), question.kind)
    engine = open_store(question.database)
    try:
        lake = Lake(engine, Path(question.database).parent / "columns").pinned(question.position)
        usecase = kind()
        return [encode(each) for each in usecase.suggest(usecase.evidence(lake, question.candidates))]
    finally:
        engine.dispose()


def elsewhere(
    usecase: type[UseCase], lake: Lake, position: int, candidates: Sequence[Candidate]
) -> list[bytes]:
    """The suggestions of a new process, whose strings hash in another order.

    Raises:
        RuntimeError: the process failed; the message is the end of what it wrote.
    """
    database = lake.engine.url.render_as_string(hide_password=False)
    question = Question(usecase.__module__, usecase.__name__, database, position, tuple(candidates))
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "1514",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    done = subprocess.run(  # noqa: S603  our own interpreter and our own module  # nosec B603
        [sys.executable, "-m", __name__],
        input=msgspec.json.encode(question),
        capture_output=True,
        check=False,
        env=environment,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip()[-300:])
    return [line for line in done.stdout.splitlines() if line]


if __name__ == "__main__":
    for line in answer(msgspec.json.decode(sys.stdin.buffer.read(), type=Question)):
        sys.stdout.buffer.write(line + b"\n")
