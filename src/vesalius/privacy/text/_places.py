"""Addresses, postal codes, places and the names of institutions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from vesalius.privacy.text._words import ambiguous, words
from vesalius.privacy.text.found import Found, Kind

_WORD = r"[A-ZÀ-ÖØ-Þ][\w'’]{0,40}(?:-[\w'’]{1,30}){0,5}"
_CAP = rf"(?:[DLdl]['’])?{_WORD}"
_JOIN = r"(?:de la|de l['’]|de|du|des|d['’]|la|le|les|aux?|van de[nr]?|van het|van|den?|der|het|'t|ter|ten|op|of the|of|the|zum|zur|am|an der|und|et|en|-)"
_FR_STREET = (
    r"(?:rue|r\.|avenue|av\.?|boulevard|b[dl]\.|chauss[ée]e|ch\.|chée|place|pl\.|drève|quai|square|all[ée]e|impasse|clos|venelle|ruelle|sentier"
    r"|chemin|route|rte|cours|esplanade|galerie|passage|cit[ée]|résidence|hameau|parvis|mont[ée]e|rond-point|faubourg|voie|thier|tienne)"
)
_NL_STREET = (
    r"(?:straat|str\.|laan|steenweg|stwg\.?|weg|baan|plein|dreef|lei|kaai|markt|hof|park|pad|wegel|singel|vest|gracht|dijk|berg|veld|kouter|dal"
    r"|heide|bos|poort|brug|kerkhof|plaats|wijk|meers|akker|ring)"
)
_BOX = r"(?:\s?[A-Za-z](?![\wÀ-ÿ]))?(?:[ ,]{0,2}(?:b(?:us|te|o[iî]te|ox)\.?|/)\s?[A-Za-z]?\d{1,4})?"
_NUMBER = rf"\d{{1,4}}(?:[-/]\d{{1,4}})?{_BOX}"
_WORDS = rf"(?:(?:{_JOIN}\s?)*(?:{_CAP}|\d{{1,2}}(?=\s[A-Za-zÀ-ÿ]))[ ]?){{1,5}}"

_ADDRESSES = (
    re.compile(
        rf"(?:\b\d{{1,4}}\s?[A-Z]?,?\s)?\b(?i:{_FR_STREET})\s{_WORDS},?\s?(?:n°\s?)?{_NUMBER}(?![\d/])"
    ),
    re.compile(rf"\b\d{{1,4}}\s?[A-Z]?,?\s(?i:{_FR_STREET})\s{_WORDS}(?<!\s)"),
    re.compile(
        rf"\b(?:(?:{_CAP}|van|de|den|der|het|ter|ten)[ ]){{0,3}}(?:[A-ZÀ-Þ][\w-]{{0,40}})?(?i:{_NL_STREET})\s{_NUMBER}(?![\d/%]|[.,]\d)"
    ),
    re.compile(
        rf"\b(?:{_CAP}[ -]){{0,2}}[A-ZÄÖÜ]?[\w-]{{0,40}}(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse|ufer|damm)\s{_NUMBER}(?!\d)"
    ),
    re.compile(
        r"\b\d{1,4} (?:[A-Z][a-z]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Close|Square|Terrace)\b"
    ),
)
_ZIP = re.compile(
    rf"(?<![\d\w./,-])(?:(?:B|BE|F|L|D|NL)[- ]?)?([1-9]\d{{3,4}})[ ](({_CAP})(?:[ ](?:{_JOIN}[ ])?{_CAP}){{0,2}})"
)
_DATELINE = re.compile(
    rf"(?:^|\n)[ \t]*({_CAP}(?:[ -]{_CAP}){{0,2}})(?:,|(?=[ ](?:le|den)[ ]))[ ]"
    r"(?:(?:le|la|den|de|op|am)[ ])?(?=\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}(?:er|\.)?[ ][A-Za-zûéä]{3,9}\.?[ ]\d{4})"
)
_AT = re.compile(
    rf"\b(?:à|a|te|in|nach|near|près de|from|vers|de|naar|van|uit|wonende te)\s({_CAP}(?:[ -]{_CAP})?)"
)
_PLACE = re.compile(_CAP)

_FR_HOUSE = (
    r"(?:CHU|CHR|CHC|CHN|CHIREC|CHIM|H[ôo]pital|H[ôo]pitaux|Clini(?:que|c)s?|Centre (?:[Hh]ospitalier|[Mm][ée]dical|de (?:[Ss]ant[ée]|[Rr][ée]adaptation|[Rr]evalidation))"
    r"|Polycliniques?|Maison (?:[Mm][ée]dicale|de (?:repos|soins))|MRS|MRPA|MR|R[ée]sidence|R[ée]sidences|Home|S[ée]niorie|Institut|Foyer|Pharmacie|Laboratoire)"
)
_NL_HOUSE = (
    r"(?:AZ|UZ|ZNA|OLV|RZ|PZ|PC|WZC|RVT|ROB|CAR|(?:(?:Algemeen|Universitair|Regionaal|Psychiatrisch|Stedelijk) )?Ziekenhuis|Woonzorgcentrum|Woon- en zorgcentrum|Rusthuis|Zorgcentrum"
    r"|Kliniek|Polikliniek|Revalidatiecentrum|Serviceflats?|Residentie|Apotheek|Groepspraktijk|Wijkgezondheidscentrum|Campus)"
)
_OTHER_HOUSE = r"(?:Krankenhaus|Klinikum|Universitätsklinikum|Klinik|Seniorenheim|Pflegeheim|St\.?|Hospital|Medical Center|Nursing Home)"
_LOWER = r"(?:(?:universitaires?|r[ée]gional|g[ée]n[ée]ral|neuro\w+|psychiatrique|hospitalier|civil|militaire|p[ée]diatrique|g[ée]riatrique|[a-zà-ÿ]{4,12}(?=\s(?:de|du|des|d['’]|la|le)))\s)?"
_GENERIC_HOUSE = (
    r"(?:hôpital|hopital|clinique|centre hospitalier|polyclinique|maison (?:médicale|de repos|de soins)|résidence|séniorie|institut|foyer|pharmacie"
    r"|ziekenhuis|woonzorgcentrum|rusthuis|zorgcentrum|kliniek|polikliniek|residentie|apotheek|hospital|campus)"
)
_HOSPITAL = re.compile(
    rf"\b(?:{_FR_HOUSE}|{_NL_HOUSE}|{_OTHER_HOUSE}|{_GENERIC_HOUSE})[ ]{_LOWER}(?:(?:{_JOIN}\s|d['’]|l['’]){{0,2}}){_WORD}"
    rf"(?:[ -](?:(?:{_JOIN}[ ])?|d['’]){_WORD}){{0,4}}"
)
_SUFFIXED = re.compile(r"\b[A-ZÀ-Þ][\w-]{0,40}(?:ziekenhuis|kliniek|hospitaal|klinik|krankenhaus)\b")
_GENERIC = re.compile(
    r"(?i:universitair|poli|dag|psychiatrisch|algemeen|moeder|pijn|slaap|geheugen|valkliniek|revalidatie|klinik)"
)


def find(text: str) -> Iterator[Found]:
    """Addresses with a number, postal codes with their place, places, and institutions with a name of their own."""
    for form in _ADDRESSES:
        for match in form.finditer(text):
            end = match.start() + len(match[0].rstrip(" ,"))
            yield Found(match.start(), end, Kind.ADDRESS)
    for match in _ZIP.finditer(text):
        yield Found(match.start(), match.end(1), Kind.ZIP)
        yield Found(*match.span(2), Kind.CITY)
    yield from _hospitals(text)
    yield from _cities(text)


def _hospitals(text: str) -> Iterator[Found]:
    common = words("words")
    for match in _HOSPITAL.finditer(text):
        last = match[0].split()[-1]
        end = match.end() - (len(last) + 1 if last in common and len(match[0].split()) > 2 else 0)
        yield Found(match.start(), end, Kind.HOSPITAL)
    for match in _SUFFIXED.finditer(text):
        if not _GENERIC.match(match[0]) and match[0] not in common:
            yield Found(*match.span(), Kind.HOSPITAL)


def _cities(text: str) -> Iterator[Found]:
    known, common = words("municipalities"), words("words") | words("abbreviations")
    for match in _DATELINE.finditer(text):
        if not common.intersection(re.split("[ -]", match[1])):
            yield Found(*match.span(1), Kind.CITY)
    for match in _AT.finditer(text):
        whole, first = match[1], re.split("[ ]", match[1])[0]
        for name in (whole, first):
            if name in known:
                yield Found(match.start(1), match.start(1) + len(name), Kind.CITY)
                break
    for match in _PLACE.finditer(text):
        if match[0] in _alone():
            yield Found(*match.span(), Kind.CITY)


@cache
def _alone() -> frozenset[str]:
    """The places whose name means nothing else, so that it needs nothing beside it."""
    other = words("words") | words("first_names") | ambiguous("first_names") | words("surnames")
    return frozenset(place for place in words("municipalities") - other if len(place) > 3)
