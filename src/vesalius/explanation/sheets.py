"""One sheet of one hospital: what is kept is read, the sheet is made, and the audit notes it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from vesalius.errors import Erased, NotFound, UnreadableInput
from vesalius.explanation import composing
from vesalius.explanation.composing import Facts
from vesalius.explanation.document import Sheet
from vesalius.governance import audit, people
from vesalius.governance.access import Grant
from vesalius.governance.people import Person
from vesalius.governance.purposes import Purpose
from vesalius.governance.roles import Right, Role
from vesalius.hospital import Hospital
from vesalius.lake import Lake
from vesalius.review import Filed
from vesalius.usecase import find

if TYPE_CHECKING:
    from vesalius.evaluation import Run

log = logging.getLogger(__name__)


def sheet(
    hospital: Hospital,
    identifier: str,
    language: str,
    *,
    by: Person | None = None,
    kind: str = "page",
    at: datetime | None = None,
) -> Sheet:
    """The sheet of a suggestion, for its patient; the audit notes that it was made.

    Args:
        hospital: an open hospital.
        identifier: of the suggestion.
        language: fr, nl, de or en.
        by: who asks; None for somebody at the command line of the server.
        kind: as what it is made (``page``, ``html``, ``pdf``), for the audit.
        at: when.

    Raises:
        NotFound: there is no such suggestion.
        InvalidSetting: there are no sheets in that language.
        NotAllowed: the person's role does not permit it.
        OutsideCare: the person treats, and not this patient.
        Erased: what it was made from was erased on request.
    """
    filed = hospital.review.get(identifier)
    if filed.erased is not None:
        raise Erased(f"suggestion {identifier} was emptied by an erasure: nothing is left to explain")
    grant = allowed(hospital, filed, by, at) if by is not None else None
    made = composing.compose(_facts(hospital, filed), language)
    detail = {"subject": filed.subject, "language": language, "kind": kind, "purpose": str(Purpose.PATRQT)}
    actor = by.id if by is not None else audit.SYSTEM
    told = detail | (grant.detail if grant is not None else {})
    audit.record(hospital.engine, actor, audit.Action.SUGGESTION_EXPLAINED, filed.id, told, at)
    return made


def allowed(hospital: Hospital, filed: Filed, person: Person, at: datetime | None = None) -> Grant:
    """That a person may make the sheet.

    Who keeps the records or protects data does so at the patient's request; others because they treat them.

    Raises:
        NotAllowed: the person's role does not permit it.
        OutsideCare: the person has no care relation with the patient.
    """
    asked = not {Role.RECORDS, Role.DPO}.isdisjoint(person.roles)
    wanted = Purpose.PATRQT if asked else Purpose.TREAT
    return hospital.access.require(person, Right.EXPLAIN, filed.subject, wanted=wanted, at=at)


def notice(hospital: Hospital, usecase: str, language: str) -> Sheet:
    """The notice of a use, for all patients of its wards.

    Raises:
        NotFound: no such use is installed.
        InvalidSetting: there are no notices in that language.
    """
    card, run = find(usecase).card, _run(hospital, usecase)
    settings = hospital.settings
    day = run.last[:10] if run is not None else "1970-01-01"
    return composing.notice(
        card, language, settings.hospital, run=run, contact=settings.explain_contact, day=day
    )


def _facts(hospital: Hospital, filed: Filed) -> Facts:
    run, settings = _run(hospital, filed.usecase), hospital.settings
    return Facts(
        filed=filed,
        card=find(filed.usecase).card,
        hospital=settings.hospital,
        who=_name(hospital, filed) if settings.explain_names else "",
        known_at=_known_at(
            hospital.lake, (each for reason in filed.suggestion.reasons for each in reason.sources)
        ),
        run=run if run is not None and run.model == filed.model else None,
        contact=settings.explain_contact,
        synthetic=settings.synthetic,
    )


def _run(hospital: Hospital, usecase: str) -> Run | None:
    from vesalius.evaluation import latest

    try:
        return latest(hospital.runs, usecase) if hospital.runs.is_dir() else None
    except UnreadableInput as error:  # a damaged run must not keep a patient from an explanation
        log.warning("validation run not used: %s", error)
        return None


def _name(hospital: Hospital, filed: Filed) -> str:
    if filed.decision is None:
        return ""
    try:
        return people.get(hospital.engine, filed.decision.by).name
    except NotFound:  # the account is gone: the role still says who it was
        return ""


def _known_at(lake: Lake, references: Iterable[str]) -> dict[str, datetime]:
    found = {}
    for reference in dict.fromkeys(references):
        try:
            version = lake.read(reference)
        except NotFound:
            continue
        if version is not None:
            found[reference] = version.recorded_at
    return found
