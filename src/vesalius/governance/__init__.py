"""Governance: who may do what, which use may speak to whom, and what was done, for good.

- :mod:`vesalius.governance.people`: accounts and their passwords.
- :mod:`vesalius.governance.accounts`: managing the accounts of others.
- :mod:`vesalius.governance.second_factor`: codes beside the password.
- :mod:`vesalius.governance.sessions`: who is signed in, where.
- :mod:`vesalius.governance.provider`: the hospital's own sign-in (OpenID Connect).
- :mod:`vesalius.governance.limits`: how often something may be tried.
- :mod:`vesalius.governance.clients`: machines, and what each may do.
- :mod:`vesalius.governance.roles`: which role may do what.
- :mod:`vesalius.governance.purposes`: for what purpose each right is there.
- :mod:`vesalius.governance.access`: may this person see this patient, now, for this?
- :mod:`vesalius.governance.care`: who treats whom, decided from data.
- :mod:`vesalius.governance.glass`: breaking the glass, and its review.
- :mod:`vesalius.governance.consent`: what patients refuse.
- :mod:`vesalius.governance.uses`: the life of each use: its gates, who signed, its model and settings.
- :mod:`vesalius.governance.register`: every AI system, bought or made here; regimes and obligations.
- :mod:`vesalius.governance.rulebook`: who signs what, the questionnaire, the obligations, as data.
- :mod:`vesalius.governance.watching`: what stops a use by itself.
- :mod:`vesalius.governance.codes`: who decided what a local code means.
- :mod:`vesalius.governance.views`: views that people saved, every version.
- :mod:`vesalius.governance.answers`: what people answered to the questions of a report.
- :mod:`vesalius.governance.audit`: the chain of events that cannot be altered unnoticed.
"""

from vesalius.governance import (
    access,
    accounts,
    answers,
    audit,
    care,
    clients,
    codes,
    consent,
    glass,
    limits,
    passwords,
    people,
    provider,
    purposes,
    register,
    roles,
    rulebook,
    second_factor,
    sessions,
    uses,
    views,
    watching,
)
from vesalius.governance.people import Person
from vesalius.governance.roles import Right, may, require
from vesalius.governance.uses import speaks

__all__ = [
    "Person",
    "Right",
    "access",
    "accounts",
    "answers",
    "audit",
    "care",
    "clients",
    "codes",
    "consent",
    "glass",
    "limits",
    "may",
    "passwords",
    "people",
    "provider",
    "purposes",
    "register",
    "require",
    "roles",
    "rulebook",
    "second_factor",
    "sessions",
    "speaks",
    "uses",
    "views",
    "watching",
]
