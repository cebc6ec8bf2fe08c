"""How the urine samples of the synthetic hospital come about: one patient, one strip, one culture at a time.

The relation between strip, symptoms and culture follows the published counts of 472 adults with urinary
symptoms (Dhanda G, et al. Ann Fam Med 2023;21(1):11-18): nitrite sensitivity .41 and specificity .98, nitrite
or leucocytes .90 and .50, a quarter to a third of cultures positive; and the clinicians' prescriptions are
right about as often (sensitivity .66, specificity .80). What is not published (missing values, the counts of
flow cytometry, the delays) is chosen to look like a laboratory's day, and proves nothing about any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from vesalius.demo.chance import lognormal, pick, sigmoid, spread, yes
from vesalius.demo.population import Person, Ward


@dataclass(frozen=True, slots=True)
class Organism:
    """What grew: its name, its SNOMED CT code where one was verified, whether it makes nitrite."""

    name: str
    code: str = ""
    nitrite: bool = True


ORGANISMS = {
    Organism("Escherichia coli", "112283007"): 0.72,
    Organism("Klebsiella pneumoniae", "56415008"): 0.08,
    Organism("Enterococcus faecalis", "78065002", nitrite=False): 0.06,
    Organism("Proteus mirabilis", "73457008"): 0.05,
    Organism("Pseudomonas aeruginosa", "52499004", nitrite=False): 0.025,
    Organism("Streptococcus agalactiae", "43492007", nitrite=False): 0.025,
    Organism("Enterobacter cloacae", "14385002"): 0.02,
    Organism("Staphylococcus saprophyticus", nitrite=False): 0.02,
}
"""The mix of positive cultures. After ScientificWorldJournal 2012:349597 (north Italy, 13,820 isolates of
outpatients: E. coli 67.6 %, K. pneumoniae 8.8 %, E. faecalis 6.3 %, P. mirabilis 5.2 %, P. aeruginosa 2.5 %,
S. agalactiae 2.3 %) and Antibiotics 2022;11(6):768 (Portugal, 15,439 positive cultures: E. coli 70.1 %),
rounded; BMC Infect Dis 2012;12:222 gives about 80 % E. coli in uncomplicated infections."""

LEUKOCYTES: dict[tuple[bool, bool], dict[str, float]] = {
    # (culture positive, nitrite positive): the counts of the published 472, smoothed
    (True, True): {"negative": 7, "small": 32, "moderate": 4, "large": 9},
    (True, False): {"negative": 12, "small": 41, "moderate": 7, "large": 17},
    (False, True): {"negative": 1.5, "small": 2.5, "moderate": 0.5, "large": 2},
    (False, False): {"negative": 172, "small": 144, "moderate": 5, "large": 16},
}
NITRITE = {"reducer": 0.47, "other": 0.06, "none": 0.018}
BLOOD = {
    True: {"negative": 0.34, "trace": 0.07, "small": 0.32, "moderate": 0.17, "large": 0.10},
    False: {"negative": 0.42, "trace": 0.06, "small": 0.29, "moderate": 0.15, "large": 0.08},
}
PROTEIN = {
    True: {"negative": 0.48, "trace": 0.12, "small": 0.22, "moderate": 0.14, "large": 0.04},
    False: {"negative": 0.52, "trace": 0.12, "small": 0.22, "moderate": 0.11, "large": 0.03},
}
GLUCOSE = {"negative": 0.91, "small": 0.02, "moderate": 0.04, "large": 0.03}
KETONES = {"negative": 0.81, "trace": 0.06, "small": 0.10, "moderate": 0.02, "large": 0.01}
CLOUDY = {"negative": 0.27, "trace": 0.34, "small": 0.46, "moderate": 0.62, "large": 0.72}
CELLS = {"negative": 7.0, "trace": 18.0, "small": 45.0, "moderate": 160.0, "large": 620.0}
RED_CELLS = {"negative": 5.0, "trace": 14.0, "small": 40.0, "moderate": 130.0, "large": 600.0}


@dataclass(frozen=True, slots=True)
class Culture:
    """What grew, how much (CFU/mL; 0 for nothing), and when the laboratory said so."""

    issued: datetime
    organism: Organism | None
    count: int

    @property
    def positive(self) -> bool:
        """Whether one organism grew at 100,000 CFU/mL or more."""
        return self.organism is not None and self.count >= 100_000


@dataclass(frozen=True, slots=True)
class Prescription:
    """A drug, by its ATC code, ordered at a moment."""

    at: datetime
    atc: str
    name: str


@dataclass(slots=True)
class Case:
    """One urine sample of one stay, and all that came with it.

    Attributes:
        number: the sample's number in the laboratory.
        person: the patient.
        ward: where the patient is.
        admitted, discharged: the stay; not discharged while it lasts.
        collected, received, issued: of the sample; ``issued`` is when the urine analysis was known.
        strip: grade by analyte; what was not measured is absent.
        counts: of flow cytometry, per microlitre.
        symptoms: by name; what was not recorded is absent.
        vitals, blood: measured values by name.
        noted: when symptoms and vitals were written down; a few are, long after the sample.
        pregnant: None where nobody asked.
        culture: None where none was asked for.
        prescriptions: what the clinicians ordered.
        diagnosed: when they wrote down a urinary tract infection.
    """

    number: str
    person: Person
    ward: Ward
    admitted: datetime
    discharged: datetime
    collected: datetime
    received: datetime
    issued: datetime
    noted: datetime
    strip: dict[str, str] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)
    symptoms: dict[str, bool] = field(default_factory=dict)
    vitals: dict[str, float] = field(default_factory=dict)
    blood: dict[str, float] = field(default_factory=dict)
    pregnant: bool | None = None
    culture: Culture | None = None
    prescriptions: list[Prescription] = field(default_factory=list)
    diagnosed: datetime | None = None

    @property
    def age(self) -> float:
        """Years, at the time of the sample."""
        return (self.collected.date() - self.person.born).days / 365.25


def urine_case(rng: Random, number: str, person: Person, collected: datetime) -> Case:
    """One urine sample, with everything around it.

    Args:
        rng: the chance of this sample alone, so that one more sample changes no other.
        number: the sample's number.
        person: the patient.
        collected: when the sample was taken.
    """
    case = _times(rng, number, person, collected)
    history = _context(rng, case)
    infected = yes(rng, sigmoid(_risk(case, history)))
    organism = rng.choices(list(ORGANISMS), list(ORGANISMS.values()))[0] if infected else None
    case.strip = _strip(rng, organism)
    seen = dict(case.strip)
    case.symptoms = _symptoms(rng, case, infected, history)
    _measurements(rng, case, infected)
    case.culture = _culture(rng, case, organism)
    _treatment(rng, case, seen, infected)
    _lose(rng, case)
    return case


def _times(rng: Random, number: str, person: Person, collected: datetime) -> Case:
    ward = person.ward
    inpatient = ward.kind == "IMP"
    admitted = collected - timedelta(
        minutes=spread(rng, 15, 90) if not inpatient else spread(rng, 60, ward.days * 1200)
    )
    stay = timedelta(days=rng.expovariate(1 / ward.days)) if inpatient else timedelta(hours=spread(rng, 1, 7))
    received = collected + timedelta(minutes=spread(rng, 12, 110))
    issued = received + timedelta(minutes=spread(rng, 14, 55))
    late = timedelta(hours=spread(rng, 3, 14)) if yes(rng, 0.05) else timedelta(minutes=spread(rng, 2, 10))
    discharged = max(issued + timedelta(hours=2), collected + stay)
    return Case(
        number, person, ward, admitted, discharged, collected, received, issued, noted=collected + late
    )


def _context(rng: Random, case: Case) -> dict[str, bool]:
    """What the patient brings along, known to nature and not always to the hospital."""
    fertile = case.person.sex == "female" and 16 <= case.age <= 46
    pregnant = fertile and yes(rng, {"MAT": 0.9, "GYN": 0.35}.get(case.ward.code, 0.03))
    if fertile and yes(rng, 0.75):
        case.pregnant = pregnant
    return {
        "catheter": yes(rng, case.ward.catheter),
        "history_uti": yes(rng, 0.42 if case.person.sex == "female" else 0.25),
        "history_calculi": yes(rng, 0.16 if case.ward.code in {"URO", "CUR"} else 0.06),
        "immunocompromised": yes(rng, 0.08 if case.ward.code == "MED" else 0.03),
    }


def _risk(case: Case, history: dict[str, bool]) -> float:
    """The log odds of a positive culture, before any test."""
    risk = -1.25 + 0.25 * (case.person.sex == "female") + 0.35 * (case.age >= 70)
    risk += 0.5 * history["catheter"] + 0.25 * history["history_uti"]
    return risk - 0.5 * (case.ward.code in {"MAT", "PED"})


def _strip(rng: Random, organism: Organism | None) -> dict[str, str]:
    infected = organism is not None
    kind = "none" if organism is None else "reducer" if organism.nitrite else "other"
    nitrite = yes(rng, NITRITE[kind])
    leukocytes = pick(rng, LEUKOCYTES[infected, nitrite])
    if leukocytes == "negative" and yes(rng, 0.12):
        leukocytes = "trace"
    return {
        "nitrite": "positive" if nitrite else "negative",
        "leukocytes_strip": leukocytes,
        "blood": pick(rng, BLOOD[infected]),
        "protein": pick(rng, PROTEIN[infected]),
        "glucose": pick(rng, GLUCOSE),
        "ketones": pick(rng, KETONES),
        "clarity": "cloudy" if yes(rng, CLOUDY[leukocytes]) else "clear",
    }


def _symptoms(rng: Random, case: Case, infected: bool, history: dict[str, bool]) -> dict[str, bool]:
    old = case.age >= 80
    return {
        "dysuria": yes(rng, (0.55 if infected else 0.42) - 0.2 * (case.ward.kind == "IMP")),
        "abdominal_pain": yes(rng, 0.30),
        "lower_abdominal_pain": yes(rng, 0.27 if infected else 0.25),
        "flank_pain": yes(rng, 0.22 if infected else 0.18),
        "cva_tenderness": yes(rng, 0.10 if infected else 0.08),
        "fever": yes(rng, 0.17 if infected else 0.13),
        "vomiting": yes(rng, 0.07),
        "altered_mental_status": yes(rng, 0.22 if old else 0.02),
    } | history


def _measurements(rng: Random, case: Case, infected: bool) -> None:
    if yes(rng, 0.32):
        case.counts = {
            "leukocytes_count": lognormal(rng, CELLS[case.strip["leukocytes_strip"]], 0.9),
            "erythrocytes_count": lognormal(rng, RED_CELLS[case.strip["blood"]], 0.9),
            "bacteria_count": lognormal(rng, 520 if infected else 170, 2.2),
        }
    if case.ward.kind != "AMB" and yes(rng, 0.92):
        fever = case.symptoms["fever"]
        case.vitals = {
            "temperature": rng.gauss(38.6, 0.4) if fever else rng.gauss(36.8, 0.35),
            "heart_rate": rng.gauss(98 if fever else 82, 14),
            "systolic_pressure": rng.gauss(132, 19),
            "respiratory_rate": rng.gauss(20 if fever else 16, 3),
        }
    if case.ward.kind != "AMB" and yes(rng, 0.6):
        ill = infected and case.symptoms["fever"]
        case.blood = {
            "crp": lognormal(rng, 70 if ill else 11, 1.1),
            "creatinine": lognormal(rng, 0.92 + 0.004 * case.age, 0.28),
            "leukocytes": lognormal(rng, 11.5 if ill else 8.0, 0.3),
        }


def _culture(rng: Random, case: Case, organism: Organism | None) -> Culture | None:
    quiet = case.strip["nitrite"] == "negative" and case.strip["leukocytes_strip"] in {"negative", "trace"}
    if organism is None and quiet and yes(rng, 0.06):
        return None  # nothing on the strip: the laboratory was not asked to grow it
    hours = spread(rng, 26, 60) if organism else spread(rng, 24, 44)
    issued = case.received + timedelta(hours=hours)
    if organism:
        return Culture(issued, organism, pick_count(rng, {100_000: 0.75, 1_000_000: 0.25}))
    if yes(rng, 0.22):  # skin or vaginal flora, or a growth below the threshold
        return Culture(issued, None, pick_count(rng, {1_000: 0.4, 10_000: 0.6}))
    return Culture(issued, None, 0)


def pick_count(rng: Random, weights: dict[int, float]) -> int:
    """One colony count, in CFU/mL."""
    return rng.choices(list(weights), list(weights.values()))[0]


NITROFURANTOIN = ("J01XE01", "nitrofurantoïne")
FOSFOMYCIN = ("J01XX01", "fosfomycine")
CIPROFLOXACIN = ("J01MA02", "ciprofloxacine")
CEFUROXIME = ("J01DC02", "céfuroxime")
CEFTRIAXONE = ("J01DD04", "ceftriaxone")
TEMOCILLIN = ("J01CA17", "témocilline")

ANTIBIOTICS = {
    "woman": {NITROFURANTOIN: 0.45, FOSFOMYCIN: 0.45, CIPROFLOXACIN: 0.10},
    "pregnant": {FOSFOMYCIN: 0.6, CEFUROXIME: 0.4},
    "ill": {TEMOCILLIN: 0.4, CEFTRIAXONE: 0.3, CEFUROXIME: 0.3},
    "man": {CIPROFLOXACIN: 0.5, TEMOCILLIN: 0.3, NITROFURANTOIN: 0.2},
}
"""Drugs that were ordered, as history to learn nothing from: the tool itself proposes no drug."""


def _treatment(rng: Random, case: Case, seen: dict[str, str], infected: bool) -> None:
    """What the clinicians did: at once, by what they saw; and once the culture was known."""
    if yes(rng, sigmoid(_inclination(case, seen, infected))):
        case.prescriptions.append(
            _antibiotic(rng, case, case.issued + timedelta(minutes=spread(rng, 8, 150)))
        )
        if yes(rng, 0.9):
            case.diagnosed = case.prescriptions[0].at + timedelta(minutes=rng.uniform(1, 30))
    elif case.culture and case.culture.positive and yes(rng, 0.6):
        case.prescriptions.append(
            _antibiotic(rng, case, case.culture.issued + timedelta(hours=spread(rng, 1, 9)))
        )
    if yes(rng, 0.25):
        at = case.admitted + timedelta(minutes=spread(rng, 10, 60))
        case.prescriptions.append(Prescription(at, "N02BE01", "paracétamol"))


def _inclination(case: Case, seen: dict[str, str], infected: bool) -> float:
    """The log odds that a clinician starts an antibiotic before the culture is known."""
    leukocytes = {"negative": 0.0, "trace": 0.2, "small": 0.9, "moderate": 1.8, "large": 1.9}
    score = -2.5 + 2.6 * (seen["nitrite"] == "positive") + leukocytes[seen["leukocytes_strip"]]
    score += (
        0.8 * case.symptoms["dysuria"] + 0.5 * case.symptoms["fever"] + 0.4 * case.symptoms["cva_tenderness"]
    )
    # A clinician sees more than is written down: how ill the patient looks, what was said.
    return score + 0.75 * infected


def _antibiotic(rng: Random, case: Case, at: datetime) -> Prescription:
    ill = case.symptoms["fever"] and case.ward.kind != "AMB"
    kind = (
        "ill" if ill else "pregnant" if case.pregnant else "woman" if case.person.sex == "female" else "man"
    )
    drugs = ANTIBIOTICS[kind]
    atc, name = rng.choices(list(drugs), list(drugs.values()))[0]
    return Prescription(at, atc, name)


LOST = {
    "clarity": 0.06,
    "ketones": 0.04,
    "glucose": 0.02,
    "protein": 0.02,
    "leukocytes_strip": 0.005,
    "nitrite": 0.005,
}


def _lose(rng: Random, case: Case) -> None:
    """Some values are never written down, or never measured."""
    case.strip = {name: value for name, value in case.strip.items() if not yes(rng, LOST.get(name, 0.01))}
    asked = {
        name: value for name, value in case.symptoms.items() if yes(rng, case.ward.asks - 0.2 * (not value))
    }
    case.symptoms = asked
    case.vitals = {name: value for name, value in case.vitals.items() if yes(rng, 0.95)}
