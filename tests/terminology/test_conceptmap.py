"""Sharing decisions between hospitals: ConceptMap out and in, CSV in, nothing overruled, all or nothing."""

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab import LAB, LOINC, POTASSIUM

from vesalius import fhir
from vesalius.errors import VesaliusError
from vesalius.store import open_store
from vesalius.terminology import TEXT, Decision, decide, decisions, in_force
from vesalius.terminology.conceptmap import Imported, export, load

WHO = {"by": "vermeulen", "reason": "the laboratory's own list"}


@pytest.fixture
def other(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'other.sqlite'}")
    yield opened
    opened.dispose()


def content(engine):
    return {
        (
            each.kind,
            each.system,
            each.code,
            each.unit,
            each.target_code,
            each.equivalence,
            each.target_display,
        )
        for each in in_force(decisions(engine))
    }


def test_what_one_hospital_exports_another_imports_and_the_third_time_nothing_changes(engine, other):
    decide(engine, POTASSIUM, **WHO)
    decide(
        engine,
        Decision(system=LAB, code="GLU", unit="mg/dL", target_system=LOINC, target_code="2345-7"),
        **WHO,
    )
    decide(
        engine,
        Decision(
            system=LAB, code="GLU", unit="", target_system=LOINC, target_code="2339-0", equivalence="wider"
        ),
        **WHO,
    )
    decide(
        engine, Decision(system=TEXT, code="Ionen", kind="Observation.code", equivalence="unmatched"), **WHO
    )
    made = fhir.dump(export(engine, title="Sint-Jan"))
    fhir.check(made)
    assert b"vermeulen" not in made
    assert load(other, made, by="segers", reason="from Sint-Jan") == Imported(added=4)
    assert content(other) == content(engine)
    assert {each.by for each in decisions(other)} == {"segers"}
    assert decisions(other)[0].reason == "from Sint-Jan: the laboratory's own list"
    assert load(other, made, by="segers", reason="again") == Imported(unchanged=4)


def test_an_empty_map_is_valid_too(engine):
    fhir.check(fhir.dump(export(engine)))


def test_the_hospitals_own_decision_stands(engine, other):
    decide(engine, POTASSIUM, **WHO)
    decide(other, Decision(system=LAB, code="K", target_system=LOINC, target_code="6298-4"), **WHO)
    assert load(other, fhir.dump(export(engine)), by="segers", reason="x") == Imported(kept=1)
    assert [each.target_code for each in in_force(decisions(other))] == ["6298-4"]


def test_a_table_is_read_whatever_its_separator(engine):
    rows = (
        f"system;code;target_system;target_code;reason\n{LAB};K;LOINC;2823-3;same\n\n{LAB};INFO;;;a remark\n"
    )
    assert load(engine, b"\xef\xbb\xbf" + rows.encode(), by="segers", reason="list") == Imported(added=2)
    assert [(each.code, each.equivalence) for each in decisions(engine)] == [
        ("K", "equivalent"),
        ("INFO", "unmatched"),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\xff\xfe", b"code,target\n", b"system,code,code\n", b"system,code\na,b,c\n", b'system,code\n"a\n',
        f"system,code,target_system,target_code\n{LAB},K,LOINC,2823-3\n{LAB},NA,LOINC,2951-3\n".encode(),
        f"system,code,target_system,target_code\n{LAB},K,LOINK,2823-3\n".encode(),
        b"{", b"{}", b'{"resourceType": "Patient"}', b'{"resourceType": "ConceptMap", "status": "odd"}',
        json.dumps({
            "resourceType": "ConceptMap", "status": "active", "group": [{"source": LAB, "target": LOINC, "element": [
                {"code": "K", "target": [{"code": "2823-3", "equivalence": "equal", "dependsOn": [{"property": "urn:x", "value": "y"}]}]}
            ]}],
        }).encode(),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_anywhere_changes_nothing(engine, raw):
    with pytest.raises(VesaliusError):
        load(engine, raw, by="segers", reason="x")
    assert not decisions(engine)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: ("system,code\n" + text).encode())
)
def test_no_bytes_are_met_with_another_error(other, raw):
    with contextlib.suppress(VesaliusError):
        load(other, raw, by="segers", reason="x")
