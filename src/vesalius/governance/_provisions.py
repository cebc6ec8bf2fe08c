"""What a FHIR R4 Consent refuses, and when: from its provisions to intervals of time.

The base rule is the root provision's type, or else ``policyRule`` (HL7 v3 ActCode OPTIN or OPTOUT); nested
provisions are exceptions to the one around them (https://hl7.org/fhir/R4/consent.html). Of exceptions that
apply at once, a refusal counts before a permission.

What we cannot honour as finely as it is said, or cannot read, counts as a refusal of all that it may mean,
and keeps the reason: a refusal of one class of documents only is one of all; a permission for one
organisation only is none. Nobody is asked for less than they refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

import msgspec

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.governance.purposes import SYSTEM

DAWN = datetime(1900, 1, 1, tzinfo=UTC)
FOREVER = datetime.max.replace(tzinfo=UTC)

_TICK = timedelta(microseconds=1)

OURS = "urn:vesalius:consent"
"""The code system of the purposes for which HL7 has no code; ``suggestions`` is its one code."""

DEEPEST = 8
"""How many provisions deep we read; what lies deeper is not understood."""


class Kind(StrEnum):
    """What a patient can refuse."""

    CARE = "care"
    """That those who treat see their data here (Belgian law of 22 April 2019, articles 36 and 37)."""
    SUGGESTIONS = "suggestions"
    """That an AI tool speaks about them (GDPR, articles 21 and 22)."""
    SECONDARY = "secondary"
    """That their data is used for anything but care (Regulation (EU) 2025/327, article 71)."""


class Reason(StrEnum):
    """Why something counts as refused."""

    REFUSED = "refused"
    """It says so."""
    PART = "part"
    """It refuses, or permits, a part only, that we cannot tell from the rest: some people, classes, codes."""
    PURPOSE = "purpose"
    """It names a purpose, or a scope, that we do not know."""
    POLICY = "policy"
    """It says only that some policy holds, which we cannot read."""
    FORM = "form"
    """We cannot read it: its form, a period, its status, or something that changes its meaning."""


_ORDER = tuple(Reason)

PURPOSES = {
    "TREAT": Kind.CARE, "ETREAT": Kind.CARE, "CAREMGT": Kind.CARE, "COC": Kind.CARE,
    "HRESCH": Kind.SECONDARY, "BIORCH": Kind.SECONDARY, "CLINTRCH": Kind.SECONDARY,
    "CLINTRCHNPC": Kind.SECONDARY, "CLINTRCHPC": Kind.SECONDARY, "PRECLINTRCH": Kind.SECONDARY,
    "DSRCH": Kind.SECONDARY, "POARCH": Kind.SECONDARY, "TRANSRCH": Kind.SECONDARY,
    "PUBHLTH": Kind.SECONDARY, "HQUALIMP": Kind.SECONDARY, "HSYSADMIN": None, "HOPERAT": None,
    "HPAYMT": None, "HMARKT": None, "PATRQT": None, "FAMRQT": None, "RECORDMGT": None, "HCOMPL": None,
}  # fmt: skip
"""For each code of HL7 v3 PurposeOfUse that we know, what is refused with it; None: nothing of ours."""

_SCOPES = {
    "patient-privacy": frozenset(Kind),
    "research": frozenset({Kind.SECONDARY}),
    "treatment": frozenset({Kind.CARE}),
    "adr": frozenset(),  # an advance directive is about treatment, not about data
}
_BASES = {"OPTIN": "permit", "OPTINR": "permit", "OPTOUT": "deny", "OPTOUTE": "deny"}
_OVER = frozenset({"draft", "proposed", "rejected", "inactive", "entered-in-error"})
_NARROWING = ("actor", "action", "securityLabel", "class_", "code", "data", "dataPeriod")


@dataclass(frozen=True)
class Refusal:
    """That something is refused for a time.

    Attributes:
        kind: what.
        begins, ends: from when, and until when; the end is not in it.
        reason: why it counts.
    """

    kind: Kind
    begins: datetime
    ends: datetime
    reason: Reason


class _Coding(msgspec.Struct):
    system: str = ""
    code: str = ""


class _Concept(msgspec.Struct):
    coding: list[_Coding] = []


class _Period(msgspec.Struct):
    start: str = ""
    end: str = ""


class _Provision(msgspec.Struct, rename={"class_": "class"}):
    type: str = ""
    period: _Period | None = None
    purpose: list[_Coding] = []
    provision: list[_Provision] = []
    actor: list[msgspec.Raw] = []
    action: list[msgspec.Raw] = []
    securityLabel: list[msgspec.Raw] = []  # noqa: N815 - as FHIR has it
    class_: list[msgspec.Raw] = []
    code: list[msgspec.Raw] = []
    data: list[msgspec.Raw] = []
    dataPeriod: msgspec.Raw = msgspec.Raw()  # noqa: N815
    modifierExtension: list[msgspec.Raw] = []  # noqa: N815


class _Consent(msgspec.Struct):
    status: str = ""
    scope: _Concept = msgspec.field(default_factory=_Concept)
    policyRule: _Concept = msgspec.field(default_factory=_Concept)  # noqa: N815
    provision: _Provision | None = None
    modifierExtension: list[msgspec.Raw] = []  # noqa: N815


class _Status(msgspec.Struct):
    status: Any = ""


_CONSENT, _STATUS = msgspec.json.Decoder(_Consent), msgspec.json.Decoder(_Status)


@dataclass(frozen=True)
class _Rule:
    """One provision, read.

    Attributes:
        type: permit, deny, or empty.
        begins, ends: when it applies.
        kinds: to what.
        reason: why a refusal by it counts.
        narrow: whether it is about a part only.
        inner: its exceptions.
    """

    type: str
    begins: datetime
    ends: datetime
    kinds: frozenset[Kind]
    reason: Reason
    narrow: bool
    inner: tuple[_Rule, ...]

    def says(self, kind: Kind, at: datetime) -> Reason | bool | None:
        """What it says: a reason for a refusal, True for a permission, None for nothing."""
        if kind not in self.kinds or not self.begins <= at < self.ends:
            return None
        found = [said for each in self.inner if (said := each.says(kind, at)) is not None]
        refused = [said for said in found if isinstance(said, Reason)]
        if refused:
            return min(refused, key=_ORDER.index)
        if found:
            return True
        if self.type == "deny":
            return self.reason
        return True if self.type == "permit" and not self.narrow else None

    def moments(self) -> Iterator[datetime]:
        """Where what it says can change."""
        yield from (self.begins, self.ends)
        for each in self.inner:
            yield from each.moments()


def refusals(body: bytes) -> list[Refusal]:
    """What a Consent refuses, by kind and in order of time; empty where it refuses nothing.

    Args:
        body: its JSON. One that cannot be read refuses everything, for ever.
    """
    try:
        consent = _CONSENT.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return [] if _over(body) else _all(Reason.FORM)
    if consent.status in _OVER:
        return []
    if consent.status != "active" or consent.modifierExtension:
        return _all(Reason.FORM)
    kinds, known = _scope(consent.scope)
    rule = _root(consent, kinds, known=known)
    if isinstance(rule, Reason):
        return _all(rule, kinds)
    return [each for kind in Kind if kind in kinds for each in _intervals(rule, kind)]


def _over(body: bytes) -> bool:
    """Whether a Consent that cannot be read can at least be read to be in force no more."""
    try:
        return _STATUS.decode(body).status in _OVER
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError):
        return False


def _all(reason: Reason, kinds: frozenset[Kind] = frozenset(Kind)) -> list[Refusal]:
    return [Refusal(kind, DAWN, FOREVER, reason) for kind in Kind if kind in kinds]


def _scope(scope: _Concept) -> tuple[frozenset[Kind], bool]:
    codes = [each.code for each in scope.coding]
    found = [_SCOPES[code] for code in codes if code in _SCOPES]
    return (frozenset().union(*found), True) if found else (frozenset(Kind), False)


def _root(consent: _Consent, kinds: frozenset[Kind], *, known: bool) -> _Rule | Reason:
    bases = {_BASES[each.code] for each in consent.policyRule.coding if each.code in _BASES}
    base = "deny" if "deny" in bases else next(iter(bases), "")
    top = consent.provision
    if top is None:
        top = _Provision()
    if not (top.type or base or top.provision):
        return Reason.POLICY
    found = _read(top, kinds, Reason.REFUSED if known else Reason.PURPOSE, base)
    if found is None:
        return Reason.FORM
    if found.type == "permit" and found.narrow:  # what it permits is less than all: the rest is refused
        return _Rule(
            "deny", found.begins, found.ends, found.kinds, Reason.PART, narrow=True, inner=found.inner
        )
    return found


def _read(
    given: _Provision, around: frozenset[Kind], reason: Reason, base: str = "", depth: int = 0
) -> _Rule | None:
    """A provision as a rule; None where it cannot be read."""
    kind = given.type or base
    period = _span(given.period)
    if given.modifierExtension or period is None or depth > DEEPEST:
        return None
    if kind not in ("permit", "deny") and not (depth == 0 and kind == ""):
        return None
    narrow = any(_there(getattr(given, name)) for name in _NARROWING)
    kinds, known = _kinds(given.purpose, around, deny=kind == "deny")
    why = Reason.PURPOSE if not known else Reason.PART if narrow else reason
    inner = []
    for each in given.provision:
        found = _read(each, kinds, reason, depth=depth + 1)
        if found is None:
            return None
        inner.append(found)
    return _Rule(kind, *period, kinds, why, narrow=narrow, inner=tuple(inner))


def _there(value: Any) -> bool:
    return bool(value) if isinstance(value, list) else bytes(value) not in (b"", b"null")


def _kinds(
    purposes: Sequence[_Coding], around: frozenset[Kind], *, deny: bool
) -> tuple[frozenset[Kind], bool]:
    """To what a provision applies, and whether all of its purposes are known; without any, to all around."""
    if not purposes:
        return around, True
    found: set[Kind] = set()
    for each in purposes:
        if each.system == OURS and each.code in Kind.__members__.values():
            found.add(Kind(each.code))
        elif each.system in ("", SYSTEM) and each.code in PURPOSES:
            found.update({kind} if (kind := PURPOSES[each.code]) else ())
        elif deny:  # it may mean any of them
            return around, False
    return frozenset(found) & around, True


def _span(period: _Period | None) -> tuple[datetime, datetime] | None:
    if period is None:
        return DAWN, FOREVER
    try:
        begins = fhir.parse_time(period.start) if period.start else DAWN
        # The end is in the period (FHIR R4, Period.end): what comes after it is not.
        ends = fhir.parse_time(period.end, latest=True) + _TICK if period.end else FOREVER
    except (InvalidResource, ValueError, OverflowError):
        return None
    return (begins, ends) if begins < ends else None


def _intervals(rule: _Rule, kind: Kind) -> Iterator[Refusal]:
    """The times at which a rule refuses, those that touch and have one reason made one."""
    cuts = sorted({DAWN, FOREVER, *rule.moments()})
    last: Refusal | None = None
    for begins, ends in pairwise(cuts):
        said = rule.says(kind, begins)
        if not isinstance(said, Reason):
            continue
        if last and last.ends == begins and last.reason == said:
            last = Refusal(kind, last.begins, ends, said)
            continue
        if last:
            yield last
        last = Refusal(kind, begins, ends, said)
    if last:
        yield last
