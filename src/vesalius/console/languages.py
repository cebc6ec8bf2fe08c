"""The console's words, dates and numbers in the reader's language.

English is the source: ``locales/console.pot`` lists every message of the templates and of this package, and
``locales/LANGUAGE/console.po`` translates them. A language is offered only when its catalogue is complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from vesalius.card import LANGUAGES

FOLDER = Path(__file__).parent / "locales"
NAMES = {"fr": "Français", "nl": "Nederlands", "de": "Deutsch", "en": "English"}
LOCALES = {"fr": "fr_BE", "nl": "nl_BE", "de": "de_BE", "en": "en_GB"}
ZONE = ZoneInfo("Europe/Brussels")

Form = str | tuple[str, ...]


def N_(message: str) -> str:  # noqa: N802 -- the name that gettext tools know
    """Marks a message for translation where it is only kept; :meth:`Language.say` translates it."""
    return message


NAMED = N_("%(name)s: %(value)s")
"""A name and its value: French has a space before the colon."""


@dataclass(frozen=True)
class Language:
    """One language of the console.

    Attributes:
        code: ``fr``, ``nl``, ``de`` or ``en``.
        locale: its CLDR locale, for dates and numbers.
        messages: the translation of each English message; a plural has one form per number class.
    """

    code: str
    locale: Locale
    messages: Mapping[str, Form]

    @property
    def name(self) -> str:
        """The name of the language in the language itself."""
        return NAMES[self.code]

    def gettext(self, message: str) -> str:
        """The translation of an English message."""
        found = self.messages.get(message, message)
        return found if isinstance(found, str) else found[0]

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The translation of an English message that has a plural."""
        form = 0 if self.locale.plural_form(count) == "one" else 1
        found = self.messages.get(one, (one, many))
        return found[min(form, len(found) - 1)] if isinstance(found, tuple) else found

    def say(self, message: str, **values: object) -> str:
        """A message in this language, with its ``%(name)s`` values filled in."""
        return self.gettext(message) % values if values else self.gettext(message)

    def number(self, value: float, digits: int | None = None) -> str:
        """A number with at most three decimals, or with exactly ``digits`` of them."""
        form = "#,##0.###" if digits is None else "#,##0." + "0" * digits if digits else "#,##0"
        return numbers.format_decimal(value, format=form, locale=self.locale)

    def percent(self, value: float, digits: int = 0) -> str:
        """A fraction of one as a percentage."""
        rounded = round(value, digits + 2)
        pattern = self.locale.percent_formats[None].pattern
        return numbers.format_percent(
            rounded,
            format=pattern.replace("0", "0." + "0" * digits) if digits else pattern,
            locale=self.locale,
        )

    def signed(self, value: float) -> str:
        """A contribution to the log odds: two decimals and always a sign."""
        sign = "+" if value >= 0 else "−"
        return sign + self.number(abs(value), 2)

    def day(self, value: date | datetime) -> str:
        """A calendar day, such as ``23 Nov 2026``."""
        local = value.astimezone(ZONE) if isinstance(value, datetime) else value
        return dates.format_skeleton("yMMMd", local, locale=self.locale)

    def moment(self, value: datetime) -> str:
        """A day and a time in Brussels, such as ``23 Nov 2026, 14:32``."""
        return f"{self.day(value)}, {self.clock(value)}"

    def clock(self, value: datetime) -> str:
        """A time of day in Brussels, such as ``14:32``."""
        return dates.format_time(value, "HH:mm", tzinfo=ZONE, locale=self.locale)

    def near(self, value: datetime, now: datetime) -> str:
        """A time of day when it is today, else a day without its year and a time."""
        local, today = value.astimezone(ZONE), now.astimezone(ZONE)
        if local.date() == today.date():
            return self.clock(value)
        if local.year == today.year:
            return f"{dates.format_skeleton('MMMd', local, locale=self.locale)}, {self.clock(value)}"
        return self.moment(value)

    def lasted(self, value: timedelta) -> str:
        """A length of time in one unit, such as ``25 minutes``."""
        return dates.format_timedelta(value, threshold=1.5, locale=self.locale)

    def briefly(self, value: timedelta) -> str:
        """A length of time in one short unit, such as ``25 min``."""
        return dates.format_timedelta(value, threshold=1.5, format="short", locale=self.locale)

    def ago(self, value: timedelta) -> str:
        """How long ago something was, in one short unit, such as ``25 min ago``."""
        return dates.format_timedelta(
            -value, threshold=1.5, add_direction=True, format="short", locale=self.locale
        )


@cache
def languages() -> dict[str, Language]:
    """The languages that are complete, in the order of the card's languages."""
    source = _read(FOLDER / "console.pot")
    found = {}
    for code in LANGUAGES:
        path = FOLDER / code / "console.po"
        catalog = _read(path) if path.exists() else None
        if code == "en" or (catalog is not None and not gaps(source, catalog)):
            found[code] = Language(code, Locale.parse(LOCALES[code]), _messages(catalog))
    return found


def gaps(source: Catalog, catalog: Catalog) -> list[str]:
    """The messages of ``source`` that ``catalog`` does not translate, or only perhaps (fuzzy)."""
    missing = []
    for message in source:
        found = catalog.get(message.id, message.context) if message.id else message
        forms = [] if found is None else found.string if isinstance(found.string, tuple) else [found.string]
        if message.id and (found is None or found.fuzzy or not forms or not all(forms)):
            missing.append(str(message.id))
    return missing


def chosen(codes: list[str], default: str) -> str:
    """The first of ``codes`` that is offered, else the hospital's own language, else English."""
    offered = languages()
    return next((code for code in [*codes, default] if code in offered), "en")


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def _messages(catalog: Catalog | None) -> dict[str, Form]:
    messages: dict[str, Form] = {}
    for message in catalog or ():
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            messages[key] = _form(message.string)
    return messages


def _form(string: Any) -> Form:
    return string if isinstance(string, str) else tuple(string)
