"""The rules that stand above the model: who is out of scope, and who is followed up whatever the probability.

Each is a plain function of the facts and cites its source; none names a drug or a dose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vesalius.usecases.readmission import words

BUNDLE, CALL, USUAL, OUT = "transition_bundle", "follow_up_call", "usual_care", "out_of_scope"

LADDER = (USUAL, CALL, BUNDLE)
"""The options from least to most."""

Facts = Mapping[str, Any]
"""The inputs of the card about one stay, by name; None where not known."""


@dataclass(frozen=True)
class Verdict:
    """What one rule says about one stay.

    Attributes:
        rule: its name; the text ``rule.NAME`` says it.
        source: the key of the card's source that it rests on.
        inputs: the inputs it read.
        floor: the least option it allows.
        out: whether the stay is out of scope: no probability, no proposal.
    """

    rule: str
    source: str
    inputs: tuple[str, ...]
    floor: str = USUAL
    out: bool = False


Rule = Callable[[Facts], Verdict | None]


def died(facts: Facts) -> Verdict | None:
    """A stay that ended in death has no discharge (Horwitz 2014 leaves it out, too)."""
    if facts.get("destination") != words.DEATH:
        return None
    return Verdict("death", "horwitz2014", ("destination",), out=True)


def hospice(facts: Facts) -> Verdict | None:
    """Palliative care: these stays were left out of what the model learnt from (Strack 2014)."""
    if facts.get("destination") != words.HOSPICE:
        return None
    return Verdict("hospice", "data", ("destination",), out=True)


def transferred(facts: Facts) -> Verdict | None:
    """Another acute hospital: a readmission counts for the one that discharges home (Horwitz 2014)."""
    if facts.get("destination") != words.TRANSFER:
        return None
    return Verdict("transfer", "horwitz2014", ("destination",), out=True)


def day_stay(facts: Facts) -> Verdict | None:
    """No night in hospital: the data holds stays of 1 to 14 days (Strack 2014)."""
    days = facts.get("length_of_stay")
    if days is None or days >= 1:
        return None
    return Verdict("day_stay", "data", ("length_of_stay",), out=True)


def child(facts: Facts) -> Verdict | None:
    """Adults only: whoever is not known to be 18 is out of scope (HOSPITAL and LACE are for adults, too)."""
    return Verdict("child", "hospital", ("age",), out=True) if facts.get("age") is None else None


def heart_failure(facts: Facts) -> Verdict | None:
    """After a stay for heart failure an early visit is recommended for all (ESC 2021): never usual care."""
    if facts.get("principal_diagnosis") != "heart_failure":
        return None
    return Verdict("heart_failure", "esc2021", ("principal_diagnosis",), floor=CALL)


SCOPE: tuple[Rule, ...] = (died, hospice, transferred, day_stay, child)
RULES: tuple[Rule, ...] = (*SCOPE, heart_failure)
"""In the order in which they are read out."""


def judge(facts: Facts) -> list[Verdict]:
    """What the rules say; of a stay that is out of scope, the first reason only."""
    out = next((verdict for rule in SCOPE if (verdict := rule(facts))), None)
    if out:
        return [out]
    return [verdict for rule in RULES[len(SCOPE) :] if (verdict := rule(facts))]


def band(probability: float, settings: Mapping[str, float]) -> str:
    """The option that the probability alone gives; the bundle wins where the two thresholds cross."""
    if probability >= settings["bundle_from"]:
        return BUNDLE
    return CALL if probability >= settings["call_from"] else USUAL


def settle(option: str, verdicts: list[Verdict]) -> str:
    """The option once every verdict is heard.

    Examples:
        >>> settle(USUAL, [Verdict("heart_failure", "esc2021", (), floor=CALL)])
        'follow_up_call'
    """
    if any(verdict.out for verdict in verdicts):
        return OUT
    return LADDER[max(LADDER.index(each) for each in (option, *(verdict.floor for verdict in verdicts)))]
