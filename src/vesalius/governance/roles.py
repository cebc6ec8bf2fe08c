"""Which role may do what: one matrix, as data.

The matrix is the most a role can ever do. A use case narrows it: its card names the ``reviewers`` that may
decide on its suggestions, and its gates name who signs.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from vesalius.errors import InvalidSetting, NotAllowed


class Role(StrEnum):
    """The roles of a hospital that Vesalius knows."""

    DOCTOR = "doctor"
    BIOLOGIST = "biologist"
    NURSE = "nurse"
    PHARMACIST = "pharmacist"
    DPO = "dpo"
    DIRECTOR = "director"
    ENGINEER = "engineer"
    LEGAL = "legal"
    RECORDS = "records"
    WORKS_COUNCIL = "works_council"


class Right(StrEnum):
    """What can be permitted."""

    SEE_WORKLIST = "see_worklist"
    DECIDE = "decide"
    EXPLAIN = "explain"
    SEE_DECISIONS = "see_decisions"
    TAKE_ON = "take_on"
    BREAK_GLASS = "break_glass"
    REVIEW_ACCESS = "review_access"
    SEE_EVIDENCE = "see_evidence"
    SEE_FIGURES = "see_figures"
    SEE_MONITORING = "see_monitoring"
    ACKNOWLEDGE = "acknowledge"
    SEE_RECEIVED = "see_received"
    SEE_QUARANTINE = "see_quarantine"
    RETRY_QUARANTINE = "retry_quarantine"
    SEE_IDENTITY = "see_identity"
    MERGE_PATIENTS = "merge_patients"
    RECORD_CONSENT = "record_consent"
    CHANGE_SETTINGS = "change_settings"
    CHANGE_MODEL = "change_model"
    SEE_GATES = "see_gates"
    SIGN_GATES = "sign_gates"
    KEEP_REGISTER = "keep_register"
    PLAN_TRIAL = "plan_trial"
    SEE_SILENT = "see_silent"
    SUSPEND = "suspend"
    RETIRE = "retire"
    SEE_CODES = "see_codes"
    MAP_CODES = "map_codes"
    SWITCH_FEEDS = "switch_feeds"
    ERASE = "erase"
    SEE_VIEWS = "see_views"
    RUN_VIEWS = "run_views"
    WRITE_VIEWS = "write_views"
    ANSWER_QUESTIONS = "answer_questions"
    KEEP_DOSSIER = "keep_dossier"
    SEE_AUDIT = "see_audit"
    MANAGE_PEOPLE = "manage_people"


_EVERYONE = frozenset(Role)
_CLINICAL = frozenset({Role.DOCTOR, Role.BIOLOGIST, Role.NURSE, Role.PHARMACIST})

MATRIX: dict[Right, frozenset[Role]] = {
    Right.SEE_WORKLIST: _CLINICAL,
    Right.DECIDE: _CLINICAL,
    # The sheet for the patient: for those who treat, keep the records or protect data (GDPR, art. 15(1)(h)).
    Right.EXPLAIN: _CLINICAL | {Role.RECORDS, Role.DPO},
    Right.SEE_DECISIONS: _CLINICAL,
    # "I treat this patient", "I must see this patient now": for those who treat, and each is noted.
    Right.TAKE_ON: _CLINICAL,
    Right.BREAK_GLASS: _CLINICAL,
    Right.REVIEW_ACCESS: frozenset({Role.DPO}),
    Right.SEE_EVIDENCE: _EVERYONE,
    Right.SEE_FIGURES: _EVERYONE,
    # Counts, and what people did with suggestions, by ward: for those who treat, and who answer for the use.
    Right.SEE_MONITORING: _EVERYONE - {Role.RECORDS, Role.WORKS_COUNCIL},
    Right.ACKNOWLEDGE: frozenset({Role.DOCTOR, Role.BIOLOGIST, Role.DPO, Role.DIRECTOR, Role.ENGINEER}),
    Right.SEE_RECEIVED: frozenset({Role.BIOLOGIST, Role.DPO, Role.DIRECTOR, Role.ENGINEER}),
    # What is held shows the original bytes: patient data, for those who mend the feed and who oversee it.
    Right.SEE_QUARANTINE: frozenset({Role.DPO, Role.ENGINEER}),
    Right.RETRY_QUARANTINE: frozenset({Role.ENGINEER}),
    # Who is who: names and numbers of patients, for those who keep the records and who oversee them.
    Right.SEE_IDENTITY: frozenset({Role.RECORDS, Role.DPO}),
    Right.MERGE_PATIENTS: frozenset({Role.RECORDS}),
    # What a patient refuses: for those to whom patients say it, and who answer for its being honoured.
    Right.RECORD_CONSENT: frozenset({Role.RECORDS, Role.DPO}),
    Right.CHANGE_SETTINGS: frozenset({Role.BIOLOGIST, Role.DIRECTOR}),
    Right.CHANGE_MODEL: frozenset({Role.ENGINEER}),
    Right.SEE_GATES: _EVERYONE,
    # The works council signs that it was informed before the use (AI Act, article 26(7)).
    Right.SIGN_GATES: frozenset(
        {
            Role.DOCTOR,
            Role.BIOLOGIST,
            Role.DPO,
            Role.DIRECTOR,
            Role.ENGINEER,
            Role.LEGAL,
            Role.WORKS_COUNCIL,
        }
    ),
    # What a system is, under which law, and what follows from it: for those who answer for that.
    Right.KEEP_REGISTER: frozenset({Role.DPO, Role.DIRECTOR, Role.ENGINEER, Role.LEGAL}),
    # What is to be shown, and when it is enough: for those who answer for the use and for its figures.
    Right.PLAN_TRIAL: frozenset({Role.DOCTOR, Role.BIOLOGIST, Role.ENGINEER}),
    # What a tool said in silence, once the case is closed and a look was taken: for those who can judge it.
    Right.SEE_SILENT: frozenset({Role.DOCTOR, Role.BIOLOGIST}),
    Right.SUSPEND: frozenset({Role.DOCTOR, Role.BIOLOGIST, Role.DPO, Role.DIRECTOR, Role.LEGAL}),
    Right.RETIRE: frozenset({Role.DIRECTOR}),
    Right.SEE_CODES: _EVERYONE,
    # It changes what every use sees, of the past too: for those who know the laboratory and the feed.
    Right.MAP_CODES: frozenset({Role.BIOLOGIST, Role.ENGINEER}),
    # An alarm that nobody hears is as bad as none: for those who answer for the feed.
    Right.SWITCH_FEEDS: frozenset({Role.ENGINEER}),
    # What is gone is gone: for the one who answers for data protection.
    Right.ERASE: frozenset({Role.DPO}),
    # What a view says is about no patient; its rows are, about all of them.
    Right.SEE_VIEWS: frozenset({Role.BIOLOGIST, Role.DPO, Role.ENGINEER}),
    Right.RUN_VIEWS: frozenset({Role.ENGINEER}),
    Right.WRITE_VIEWS: frozenset({Role.ENGINEER}),
    # What no machine can fill in a report; each question also names the role that answers for it.
    Right.ANSWER_QUESTIONS: frozenset(
        {Role.DOCTOR, Role.BIOLOGIST, Role.DPO, Role.DIRECTOR, Role.ENGINEER, Role.LEGAL}
    ),
    # What an authority is shown of a use: for those who answer for it before one.
    Right.KEEP_DOSSIER: frozenset({Role.DPO, Role.DIRECTOR, Role.ENGINEER, Role.LEGAL}),
    Right.SEE_AUDIT: frozenset({Role.DPO, Role.DIRECTOR, Role.LEGAL}),
    Right.MANAGE_PEOPLE: frozenset({Role.DIRECTOR}),
}
"""For each right, the roles that have it."""


def may(role: str | Iterable[str], action: str) -> bool:
    """Whether one of these roles has the right ``action``; an unknown role has none.

    Raises:
        InvalidSetting: there is no such right; a typing mistake never passes for a refusal.
    """
    if action not in Right.__members__.values():
        raise InvalidSetting(f"there is no right {action!r}", hint=", ".join(Right))
    roles = {role} if isinstance(role, str) else set(role)
    return not roles.isdisjoint(MATRIX[Right(action)])


def require(role: str | Iterable[str], action: str) -> None:
    """Passes when one of these roles has the right ``action``.

    Raises:
        NotAllowed: none has; the message names the roles that do.
    """
    if not may(role, action):
        held = role if isinstance(role, str) else ", ".join(sorted(role))
        who = ", ".join(sorted(MATRIX[Right(action)]))
        raise NotAllowed(f"{held or 'nobody'} may not {action.replace('_', ' ')}", hint=f"{who} may")
