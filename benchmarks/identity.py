"""How fast patients are linked, and how well: synthetic people whose doubles are known, on SQLite.

Run ``.venv/bin/python benchmarks/identity.py [PATIENTS]``. People are drawn from made-up family names with
the skew that registers have. One in twenty is registered twice, with one slip, or two
(a quarter), or after a move (two fifths); one birth in sixty is of twins, who must not be linked. National
numbers are of days that are still to come, so that they are nobody's; a third of the people carry none.

The slips are of the kinds that the rules were written for, and the draws know nothing of a real hospital's
errors: read the recall as an upper bound, by kind, and look at one's own data before believing any of it.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from vesalius import identity
from vesalius.fhir import belgium
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEGINNINGS = (
    "Pee",
    "Jans",
    "Mae",
    "Wil",
    "Du",
    "Lam",
    "Mar",
    "Sim",
    "Cla",
    "Wou",
    "Goo",
    "Mer",
    "Dew",
    "Le",
    "Van den ",
)
MIDDLES = (
    "ter",
    "sen",
    "lem",
    "bert",
    "bois",
    "tin",
    "kens",
    "es",
    "cq",
    "ro",
    "ve",
    "broeck",
    "mans",
    "ghe",
)
ENDS = ("s", "", "x", "en", "t", "ck", "ts")
GIVEN = {
    "female": (
        "Marie", "Anna", "Emma", "Louise", "Hélène", "Julie", "Sarah", "Lotte", "Sofie", "Camille",
        "Nathalie", "Martine", "Christine", "Katrien", "Els", "An", "Nicole", "Monique", "Jeanne", "Rita",
    ),
    "male": (
        "Jan", "Pierre", "Luc", "Marc", "Thomas", "Lucas", "Louis", "Noah", "Pieter", "Koen", "Michel",
        "Philippe", "David", "Kevin", "Jean", "Paul", "Willem", "Bart", "Tom", "Olivier",
    ),
}  # fmt: skip
OTHER_FORM = {
    "Pierre": "Pieter",
    "Jean": "Jan",
    "Louis": "Lodewijk",
    "Marie": "Maria",
    "Philippe": "Filip",
    "Katrien": "Catherine",
}
SLIPS = ("none", "accent", "letter", "particle", "form", "birth", "niss", "married", "bis", "crossed")


class People:
    """Draws people, their doubles, and what is true of them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.born = date(2030, 1, 1)
        self.families = [a + b + c for a in BEGINNINGS for b in MIDDLES for c in ENDS]
        self.weights = [1 / (n + 20) for n in range(len(self.families))]
        self.chance.shuffle(self.families)
        self.counters: Counter[date] = Counter()
        self.made: list[dict[str, Any]] = []
        self.truth: dict[frozenset[str], str] = {}
        self.twins: set[frozenset[str]] = set()

    def draw(self, count: int) -> list[dict[str, Any]]:
        """Registrations of ``count`` patients or a few more, in a random order."""
        while len(self.made) < count:
            one = self._person()
            self._register(one, numbered=self.chance.random() < 0.67)
            if self.chance.random() < 1 / 60:
                self._twin(one)
            if self.chance.random() < 1 / 20:
                self._double(one)
        self.chance.shuffle(self.made)
        return self.made

    def _person(self) -> dict[str, Any]:
        sex = self.chance.choice(("female", "male"))
        # As far ahead as people are old: the two-digit years and the days of a register, and nobody's number.
        born = date(2030, 1, 1) + timedelta(days=int(self.chance.triangular(0, 70 * 365, 40 * 365)))
        return {
            "family": self.chance.choices(self.families, self.weights)[0],
            "given": self.chance.choice(GIVEN[sex]),
            "sex": sex,
            "born": born,
            "niss": self._number(born, sex),
            "postcode": str(1000 + 10 * int(self.chance.triangular(0, 600, 100))),
            "street": f"Rue {self.chance.randrange(3000)}, {self.chance.randrange(1, 200)}",
        }

    def _number(self, born: date, sex: str, bis: int = 0) -> str:
        self.counters[born] += 1
        counter = 2 * self.counters[born] + (sex == "male") - 1 + (sex == "female")
        body = f"{born:%y}{born.month + bis:02}{born:%d}{counter % 997:03}"
        return body + f"{97 - int('2' + body) % 97:02}"

    def _register(self, one: dict[str, Any], *, numbered: bool) -> str:
        id_ = f"p{len(self.made)}"
        patient: dict[str, Any] = {
            "resourceType": "Patient", "id": id_, "gender": one["sex"], "birthDate": str(one["born"]),
            "name": [{"family": one["family"], "given": [one["given"]]}],
            "address": [{"line": [one["street"]], "postalCode": one["postcode"]}],
            "identifier": [{"system": "https://hospital.example/mrn", "value": id_}],
        }  # fmt: skip
        if numbered:
            patient["identifier"].append({"system": belgium.NISS, "value": one["niss"]})
        one["id"], one["numbered"] = id_, numbered
        self.made.append(patient)
        return id_

    def _twin(self, one: dict[str, Any]) -> None:
        names = [each for each in GIVEN[one["sex"]] if each != one["given"]]
        twin = one | {"given": self.chance.choice(names), "niss": self._number(one["born"], one["sex"])}
        first = one["id"]
        self.twins.add(frozenset((first, self._register(twin, numbered=one["numbered"]))))

    def _double(self, one: dict[str, Any]) -> None:
        kinds = self.chance.sample(SLIPS, 2 if self.chance.random() < 0.25 else 1)
        self.born = one["born"]
        first, numbered, other = one["id"], self.chance.random() < 0.67, dict(one)
        for kind in kinds:
            other = getattr(self, f"_{kind}")(other)
        if self.chance.random() < 0.4:
            other |= {"postcode": str(1000 + self.chance.randrange(9000)), "street": "Kerkstraat 1"}
            kinds.append("moved")
        numbered = numbered or bool({"niss", "bis"} & set(kinds))
        self.truth[frozenset((first, self._register(other, numbered=numbered)))] = "+".join(sorted(kinds))

    def _none(self, one: dict[str, Any]) -> dict[str, Any]:
        return one

    def _accent(self, one: dict[str, Any]) -> dict[str, Any]:
        plain = one["given"].replace("é", "e").replace("è", "e").upper()
        return one | {"family": one["family"].upper(), "given": plain}

    def _letter(self, one: dict[str, Any]) -> dict[str, Any]:
        name, at = one["family"], self.chance.randrange(1, max(2, len(one["family"]) - 1))
        changed = self.chance.choice(
            (name[:at] + name[at + 1 :], name[:at] + "e" + name[at:], self._swap(name, at))
        )
        return one | {"family": changed}

    def _swap(self, text: str, at: int) -> str:
        return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]

    def _particle(self, one: dict[str, Any]) -> dict[str, Any]:
        return one | {
            "family": one["family"].replace("Van den ", "Vanden"),
            "street": f"Rue {self.chance.randrange(3000)}",
        }

    def _form(self, one: dict[str, Any]) -> dict[str, Any]:
        return one | {"given": OTHER_FORM.get(one["given"], one["given"])}

    def _birth(self, one: dict[str, Any]) -> dict[str, Any]:
        text = str(one["born"])
        swapped = f"{text[:4]}-{text[8:]}-{text[5:7]}"
        slips = [text[:4], text[:8] + f"{(int(text[8:]) % 27) + 1:02}"] + (
            [swapped] if int(text[8:]) < 13 else []
        )
        return one | {"born": self.chance.choice(slips)}

    def _niss(self, one: dict[str, Any]) -> dict[str, Any]:
        return one | {"niss": self._swap(one["niss"], self.chance.randrange(6, 10))}

    def _bis(self, one: dict[str, Any]) -> dict[str, Any]:
        return one | {"niss": self._number(self.born, one["sex"], bis=40)}

    def _married(self, one: dict[str, Any]) -> dict[str, Any]:
        return one | {"family": self.chance.choices(self.families, self.weights)[0]}

    def _crossed(self, one: dict[str, Any]) -> dict[str, Any]:
        return one | {"family": one["given"], "given": one["family"]}


def main(count: int) -> None:
    """Draws, writes, links, and prints what was found."""
    people = People(1514)
    patients = people.draw(count)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{Path(folder) / 'bench.sqlite'}")
        lake = Lake(engine, Path(folder) / "columns")
        lake.write((Arrival.of(json.dumps(each).encode()) for each in patients), "bench", NOW)
        start = time.process_time()
        done = identity.refresh(lake, now=NOW)
        seconds = time.process_time() - start
        report(people, engine, len(patients), seconds, done.pairs)
        start = time.process_time()
        identity.refresh(lake)
        print(f"refresh again, nothing new: {1000 * (time.process_time() - start):.1f} ms CPU")
        engine.dispose()


def report(people: People, engine: Any, count: int, seconds: float, found: int) -> None:
    """Prints time, and what was found of what is true."""
    pairs = {frozenset((each.one, each.other)): each.rule for each in identity.pairs(engine, limit=found + 1)}
    right = pairs.keys() & people.truth.keys()
    print(f"{count} patients: {seconds:.1f} s CPU ({seconds / count * 100_000:.1f} s per 100,000)")
    print(f"{found} pairs; {len(people.truth)} true doubles, {len(right)} found")
    print(f"recall {len(right) / len(people.truth):.3f}, precision {len(right) / max(1, len(pairs)):.3f}")
    print(f"twins: {len(people.twins)} pairs, {len(people.twins & pairs.keys())} proposed")
    for kind in (*SLIPS, "moved"):
        of_it = {each for each, kinds in people.truth.items() if kind in kinds.split("+")}
        print(f"  with slip {kind:<9} {len(right & of_it):>6} of {len(of_it)}")
    missed = Counter(people.truth[each] for each in people.truth.keys() - right)
    print("  missed most: " + ", ".join(f"{kind} {number}" for kind, number in missed.most_common(5)))
    by_rule, true_by_rule = Counter(pairs.values()), Counter(pairs[each] for each in right)
    for rule in sorted(by_rule):
        print(f"  rule {rule:<9} {by_rule[rule]:>6} pairs, {true_by_rule[rule]} true")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
