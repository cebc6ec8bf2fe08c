"""The card of a use case: what it is for, on whom, by whom, not for what, and its words in four languages.

A card is data: ``card.toml`` beside the class, and ``texts/LANGUAGE.toml`` for the words (or a table
``[texts.LANGUAGE]`` in the card itself). The names follow the CHAI Applied Model Card and TRIPOD+AI where
they have one.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec

from vesalius.errors import InvalidCard

CONSEQUENCES = ("helped", "harmed", "missed")
"""What may become of a patient at a threshold: acted on with the outcome, without it, or left with it."""

LANGUAGES = ("fr", "nl", "de", "en")
"""The languages every text must exist in: Belgium's three, and English."""


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """Words to be said in the reader's language: a key of the card's texts, and the values to put in it."""

    key: str
    values: dict[str, str | float | int] = {}


class Input(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact that the use case reads.

    Attributes:
        name: the column's name in the evidence table; the text ``input.NAME`` names it for people.
        kind: how a model sees it.
        levels: the possible values of a category or a grade, in order; the text ``level.LEVEL`` names each.
        unit: the UCUM unit of a number.
        codes: the codes it is read from, as ``SYSTEM|CODE``.
        strong: the key of the card's source which says that this input alone tells nearly all. Without it, a
            validation takes an input that predicts too well for one that knows the answer, and stops.
    """

    name: str
    kind: Literal["number", "category", "grade", "boolean"]
    levels: tuple[str, ...] = ()
    unit: str = ""
    codes: tuple[str, ...] = ()
    strong: str = ""


class Measured(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is measured again and again: an input, a number, for each way to take it together.

    The input of ``heart_rate`` taken as ``max`` is ``heart_rate_max``. Its words are made of two texts: that
    of ``take.max``, with that of ``measured.heart_rate`` in the place of ``{measured}``.

    Attributes:
        name: what is measured.
        unit: the UCUM unit.
        takes: how it is taken together, as in :data:`vesalius.views.features.Take`.
        codes: the codes it is read from, as ``SYSTEM|CODE``.
    """

    name: str
    unit: str
    takes: tuple[str, ...]
    codes: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs that it stands for."""
        return tuple(
            Input(f"{self.name}_{take}", "number", unit=self.unit, codes=self.codes) for take in self.takes
        )


class Option(msgspec.Struct, frozen=True):
    """One thing that can be suggested; the text ``option.CODE`` names it."""

    code: str
    indicator: Literal["info", "warning", "critical"] = "info"


class Setting(msgspec.Struct, frozen=True, omit_defaults=True):
    """One number that the hospital chooses; two texts, ``setting.NAME`` and with ``.help``, explain it.

    Its ``unit`` is a UCUM unit; empty means a probability, 0 to 1, which people see in percent.
    """

    name: str
    default: float
    minimum: float
    maximum: float
    step: float = 0.01
    unit: str = ""


class StopRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A bound beyond which a live use falls silent by itself.

    Attributes:
        name: what is watched: outcomes, calibration, feed, subgroup or override.
        limit: the bound.
        strictest, loosest: the bounds that a hospital may choose between.
        minimum: the fewest cases on which it fires.
        days: how far back it looks; 0 for all since the use was last signed.
        inputs: for ``feed``, the inputs that are needed; empty for all that were mostly there before.
    """

    name: Literal["outcomes", "calibration", "feed", "subgroup", "override"]
    limit: float
    strictest: float
    loosest: float
    minimum: int
    days: int = 0
    inputs: tuple[str, ...] = ()

    @property
    def low(self) -> float:
        """The lesser of the two bounds that a hospital may choose between."""
        return min(self.strictest, self.loosest)

    @property
    def high(self) -> float:
        """The greater of them."""
        return max(self.strictest, self.loosest)


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a rule, a threshold or a figure comes from."""

    key: str
    citation: str
    url: str = ""


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a use case is for.

    All prose is in the texts: ``title``, ``purpose``, ``population``, ``not_for``, ``action`` and ``target``
    must be there, and a text for each input, level, option, setting, limit and override reason. Three more
    may be there, ``consequence.helped``, ``consequence.harmed`` and ``consequence.missed``: what acting on
    a patient with the outcome, acting on one without, and not acting on one with it mean (in the words
    of a table, per 1,000 patients).

    Attributes:
        name: the entry point's name.
        version: of the use case; it changes when anything changes what is suggested.
        risk_class: the regime the maker assumes, in words of the law (AI Act, MDR).
        reviewers: the roles that may decide on its suggestions.
        inputs: the facts it reads; after :meth:`load` also those that ``measured`` stands for.
        measured: what is measured again and again; each stands for several inputs.
        options: what can be suggested.
        override_reasons: the codes a person chooses from when overriding; each has a text ``reason.CODE``.
        settings: the numbers the hospital chooses.
        limits: keys of texts (``limit.KEY``) on what the tool was not tested for.
        shipped_limits: those of ``limits`` that hold only for the model that the use case ships.
        own_limits: those of ``limits`` that hold only for a model that the hospital learnt itself.
        stop_rules: its own, in place of the platform's of the same name.
        sources: the citations.
        subgroups: the inputs by which fairness is looked at; one that the card does not have is left out.
        window_hours: how long after it became due a candidate can still get its suggestion.
        texts: by language, by key.
    """

    name: str
    version: str
    risk_class: str
    reviewers: tuple[str, ...]
    inputs: tuple[Input, ...]
    options: tuple[Option, ...]
    override_reasons: tuple[str, ...]
    measured: tuple[Measured, ...] = ()
    settings: tuple[Setting, ...] = ()
    limits: tuple[str, ...] = ()
    shipped_limits: tuple[str, ...] = ()
    own_limits: tuple[str, ...] = ()
    stop_rules: tuple[StopRule, ...] = ()
    sources: tuple[Source, ...] = ()
    subgroups: tuple[str, ...] = ("sex", "age")
    window_hours: float = 168
    texts: dict[str, dict[str, str]] = {}

    @classmethod
    def load(cls, folder: Path) -> Card:
        """Reads ``card.toml`` and ``texts/*.toml`` of ``folder``, and checks that nothing is missing.

        Raises:
            InvalidCard: a field is wrong, or a text is missing in a language; the message names it.
        """
        try:
            raw = msgspec.toml.decode((folder / "card.toml").read_bytes())
            texts = raw.setdefault("texts", {})
            for path in sorted((folder / "texts").glob("*.toml")):
                texts[path.stem] = msgspec.toml.decode(path.read_bytes())
            raw["texts"] = {language: dict(_flat(tree)) for language, tree in texts.items()}
            card = _unfolded(msgspec.convert(raw, cls))
        except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
            raise InvalidCard(f"{folder.name}/card.toml: {error}") from error
        missing = card.missing_texts()
        if missing:
            raise InvalidCard(
                f"{card.name}: no text for {', '.join(missing)}", hint="add it to texts/LANGUAGE.toml"
            )
        return card

    @property
    def window(self) -> timedelta:
        """How long after it became due a candidate can still get its suggestion."""
        return timedelta(hours=self.window_hours)

    def limits_of(self, *, own: bool) -> tuple[str, ...]:
        """The limits that hold for the hospital's own model, or for the shipped one."""
        other = self.shipped_limits if own else self.own_limits
        return tuple(key for key in self.limits if key not in other)

    def keys(self) -> set[str]:
        """Every key that each language must have a text for."""
        keys = {"title", "purpose", "population", "not_for", "action", "target"}
        keys |= {f"input.{item.name}" for item in self.inputs}
        keys |= {f"level.{level}" for item in self.inputs for level in item.levels}
        keys |= {f"option.{item.code}" for item in self.options}
        keys |= {f"reason.{code}" for code in self.override_reasons}
        keys |= {f"limit.{key}" for key in self.limits}
        for item in self.settings:
            keys |= {f"setting.{item.name}", f"setting.{item.name}.help"}
        return keys

    def missing_texts(self) -> list[str]:
        """What is missing, as ``LANGUAGE:key``: a key one language lacks, or a value that it does not say."""
        known = set().union(self.keys(), *(texts.keys() for texts in self.texts.values()))
        missing = []
        for language in LANGUAGES:
            texts = self.texts.get(language, {})
            missing += [f"{language}:{key}" for key in sorted(known) if not texts.get(key, "").strip()]
            for key, words in texts.items():
                if _fields(words) != _fields(self.texts.get("en", {}).get(key, words)):
                    missing.append(f"{language}:{key} (its {{values}} differ from the English)")
        return missing

    def say(self, text: Text | str, language: str) -> str:
        """The words of ``text`` in ``language``; an unknown key is an error, never an empty line.

        A value that is itself a key of the texts is said in the same language; a number that is not whole has
        the decimal sign of the language.
        """
        text = Text(text) if isinstance(text, str) else text
        texts = self.texts[language if language in self.texts else "en"]
        if text.key not in texts:
            raise InvalidCard(f"{self.name}: no text {text.key!r} in {language}")
        point = "." if language == "en" else ","
        values = {
            name: f"{value:g}".replace(".", point)
            if isinstance(value, float)
            else texts.get(str(value), value)
            for name, value in text.values.items()
        }
        return texts[text.key].format(**values)

    def consequences(self, language: str) -> dict[str, str]:
        """The card's own words for ``helped``, ``harmed`` and ``missed``; only those that it has."""
        texts = self.texts[language if language in self.texts else "en"]
        keys = {name: f"consequence.{name}" for name in CONSEQUENCES}
        return {name: texts[key] for name, key in keys.items() if key in texts}

    def option(self, code: str) -> Option:
        """The option with this code."""
        for option in self.options:
            if option.code == code:
                return option
        raise InvalidCard(f"{self.name}: no option {code!r}")

    def fill(self, given: Mapping[str, Any]) -> dict[str, float]:
        """The value of every setting: the hospital's where it gave one, else the default.

        Raises:
            InvalidCard: an unknown setting, or a value outside its bounds.
        """
        unknown = set(given) - {setting.name for setting in self.settings}
        if unknown:
            raise InvalidCard(f"{self.name}: unknown settings {', '.join(sorted(unknown))}")
        values = {}
        for setting in self.settings:
            value = float(given.get(setting.name, setting.default))
            if not setting.minimum <= value <= setting.maximum:
                bounds = f"{setting.minimum:g} to {setting.maximum:g}"
                raise InvalidCard(f"{self.name}: {setting.name} = {value:g} is outside {bounds}")
            values[setting.name] = value
        return values


def _unfolded(card: Card) -> Card:
    """The card with the inputs that its ``measured`` stand for, and their words where both parts exist."""
    texts = {language: dict(words) for language, words in card.texts.items()}
    for item in card.measured:
        for take, made in zip(item.takes, item.inputs, strict=True):
            for words in texts.values():
                if (form := words.get(f"take.{take}")) and (name := words.get(f"measured.{item.name}")):
                    words[f"input.{made.name}"] = form.format(measured=name)
    inputs = (*card.inputs, *(made for item in card.measured for made in item.inputs))
    return msgspec.structs.replace(card, inputs=inputs, texts=texts)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested TOML tables as dotted keys: ``[option] start = "…"`` is the key ``option.start``.

    A table that also has words of its own says them under the empty key.
    """
    pairs = []
    for name, value in tree.items():
        key = f"{prefix}.{name}" if prefix and name else prefix or name
        pairs += _flat(value, key) if isinstance(value, Mapping) else [(key, str(value))]
    return pairs


def _fields(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name}
