"""The map of a CSV file: what it makes, and how it says what is wrong with it."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vesalius
from vesalius import fhir
from vesalius.errors import InvalidMap
from vesalius.ingest import Cause, CsvMap, held
from vesalius.ingest._causes import FaultError

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "engineer" / "csv-maps.md"


def made(body, cells, head="", number=1):
    text = f'{head}\n[[resource]]\n[resource.body]\nresourceType = "Observation"\nid = "a"\n{body}'
    (resource,) = CsvMap.parse(text).resources(cells, number)
    return resource


def test_the_example_of_the_page_does_what_the_page_says(send, lake):
    page = PAGE.read_text(encoding="utf-8")
    csv_map = CsvMap.parse(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])
    data = re.search(r"```csv\n(.*?)```", page, re.DOTALL)[1]
    receipt = send(data, csv_map=csv_map)
    counts = {kind: count["resources"] for kind, count in lake.count().items()}
    assert counts == {"Patient": 3, "Observation": 4}
    assert receipt.quarantined == 1
    (item,) = held(lake.engine)
    assert (item.cause, item.words) == (Cause.WRONG_UNIT, "column 'crp' is not in mg/L")
    assert b'"value":12.50' in lake.read("Observation/p1-s1-1988-5").body
    assert lake.read("Observation/p2-s2-1988-5").resource["valueQuantity"]["comparator"] == "<"


@pytest.mark.parametrize(
    "path", sorted(Path(vesalius.__file__).parent.rglob("maps/**/*.toml")), ids=lambda path: path.name
)
def test_every_map_that_we_ship_is_right(path):
    assert CsvMap.load(path).columns


@pytest.mark.parametrize(
    ("body", "cells", "element", "value"),
    [
        ('n = { column = "c", as = "integer" }', {"c": "007"}, "n", 7),
        ('n = { column = "c", as = "decimal" }', {"c": " -1.50 "}, "n", Decimal("-1.50")),
        ('n = { column = "c", as = "date" }', {"c": "2024-02-29"}, "n", "2024-02-29"),
        ('n = { column = "c", as = "date", format = "%d.%m.%y" }', {"c": "29.02.24"}, "n", "2024-02-29"),
        (
            'n = { column = "c", as = "dateTime" }',
            {"c": "2024-02-29T10:00:00+01:00"},
            "n",
            "2024-02-29T10:00:00+01:00",
        ),
        (
            'n = { column = "c", as = "dateTime", format = "%d/%m/%Y %H:%M", zone = "Europe/Brussels" }',
            {"c": "29/07/2024 10:00"},
            "n",
            "2024-07-29T10:00:00+02:00",
        ),
        (
            'n = { column = "c", as = "dateTime", format = "%Y%m%d%H%M", zone = "-03:30" }',
            {"c": "202407291000"},
            "n",
            "2024-07-29T10:00:00-03:30",
        ),
        ('n = { column = "c", as = "birth-year", at = "2020-06-01" }', {"c": "70"}, "n", "1950"),
        (
            'n = { column = "c", as = "minutes", at = "2008-01-01T00:00:00Z" }',
            {"c": "1441"},
            "n",
            "2008-01-02T00:01:00+00:00",
        ),
        ('n = "{c}-{row}"', {"c": "x"}, "n", "x-1"),
        ('n = "{{c}}"', {}, "n", "{c}"),
        ('n = [{ column = "c" }, "b"]', {"c": ""}, "n", ["b"]),
        ("n = 2024-02-29", {}, "n", "2024-02-29"),
        ("n = 1.50", {}, "n", Decimal("1.50")),
        ('n = { column = "c", values = "v" }\n[values.v]\n1 = false', {"c": "1"}, "n", False),
    ],
)
def test_a_cell_becomes_a_value(body, cells, element, value):
    assert made(body, cells)[element] == value


@pytest.mark.parametrize("body", ['n = { column = "c" }', 'n = "x{c}"', 'n.m = [{ k = { column = "c" } }]'])
def test_what_says_nothing_is_left_out(body):
    assert made(body, {"c": "n/a"}, head='missing = ["n/a"]') == {"resourceType": "Observation", "id": "a"}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("5", {"value": Decimal(5)}),
        ("5 mg/L", {"value": Decimal(5)}),
        ("< 5.0mg/l", {"comparator": "<", "value": Decimal("5.0")}),
        ("5 mg/dL", Cause.WRONG_UNIT),
        ("5 5", Cause.WRONG_UNIT),
        ("five", Cause.BAD_VALUE),
        ("1e3", Cause.WRONG_UNIT),
        ("٥", Cause.BAD_VALUE),
        ("9" * 50, Cause.BAD_VALUE),
        ("601", Cause.OUT_OF_RANGE),
    ],
)
def test_a_quantity_has_its_unit_or_is_refused(cell, expected):
    body = 'q = { column = "c", as = "quantity", unit = "mg/L", spelled = ["mg/l"], range = [0, 600] }'
    if isinstance(expected, dict):
        unit = {"unit": "mg/L", "system": "http://unitsofmeasure.org", "code": "mg/L"}
        assert made(body, {"c": cell})["q"] == expected | unit
        return
    with pytest.raises(FaultError) as caught:
        made(body, {"c": cell})
    assert caught.value.cause == expected


def test_a_unit_can_stand_in_its_own_column():
    body = 'q = { column = "c", as = "quantity", unit = "g/L", unit_column = "u" }'
    assert made(body, {"c": "5", "u": "g/L"})["q"]["value"] == 5
    for cells in ({"c": "5", "u": "mg/L"}, {"c": "5", "u": ""}, {"c": "5 g/L", "u": "g/L"}):
        with pytest.raises(FaultError) as caught:
            made(body, cells)
        assert caught.value.cause == Cause.WRONG_UNIT


def test_conditions_choose_rows():
    text = """
[[resource]]
when = [{ column = "a", in = ["1", "2"] }, { column = "b", not_in = ["x"] }, { column = "b", given = true }]
[resource.body]
resourceType = "Patient"
id = "{row}"
"""
    csv_map = CsvMap.parse(text)
    chosen = [
        (a, b) for a in ("1", "2", "3", "") for b in ("x", "y", "") if csv_map.resources({"a": a, "b": b}, 1)
    ]
    assert chosen == [("1", "y"), ("2", "y")]


BODY = '[[resource]]\n[resource.body]\nresourceType = "Patient"\nid = "{row}"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("delimiter = ", "not TOML"),
        ("", "resource"),
        (BODY + "\n[other]\n", "unknown field `other`"),
        ('delimiter = ";;"\n' + BODY, "one character"),
        ('encoding = "utf-16"\n' + BODY, "encoding"),
        ('encoding = "klingon"\n' + BODY, "no encoding 'klingon'"),
        ('[[resource]]\n[resource.body]\nid = "a"\n', "body.resourceType"),
        ('[[resource]]\n[resource.body]\nresourceType = "Patient"\n', "body.id"),
        ('[[resource]]\nlike = "base"\n', "template.base"),
        (BODY + 'gender = { column = "sex", values = "sex" }', "values.sex"),
        (
            BODY + 'gender = { column = "sex", value = "sex" }',
            "body.gender: Object contains unknown field `value`",
        ),
        (BODY + 'x = [{ column = "c", as = "number" }]', r"body.x\[0\]"),
        (BODY + 'x = { column = "c", as = "quantity" }', "needs its 'unit'"),
        (BODY + 'x = { column = "c", as = "birth-year" }', "'at'"),
        (BODY + 'x = { column = "c", as = "minutes" }', "'at'"),
        (BODY + 'x = { column = "c", as = "minutes", at = "2008-01-01T00:00:00" }', "'at'"),
        (BODY + "x = [{ each = [], bodies = 1 }]", "x"),
        (BODY + 'x = { column = "c", as = "dateTime", format = "%d/%m/%Y" }', "'zone'"),
        (BODY + 'x = { column = "c", as = "dateTime", zone = "Europe/Bouge" }', "no time zone"),
        (BODY + 'x = "{open"', "body.x: a brace is not closed"),
        (BODY + 'x = { column = "{c}" }', "neither in 'each' nor a constant"),
    ],
)
def test_a_mistake_in_a_map_names_the_key(text, words):
    with pytest.raises(InvalidMap, match=words):
        CsvMap.parse(text, "mine.toml")


def test_a_map_that_is_not_there_says_so(tmp_path):
    with pytest.raises(InvalidMap, match="cannot be read"):
        CsvMap.load(tmp_path / "none.toml")


def test_a_file_without_header_takes_its_columns_from_the_map(send):
    csv_map = CsvMap.parse('columns = ["a", "b"]\n' + BODY + 'gender = { column = "b" }')
    assert send("1,male\n2,female\n", csv_map=csv_map).written == 2


def test_a_map_that_nests_without_end_is_refused_in_words():
    with pytest.raises(InvalidMap, match="too deep"):
        CsvMap.parse("constants = " + "{a=" * 5000 + "1" + "}" * 5000)


CHART = """
[[resource]]
needs = ["component"]
[resource.body]
resourceType = "Observation"
id = "a"

[[resource.body.component]]
each = [{ column = "HR", code = "8867-4" }, { column = "Temp", code = "8310-5" }]
when = [{ column = "{column}", given = true }]
body.code.coding = [{ code = "{code}" }]
body.valueInteger = { column = "{column}", as = "integer" }
"""


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        ({"HR": "80", "Temp": "37"}, ["8867-4", "8310-5"]),
        ({"HR": "", "Temp": "37"}, ["8310-5"]),
    ],
)
def test_a_list_has_an_entry_for_each_column_that_says_something(cells, codes):
    (resource,) = CsvMap.parse(CHART).resources(cells, 1)
    assert [each["code"]["coding"][0]["code"] for each in resource["component"]] == codes


def test_a_resource_without_what_it_needs_is_not_made():
    csv_map = CsvMap.parse(CHART)
    assert csv_map.columns == {"HR", "Temp"}
    assert csv_map.resources({"HR": "", "Temp": " "}, 1) == []


@pytest.mark.parametrize(("cell", "cause"), [("soon", Cause.BAD_VALUE), ("9" * 30, Cause.OUT_OF_RANGE)])
def test_minutes_that_come_to_no_moment_are_refused(cell, cause):
    with pytest.raises(FaultError) as caught:
        made('n = { column = "c", as = "minutes", at = "2008-01-01T00:00:00Z" }', {"c": cell})
    assert caught.value.cause == cause


WRITTEN = """
missing = ["?"]

[[resource]]
needs = ["note"]
when = [{ column = "a", not_in = ["No"] }]
[resource.body]
resourceType = "Observation"
id = "o-{a:id}-{row}"
status = "final"
code = { coding = [{ system = "http://loinc.org", code = "{b}", display = "100 % %b {{x}}" }], text = "é" }
valueQuantity = { column = "c", as = "quantity", unit = "mg/L", unit_column = "b" }
note = [{ text = "{a} and {b}" }, { text = { column = "c" } }]

[[resource.body.component]]
each = [{ column = "a" }, { column = "b" }]
when = [{ column = "{column}", given = true }]
body.valueString = { column = "{column}" }

[[resource]]
[resource.body]
resourceType = "Patient"
id = "p-{a:id}"
active = { column = "b", values = "b" }
multipleBirthInteger = { column = "c", as = "integer", range = [0, 9] }

[values.b]
"mg/L" = true
"no" = false
"""


def outcome(work):
    """What comes out, and the cause and the words of what is wrong."""
    try:
        return work(), ()
    except FaultError as fault:
        return [], (fault.cause, fault.words)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["No", "?", "x", "Ré sumé"]) | st.text(max_size=4),
            st.sampled_from(["mg/L", "no", "", '"', "%b"]),
            st.sampled_from(["5", "1.50", "<3", "12", ""]) | st.text(max_size=3),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_straight_from_a_row_is_what_would_be_made_of_it(table):
    csv_map = CsvMap.parse(WRITTEN)
    for number, cells in enumerate(table, 1):
        row = dict(zip("abc", cells, strict=True))
        made, fault = outcome(lambda row=row, number=number: csv_map.resources(row, number))
        found, same = outcome(lambda row=row, number=number: csv_map.found(row, number))
        assert same == fault
        assert [one.body for one in found] == [fhir.dump(resource) for resource in made]
        assert [one.resource for one in found] == made
