"""Belgian identifiers: their FHIR naming systems, their check digits, and numbers that belong to nobody.

Sources: the national register number (NISS/INSZ), royal decree of 3 April 1984 on its composition, and the
social security "bis" numbers, whose month is raised by 20 or 40; the enterprise number (CBE), royal decree of
24 June 2003 on its composition; the naming systems are those of the Belgian core FHIR guide (eHealth,
hl7.fhir.be.core 2.1.2).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

NISS = "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/ssin"
NIHDI = "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/nihdi"
CBE = "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/cbe"
EHP = "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/ehp"
INSURANCE = "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/insurancymembership"

_OLD = "https://www.ehealth.fgov.be/standards/fhir/NamingSystem/"
_NEW = "https://www.ehealth.fgov.be/standards/fhir/core/NamingSystem/"
_SYSTEMS = {
    "2.16.840.1.113883.3.6777.5.1": NISS,
    "2.16.840.1.113883.3.6777.5.2": NIHDI,
    "2.16.840.1.113883.3.6777.5.5": CBE,
    "2.16.840.1.113883.3.6777.5.6": EHP,
    f"{_NEW}nihdi-professional": NIHDI,
    f"{_NEW}nihdi-organization": NIHDI,
    f"{_NEW}insurancenumber": INSURANCE,
}

_BIS = (40, 20, 0)


def niss_is_valid(text: str) -> bool:
    """Whether ``text`` is eleven digits with the right check digits; points, hyphens and spaces may stand.

    >>> niss_is_valid("93.05.18-223.61"), niss_is_valid("93.05.18-223.62")
    (True, False)
    """
    digits = _digits(text)
    return len(digits) == 11 and _century(digits) is not None and _month(digits) is not None


def niss_birth_date(text: str) -> date | None:
    """The birth date in a valid number, or None: it is not valid, or its date is not known (month or day 00).

    >>> niss_birth_date("93051822361")
    datetime.date(1993, 5, 18)
    """
    if not niss_is_valid(text):
        return None
    digits = _digits(text)
    try:
        return date((_century(digits) or 0) + int(digits[:2]), _month(digits) or 0, int(digits[4:6]))
    except ValueError:
        return None


def niss_is_bis(text: str) -> bool:
    """Whether it is a bis number, given to people who are not in the National Register."""
    return niss_is_valid(text) and int(_digits(text)[2:4]) >= 20


def niss_sex(text: str) -> Literal["female", "male"] | None:
    """The sex that a valid number tells, or None: the day counter is even for women and odd for men.

    A number of somebody whose sex was not known when it was given out, which a bis number with its month
    raised by 20 says, tells none.

    >>> niss_sex("93051822361")
    'male'
    """
    if not niss_is_valid(text) or niss_is_made_up(text):
        return None
    digits = _digits(text)
    if 20 <= int(digits[2:4]) <= 32:
        return None
    return "male" if int(digits[6:9]) % 2 else "female"


def niss_formatted(text: str) -> str:
    """As people write it, ``93.05.18-223.61``; what has not eleven digits stays as it is.

    >>> niss_formatted("93051822361")
    '93.05.18-223.61'
    """
    d = _digits(text)
    return f"{d[:2]}.{d[2:4]}.{d[4:6]}-{d[6:9]}.{d[9:]}" if len(d) == 11 else text


def niss_is_made_up(text: str) -> bool:
    """Whether no person can have it: the day counter 000 or 999 is never given out."""
    return niss_is_valid(text) and _digits(text)[6:9] in {"000", "999"}


def made_up_niss(birth: date, sex: Literal["female", "male"], *, bis: int = 0) -> str:
    """A number with right check digits that belongs to no person: day counter 000 (female) or 999 (male).

    Two people of one sex born on the same day share it. ``bis`` is what to add to the month: 0, 20 or 40.

    >>> made_up_niss(date(1950, 1, 2), "female")
    '50010200027'
    """
    body = f"{birth:%y}{birth.month + bis:02}{birth:%d}{'000' if sex == 'female' else '999'}"
    return body + _check(body, born_after_1999=birth.year >= 2000)


def nihdi_is_valid(text: str) -> bool:
    """Whether ``text`` is a NIHDI (INAMI/RIZIV) number: eight digits, or eleven with the qualification.

    Its seventh and eighth digits are 97 less the first six modulo 97.

    >>> nihdi_is_valid("1-00001-96-004")
    False
    """
    digits = _digits(text)
    return len(digits) in {8, 11} and int(digits[6:8]) == 97 - int(digits[:6]) % 97


def cbe_is_valid(text: str) -> bool:
    """Whether ``text`` is an enterprise number (BCE/KBO): ten digits that begin with 0 or 1.

    The last two are 97 less the first eight modulo 97; ``BE`` may stand before.

    >>> cbe_is_valid("BE 0419.052.173"), cbe_is_valid("0419.052.174")
    (True, False)
    """
    digits = normal(text.removeprefix("BE"))
    shaped = len(digits) == 10 and digits.isascii() and digits.isdigit() and digits[0] in "01"
    return shaped and int(digits[8:]) == 97 - int(digits[:8]) % 97


def system_of(uri: str) -> str:
    """The naming system that a feed means: older forms of the Belgian ones become the one in force.

    Known are ``urn:oid:`` and bare OIDs, the addresses from before ``/core/``, and ``http`` for ``https``.

    >>> system_of("urn:oid:2.16.840.1.113883.3.6777.5.1") == NISS
    True
    """
    named = uri.strip().rstrip("/")
    named = named.removeprefix("urn:oid:") if named.lower().startswith("urn:oid:") else named
    named = f"https{named[4:]}" if named.startswith("http://www.ehealth.fgov.be/") else named
    named = f"{_NEW}{named.removeprefix(_OLD)}" if named.startswith(_OLD) else named
    return _SYSTEMS.get(named, named)


def normal(text: str) -> str:
    """A number without what people write between its parts: points, hyphens, slashes, spaces; in capitals.

    >>> normal("93.05.18-223.61")
    '93051822361'
    """
    return "".join(text.upper().split()).translate({ord(mark): None for mark in ".-/_"})


def _digits(text: str) -> str:
    kept = text.translate({ord(mark): None for mark in ".- "})
    return kept if kept.isascii() and kept.isdigit() else ""


def _month(digits: str) -> int | None:
    """The month of birth, 0 when it is not known, None when it is impossible; bis numbers too."""
    month = int(digits[2:4])
    return next((month - bis for bis in _BIS if 0 <= month - bis <= 12), None)


def _check(body: str, *, born_after_1999: bool) -> str:
    return f"{97 - int(('2' if born_after_1999 else '') + body) % 97:02}"


def _century(digits: str) -> int | None:
    """1900 or 2000, by which of the two the check digits fit."""
    for century in (1900, 2000):
        if _check(digits[:9], born_after_1999=century == 2000) == digits[9:]:
            return century
    return None
