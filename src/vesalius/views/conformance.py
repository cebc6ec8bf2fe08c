"""The official tests of SQL on FHIR, on each of our engines: which case passes where.

A test file holds resources and cases; each case a view and the rows to expect, or that it must be refused
(https://sql-on-fhir.org/ig/tests). The order of rows does not count; null and absent are the same, and
numbers are compared by their value.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from vesalius import fhir
from vesalius.errors import InvalidView, NotFound, UnreadableInput, VesaliusError
from vesalius.views._files import Files
from vesalius.views._view import View

Rows = list[dict[str, Any]]
Run = Callable[[View, Path, Rows], Rows]
"""Gives the rows of a view over resources, which also lie in a file."""


@dataclass(frozen=True)
class Result:
    """What became of one case.

    Attributes:
        file: the name of its file.
        title: of the case.
        problem: why it failed, or empty.
    """

    file: str
    title: str
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether the engine gave what was expected."""
        return not self.problem


def engines() -> tuple[str, ...]:
    """The engines that can run here."""
    return ("python", "duckdb", "spark") if find_spec("pyspark") else ("python", "duckdb")


def test_files(path: Path) -> list[Path]:
    """The test files of a folder, or of its folder ``tests``; or the one file that is named.

    Raises:
        NotFound: there are none.
    """
    if path.is_file():
        return [path]
    folder = path / "tests" if (path / "tests").is_dir() else path
    found = sorted(each for each in folder.glob("*.json") if b'"tests"' in each.read_bytes())
    if not found:
        raise NotFound(
            f"{path} holds no test files", hint="the folder of the official suite, with tests/*.json"
        )
    return found


def run(files: Iterable[Path], engine: str) -> Iterator[Result]:
    """Runs every case of some test files on one engine.

    Raises:
        NotFound: there is no such engine.
        UnreadableInput: a file is no test file.
    """
    with _engine(engine) as made, tempfile.TemporaryDirectory(prefix="vesalius-") as folder:
        for file in files:
            content = _read(file)
            resources: Rows = content["resources"]
            lines = Path(folder) / f"{file.stem}.ndjson"
            lines.write_bytes(b"".join(fhir.dump(each) + b"\n" for each in resources))
            for case in content["tests"]:
                yield Result(file.name, case["title"], _problem(case, made, lines, resources))


def report(results: Iterable[Result]) -> dict[str, Any]:
    """The results in the form of the official ``test_report.json``."""
    made: dict[str, Any] = {}
    for each in results:
        result = {"passed": True} if each.passed else {"passed": False, "error": each.problem}
        made.setdefault(each.file, {"tests": []})["tests"].append({"name": each.title, "result": result})
    return made


def _read(file: Path) -> dict[str, Any]:
    try:
        content = fhir.load(file.read_bytes())
        assert all(isinstance(case["title"], str) and "view" in case for case in content["tests"])
        assert all(isinstance(each, dict) for each in content["resources"])
    except (OSError, VesaliusError, KeyError, TypeError, AssertionError):
        raise UnreadableInput(
            f"{file.name} is no file of tests", hint="it needs resources and tests"
        ) from None
    return content


def _problem(case: Mapping[str, Any], made: Run, lines: Path, resources: Rows) -> str:
    """Why a case fails; empty when it passes."""
    try:
        view = View.load(case["view"])
        rows = made(view, lines, resources)
    except InvalidView as error:
        return "" if case.get("expectError") else f"refused: {error}"
    except VesaliusError as error:
        return f"{type(error).__name__}: {error}"
    if case.get("expectError"):
        return "should be refused, and is not"
    if "expectColumns" in case and list(view.columns) != case["expectColumns"]:
        return f"gives the columns {', '.join(view.columns)}"
    if "expectCount" in case:
        return "" if len(rows) == case["expectCount"] else f"gives {len(rows)} rows"
    if canonical(rows) != canonical(case["expect"]):
        return f"gives other rows: {len(rows)}, where {len(case['expect'])} are expected"
    return ""


def canonical(rows: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """Rows in one order and one form: null is absent, numbers by their value, an empty list is no value."""
    kept = [{key: _plain(value) for key, value in row.items() if value not in (None, [])} for row in rows]
    return sorted(msgspec.json.encode(row, order="sorted") for row in kept)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    numeric = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(value) if numeric else value


def _python(view: View, lines: Path, resources: Rows) -> Rows:  # noqa: ARG001
    return view.rows(resources)


def _duckdb(view: View, lines: Path, resources: Rows) -> Rows:  # noqa: ARG001
    table = view.table(Files([lines]), engine="duckdb")
    found: Rows = table.select(view.schema.names).to_pylist()
    return found


@contextmanager
def _spark() -> Iterator[Run]:
    from vesalius.views import spark

    with spark.session() as session:

        def run_there(view: View, lines: Path, resources: Rows) -> Rows:  # noqa: ARG001
            table = spark.table(view, session, Files([lines]))
            found: Rows = table.select(view.schema.names).to_pylist()
            return found

        yield run_there


@contextmanager
def _engine(name: str) -> Iterator[Run]:
    if name == "python":
        yield _python
    elif name == "duckdb":
        yield _duckdb
    elif name == "spark" and name in engines():
        with _spark() as run_there:
            yield run_there
    else:
        raise NotFound(f"there is no engine {name[:64]!r} here", hint=", ".join(engines()))
