"""What holds a gate beside its signatures: duties that the law asks for by now, and the training of those who decide."""

from datetime import UTC, date, datetime, timedelta

import pytest
from kept_runs import keep
from test_gates import CARE, do, put

from vesalius.card import Card
from vesalius.errors import InvalidSetting, NotAllowed
from vesalius.governance import care, evidence, literacy, register, rulebook, uses
from vesalius.governance.literacy import Taken
from vesalius.governance.register import obligations

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CARD = Card(
    name="urine",
    version="1.0",
    risk_class="test",
    reviewers=("doctor",),
    inputs=(),
    options=(),
    override_reasons=(),
)
OWN = rulebook.own("gates").decode()


@pytest.fixture
def answered(engine, staff):
    uses.answer(engine, "urine", CARE, staff["legal"], reason="read", at=NOW)
    return engine


def found(engine, at=NOW):
    return uses.evidence_of(engine, "urine", uses.gate(engine, "urine", at), at)


def say(engine, staff, duty, **rest):
    register.obligations.say(
        engine, "urine", duty, staff["dpo"], **{"state": "done", "note": "x", "at": NOW} | rest
    )


def sign(engine, who, despite=""):
    return uses.sign(engine, "urine", who, reason="agreed", despite=despite, at=NOW)


def test_an_open_duty_holds_the_gate_until_it_is_done_set_aside_or_owned(answered, staff):
    for duty in found(answered).duties:
        assert (duty.met, duty.strict) == (False, False)
    with pytest.raises(InvalidSetting, match="duty:GDPR-35"):
        sign(answered, staff["dpo"])
    say(answered, staff, "GDPR-35")
    say(answered, staff, "GDPR-6-9", state="not_applicable", note="no data of persons")
    say(answered, staff, "GDPR-30", state="open", note="")
    assert found(answered).lacks == ("duty:GDPR-30",)  # nobody said until when
    say(answered, staff, "GDPR-30", state="open", note="", due=date(2026, 5, 1))
    assert found(answered).lacks == ()
    assert sign(answered, staff["dpo"]).state == "data_approved"


def test_a_day_is_not_enough_for_what_must_be_done(answered, staff):
    say(answered, staff, "GDPR-35", state="open", note="", due=date(2026, 5, 1))
    assert "duty:GDPR-35" in found(answered).lacks


def test_a_duty_that_does_not_apply_holds_nothing_and_one_of_a_later_law_not_yet(answered, staff):
    assert "GDPR-28" not in {each.obligation.duty.id for each in found(answered).duties}  # no processor
    do(answered, staff, "data_approved")
    for who in ("dpo", "engineer", "doctor", "director"):
        sign(answered, staff[who], "a test")
    held = {each.obligation.duty.id: each for each in found(answered).duties}
    assert (held["AIA-26-7"].obligation.state, held["AIA-26-7"].met) == ("open", True)  # from 2028-08-02
    assert not held["AIA-4"].met  # from 2025-02-02


def test_a_law_holds_the_gate_from_the_day_it_begins(answered, staff):
    for who in ("dpo", "engineer", "doctor", "director"):
        sign(answered, staff[who], "a test")
    begins = obligations.read_rules(rulebook.own("obligations")).duties
    day = next(each.begins for each in begins if each.id == "AIA-26-7")
    assert day == date(2028, 8, 2)
    with answered.connect() as connection:
        rules = rulebook.gate_rules(connection).duties("live")
        life = uses.life(connection, "urine", NOW)
        on = [evidence._duties(connection, life, rules, day + timedelta(days=n)) for n in (-1, 0)]
    assert [next(e.met for e in each if e.obligation.duty.id == "AIA-26-7") for each in on] == [True, False]


def test_a_strict_duty_lets_nobody_sign_whatever_their_reason(answered, staff, tmp_path):
    put(tmp_path, OWN.replace('owned = ["GDPR-30"]', 'owned = ["GDPR-30"]\nstrict = ["GDPR-35"]'))
    rulebook.adopt(answered, tmp_path, NOW)
    with pytest.raises(NotAllowed, match="GDPR-35 must be done"):
        sign(answered, staff["dpo"], "we are in a hurry")
    assert uses.gate(answered, "urine", NOW).signed == {}
    say(answered, staff, "GDPR-35")
    assert sign(answered, staff["dpo"], "the rest is under way").state == "data_approved"


def test_a_file_that_says_nothing_of_duties_keeps_those_of_the_platform_and_an_empty_table_drops_them(
    answered, staff, tmp_path
):
    silent = "\n".join(
        line for line in OWN.splitlines() if not line.startswith(("[gates.data_approved.d", "done", "owned"))
    )
    put(tmp_path, silent.replace("[gates.live.duties]", ""))
    rulebook.adopt(answered, tmp_path, NOW)
    assert "duty:GDPR-35" in found(answered).lacks
    put(tmp_path, silent.replace("[gates.live.duties]", "[gates.data_approved.duties]"))
    rulebook.adopt(answered, tmp_path, NOW)
    assert (found(answered).lacks, found(answered).duties) == ((), ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"GDPR-28"', '"GDPR-99"'),
        ('owned = ["GDPR-30"]', 'strict = ["GDPR-30"]'),
        ('owned = ["GDPR-30"]', "owned = 3"),
        ("[gates.silent]", "[gates.live.training]\nshare = 1.5\n[gates.silent]"),
        ("[gates.silent]", "[gates.live.training]\nunits = []\n[gates.silent]"),
    ],
)
def test_a_wrong_table_is_told_and_changes_nothing(answered, tmp_path, old, new):
    assert old in OWN
    put(tmp_path, OWN.replace(old, new, 1))
    with pytest.raises(InvalidSetting, match="gates"):
        rulebook.adopt(answered, tmp_path, NOW)
    assert rulebook.adopt(answered, tmp_path / "empty", NOW) == []


@pytest.mark.parametrize(
    ("share", "units", "met"),
    [(0.5, [], True), (0.6, [], False), (1.0, ["URO"], True), (0.1, ["ICU"], False)],
)
def test_the_gate_to_live_waits_until_enough_of_those_who_decide_have_the_course(
    answered, staff, tmp_path, monkeypatch, share, units, met
):
    monkeypatch.setattr(literacy, "find", lambda _: type("Urine", (), {"card": CARD}))
    care.set_units(answered, "doctor", ["URO"], at=NOW)
    literacy.keep(
        answered,
        Taken(
            "doctor",
            "doctor",
            "use-urine",
            "1.0",
            "",
            "fr",
            "0" * 64,
            5,
            5,
            True,
            NOW,
            NOW + timedelta(days=300),
        ),
    )
    keep(answered, NOW)
    for who in ("dpo", "engineer", "doctor", "director"):
        sign(answered, staff[who], "a test")
    assert found(answered).training.ready.share == 0.5  # shown, and asked for by nobody
    assert "training" not in found(answered).lacks
    put(tmp_path, f"{OWN}\n[gates.live.training]\nshare = {share}\nunits = {units}\n")
    rulebook.adopt(answered, tmp_path, NOW)
    assert ("training" not in found(answered).lacks) is met
