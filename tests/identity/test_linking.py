"""Which patients are proposed as one person, which never, and what is remembered."""

import re
from datetime import date
from pathlib import Path

import pytest
from people import at, full, patient, replaced, result, send, subject

from vesalius import identity
from vesalius.errors import Conflict, InvalidDecision, InvalidSetting, NotFound
from vesalius.fhir import belgium


def niss(birth="2089-03-02", counter=124, bis=0):
    """A valid number that nobody has: of a day that is still to come."""
    born = date.fromisoformat(birth)
    body = f"{born:%y}{born.month + bis:02}{born:%d}{counter:03}"
    return body + f"{97 - int(('2' if born.year >= 2000 else '') + body) % 97:02}"


def numbered(value, system=belgium.NISS, **more):
    return {"identifier": [{"system": system, "value": value, **more}]}


def home(postcode="5000", street="Rue de Fer 1"):
    return {"address": [{"line": [street], "postalCode": postcode, "city": "Namur"}]}


def rules(lake, *patients):
    """The rules of the pairs that a refresh finds among some patients."""
    send(lake, *patients, when=1)
    identity.refresh(lake, now=at(2))
    return [each.rule for each in identity.pairs(lake.engine)]


A = full("a", **numbered(niss()))

CASES = {
    "R1": (A, full("b", **numbered(niss()))),
    "R1 married": (A, full("b", family="Lambert", **numbered(niss()))),
    "R1 written with points and an old system": (
        A,
        full("b", **numbered(belgium.niss_formatted(niss()), "urn:oid:2.16.840.1.113883.3.6777.5.1")),
    ),
    "R2 another birth date": (A, full("b", birthDate="1961-07-09", **numbered(niss()))),
    "R2 twins with one number": (A, full("b", given="Louise", **numbered(niss()))),
    "R2 another sex": (A, full("b", gender="male", **numbered(niss()))),
    "R3": (A, full("b")),
    "R3 accents and particles": (
        full("a", family="Van den Bröeck", given="Hélène"),
        full("b", family="VANDENBROECK", given="Helene"),
    ),
    "R4 bis number": (full("a", **numbered(niss(bis=40, counter=210))), full("b", **numbered(niss()))),
    "R5 two digits swapped": (A, full("b", **numbered(niss()[:7] + niss()[8] + niss()[7] + niss()[9:]))),
    "R6 spelled otherwise": (A, full("b", family="Pieters")),
    "R6 the other language": (full("a", given="Pierre"), full("b", given="Pieter")),
    "R6 half of a double name": (full("a", family="Dupont-Lambert"), full("b", family="Lambert")),
    "R6 names crossed": (full("a", "Martin", "Thomas"), full("b", "Thomas", "Martin")),
    "R7 day and month swapped": (full("a", **home()), full("b", birthDate="2089-02-03", **home())),
    "R7 birth day not known": (full("a", **home()), full("b", birthDate="2089", **home())),
    "R8 married": (full("a", **home()), full("b", family="Lambert", **home("5000", "Rue Haute 2"))),
    "R9 two numbers at one address": (
        full("a", **numbered(niss()), **home()),
        full("b", **numbered(niss(counter=372)), **home()),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_rule_finds_what_it_is_for(lake, name):
    assert rules(lake, *CASES[name]) == [name[:2]]


NEVER = {
    "twins": (full("a", given="Emma", **home()), full("b", given="Louise", **home())),
    "twins with their numbers": (
        full("a", given="Emma", **numbered(niss(counter=124)), **home()),
        full("b", given="Louise", **numbered(niss(counter=126)), **home()),
    ),
    "brother and sister of one birth": (
        full("a", given="Jan", gender="male", **home()),
        full("b", given="Janne", gender="female", **home()),
    ),
    "two people of one name and birth date, with two numbers": (
        full("a", **numbered(niss()), **home()),
        full("b", **numbered(niss(counter=372)), **home("9000", "Veldstraat 3")),
    ),
    "one name, other birth date": (full("a", **home()), full("b", birthDate="1971-11-20", **home())),
    "mother and daughter": (full("a", **home()), full("b", birthDate="1980-03-12", **home())),
    "numbers that anybody may have": (
        full("a", **numbered(belgium.made_up_niss(date(1950, 3, 2), "female"))),
        full("b", "Dubois", "Marie", **numbered(belgium.made_up_niss(date(1950, 3, 2), "female"))),
    ),
    "nothing known": (patient("a"), patient("b")),
    "no names": (patient("a", birthDate="2089-03-02"), patient("b", birthDate="2089-03-02")),
}


@pytest.mark.parametrize("name", NEVER)
def test_what_must_not_be_linked_is_not(lake, name):
    assert rules(lake, *NEVER[name]) == []


def test_a_certain_pair_is_proposed_and_nothing_is_merged(lake):
    assert rules(lake, A, full("b", **numbered(niss()))) == ["R1"]
    assert identity.merges(lake.engine) == []


def test_a_rule_that_the_hospital_made_automatic_merges_into_the_one_known_longer(lake):
    send(lake, full("z", **numbered(niss())), result("rz", "z"), when=1)
    send(lake, A, result("ra", "a"), when=2)
    noted = []
    done = identity.refresh(
        lake, automatic=["R1"], now=at(3), witness=lambda _, made: noted.append(made.source)
    )
    assert done.merged == 1
    [made] = identity.merges(lake.engine)
    assert (made.source, made.target, made.origin, made.by) == ("a", "z", "rule", "R1")
    assert subject(lake, "Observation/ra") == "Patient/z"
    assert noted == ["a"]
    assert identity.refresh(lake, automatic=["R1"]).merged == 0
    identity.unmerge(lake, made.id, by="rita", reason="two", at=at(4))
    assert identity.refresh(lake, automatic=["R1"]).merged == 0, "a person said that they are two"


@pytest.mark.parametrize("rule", ["R2", "R99", ""])
def test_a_doubtful_rule_cannot_be_automatic(lake, rule):
    with pytest.raises(InvalidSetting):
        identity.refresh(lake, automatic=[rule])


def test_the_index_follows_the_log_and_can_be_made_again(lake):
    send(lake, A, full("b", family="Pieters"), when=1)
    assert identity.behind(lake) == 2
    assert identity.refresh(lake, now=at(2)).pairs == 1
    assert identity.behind(lake) == 0
    assert identity.refresh(lake) == identity.Refreshed(0, 0, 0)
    send(lake, full("b", family="Dubois", given="Marie"), when=3)
    identity.refresh(lake)
    assert identity.pairs(lake.engine) == [], "the correction speaks against it"
    send(lake, full("b", family="Pieters"), when=4)
    identity.refresh(lake)
    assert [each.rule for each in identity.pairs(lake.engine)] == ["R6"]
    assert identity.refresh(lake, rebuild=True).patients == 4
    assert [each.rule for each in identity.pairs(lake.engine)] == ["R6"]


def test_patients_who_come_in_different_batches_find_each_other(lake, monkeypatch):
    monkeypatch.setattr("vesalius.identity.linking.BATCH", 1)
    assert rules(lake, A, full("x", "Dubois", "Marie"), full("b")) == ["R3"]


def test_what_is_called_two_persons_is_never_proposed_again(lake):
    rules(lake, A, full("b"))
    [found] = identity.pairs(lake.engine)
    with pytest.raises(InvalidDecision):
        identity.set_apart(lake.engine, found.id, by="rita", reason=" ", at=at(3))
    identity.set_apart(lake.engine, found.id, by="rita", reason="cousins", at=at(3))
    with pytest.raises(Conflict):
        identity.put_off(lake.engine, found.id, by="rita", at=at(3))
    send(lake, full("b", **home()), when=4)
    identity.refresh(lake)
    identity.refresh(lake, rebuild=True)
    assert identity.pairs(lake.engine) == []
    assert identity.pair(lake.engine, found.id).reason == "cousins"


def test_a_pair_that_is_put_off_waits_apart(lake):
    rules(lake, A, full("b"))
    [found] = identity.pairs(lake.engine)
    identity.put_off(lake.engine, found.id, by="rita", at=at(3))
    assert identity.pairs(lake.engine) == []
    assert [each.id for each in identity.pairs(lake.engine, "later")] == [found.id]
    assert identity.counts(lake.engine) == {"open": 0, "later": 1, "different": 0, "merged": 0}
    with pytest.raises(NotFound):
        identity.pair(lake.engine, 99)


def test_a_merged_patient_is_proposed_no_more_and_once_taken_back_never_with_the_same(lake):
    rules(lake, A, full("b"), full("c"))
    assert len(identity.pairs(lake.engine)) == 3
    made = identity.merge(lake, "a", "b", by="rita", reason="same", at=at(3))
    assert [(each.one, each.other) for each in identity.pairs(lake.engine)] == [("b", "c")]
    identity.refresh(lake)
    assert [(each.one, each.other) for each in identity.pairs(lake.engine)] == [("b", "c")]
    identity.unmerge(lake, made.id, by="rita", reason="two", at=at(4))
    identity.refresh(lake)
    assert {(each.one, each.other) for each in identity.pairs(lake.engine)} == {("a", "c"), ("b", "c")}


def test_what_a_feed_says_against_a_person_is_put_before_a_person(lake):
    send(lake, full("a"), full("b"), when=1)
    made = identity.merge(lake, "a", "b", by="rita", reason="same", at=at(2))
    identity.unmerge(lake, made.id, by="rita", reason="two", at=at(3))
    send(lake, replaced("a", by="b"), when=4)
    identity.refresh(lake)
    [found] = identity.pairs(lake.engine)
    assert (found.rule, found.detail["why"], found.detail["feed"]) == ("F", "apart", "adt")


def test_a_former_number_keeps_its_period_and_still_links(lake):
    bis, register = niss(bis=40, counter=210), niss()
    send(lake, full("a", **numbered(bis)), when=1)
    send(lake, full("a", **numbered(register)), when=5)
    send(lake, full("b", family="Dubois", given="Anna", **numbered(bis)), when=6)
    identity.refresh(lake)
    assert [each.rule for each in identity.pairs(lake.engine)] == ["R1"]
    periods = {each.value: (each.since, each.until) for each in identity.periods(lake.engine, "a")}
    assert periods == {bis: (at(1), at(5)), register: (at(5), None)}


def test_a_key_that_a_crowd_shares_is_not_looked_at(lake, monkeypatch):
    monkeypatch.setattr("vesalius.identity.linking.CROWD", 3)
    assert rules(lake, *(full(f"p{n}") for n in range(5))) == []


def test_every_rule_and_every_flag_is_documented_and_every_documented_one_exists():
    page = (Path(__file__).parents[2] / "docs" / "engineer" / "identity.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([^`]+)`", page, flags=re.MULTILINE))
    assert named == {each.code for each in identity.RULES} | {"F"} | {each.value for each in identity.Flag}


def test_the_console_has_words_for_every_rule_and_flag():
    from vesalius.console.identity import FLAGS, RULES

    assert set(RULES) == {each.code for each in identity.RULES} | {"F", ""}
    assert set(FLAGS) == {each.value for each in identity.Flag}
