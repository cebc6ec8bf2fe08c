"""Who is trained for a use: passes, what ends them, readiness, and the requirement before deciding."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from vesalius.card import Card, Option
from vesalius.errors import InvalidSetting, Untrained
from vesalius.governance import audit, literacy, uses
from vesalius.governance.literacy import Requirement, Taken
from vesalius.review import Review
from vesalius.settings import Settings
from vesalius.store import reading
from vesalius.usecase import Suggestion

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CARD = Card(
    name="urine", version="1.0", risk_class="test", reviewers=("doctor",), inputs=(), options=(Option("start"),),
    override_reasons=(), settings=(),
)  # fmt: skip


class Urine:
    card = CARD


@pytest.fixture
def found(monkeypatch):
    monkeypatch.setattr(literacy, "find", lambda _: Urine)


def attempt(**changes):
    given = {
        "person": "doctor", "role": "doctor", "course": "use-urine", "version": "1.0", "model": "",
        "language": "fr", "course_hash": "c" * 64, "asked": 6, "right": 5, "passed": True, "at": NOON,
        "valid_until": NOON + timedelta(days=365),
    }  # fmt: skip
    return Taken(**given | changes)


def trained(engine, at=NOON + timedelta(days=1)):
    with reading(engine) as connection:
        return literacy.trained(connection, "urine", "doctor", at, CARD)


def test_an_attempt_is_kept_as_it_was_with_an_event_that_proves_it(engine, staff):
    literacy.keep(engine, attempt())
    literacy.keep(engine, attempt(passed=False, right=2, at=NOON - timedelta(hours=1)))
    assert literacy.taken(engine) == [attempt(), attempt(passed=False, right=2, at=NOON - timedelta(hours=1))]
    passed, failed = (audit.events(engine, action=f"course.{name}")[0] for name in ("passed", "failed"))
    assert (passed.actor, passed.object, passed.detail["content"]) == (
        "doctor",
        "use-urine",
        attempt().content,
    )
    assert failed.detail["right"] == 2
    with reading(engine) as connection:
        kept = connection.execute(sa.select(literacy.record.c.content)).scalars().all()
    assert kept[0] == attempt().content


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"passed": False}, False),
        ({"version": "0.9"}, False),
        ({"model": "d" * 64}, False),
        ({"course": "use-other"}, False),
        ({"person": "nurse"}, False),
        ({"valid_until": NOON + timedelta(days=1)}, False),
        ({"valid_until": NOON + timedelta(days=1, microseconds=1)}, True),
    ],
)
def test_only_a_valid_pass_of_this_version_and_model_counts(engine, staff, changes, holds):
    literacy.keep(engine, attempt(**changes))
    assert trained(engine) is holds


def test_another_model_ends_every_pass(engine, staff):
    literacy.keep(engine, attempt())
    uses.set_model(engine, "urine", "d" * 64, staff["engineer"], reason="retrained")
    assert not trained(engine)
    literacy.keep(engine, attempt(model="d" * 64))
    assert trained(engine)


def test_readiness_counts_those_who_may_decide_and_nobody_else(engine, staff, found):
    literacy.keep(engine, attempt())
    literacy.keep(engine, attempt(person="nurse"))
    ready = literacy.readiness(engine, "urine", NOON)
    assert (ready.trained, ready.untrained, ready.total, ready.share) == (("doctor",), ("doctor2",), 2, 0.5)


def test_where_nobody_may_decide_nobody_is_ready(engine, found):
    assert literacy.readiness(engine, "urine", NOON).share == 0.0


@pytest.fixture
def decide(engine, staff):
    def make(settings, **given):
        review = Review(engine, audit.record, cards=lambda _: CARD, requirement=Requirement(settings))
        suggestion = Suggestion(
            usecase="urine", version="1.0", model="a" * 64, settings="b" * 64, subject="Patient/1",
            focus="Specimen/1", as_of=NOON, position=7, option="start", indicator="warning",
            summary=None, priority=0.5, probability=0.8, interval=(0.7, 0.9), reasons=(),
        )  # fmt: skip
        review.file([suggestion], "live", NOON)
        kept = {"by": "doctor", "role": "doctor", "at": NOON} | given
        return review, suggestion.id, lambda: review.decide(suggestion.id, "accepted", **kept)

    return make


def test_who_is_not_trained_is_refused_and_told_where_to_learn_it_where_a_course_is_required(engine, decide):
    review, identifier, go = decide(Settings(require_course="require"))
    with pytest.raises(Untrained, match="/academy/courses/use-urine") as caught:
        go()
    assert caught.value.course == "use-urine"
    assert review.get(identifier).status == "open"
    assert not audit.events(engine, action="suggestion.decided")
    literacy.keep(engine, attempt())
    go()
    assert review.get(identifier).status == "accepted"
    assert "untrained" not in audit.events(engine, action="suggestion.decided")[0].detail


def test_where_it_only_warns_the_decision_stands_and_its_event_says_so(engine, decide):
    _, _, go = decide(Settings(require_course="require", require_course_uses={"urine": "warn"}))
    go()
    assert audit.events(engine, action="suggestion.decided")[0].detail["untrained"] is True


def test_a_hospital_that_asks_nothing_notes_nothing(engine, decide):
    _, _, go = decide(Settings())
    go()
    assert "untrained" not in audit.events(engine, action="suggestion.decided")[0].detail


def test_a_single_use_can_ask_for_more_than_the_hospital(tmp_path):
    (tmp_path / "vesalius.toml").write_text(
        'require_course = "warn"\n[require_course_uses]\nurine = "require"\n'
    )
    settings = Settings.load(tmp_path, {})
    assert literacy.strictness(settings, "urine") == "require"
    assert literacy.strictness(settings, "readmission") == "warn"
    (tmp_path / "vesalius.toml").write_text('[require_course_uses]\nurine = "maybe"\n')
    with pytest.raises(InvalidSetting, match="require_course_uses"):
        Settings.load(tmp_path, {})


def test_the_content_of_a_record_changes_with_every_field():
    other = replace(attempt(), right=6)
    assert other.content != attempt().content
