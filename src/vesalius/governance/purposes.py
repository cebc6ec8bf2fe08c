"""Why patient data is touched: the purpose of each right, as data beside the matrix of roles.

The codes are those of HL7 v3 PurposeOfUse (value set ``v3-PurposeOfUse`` of the code system
``http://terminology.hl7.org/CodeSystem/v3-ActReason``), which IHE BALP and FHIR ``AuditEvent.purposeOfEvent``
take. Every event about a patient says its purpose in ``detail["purpose"]``.

A right whose purpose is treatment asks for a care relation (Belgian law of 22 April 2019 on the quality of
practice, article 37: access only within a therapeutic relation, for care, as far as it is needed). A right
with another purpose asks for none: the role is the ground, and it is held narrow in the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from vesalius.errors import InvalidSetting, NotAllowed
from vesalius.governance.roles import Right

SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
"""The code system of the codes."""


class Purpose(StrEnum):
    """A purpose of use, by its code."""

    TREAT = "TREAT"
    """Treatment."""
    ETREAT = "ETREAT"
    """Emergency treatment: the glass was broken."""
    HQUALIMP = "HQUALIMP"
    """Improving the quality of care: validating and watching a use."""
    HOPERAT = "HOPERAT"
    """Running the hospital's services: feeds, imports, exports between its systems."""
    HSYSADMIN = "HSYSADMIN"
    """Looking after the system: what a feed sent and could not be understood, rows of a view."""
    RECORDMGT = "RECORDMGT"
    """Keeping the records: who is who."""
    HCOMPL = "HCOMPL"
    """Compliance: who looked at what, and whether they may."""
    PATRQT = "PATRQT"
    """The patient asked: erasure, an extract, who looked."""
    HRESCH = "HRESCH"
    """Research."""
    PUBHLTH = "PUBHLTH"
    """Public health."""
    HPAYMT = "HPAYMT"
    """Payment."""


CARING = frozenset({Purpose.TREAT, Purpose.ETREAT})
"""The purposes that ask for a care relation."""

PURPOSES: Mapping[Right, tuple[Purpose, ...]] = {
    Right.SEE_WORKLIST: (Purpose.TREAT,),
    Right.DECIDE: (Purpose.TREAT,),
    Right.EXPLAIN: (Purpose.TREAT, Purpose.PATRQT),
    Right.SEE_DECISIONS: (Purpose.TREAT,),
    Right.TAKE_ON: (Purpose.TREAT,),
    Right.BREAK_GLASS: (Purpose.ETREAT,),
    # Closed cases of a silent trial, for those who judge the tool: nobody is treated by it.
    Right.SEE_SILENT: (Purpose.HQUALIMP,),
    Right.SEE_QUARANTINE: (Purpose.HSYSADMIN, Purpose.HCOMPL),
    Right.RETRY_QUARANTINE: (Purpose.HSYSADMIN,),
    Right.SEE_IDENTITY: (Purpose.RECORDMGT, Purpose.HCOMPL),
    Right.MERGE_PATIENTS: (Purpose.RECORDMGT,),
    Right.RECORD_CONSENT: (Purpose.PATRQT, Purpose.RECORDMGT, Purpose.HCOMPL),
    Right.RUN_VIEWS: (Purpose.HSYSADMIN, Purpose.HQUALIMP, Purpose.HRESCH),
    Right.WRITE_VIEWS: (Purpose.HSYSADMIN,),
    Right.ERASE: (Purpose.PATRQT, Purpose.HCOMPL),
    Right.SEE_AUDIT: (Purpose.HCOMPL, Purpose.PATRQT),
    Right.REVIEW_ACCESS: (Purpose.HCOMPL,),
}
"""For each right under which a patient can be seen, why; the first one is meant where none is named."""


def purpose(right: str, wanted: str = "") -> Purpose | None:
    """The purpose of a right; None for one under which no patient is seen.

    Args:
        right: the right.
        wanted: one of its purposes, or empty for the first.

    Raises:
        InvalidSetting: there is no such right, or no such purpose.
        NotAllowed: the right does not serve that purpose.
    """
    if right not in Right.__members__.values():
        raise InvalidSetting(f"there is no right {right!r}", hint=", ".join(Right))
    known = PURPOSES.get(Right(right), ())
    if not wanted:
        return known[0] if known else None
    if wanted not in Purpose.__members__.values():
        raise InvalidSetting(f"there is no purpose {wanted!r}", hint=", ".join(Purpose))
    if wanted not in known:
        raise NotAllowed(f"{right} does not serve the purpose {wanted}", hint=", ".join(known))
    return Purpose(wanted)
