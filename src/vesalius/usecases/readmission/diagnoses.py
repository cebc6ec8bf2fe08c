"""What a diagnosis code means here: its group, and the conditions of the Charlson index that it stands for.

Both codings are read, because the shipped model learnt from ICD-9-CM and a Belgian hospital codes ICD-10-BE,
whose structure to the fourth character is that of ICD-10-CM. A group holds the same diseases in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

ICD9 = "http://hl7.org/fhir/sid/icd-9-cm"
ICD10 = (
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "https://www.ehealth.fgov.be/standards/fhir/core/CodeSystem/icd-10-be",
)
"""The systems whose codes are read as ICD-10."""

OTHER = "other_diagnosis"
"""The group of a code that is in none of the others."""

GROUPS: Mapping[str, tuple[str, str]] = {
    "heart_failure": ("428", "I50 I110 I130 I132"),
    "myocardial_infarction": ("410", "I21-I22"),
    "ischaemic_heart": ("411-414", "I20 I23-I25"),
    "arrhythmia": ("426-427", "I44-I49"),
    "other_heart": ("391-398 416-417 420-425 429", "I05-I09 I27-I28 I30-I43 I51-I52"),
    "hypertension": ("401-402 405", "I10-I11 I15-I16"),
    "cerebrovascular": ("430-438", "I60-I69 G45-G46"),
    "peripheral_vascular": ("440-449", "I70-I79"),
    "thromboembolism": ("415 451-453", "I26 I80-I82"),
    "chest_pain": ("7865", "R07"),
    "pneumonia": ("480-487", "J09-J18"),
    "copd": ("490-492 494 496", "J40-J44 J47"),
    "asthma": ("493", "J45-J46"),
    "other_respiratory": ("460-478 488 495 500-519 786", "J00-J06 J20-J39 J60-J99 R04-R06"),
    "diabetes_acute": ("2501-2503", "E100-E101 E110-E111 E120-E121 E130-E131 E140-E141"),
    "diabetes_complicated": ("2504-2507", "E102-E105 E112-E115 E122-E125 E132-E135 E142-E145"),
    "diabetes": ("250", "E10-E14"),
    "fluid_electrolyte": ("276", "E86-E87"),
    "other_endocrine": ("240-249 251-275 277-279", "E00-E07 E15-E85 E88-E89"),
    "anaemia": ("280-285", "D50-D64"),
    "other_blood": ("286-289", "D65-D89"),
    "kidney_acute": ("584", "N17"),
    "kidney_chronic": ("403-404 585-586", "I12-I13 N18-N19"),
    "urinary_infection": ("590 595 599", "N10-N12 N30 N390"),
    "other_genitourinary": ("580-583 587-589 591-594 596-598 600-629", "N00-N08 N13-N16 N20-N29 N31-N99"),
    "sepsis": ("038 9959", "A40-A41 R65"),
    "other_infection": ("001-037 039-139", "A00-A39 A42-B99"),
    "skin_infection": ("680-686", "L00-L08"),
    "chronic_ulcer": ("707", "L89 L97 L984"),
    "other_skin": ("690-706 708-709", "L10-L88 L90-L96 L98-L99"),
    "metastatic_cancer": ("196-198", "C77-C79"),
    "cancer": ("140-195 199-208", "C00-C76 C80-C97"),
    "benign_neoplasm": ("209-239", "D00-D49"),
    "upper_digestive": ("530-538", "K20-K31"),
    "digestive_bleeding": ("578", "K920-K922"),
    "intestinal": ("540-569", "K35-K67"),
    "liver": ("570-573", "K70-K77"),
    "biliary_pancreas": ("574-577", "K80-K87"),
    "psychosis_mood": ("295-298 311", "F20-F39"),
    "alcohol_drugs": ("291-292 303-305", "F10-F19"),
    "dementia": ("290 294 3310", "F00-F03 G30"),
    "other_mental": ("293 299-302 306-310 312-319", "F04-F09 F40-F99"),
    "nervous_system": ("320-359", "G00-G29 G31-G44 G47-G99"),
    "arthrosis": ("715", "M15-M19"),
    "spine": ("720-724", "M45-M54"),
    "bone_infection": ("730", "M86"),
    "other_musculoskeletal": ("710-714 716-719 725-729 731-739", "M00-M14 M20-M43 M55-M85 M87-M99"),
    "hip_fracture": ("820", "S72"),
    "other_injury": ("800-819 821-994", "S00-S71 S73-T79"),
    "device_complication": ("996", "T82-T86"),
    "care_complication": ("997-999", "T80-T81 T87-T88"),
    "pregnancy": ("630-679", "O00-O99"),
    "general_symptoms": ("780", "R40-R42 R50-R56"),
    "other_symptoms": ("781-785 787-799", "R00-R03 R09-R39 R43-R49 R57-R64 R66-R99"),
    "rehabilitation": ("V57", "Z50"),
    "other_factors": ("V01-V56 V58-V91", "Z00-Z49 Z51-Z99"),
}
"""Group → ranges of ICD-9-CM and of ICD-10, without dots; of two that hold a code the narrower one counts,
and of equals the first. Ours, by organ and by what the ward does about it, close to the chapters of the two
classifications and to the Clinical Classifications Software of AHRQ (hcup-us.ahrq.gov)."""

CHARLSON: Mapping[str, tuple[int, str, str]] = {
    "myocardial_infarction": (1, "410 412", "I21 I22 I252"),
    "heart_failure": (
        1,
        "39891 40201 40211 40291 40401 40403 40411 40413 40491 40493 4254-4259 428",
        "I099 I110 I130 I132 I255 I420 I425-I429 I43 I50 P290",
    ),
    "peripheral_vascular": (
        1,
        "0930 4373 440 441 4431-4439 4471 5571 5579 V434",
        "I70 I71 I731 I738 I739 I771 I790 I792 K551 K558 K559 Z958 Z959",
    ),
    "cerebrovascular": (1, "36234 430-438", "G45 G46 H340 I60-I69"),
    "dementia": (1, "290 2941 3312", "F00-F03 F051 G30 G311"),
    "chronic_pulmonary": (
        1,
        "4168 4169 490-505 5064 5081 5088",
        "I278 I279 J40-J47 J60-J67 J684 J701 J703",
    ),
    "rheumatic": (1, "4465 7100-7104 7140-7142 7148 725", "M05 M06 M315 M32-M34 M351 M353 M360"),
    "peptic_ulcer": (1, "531-534", "K25-K28"),
    "mild_liver": (
        1,
        "07022 07023 07032 07033 07044 07054 0706 0709 570 571 5733 5734 5738 5739 V427",
        "B18 K700-K703 K709 K713-K715 K717 K73 K74 K760 K762-K764 K768 K769 Z944",
    ),
    "diabetes": (
        1,
        "2500-2503 2508 2509",
        "E100-E101 E106 E108-E111 E116 E118-E121 E126 E128-E131 E136 E138-E141 E146 E148-E149",
    ),
    "diabetes_complicated": (
        2,
        "2504-2507",
        "E102-E105 E107 E112-E115 E117 E122-E125 E127 E132-E135 E137 E142-E145 E147",
    ),
    "paraplegia": (2, "3341 342 343 3440-3446 3449", "G041 G114 G801 G802 G81 G82 G830-G834 G839"),
    "renal": (
        2,
        "40301 40311 40391 40402 40403 40412 40413 40492 40493 582 5830-5837 585 586 5880 V420 V451 V56",
        "I120 I131 N032-N037 N052-N057 N18 N19 N250 Z490-Z492 Z940 Z992",
    ),
    "cancer": (
        2,
        "140-172 174-1958 200-208 2386",
        "C00-C26 C30-C34 C37-C41 C43 C45-C58 C60-C76 C81-C85 C88 C90-C97",
    ),
    "severe_liver": (
        3,
        "4560-4562 5722-5728",
        "I850 I859 I864 I982 K704 K711 K721 K729 K765-K767",
    ),
    "metastatic": (6, "196-199", "C77-C80"),
    "aids": (6, "042-044", "B20-B22 B24"),
}
"""Condition → its weight (Charlson et al., J Chronic Dis 1987;40:373-383), and its codes in ICD-9-CM
(enhanced) and ICD-10, both from Quan et al., Med Care 2005;43:1130-1139, tables 1 and 2."""

MILDER = {"mild_liver": "severe_liver", "diabetes": "diabetes_complicated", "cancer": "metastatic"}
"""Of two stages of one disease only the graver counts (Charlson 1987)."""


@cache
def group(system: str | None, code: str | None) -> str | None:
    """The group of a diagnosis; None of a code in another system.

    Examples:
        >>> group(ICD9, "428.0"), group(ICD10[1], "I50.9"), group(ICD9, "8"), group("urn:other", "428")
        ('heart_failure', 'heart_failure', 'other_infection', None)
    """
    which, plain = _read(system, code)
    if which is None or not plain:
        return None
    return next((name for name, low, high in _narrowest(which) if low <= plain[: len(low)] <= high), OTHER)


@cache
def comorbidities(system: str | None, code: str | None) -> frozenset[str]:
    """The Charlson conditions that a diagnosis stands for."""
    which, plain = _read(system, code)
    if which is None or not plain:
        return frozenset()
    return frozenset(
        name
        for name, spans in _charlson(which).items()
        if any(low <= plain[: len(low)] <= high for low, high in spans)
    )


def charlson(conditions: Iterable[str]) -> int:
    """The Charlson index of a patient's conditions, without age.

    Examples:
        >>> charlson({"diabetes", "diabetes_complicated", "heart_failure"})
        3
    """
    held = set(conditions)
    counted = {name for name in held if MILDER.get(name) not in held}
    return sum(CHARLSON[name][0] for name in counted)


def normal(code: str) -> str:
    """An ICD-9-CM code without its dot, its first part of three digits: sources lose leading zeros.

    Examples:
        >>> normal("8"), normal("250.01"), normal("v57"), normal("E885.9")
        ('008', '25001', 'V57', 'E8859')
    """
    whole, _, rest = code.strip().upper().partition(".")
    return (whole.zfill(3) if whole.isdigit() else whole) + rest


def _read(system: str | None, code: str | None) -> tuple[int | None, str]:
    """Which of the two codings it is, and the code without a dot."""
    if system == ICD9:
        return 0, normal(code or "")
    if system in ICD10:
        return 1, (code or "").strip().upper().replace(".", "")
    return None, ""


@cache
def _narrowest(which: int) -> list[tuple[str, str, str]]:
    """The spans of the groups: longer codes first, then shorter spans."""
    spans = [(name, low, high) for name, codes in GROUPS.items() for low, high in _spans(codes[which])]
    return sorted(spans, key=lambda span: -len(span[1]))


@cache
def _charlson(which: int) -> dict[str, list[tuple[str, str]]]:
    return {name: _spans((nine, ten)[which]) for name, (_, nine, ten) in CHARLSON.items()}


def _spans(text: str) -> list[tuple[str, str]]:
    """``428 430-438`` as pairs of the first and last code."""
    found = []
    for part in text.split():
        low, _, high = part.partition("-")
        found.append((low, high or low))
    return found
