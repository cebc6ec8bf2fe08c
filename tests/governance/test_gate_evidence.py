"""The gates find their evidence by themselves; what anybody else hands in, forges or lets grow old does not count."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from kept_runs import CLEAN, keep, made_up

from vesalius.dossier import beside
from vesalius.errors import Conflict, InvalidSetting, NotFound
from vesalius.evaluation.run import Checked
from vesalius.governance import audit, evidence, gates, uses, validations
from vesalius.governance.evidence import Trial
from vesalius.store import reading, writing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FOUND = Checked(
    detector="single_input", passed=False, found="too well", by="engineer", reason="it is the strip"
)


@pytest.fixture
def approved(engine, staff):
    uses.sign(engine, "urine", staff["dpo"], reason="agreed", despite="a test", at=NOW)
    return engine


def found(engine):
    return uses.evidence_of(engine, "urine", uses.gate(engine, "urine", NOW), NOW)


def sign(engine, who, **rest):
    return uses.sign(engine, "urine", who, reason="agreed", at=NOW, **rest)


def test_a_run_that_was_kept_is_found_and_kept_with_the_signature(approved, staff):
    name = keep(approved, NOW)
    assert found(approved).lacks == ()
    sign(approved, staff["engineer"], on=name)
    said = audit.events(approved, action="use.signed", limit=1)[0].detail
    kept = audit.events(approved, action="validation.kept")[0]
    assert said["evidence"] == {
        "validation": {"run": name, "event": kept.seq, "content": kept.detail["content"]}
    }
    assert "despite" not in said
    assert uses.history(approved, "urine")[0].on == name


def test_a_run_that_was_never_kept_is_refused_with_what_to_do(approved, staff):
    run = made_up()
    with pytest.raises(Conflict, match="vesalius validate"):
        sign(approved, staff["engineer"], on=run.id)
    with pytest.raises(InvalidSetting, match="lacks validation:"):
        sign(approved, staff["engineer"])
    keep(approved, NOW)
    another = made_up(events=101).id
    with pytest.raises(Conflict, match=f"read {run.id} first"):
        sign(approved, staff["engineer"], on=another, despite="I have it here")
    assert uses.gate(approved, "urine", NOW).signed == {}


def test_a_row_without_an_event_is_no_evidence(approved, staff):
    run = made_up()
    with writing(approved) as connection:
        table = sa.table("validation_run", *(sa.column(name) for name in ("usecase", "run", "body", "at")))
        row = {"usecase": "urine", "run": run.id, "body": run.to_bytes().decode(), "at": 0}
        connection.execute(sa.insert(table).values(row))
    assert found(approved).validation is None
    with pytest.raises(InvalidSetting, match="lacks validation:"):
        sign(approved, staff["engineer"])


def test_an_event_that_was_altered_is_not_heard(approved):
    keep(approved, NOW)
    with writing(approved) as connection:
        connection.execute(sa.text("DROP TRIGGER audit_event_no_update"))
        connection.execute(
            sa.text("UPDATE audit_event SET actor = 'nobody' WHERE action = 'validation.kept'")
        )
    assert found(approved).validation is None


@pytest.mark.parametrize(
    "change", ["UPDATE validation_run SET body = replace(body, '400', '900')", "DELETE FROM validation_run"]
)
def test_figures_that_were_altered_or_are_gone_are_no_evidence(approved, staff, change):
    name = keep(approved, NOW)
    with writing(approved) as connection:
        connection.execute(sa.text(change))
    assert found(approved).lacks == ("validation_altered",)
    (event,) = audit.events(approved, action="validation.kept")
    with reading(approved) as connection:
        said = [(event.seq, claim) for claim in beside.claimed(connection, event)]
        assert beside.compare(connection, event.object, said).events == (event.seq,)
    with pytest.raises(InvalidSetting, match="validation_altered"):
        sign(approved, staff["engineer"], on=name)
    assert keep(approved, NOW) == name  # kept again, it is what its event says
    assert found(approved).lacks == ()
    assert len(audit.events(approved, action="validation.kept")) == 1


@pytest.mark.parametrize(
    ("changes", "stale"),
    [
        ({"version": "0.9"}, ("version",)),
        ({"model": "e" * 64}, ("model",)),
        ({"settings": {"start_from": 0.3}}, ("settings",)),
    ],
)
def test_a_run_of_another_tool_is_stale(approved, staff, changes, stale):
    name = keep(approved, NOW, **changes)
    assert found(approved).validation.stale == stale
    with pytest.raises(InvalidSetting, match="validation_stale"):
        sign(approved, staff["engineer"], on=name)


def test_a_change_after_the_run_makes_it_stale_and_the_older_one_that_fits_is_found(
    approved, staff, monkeypatch
):
    fits = keep(approved, NOW, settings={"start_from": 0.3})
    keep(approved, NOW)
    uses.set_use_settings(approved, "urine", {"start_from": 0.3}, staff["biologist"], reason="x", at=NOW)
    assert (found(approved).validation.run, found(approved).lacks) == (fits, ())
    uses.set_model(approved, "urine", "d" * 64, staff["engineer"], reason="x", at=NOW)
    assert found(approved).validation.stale == ("model", "settings")
    monkeypatch.setattr(gates, "views_mark", lambda _: "another")
    assert found(approved).validation.stale == ("model", "views", "settings")


def test_the_run_of_the_model_that_a_use_ships_speaks_for_it(approved, monkeypatch):
    keep(approved, NOW, model="f" * 64)
    assert found(approved).lacks == ("validation_stale",)
    monkeypatch.setattr(validations, "_shipped", lambda _: "f" * 64)
    assert found(approved).lacks == ()


@pytest.mark.parametrize(
    ("checks", "lacks"),
    [((*CLEAN, FOUND), "validation_leaks"), ((), "validation_unlooked")],
)
def test_a_leak_that_somebody_let_pass_or_that_nobody_looked_for_takes_a_second_reason(
    approved, staff, checks, lacks
):
    keep(approved, NOW, checks=checks)
    assert found(approved).lacks == (lacks,)
    sign(approved, staff["engineer"], despite="the strip is read before")
    assert audit.events(approved, action="use.signed", limit=1)[0].detail["despite"] == [lacks]


def test_what_no_use_can_be_validated_for_is_not_kept(engine):
    with pytest.raises(NotFound):
        keep(engine, NOW, usecase="nothing")
    assert audit.events(engine, action="validation.kept") == []


def test_the_trial_is_asked_for_at_the_step_to_live_alone(approved, staff, monkeypatch):
    asked = []
    stands = [Trial("trial:0123456789abcdef:success", succeeded=True, event=7)]

    def trial(connection, found):
        asked.append(found.use.state)
        return stands[0]

    monkeypatch.setattr(evidence, "trials", {"silent": trial})
    keep(approved, NOW)
    sign(approved, staff["engineer"])
    sign(approved, staff["doctor"])
    sign(approved, staff["director"])
    assert asked == []
    assert found(approved).lacks == ("regime",)
    with pytest.raises(Conflict, match="read it first"):
        sign(approved, staff["director"], trial="trial:fedcba9876543210:success", despite="x")
    sign(approved, staff["director"], trial=stands[0].seal, despite="x")
    said = audit.events(approved, action="use.signed", limit=1)[0].detail
    assert said["evidence"]["trial"] == {"seal": stands[0].seal, "event": 7}
    stands[0] = Trial(altered=True)
    assert found(approved).lacks == ("trial_altered", "regime")
    monkeypatch.setattr(evidence, "trials", {})
    assert found(approved).lacks == ("trial", "regime")
