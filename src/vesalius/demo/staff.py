"""The demo people: who can sign in to the synthetic hospital, and what they sign.

They have no password and exist only where ``settings.synthetic`` is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from vesalius import academy
from vesalius.governance import care, literacy, people, uses
from vesalius.governance.people import Person
from vesalius.hospital import Hospital


@dataclass(frozen=True, slots=True)
class Member:
    """One demo person: what they sign in with, their name, role, preferred language and units."""

    login: str
    name: str
    role: str
    language: str
    units: tuple[str, ...] = ()


# All wards, so that a visitor finds the whole worklist; the paediatrician sees one ward alone.
DOCTOR = Member("delforge", "Dr Camille Delforge", "doctor", "fr", ("*",))
PAEDIATRICIAN = Member("lejeune", "Dr Jonas Lejeune", "doctor", "fr", ("Location/PED",))
BIOLOGIST = Member("vermeulen", "Apr. Pieter Vermeulen", "biologist", "nl", ("*",))
DPO = Member("theissen", "Birgit Theissen", "dpo", "de")
DIRECTOR = Member("marchal", "Antoine Marchal", "director", "fr")
ENGINEER = Member("segers", "Lotte Segers", "engineer", "en")
RECORDS = Member("bastin", "Sarah Bastin", "records", "fr")
LEGAL = Member("wauters", "Mr. An Wauters", "legal", "nl")
COUNCIL = Member("lambrecht", "Hugo Lambrecht", "works_council", "fr")

STAFF = (DOCTOR, BIOLOGIST, DPO, DIRECTOR, ENGINEER, RECORDS, PAEDIATRICIAN, LEGAL, COUNCIL)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature on the way of a use to the bedside: who gives it, and the words that are kept with it."""

    member: Member
    reason: str


DATA = (
    Signature(
        DPO, "Zweck, Rechtsgrundlage und Daten geprüft; nur Labor- und Aufenthaltsdaten, keine Weitergabe."
    ),
)
DATA_STAYS = (
    Signature(
        DPO, "Zweck, Rechtsgrundlage und Daten geprüft: Aufenthalte, Diagnosen, Arzneimittel, Befunde."
    ),
)
SHIPPED = (
    Signature(ENGINEER, "The shipped model and its report agree; it was not validated on our own patients."),
    Signature(
        BIOLOGIST, "Verslag van het meegeleverde model gelezen: eerst in stilte, op onze eigen ontslagen."
    ),
)
VALIDATED = (
    Signature(ENGINEER, "Cross-validation on our own history reviewed; the model file and its report agree."),
    Signature(
        BIOLOGIST, "Rapport nagekeken met het laboratorium: kalibratie en gemiste positieven aanvaardbaar."
    ),
)
SILENT = (
    Signature(DIRECTOR, "Essai silencieux de quatre semaines autorisé, sans aucun affichage aux soignants."),
)
LIVE = (
    Signature(
        DIRECTOR, "Résultats de l'essai silencieux présentés au comité ; ouverture aux services pilotes."
    ),
    Signature(DPO, "Folgenabschätzung ergänzt; die Patienten sind informiert."),
    Signature(LEGAL, "Regime en plichten nagekeken; het dossier is volledig voor deze stap."),
    Signature(COUNCIL, "Le conseil d’entreprise a été informé par écrit avant toute utilisation."),
    Signature(DOCTOR, "Accord des services : l'outil propose, le médecin décide."),
)

MODEL_REASON = "Learnt from our own history."
DESPITE = "Hôpital fictif : la démonstration va plus vite que la preuve."
SETTINGS_REASON = "Drempels gekozen op de pagina die toont wat elke drempel mist."


def hire(engine: sa.Engine, at: datetime) -> None:
    """Adds the demo people."""
    for member in STAFF:
        people.add(engine, member.login, name=member.name, role=member.role, language=member.language, at=at)
        care.set_units(engine, member.login, member.units, at=at)


def study(hospital: Hospital, name: str, at: datetime) -> None:
    """Some of the demo people take courses: one of them twice, one not at all."""
    course = literacy.course_of(name)
    attempts = (
        (DOCTOR, "bedside", 5), (DOCTOR, course, 5),
        (BIOLOGIST, course, 3), (BIOLOGIST, course, 6),
        (DPO, "oversight", 4), (ENGINEER, "oversight", 5),
    )  # fmt: skip
    for number, (member, taken, right) in enumerate(attempts):
        _attempt(hospital, member, taken, right, at + timedelta(minutes=7 * number))


def _attempt(hospital: Hospital, member: Member, course: str, right: int, at: datetime) -> None:
    who = person(hospital.engine, member)
    _, drawn = academy.current(hospital, who, course, member.language)
    answers = {
        asked.question.key: next(
            str(n) for n, each in enumerate(asked.answers) if each.right == (place < right)
        )
        for place, asked in enumerate(drawn.asked)
    }
    academy.take(hospital, who, course, member.language, code=drawn.code, answers=answers, at=at)


def person(engine: sa.Engine, member: Member) -> Person:
    """The account of a demo person."""
    return people.get(engine, member.login)


def sign(
    engine: sa.Engine,
    name: str,
    signatures: tuple[Signature, ...],
    at: datetime,
    despite: str = DESPITE,
) -> None:
    """Signs the open gate of the use ``name``, one person after the other.

    Args:
        engine: the hospital's database.
        name: the use case.
        signatures: who signs, and why.
        at: when.
        despite: why they sign where the evidence is not all there.
    """
    for signature in signatures:
        who = person(engine, signature.member)
        uses.sign(engine, name, who, reason=signature.reason, despite=despite, at=at)
