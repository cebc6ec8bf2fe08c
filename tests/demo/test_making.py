"""The demo hospital is made with the real components, once, and touches nothing that is not its own."""

from datetime import UTC, datetime

import pytest

from vesalius import academy, demo, identity, trial
from vesalius.demo import staff
from vesalius.demo.making import USECASE
from vesalius.errors import NotAllowed
from vesalius.evaluation import latest
from vesalius.governance import Right, audit, consent, literacy, people, uses
from vesalius.hospital import Hospital
from vesalius.ingest import causes
from vesalius.settings import Settings

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "hospital"


@pytest.fixture(scope="module")
def heard():
    return []


@pytest.fixture(scope="module")
def made(home, heard):
    return demo.make_hospital(home, size=350, now=NOW, progress=lambda *told: heard.append(told))


@pytest.fixture
def hospital(made):
    opened = Hospital.open(made.home)
    yield opened
    opened.close()


def test_it_says_what_it_is_doing_to_the_end(made, heard):
    stages = list(dict.fromkeys(stage for stage, *_ in heard))
    assert stages == ["generate", "receive", "learn", "validate", "silent", "live", "quality", "monitor"]
    last = {stage: (done, total) for stage, done, total, _ in heard}
    assert all(done == total for done, total in last.values())
    assert all(line for line in made.lines())


def test_the_use_speaks_because_people_signed(hospital):
    use = uses.current(hospital.engine, USECASE, NOW)
    assert use.speaks
    assert use.model
    signed = [change.by for change in uses.history(hospital.engine, USECASE) if change.kind == "signed"]
    assert {"theissen", "segers", "vermeulen", "marchal", "delforge", "wauters", "lambrecht"} == set(signed)
    assert audit.verify(hospital.engine) > 20


def test_the_silent_trial_was_registered_before_its_first_case_and_the_signatures_keep_it(hospital, made):
    stands = trial.state(hospital, USECASE, NOW)
    assert stands.plan.by == "vermeulen"
    assert stands.plan.draft.run == latest(hospital.runs, USECASE).id
    silent = hospital.review.silent(
        USECASE, stands.plan.version, stands.plan.model, stands.plan.settings, since=stands.plan.at, until=NOW
    )
    assert 0 < len(silent) <= made.counts["silent"]
    assert stands.changed == "live"
    live = [change.on for change in uses.history(hospital.engine, USECASE) if change.after == "live"]
    run = latest(hospital.runs, USECASE).id
    assert len([on for on in live if on.startswith(f"{run} trial:")]) == 5


def test_suggestions_wait_and_some_are_decided(hospital, made):
    page = hospital.review.worklist(now=NOW)  # of every use that speaks
    assert page.total == made.counts["open"] > 0
    assert made.counts["decided"] > 0
    assert made.counts["silent"] > 30
    assert all(item.display.patient and item.display.ward for item in page.items)


def test_all_that_was_silent_stayed_silent(hospital):
    assert {count.status for count in hospital.review.counts() if count.mode == "silent"} <= {
        "open",
        "expired",
    }


def test_the_validation_speaks_for_the_model_in_force_and_is_neither_poor_nor_perfect(hospital):
    run = latest(hospital.runs, USECASE)
    assert run is not None
    assert run.model == uses.current(hospital.engine, USECASE).model
    assert 0.74 <= run.performance.auroc.value <= 0.92


def test_what_was_broken_on_purpose_is_held_with_its_cause(hospital):
    found = set(causes(hospital.engine))
    assert {
        "wrong-unit",
        "unmapped-value",
        "future-date",
        "bad-value",
        "out-of-range",
        "column-count",
    } <= found
    assert {"birth-date-conflict", "invalid-resource", "malformed", "undecodable"} <= found


def test_a_person_of_the_records_finds_doubtful_pairs_and_nobody_was_merged(hospital):
    found = {each.rule: each for each in identity.pairs(hospital.engine) if "P000" in each.one + each.other}
    assert set(found) == {"R3", "R6", "R7", "R8"}
    assert identity.merges(hospital.engine) == []
    assert "merge_patients" in {
        str(right) for right in Right if people.get(hospital.engine, "bastin").may(right)
    }


def test_some_patients_refuse_and_the_model_was_learnt_before_they_said_so(hospital):
    refused = {each.kind: each.patients for each in consent.counts(hospital.lake, NOW)}
    assert refused["secondary"] > refused["suggestions"] > refused["care"] == 0
    found = consent.listed(hospital.lake, limit=1000)
    assert all(each.source.startswith("Consent/") for each in found)
    lake = hospital.lake
    first = min(version.received_at for version in lake.versions("Consent"))
    changed = audit.events(hospital.engine, action="use.model_changed", thing=USECASE)
    assert [each.at < first for each in changed] == [True]
    objecting = consent.excluded(lake, "suggestions", NOW)
    assert objecting.isdisjoint(item.subject for item in hospital.review.worklist(now=NOW, limit=1000).items)


def test_running_again_opens_what_is_there(made, home):
    again = demo.make_hospital(home)
    assert again.reused
    assert (again.made_at, again.counts) == (NOW, made.counts)


def test_the_demo_people_sign_in_only_where_the_data_is_synthetic(hospital):
    login = staff.DOCTOR.login
    assert people.sign_in_demo(hospital.engine, login, synthetic=hospital.settings.synthetic).role == "doctor"
    with pytest.raises(NotAllowed):
        people.sign_in_demo(hospital.engine, login, synthetic=False)


def test_there_is_a_person_for_each_role_of_the_loop_and_each_language():
    roles = [
        "doctor",
        "biologist",
        "dpo",
        "director",
        "engineer",
        "records",
        "doctor",
        "legal",
        "works_council",
    ]
    assert [member.role for member in staff.STAFF] == roles
    assert {member.language for member in staff.STAFF} == {"fr", "nl", "de", "en"}


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_is_not_a_synthetic_hospital_is_not_touched(tmp_path, fresh):
    kept = tmp_path / "thesis.txt"
    kept.write_text("years of work")
    with pytest.raises(NotAllowed):
        demo.make_hospital(tmp_path, fresh=fresh)
    assert kept.read_text() == "years of work"


def test_a_real_hospital_is_not_touched_even_when_asked_to_start_afresh(tmp_path):
    Settings(hospital="Real").save(tmp_path)
    with pytest.raises(NotAllowed):
        demo.make_hospital(tmp_path, fresh=True)
    assert Settings.load(tmp_path, {}).hospital == "Real"


def test_some_demo_people_have_done_their_courses_and_one_has_not(hospital):
    ready = academy.readiness(hospital.engine, USECASE, NOW)
    assert (ready.trained, ready.untrained) == (("delforge", "vermeulen"), ("lejeune",))
    taken = literacy.taken(hospital.engine, person="vermeulen")
    assert [each.passed for each in taken] == [True, False]
    page = next(each for each in academy.course(hospital, "use-urine", "fr").pages if each.key == "thousand")
    run = latest(hospital.runs, USECASE)
    row = page.table.rows[0]
    helped, left = (int(row[place]) for place in (2, 4))
    assert abs(helped + left - round(1000 * run.events / run.rows)) <= 1
