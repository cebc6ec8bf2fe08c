"""The numbers of a patient, a practitioner or an organisation, in one form each, and what is odd about them.

A number that breaks its check digits is kept and flagged, never refused: the patient is there all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from vesalius.fhir import belgium


class Flag(StrEnum):
    """What can be odd about somebody's numbers; ``docs/engineer/identity.md`` explains each."""

    NISS_INVALID = "niss-invalid"
    NISS_MADE_UP = "niss-made-up"
    NISS_BIRTH = "niss-birth"
    NISS_SEX = "niss-sex"
    NISS_SEVERAL = "niss-several"
    NIHDI_INVALID = "nihdi-invalid"
    CBE_INVALID = "cbe-invalid"


class Number(msgspec.Struct, frozen=True):
    """One number.

    Attributes:
        system: its naming system, the one in force where a feed sends an older form; for one without a
            system, who gave it out.
        value: in its one form, without points and spaces.
        use: ``old`` for one that is no longer in use, or as the feed says.
        start, end: from when to when it was in use, as far as the feed says.
    """

    system: str
    value: str
    use: str = ""
    start: str = ""
    end: str = ""

    @property
    def valid(self) -> bool:
        """Whether its check digits are right; a number of a system without any is."""
        check = _CHECKS.get(self.system)
        return check is None or check(self.value)


_CHECKS = {
    belgium.NISS: belgium.niss_is_valid,
    belgium.NIHDI: belgium.nihdi_is_valid,
    belgium.CBE: belgium.cbe_is_valid,
}
_NATIONAL = {"NI", "NNBEL", "NIS", "NNxxx", "SS"}


def numbers(resource: dict[str, Any]) -> list[Number]:
    """The numbers that a resource carries, each once, in the order in which they stand."""
    found: dict[tuple[str, str], Number] = {}
    for identifier in resource.get("identifier", ()):
        system, value = _system(identifier), identifier.get("value", "").strip()
        if system in _CHECKS:
            value = belgium.normal(value)
        if not value:
            continue
        period = identifier.get("period", {})
        made = Number(
            system[:255],
            value[:160],
            identifier.get("use", ""),
            period.get("start", ""),
            period.get("end", ""),
        )
        found.setdefault((made.system, made.value), made)
    return list(found.values())


def _system(identifier: dict[str, Any]) -> str:
    system = belgium.system_of(identifier.get("system", ""))
    if system:
        return system
    codes = {each.get("code", "") for each in identifier.get("type", {}).get("coding", ())}
    if codes & _NATIONAL and belgium.niss_is_valid(identifier.get("value", "")):
        return belgium.NISS
    assigner = identifier.get("assigner", {})
    named = (
        assigner.get("reference") or assigner.get("display") or assigner.get("identifier", {}).get("value")
    )
    return f"{named or 'unknown'}#{'+'.join(sorted(codes))}"


def nisses(found: list[Number], *, to_anybody: bool = False) -> tuple[str, ...]:
    """The valid national numbers among some; not those that no person can have, unless ``to_anybody``."""
    return tuple(
        each.value
        for each in found
        if each.system == belgium.NISS
        and each.valid
        and (to_anybody or not belgium.niss_is_made_up(each.value))
    )


def flags(resource: dict[str, Any]) -> tuple[Flag, ...]:
    """What is odd about the numbers of a Patient, a Practitioner or an Organization."""
    return tuple(dict.fromkeys(_flags(resource, numbers(resource))))


def _flags(resource: dict[str, Any], found: list[Number]) -> Iterator[Flag]:
    for each in found:
        if each.system == belgium.NISS:
            yield from _of_niss(each.value, resource)
        elif each.system == belgium.NIHDI and not each.valid:
            yield Flag.NIHDI_INVALID
        elif each.system == belgium.CBE and not each.valid:
            yield Flag.CBE_INVALID
    current = {
        each.value for each in found if each.system == belgium.NISS and not (each.end or each.use == "old")
    }
    if len(current) > 1:
        yield Flag.NISS_SEVERAL


def _of_niss(value: str, resource: dict[str, Any]) -> Iterator[Flag]:
    if not belgium.niss_is_valid(value):
        yield Flag.NISS_INVALID
        return
    if belgium.niss_is_made_up(value):
        yield Flag.NISS_MADE_UP
    born, told = belgium.niss_birth_date(value), resource.get("birthDate", "")
    if born and told and not _agree(born, told):
        yield Flag.NISS_BIRTH
    sex, said = belgium.niss_sex(value), resource.get("gender")
    if sex and said in {"female", "male"} and sex != said:
        yield Flag.NISS_SEX


def _agree(born: date, told: str) -> bool:
    """A birth date that is only known in part agrees with every date in it."""
    return born.isoformat().startswith(told[:10])


class Explained(msgspec.Struct, frozen=True):
    """What a national number says.

    Attributes:
        written: as people write it.
        valid: whether its check digits are right.
        bis: whether it is a bis number.
        made_up: whether no person can have it.
        birth: the date of birth in it, if it is known.
        sex: the sex in it, if it tells.
        words: why it is not valid, or what it is, in English.
    """

    written: str
    valid: bool
    bis: bool
    made_up: bool
    birth: date | None
    sex: str | None
    words: str


def explained(text: str) -> Explained:
    """What a national number says, and why it is none where it is not."""
    digits = belgium.normal(text)
    return Explained(
        written=belgium.niss_formatted(digits),
        valid=belgium.niss_is_valid(digits),
        bis=belgium.niss_is_bis(digits),
        made_up=belgium.niss_is_made_up(digits),
        birth=belgium.niss_birth_date(digits),
        sex=belgium.niss_sex(digits),
        words=_words(digits),
    )


def _words(digits: str) -> str:
    if not (digits.isascii() and digits.isdigit()):
        return "it holds other characters than digits"
    if len(digits) != 11:
        return f"it has {len(digits)} digits, not 11"
    if not belgium.niss_is_valid(digits):
        right = {97 - int(century + digits[:9]) % 97 for century in ("", "2")}
        if int(digits[9:]) in right:
            return "its month is none: 1 to 12, or that plus 20 or 40 for a bis number, or 0 if not known"
        shown = " or ".join(f"{each:02}" for each in sorted(right))
        return f"its check digits are {digits[9:]} and should be {shown}"
    if belgium.niss_is_made_up(digits):
        return "its check digits are right, and no person has it: its day counter is never given out"
    return "a bis number" if belgium.niss_is_bis(digits) else "a number of the National Register"
