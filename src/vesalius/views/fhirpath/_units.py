"""UCUM units: what a code measures and how large it is, for comparing and converting quantities.

The units are those that laboratories, pharmacies and wards use, with the values of The Unified Code for
Units of Measure (UCUM 2.1, Regenstrief Institute, ucum.org, tables 1 to 27 of the specification). Logarithmic
units (pH, bel) and arbitrary units compare only with themselves; what is not here compares with nothing.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache, lru_cache
from typing import NamedTuple

_LONGEST = 120
_STEEPEST = 30
"""The greatest exponent that a code may write; what is real stays far below."""
_PREFIXES = {
    "Y": 24,
    "Z": 21,
    "E": 18,
    "P": 15,
    "T": 12,
    "G": 9,
    "M": 6,
    "k": 3,
    "h": 2,
    "da": 1,
    "d": -1,
    "c": -2,
    "m": -3,
    "u": -6,
    "n": -9,
    "p": -12,
    "f": -15,
    "a": -18,
    "z": -21,
    "y": -24,
}
_BASE = "m s g rad K C cd"
_ARBITRARY = """
    [iU] [arb'U] [USP'U] [GPL'U] [MPL'U] [APL'U] [beth'U] [anti'Xa'U] [todd'U] [dye'U] [smgy'U] [bdsk'U]
    [ka'U] [knk'U] [mclg'U] [tb'U] [CCID_50] [TCID_50] [EID_50] [PFU] [FFU] [CFU] [IR] [BAU] [AU]
    [Amb'a'1'U] [PNU] [Lf] [D'ag'U] [FEU] [ELU] [EU] [hnsf'U] [pH] Np B B[SPL] [S]
"""
_METRIC = """
    m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv l L ar t bar u eV pc [g]
    gf Gal dyn erg P St G Oe Ci R RAD REM m[Hg] m[H2O] eq osm g% kat U [iU] [IU] cal cal_th cal_IT st
    mho bit By Bd Np B
"""
"""The units that take a prefix."""
_DEFINED = """
    10* 10 | 10^ 10 | % 10*-2 | [ppth] 10*-3 | [ppm] 10*-6 | [ppb] 10*-9 | [pptr] 10*-12
    [pi] 3.1415926535897932384626433832795 | mol 6.02214076 10*23 | sr 1 rad2 | Hz 1 s-1 | N 1 kg.m/s2
    Pa 1 N/m2 | J 1 N.m | W 1 J/s | A 1 C/s | V 1 J/C | F 1 C/V | Ohm 1 V/A | S 1 Ohm-1 | Wb 1 V.s
    T 1 Wb/m2 | H 1 Wb/A | lm 1 cd.sr | lx 1 lm/m2 | Bq 1 s-1 | Gy 1 J/kg | Sv 1 J/kg | deg 2 [pi].rad/360
    gon 0.9 deg | ' 1 deg/60 | '' 1 '/60 | l 1 dm3 | L 1 l | ar 100 m2 | st 1 m3 | t 1000 kg | bar 100000 Pa
    atm 101325 Pa | u 1.66053906660 10*-24.g | min 60 s | h 60 min | d 24 h | wk 7 d | a_t 365.24219 d
    a_j 365.25 d | a_g 365.2425 d | a 1 a_j | mo_s 29.53059 d | mo_j 1 a_j/12 | mo_g 1 a_g/12 | mo 1 mo_j
    eV 1.602176634 10*-19.J | pc 3.085678 10*16.m | [c] 299792458 m/s | [g] 9.80665 m/s2
    [e] 1.602176634 10*-19.C | gf 1 g.[g] | [lbf_av] 1 [lb_av].[g] | Gal 1 cm/s2 | dyn 1 g.cm/s2
    erg 1 dyn.cm | P 1 dyn.s/cm2 | St 1 cm2/s | G 1 10*-4.T | Oe 250 /[pi].A/m | Ci 3.7 10*10.Bq
    R 2.58 10*-4.C/kg | RAD 100 erg/g | REM 1 RAD | Ao 0.1 nm | [in_i] 2.54 cm | [ft_i] 12 [in_i]
    [yd_i] 3 [ft_i] | [mi_i] 5280 [ft_i] | [fth_i] 6 [ft_i] | [nmi_i] 1852 m | [kn_i] 1 [nmi_i]/h
    [sin_i] 1 [in_i]2 | [sft_i] 1 [ft_i]2 | [syd_i] 1 [yd_i]2 | [cin_i] 1 [in_i]3 | [cft_i] 1 [ft_i]3
    [cyd_i] 1 [yd_i]3 | [mil_i] 1 10*-3.[in_i] | [hd_i] 4 [in_i] | [acr_us] 4046.872609874252 m2
    [gal_us] 231 [cin_i] | [qt_us] 1 [gal_us]/4 | [pt_us] 1 [qt_us]/2 | [gil_us] 1 [pt_us]/4
    [foz_us] 1 [gil_us]/4 | [fdr_us] 1 [foz_us]/8 | [min_us] 1 [fdr_us]/60 | [bbl_us] 42 [gal_us]
    [tbs_us] 1 [foz_us]/2 | [tsp_us] 1 [tbs_us]/3 | [cup_us] 16 [tbs_us] | [foz_m] 30 mL | [cup_m] 240 mL
    [tsp_m] 5 mL | [tbs_m] 15 mL | [gal_br] 4.54609 l | [qt_br] 1 [gal_br]/4 | [pt_br] 1 [qt_br]/2
    [gil_br] 1 [pt_br]/4 | [foz_br] 1 [gil_br]/5 | [gr] 64.79891 mg | [lb_av] 7000 [gr]
    [oz_av] 1 [lb_av]/16 | [dr_av] 1 [oz_av]/16 | [stone_av] 14 [lb_av] | [ston_av] 2000 [lb_av]
    [lton_av] 2240 [lb_av] | [pwt_tr] 24 [gr] | [oz_tr] 20 [pwt_tr] | [lb_tr] 12 [oz_tr] | [sc_ap] 20 [gr]
    [dr_ap] 3 [sc_ap] | [oz_ap] 8 [dr_ap] | [lb_ap] 12 [oz_ap] | [car_m] 0.2 g | m[Hg] 133.322 kPa
    m[H2O] 9.80665 kPa | [in_i'Hg] 1 m[Hg].[in_i]/m | [in_i'H2O] 1 m[H2O].[in_i]/m
    [psi] 1 [lbf_av]/[sin_i] | [PRU] 1 mm[Hg].s/ml | [diop] 1 m-1 | [Ch] 1 mm/3 | [drp] 1 ml/20 | [HPF] 1
    [LPF] 100 | [MET] 3.5 mL/min/kg | eq 1 mol | osm 1 mol | g% 1 g/dl | kat 1 mol/s | U 1 umol/min
    [IU] 1 [iU] | cal 4.184 J | cal_th 4.184 J | cal_IT 4.1868 J | [Cal] 1 kcal_th | [Btu] 1.05435 kJ
    [HP] 550 [ft_i].[lbf_av]/s | b 100 fm2 | mho 1 S | sph 4 [pi].sr | circ 2 [pi].rad | bit 1 | By 8 bit
    Bd 1 s-1 | [degR] 5 K/9
"""
_SHIFTED = {"Cel": (Fraction(1), Fraction("273.15")), "[degF]": (Fraction(5, 9), Fraction("459.67") * 5 / 9)}
"""Temperatures: the size of a degree in kelvin, and the kelvin at zero degrees."""
_PIECE = re.compile(r"(?P<atom>(?:\[[^\]]*\]|[^\[\]./(){}])+)|(?P<note>\{[^{}]*\})|(?P<mark>[./()])")
_POWER = re.compile(r"(.*?)([+-]?\d+)?")

Dimension = tuple[tuple[str, int], ...]


class Unit(NamedTuple):
    """A unit: its size in base units, what it measures (base units and their powers), where its zero lies."""

    size: Fraction
    dimension: Dimension
    zero: Fraction = Fraction(0)


_ONE = Unit(Fraction(1), ())


@lru_cache(maxsize=2048)
def unit(code: str) -> Unit | None:
    """The unit of a UCUM code (case-sensitive); None where it is none that we know.

    >>> unit("mg/dL").dimension
    (('g', 1), ('m', -3))
    """
    if len(code) > _LONGEST:
        return None
    pieces = [match for match in _PIECE.finditer(code) if match.lastgroup]
    if sum(len(match[0]) for match in pieces) != len(code) or not pieces:
        return None
    found = _term([(str(match.lastgroup), match[0]) for match in pieces], 0)
    return found[0] if found is not None and found[1] == len(pieces) else None


def comparable(left: str, right: str) -> bool:
    """Whether both codes measure the same."""
    a, b = unit(left), unit(right)
    return left == right if a is None or b is None else a.dimension == b.dimension


def converted(value: Fraction, have: str, want: str) -> Fraction | None:
    """The value in another unit; None where the two measure different things, or one is not known."""
    a, b = unit(have), unit(want)
    if have == want:
        return value
    if a is None or b is None or a.dimension != b.dimension:
        return None
    return (value * a.size + a.zero - b.zero) / b.size


def _term(pieces: list[tuple[str, str]], at: int) -> tuple[Unit, int] | None:
    """A product of units from ``at`` to its end or closing bracket."""
    product, sign, needed = _ONE, 1, True
    while at < len(pieces):
        kind, text = pieces[at]
        if kind == "note":
            at, needed = at + 1, False
        elif kind == "atom" or text == "(":
            if not needed:
                return None
            found = _factor(pieces, at)
            if found is None:
                return None
            part, at = found
            alone = product == _ONE and sign == 1
            product, needed = part if alone else _times(product, part, sign), False
        elif text == ")":
            break
        elif needed and (text == "." or at > 0):
            return None
        else:
            sign, needed, at = (1 if text == "." else -1), True, at + 1
            product = product._replace(zero=Fraction(0))
    return None if needed else (product, at)


def _factor(pieces: list[tuple[str, str]], at: int) -> tuple[Unit, int] | None:
    kind, text = pieces[at]
    if kind == "atom":
        found = _powered(text)
        return None if found is None else (found, at + 1)
    inner = _term(pieces, at + 1)
    if inner is None or inner[1] >= len(pieces) or pieces[inner[1]][1] != ")":
        return None
    return inner[0], inner[1] + 1


def _times(left: Unit, right: Unit, power: int) -> Unit:
    powers = dict(left.dimension)
    for name, exponent in right.dimension:
        powers[name] = powers.get(name, 0) + exponent * power
    dimension = tuple(sorted((name, exponent) for name, exponent in powers.items() if exponent))
    return Unit(left.size * right.size**power, dimension)


def _powered(text: str) -> Unit | None:
    if text.isdecimal():
        return Unit(Fraction(int(text)), ()) if int(text) else None
    match = _POWER.fullmatch(text)
    found = _atom(match[1]) if match else None
    if found is None or match is None or match[2] is None:
        return found
    exponent = int(match[2])
    return None if abs(exponent) > _STEEPEST else _times(_ONE, found, exponent)


@cache
def _atoms() -> dict[str, str]:
    """What the defined units stand for, as UCUM terms with the number in front."""
    lines = (entry.split() for line in _DEFINED.strip().splitlines() for entry in line.split(" | "))
    return {name: " ".join(rest) for name, *rest in lines}


@cache
def _metric() -> frozenset[str]:
    return frozenset(_METRIC.split())


@lru_cache(maxsize=1024)
def _atom(name: str) -> Unit | None:
    known = _plain(name)
    if known is not None:
        return known
    for length in (2, 1):
        prefix, rest = name[:length], name[length:]
        if prefix in _PREFIXES and rest in _metric():
            base = _plain(rest)
            return None if base is None else base._replace(size=base.size * Fraction(10) ** _PREFIXES[prefix])
    return None


def _plain(name: str) -> Unit | None:
    if name in _BASE.split() or name in _ARBITRARY.split():
        return Unit(Fraction(1), ((name, 1),))
    if name in _SHIFTED:
        degree, zero = _SHIFTED[name]
        return Unit(degree, (("K", 1),), zero)
    written = _atoms().get(name)
    if written is None:
        return None
    number, _, rest = written.partition(" ")
    if not rest:
        rest = "" if _is_number(number) else number
        number = number if _is_number(number) else "1"
    size = Unit(Fraction(number), ())
    inner = unit(rest) if rest else _ONE
    return None if inner is None else _times(size, inner, 1)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
