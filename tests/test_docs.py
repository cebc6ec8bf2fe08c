"""The documentation and the code name the same things, both ways."""

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
    }
    assert set(re.findall(r"VESALIUS_[A-Z_]+[A-Z]", every_page())) <= known


def test_every_route_of_the_console_is_documented_and_every_documented_route_exists():
    from vesalius.console import SCREENS

    paths = {re.sub(r":\w+\}", "}", screen.path) for screen in SCREENS} | {"/health"}
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
