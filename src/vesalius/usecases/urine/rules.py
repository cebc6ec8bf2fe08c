"""The clinical rules that stand above the model. Each is a plain function, and each cites its source.

A rule reads the facts about one patient and the option that the probability alone would give, and answers
with a :class:`Verdict`, or None when it has nothing to say. It names no drug and no dose. Rules that set a
floor are for safety and win over rules that set a cap; a rule that withdraws the suggestion wins over both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

START, WAIT, NONE, REFER = "start", "wait", "none", "refer"

LADDER = (NONE, WAIT, START)
"""The options from least to most."""

ADULT = 18
"""Years; the youngest of the patients in the data is 18."""

Facts = Mapping[str, Any]
"""The inputs of the card about one patient, by name; None where not known."""

QSOFA: Mapping[str, Any] = {
    "altered_mental_status": True,
    "systolic_pressure": "low",
    "respiratory_rate": "high",
}
"""The signs of quick SOFA (Singer et al., JAMA 2016;315:801-810, box 4): altered mentation, systolic
pressure of 100 mmHg or less, 22 breaths or more a minute. The hospital's own flags for low and high are
read."""

UNSTABLE: Mapping[str, Any] = {"systolic_pressure": "low", "respiratory_rate": "high"}
"""Signs of the whole body: with one of them bacteria in the urine may be what makes the patient ill."""

FEVER: Mapping[str, Any] = {"fever": True, "temperature": "high"}
LOIN: Mapping[str, Any] = {"flank_pain": True, "cva_tenderness": True}
LOWER: Mapping[str, Any] = {"dysuria": True, "abdominal_pain": True, "lower_abdominal_pain": True}
STRIP = ("nitrite", "leukocytes_strip")
COUNTS = ("leukocytes_count", "bacteria_count")


@dataclass(frozen=True)
class Verdict:
    """What one rule says about one patient.

    Attributes:
        rule: its name; the text ``rule.NAME`` says it.
        source: the key of the card's source that it rests on.
        inputs: the inputs it read.
        floor: the least option it allows.
        cap: the most it allows.
        refer: whether it withdraws the suggestion.
        critical: whether someone must look at once.
        silent: whether no probability may be shown.
        count: the number that its text says, if it says one.
    """

    rule: str
    source: str
    inputs: tuple[str, ...]
    floor: str = NONE
    cap: str = START
    refer: bool = False
    critical: bool = False
    silent: bool = False
    count: int | None = None


Rule = Callable[[Facts, str], Verdict | None]


def scope(facts: Facts, option: str) -> Verdict | None:  # noqa: ARG001
    """Adults only: the data holds nobody younger than 18 (Dhanda 2023)."""
    age = facts.get("age")
    if age is None:
        return Verdict("age_unknown", "data", ("age",), refer=True, silent=True)
    if age < ADULT:
        return Verdict("child", "data", ("age",), refer=True, silent=True)
    return None


def urine_known(facts: Facts, option: str) -> Verdict | None:  # noqa: ARG001
    """Without the strip's nitrite and leucocytes and without a count there is nothing to judge."""
    if any(facts.get(name) is not None for name in (*STRIP, *COUNTS)):
        return None
    return Verdict("no_urine", "data", (), refer=True, silent=True)


def severe(facts: Facts, option: str) -> Verdict | None:  # noqa: ARG001
    """Signs of severe infection: sepsis is assessed at once, whatever the urine shows (Singer 2016).

    Where all else does not say to start, :func:`settle` withdraws the suggestion: neither waiting nor
    nothing may be read as advice for a patient who may be septic.
    """
    signs = present(facts, QSOFA)
    return Verdict("severe", "sepsis3", signs, critical=True, count=len(signs)) if signs else None


def upper(facts: Facts, option: str) -> Verdict | None:
    """Fever, flank pain or tenderness may be an infection of the kidney: never "none" (NICE NG111).

    With fever and a loin sign together, the picture of acute pyelonephritis, the antibiotic does not wait
    for the culture, unless the urine makes an infection unlikely.
    """
    fever, loin = present(facts, FEVER), present(facts, LOIN)
    if fever and loin and option != NONE:
        return Verdict("pyelonephritis", "ng111", fever + loin, floor=START)
    if fever or loin:
        return Verdict("upper", "ng111", fever + loin, floor=WAIT)
    return None


def pregnancy(facts: Facts, option: str) -> Verdict | None:
    """In pregnancy the culture is always taken (NICE NG109, 1.1.6; IDSA 2019).

    With symptoms, and urine that does not make an infection unlikely, the antibiotic does not wait (NG109,
    1.1.5).
    """
    if facts.get("pregnant") is not True:
        return None
    symptoms = present(facts, LOWER) + present(facts, LOIN) + present(facts, FEVER)
    if symptoms and option != NONE:
        return Verdict("pregnant_symptoms", "ng109", ("pregnant", *symptoms), floor=START)
    return Verdict("pregnant", "ng109", ("pregnant",), floor=WAIT)


def man(facts: Facts, option: str) -> Verdict | None:  # noqa: ARG001
    """In a man with symptoms of the bladder urine is taken for culture (NICE NG109, 1.1.6): never "none"."""
    symptoms = present(facts, LOWER)
    if facts.get("sex") != "male" or not symptoms:
        return None
    return Verdict("man", "ng109", ("sex", *symptoms), floor=WAIT)


def no_symptoms(facts: Facts, option: str) -> Verdict | None:  # noqa: ARG001
    """No symptom recorded: bacteriuria without symptoms is not treated (IDSA 2019), so never "start".

    The cap is "wait", not "none": frequency and urgency are not among the inputs, and a symptom that is not
    recorded may still be there. Altered mental status alone is no urinary symptom, and hemodynamic
    instability is a reason to treat (same guideline, on delirium): the rule is silent there.
    """
    if facts.get("pregnant") is True or any(present(facts, each) for each in (LOWER, LOIN, FEVER, UNSTABLE)):
        return None
    return Verdict("no_symptoms", "idsa_asb", (*LOWER, *LOIN, *FEVER), cap=WAIT)


def catheter(facts: Facts, option: str) -> Verdict | None:  # noqa: ARG001
    """With a catheter, pyuria or bacteriuria alone makes no diagnosis (IDSA 2009; NICE QS90, 2 and 5).

    Signs compatible with a catheter-associated infection (fever, altered mental status, flank pain,
    tenderness,
    pelvic discomfort: IDSA 2009) lift the cap.
    """
    pelvic = {"altered_mental_status": True, "abdominal_pain": True, "lower_abdominal_pain": True}
    signs = (FEVER, LOIN, UNSTABLE, pelvic)
    if facts.get("catheter") is not True or any(present(facts, group) for group in signs):
        return None
    return Verdict("catheter", "idsa_cauti", ("catheter",), cap=WAIT)


def untrained(facts: Facts, learnt: Iterable[str]) -> Verdict | None:
    """Only counts are known, and the model learnt from none: the culture decides, no probability is shown."""
    strip = any(facts.get(name) is not None for name in STRIP)
    counts = tuple(name for name in COUNTS if facts.get(name) is not None)
    if strip or not counts or set(counts) & set(learnt):
        return None
    return Verdict("untrained", "data", counts, floor=WAIT, cap=WAIT, silent=True)


RULES: tuple[Rule, ...] = (scope, urine_known, severe, upper, pregnancy, man, no_symptoms, catheter)
"""In the order in which they are read out."""


def judge(facts: Facts, option: str, learnt: Iterable[str] = ()) -> list[Verdict]:
    """What every rule says, given the option that the probability alone would give.

    Args:
        facts: the inputs, by name.
        option: of the probability alone: ``start``, ``wait`` or ``none``.
        learnt: the inputs that the model learnt from.
    """
    unknown = untrained(facts, learnt)
    option = WAIT if unknown else option
    verdicts = [verdict for rule in RULES if (verdict := rule(facts, option))]
    return [*verdicts, unknown] if unknown else verdicts


def settle(option: str, verdicts: Iterable[Verdict]) -> str:
    """The option once every verdict is heard: caps first, then floors, then withdrawal.

    Examples:
        >>> settle("none", [Verdict("pregnant", "ng109", ("pregnant",), floor="wait")])
        'wait'
    """
    verdicts = list(verdicts)
    rung = min(LADDER.index(name) for name in (option, *(verdict.cap for verdict in verdicts)))
    rung = max(rung, *(LADDER.index(verdict.floor) for verdict in verdicts), 0)
    withdrawn = any(verdict.refer or (verdict.critical and LADDER[rung] != START) for verdict in verdicts)
    return REFER if withdrawn else LADDER[rung]


def present(facts: Facts, signs: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of ``signs`` that are recorded as present."""
    return tuple(name for name, value in signs.items() if facts.get(name) == value)
