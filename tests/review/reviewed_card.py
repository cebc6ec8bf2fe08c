"""A small card with something to review, and two moments."""

from datetime import UTC, datetime, timedelta

from vesalius.card import Card, Option

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

WORDS = {
    "title": "Antibiotic", "purpose": "p", "population": "p", "not_for": "children", "action": "Start it",
    "target": "Positive culture", "option.start": "Start", "option.wait": "Wait", "option.none": "None",
    "reason.known": "Known case", "reason.other": "Another focus", "summary": "Start, {percent} %",
}  # fmt: skip

CARD = Card(
    name="urine",
    version="1.0",
    risk_class="test",
    reviewers=("doctor", "biologist"),
    inputs=(),
    options=(Option("start", "warning"), Option("wait"), Option("none")),
    override_reasons=("known", "other"),
    texts=dict.fromkeys(("fr", "nl", "de", "en"), WORDS),
)
