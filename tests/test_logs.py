"""Lines on standard error."""

import json
import logging
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from vesalius import logs
from vesalius.cli import main


def record(message, *args, error=None):
    info = (type(error), error, None) if error else None
    return logging.LogRecord("vesalius.loop", logging.WARNING, "loop.py", 1, message, args, info)


def test_a_line_of_json_says_when_who_and_what():
    line = json.loads(logs.Json().format(record("use %s: %d late", "urine", 3)))
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "warning", "logger": "vesalius.loop", "message": "use urine: 3 late"}


def test_of_an_error_its_kind_alone_is_written():
    line = logs.Json().format(record("failed", error=ValueError("Peeters, born 1931")))
    assert json.loads(line)["error"] == "ValueError"
    assert "Peeters" not in line


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_whatever_is_said_stays_one_line(words):
    line = logs.Json().format(record("%s", words))
    assert not {"\r", "\n"} & set(line)
    assert json.loads(line)["message"] == words


@pytest.mark.parametrize(
    ("form", "starts"), [("text", "WARNING vesalius.refused: 403"), ("json", '{"time":"20')]
)
def test_the_command_line_chooses_the_form(form, starts):
    code = (
        f"from vesalius import logs; logs.begin({form!r}, verbose=False);"
        "logs.refused(403, 'POST', '/people', 'marchal'); logs.refused(404, 'GET', '/', '')"
    )
    written = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr
    assert written.startswith(starts)
    assert written.count("\n") == 1
    assert "403 POST /people by marchal" in written


def test_a_form_that_there_is_not_is_refused():
    answer = CliRunner().invoke(main, ["--log", "xml", "usecases"])
    assert answer.exit_code == 2
    assert "'xml' is not one of 'text', 'json'" in answer.output
