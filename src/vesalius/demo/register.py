"""The register of the demo: what its uses are in law, some duties done, and a bought system."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from vesalius.demo import staff
from vesalius.governance import register, uses
from vesalius.governance.register import Entry
from vesalius.usecase import installed

CARE = {
    "origin": "in_house", "purpose": "care", "ce_class": "none", "prohibited": "no", "persons": "yes",
    "personal_data": "yes", "workers": "yes", "public": "yes", "generates": "no", "processor": "no",
    "secondary": "no", "legacy": "no",
}  # fmt: skip
"""What the uses of the demo are: made here, for care."""

HOLTER = Entry(
    name="holter",
    title="Cardioscope Holter 3 (fictif)",
    maker="Cardioscope SA (fictif)",
    purpose="Détecte la fibrillation auriculaire sur un enregistrement de 24 heures.",
    ce_class="IIa",
    version="3.2",
    device="Device/holter",
    instructions="https://example.org/cardioscope/notice",
    owner=staff.ENGINEER.login,
)

ANSWERS_REASON = "Vragenlijst ingevuld met de functionaris voor gegevensbescherming."
DONE = {
    "GDPR-30": "Zeile im Verzeichnis der Verarbeitungen eingetragen.",
    "GDPR-35": "Folgenabschätzung geschrieben, Rat des Beauftragten angehängt.",
    "AIA-26-7": "Note au conseil d’entreprise, point 4 de sa séance.",
}
"""Duties that the demo's people say are done."""


def fill(engine: sa.Engine, at: datetime) -> None:
    """Answers the questionnaires, registers the bought system, and says how some duties stand."""
    legal, engineer, dpo = (staff.person(engine, each) for each in (staff.LEGAL, staff.ENGINEER, staff.DPO))
    for name in installed():
        uses.answer(engine, name, CARE, legal, reason=ANSWERS_REASON, at=at)
        for duty, note in DONE.items():
            register.obligations.say(engine, name, duty, dpo, state="done", note=note, at=at)
    register.keep_bought(engine, HOLTER, engineer, at=at)
    bought = CARE | {"origin": "bought", "ce_class": HOLTER.ce_class, "processor": "yes"}
    uses.answer(engine, HOLTER.name, bought, legal, reason=ANSWERS_REASON, at=at)
