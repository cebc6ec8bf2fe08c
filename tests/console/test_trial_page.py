"""The page of a silent trial: planned by those who may, never telling before its time."""

import re

import pytest
import silence
import synthetic
from browsing import Reader

from vesalius import trial
from vesalius.console import app
from vesalius.governance import audit, people, uses

PAGE = "/usecases/urine/trial"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = silence.make(tmp_path_factory.mktemp("silence"))
    yield made
    made.close()


@pytest.fixture
def reader(hospital):
    console = app(hospital)
    return lambda login: Reader(console, raise_server_exceptions=True).sign_in(login)


def typed(page: str) -> dict[str, str]:
    """What the form holds, as a browser would send it."""
    fields = dict(re.findall(r'<input id="(\w+)" name="\w+" type="number"[^>]* value="([^"]*)"', page))
    fields |= dict.fromkeys(re.findall(r'name="((?:act|group)\.\w+)"[^>]*checked', page), "on")
    fields["after"] = re.search(r'name="after" value="(\d+)"', page).group(1)
    fields["endpoint"] = re.search(r'<option value="(\w+)" selected', page).group(1)
    return fields


def test_everybody_sees_how_far_it_is_and_the_looks(reader):
    for login in ("delforge", "nurse", "theissen", "marchal", "segers"):
        page = reader(login).get(PAGE).text
        assert "Go on" in page
        assert "169" in page
        assert "next look about" in page
        assert "82.5% (72.4% to 90.1%)" in page
        assert page.count('<svg class="chart') == 3
    assert "Silent, Patient" not in page


def test_only_those_who_answer_for_the_use_see_the_form(reader):
    assert 'name="act" value="register"' in reader("vermeulen").get(PAGE).text
    for login in ("nurse", "theissen", "marchal"):
        assert 'name="act" value="register"' not in reader(login).get(PAGE).text
        assert reader(login).submit(PAGE, act="compute", endpoint="auroc").status_code == 403


def test_a_plan_is_computed_without_being_kept(reader, hospital):
    browser = reader("segers")
    fields = typed(browser.get(PAGE).text)
    page = browser.submit(PAGE, act="compute", **fields).text
    assert "patients at most" in page
    assert "423" in page
    fewer = browser.submit(PAGE, act="compute", **{**fields, "expected": "25,0", "disagreement": "40"}).text
    assert int(re.search(r"<b>(\d+)</b><span>patients at most", fewer).group(1)) < 423
    assert len(trial.state(hospital, "urine", silence.datetime.now(silence.UTC)).plans) == 1


def test_another_endpoint_is_proposed_with_numbers_of_the_validation(reader):
    page = reader("segers").submit(PAGE, act="propose", endpoint="auroc", after="1").text
    assert typed(page)["expected"] == "0.8"
    assert typed(page)["value"] == "0.75"
    assert "validation run urine-" in page
    assert reader("segers").submit(PAGE, act="propose", endpoint="calibration", after="1").status_code == 200


BAD = [
    ({"expected": "-3"}, "does not lie above the value to exceed"),
    ({"expected": "nan"}, "a number is missing, or is none"),
    ({"alpha": "lots"}, "a number is missing, or is none"),
    ({"wait_days": "400"}, "the wait for an outcome is at most 180 days"),
    ({"disagreement": "2"}, "must disagree at least as often"),
]


@pytest.mark.parametrize(("change", "words"), BAD, ids=str)
def test_a_plan_that_cannot_be_kept_says_why_and_keeps_what_was_typed(reader, change, words):
    browser = reader("vermeulen")
    fields = typed(browser.get(PAGE).text) | change
    answer = browser.submit(PAGE, act="register", reason="because", **fields)
    assert answer.status_code == 400
    assert words in answer.text
    assert typed(answer.text)["expected"] == fields["expected"]


def test_a_plan_without_acts_or_reason_or_on_an_old_page_is_refused(reader):
    browser = reader("vermeulen")
    fields = typed(browser.get(PAGE).text)
    assert "say why" in browser.submit(PAGE, act="register", reason=" ", **fields).text
    without = {name: value for name, value in fields.items() if not name.startswith("act.")}
    assert "one at least" in browser.submit(PAGE, act="register", reason="x", **without).text
    assert browser.submit(PAGE, act="register", reason="x", **{**fields, "after": "0"}).status_code == 409
    assert browser.submit(PAGE, act="nothing", **fields).status_code == 400
    assert browser.submit(PAGE, act="compute", endpoint="<x>").status_code == 400


def test_closed_cases_are_judged_by_reviewers_and_nobody_else(reader, hospital):
    page = reader("delforge").get(PAGE).text
    cases = re.findall(r'href="/suggestions/(\w+)"', page)
    assert len(cases) == 40
    assert "the tool alone right" in page
    answer = reader("delforge").get(f"/suggestions/{cases[0]}")
    assert answer.status_code == 200
    assert 'name="action"' not in answer.text  # nothing is left to decide
    event = next(each for each in audit.events(hospital.engine, limit=5) if each.action == "suggestion.read")
    assert (event.actor, event.object) == ("delforge", cases[0])
    for login in ("nurse", "marchal"):
        assert "/suggestions/" not in reader(login).get(PAGE).text
        assert reader(login).get(f"/suggestions/{cases[0]}").status_code == 403


def test_what_came_in_since_the_look_stays_shut(reader, hospital):
    plan = trial.state(hospital, "urine", silence.datetime.now(silence.UTC)).plan
    now = silence.datetime.now(silence.UTC)
    made = synthetic.suggestion(7000, now)
    import msgspec

    fresh = msgspec.structs.replace(made, model=plan.model, settings=plan.settings, version=plan.version)
    hospital.review.file([fresh], "silent", now, [silence.Display("Fresh, Patient", "1950", "x", "y")])
    hospital.review.record_outcomes([(fresh.id, silence.Outcome(True, now))], now)
    answer = reader("delforge").get(f"/suggestions/{fresh.id}")
    assert answer.status_code == 403
    assert "Fresh" not in answer.text


def test_signing_against_the_trial_needs_words_of_its_own_and_is_marked(reader, hospital):
    browser = reader("marchal")
    page = browser.get("/usecases/urine").text
    assert "no success in the silent trial" in page
    seal = re.search(r'name="trial" value="([^"]+)"', page).group(1)
    assert re.fullmatch(r"trial:[0-9a-f]{16}:go_on", seal)
    fields = {"act": "sign", "reason": "The wards ask for it.", "trial": seal}
    assert browser.submit("/usecases/urine/sign", **fields).status_code == 400
    assert browser.submit("/usecases/urine/sign", **{**fields, "trial": "trial:none"}).status_code == 409
    answer = browser.submit("/usecases/urine/sign", **fields, despite="A shortage of beds.")
    assert answer.status_code == 200
    assert "without a success in the silent trial" in answer.text
    signed = uses.history(hospital.engine, "urine")[0]
    assert signed.reason == "The wards ask for it. — A shortage of beds."
    assert signed.on.endswith(seal)
    uses.refuse(hospital.engine, "urine", people.get(hospital.engine, "theissen"), reason="not yet")


def test_a_plan_registered_in_the_console_begins_anew(reader, hospital):
    browser = reader("vermeulen")
    page = browser.get(PAGE).text
    assert "begins anew" in page
    fields = typed(page) | {"expected": "20"}
    answer = browser.submit(PAGE, act="register", reason="The wards were too few.", **fields)
    assert "The plan is registered" in answer.text
    assert "Earlier plans" in answer.text
    stands = trial.state(hospital, "urine", silence.datetime.now(silence.UTC))
    assert (stands.plan.number, stands.plan.by, stands.looks) == (2, "vermeulen", ())
    assert stands.plan.aim.expected == 0.2
