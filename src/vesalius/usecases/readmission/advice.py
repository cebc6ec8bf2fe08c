"""What the ward can do about a reason, with the source that says so.

It is shown beside reasons that raise the probability. A reason is an association; the source says what is
known of the measure, and for several of them that is little: their citations on the card say so, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vesalius.card import Text

ADVICE: Mapping[str, str] = {
    "transition": "hansen2011",
    "visit": "jackson2015",
    "reconcile": "mekonnen2016",
    "diabetes": "ada2024",
    "hba1c": "ada2024",
    "heart_failure": "esc2021",
    "copd": "gold2023",
    "kidney": "kdigo2024",
    "mental": "ng53",
    "handover": "ng27",
    "against_advice": "alfandre2009",
    "teach_back": "becker2021",
    "planning": "cochrane2022",
}
"""Advice → the source that it rests on; the text ``advice.NAME`` says it."""

BY_INPUT: Mapping[str, str] = {
    "previous_inpatient": "transition",
    "previous_emergency": "transition",
    "previous_outpatient": "visit",
    "charlson": "visit",
    "diagnoses": "visit",
    "length_of_stay": "planning",
    "age": "planning",
    "procedures": "teach_back",
    "laboratory_tests": "teach_back",
    "medicines": "reconcile",
    "medication_changed": "reconcile",
    "diabetes_medicine": "reconcile",
}

BY_DIAGNOSIS: Mapping[str, str] = {
    "heart_failure": "heart_failure",
    "copd": "copd",
    "kidney_acute": "kidney",
    "kidney_chronic": "kidney",
    "diabetes_acute": "diabetes",
    "diabetes_complicated": "diabetes",
    "diabetes": "diabetes",
    "psychosis_mood": "mental",
    "alcohol_drugs": "mental",
    "dementia": "planning",
}
"""Group of the principal diagnosis, or of one of the others → advice; of any other group, a visit."""

BY_VALUE: Mapping[tuple[str, Any], str] = {
    ("insulin", "increased"): "diabetes",
    ("insulin", "decreased"): "diabetes",
    ("insulin", "unchanged"): "reconcile",
    ("insulin", "taken"): "reconcile",
    ("hba1c", "7_to_8"): "diabetes",
    ("hba1c", "above_8"): "diabetes",
    ("hba1c", None): "hba1c",
    ("glucose", "200_to_300"): "diabetes",
    ("glucose", "above_300"): "diabetes",
    ("destination", "against_advice"): "against_advice",
    ("destination", "psychiatric_hospital"): "mental",
    ("destination", "home"): "teach_back",
    **{
        ("destination", level): "handover"
        for level in (
            "home_care",
            "nursing_home",
            "intermediate_care",
            "rehabilitation_centre",
            "long_stay_hospital",
            "other_institution",
            "further_care_here",
        )
    },
}

LEAST = 0.05
"""Log odds that a reason must add before anything is advised about it: about one percentage point at most."""


def about(name: str, value: Any, added: float) -> str | None:
    """The advice about one reason, or None where there is none.

    Args:
        name: the input.
        value: as it was known.
        added: what it adds to the log odds.

    Examples:
        >>> about("destination", "nursing_home", 0.3), about("destination", "nursing_home", -0.3)
        ('handover', None)
    """
    if added < LEAST:
        return None
    if (name, value) in BY_VALUE:
        return BY_VALUE[name, value]
    if name == "principal_diagnosis" and value:
        return BY_DIAGNOSIS.get(str(value), "visit")
    if name.startswith("has_") and value is True:
        return BY_DIAGNOSIS.get(name.removeprefix("has_"), "visit")
    return BY_INPUT.get(name) if value is not None else None


def text(advice: str) -> Text:
    """The words of an advice, with its source."""
    return Text(f"advice.{advice}", {"source": f"source.{ADVICE[advice]}"})
