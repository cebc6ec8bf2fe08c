"""What synthetic patients refuse: repeatable, each by themselves, valid FHIR, and read as it is meant."""

from datetime import UTC, datetime

import msgspec
import pytest

from vesalius import fhir
from vesalius.demo import refusals as demo
from vesalius.governance._provisions import Reason, refusals

AT = datetime(2026, 1, 12, 10, 30, tzinfo=UTC)
PATIENTS = [f"{number:07d}" for number in range(12_000)]


@pytest.fixture(scope="module")
def told():
    return list(demo.refusals(PATIENTS, 1514, AT))


def test_the_same_seed_makes_the_same_and_another_seed_others(told):
    assert list(demo.refusals(PATIENTS, 1514, AT)) == told
    assert list(demo.refusals(PATIENTS, 7, AT)) != told


def test_a_patient_refuses_the_same_whoever_else_is_there(told):
    some = PATIENTS[100:300]
    alone = list(demo.refusals(reversed(some), 1514, AT))
    assert sorted(alone, key=lambda each: each[0]) == [each for each in told if each[0] in set(some)]


def test_three_in_a_hundred_refuse_secondary_use_and_one_suggestions_some_hard_to_read(told):
    read = [found for _, resource in told for found in refusals(msgspec.json.encode(resource))]
    share = {
        kind: sum(each.kind == kind for each in read) / len(PATIENTS)
        for kind in ("secondary", "suggestions", "care")
    }
    assert share["secondary"] == pytest.approx(0.03, abs=0.005)
    assert share["suggestions"] == pytest.approx(0.01, abs=0.003)
    assert share["care"] == 0
    odd = [each for each in read if each.reason != Reason.REFUSED]
    assert {each.reason for each in odd} == set(Reason) - {Reason.REFUSED}
    assert len(odd) / len(read) == pytest.approx(0.15 * 0.75, abs=0.04)
    assert {each.kind for each in odd} == {"secondary"}


def test_every_consent_is_valid_labelled_and_said_before_it_is_sent(told):
    for patient, resource in told:
        fhir.check(msgspec.json.encode(resource))
        assert resource["meta"]["tag"][0]["code"] == "HTEST"
        assert resource["patient"]["reference"] == f"Patient/{patient}"
        assert fhir.recorded(resource) <= AT


def test_the_last_line_of_the_file_is_cut_off_and_an_empty_register_sends_no_file(told):
    *whole, cut = demo.lines(told).splitlines()
    assert len(whole) == len(told)
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(cut)
    assert demo.lines([]) == b""


def test_some_take_their_refusal_back_in_a_later_version(told):
    back = demo.taken_back(told, 1514, AT.replace(day=15))
    assert len(back) / len(told) == pytest.approx(0.1, abs=0.04)
    for _, resource in back:
        assert resource["id"] in {each["id"] for _, each in told}
        assert refusals(msgspec.json.encode(resource)) == []
        assert fhir.recorded(resource) > AT
