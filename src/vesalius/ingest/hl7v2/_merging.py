"""Patients merged, renamed and unlinked (A18, A34, A40, A47 …; A37): what the identity of patients follows.

The patient of MRG-1 is given up: not active, and replaced by the one of PID, who says that he replaces him.
Here it is only said in FHIR; what comes of it, and how it is undone, is for the identity of patients.
"""

from __future__ import annotations

from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest.hl7v2._run import REFERENCE, Draft, Run

UNLINKED = "unlinked"


def merged(run: Run, merging: str) -> None:
    """Says which patient replaces which, or that two are not the same.

    Raises:
        FaultError: the message does not name both.
    """
    if merging == UNLINKED:
        apart = [draft for draft in run.drafts if draft.type == "Patient" and draft.segment.name == "PID"]
        if len(apart) < 2:
            raise FaultError(Cause.MISSING_VALUE, "two PID segments are needed to unlink patients")
        for draft in apart:
            draft.resource["active"] = True  # without a link it takes a merge back; an update says neither
        return
    patients = [draft for draft in run.drafts if draft.type == "Patient" and draft.said]
    given_up = [draft for draft in patients if draft.segment.name == "MRG"]
    if not given_up:
        raise FaultError(Cause.MISSING_VALUE, "MRG-1 does not name the patient that is given up")
    for old in given_up:
        survivor = _survivor(run, old)
        if survivor is None:
            raise FaultError(Cause.MISSING_VALUE, "PID does not name the patient that remains")
        if _numbers(old) & _numbers(survivor):
            raise FaultError(Cause.CONFLICTING_ROW, "MRG-1 and PID-3 hold the same number")
        old.resource["active"] = False
        old.resource["link"] = [{"other": {REFERENCE: survivor}, "type": "replaced-by"}]
        survivor.resource.setdefault("link", []).append({"other": {REFERENCE: old}, "type": "replaces"})


def _survivor(run: Run, old: Draft) -> Draft | None:
    """The patient of the PID that MRG belongs to: the last before it."""
    before = [
        draft
        for draft in run.drafts
        if draft.type == "Patient" and draft.segment.name == "PID" and draft.ordinal < old.ordinal
    ]
    return before[-1] if before else None


def _numbers(patient: Draft) -> set[tuple[str, str]]:
    found = patient.resource.get("identifier", [])
    return {(each.get("system", ""), each["value"]) for each in found if "value" in each}
