"""The house stays as it was drawn: packages depend downwards, heavy libraries stay in their rooms."""

import ast
import functools
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "vesalius"

# From the lowest to the highest; a module imports its own room and those before it. Rooms on one line do not
# know each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "logs", "machine"),
    ("settings", "store", "card"),
    ("fhir",),
    ("lake",),
    ("identity", "terminology"),
    ("ingest", "views", "modelling", "privacy"),
    ("usecase",),
    ("review",),
    ("evaluation",),
    ("governance",),
    ("bought",),
    ("hospital",),
    ("erasure", "monitoring", "trial", "explanation", "academy"),
    ("dossier", "loop"),
    ("usecases", "simulation"),
    ("api",),
    ("console",),
    ("demo",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

# Which rooms may import a library. What is not listed is free.
LIBRARIES = {
    "duckdb": {"views", "lake"},
    "deltalake": {"lake"},
    "pyspark": {"views"},
    "py4j": {"views"},
    "sqlalchemy": {
        "api",
        "store",
        "lake",
        "identity",
        "terminology",
        "ingest",
        "review",
        "governance",
        "bought",
        "hospital",
        "erasure",
        "monitoring",
        "trial",
        "loop",
        "dossier",
        "demo",
    },
    "alembic": {"store"},
    "python_calamine": {"ingest"},
    "lxml": {"ingest"},
    "sklearn": {"modelling", "evaluation"},
    "interpret": {"modelling"},
    "lightgbm": {"modelling"},
    "joserfc": {"modelling", "governance"},
    "typst": {"evaluation", "explanation"},
    "scipy": {"modelling", "evaluation", "privacy", "simulation"},
    "starlette": {"api", "console"},
    "jinja2": {"console", "evaluation"},
    "babel": {"console", "dossier", "evaluation", "explanation"},
    "httpx": {"governance"},
    "pyotp": {"governance"},
    "segno": {"governance"},
    "pydicom": {"privacy"},
    "argon2": {"governance"},
    "click": {"cli"},
    "rich": {"cli"},
}


def modules() -> list[Path]:
    inside = (path for path in SRC.rglob("*.py") if path.parent != SRC or path.name != "__init__.py")
    return sorted(path for path in inside if "migrations" not in path.parts)


def room(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a module; each test looks at all of them."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_packages_import_downwards_only():
    wrong = []
    for path in modules():
        for name in imports(path):
            parts = name.split(".")
            if parts[0] != "vesalius" or len(parts) < 2 or parts[1] not in LEVEL:
                continue
            here, there = room(path), parts[1]
            if here != there and LEVEL[there] >= LEVEL[here]:
                wrong.append(f"{path.relative_to(SRC)} imports {name}")
    assert not wrong


def test_every_room_has_its_level():
    rooms = {room(path) for path in modules()}
    assert rooms <= set(LEVEL), f"place {rooms - set(LEVEL)} in LAYERS"
    assert set(LEVEL) <= rooms, f"{set(LEVEL) - rooms} no longer exist"


def test_libraries_stay_in_their_rooms():
    wrong = []
    for path in modules():
        for name in imports(path):
            library = name.split(".")[0]
            if library in LIBRARIES and room(path) not in LIBRARIES[library]:
                wrong.append(f"{path.relative_to(SRC)} imports {name}")
    assert not wrong


def test_nothing_loads_pickles_or_evaluates_text():
    calls, libraries = (
        {"eval", "exec", "compile", "__import__"},
        {"pickle", "joblib", "dill", "marshal", "shelve"},
    )
    wrong = []
    for path in modules():
        named = {
            node.func.id
            for node in nodes(path)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        imported = {name.split(".")[0] for name in imports(path)}
        wrong += [f"{path.relative_to(SRC)}: {name}" for name in (named & calls) | (imported & libraries)]
    assert not wrong


@pytest.mark.parametrize("package", sorted(path.parent.name for path in SRC.glob("*/__init__.py")))
def test_a_package_exports_what_it_says(package):
    module = __import__(f"vesalius.{package}", fromlist=["*"])
    assert module.__doc__, "say what the package answers"
    exported = getattr(module, "__all__", [])
    assert len(exported) == len(set(exported)), "a name is exported twice"
    missing = [name for name in exported if not hasattr(module, name)]
    assert not missing


def test_asking_for_help_loads_nothing_heavy():
    heavy = sorted(LIBRARIES.keys() - {"click"})
    code = f"import sys, vesalius.cli; print([each for each in {heavy} if each in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def functions() -> list[tuple[str, int, int]]:
    """Every function: its place, its lines without the docstring, its branches plus one."""
    branching = (
        ast.If,
        ast.For,
        ast.While,
        ast.ExceptHandler,
        ast.IfExp,
        ast.BoolOp,
        ast.comprehension,
        ast.Assert,
        ast.match_case,
    )
    found = []
    for path in modules():
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                branches = 1 + sum(isinstance(inner, branching) for inner in ast.walk(node))
                found.append((f"{path.relative_to(SRC)}:{node.lineno} {node.name}", lines, branches))
    return found


def test_functions_stay_short_and_files_small():
    measured = functions()
    lines = sorted(length for _, length, _ in measured)
    long = [place for place, length, _ in measured if length > 60]
    sizes = {path.relative_to(SRC): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert not long
    assert statistics.median(lines) <= 7
    assert lines[int(len(lines) * 0.95)] <= 40
    assert not [f"{path}: {size} lines" for path, size in sizes.items() if size > 600]


def test_no_address_of_a_machine_or_registry_is_written_down():
    root = SRC.parents[1]
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    words = ("/" + "work/", "/" + "root/", "pypi." + "org", "registry." + "npmjs", "files.python" + "hosted")
    wrong = []
    for name in filter(None, tracked.stdout.split("\0")):
        path = root / name
        if path.suffix in {".gz", ".png", ".parquet", ".ico"} or not path.exists():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        wrong += [f"{name}: {word}" for word in words if word in text]
    assert not wrong
