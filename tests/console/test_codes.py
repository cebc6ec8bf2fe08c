"""The page of local codes: what it shows, who may decide, and what becomes of it."""

import re

import pytest
import synthetic

from vesalius import terminology
from vesalius.governance import audit


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = synthetic.make(tmp_path_factory.mktemp("hospital"), count=4)
    synthetic.receive_local_codes(made)
    yield made
    made.close()


def row(page: str, name: str) -> str:
    """The id of the line of a code."""
    found = re.findall(r'<li id="(c\w+)">(.*?)</li>', page, re.DOTALL)
    return next(id_ for id_, text in found if f'<span class="strong">{name}' in text)


def codes(hospital, reference: str) -> list[str]:
    return [each["code"] for each in hospital.lake.read(reference).resource["code"].get("coding", [])]


def test_the_most_frequent_come_first_with_what_they_may_mean(reader):
    page = reader("segers").get("/terminology").text
    assert re.findall(r'class="count num">(\d+)', page)[:3] == ["24", "6", "4"]
    assert "perhaps LOINC 2823-3" in page
    assert "mostly about 4.0 to 5.0" in page
    assert "Jan Peeters" not in page
    assert re.search(r"\d+ codes? came in words that are not shown", page)
    assert synthetic.EVIL not in page
    assert "&lt;script&gt;" in page


def test_who_may_not_decide_reads_and_gets_no_form(reader):
    for login in ("delforge", "theissen", "nurse"):
        browser = reader(login)
        page = browser.get("/terminology").text
        assert "Kalium" in page
        assert "/terminology/map" not in page
        assert browser.submit("/terminology/map", row="c1").status_code == 403
        assert browser.submit("/terminology/withdraw", uid="x").status_code == 403
        assert browser.submit("/terminology/apply").status_code == 403


def test_a_code_is_mapped_for_the_past_and_taken_back(reader, hospital):
    browser = reader("vermeulen")
    line = row(browser.get("/terminology").text, "Kalium")
    means = "http://loinc.org|2823-3|Potassium"
    page = browser.submit(
        "/terminology/map",
        row=line,
        means=means,
        unit="this",
        equivalence="equivalent",
        reason="Our own list.",
    ).text
    assert "Kept. What arrives is coded from now on" in page
    assert line not in page, "it has left the list"
    assert "Our own list." in page
    browser.app.state.behind.do(lambda: None, patience=20)
    assert codes(hospital, "Observation/lk3") == ["K", "2823-3"]
    assert not terminology.waiting(hospital.engine)
    (made,) = terminology.in_force(terminology.decisions(hospital.engine))
    assert (made.by, made.unit, made.target_display) == ("vermeulen", "mmol/L", "Potassium")
    assert line in browser.get("/terminology?show=decided").text

    assert browser.submit("/terminology/withdraw", uid=made.uid, reason=" ").status_code == 400
    page = browser.submit("/terminology/withdraw", uid=made.uid, reason="Another method.").text
    assert "Taken back by Apr. Pieter Vermeulen" in page
    browser.app.state.behind.do(lambda: None, patience=20)
    assert codes(hospital, "Observation/lk3") == ["K"]
    assert browser.submit("/terminology/withdraw", uid=made.uid, reason="Again.").status_code == 409
    assert browser.submit("/terminology/withdraw", uid="nothing", reason="Again.").status_code == 404
    actions = [event.action for event in audit.events(hospital.engine, actor="vermeulen", limit=20)]
    for action in ("code.mapped", "code.withdrawn", "codes.applied"):
        assert action in actions


def test_another_code_is_checked_and_what_was_typed_is_not_lost(reader, hospital):
    browser = reader("segers")
    line = row(browser.get("/terminology").text, "Glucose")
    typed = {"row": line, "means": "other", "other_system": "http://loinc.org", "reason": "As in the manual."}
    refused = browser.submit("/terminology/map", **typed, other_code="2345-8")
    assert refused.status_code == 400
    assert "check the digits" in refused.text
    assert re.search(rf'<li id="{line}"><details name="code" open>', refused.text)
    assert "As in the manual." in refused.text
    assert not terminology.in_force(terminology.decisions(hospital.engine))
    for wrong in ({"means": ""}, {"other_system": "urn:x"}, {"reason": ""}, {"equivalence": "same"}):
        answer = browser.submit("/terminology/map", **{**typed, "other_code": "2345-7", **wrong})
        assert answer.status_code == 400
    assert browser.submit("/terminology/map", **{**typed, "row": "c123"}).status_code == 404
    good = browser.submit("/terminology/map", **typed, other_code=" 2345-7 ")
    assert "Kept." in good.text


def test_what_means_nothing_leaves_the_list(reader, hospital):
    browser = reader("vermeulen")
    line = row(browser.get("/terminology").text, "Ionen")
    page = browser.submit("/terminology/map", row=line, means="unmatched", reason="A heading.").text
    assert "no standard meaning" in page
    assert "not mappable" in page
    assert codes(hospital, "Observation/li1") == []


def test_the_list_is_filtered_and_paged(reader):
    browser = reader("segers")
    page = browser.get("/terminology").text
    assert 'href="/terminology?page=2"' in page
    assert "X24" in browser.get("/terminology?page=2").text + page
    assert "Nothing matches" in browser.get("/terminology?kind=Specimen.type").text
    for odd in ("?page=99", "?page=x", "?show=nonsense", "?kind=nonsense&feed=%00", "?feed=nobody"):
        assert browser.get(f"/terminology{odd}").status_code == 200


def test_it_goes_on_where_applying_was_broken_off(reader, hospital):
    made = terminology.Decision(
        system=synthetic.LAB, code="X3", target_system="http://loinc.org", target_code="718-7"
    )
    terminology.decide(hospital.engine, made, by="vermeulen", reason="x")
    browser = reader("vermeulen")
    assert "is not applied to all of the past yet" in browser.get("/terminology").text
    browser.submit("/terminology/apply")
    browser.app.state.behind.do(lambda: None, patience=20)
    assert codes(hospital, "Observation/lx3") == ["X3", "718-7"]
    assert "is not applied" not in browser.get("/terminology").text
