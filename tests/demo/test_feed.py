"""What the synthetic hospital sends is repeatable, valid, about nobody, and like a laboratory's year."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from vesalius import fhir
from vesalius.demo import Plan, cases, sendings
from vesalius.demo.faults import broken_resources, broken_rows
from vesalius.demo.feed import BROKEN_AT, CULTURES, RECORD, RESULTS
from vesalius.demo.population import communities
from vesalius.errors import VesaliusError
from vesalius.fhir import belgium

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
SMALL = Plan.of(7, NOW, samples=300)


@pytest.fixture(scope="module")
def small():
    return list(sendings(SMALL))


@pytest.fixture(scope="module")
def year():
    """Enough samples for shares to be near their target."""
    return [case for case in cases(Plan.of(7, NOW, samples=6000)) if case.culture and case.age >= 18]


def lines(sent, name=RECORD):
    return [line for sending in sent for line in sending.files.get(name, b"").splitlines() if line]


def resources(sent):
    for line in lines(sent):
        try:
            fhir.check(line)
        except VesaliusError:
            continue
        yield msgspec.json.decode(line)


def share(flags):
    flags = list(flags)
    return sum(flags) / len(flags)


def test_the_same_seed_makes_the_same_bytes(small):
    again = list(sendings(SMALL))
    assert [sending.files for sending in again] == [sending.files for sending in small]


def test_another_seed_makes_another_hospital(small):
    other = sendings(Plan.of(8, NOW, samples=300))
    assert next(iter(other)).files != small[0].files


def test_the_clock_ends_now_and_nothing_is_sent_before_it_was_known(small):
    assert small[-1].at == NOW
    assert [sending.at for sending in small] == sorted(sending.at for sending in small)
    for sending in small:
        for resource in resources([sending]):
            if not resource["id"].endswith("X-future"):
                assert fhir.recorded(resource) <= sending.at


def test_every_resource_is_valid_but_those_broken_on_purpose(small):
    refused = 0
    for line in lines(small):
        try:
            fhir.check(line)
        except VesaliusError:
            refused += 1
    valid_in_themselves = {"future date", "another birth date"}
    broken = len(broken_resources(next(cases(SMALL))).keys() - valid_in_themselves)
    assert refused == broken * len(BROKEN_AT)


def test_every_resource_says_that_it_is_test_data(small):
    for resource in resources(small):
        assert resource["meta"]["tag"][0]["code"] == "HTEST"


def test_no_national_number_can_belong_to_a_person_and_no_two_are_the_same(small):
    patients = {r["id"]: r for r in resources(small) if r["resourceType"] == "Patient"}
    numbers = [i["value"] for p in patients.values() for i in p["identifier"] if i["system"] == belgium.NISS]
    assert len(numbers) == len(patients) > 100
    assert all(belgium.niss_is_made_up(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_no_patient_has_a_street_a_telephone_or_a_photograph(small):
    for resource in resources(small):
        if resource["resourceType"] == "Patient":
            assert {"telecom", "photo", "contact"}.isdisjoint(resource)
            assert "line" not in resource["address"][0]


def test_the_three_communities_are_there_with_their_own_names_and_postal_codes(small):
    spoken = Counter()
    for resource in resources(small):
        if resource["resourceType"] == "Patient":
            language = resource["communication"][0]["language"]["coding"][0]["code"]
            spoken[language] += 1
            address = resource["address"][0]
            assert [address["postalCode"], address["city"]] in communities()[language]["municipalities"]
    assert set(spoken) == {"fr", "nl", "de"}


def test_what_is_known_later_than_now_is_not_sent(small):
    cultures = [line.split(b";")[0] for line in lines(small, CULTURES)]
    growing = {case.number.encode() for case in cases(SMALL) if case.culture and case.culture.issued > NOW}
    assert growing
    assert growing.isdisjoint(cultures)


def test_each_broken_row_is_sent(small):
    sent = lines(small, RESULTS)
    spoilt = [line for line in sent if b"X;D" in line]
    assert len(spoilt) == len(broken_rows(next(cases(SMALL)))) * len(BROKEN_AT)


def test_culture_is_positive_in_a_quarter_to_a_third(year):
    assert 0.27 <= share(case.culture.positive for case in year) <= 0.35


def test_nitrite_and_leucocytes_are_as_sensitive_and_specific_as_published(year):
    def nitrite(case):
        return case.strip.get("nitrite") == "positive"

    def either(case):
        return nitrite(case) or case.strip.get("leukocytes_strip") in {"small", "moderate", "large"}

    ill = [case for case in year if case.culture.positive]
    well = [case for case in year if not case.culture.positive]
    assert share(map(nitrite, ill)) == pytest.approx(0.41, abs=0.04)
    assert share(map(nitrite, well)) == pytest.approx(0.02, abs=0.01)
    assert share(map(either, ill)) == pytest.approx(0.90, abs=0.03)
    assert share(map(either, well)) == pytest.approx(0.50, abs=0.04)


def test_clinicians_prescribe_about_as_well_as_published(year):
    def treated(case):
        return any(
            order.atc.startswith("J01") and order.at < case.culture.issued for order in case.prescriptions
        )

    assert share(treated(c) for c in year if c.culture.positive) == pytest.approx(0.66, abs=0.04)
    assert share(treated(c) for c in year if not c.culture.positive) == pytest.approx(0.20, abs=0.03)


def test_escherichia_coli_grows_in_seven_of_ten_positive_cultures(year):
    names = [case.culture.organism.name for case in year if case.culture.positive]
    assert 0.69 <= share(name == "Escherichia coli" for name in names) <= 0.76


def test_cultures_take_one_to_two_and_a_half_days(year):
    for case in year:
        assert timedelta(hours=24) <= case.culture.issued - case.received <= timedelta(hours=60)
        assert case.collected <= case.received <= case.issued < case.culture.issued


def test_values_are_missing_as_in_life(year):
    assert 0.55 <= share("dysuria" in case.symptoms for case in year) <= 0.85
    assert 0.01 <= share("clarity" not in case.strip for case in year) <= 0.10
    assert 0.25 <= share(bool(case.counts) for case in year) <= 0.40
    assert 0.002 <= share(case.person.year_only for case in year) <= 0.03


def test_pregnancy_is_said_of_women_only(year):
    asked = [case for case in year if case.pregnant is not None]
    assert asked
    assert {case.person.sex for case in asked} == {"female"}
