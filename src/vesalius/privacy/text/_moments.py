"""Dates as people write them, in French, Dutch, German and English; and ages that few reach."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from vesalius.privacy.dates import OLDEST
from vesalius.privacy.text.found import Found, Kind

_MONTHS: dict[str, tuple[str, ...]] = {
    "fr": (
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ),
    "nl": (
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ),
    "de": (
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
_SHORT = {
    "janv": 1, "jan": 1, "jän": 1, "févr": 2, "fév": 2, "fevr": 2, "feb": 2, "mrt": 3, "mär": 3, "mar": 3, "avr": 4,
    "apr": 4, "juil": 7, "jul": 7, "jun": 6, "aoû": 8, "aout": 8, "aug": 8, "sept": 9, "sep": 9, "oct": 10, "okt": 10,
    "nov": 11, "déc": 12, "dec": 12, "dez": 12, "fevrier": 2, "decembre": 12,
}  # fmt: skip
_NUMBER = {name.lower(): at for names in _MONTHS.values() for at, name in enumerate(names, 1)} | _SHORT
_LONG = "|".join(
    sorted({name.lower() for names in _MONTHS.values() for name in names}, key=len, reverse=True)
)
_MONTH = rf"(?:(?:{_LONG})\b|(?:{'|'.join(sorted(_SHORT, key=len, reverse=True))})\b\.?)"

_FORMS = re.compile(
    r"(?<![\d\w./-])(?:"
    r"(?P<d>\d{1,2})(?P<s1>[./-]|\. )(?P<m>\d{1,2})(?P=s1)(?P<y>\d{4}|\d{2})(?![\d/]|[.-]\d)"
    r"|(?P<iy>1[89]\d\d|20\d\d|21\d\d)(?P<s2>[./-])(?P<im>\d{1,2})(?P=s2)(?P<id>\d{1,2})(?=T\d|[^\d/-]|$)"
    r"|(?P<sd>\d{2}) (?P<sm>\d{2}) (?P<sy>(?:19|20)\d{2})(?! ?\d)"
    r"|(?P<cy>19\d\d|20\d\d)(?P<cm>0[1-9]|1[0-2])(?P<cd>0[1-9]|[12]\d|3[01])(?!\d)"
    rf"|(?P<td>\d{{1,2}})(?:er|e|ste|de|st|nd|rd|th|\.)?\s(?:de\s|of\s)?(?P<tm>{_MONTH})(?:,?\s(?P<ty>\d{{4}}|['’]\d\d))?"
    rf"|(?P<pm>0?[1-9]|1[0-2])[/-](?P<py>19\d\d|20\d\d)(?![\d/-])"
    r")",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"\b(?P<tm>{_MONTH})\s(?:(?P<td>\d{{1,2}})(?:st|nd|rd|th)?(?!\d),?\s?)?(?P<ty>19\d\d|20\d\d)\b",
    re.IGNORECASE,
)
_NO_YEAR = re.compile(
    r"\b(?:le|du|au|dès le|jusqu'au|op|tot|vanaf|sinds|dd\.?|am|vom|bis|on)\s(?P<d>\d{1,2})(?P<s1>[/.-])(?P<m>\d{1,2})"
    r"(?![\d/]|[.,-]\d|\s?(?:mg|ml|g|%|°|h|u|cp|co|x))",
    re.IGNORECASE,
)
_FIRST_OF_TWO = re.compile(
    rf"\b(?:du|van|vom|from)\s(?P<d>\d{{1,2}})(?:er|\.)?(?=\s?(?:au|tot(?: en met)?|bis|to|-)\s?\d{{1,2}}(?:er|\.)?\s{_MONTH})",
    re.IGNORECASE,
)
_BIRTH = re.compile(
    r"(?:\bn[ée](?:\(e\))?e?\b|geboren|\bgeb\.?|geboortedatum|geb\.?datum|naissance|geburtsdatum|\bDN\b|\bDDN\b|\bdob\b"
    r"|date of birth|\bborn\b|°|\*)\s{0,2}[:.]?\s{0,2}(?:le|op|am|on|in|en)?\s{0,2}[:.]?\s{0,2}$",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\b(9\d|1[0-2]\d)(?:\s|-)?(?:ans|jaar|-?jarige|jährige[rn]?|jahre|years?(?:[ -]old)?|y/?o)\b",
    re.IGNORECASE,
)
_AGE_IN_WORDS = re.compile(
    r"\b(?:(?:nonante(?:[- ](?:et[- ])?[a-z]{2,7})?|quatre-vingt-(?:dix|onze|douze|treize|quatorze|quinze|seize)(?:-[a-z]{4})?|cent(?: [a-z]{2,6})?) ans"
    r"|(?:[a-zë]{3,9})?negentig(?:jarige| jaar)|honderd(?:[a-zë]{3,9})?(?:jarige| jaar)|(?:[a-zü]{3,9}und)?neunzigjährige[rn]?"
    r"|nonag[ée]naires?|centenaires?|nonagenarian|centenarian|eeuweling)\b",
    re.IGNORECASE,
)
_FULL = 4  # digits of a year


def find(text: str) -> Iterator[Found]:
    """Dates, days without a year after a preposition, and ages above 89. A year alone is not looked for."""
    for form in (_FORMS, _MONTH_FIRST, _NO_YEAR):
        for match in form.finditer(text):
            if _plausible(match):
                start = match.start("d") if form is _NO_YEAR else match.start()
                born = _BIRTH.search(text, max(0, start - 30), start)
                yield Found(start, match.end(), Kind.BIRTH_DATE if born else Kind.DATE)
    yield from (Found(*match.span("d"), Kind.DATE) for match in _FIRST_OF_TWO.finditer(text))
    yield from (Found(*match.span(), Kind.AGE) for match in _AGE.finditer(text) if int(match[1]) > OLDEST)
    yield from (Found(*match.span(), Kind.AGE) for match in _AGE_IN_WORDS.finditer(text))


def moved(text: str, by: timedelta) -> str | None:
    """A date as found, moved and written as it was; None where its year is not said, or no calendar has it."""
    form = _FORMS.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    day, month, year = _parts(form) if form else (None, None, None)
    if not form or year is None or month is None:
        return None
    try:
        new = date(year, month, day or 15) + by
    except (ValueError, OverflowError):
        return None
    return _written(form, new)


def _parts(form: re.Match[str]) -> tuple[int | None, int | None, int | None]:
    """Day, month and year; a year of two digits is of this century up to 30, else of the last."""
    said = form.groupdict()

    def first(*names: str) -> str | None:
        return next((value for name in names if (value := said.get(name))), None)

    day, month, year = (
        first("d", "id", "cd", "td", "sd"),
        first("m", "im", "cm", "pm", "sm"),
        first("y", "iy", "cy", "ty", "py", "sy"),
    )
    number = int(month) if month else _NUMBER.get((first("tm") or "").lower().rstrip("."))
    whole = None if year is None else int(year.lstrip("'’"))
    if whole is not None and whole < 100:
        whole += 2000 if whole <= 30 else 1900
    return int(day) if day else None, number, whole


def _plausible(form: re.Match[str]) -> bool:
    day, month, _ = _parts(form)
    return month is not None and 1 <= month <= 12 and (day is None or 1 <= day <= 31)


def _written(form: re.Match[str], new: date) -> str:
    """A day in the form of another: the same order, separators, zeros and language of the month."""
    fresh: dict[str, Callable[[str], str]] = {
        **dict.fromkeys(("d", "id", "cd", "td", "sd"), lambda old: f"{new.day:0{len(old)}}"),
        **dict.fromkeys(("m", "im", "cm", "pm", "sm"), lambda old: f"{new.month:0{len(old)}}"),
        **dict.fromkeys(("y", "iy", "cy", "ty", "py", "sy"), lambda old: _year(old, new.year)),
        "tm": lambda old: _name(old, new.month),
    }
    text, base = form[0], form.start()
    places = sorted(
        (form.start(name), form.end(name), name)
        for name, value in form.groupdict().items()
        if value and name in fresh
    )
    for start, end, name in reversed(places):
        text = text[: start - base] + fresh[name](form[name]) + text[end - base :]
    return text


def _year(old: str, year: int) -> str:
    mark = old[: len(old) - len(old.lstrip("'’"))]
    return f"{year:04}" if len(old) == _FULL else f"{mark}{year % 100:02}"


def _name(old: str, month: int) -> str:
    """The name of a month, in the language of another name; French where it could be of several."""
    bare = old.rstrip(".").lower()
    names = next(
        (names for names in _MONTHS.values() if bare in {name.lower() for name in names}), _MONTHS["fr"]
    )
    new = names[month - 1]
    return new.capitalize() if old[0].isupper() else new if names is _MONTHS["de"] else new.lower()
