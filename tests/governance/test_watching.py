"""What a hospital may declare about the watching of a use: within bounds, with a reason and a source."""

import math
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.card import Card, StopRule
from vesalius.errors import Conflict, InvalidSetting, NotAllowed
from vesalius.governance import audit, uses, watching
from vesalius.governance.watching import STOP_RULES, Watch, stop_rules

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def known(monkeypatch, urine):
    monkeypatch.setattr(watching, "find", uses.find)  # the small use that conftest puts there


def card(*rules):
    return Card("x", "1", "test", ("doctor",), (), (), (), stop_rules=rules)


def test_a_use_that_declares_nothing_has_the_platforms_rules():
    assert stop_rules(card()) == STOP_RULES
    assert all(rule.minimum >= 30 for rule in STOP_RULES)
    assert all(rule.low <= rule.limit <= rule.high for rule in STOP_RULES)


def test_a_card_replaces_a_rule_and_cannot_drop_one():
    own = StopRule("override", limit=0.5, strictest=0.3, loosest=0.6, minimum=80, days=14)
    found = stop_rules(card(own))
    assert own in found
    assert [rule.name for rule in found] == [rule.name for rule in STOP_RULES]


@given(st.floats(allow_nan=False, allow_infinity=True))
def test_whatever_was_declared_before_the_bound_in_force_is_one_that_the_rule_allows(limit):
    for rule in stop_rules(card(), Watch(limits={each.name: limit for each in STOP_RULES})):
        assert rule.low <= rule.limit <= rule.high


def test_nothing_is_declared_until_somebody_does(engine):
    assert watching.watching(engine, "urine") == Watch()


def test_a_change_is_kept_with_its_reason_and_the_audit_hears_of_it(engine, staff, known):
    watch = Watch(limits={"override": 0.5}, clinician_hours=16, hours_source="the roster of 2026")
    watching.declare(engine, "urine", watch, staff["biologist"], reason="board of 3 March", at=NOW)
    assert watching.watching(engine, "urine") == watch
    change = uses.history(engine, "urine")[0]
    assert (change.kind, change.by, change.reason) == ("rules", "biologist", "board of 3 March")
    assert change.after == watch.hash
    (event,) = audit.events(engine, action="use.rules_changed")
    assert event.detail == {"from": Watch().hash, "to": watch.hash, "content": change.content}


def test_a_change_voids_the_signatures_of_the_open_gate(engine, staff, signed, known):
    signed("dpo", "engineer")
    watching.declare(engine, "urine", Watch(limits={"feed": 0.8}), staff["director"], reason="r", at=NOW)
    assert uses.gate(engine, "urine").signed == {}


@pytest.mark.parametrize("name", ["doctor", "nurse", "dpo", "engineer", "legal"])
def test_only_who_may_change_settings_changes_a_rule(engine, staff, known, name):
    with pytest.raises(NotAllowed):
        watching.declare(engine, "urine", Watch(limits={"feed": 0.8}), staff[name], reason="r")


@pytest.mark.parametrize(
    ("watch", "words"),
    [
        (Watch(limits={"nothing": 1.0}), "no stop rule"),
        (Watch(limits={"override": 0.99}), "outside"),
        (Watch(limits={"override": math.nan}), "outside"),
        (Watch(clinician_hours=8), "say where"),
        (Watch(clinician_hours=0, hours_source="x"), "more than 0"),
        (Watch(clinician_hours=math.inf, hours_source="x"), "more than 0"),
        (Watch(minutes_saved=4, minutes_source="  "), "say where"),
        (Watch(minutes_saved=-4, minutes_source="x"), "more than 0"),
    ],
)
def test_what_is_out_of_bounds_or_without_a_source_is_refused(engine, staff, known, watch, words):
    with pytest.raises(InvalidSetting, match=words):
        watching.declare(engine, "urine", watch, staff["director"], reason="r")
    assert watching.watching(engine, "urine") == Watch()


def test_the_same_again_and_no_reason_are_refused(engine, staff, known):
    watch = Watch(limits={"feed": 0.8})
    with pytest.raises(InvalidSetting, match="say why"):
        watching.declare(engine, "urine", watch, staff["director"], reason=" ")
    watching.declare(engine, "urine", watch, staff["director"], reason="r")
    with pytest.raises(Conflict):
        watching.declare(engine, "urine", watch, staff["director"], reason="r")


def test_what_is_kept_reads_back_and_an_unknown_field_does_not_pass():
    body = msgspec.json.encode(Watch(limits={"feed": 0.8}, minutes_saved=3, minutes_source="s"))
    assert msgspec.json.decode(body, type=Watch).minutes_saved == 3
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"limit": {}}', type=Watch)
