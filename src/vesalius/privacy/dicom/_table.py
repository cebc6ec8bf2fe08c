"""The table of PS3.15, kept as data: what becomes of each attribute."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from importlib.resources import files

import msgspec


class Option(StrEnum):
    """The options of the profile that are offered (PS3.15 section E.3), in the order of the columns."""

    DESCRIPTORS = "descriptors"
    DATES = "dates"
    CHARACTERISTICS = "characteristics"
    DEVICE = "device"
    INSTITUTION = "institution"


class Row(msgspec.Struct, frozen=True):
    """What the table says of one attribute.

    Attributes:
        name: the attribute's.
        basic: the action of the basic profile: X, Z, D, U, or several, such as ``X/Z/D``.
        options: the action of each option that has one: K, keep, or C, clean.
    """

    name: str
    basic: str
    options: dict[Option, str]


@cache
def table() -> dict[str, Row]:
    """Every row, by the tag in eight hexadecimal digits; repeating groups hold ``xx``."""
    text = files("vesalius.privacy.dicom").joinpath("ps3_15.tsv").read_text(encoding="utf-8")
    rows = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            tag, name, basic, *rest = line.split("\t")
            rows[tag] = Row(
                name, basic, {option: code for option, code in zip(Option, rest, strict=True) if code}
            )
    return rows


def row(tag: int) -> Row | None:
    """The row of a tag, those of repeating groups (curves, overlays) too."""
    text = f"{tag:08x}"
    found = table().get(text)
    if found is None and text[:2] in {"50", "60"}:
        found = table().get(f"{text[:2]}xx{text[4:]}") or table().get(f"{text[:2]}xxxxxx")
    return found
