"""The page on features says what the code does."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from vesalius.errors import Leak
from vesalius.views import View
from vesalius.views.features import STEADY, WITHDRAWN, Feature, Features, Take

ENGINEER = Path(__file__).parents[3] / "docs" / "engineer"
PAGE = (ENGINEER / "features.md").read_text(encoding="utf-8")
(DECLARED,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
(LABORATORY,) = re.findall(
    r"```json\n(.*?)```", (ENGINEER / "views.md").read_text(encoding="utf-8"), re.DOTALL
)


@pytest.fixture
def beside(tmp_path, monkeypatch):
    (tmp_path / "renal.json").write_text(DECLARED)
    (tmp_path / "laboratory.json").write_text(LABORATORY)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("beside")
def test_the_example_and_its_python_compile():
    renal = Features.load("renal.json")
    assert {"creatinine", "potassium_measured"} <= {feature.name for feature in renal.features}
    assert Feature("creatinine", ("http://loinc.org|2160-0",), within=timedelta(days=30)) in renal.features
    (python,) = (code for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "CREATININE" in code)
    said = {}
    exec(python, said)
    assert set(said["renal"].features) <= set(renal.features)


def test_every_way_to_take_every_field_and_every_steady_element_is_on_the_page():
    named = set(re.findall(r"`([A-Za-z_-]+)`", PAGE))
    assert set(get_args(Take)) <= named
    assert {field.name for field in msgspec.structs.fields(Feature)} <= named
    assert named >= STEADY | WITHDRAWN


@pytest.mark.usefixtures("beside")
def test_the_errors_of_the_guard_are_those_on_the_page():
    declared = re.findall(
        r"^\| `\"(ending|within|time|column)\": \"([^\"]+)\"`[^|]*\| `([^`]+)` \|", PAGE, re.MULTILINE
    )
    assert {field for field, _, _ in declared} == {"ending", "within", "time", "column"}
    view = json.loads(LABORATORY)
    for field, value, message in declared:
        with pytest.raises(Leak) as caught:
            Features.load({"view": view, "outcome": ["specimen"], "features": [{"name": "f", field: value}]})
        assert caught.value.message == message
    (message,) = re.findall(r"`(view\.where\[0\]: [^`]+)`", PAGE)
    with pytest.raises(Leak) as caught:
        Features(View.load({**view, "where": [{"path": "status = 'final'"}]}), [Feature("f")])
    assert caught.value.message == message
