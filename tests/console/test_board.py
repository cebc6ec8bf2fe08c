"""The board and the monitoring pages: what they show, to whom, and what can be done there."""

import re
from datetime import UTC, datetime

import pytest
import synthetic
from browsing import Reader

from vesalius.console import app
from vesalius.governance import audit, people, uses, watching
from vesalius.monitoring import alarms, status
from vesalius.monitoring.alarms import Finding
from vesalius.store import writing

NAME = synthetic.USECASE
PAGE = f"/usecases/{NAME}/monitoring"


@pytest.fixture
def hospital(tmp_path):
    """A live use with decisions; figures as a refresh of a busier one would leave them."""
    made = synthetic.make(tmp_path / "home", count=30)
    now = datetime.now(UTC)
    synthetic.watch(made, now)
    yield made
    made.close()


@pytest.fixture
def reader(hospital):
    console = app(hospital)

    def make(login, language="en"):
        return Reader(console, raise_server_exceptions=True).sign_in(login, language)

    return make


@pytest.mark.parametrize("language", ["fr", "nl", "de", "en"])
def test_every_page_is_shown_in_every_language(reader, language):
    browser = reader("marchal", language)
    for path in ("/board", PAGE, f"{PAGE}/rules"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "%(" not in answer.text


def test_the_board_says_how_each_use_does_those_that_need_attention_first(reader):
    text = reader("marchal").get("/board").text
    assert "0.81 (0.77–0.85)" in text
    assert "falls silent in about 17" in text
    assert "1.5 per ward and day" in text
    titles = re.findall(r'<h2 id="use-([\w-]+)"', text)
    assert titles[0] == NAME
    assert len(titles) == len(set(titles)) >= 1


def test_the_page_shows_figures_pictures_and_what_they_cannot_see(reader):
    text = reader("marchal").get(PAGE).text
    for words in (
        "0.79 (0.70–0.88)",
        "blind to concept shift",
        "add +0.21 to the log odds",
        "210 of at least 100",
    ):
        assert words in text
    assert text.count('<svg class="chart') >= 5
    assert "style=" not in text
    assert "<script>" not in text


def test_a_week_leads_to_its_distribution_and_one_that_is_not_there_to_no_page(reader, hospital):
    browser = reader("marchal")
    (path, *_) = re.findall(rf'href="({PAGE}\?input=age[^"]*)"', browser.get(PAGE).text.replace("&amp;", "&"))
    browser = Reader(app(hospital)).sign_in("marchal", "en")
    assert browser.get(path.split("#")[0]).status_code == 404  # no reference is kept in this hospital
    assert browser.get(f"{PAGE}?input=age&week=nonsense").status_code == 404
    assert browser.get("/usecases/none/monitoring").status_code == 404


@pytest.mark.parametrize(
    ("login", "board", "change"), [("lejeune", 403, 403), ("segers", 200, 403), ("vermeulen", 200, 200)]
)
def test_who_may_see_and_who_may_change(hospital, login, board, change):
    browser = Reader(app(hospital)).sign_in(login, "en")
    assert browser.get("/board").status_code == board
    assert browser.get(PAGE).status_code == board
    fields = {**rules(override="0.6"), "reason": "agreed by the board"}
    assert browser.submit(f"{PAGE}/rules", **fields).status_code == change


def rules(**changed):
    found = {rule.name: f"{rule.limit:g}" for rule in watching.STOP_RULES}
    return found | {"hours": "", "hours_source": "", "minutes": "", "minutes_source": ""} | changed


def test_a_bound_is_moved_with_a_reason_and_kept(hospital, reader):
    browser = reader("vermeulen")
    text = browser.submit(
        f"{PAGE}/rules",
        **rules(override="0,55", hours="16", hours_source="roster 2026"),
        reason="too many were overridden",
    ).text
    assert "in force from the next refresh" in text
    assert "too many were overridden" in text
    watch = watching.watching(hospital.engine, NAME)
    assert watch.limits == {"override": 0.55}
    assert (watch.clinician_hours, watch.hours_source) == (16, "roster 2026")
    assert uses.history(hospital.engine, NAME)[0].kind == "rules"


@pytest.mark.parametrize(
    "fields",
    [
        rules(override="0.99"),
        rules(override="nan"),
        rules(override="much"),
        rules(hours="16"),
        rules(minutes="-3", minutes_source="x"),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_what_was_typed(hospital, fields):
    browser = Reader(app(hospital)).sign_in("vermeulen", "en")
    answer = browser.submit(f"{PAGE}/rules", **fields, reason="because")
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text
    assert "because" in answer.text
    assert watching.watching(hospital.engine, NAME) == watching.Watch()


def test_without_a_reason_and_without_a_change_nothing_is_signed(hospital):
    browser = Reader(app(hospital)).sign_in("vermeulen", "en")
    assert browser.submit(f"{PAGE}/rules", **rules(override="0.6"), reason=" ").status_code == 400
    assert browser.submit(f"{PAGE}/rules", **rules(), reason="the same").status_code == 409


def test_an_alarm_is_acknowledged_with_words_and_taken_back(hospital, reader):
    (alarm,) = [each for each in alarms.standing(hospital.engine, NAME) if each.monitor == "subgroup"]
    path, browser = f"{PAGE}/alarms/{alarm.id}", reader("delforge")
    assert "Sex" in browser.get(PAGE).text
    text = browser.submit(path, act="acknowledge", words="The new clinic; we look into it <b>").text
    assert "we look into it &lt;b&gt;" in text
    (seen,) = [each for each in alarms.standing(hospital.engine, NAME) if each.id == alarm.id]
    assert (seen.acknowledged_by, seen.open) == ("delforge", False)
    assert status(hospital.engine, NAME).light != "alarm"
    browser.submit(path, act="undo")
    (seen,) = [each for each in alarms.standing(hospital.engine, NAME) if each.id == alarm.id]
    assert seen.open
    done = [event.action for event in audit.events(hospital.engine, thing=NAME, limit=4)]
    assert {"alarm.acknowledged", "alarm.undone"} <= set(done)


def test_an_acknowledgement_needs_words_the_right_and_an_alarm_that_stands(hospital):
    (alarm, *_) = alarms.standing(hospital.engine, NAME)
    path = f"{PAGE}/alarms/{alarm.id}"
    doctor, nurse = (Reader(app(hospital)).sign_in(each, "en") for each in ("delforge", "nurse"))
    assert doctor.submit(path, act="acknowledge", words="  ").status_code == 400
    assert doctor.submit(path, act="acknowledge", words="x" * 3000).status_code == 400
    assert doctor.submit(path, act="dance").status_code == 400
    assert doctor.submit(f"{PAGE}/alarms/999", act="acknowledge", words="x").status_code == 404
    assert nurse.submit(path, act="acknowledge", words="seen").status_code == 403
    assert doctor.submit(path, act="acknowledge", words="seen").status_code == 200
    assert doctor.submit(path, act="acknowledge", words="again").status_code == 409
    other = Reader(app(hospital)).sign_in("vermeulen", "en")
    assert other.submit(path, act="undo").status_code == 403


def test_a_stop_is_told_on_the_page_of_the_use(hospital, reader):
    reason = "stop rule outcomes: 4.6, limit 4.5, after 216 cases (at least 100)"
    with writing(hospital.engine) as connection:
        uses.silence(connection, NAME, reason=reason)
        alarms.stopped(
            connection, NAME, "ab" * 32, Finding("stop.outcomes", "", "stop", {}), datetime.now(UTC)
        )
    browser = reader("nurse")
    assert reason in browser.get(f"/usecases/{NAME}").text
    board = browser.get("/board").text
    assert "1 use was silenced by its stop rule" in board
    assert "Silenced by a stop rule" in board


def test_a_person_who_is_gone_is_named_by_their_account(hospital, reader):
    (alarm, *_) = alarms.standing(hospital.engine, NAME)
    alarms.acknowledge(hospital.engine, alarm.id, people.get(hospital.engine, "delforge"), "seen")
    assert "Dr Camille Delforge" in reader("nurse").get(PAGE).text
