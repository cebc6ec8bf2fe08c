"""What the codes of a stay mean here: how the patient came and left, the ward, the medicines.

Each table lists the codes that are understood, and what they are on the card. What it does not list is not
known, and declared so.
"""

from __future__ import annotations

from collections.abc import Mapping

from vesalius.fhir.codes import LOINC, SNOMED

SOURCE = "https://vesalius.example/fhir/CodeSystem/diabetes130"
"""The codes of the data that the shipped model learnt from (Strack et al., BioMed Res Int 2014:781670, table
1, and the file IDs_mapping.csv of UCI data set 296)."""

HL7 = "http://terminology.hl7.org/CodeSystem"
ATC = "http://www.whocc.no/atc"

INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})
"""Classes of an overnight stay (HL7 v3 ActCode); a day stay is SS or AMB."""

EMERGENCY = frozenset({"EMER"})
OUTPATIENT = frozenset({"AMB", "HH", "VR"})

DEATH, HOSPICE, TRANSFER = "death", "hospice", "transfer"
"""Ways to leave after which there is nothing to say: see the rules."""

DESTINATIONS: Mapping[tuple[str, str], str] = {
    **{
        (f"{SOURCE}-disposition", code): level
        for level, codes in {
            "home": "1",
            "home_care": "6 8",
            "nursing_home": "3 24",
            "intermediate_care": "4",
            "rehabilitation_centre": "22",
            "long_stay_hospital": "23",
            "psychiatric_hospital": "28",
            "other_institution": "5 27 30",
            "further_care_here": "12 15 16 17",
            "against_advice": "7",
            TRANSFER: "2 9 10 29",
            HOSPICE: "13 14",
            DEATH: "11 19 20 21",
        }.items()
        for code in codes.split()
    },
    **{
        (f"{HL7}/discharge-disposition", code): level
        for code, level in {
            "home": "home",
            "alt-home": "home",
            "other-hcf": "other_institution",
            "hosp": HOSPICE,
            "long": "long_stay_hospital",
            "aadvice": "against_advice",
            "exp": DEATH,
            "psy": "psychiatric_hospital",
            "rehab": "rehabilitation_centre",
            "snf": "nursing_home",
            "acute": TRANSFER,
            "home-care": "home_care",
        }.items()
    },
}
"""Where the patient went: the codes of the data, and those of HL7 (discharge-disposition; it has none for
another acute hospital and for home with nursing, for which a hospital may send ``acute`` and
``home-care``)."""

ADMISSIONS: Mapping[tuple[str, str], str] = {
    (f"{SOURCE}-admission", "1"): "emergency",
    (f"{SOURCE}-admission", "2"): "urgent",
    (f"{SOURCE}-admission", "3"): "elective",
    (f"{SOURCE}-admission", "7"): "trauma",
}
PRIORITIES = {"EM": "emergency", "UR": "urgent", "EL": "elective"}
"""HL7 v3 ActPriority."""

ORIGINS: Mapping[tuple[str, str], str] = {
    **{
        (f"{SOURCE}-source", code): level
        for level, codes in {
            "referral": "1 2 3",
            "emergency_room": "7",
            "other_hospital": "4 10 22 25",
            "from_nursing_home": "5",
            "other_facility": "6 26",
        }.items()
        for code in codes.split()
    },
    **{
        (f"{HL7}/admit-source", code): level
        for code, level in {
            "hosp-trans": "other_hospital",
            "emd": "emergency_room",
            "outp": "referral",
            "gp": "referral",
            "mp": "referral",
            "nursing": "from_nursing_home",
            "psych": "other_facility",
            "rehab": "other_facility",
        }.items()
    },
}
"""How the patient came in: the codes of the data, and those of HL7 (admit-source)."""

SPECIALTIES: Mapping[str, tuple[str, str]] = {
    "internal_medicine": ("InternalMedicine Hospitalist", "419192003"),
    "emergency_medicine": ("Emergency/Trauma", "773568002"),
    "general_practice": ("Family/GeneralPractice", "394814009"),
    "cardiology": ("Cardiology", "394579002"),
    "general_surgery": ("Surgery-General Surgeon SurgicalSpecialty Surgery-Colon&Rectal", "394609007"),
    "cardiothoracic_surgery": (
        "Surgery-Cardiovascular/Thoracic Surgery-Cardiovascular Surgery-Thoracic",
        "394603008",
    ),
    "vascular_surgery": ("Surgery-Vascular", "408463005"),
    "neurosurgery": ("Surgery-Neuro", "394610002"),
    "orthopaedics": ("Orthopedics Orthopedics-Reconstructive", "394801008"),
    "nephrology": ("Nephrology", "394589003"),
    "pneumology": ("Pulmonology", "418112009"),
    "psychiatry": ("Psychiatry Psychology Psychiatry-Child/Adolescent", "394587001"),
    "urology": ("Urology", "394612005"),
    "gynaecology": (
        "ObstetricsandGynecology Gynecology Obstetrics Obsterics&Gynecology-GynecologicOnco",
        "394586005",
    ),
    "gastroenterology": ("Gastroenterology", "394584008"),
    "oncology": ("Oncology Hematology/Oncology Hematology", "394593009"),
    "neurology": ("Neurology Neurophysiology", "394591006"),
    "rehabilitation_medicine": ("PhysicalMedicineandRehabilitation", "394602003"),
    "endocrinology": ("Endocrinology Endocrinology-Metabolism", "394583002"),
    "radiology": ("Radiologist Radiology", "394914008"),
    "geriatrics": ("", "394811001"),
}
"""Level → the names in the data, and the SNOMED CT code of the specialty."""

SPECIALTY_NAMES = {name: level for level, (names, _) in SPECIALTIES.items() for name in names.split()}
SPECIALTY_CODES = {(SNOMED, code): level for level, (_, code) in SPECIALTIES.items()}
OTHER_SPECIALTY = "other_specialty"

MEDICINES: Mapping[str, tuple[str, ...]] = {
    "insulin": ("A10A",),
    "metformin": (
        "A10BA02",
        *(f"A10BD{n:02}" for n in (2, 3, 5, 7, 8, 10, 11, 13, 14, 15, 16, 17, 18, 20, 22, 23, 25)),
    ),
    "sulfonylurea": ("A10BB", *(f"A10BD{n:02}" for n in (1, 2, 4, 6))),
    "glitazone": ("A10BG", *(f"A10BD{n:02}" for n in (3, 4, 5, 6, 9, 12, 26))),
    "glinide": ("A10BX02", "A10BX03", "A10BX08", "A10BD14"),
    "diabetes_medicine": ("A10",),
}
"""Class → the beginnings of its ATC codes (WHO Collaborating Centre for Drug Statistics Methodology, group
A10)."""

DOSES = {
    "dose unchanged during the stay": "unchanged",
    "dose increased during the stay": "increased",
    "dose decreased during the stay": "decreased",
}

BANDS: Mapping[str, Mapping[str, str]] = {
    "hba1c": {
        "normal (below 7 %)": "below_7",
        "above 7 %, at most 8 %": "7_to_8",
        "above 8 %": "above_8",
    },
    "glucose": {
        "normal (at most 200 mg/dL)": "to_200",
        "above 200 mg/dL, at most 300 mg/dL": "200_to_300",
        "above 300 mg/dL": "above_300",
    },
}
"""What the data says of a result: a band, not a number."""

CUTS: Mapping[str, tuple[tuple[float, str], ...]] = {
    "hba1c": ((7.0, "below_7"), (8.0, "7_to_8"), (float("inf"), "above_8")),
    "glucose": ((200.0, "to_200"), (300.0, "200_to_300"), (float("inf"), "above_300")),
}
"""The same bands for a number (% and mg/dL): up to the first, up to the second, above."""

UNITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    # NGSP % = 0.09148 × IFCC mmol/mol + 2.152: Hoelzel et al., Clin Chem 2004;50:166-174.
    "hba1c": {"%": (1.0, 0.0), "mmol/mol": (0.09148, 2.152)},
    "glucose": {"mg/dL": (1.0, 0.0), "mmol/L": (18.016, 0.0)},
    "haemoglobin": {"g/dL": (1.0, 0.0), "g/L": (0.1, 0.0), "mmol/L": (1.6114, 0.0)},
    "sodium": {"mmol/L": (1.0, 0.0), "meq/L": (1.0, 0.0)},
}
"""UCUM units that are understood, with factor and shift to the card's unit."""

TESTS: Mapping[str, tuple[str, ...]] = {
    "hba1c": (f"{LOINC}|4548-4", f"{LOINC}|59261-8"),
    "glucose": (f"{LOINC}|2345-7", f"{LOINC}|14749-6", f"{LOINC}|2339-0"),
    "haemoglobin": (f"{LOINC}|718-7", f"{LOINC}|30313-1"),
    "sodium": (f"{LOINC}|2951-2", f"{LOINC}|2947-0"),
}

COUNTS: Mapping[str, str] = {
    "laboratory_tests": "num-lab-procedures",
    "procedures": "num-procedures",
    "medicines": "num-medications",
    "previous_outpatient": "number-outpatient",
    "previous_emergency": "number-emergency",
    "previous_inpatient": "number-inpatient",
    "diagnoses": "number-diagnoses",
}
"""Input → the code under which the data gives its count; elsewhere it is counted from the record."""

ANSWERS: Mapping[str, str] = {
    "medication_changed": "medication-changed",
    "diabetes_medicine": "diabetes-medication",
}

AGE = f"{LOINC}|30525-0"

READMITTED = f"{SOURCE}|readmitted"
"""The code under which the data says what happened afterwards: never evidence."""

AGES = (18, 30, 40, 50, 60, 70, 80, 90)
"""Where the bands of age begin, in years; the data knows the age by ten years only."""


def medicine_classes(code: str) -> tuple[str, ...]:
    """The classes that an ATC code belongs to.

    Examples:
        >>> medicine_classes("A10BD05"), medicine_classes("C09AA02")
        (('metformin', 'glitazone', 'diabetes_medicine'), ())
    """
    return tuple(name for name, begins in MEDICINES.items() if code.startswith(begins))


def in_unit(test: str, number: float | None, unit: str | None) -> float | None:
    """A result in the unit of the card; None in a unit that is not understood, or below zero.

    Examples:
        >>> in_unit("haemoglobin", 118, "g/L"), in_unit("sodium", 140, "mg/dL")
        (11.8, None)
    """
    scale = UNITS[test].get(unit or "")
    if number is None or scale is None or not 0 <= number < 1e6:
        return None
    return round(number * scale[0] + scale[1], 4)


def band(test: str, number: float | None) -> str | None:
    """The band of a result; HbA1c of exactly 7 % is not below it.

    Examples:
        >>> band("hba1c", 6.9), band("hba1c", 7), band("glucose", 200), band("glucose", 300.5)
        ('below_7', '7_to_8', 'to_200', 'above_300')
    """
    if number is None:
        return None
    if test == "hba1c" and number == 7.0:
        return "7_to_8"
    return next(name for top, name in CUTS[test] if number <= top)


def age_band(years: float | None) -> str | None:
    """The level of an age in years; None below 18.

    Examples:
        >>> age_band(17.9), age_band(18), age_band(74.2), age_band(103)
        (None, 'age_18', 'age_70', 'age_90')
    """
    begins = [each for each in AGES if years is not None and years >= each]
    return f"age_{begins[-1]}" if begins else None
