"""Reading words: flat keys from TOML, the same keys in four languages."""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from vesalius.academy.course import RIGHT, Answer, Question
from vesalius.card import LANGUAGES
from vesalius.errors import InvalidCard, InvalidSetting

FOLDER = Path(__file__).parent / "texts"


def read(folder: Path) -> dict[str, dict[str, str]]:
    """The texts of a folder, by language and key: ``LANGUAGE.toml``, nested tables as dotted keys.

    Raises:
        InvalidCard: a file cannot be read, or the languages do not have the same keys and values to fill.
    """
    texts = {}
    for language in LANGUAGES:
        path = folder / f"{language}.toml"
        try:
            texts[language] = dict(flat(msgspec.toml.decode(path.read_bytes())))
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise InvalidCard(f"{folder.parent.name}: {path.name}: {error}") from error
    if missing := gaps(texts):
        raise InvalidCard(
            f"{folder.parent.name}: no text for {', '.join(missing)}", hint="add it to texts/LANGUAGE.toml"
        )
    return texts


def flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested tables as dotted keys."""
    pairs: list[tuple[str, str]] = []
    for name, value in tree.items():
        key = f"{prefix}{name}"
        pairs += flat(value, f"{key}.") if isinstance(value, Mapping) else [(key, str(value).strip())]
    return pairs


def gaps(texts: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What a language lacks, as ``LANGUAGE:key``: the key, or a value that it does not say."""
    keys = sorted(set().union(*texts.values()))
    return [
        f"{language}:{key}"
        for key in keys
        for language in LANGUAGES
        if not texts[language].get(key) or fields(texts[language][key]) != fields(texts["en"].get(key, ""))
    ]


def fields(words: str) -> set[str]:
    """The names of the values that a text says."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(words) if name}
    except ValueError as error:
        raise InvalidCard(f"a text has a brace that is not closed: {words[:40]!r}") from error


@cache
def ours() -> dict[str, dict[str, str]]:
    """The academy's own words."""
    return read(FOLDER)


def say(key: str, language: str, **values: object) -> str:
    """One of the academy's own texts, with its values filled in.

    Raises:
        InvalidSetting: the academy does not speak that language.
    """
    if language not in LANGUAGES:
        raise InvalidSetting(f"the academy does not speak {language!r}", hint=", ".join(LANGUAGES))
    return ours()[language][key].format(**values)


def paragraphs(words: str) -> tuple[str, ...]:
    """The paragraphs of a text: an empty line lies between two."""
    return tuple(" ".join(part.split()) for part in words.split("\n\n") if part.strip())


def points(words: str) -> tuple[str, ...]:
    """The points of a list: one for each line."""
    return tuple(line.strip() for line in words.splitlines() if line.strip())


def question(texts: Mapping[str, str], prefix: str, key: str, **values: object) -> Question:
    """The question under ``prefix``: its words, its answers (``right``, ``wrong1`` …) and its explanation.

    Raises:
        InvalidCard: it has no words, no explanation, no right answer or no wrong one.
    """
    wrong = sorted(name for name in texts if name.startswith(f"{prefix}.wrong"))
    needed = [f"{prefix}.{name}" for name in ("words", RIGHT, "why")]
    if not wrong or any(not texts.get(name) for name in needed):
        raise InvalidCard(f"the question {prefix!r} is not whole", hint="words, right, wrong1 and why")
    chosen = [f"{prefix}.{RIGHT}", *wrong]
    answers = tuple(Answer(name.rpartition(".")[2], texts[name].format(**values)) for name in chosen)
    return Question(
        key, texts[f"{prefix}.words"].format(**values), answers, texts[f"{prefix}.why"].format(**values)
    )


def keys(texts: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    """The names right under ``prefix``, in the order of the file."""
    start = f"{prefix}."
    found = (key.removeprefix(start).partition(".")[0] for key in texts if key.startswith(start))
    return tuple(dict.fromkeys(found))
