"""How laboratories write their units, and which UCUM unit they mean."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_ALIASES: dict[str, tuple[str, ...]] = {
    "%": ("percent", "pct", "procent", "prozent", "pour cent"),
    "mg/dL": ("mg%", "mg/100ml"),
    "g/dL": ("g%", "g/100ml"),
    "ug/dL": ("mcg/dl",),
    "ng/dL": (),
    "mg/L": (),
    "g/L": (),
    "ug/L": ("mcg/l",),
    "ng/L": (),
    "ng/mL": (),
    "pg/mL": (),
    "ug/mL": ("mcg/ml",),
    "mg/mL": (),
    "pg": (),
    "fL": (),
    "mmol/L": ("mm", "mmole/l"),
    "umol/L": ("um", "micromol/l", "mcmol/l"),
    "nmol/L": (),
    "pmol/L": (),
    "meq/L": (),
    "mmol/mol": (),
    "mg/g": (),
    "ug/g": (),
    "mg/mmol": (),
    "mg/mg": (),
    "mg/(24.h)": ("mg/24h", "mg/24u", "mg/d"),
    "g/(24.h)": ("g/24h", "g/24u", "g/d"),
    "U/L": ("ui/l", "iu/l", "ie/l", "e/l", "[iu]/l"),
    "U/mL": (),
    "kU/L": ("kui/l", "kua/l"),
    "[IU]/mL": ("ui/ml", "iu/ml", "ie/ml"),
    "m[IU]/L": ("miu/l", "mui/l", "mie/l", "mu/l"),
    "m[IU]/mL": ("miu/ml", "mui/ml", "mie/ml", "mu/ml"),
    "u[IU]/mL": ("uiu/ml", "uui/ml", "uie/ml", "uu/ml"),
    "10*3/uL": ("10^3/ul", "10e3/ul", "x10^3/ul", "x10*3/ul", "x10e3/ul", "10^3/mm3", "10e3/mm3", "10*3/mm3",
                "k/ul", "k/mm3", "th/ul", "1000/ul", "1000/mm3", "tsd/ul", "/nl", "103/ul"),
    "10*9/L": ("10^9/l", "10e9/l", "x10^9/l", "x10*9/l", "x10e9/l", "giga/l", "gpt/l", "109/l"),
    "10*6/uL": ("10^6/ul", "10e6/ul", "x10^6/ul", "x10*6/ul", "x10e6/ul", "10^6/mm3", "10e6/mm3", "m/ul",
                "mio/ul", "mill/ul", "mill/mm3", "/pl", "106/ul"),
    "10*12/L": ("10^12/l", "10e12/l", "x10^12/l", "x10*12/l", "x10e12/l", "t/l", "tera/l", "tpt/l", "1012/l"),
    "/uL": ("/mm3", "cells/ul", "cell/ul", "/mcl", "cellules/ul", "cellen/ul"),
    "/100{WBC}": ("/100wbc", "/100gb", "/100 wbc"),
    "L/L": (),
    "s": ("sec", "sek", "seconds", "secondes", "sekunden", "seconden"),
    "mm/h": ("mm/hr", "mm/1h", "mm/u", "mm/std"),
    "mosm/kg": ("mosmol/kg", "mosm/kgh2o"),
    "mL/min/{1.73_m2}": ("ml/min/1.73m2", "ml/min/1.73m^2", "ml/min/173m2", "ml/min/1.73", "ml/min/1,73m2"),
    "mL/min": (),
    "L/min": (),
    "mm[Hg]": ("mmhg", "torr"),
    "cm[H2O]": ("cmh2o",),
    "kPa": (),
    "/min": ("bpm", "1/min", "min-1", "beats/min", "slagen/min", "batt/min", "breaths/min"),
    "Cel": ("c", "degc", "celsius"),
    "[degF]": ("f", "degf", "fahrenheit"),
    "kg": (),
    "g": (),
    "mg": (),
    "ug": ("mcg",),
    "cm": (),
    "m": (),
    "mm": (),
    "kg/m2": ("kg/m^2",),
    "L": (),
    "mL": ("cc",),
    "mL/h": ("ml/hr",),
    "[lb_av]": ("lb", "lbs", "pounds"),
    "[in_i]": ("in", "inch", "inches"),
    "h": ("hr", "hours", "heures"),
    "d": ("day", "days", "jours", "dagen", "tage"),
    "min": ("minutes", "minuten"),
    "[pH]": ("ph",),
    "{INR}": ("inr",),
    "1": ("fraction",),
    "{ratio}": ("ratio",),
    "{score}": ("score",),
}  # fmt: skip

_EQUAL: tuple[frozenset[str], ...] = (
    frozenset({"10*3/uL", "10*9/L"}),
    frozenset({"10*6/uL", "10*12/L"}),
    frozenset({"ng/mL", "ug/L"}),
    frozenset({"pg/mL", "ng/L"}),
    frozenset({"ug/mL", "mg/L"}),
    frozenset({"mg/mL", "g/L"}),
    frozenset({"U/L", "[IU]/L"}),
    frozenset({"[IU]/L", "m[IU]/mL"}),
    frozenset({"U/mL", "kU/L", "[IU]/mL"}),
    frozenset({"m[IU]/L", "u[IU]/mL"}),
)
"""Units of which one is as much as the other, so that no number changes."""

_IN_BRACKETS = re.compile(r"^(.*?)\s*[(\[]\s*([^()\[\]]{1,24})\s*[)\]]\s*$")
_AT_END = re.compile(r"^(.{2,}?)[\s_.-]+(%|[^\s]{2,16})$")  # a letter alone is no unit: immunoglobulin G
_ENDS = sorted(
    ((re.sub(r"\W", "", unit.lower()), unit) for unit in _ALIASES if len(unit) > 1 and unit != "mm"),
    key=lambda each: -len(each[0]),
)
_CAMEL = re.compile(r"[a-z0-9][A-Z]")


def ucum(text: str) -> str:
    """The UCUM unit that a laboratory means by ``text``; empty where we do not know it.

    >>> ucum("mg/dl"), ucum("10^3/µL"), ucum("mmHg"), ucum("sec"), ucum("stuks")
    ('mg/dL', '10*3/uL', 'mm[Hg]', 's', '')
    """
    kept = text.strip()
    if kept[:2] in {"G/", "T/"} and kept[2:] in {"l", "L"}:
        return "10*9/L" if kept[0] == "G" else "10*12/L"  # giga and tera; the gram is small
    return kept if kept in _ALIASES else _known().get(_plain(kept), "")


def same_unit(one: str, other: str) -> bool:
    """Whether two UCUM units are as much as one another: 10*9/L and 10*3/uL, ng/mL and ug/L.

    >>> same_unit("10*9/L", "10*3/uL"), same_unit("mg/dL", "mg/L")
    (True, False)
    """
    return one == other or any(one in group and other in group for group in _EQUAL)


def unit_in_name(name: str) -> tuple[str, str]:
    """The name of a column without the unit that stands in it, and that unit in UCUM (empty: none).

    >>> unit_in_name("Creatinine (mg/dL)"), unit_in_name("weight_kg"), unit_in_name("WeightKg")
    (('Creatinine', 'mg/dL'), ('weight', 'kg'), ('Weight', 'kg'))
    >>> unit_in_name("TotalCholesterolMgdl"), unit_in_name("Hb")
    (('TotalCholesterol', 'mg/dL'), ('Hb', ''))
    """
    for form in (_IN_BRACKETS, _AT_END):
        if (found := form.match(name)) and (unit := ucum(found[2].replace("_", "/"))):
            return found[1], unit
    words = name.split("_")
    if len(words) > 2 and (unit := ucum(f"{words[-2]}/{words[-1]}")):
        return "_".join(words[:-2]), unit
    for ending, unit in _ENDS:
        rest = name[: -len(ending)]
        if (
            len(ending) > 1
            and rest
            and name.lower().endswith(ending)
            and _CAMEL.fullmatch(_joint(name, ending))
        ):
            return rest, unit
    return name, ""


def _joint(name: str, ending: str) -> str:
    """The two letters where a name in CamelCase and the unit after it meet."""
    return name[-len(ending) - 1 :][:2]


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower().replace("μ", "u").replace("µ", "u").replace("°", "")
    return re.sub(r"\s+", "", folded)


@cache
def _known() -> dict[str, str]:
    known = {_plain(alias): unit for unit, aliases in _ALIASES.items() for alias in aliases}
    return known | {_plain(unit): unit for unit in _ALIASES}
