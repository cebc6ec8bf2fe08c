"""The decisions in force, ready to be applied: the standard coding is added beside the local one.

Nothing that was received is changed: a coding is added at the end of the list, and marked with the decision
that added it, so that it can be told from what the sender said and be taken away again. A unit in words gets
its UCUM code; its value is never converted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from vesalius.terminology.concepts import (
    ANY_KIND,
    ANY_UNIT,
    MARK,
    TEXT,
    UUID,
    Key,
    added_by,
    codings,
    elements,
    local_keys,
    places,
    received,
)
from vesalius.terminology.mappings import Decision, in_force
from vesalius.terminology.standards import QUANTITY, kinds, standard_for


class Codebook:
    """What some decisions do to a resource.

    Args:
        decisions: every decision there ever was, those withdrawn too: their marks are taken away.

    Attributes:
        own: the decisions that are this hospital's, by their uid.
        newest: the number of the last decision or withdrawal.
    """

    def __init__(self, decisions: Iterable[Decision]) -> None:
        every = list(decisions)
        self.own = frozenset(each.uid for each in every)
        self.newest = max(
            (max(each.id, each.withdrawn.id if each.withdrawn else 0) for each in every), default=0
        )
        self._by_code: dict[tuple[str, str], list[Decision]] = {}
        self._force: dict[tuple[str, str], list[Decision]] = {}
        self._kinds = {name for name in kinds() if any(_concerns(each, name) for each in every)}
        for each in in_force(every):
            self._force.setdefault((each.system, each.code), []).append(each)
            if each.applies:
                self._by_code.setdefault((each.system, each.code), []).append(each)
        self._codes = {code for _, code in self._by_code}
        self._has_words = any(system == TEXT for system, _ in self._by_code)
        self._places: dict[str, list[tuple[Callable[[Any], bool], str, str]]] = {}

    def targets(self, keys: Iterable[Key]) -> list[Decision]:
        """What is to be added for the local codes of one concept: one decision per target system.

        Of several that hold, one for this very unit comes before one for any, then one for this very kind of
        element; of codings, the first comes before the others.
        """
        found: dict[str, Decision] = {}
        for key in keys:
            holding = [each for each in self._by_code.get(key[1:3], ()) if each.holds_for(key)]
            for each in sorted(holding, key=_reach):
                found.setdefault(each.target_system, each)
        return list(found.values())

    def decided(self, key: Key) -> list[Decision]:
        """Every decision in force that is about a local code, those that add nothing too."""
        return sorted((each for each in self._force.get(key[1:3], ()) if each.holds_for(key)), key=_reach)

    def recoded(self, resource: dict[str, Any]) -> dict[str, Any] | None:
        """A copy with the codings that the decisions in force add, and no others of ours; None if equal."""
        if not self._touches(resource):
            return None
        if all(self._right(*each[:3]) for each in elements(resource, self.own)):
            return None
        copy: dict[str, Any] = _copied(resource)
        for kind, value, unit, _ in list(elements(copy, self.own)):
            if not self._right(kind, value, unit):
                self._mend(kind, value, unit)
        return copy

    def _touches(self, resource: dict[str, Any]) -> bool:
        """Whether there may be anything to do: nearly every resource goes this way, so it is a short one."""
        type_ = resource.get("resourceType")
        if not self.own or not isinstance(type_, str):
            return False
        for hit, first, second in self._watched(type_):
            value = resource.get(first)
            for each in value if isinstance(value, list) else (value,):
                if not second:
                    if hit(each):
                        return True
                elif isinstance(each, dict) and hit(each.get(second)):
                    return True
        return False

    def _watched(self, type_: str) -> list[tuple[Callable[[Any], bool], str, str]]:
        """Where to look in a type: what looks, and the one or two names that lead there."""
        if type_ not in self._places:
            self._places[type_] = [
                (self._unit_hit if kind == QUANTITY else self._concept_hit, names[0], "".join(names[1:]))
                for kind, names, _ in places(type_)
                if kind in self._kinds
            ]
        return self._places[type_]

    def _concept_hit(self, concept: Any) -> bool:
        if isinstance(concept, list):
            return any(map(self._concept_hit, concept))
        if not isinstance(concept, dict):
            return False
        named = False
        of = concept.get("coding")
        for each in of if isinstance(of, list) else ():
            if isinstance(each, dict):
                code = each.get("code")
                if "extension" in each or (isinstance(code, str) and code in self._codes):
                    return True
                named = named or "system" in each
        return self._has_words and not named

    def _unit_hit(self, quantity: Any) -> bool:
        return isinstance(quantity, dict) and ("extension" in quantity or "code" not in quantity)

    def _right(self, kind: str, value: dict[str, Any], unit: str) -> bool:
        """Whether what stands here is what the decisions in force make of it; changes nothing."""
        if kind == QUANTITY:
            return self._marked_unit(value) == self._wanted_unit(value)
        of = codings(value)
        have = [each for each in of if "extension" in each and added_by(each) in self.own]
        named = [(each.get("system"), each["code"]) for each in of if each.get("system")]
        if named and not have and not any(name in self._by_code for name in named):
            return True  # the way of nearly every concept: no look at its words
        return have == self._wanted(kind, value, unit)

    def _mend(self, kind: str, value: dict[str, Any], unit: str) -> None:
        if kind == QUANTITY:
            self._mend_unit(value)
            return
        wanted = self._wanted(kind, value, unit)
        of = value.get("coding")
        kept = [each for each in of if not self._ours(each)] if isinstance(of, list) else []
        if kept or wanted:
            value["coding"] = kept + wanted
        else:
            value.pop("coding", None)

    def _ours(self, coding: Any) -> bool:
        return isinstance(coding, dict) and added_by(coding) in self.own

    def _wanted(self, kind: str, concept: dict[str, Any], unit: str) -> list[dict[str, Any]]:
        have = {each.get("system") for each in received(concept, self.own)}
        found = self.targets(local_keys(kind, concept, unit, self.own))
        return [_coding(each) for each in found if each.target_system not in have]

    def _marked_unit(self, quantity: dict[str, Any]) -> tuple[Any, ...]:
        uid = added_by(quantity) if "extension" in quantity else ""
        return (uid, quantity.get("system"), quantity.get("code")) if uid in self.own else ()

    def _wanted_unit(self, quantity: dict[str, Any]) -> tuple[Any, ...]:
        found = self.targets(local_keys(QUANTITY, quantity, "", self.own))
        return (found[0].uid, found[0].target_system, found[0].target_code) if found else ()

    def _mend_unit(self, quantity: dict[str, Any]) -> None:
        if self._marked_unit(quantity):
            del quantity["system"], quantity["code"]
            kept = [each for each in quantity.pop("extension") if each.get("url") != MARK]
            if kept:
                quantity["extension"] = kept
        if wanted := self._wanted_unit(quantity):
            uid, quantity["system"], quantity["code"] = wanted
            quantity["extension"] = [*quantity.get("extension", ()), _mark(uid)]


def _concerns(each: Decision, kind: str) -> bool:
    """Whether a decision, in force or not, can have to do with a kind of element."""
    if each.kind != ANY_KIND or not each.target_system:
        return each.kind == kind
    return each.target_system in standard_for(kind)


def _reach(each: Decision) -> tuple[bool, bool, int]:
    return each.unit == ANY_UNIT, each.kind == ANY_KIND, each.id


def _coding(each: Decision) -> dict[str, Any]:
    named = {"display": each.target_display} if each.target_display else {}
    return {"extension": [_mark(each.uid)], "system": each.target_system, "code": each.target_code, **named}


def _mark(uid: str) -> dict[str, Any]:
    return {"url": MARK, "valueUri": f"{UUID}{uid}"}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(child) for name, child in value.items()}
    return [_copied(child) for child in value] if isinstance(value, list) else value
