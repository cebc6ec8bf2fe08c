"""What people see: each page as each role, the loop of a decision, filters, languages."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import synthetic
from browsing import Reader

from vesalius.console import app
from vesalius.governance import uses
from vesalius.monitoring import alarms

PAGES = (
    "/",
    "/decisions",
    "/register",
    "/register/urine",
    "/usecases",
    "/usecases/urine",
    "/usecases/urine/settings",
    "/usecases/urine/report",
    "/usecases/urine/questions",
    "/usecases/urine/trial",
    "/board",
    "/usecases/urine/monitoring",
    "/usecases/urine/monitoring/rules",
    "/received",
    "/terminology",
    "/audit",
    "/views",
    "/views/library/patients",
    "/views/write",
    "/identity",
    "/consents",
    "/about",
)
SEEN = {
    "delforge": {
        "/",
        "/decisions",
        "/register",
        "/register/urine",
        "/usecases",
        "/usecases/urine",
        "/usecases/urine/settings",
        "/usecases/urine/report",
        "/usecases/urine/questions",
        "/usecases/urine/trial",
        "/board",
        "/usecases/urine/monitoring",
        "/usecases/urine/monitoring/rules",
        "/terminology",
        "/about",
    },
    "vermeulen": {
        "/",
        "/decisions",
        "/register",
        "/register/urine",
        "/usecases",
        "/usecases/urine",
        "/usecases/urine/settings",
        "/usecases/urine/report",
        "/usecases/urine/questions",
        "/usecases/urine/trial",
        "/board",
        "/usecases/urine/monitoring",
        "/usecases/urine/monitoring/rules",
        "/received",
        "/terminology",
        "/about",
        "/views",
        "/views/library/patients",
    },
    "theissen": {
        "/register",
        "/register/urine",
        "/usecases",
        "/usecases/urine",
        "/usecases/urine/settings",
        "/usecases/urine/report",
        "/usecases/urine/questions",
        "/usecases/urine/trial",
        "/board",
        "/usecases/urine/monitoring",
        "/usecases/urine/monitoring/rules",
        "/received",
        "/audit",
        "/terminology",
        "/identity",
        "/consents",
        "/about",
        "/views",
        "/views/library/patients",
    },
    "marchal": {
        "/register",
        "/register/urine",
        "/usecases",
        "/usecases/urine",
        "/usecases/urine/settings",
        "/usecases/urine/report",
        "/usecases/urine/questions",
        "/usecases/urine/trial",
        "/board",
        "/usecases/urine/monitoring",
        "/usecases/urine/monitoring/rules",
        "/received",
        "/audit",
        "/terminology",
        "/about",
    },
    "segers": {
        "/register",
        "/register/urine",
        "/usecases",
        "/usecases/urine",
        "/usecases/urine/settings",
        "/usecases/urine/report",
        "/usecases/urine/questions",
        "/usecases/urine/trial",
        "/board",
        "/usecases/urine/monitoring",
        "/usecases/urine/monitoring/rules",
        "/received",
        "/terminology",
        "/about",
        "/views",
        "/views/library/patients",
        "/views/write",
    },
    "nurse": {
        "/",
        "/decisions",
        "/register",
        "/register/urine",
        "/usecases",
        "/usecases/urine",
        "/usecases/urine/settings",
        "/usecases/urine/report",
        "/usecases/urine/questions",
        "/usecases/urine/trial",
        "/board",
        "/usecases/urine/monitoring",
        "/usecases/urine/monitoring/rules",
        "/terminology",
        "/about",
    },
    "lejeune": {
        "/register",
        "/register/urine",
        "/usecases",
        "/usecases/urine",
        "/usecases/urine/settings",
        "/usecases/urine/report",
        "/usecases/urine/questions",
        "/usecases/urine/trial",
        "/terminology",
        "/identity",
        "/consents",
        "/about",
    },
}


def test_each_role_sees_its_pages_and_no_others(reader):
    for login, allowed in SEEN.items():
        browser = reader(login)
        for page in PAGES:
            answer = browser.get(page, follow_redirects=False)
            if page in allowed:
                assert answer.status_code == 200, (login, page)
            elif page == "/":
                assert answer.status_code == 303, "who has no worklist begins elsewhere"
            else:
                assert answer.status_code == 403, (login, page)
                assert "You may not do this" in answer.text


@pytest.mark.parametrize("page", ["/academy", "/academy/courses/bedside", "/academy/courses/bedside/quiz"])
def test_everybody_may_learn_and_a_stranger_may_not(reader, page):
    assert {reader(login).get(page).status_code for login in SEEN} == {200}
    assert reader().get(page, follow_redirects=False).status_code in (303, 401, 403)


def test_the_menu_offers_only_what_the_role_may_see(reader):
    menu = re.search(r'<nav class="nav".*?</nav>', reader("segers").get("/about").text, re.DOTALL)
    assert menu
    assert re.findall(r'href="([^"]+)"', menu.group()) == [
        "/board",
        "/usecases",
        "/register",
        "/academy",
        "/received",
        "/quality",
        "/terminology",
        "/views",
    ]


def test_who_has_not_signed_in_is_sent_to_sign_in_and_back(reader):
    browser = reader()
    answer = browser.get("/usecases/urine", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fusecases%2Furine")
    page = browser.get(answer.headers["location"])
    assert 'name="next" value="/usecases/urine"' in page.text
    assert str(browser.submit("/sign-in", login="marchal", next="/usecases/urine").url).endswith(
        "/usecases/urine"
    )


def test_a_fragment_asked_by_script_after_the_session_ended_leads_to_sign_in(reader):
    answer = reader().get("/worklist/fresh", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


def test_the_most_urgent_come_first_and_say_so_in_words(reader):
    page = reader("delforge").get("/").text
    urgencies = re.findall(r'<tr class="urgent-(\w+)">', page)
    order = ["critical", "warning", "info"]
    assert urgencies == sorted(urgencies, key=order.index)
    assert {"critical", "warning", "info"} == set(urgencies)
    assert re.search(r'class="chip critical"><svg.*?</svg>Urgent</span>', page)


def test_filters_narrow_the_list_and_can_be_cleared(reader):
    browser = reader("delforge")
    everything = browser.get("/").text.count('class="open"')
    narrowed = browser.get("/", params={"ward": "Urologie", "indicator": "warning"}).text
    assert 0 < narrowed.count('class="open"') < everything
    assert 'href="/">Clear' in narrowed
    assert browser.submit("/worklist/search", text="helene lambert").text.count("Lambert, Hélène") > 0
    assert (
        "Nothing matches these filters."
        in browser.submit("/worklist/search", text="nobody is called so").text
    )


def test_pages_follow_each_other(reader):
    browser = reader("delforge")
    first = browser.get("/").text
    assert "Page 1 of 2" in first
    second = browser.get(re.search(r'href="([^"]+)" rel="next"', first).group(1).replace("&amp;", "&")).text
    assert 'rel="prev"' in second
    ids = set(re.findall(r'/suggestions/(\w+)"', first))
    assert ids.isdisjoint(re.findall(r'/suggestions/(\w+)"', second))


def test_the_list_says_nothing_while_it_has_not_changed(reader, open_id):
    browser = reader("delforge")
    poll = re.search(r'hx-get="(/worklist/fresh[^"]+)"', browser.get("/").text).group(1).replace("&amp;", "&")
    assert browser.get(poll).status_code == 204
    first = re.findall(r'/suggestions/(\w+)"', browser.get("/").text)[0]
    seen = re.search(r'name="seen" value="(\d+)"', browser.get(f"/suggestions/{first}").text).group(1)
    browser.submit(f"/suggestions/{first}/decision", action="accepted", seen=seen)
    assert "The list has changed" in browser.get(poll).text


def test_a_suggestion_shows_its_reasons_sources_limits_and_origin(reader, open_id):
    page = reader("delforge").get(f"/suggestions/{open_id()}").text
    for words in (
        "Nitrite (strip)",
        "+1.42",
        "What would change it",
        "What it did not know",
        "Protein (strip)",
        "From 65 years the strip alone",
        "Not for:",
        "Suggestion by an AI tool; a person decides.",
        "Position in the log",
    ):
        assert words in page, words
    assert re.search(r'<a href="/resources/Observation/n\d+/1">Result</a>', page)


def test_accept_then_undo_then_accept_again(reader, open_id):
    browser, suggestion = reader("delforge"), open_id()
    page = browser.get(f"/suggestions/{suggestion}").text
    seen = re.search(r'name="seen" value="(\d+)"', page).group(1)
    page = browser.submit(f"/suggestions/{suggestion}/decision", action="accepted", seen=seen).text
    assert "You can undo until" in page
    undo = re.search(r'action="(/decisions/\d+/undo)"', page).group(1)
    page = browser.submit(undo, back=f"/suggestions/{suggestion}").text
    assert "Accept: " in page
    assert "taken back at" in page
    again = browser.submit(undo)
    assert again.status_code == 409
    assert "Somebody was faster" in again.text


def test_an_override_needs_a_reason_and_keeps_the_words_that_were_typed(reader, open_id):
    browser, suggestion = reader("vermeulen"), open_id()
    seen = re.search(r'name="seen" value="(\d+)"', browser.get(f"/suggestions/{suggestion}").text).group(1)
    answer = browser.submit(
        f"/suggestions/{suggestion}/decision",
        action="overridden",
        seen=seen,
        reason="made up",
        words="Looks <b>well</b>",
    )
    assert answer.status_code == 400
    assert "Looks &lt;b&gt;well&lt;/b&gt;" in answer.text
    assert "That decision is not complete" in answer.text
    page = browser.submit(
        f"/suggestions/{suggestion}/decision", action="overridden", seen=seen, reason="bad_sample"
    ).text
    assert "The sample is contaminated or badly taken" in page
    assert "The sample is contaminated or badly taken" in browser.get("/decisions").text


def test_modify_names_another_option_and_defer_a_time(reader, open_id):
    browser, suggestion = reader("delforge"), open_id()
    page = browser.get(f"/suggestions/{suggestion}").text
    seen = re.search(r'name="seen" value="(\d+)"', page).group(1)
    assert (
        browser.submit(
            f"/suggestions/{suggestion}/decision", action="modified", seen=seen, option="nonsense"
        ).status_code
        == 400
    )
    page = browser.submit(
        f"/suggestions/{suggestion}/decision", action="deferred", seen=seen, delay="1h"
    ).text
    assert "Deferred until" in page
    seen = re.search(r'name="seen" value="(\d+)"', page).group(1)
    option = re.search(r'name="option" value="(\w+)"', page).group(1)
    assert (
        "You can undo until"
        in browser.submit(
            f"/suggestions/{suggestion}/decision", action="modified", seen=seen, option=option
        ).text
    )


def test_of_two_people_who_decide_at_once_one_is_told(reader, open_id):
    suggestion = open_id()
    browser, other = reader("delforge"), reader("vermeulen")
    seen = re.search(r'name="seen" value="(\d+)"', other.get(f"/suggestions/{suggestion}").text).group(1)
    browser.submit(f"/suggestions/{suggestion}/decision", action="accepted", seen=seen)
    answer = other.submit(f"/suggestions/{suggestion}/decision", action="accepted", seen=seen)
    assert answer.status_code == 409


def test_a_nurse_reads_and_does_not_decide(reader, open_id):
    browser, suggestion = reader("nurse"), open_id()
    page = browser.get(f"/suggestions/{suggestion}").text
    assert "Your role reads this suggestion; it does not decide on it." in page
    assert 'name="action"' not in page
    assert (
        browser.submit(f"/suggestions/{suggestion}/decision", action="accepted", seen="0").status_code == 403
    )


def test_nobody_undoes_the_decision_of_another(reader, open_id):
    browser, suggestion = reader("delforge"), open_id()
    seen = re.search(r'name="seen" value="(\d+)"', browser.get(f"/suggestions/{suggestion}").text).group(1)
    undo = re.search(
        r'action="(/decisions/\d+/undo)"',
        browser.submit(f"/suggestions/{suggestion}/decision", action="accepted", seen=seen).text,
    ).group(1)
    assert reader("vermeulen").submit(undo).status_code == 403


def test_what_was_made_in_silence_is_shown_to_nobody(reader, hospital):
    silent = hospital.review.worklist(mode="silent", status="all").items[0]
    answer = reader("delforge").get(f"/suggestions/{silent.id}")
    assert answer.status_code == 403
    assert "Silent, Patient" not in answer.text


@pytest.mark.parametrize("first", ["the list", "the suggestion", "the decision"])
def test_what_a_use_said_leaves_the_list_at_once_when_a_gate_has_expired(tmp_path, first):
    now = datetime.now(UTC)
    hospital = synthetic.make(tmp_path, count=2, now=now - timedelta(days=340))  # it went live a month before
    (said, *_) = hospital.review.worklist().items
    doctor = Reader(app(hospital)).sign_in("delforge")
    if first == "the list":
        assert said.id not in doctor.get("/").text
    elif first == "the suggestion":
        assert doctor.get(f"/suggestions/{said.id}").status_code == 200
    else:
        sent = doctor.submit(f"/suggestions/{said.id}/decision", action="accepted", seen="0")
        assert sent.status_code == 409
    assert hospital.review.get(said.id).status == "expired"
    assert uses.current(hospital.engine, "urine").state == "silent"
    assert [each.monitor for each in alarms.standing(hospital.engine, "urine")] == ["gate"]
    hospital.close()


def test_every_reading_of_a_patient_is_in_the_audit(reader, open_id):
    suggestion = open_id()
    reader("delforge").get(f"/suggestions/{suggestion}")
    reader("delforge").get("/resources/Observation/n0/1")
    page = reader("theissen").get("/audit").text
    assert suggestion in page
    assert "Observation/n0/_history/1" in page
    assert "Read a patient’s data" in page


def test_the_data_protection_officer_verifies_the_chain(reader):
    assert "The chain holds" in reader("theissen").submit("/audit/verify").text


def test_a_resource_shows_what_was_received(reader):
    page = reader("delforge").get("/resources/Observation/n0/1").text
    assert "Nitrite in urine by test strip" in page
    assert "valueCodeableConcept.coding[0].code" in page


def test_thresholds_change_with_a_reason_by_the_right_role(reader):
    browser = reader("marchal")
    page = browser.get("/usecases/urine/settings").text
    assert 'name="start_from"' in page
    values = {"start_from": "55", "withhold_below": "10"}
    assert "Say why" in browser.submit("/usecases/urine/settings", reason="  ", **values).text
    assert (
        "not a number within its bounds"
        in browser.submit("/usecases/urine/settings", reason="x", start_from="nan", withhold_below="10").text
    )
    assert (
        "not a number within its bounds"
        in browser.submit("/usecases/urine/settings", reason="x", start_from="7", withhold_below="10").text
    )
    assert (
        "The new thresholds are in force"
        in browser.submit("/usecases/urine/settings", reason="Committee of Monday", **values).text
    )
    page = browser.get("/usecases/urine/settings").text
    assert "Committee of Monday" in page
    assert "55%" in page.partition("Earlier changes")[2]
    assert "55%" in browser.get("/usecases/urine").text.partition("What happened until now")[2]
    assert "in force already" in browser.submit("/usecases/urine/settings", reason="again", **values).text
    assert reader("delforge").submit("/usecases/urine/settings", reason="mine", **values).status_code == 403


def test_the_language_follows_the_person_from_session_to_session(reader):
    browser = reader("nurse", "de")
    assert '<html lang="de"' in browser.get("/").text
    other = reader()
    other.submit("/sign-in", login="nurse")
    assert '<html lang="de"' in other.get("/").text


def test_a_stranger_reads_the_language_of_the_browser(reader):
    assert (
        '<html lang="nl"'
        in reader().get("/sign-in", headers={"Accept-Language": "nl-BE,nl;q=0.9,fr;q=0.8"}).text
    )
    assert '<html lang="fr"' in reader().get("/sign-in", headers={"Accept-Language": "xx"}).text


def test_dark_mode_and_shortcuts_are_kept(reader):
    browser = reader("delforge")
    browser.submit("/preferences", theme="dark")
    browser.submit("/preferences", keys="off")
    page = browser.get("/").text
    assert 'data-theme="dark"' in page
    assert "data-keys" not in page
    browser.submit("/preferences", theme="auto")
    assert "data-theme" not in browser.get("/").text


def test_every_page_says_that_the_data_is_synthetic(reader):
    browser = reader("marchal")
    for page in ("/usecases", "/about", "/nothing-here"):
        assert "Synthetic data: none of these patients exist." in browser.get(page).text


def test_a_hospital_with_real_data_has_no_demo_people(tmp_path):
    from browsing import Reader

    from vesalius.console import app

    hospital = synthetic.make(tmp_path, count=1, synthetic=False)
    browser = Reader(app(hospital))
    page = browser.get("/sign-in").text
    assert "Delforge" not in page
    assert "Synthetic data" not in page
    assert browser.submit("/sign-in", login="delforge").status_code == 401
    assert browser.submit("/sign-in", login="martin", password=synthetic.PASSWORD).status_code == 200
    hospital.close()


def test_signing_a_gate_moves_a_use_and_is_kept_with_its_reason(tmp_path):
    from browsing import Reader

    from vesalius.console import app

    hospital = synthetic.make(tmp_path, count=1)
    console = app(hospital)
    director = Reader(console).sign_in("marchal")
    assert (
        "Stopped. Nothing is suggested any more."
        in director.submit("/usecases/urine/sign", act="suspend", reason="Wrong unit").text
    )
    doctor = Reader(console).sign_in("delforge")
    worklist = doctor.get("/").text
    assert "does not run: nothing new is suggested" in worklist
    assert "New suggestions appear here" not in worklist
    assert "Sign: Silent" in doctor.get("/usecases/urine").text
    assert doctor.submit("/usecases/urine/sign", act="sign", reason="").status_code == 400
    assert "Signed." in doctor.submit("/usecases/urine/sign", act="sign", reason="Unit mended").text
    assert "Unit mended" in doctor.get("/usecases/urine").text
    assert doctor.submit("/usecases/urine/sign", act="sign", reason="twice").status_code == 403
    assert doctor.submit("/usecases/urine/sign", act="nonsense", reason="x").status_code == 400
    hospital.close()


def test_a_validation_run_fills_the_evidence_the_thresholds_and_what_happened_to_similar_patients(tmp_path):
    from browsing import Reader

    from vesalius.console import app

    hospital = synthetic.make(tmp_path, count=20)
    synthetic.validate(hospital)
    doctor = Reader(app(hospital)).sign_in("delforge")
    assert '<svg class="chart' in doctor.get("/usecases/urine").text
    page = doctor.get("/usecases/urine/settings").text
    assert "Avoided: of the 152 acts" in page
    assert "Courses avoided" in page  # the words of the use itself
    row = re.search(r'<tr class="in-force">.*?</tr>', page, re.DOTALL).group()
    assert "No antibiotic below this probability" in row
    assert "8 <span" in row, "5 % of 152 courses avoided"
    assert "6 <span" in row, "beside 5 % of 128 positive cultures missed"
    suggestion = re.search(r"/suggestions/\w+", doctor.get("/").text).group()
    assert re.search(
        r"When it was validated, \d+ patients had between \d+% and \d+%", doctor.get(suggestion).text
    )
    hospital.close()


def test_a_setting_that_is_no_probability_is_typed_and_shown_in_its_unit():
    from vesalius.card import Setting
    from vesalius.console.languages import languages
    from vesalius.console.thresholds import _number, _probabilities, _words
    from vesalius.console.words import Speaker
    from vesalius.usecases.urine import Urine

    below = Setting("below", 130, 120, 135, step=1, unit="mmol/L")
    chance = Setting("chance", 0.4, 0, 1)
    card = msgspec.structs.replace(
        Urine.card, settings=(below, chance), texts={language: {} for language in Urine.card.texts}
    )
    said = Speaker(card, languages()["en"])
    assert (_number("129,5", below), _number("55 %", chance)) == (129.5, 0.55)
    assert (said.setting("below", 130), said.setting("chance", 0.4)) == ("130 mmol/L", "40%")
    assert _probabilities(said, {"below": 130, "chance": 0.4}) == {"chance": 0.4}
    assert _words(said).avoided == "Acts avoided"
