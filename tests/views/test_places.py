"""The line of a place in the text of a view."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.views.places import line_of

TEXT = """{
  "resource": "Patient",
  "constant": [{"name": "a:b,[c]{", "valueString": "\\"x\\n"}],
  "select": [
    {"column": [{"name": "id", "path": "id"},
                {"name": "sex", "path": "gender"}]},
    {
      "forEach": "name",
      "column": [
        {
          "name": "family",
          "path": "family"
        }
      ]
    }
  ]
}"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("", 1),
        ("resource", 2),
        ("constant[0]", 3),
        ("constant[0].valueString", 3),
        ("select", 4),
        ("select[0].column[0]", 5),
        ("select[0].column[1]", 6),
        ("select[1]", 7),
        ("select[1].forEach", 8),
        ("select[1].column[0]", 12),
        ("select[1].column[0].path", 12),
        ("select[1].column[0].name", 11),
        ("select[1].column[0].type", 10),
        ("select[1].column[7]", 9),
        ("nothing.like[3].it", 1),
        ("line 9", 9),
    ],
)
def test_each_place_has_its_line(place, line):
    assert line_of(TEXT, place) == line


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet='{}[]",:\n ab\\', max_size=60), st.sampled_from(["a", "a[0].b", "[0]", "a.b[1]"]))
def test_damaged_text_still_has_a_line(text, place):
    assert 1 <= line_of(text, place) <= text.count("\n") + 1


JSON = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value, place=""):
    yield place
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, f"{place}[{at}]")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(alphabet="abc", min_size=1, max_size=3), JSON, max_size=3))
def test_with_every_value_on_a_line_of_its_own_the_lines_count_up(value):
    """In indented JSON, values begin in the order of the places, and no two on one line."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    lines = [line_of(text, place) for place in places(value)]
    assert lines == sorted(set(lines))
