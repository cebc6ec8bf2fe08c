"""Follows docs/engineer/write-a-use-case.md word for word, from an empty folder."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "engineer" / "write-a-use-case.md"
STEP = re.compile(
    r"(?:^File `(?P<file>[^`]+)`:\n\n)?"
    r"^```(?P<kind>\w+)\n(?P<body>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


@pytest.fixture
def environment(tmp_path):
    """An environment of its own that sees the project's packages; the project's own stays as it is."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        pytest.skip("no uv: run make setup")
    home = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    packages = subprocess.run(
        [home / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    seen = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (Path(packages) / "project.pth").write_text(seen)
    script = home / "bin" / "vesalius"
    script.write_text(f"#!{home}/bin/python\nfrom vesalius.cli import main\nmain()\n")
    script.chmod(0o755)
    (home / "bin" / "uv").symlink_to(uv)
    return {
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "VIRTUAL_ENV": str(home),
        "UV_OFFLINE": "1",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "LANG": "C.UTF-8",
    }


def run(command, folder, environment):
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_leads_from_an_empty_folder_to_a_use_case_that_passes_every_check(tmp_path, environment):
    folder = tmp_path / "work"
    folder.mkdir()
    said = []
    for step in STEP.finditer(PAGE.read_text(encoding="utf-8")):
        if step["file"]:
            (folder / step["file"]).write_text(step["body"], encoding="utf-8")
        else:
            assert step["kind"] == "sh", f"a block that is neither a file nor a command: {step['body'][:60]}"
            said.append(run(step["body"], folder, environment))
    assert len(said) == 4
    assert "sodium" in said[1]
    assert "FAIL" not in said[3]
    assert said[3].count("ok  ") == 15
    assert "Sodium" in (folder / "sodium" / "src" / "sodium" / "__init__.py").read_text()


def test_the_page_names_every_check_and_no_other():
    from vesalius.usecases.checks import CHECKS

    named = re.findall(
        r"^\| ([a-z][^|`]+) \|", PAGE.read_text(encoding="utf-8").split("## 4.")[1], re.MULTILINE
    )
    assert [name for name in named if name != "check"] == list(CHECKS)
