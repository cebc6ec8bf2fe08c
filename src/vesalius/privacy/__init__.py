"""Tables in which nobody is recognised: how likely it is, and how to make it less so.

Nothing here knows a database: tables come in and go out.
"""

from vesalius.privacy.anonymise import Anonymised, Result, Utility, anonymise
from vesalius.privacy.dates import Shifting
from vesalius.privacy.hierarchies import Hierarchy
from vesalius.privacy.measures import Achieved, achieved
from vesalius.privacy.plan import Plan, read_plan
from vesalius.privacy.pseudonyms import Pseudonyms, Secrets
from vesalius.privacy.resources import Pseudonymised, Pseudonymiser
from vesalius.privacy.risk import Risks, population_uniqueness, risks, risks_of
from vesalius.privacy.tables import read_table, write_table

__all__ = [
    "Achieved",
    "Anonymised",
    "Hierarchy",
    "Plan",
    "Pseudonymised",
    "Pseudonymiser",
    "Pseudonyms",
    "Result",
    "Risks",
    "Secrets",
    "Shifting",
    "Utility",
    "achieved",
    "anonymise",
    "population_uniqueness",
    "read_plan",
    "read_table",
    "risks",
    "risks_of",
    "write_table",
]
