"""KMEHR's code tables, and codes as FHIR has them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from vesalius.ingest._resources import made
from vesalius.ingest._xml import Element, text

TABLES: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    files(__package__).joinpath("tables.toml").read_text(encoding="utf-8")
)
"""The tables of ``tables.toml``, by name."""

_SYSTEMS = TABLES["systems"]
_LOCAL = "urn:kmehr:local:"


def cd_system(name: str) -> str:
    """The FHIR code system of a KMEHR table.

    >>> cd_system("CD-HCPARTY")
    'https://www.ehealth.fgov.be/standards/fhir/core/CodeSystem/cd-hcparty'
    """
    return str(_SYSTEMS.get(name) or _SYSTEMS["base"] + name.lower())


def local_system(label: str) -> str:
    """A system for the codes or numbers that a sender gives out himself under a label of his own."""
    return _LOCAL + quote(" ".join(label.split()), safe="")


def code(element: Element | None, table: str) -> str:
    """The code of one table among the ``cd`` children of an element; empty if it has none."""
    if element is not None:
        for child in element.iterfind("cd"):
            if child.get("S") == table:
                return text(child)
    return ""


def coding(cd: Element) -> dict[str, Any]:
    """A ``cd`` (or ``intendedcd`` …) as a coding; its display is what the sender wrote beside it."""
    name = cd.get("S") or ""
    if name == "ICD" and (cd.get("SV") or "").startswith("9"):
        system = _SYSTEMS["ICD/9"]
    elif name == "LOCAL" or not (name.startswith("CD-") or name in _SYSTEMS):
        system = local_system(cd.get("SL") or name or "unnamed")
    else:
        system = cd_system(name)
    display = " ".join((cd.get("DN") or "").split())
    return made(system=system, code=text(cd), display=display)


def concept(cds: Iterable[Element], words: Iterable[str]) -> dict[str, Any]:
    """A codeable concept of all the codes that have a value, and all the words, each once."""
    said = "; ".join(dict.fromkeys(words))
    return made(coding=[one for cd in cds if "code" in (one := coding(cd))], text=said)


def coded(system: str, code: str, display: str = "") -> dict[str, Any]:
    """A codeable concept of one code."""
    return {"coding": [made(system=system, code=code, display=display)]}
