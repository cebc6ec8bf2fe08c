"""What fills each obligation: the events of the audit, or the facts that a person completes and signs."""

from __future__ import annotations

from collections.abc import Mapping

from vesalius.governance.audit import Action as Of

EVIDENCE: Mapping[str, tuple[Of, ...]] = {
    "AIA-4": (Of.COURSE_PASSED, Of.COURSE_FAILED),
    "AIA-10": (Of.VALIDATION_KEPT, Of.USE_HISTORY_READ, Of.DATA_RECEIVED, Of.VIEW_SAVED),
    "AIA-12": (Of.USE_TURNED, Of.SUGGESTION_READ, Of.SUGGESTION_DECIDED),
    "AIA-14": (Of.SUGGESTION_DECIDED, Of.SUGGESTION_UNDONE),
    "AIA-15": (Of.VALIDATION_KEPT, Of.TRIAL_REGISTERED, Of.TRIAL_LOOKED),
    "AIA-26-1": (Of.USE_TURNED, Of.USE_REOPENED),
    "AIA-26-2": (Of.USE_SIGNED, Of.COURSE_PASSED, Of.PERSON_ADDED, Of.PERSON_CHANGED),
    "AIA-26-4": (Of.DATA_RECEIVED, Of.QUARANTINE_MENDED, Of.ALARM_RAISED),
    "AIA-26-5": (Of.ALARM_RAISED, Of.ALARM_ACKNOWLEDGED),
    "AIA-26-6": (Of.AUDIT_READ, Of.LAKE_BACKED_UP, Of.USE_TURNED),
    "AIA-50": (Of.SUGGESTION_READ, Of.SUGGESTION_EXPLAINED),
    "AIA-72": (Of.ALARM_RAISED, Of.USE_RULES_CHANGED),
    "AIA-86": (Of.SUGGESTION_EXPLAINED,),
    "AIA-111": (Of.USE_MOVED, Of.USE_MODEL_CHANGED, Of.USE_SETTINGS_CHANGED),
    "GDPR-5-2": (Of.USE_SIGNED, Of.USE_MOVED, Of.SYSTEM_ANSWERED),
    "GDPR-13": (Of.SUGGESTION_EXPLAINED, Of.AUDIT_READ),
    "GDPR-22": (Of.SUGGESTION_DECIDED, Of.SUGGESTION_UNDONE),
    "GDPR-30": (Of.SYSTEM_ANSWERED, Of.DATA_RECEIVED, Of.EXPORT_ASKED),
    "GDPR-32": (Of.PERSON_SIGNED_IN, Of.PERSON_REFUSED, Of.ACCESS_REFUSED, Of.SECOND_FACTOR_ADDED),
    "EHDS-51": (Of.DATA_RECEIVED,),
    "EHDS-60": (Of.VIEW_SAVED,),
    "EHDS-60b": (Of.EXPORT_ASKED, Of.EXPORT_ENDED),
    "EHDS-68": (Of.EXPORT_ASKED,),
    "EHDS-71": (Of.CONSENT_RECORDED, Of.CONSENT_WITHDRAWN, Of.LAKE_EXPORTED, Of.VIEW_READ, Of.EXPORT_ENDED),
    "EHDS-73": (Of.VIEW_READ, Of.EXPORT_READ),
    "EHDS-77": (Of.VIEW_SAVED,),
    "BE-2018-9": (Of.PERSON_ADDED, Of.PERSON_CHANGED),
    "BE-LDP": (Of.SUGGESTION_DECIDED, Of.RESOURCE_WRITTEN),
    "BE-QUAL": (Of.GLASS_BROKEN, Of.GLASS_REVIEWED, Of.RELATION_TAKEN, Of.ACCESS_REFUSED),
}
"""For each duty filled from the log alone, the events that bear on it; of those about uses, its own alone."""

RUNS = frozenset({"AIA-10", "AIA-15"})
"""The duties that a stored validation run fills too: on which data it learned, and how well it does."""

ABOUT_USES = (
    "use.",
    "suggestion.",
    "trial.",
    "alarm.",
    "system.",
    "report.",
    "course.",
    "validation.",
    "obligation.",
)
"""How the kinds of event begin that are about one use; the others are about the whole hospital."""

DRAFTS: Mapping[str, str] = {
    "AIA-4a": "inputs target",
    "AIA-5": "answers",
    "AIA-6": "regime answers",
    "AIA-9": "limits not_for alarms",
    "AIA-11": "title version purpose",
    "AIA-13": "purpose population not_for users",
    "AIA-25": "changes",
    "AIA-26-7": "users signatures",
    "AIA-26-9": "purpose limits",
    "AIA-26-11": "purpose users",
    "AIA-27": "purpose population limits",
    "AIA-73": "alarms",
    "MDR-R11": "regime purpose",
    "MDR-5-5": "title version purpose",
    "MDR-87": "alarms",
    "GDPR-6-9": "purpose inputs",
    "GDPR-25": "inputs users",
    "GDPR-33": "log",
    "GDPR-35": "purpose inputs limits",
    "EHDS-61": "target purpose",
    "EHDS-67": "title inputs population",
    "EHDS-78": "inputs",
    "BE-HDA": "title inputs",
    "BE-CCT39": "title purpose state",
    "BE-NIS2": "log",
}
"""For each duty that a person completes and signs, the facts that it is prefilled with."""
