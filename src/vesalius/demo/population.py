"""The people of the synthetic hospital: wards, and patients with names of Belgium's three communities.

Nothing here is a person: names are combined by chance, and every national number has the day counter 000 or
999, which the National Register never gives out.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any, Literal

from vesalius.fhir import belgium

Sex = Literal["female", "male"]


@dataclass(frozen=True, slots=True)
class Ward:
    """One ward, and who comes there.

    Attributes:
        code: its short code.
        name: its name, in the hospital's language (French).
        kind: the class of its stays, a code of HL7 v3 ActCode: EMER, IMP or AMB.
        weight: its share of the urine samples.
        age: mean, standard deviation, youngest and oldest age, in years.
        female: the share of women.
        catheter: the share with a urinary catheter.
        asks: the share of symptoms that its staff writes down.
        days: the mean length of stay, in days; 0 for hours only.
    """

    code: str
    name: str
    kind: str
    weight: float
    age: tuple[float, float, float, float]
    female: float
    catheter: float
    asks: float
    days: float


WARDS = (
    Ward("URG", "Urgences", "EMER", 0.36, (52, 23, 16, 98), 0.67, 0.03, 0.90, 0.0),
    Ward("GER", "Gériatrie", "IMP", 0.17, (84, 6, 72, 101), 0.66, 0.14, 0.70, 12.0),
    Ward("MED", "Médecine interne", "IMP", 0.13, (69, 13, 25, 95), 0.52, 0.10, 0.70, 7.0),
    Ward("URO", "Urologie", "IMP", 0.08, (66, 13, 24, 92), 0.24, 0.22, 0.80, 4.0),
    Ward("CUR", "Consultation d'urologie", "AMB", 0.07, (61, 16, 20, 90), 0.38, 0.05, 0.85, 0.0),
    Ward("GYN", "Consultation de gynécologie", "AMB", 0.08, (38, 12, 18, 78), 1.0, 0.0, 0.85, 0.0),
    Ward("MAT", "Maternité", "IMP", 0.06, (31, 5, 18, 44), 1.0, 0.06, 0.80, 3.0),
    Ward("REV", "Revalidation", "IMP", 0.03, (72, 12, 35, 94), 0.55, 0.12, 0.65, 25.0),
    Ward("PED", "Pédiatrie", "IMP", 0.02, (7, 4, 1, 15), 0.60, 0.01, 0.75, 2.0),
)


@dataclass(frozen=True, slots=True)
class Person:
    """One patient who does not exist.

    Attributes:
        number: the hospital's own number, also the id of the resource.
        niss: a national number with valid check digits that cannot belong to a person.
        sex: ``female`` or ``male``.
        born: the birth date.
        year_only: whether only the year is known to the hospital.
        family, given: the names.
        language: fr, nl or de.
        postal, municipality: where the person would live.
        ward: the ward the person comes to.
    """

    number: str
    niss: str
    sex: Sex
    born: date
    year_only: bool
    family: str
    given: str
    language: str
    postal: str
    municipality: str
    ward: Ward


LANGUAGES = {"fr": 0.66, "nl": 0.22, "de": 0.12}
"""The share of each community, more mixed than in any one hospital."""


@cache
def communities() -> dict[str, dict[str, list[Any]]]:
    """Names and municipalities, by language."""
    return tomllib.loads(files("vesalius.demo").joinpath("communities.toml").read_text("utf-8"))


class Population:
    """Makes patients, one after the other, no two with the same national number.

    Args:
        seed: the same seed makes the same patients.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(f"{seed}/population")  # noqa: S311 - synthetic data must be repeatable, not secret
        self._numbers: set[str] = set()
        self.people: list[Person] = []

    def patient(self, on: date) -> Person:
        """The patient of one more sample, taken on a day: one in five has been here before."""
        if self.people and self._random.random() < 0.2:
            return self._random.choice(self.people)
        person = self._person(on)
        self.people.append(person)
        return person

    def _person(self, on: date) -> Person:
        rng = self._random
        ward = rng.choices(WARDS, [ward.weight for ward in WARDS])[0]
        sex: Sex = "female" if rng.random() < ward.female else "male"
        born, niss = self._birth(ward, sex, on)
        language = rng.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
        names = communities()[language]
        postal, municipality = rng.choice(names["municipalities"])
        return Person(
            number=f"D{len(self.people) + 1:06d}",
            niss=niss,
            sex=sex,
            born=born,
            year_only=rng.random() < 0.01,
            family=rng.choice(names["family"]),
            given=rng.choice(names[sex]),
            language=language,
            postal=postal,
            municipality=municipality,
            ward=ward,
        )

    def _birth(self, ward: Ward, sex: Sex, on: date) -> tuple[date, str]:
        # One day counter per sex can belong to nobody, so a birth date serves one man and one woman.
        while True:
            born = on - timedelta(days=int(self._age(ward) * 365.25) + self._random.randrange(365))
            niss = belgium.made_up_niss(born, sex)
            if niss not in self._numbers:
                self._numbers.add(niss)
                return born, niss

    def _age(self, ward: Ward) -> float:
        mean, deviation, youngest, oldest = ward.age
        while not youngest <= (age := self._random.gauss(mean, deviation)) <= oldest:
            pass
        return age
