"""The use case that is made of a bought system: what it said, restated; what a person signed, its outcome."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from vesalius.bought import reports
from vesalius.bought.card import card_of
from vesalius.card import Text
from vesalius.usecase import Candidate, Evidence, Outcome, Reason, Suggestion, UseCase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vesalius.governance.register import Entry
    from vesalius.lake import Lake, Version

SHOWN = 20
"""How many results are restated; a report may hold hundreds."""

PRIORITY = {"abnormal": 0.6, "unclear": 0.3, "normal": 0.1}
URGENT = 1.0


class BoughtSystem(UseCase):
    """One bought system; :func:`kind` makes a class of it for each line of the register."""

    entry: ClassVar[Entry]

    def candidates(self, lake: Lake, since: datetime, until: datetime) -> list[Candidate]:
        """The reports that the system gave in that time, each when it first gave it."""
        due = []
        for version in lake.resources("DiagnosticReport", as_of=until, since=since):
            first = self._first(lake, version)
            if first is not None and first.subject and since < first.recorded_at <= until:
                due.append(Candidate(first.subject, f"DiagnosticReport/{first.id}", first.recorded_at))
        return sorted(due)

    def _first(self, lake: Lake, version: Version) -> Version | None:
        """The first version of a report that is the system's own, before any person signed it."""
        all_ = lake.history(f"DiagnosticReport/{version.id}") if version.version > 1 else [version]
        known = sorted((each for each in all_ if each.recorded_at <= version.recorded_at), key=_order)
        for each in known:
            if not reports.signed(each) and reports.from_device(lake, each, self.entry.device):
                return each
        return None

    def evidence(self, lake: Lake, candidates: Sequence[Candidate]) -> Evidence:
        """What each report said at its moment, in its own words and measurements."""
        import pyarrow as pa

        lake = lake.pinned()
        rows, sources = [], []
        for candidate in candidates:
            row, places = _row(lake, candidate)
            rows.append(row)
            sources.append(places)
        return Evidence(
            tuple(candidates), pa.Table.from_pylist(rows, _schema()), tuple(sources), lake.position()
        )

    def suggest(self, evidence: Evidence) -> list[Suggestion]:
        """What the system said, restated: no probability of ours, its own confidence where it gave one."""
        return [self._one(evidence, number, row) for number, row in enumerate(evidence.table.to_pylist())]

    def _one(self, evidence: Evidence, number: int, row: dict[str, Any]) -> Suggestion:
        option, places = row["finding"], evidence.sources[number]
        report = places["finding"][:1]
        reasons = [Reason("finding", option, sources=report)]
        words = row["conclusion"] or ", ".join(row["codes"])
        if words:
            reasons.append(Reason("conclusion", sources=report, rule=_rule("conclusion", words=words)))
        if row["codes"] and row["conclusion"]:
            reasons.append(
                Reason("codes", sources=report, rule=_rule("codes", words=", ".join(row["codes"])))
            )
        if row["confidence"] is not None:
            reasons.append(Reason("confidence", row["confidence"], sources=places["confidence"]))
        reasons += [
            Reason("result", sources=(each["reference"],), rule=_rule("result", **_words(each)))
            for each in row["results"][:SHOWN]
        ]
        rest: dict[str, Any] = {"indicator": "critical"} if row["critical"] else {}
        return self.suggestion(
            evidence,
            number,
            option,
            Text(f"said.{option}"),
            priority=URGENT if row["critical"] else PRIORITY[option],
            reasons=tuple(reasons),
            limits=self.card.limits,
            **rest,
        )

    def outcome(self, lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
        """Whether the report that a person signed, of the same order or of the same report, has a finding."""
        return [_outcome(lake, candidate, as_of) for candidate in candidates]


def kind(entry: Entry) -> type[BoughtSystem]:
    """The use case of one line of the register."""
    return type("BoughtSystem", (BoughtSystem,), {"card": card_of(entry), "entry": entry, "ships": None})


def _order(version: Version) -> tuple[datetime, int]:
    return version.recorded_at, version.version


def _rule(name: str, /, **values: str) -> Text:
    return Text(f"rule.{name}", dict(values))


def _words(result: dict[str, str]) -> dict[str, str]:
    return {"name": result["name"], "value": result["value"]}


def _row(lake: Lake, candidate: Candidate) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    report = lake.read(candidate.focus, candidate.as_of)
    if report is None:
        raise LookupError("the report is not there")
    said = reports.read(lake, report, candidate.as_of)
    person = lake.read(candidate.subject, candidate.as_of)
    about = person.resource if person else {}
    row = {
        "finding": said.finding,
        "confidence": said.confidence,
        "measurements": float(len(said.measures)),
        "sex": about.get("gender"),
        "age": _age(str(about.get("birthDate") or ""), candidate.as_of),
        "critical": said.critical,
        "conclusion": said.conclusion,
        "codes": list(said.codes),
        "results": [asdict(each) for each in said.measures],
    }
    mine = (person.reference,) if person else ()
    places = {"finding": said.sources, "measurements": said.sources[1:], "sex": mine, "age": mine}
    return row, places | {"confidence": (said.sure,) if said.sure else ()}


def _age(born: str, at: datetime) -> float | None:
    """Years, from a birth date that may be the year alone."""
    if len(born) < 4:
        return None
    return float(
        at.year - int(born[:4]) - (len(born) == 10 and (at.month, at.day) < (int(born[5:7]), int(born[8:])))
    )


def _schema() -> Any:
    import pyarrow as pa

    text: Any = pa.string()
    result = pa.struct([("name", text), ("value", text), ("reference", text)])
    fields: Any = [
        ("finding", text), ("confidence", pa.float64()), ("measurements", pa.float64()), ("sex", text),
        ("age", pa.float64()), ("critical", pa.bool_()), ("conclusion", text),
        ("codes", pa.list_(text)), ("results", pa.list_(result)),
    ]  # fmt: skip
    return pa.schema(fields)


def _outcome(lake: Lake, candidate: Candidate, as_of: datetime) -> Outcome | None:
    theirs = lake.read(candidate.focus, candidate.as_of)
    asked = reports.orders(theirs) if theirs else set()
    known = lake.patient(candidate.subject, as_of, ["DiagnosticReport"])
    for each in sorted(known, key=_order):
        same = f"DiagnosticReport/{each.id}" == candidate.focus or bool(asked & reports.orders(each))
        if same and reports.signed(each) and each.recorded_at > candidate.as_of:
            said = reports.read(lake, each, as_of)
            if said.finding != "unclear":
                return Outcome(
                    said.finding == "abnormal", each.recorded_at, said.sources, ", ".join(said.codes)[:200]
                )
    return None
