"""The rules that say which two patients may be one person. They are data: each with its code and its reason.

They are deterministic. The first that holds proposes the pair; none merges anything. What must never be
linked comes before all but the equal number: twins share birth date, family name and address, and have two
first names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from vesalius.fhir import belgium
from vesalius.identity.identifiers import nisses, numbers
from vesalius.identity.names import (
    ALIKE,
    OTHER,
    SAME,
    UNKNOWN,
    families,
    given_code,
    givens,
    letters,
    one_slip,
    parts,
    sound,
)


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a Patient tells who it is.

    Attributes:
        id: of the Patient.
        family, given: the names as they stand, one for each of the patient's names (a maiden name, …).
        birth: the birth date, perhaps only in part.
        sex: female, male, other, unknown or empty.
        postcode, street: of each address.
        niss: valid national numbers, former ones too.
        wrong: what stands for one and is none.
    """

    id: str
    family: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    birth: str = ""
    sex: str = ""
    postcode: tuple[str, ...] = ()
    street: tuple[str, ...] = ()
    niss: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def person(resource: dict[str, Any], former: tuple[str, ...] = ()) -> Person:
    """What of a Patient tells who it is; ``former`` are national numbers that it had before."""
    names, addresses = resource.get("name", ()), resource.get("address", ())
    found = numbers(resource)
    right = tuple(dict.fromkeys((*nisses(found), *former)))
    stated = tuple(each.value for each in found if each.system == belgium.NISS)
    return Person(
        id=resource["id"],
        family=_distinct(each.get("family", "") for each in names),
        given=_distinct((each.get("given") or [""])[0] for each in names),
        birth=resource.get("birthDate", "")[:10],
        sex=resource.get("gender", ""),
        postcode=_distinct(each.get("postalCode", "").strip() for each in addresses),
        street=_distinct(letters(" ".join(each.get("line", ()))) for each in addresses),
        niss=right,
        wrong=tuple(each for each in stated if not belgium.niss_is_valid(each)),
    )


def _distinct(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, values)))


def keys(one: Person) -> set[str]:
    """The keys under which others are looked for: two people who share none are never compared."""
    found = {f"n:{each}" for each in one.niss}
    sounds = {sound(each) for name in one.family for each in (letters(name), *parts(name))}
    given = {given_code(name) for name in one.given}
    if len(one.birth) == 10:
        found |= {f"b:{one.birth}:{each}" for each in sounds | given if each}
    found |= {
        f"p:{postcode}:{family}:{first}"
        for postcode in one.postcode
        for family in sounds
        for first in given
        if family and first
    }
    return {each[:160] for each in found}


@dataclass(frozen=True)
class Comparison:
    """How two patients agree, field by field: same, alike, other or unknown."""

    niss: str
    birth: str
    family: str
    given: str
    sex: str
    postcode: str
    street: str
    bis: bool

    @property
    def names(self) -> str:
        """How the names agree as a whole."""
        both = {self.family, self.given}
        if both == {SAME}:
            return SAME
        return ALIKE if both <= {SAME, ALIKE} else OTHER

    @property
    def twins(self) -> bool:
        """Whether they look like two children of one birth."""
        return self.birth == SAME and self.family in {SAME, ALIKE} and self.given == OTHER


def compare(one: Person, other: Person) -> Comparison:
    """How two patients agree."""
    family, given = _best(families, one.family, other.family), _best(givens, one.given, other.given)
    if OTHER in {family, given} and _crossed(one, other):
        family = given = ALIKE  # the first name stands where the family name should
    return Comparison(
        niss=_niss(one, other),
        birth=births(one.birth, other.birth),
        family=family,
        given=given,
        sex=_sexes(one.sex, other.sex),
        postcode=_shared(one.postcode, other.postcode),
        street=_shared(one.street, other.street),
        bis=any(map(belgium.niss_is_bis, one.niss)) != any(map(belgium.niss_is_bis, other.niss)),
    )


def births(one: str, other: str) -> str:
    """How two birth dates agree; alike are one in which a slip may have been made, or that is known in part.

    >>> births("1950-03-02", "1950-02-03"), births("1950-03-02", "1950"), births("1950-03-02", "1961-03-02")
    ('alike', 'alike', 'other')
    """
    if not one or not other:
        return UNKNOWN
    if one == other:
        return SAME
    if one.startswith(other) or other.startswith(one):
        return ALIKE
    swapped = f"{one[:4]}-{one[8:10]}-{one[5:7]}" == other
    return ALIKE if swapped or one_slip(one.replace("-", ""), other.replace("-", "")) else OTHER


def _best(how: Callable[[str, str], str], one: tuple[str, ...], other: tuple[str, ...]) -> str:
    found = {how(a, b) for a in one for b in other}
    return next((each for each in (SAME, ALIKE, OTHER) if each in found), UNKNOWN)


def _crossed(one: Person, other: Person) -> bool:
    return any(
        letters(a) == letters(d) and letters(b) == letters(c)
        for a in one.family
        for b in one.given
        for c in other.family
        for d in other.given
    )


def _niss(one: Person, other: Person) -> str:
    if not set(one.niss).isdisjoint(other.niss):
        return SAME
    mine, theirs = (*one.niss, *one.wrong), (*other.niss, *other.wrong)
    if any(one_slip(a, b) or a == b for a in mine for b in theirs):
        return ALIKE
    return OTHER if one.niss and other.niss else UNKNOWN


def _sexes(one: str, other: str) -> str:
    known = {"female", "male", "other"}
    if one not in known or other not in known:
        return UNKNOWN
    return SAME if one == other else OTHER


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> str:
    if not one or not other:
        return UNKNOWN
    return SAME if set(one) & set(other) else OTHER


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        code: how settings, pairs and the documentation name it.
        strength: 9 for the strongest; the order in which people see pairs.
        certain: whether a hospital may make it automatic.
        words: what it says, in English.
        holds: whether it holds of a comparison.
    """

    code: str
    strength: int
    certain: bool
    words: str
    holds: Callable[[Comparison], bool]


def _same_person(c: Comparison) -> bool:
    return c.niss == SAME and c.birth == SAME and c.given in {SAME, ALIKE} and c.sex != OTHER


def _near(c: Comparison) -> bool:
    """Nothing but the field that a rule is about speaks against it."""
    return c.sex != OTHER and not c.twins


RULES: tuple[Rule, ...] = (
    Rule("R1", 9, True, "same national number, birth date and first name", _same_person),
    Rule(
        "R2", 8, False, "same national number, but the birth date, the first name or the sex differs",
        lambda c: c.niss == SAME,
    ),
    Rule(
        "R3", 7, False, "same names, birth date and sex; no national number speaks against it",
        lambda c: _near(c) and c.names == SAME and c.birth == SAME and c.niss == UNKNOWN,
    ),
    Rule(
        "R4", 7, False, "same person but for the national number, and one of the two numbers is a bis number",
        lambda c: _near(c) and c.names in {SAME, ALIKE} and c.birth == SAME and c.niss == OTHER and c.bis,
    ),
    Rule(
        "R5", 7, False, "the national numbers differ by one slip; names and birth date agree",
        lambda c: _near(c) and c.niss == ALIKE and c.names in {SAME, ALIKE} and c.birth in {SAME, ALIKE},
    ),
    Rule(
        "R6", 5, False, "same birth date and sex, names spelled otherwise",
        lambda c: _near(c) and c.names == ALIKE and c.birth == SAME and c.niss == UNKNOWN,
    ),
    Rule(
        "R7", 5, False, "same names and postcode, birth dates that differ by one slip",
        lambda c: _near(c) and c.names in {SAME, ALIKE} and c.birth == ALIKE and c.postcode == SAME
        and c.niss != OTHER,
    ),
    Rule(
        "R8", 4, False, "same first name, birth date and postcode, another family name (marriage?)",
        lambda c: _near(c) and c.given == SAME and c.family == OTHER and c.birth == SAME
        and c.sex == SAME and c.postcode == SAME and c.niss == UNKNOWN,
    ),
    Rule(
        "R9", 3, False, "same names, birth date and address, but two national numbers",
        lambda c: _near(c) and c.names == SAME and c.birth == SAME and c.street == SAME
        and c.postcode == SAME and c.niss == OTHER,
    ),
)  # fmt: skip
"""In the order in which they are tried."""

BY_CODE = {each.code: each for each in RULES}


def judged(one: Person, other: Person) -> tuple[Rule, Comparison] | None:
    """The first rule that holds of two patients, and how they agree; None if none does."""
    comparison = compare(one, other)
    for rule in RULES:
        if rule.holds(comparison):
            return rule, comparison
    return None
