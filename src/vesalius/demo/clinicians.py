"""How the demo people decide on what the tool suggests: mostly as it says, sometimes otherwise, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from vesalius.demo.staff import BIOLOGIST, DOCTOR
from vesalius.hospital import Hospital
from vesalius.review.records import Action, Filed

ACTIONS: Mapping[Action, float] = {"accepted": 0.68, "overridden": 0.16, "modified": 0.10, "deferred": 0.06}
SHARE = 0.3
"""The share of a turn's suggestions that is decided soon; the others wait, expire or are for the visitor."""

WORDS = {
    "clinical_picture": "État général altéré, frissons : je traite sans attendre.",
    "other_infection": "Pneumonie sous antibiotique, le germe urinaire attendra.",
    "already_treated": "",
    "bad_sample": "Staal na 4 uur op kamertemperatuur: nieuw staal gevraagd.",
    "patient_choice": "",
}
OTHER = {"start": "wait", "wait": "start", "none": "wait", "refer": "wait"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision to be: what, why, in which words, and which option instead."""

    action: Action
    reason: str = ""
    words: str = ""
    option: str = ""
    until: datetime | None = None


def choose(rng: Random, option: str, at: datetime) -> Choice:
    """What a demo clinician does with a suggestion of ``option``."""
    action = rng.choices(list(ACTIONS), list(ACTIONS.values()))[0]
    if action == "overridden":
        reason = rng.choice(sorted(WORDS))
        return Choice(action, reason, WORDS[reason])
    if action == "modified":
        return Choice(action, "clinical_picture", option=OTHER[option])
    if action == "deferred":
        return Choice(action, until=at + timedelta(hours=4))
    return Choice(action)


def decide_some(hospital: Hospital, usecase: str, rng: Random, since: datetime, now: datetime) -> None:
    """Decides on some of what was filed since a moment, before ``now``."""
    for filed in hospital.review.worklist(usecase=usecase, limit=500, now=now).items:
        at = filed.created_at + timedelta(minutes=rng.uniform(4, 55))
        if filed.created_at >= since and at < now and rng.random() < SHARE:
            _decide(hospital, rng, filed, at)


def _decide(hospital: Hospital, rng: Random, filed: Filed, at: datetime) -> None:
    choice = choose(rng, filed.option, at)
    member = BIOLOGIST if rng.random() < 0.3 else DOCTOR
    hospital.review.decide(
        filed.id,
        choice.action,
        by=member.login,
        role=member.role,
        reason=choice.reason,
        words=choice.words,
        option=choice.option,
        until=choice.until,
        at=at,
    )
