"""Numbers and addresses of machines: national and NIHDI numbers, telephones, accounts, e-mail, file numbers.

Forms and check digits: :mod:`vesalius.fhir.belgium`; accounts, ISO 13616 (97-10 checks of ISO/IEC 7064);
telephones, the Belgian numbering plan (royal decree of 27 April 2007: nine digits, mobiles ten, with the 0) and
E.164 for what begins with + or 00.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vesalius.fhir import belgium
from vesalius.privacy.text.found import Found, Kind

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"')]+", re.IGNORECASE)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_NISS = re.compile(
    r"(?<![\d+])(\d{2})([. /-]?)(\d{2})([. /-]?)(\d{2})([ ./-]{0,3})(\d{3})([ ./-]?)(\d{2})(?!\d)"
)
_NIHDI = re.compile(r"(?<![\d+])\d([ ./-]?)\d{5}([ ./-]?)\d{2}(?:[ ./-]?\d{3})?(?!\d)")
_NISS_CUE = re.compile(
    r"(?:n\.?i\.?s\.?s|i\.?n\.?s\.?z|r\.?r\.?n|nationa(?:l|al)\b|nationalregister|rijksregister\w*|registre national"
    r"|nationalnummer|\bnn\b|\bssin\b)[^\d\n]{0,20}$",
    re.IGNORECASE,
)
_NIHDI_CUE = re.compile(r"(?:inami|riziv|likiv|nihdi)[^\d\n]{0,20}$", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\d\w+.,/-])(?:(?:\+|00)[1-9]\d{0,2}[ ./-]?(?:\(0\)[ ./-]?)?\d{1,4}(?:[ ./-]{0,2}\d{2,4}){2,4}"
    r"|(?:\(\d{2,4}\)|0[1-9]\d{0,3})[ ./-]{0,3}\d{2,4}(?:[ ./-]?\d{2,4}){1,3}|0[1-9]\d{1,3} ?[/-] ?\d{5,8})(?!\d|[.,/]\d)"
)
_PHONE_CUE = re.compile(
    r"(?:\b(?:t[ée]l(?:[ée]ph(?:one|oon)?|efon|\.)?|gsm|fax|mobile?|portable|handy|phone|bereikbaar op|joignable au)"
    r"\W{0,4})(\+?\(?\d[\d ./()-]{5,18}\d)",
    re.IGNORECASE,
)
_ID_CUE = re.compile(
    r"(?:\b(?:(?:n°|nr\.?|num[ée]ro|nummer|no\.?)\s?(?:de |du |d['’]|van )?)?(?:dossier|admission|s[ée]jour|patient|patiënt"
    r"|opname|verblijf|ead|mrn|ipp|nip|sis|akten?|fall|contact|episode|accession|labo|aanvraag|demande|affili[ée]?"
    r"|affiliation|lidmaatschap|inschrijving|mutuelle|mutualit[ée]|ziekenfonds|identifiant|id|record|file)"
    r"(?:[- ]?(?:zeichen|nummer|num[ée]ro|number|nr|n°|no|id|code))?\.?\s{0,2}[:#°=]{0,2}\s{0,2}"
    r"(?:(?:n°|nr\.?|no\.?|num[ée]ro|nummer|:)\s{0,2}){0,2})"
    r"((?:[A-Z]{1,5}[-/ ]?)?\d[\dA-Z]*(?:[./-][\dA-Z]+)*)\b",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?<![\w.,/+-])(?:[A-Z]{1,5}[-/]?)?\d{7,20}(?![\d\w/]|[.,]\d|\s?(?:/?mm|/?[µu]l\b|UI|IU|x10|E\d))"
)
_BEFORE = 45
"""How many characters back a cue is looked for."""


def find(text: str) -> Iterator[Found]:
    """Every number that names somebody or something of theirs."""
    for form, kind in ((_EMAIL, Kind.EMAIL), (_URL, Kind.URL)):
        yield from (Found(*match.span(), kind) for match in form.finditer(text))
    yield from (Found(*match.span(), Kind.IBAN) for match in _IBAN.finditer(text) if _is_account(match[0]))
    yield from _national(text)
    yield from _phones(text)
    for match in _ID_CUE.finditer(text):
        if sum(char.isdigit() for char in match[1]) >= 4:
            yield Found(*match.span(1), Kind.ID)
    yield from (Found(*match.span(), Kind.ID) for match in _BARE.finditer(text))


def _national(text: str) -> Iterator[Found]:
    for match in _NISS.finditer(text):
        digits = "".join(match.group(1, 3, 5, 7, 9))
        # Written in the form of one, or called one, it is one: a mistyped number leads to its owner all the same.
        formed = match[2] and match[2] == match[4] and match[6]
        cued = _NISS_CUE.search(text, max(0, match.start() - _BEFORE), match.start())
        if belgium.niss_is_valid(digits) or formed or cued:
            yield Found(*match.span(), Kind.NISS)
    for match in _NIHDI.finditer(text):
        cued = _NIHDI_CUE.search(text, max(0, match.start() - _BEFORE), match.start())
        if cued or (match[1] and match[2]) or belgium.nihdi_is_valid(belgium.normal(match[0])):
            yield Found(*match.span(), Kind.NIHDI)


def _phones(text: str) -> Iterator[Found]:
    for match in _PHONE.finditer(text):
        digits = sum(char.isdigit() for char in match[0])
        if 9 <= digits <= 15 if match[0][0] == "+" or match[0].startswith("00") else 9 <= digits <= 12:
            yield Found(*match.span(), Kind.PHONE)
    yield from (Found(*match.span(1), Kind.PHONE) for match in _PHONE_CUE.finditer(text))


def _is_account(text: str) -> bool:
    """Whether it is an IBAN: by its check digits, or, with those of a mistyped one, by its Belgian length."""
    packed = text.replace(" ", "")
    if not 15 <= len(packed) <= 34:
        return False
    moved = "".join(str(int(char, 36)) for char in packed[4:] + packed[:4])
    return int(moved) % 97 == 1 or (packed[:2] == "BE" and len(packed) == 16)
