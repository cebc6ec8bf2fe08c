"""Suggestions of all three uses in every state of their review, and a run to speak of."""

from datetime import UTC, datetime, timedelta

from vesalius.card import LANGUAGES as LANGUAGES
from vesalius.card import Card, Text
from vesalius.explanation.composing import Facts
from vesalius.review import Decision, Display, Filed
from vesalius.usecase import Reason, Suggestion, encode, find

NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
USES = {
    "urine": ("start", (Reason("nitrite", "positive", 1.4, ("Observation/1/_history/1",)),), ("protein",)),
    "readmission": (
        "transition_bundle",
        (Reason("previous_inpatient", 3.0, 0.8, ("Encounter/1/_history/1",)), Reason("age", "age_80", -0.2)),
        ("hba1c",),
    ),
    "early-warning": (
        "urgent_review",
        (
            Reason("now_pulse", 128.0, 0.9, ("Observation/2/_history/1",)),
            Reason("news2_red", rule=Text("rule.news2_red", {"news2": "4", "source": "source.news2"})),
        ),
        ("now_temperature",),
    ),
}
STATES = ("open", "accepted", "modified", "overridden", "deferred", "expired")


def card(use: str) -> Card:
    return find(use).card


def filed(use: str, status: str = "accepted", mode: str = "live", **more) -> Filed:
    option, reasons, missing = USES[use]
    of = card(use)
    said = Suggestion(
        usecase=use, version=of.version, model=more.pop("model", "ab" * 32), subject="Patient/1", focus="Stay/1",
        as_of=NOON, position=1, option=more.pop("option", option), indicator="info", summary=Text("title"),
        probability=more.pop("probability", 0.23), interval=more.pop("interval", (0.15, 0.31)),
        reasons=more.pop("reasons", reasons), missing=tuple(each for each in missing if each),
    )  # fmt: skip
    decided = () if status in ("open", "expired") else (decision(use, status, said),)
    return Filed(
        id=said.id, usecase=use, version=said.version, model=said.model, settings="", subject=said.subject,
        focus=said.focus, as_of=NOON, position=1, option=said.option, indicator="info", priority=0.5,
        probability=said.probability, mode=mode, status=status, revision=1, created_at=NOON, deferred_until=None,
        closed_at=None, display=Display("Lambert, Hélène", "1948-03-11", "Urologie", "26000001"),
        body=encode(said), decisions=decided,
    )  # fmt: skip


def decision(use: str, action: str, said: Suggestion) -> Decision:
    of = card(use)
    other = next(option.code for option in of.options if option.code != said.option)
    reason = of.override_reasons[0] if action == "overridden" else ""
    return Decision(
        1, said.id, action, "delforge", "doctor", reason, "Peeters told me", other if action == "modified" else "",
        None, NOON + timedelta(hours=1),
    )  # fmt: skip


def facts(use: str, status: str = "accepted", *, run=None, who: str = "", **more) -> Facts:
    known = {f"Observation/{number}/_history/1": NOON - timedelta(days=1) for number in (1, 2)}
    return Facts(
        filed(use, status, **more),
        card(use),
        "Clinique Sainte-Ode",
        who,
        known,
        run,
        "Médiation, 063 00 00 00",
    )
