"""The stays: who was where at a moment, as it was known then; on a ward, or in intensive care."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from vesalius import fhir
from vesalius.usecases.early_warning.card import view

if TYPE_CHECKING:
    from vesalius.lake import Lake

INPATIENT = frozenset({"ACUTE", "EMER", "IMP", "NONAC", "OBSENC", "SS"})
"""Classes of a stay in which a ward measures (HL7 v3 ActCode): in the hospital, emergency and observation."""

OVER = frozenset({"finished", "cancelled", "entered-in-error"})
"""Statuses of a stay that is over, or never was."""

DIED = "exp"
"""HL7 discharge disposition: expired."""

FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Version:
    """One version of a stay: what was known of it from ``recorded_at`` on.

    Attributes:
        resource, reference: ``Encounter/ID``, and the same with its version.
        subject: the patient.
        recorded_at, seq: when it was known, and its place in the log.
        start, end: of the stay.
        over: whether it is over, or never was.
        ward: whether a ward measures in it.
        intensive_care: whether it is in intensive care.
        unit_kind: in which kind of intensive care.
        site: which hospital, or which data set.
        died: whether the patient died in it; None where that is not said.
    """

    resource: str
    reference: str
    subject: str
    recorded_at: datetime
    seq: int
    start: datetime | None
    end: datetime | None
    over: bool
    ward: bool
    intensive_care: bool
    unit_kind: str | None
    site: str
    died: bool | None

    def holds(self, moment: datetime) -> bool:
        """Whether the stay goes on at ``moment``, by what this version says."""
        begun = self.start is not None and self.start <= moment
        return begun and not self.over and (self.end is None or moment < self.end)


@dataclass(frozen=True)
class Stays:
    """All versions of the stays of some patients.

    Attributes:
        versions: per stay, oldest first.
    """

    versions: Mapping[str, Sequence[Version]]

    @classmethod
    def read(cls, lake: Lake, subjects: Sequence[str] | None) -> Stays:
        """Those that were ever about ``subjects``; all, if not given."""
        found: dict[str, list[Version]] = defaultdict(list)
        for row in view("stays").table(lake, subjects).to_pylist():
            found[row["_resource"]].append(
                Version(
                    row["_resource"],
                    row["_reference"],
                    row["_subject"] or "",
                    row["_recorded_at"],
                    row["_seq"],
                    _moment(row["start"], latest=False),
                    _moment(row["end"], latest=True),
                    row["status"] in OVER,
                    row["class"] in INPATIENT,
                    bool(row["intensive_care"]),
                    row["unit_kind"],
                    row["site"] or "",
                    _died(row["status"], row["disposition"]),
                )
            )
        for versions in found.values():
            versions.sort(key=lambda version: (version.recorded_at, version.seq))
        return cls(found)

    @cached_property
    def of(self) -> Mapping[str, Sequence[Sequence[Version]]]:
        """Per patient, the versions of each stay that was ever theirs."""
        found: dict[str, list[Sequence[Version]]] = defaultdict(list)
        for versions in self.versions.values():
            for subject in dict.fromkeys(version.subject for version in versions):
                found[subject].append(versions)
        return found

    def at(self, subject: str, moment: datetime) -> Version | None:
        """The stay of a patient at ``moment`` as it was known then; intensive care before a ward."""
        known = [in_force(versions, moment) for versions in self.of.get(subject, ())]
        on = [
            version
            for version in known
            if version is not None and version.subject == subject and version.holds(moment)
        ]
        order = [(version.intensive_care, version.start or moment, version.resource) for version in on]
        return on[order.index(max(order))] if on else None


def in_force(versions: Sequence[Version], moment: datetime) -> Version | None:
    """The version of a stay that counted at ``moment``; None before the first."""
    known = [version for version in versions if version.recorded_at <= moment]
    return known[-1] if known else None


def _moment(text: str | None, *, latest: bool) -> datetime | None:
    return fhir.parse_time(text, latest=latest) if text else None


def _died(status: str | None, disposition: str | None) -> bool | None:
    """Whether a stay that is over ended with death; None as long as it is not, and where nothing is said."""
    if status != "finished" or not disposition:
        return None
    return disposition == DIED
