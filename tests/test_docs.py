"""The documentation and the code name the same things, both ways."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from vesalius.cli import main as commands
from vesalius.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])


def every_page() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in PAGES)


def test_the_generated_pages_say_what_the_code_does():
    result = subprocess.run(
        [sys.executable, "tools/generate_docs.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr + "run: make docs"


def test_every_command_in_the_docs_exists():
    named = set(re.findall(r"(?:^|`|\s\$ |bin/)vesalius ([a-z][a-z-]+)", every_page(), flags=re.MULTILINE))
    assert named <= set(commands.commands), (
        f"docs name commands that do not exist: {named - set(commands.commands)}"
    )


def test_every_make_target_in_the_docs_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`", every_page()))
    assert named <= targets


def test_every_setting_in_the_docs_exists():
    known = {PREFIX + field.name.upper() for field in msgspec.structs.fields(Settings)} | {
        "VESALIUS_HOME",
        "VESALIUS_DATA",
        "VESALIUS_FULL",
        "VESALIUS_PEERS",
        *(
            f"VESALIUS_PEERS_{peer}" for peer in ("CYCLOPS", "EVIDENTLY", "NANNYML")
        ),  # each in an environment of its own
    }
    assert set(re.findall(r"VESALIUS_[A-Z_]+[A-Z]", every_page())) <= known


def test_every_route_of_the_console_is_documented_and_every_documented_route_exists():
    from vesalius.console import SCREENS
    from vesalius.governance.provider import LOGOUT

    paths = {re.sub(r":\w+\}", "}", screen.path) for screen in SCREENS} | {"/health", LOGOUT}
    page = (DOCS / "engineer" / "console.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(/[^`]*)`", page, flags=re.MULTILINE))
    assert documented == paths


def test_every_audit_event_is_documented_and_every_documented_one_exists():
    from vesalius.governance.audit import Action

    page = (DOCS / "governance" / "audit.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([^`]+)`", page, flags=re.MULTILINE))
    assert documented == {action.value for action in Action}


def test_every_cause_of_quarantine_is_documented_and_every_documented_one_exists():
    from vesalius.ingest import Cause

    page = (DOCS / "engineer" / "ingest.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([^`]+)`", page, flags=re.MULTILINE))
    assert documented == {cause.value for cause in Cause}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    assert not [each for each in targets if "://" not in each and not (path.parent / each).exists()]


def test_every_page_but_the_decisions_is_on_the_first_page_of_the_documentation():
    """The decisions have a list of their own; those on specifications have none."""
    home, decisions = DOCS / "README.md", DOCS / "decisions"
    listed = set(re.findall(r"\]\(([^)#]+)", home.read_text(encoding="utf-8")))
    listed |= {
        f"decisions/{each}" for each in re.findall(r"\]\(([^)#]+)", (decisions / "README.md").read_text())
    }
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"README.md"}
    assert pages <= listed


def first_cells(page: str, section: str = "") -> set[str]:
    """Every name in backticks in the first column of the tables of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    text = text.split(f"## {section}")[1].split("\n## ")[0] if section else text
    cells = re.findall(r"^\| ([^|]*`[^|]*)\|", text, flags=re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_metric_is_documented_and_every_documented_one_exists():
    from vesalius.evaluation import metrics

    functions = {
        name
        for name, value in vars(metrics).items()
        if inspect.isfunction(value) and value.__module__ == metrics.__name__ and not name.startswith("_")
    }
    assert functions == first_cells("engineer/validation.md", "The figures")


def test_every_member_of_a_use_case_is_explained():
    from vesalius.usecase import UseCase

    page = (DOCS / "engineer" / "write-a-use-case.md").read_text(encoding="utf-8")
    members = {name for name in vars(UseCase) if not name.startswith("_")}
    assert not {name for name in members if not re.search(rf"`(self\.)?{name}\b", page)}


def test_every_state_of_a_use_is_explained():
    from vesalius.governance.lifecycle import State

    page = (DOCS / "governance" / "life-cycle.md").read_text(encoding="utf-8")
    assert not {state.value for state in State if state.value.replace("_", " ") not in page}
