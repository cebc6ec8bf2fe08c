"""Consents by which patients refuse that their data is used for anything but their care."""

from vesalius.governance import consent


def refusal(patient, id_="", kind="secondary", **more):
    """A Consent of one patient, in force for ever unless it says otherwise."""
    provision = {"type": "deny", "purpose": [{"system": consent.OURS, "code": kind}]}
    return {
        "resourceType": "Consent", "id": id_ or f"no-{patient}", "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]}, "category": [{"coding": [{"code": "INFA"}]}],
        "patient": {"reference": f"Patient/{patient}"}, "provision": provision,
    } | more  # fmt: skip
