"""What a Consent refuses, against a slow plain reading of its JSON, and at the edges."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.governance._provisions import PURPOSES, Kind, Reason, refusals

DAYS = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 9)]


def consent(provision=None, *, status="active", scope="patient-privacy", rule=""):
    made = {"resourceType": "Consent", "status": status, "scope": {"coding": [{"code": scope}]}}
    if rule:
        made["policyRule"] = {"coding": [{"code": rule}]}
    if provision is not None:
        made["provision"] = provision
    return made


def refused(resource, kind, at):
    found = refusals(json.dumps(resource).encode())
    return any(each.kind == kind and each.begins <= at < each.ends for each in found)


def kinds_of(resource):
    return {each.kind: each.reason for each in refusals(json.dumps(resource).encode())}


# The slow plain reading: one kind, one moment, no intervals.
def plainly(node, kind, at, base):
    period = node.get("period", {})
    if "start" in period and at < datetime.fromisoformat(period["start"]):
        return None
    if "end" in period and at > datetime.fromisoformat(period["end"]):
        return None
    codes = [each["code"] for each in node.get("purpose", [])]
    if codes and kind not in [PURPOSES[code] for code in codes]:
        return None
    answers = [plainly(each, kind, at, "") for each in node.get("provision", [])]
    if "deny" in answers:
        return "deny"
    if "permit" in answers:
        return "permit"
    said = node.get("type", base)
    return None if said == "permit" and "class" in node and base == "" else said or None


moments = st.sampled_from([day.isoformat() for day in DAYS])
periods = st.one_of(
    st.none(),
    st.builds(lambda a, b: {"start": min(a, b), "end": max(a, b)}, moments, moments),
    st.builds(lambda a: {"start": a}, moments),
)
purposes = st.lists(st.sampled_from(["TREAT", "HRESCH", "PUBHLTH", "HPAYMT"]), max_size=2)


def node(inner):
    def made(kind, period, codes, provisions, narrow):
        found = {"type": kind}
        if period:
            found["period"] = period
        if codes:
            found["purpose"] = [{"code": code} for code in codes]
        if provisions:
            found["provision"] = provisions
        if narrow:
            found["class"] = [{"code": "x"}]
        return found

    return st.builds(made, st.sampled_from(["permit", "deny"]), periods, purposes, inner, st.booleans())


trees = st.recursive(node(st.just([])), lambda some: node(st.lists(some, max_size=3)), max_leaves=8)


@settings(max_examples=60)
@given(st.sampled_from(["OPTIN", "OPTOUT"]), st.lists(trees, max_size=3), periods)
def test_the_intervals_of_any_tree_say_what_a_plain_reading_of_it_says_at_every_moment(rule, inner, period):
    root = {"provision": inner} | ({"period": period} if period else {})
    resource = consent(root, rule=rule)
    base = "permit" if rule == "OPTIN" else "deny"
    for day in DAYS:
        for at in (day, day - timedelta(hours=1), day + timedelta(microseconds=1)):
            for kind in Kind:
                assert refused(resource, kind, at) == (plainly(root, kind, at, base) == "deny")


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "inactive", "entered-in-error"])
def test_a_consent_that_is_not_in_force_refuses_nothing(status):
    assert kinds_of(consent({"type": "deny"}, status=status)) == {}


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (consent(status="unheard-of"), Reason.FORM),
        (consent(), Reason.POLICY),
        (consent({"type": "deny", "period": {"start": "soon"}}), Reason.FORM),
        (consent({"type": "deny", "period": {"start": "2026-02-01", "end": "2026-01-01"}}), Reason.FORM),
        (consent({"type": "permit", "provision": [{}]}), Reason.FORM),
        (consent({"type": "permit", "modifierExtension": [{"url": "urn:x"}]}), Reason.FORM),
        (consent({"type": "deny", "purpose": [{"code": "UNHEARD"}]}), Reason.PURPOSE),
        (consent({"type": "permit", "actor": [{"role": {}}]}), Reason.PART),
        (consent({"type": "deny", "code": [{"text": "x"}]}), Reason.PART),
        (consent({"type": "deny"}, scope="unheard-of"), Reason.PURPOSE),
        ([1], Reason.FORM),
    ],
)
def test_what_cannot_be_read_refuses_everything_and_says_why(resource, reason):
    assert kinds_of(resource) == dict.fromkeys(Kind, reason)


def test_the_scope_and_the_purpose_say_what_is_refused():
    assert set(kinds_of(consent({"type": "deny"}, scope="research"))) == {Kind.SECONDARY}
    assert set(kinds_of(consent({"type": "deny"}, scope="treatment"))) == {Kind.CARE}
    assert kinds_of(consent({"type": "deny"}, scope="adr")) == {}
    assert kinds_of(consent({"type": "deny", "purpose": [{"code": "HPAYMT"}]})) == {}
    ours = {"type": "deny", "purpose": [{"system": "urn:vesalius:consent", "code": "suggestions"}]}
    assert kinds_of(consent(ours)) == {Kind.SUGGESTIONS: Reason.REFUSED}
