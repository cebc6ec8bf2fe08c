"""The CHAI Applied Model Card: every leaf filled from the run and the card, or a question to its owner.

Source: Coalition for Health AI, Applied Model Card, ``schema-v0.2.xsd`` (2025-10-28). The values of a result
are JSON of the kinds that CHAI's own examples use: ``estimate_ci`` and ``single``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET  # it writes XML, and reads none  # nosec B405

import msgspec

from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.reporting import tripod
from vesalius.evaluation.reporting.summary import chosen
from vesalius.evaluation.reporting.writer import Writer

NAMESPACE = "https://mc.chai.org/v0.2/schema.xsd"


@dataclass(frozen=True)
class Leaf:
    """One text of the card.

    Attributes:
        path: the elements that lead to it, from below the root.
        text: what it says.
    """

    path: str
    text: str

    @property
    def name(self) -> str:
        """The path, as a key of the texts."""
        return self.path.replace("/", "_")


@dataclass(frozen=True)
class Result:
    """One ``MetricResult``.

    Attributes:
        label: what is measured, and where in the run it stands.
        value: the figure.
        unit: of the figure.
    """

    label: str
    value: Estimate
    unit: str = ""

    def json(self) -> str:
        """The value as CHAI's examples write it."""
        known = self.value
        if known.low is None or known.high is None:
            body: dict[str, Any] = {"kind": "single", "value": known.value}
        else:
            body = {
                "kind": "estimate_ci",
                "estimate": known.value,
                "lower": known.low,
                "upper": known.high,
                "level": 95,
            }
        return msgspec.json.encode(body | ({"unit": self.unit} if self.unit else {})).decode()


@dataclass(frozen=True)
class Metric:
    """One of the three groups of key metrics: its texts, and its results."""

    path: str
    results: tuple[Result, ...]


def leaves(writer: Writer) -> tuple[Leaf, ...]:
    """Every text of the card, in the order of the schema."""
    pairs = (
        *_basics(writer),
        *_uses(writer),
        *_facts(writer),
        *(pair for metric in metrics(writer) for pair in _metric(writer, metric.path)),
        *_resources(writer),
    )
    return tuple(Leaf(path, text) for path, text in pairs)


def _ask(writer: Writer, key: str) -> str:
    """The answer to a question; or the question, with the one who must answer it."""
    for item in writer.questions:
        if item.key == key:
            return item.answer or writer.words("chai.asked", owner=item.owner, question=item.words)
    return writer.words("chai.in_report")


def _basics(writer: Writer) -> Iterator[tuple[str, str]]:
    card, words = writer.card, writer.words
    yield "BasicInfo/ModelName", f"{writer.say('title')} ({card.name})"
    yield "BasicInfo/ModelDeveloper", _ask(writer, "developer")
    yield "BasicInfo/DeveloperContact", _ask(writer, "contact")
    yield "ReleaseInfo/ReleaseStage", words("chai.stage")
    yield "ReleaseInfo/ReleaseDate", _ask(writer, "release_date")
    yield "ReleaseInfo/ReleaseVersion", f"{card.name} {writer.run.version}, {writer.run.model}"
    yield "ReleaseInfo/GlobalAvailability", _ask(writer, "availability")
    yield "ReleaseInfo/RegulatoryApproval", card.risk_class
    yield "ModelSummary/Summary", writer.say("purpose")
    yield "ModelSummary/Keywords/Keyword", writer.say("title")


def _uses(writer: Writer) -> Iterator[tuple[str, str]]:
    roles = [writer.words.texts.get(f"role.{role}", role) for role in writer.card.reviewers]
    yield "UsesAndDirections/IntendedUseAndWorkflow", f"{writer.say('purpose')} ({writer.say('action')})"
    yield "UsesAndDirections/PrimaryIntendedUsers", ", ".join(roles)
    yield "UsesAndDirections/HowToUse", writer.words("purpose.people")
    yield "UsesAndDirections/TargetedPatientPopulation", writer.say("population")
    yield "UsesAndDirections/CautionedOutOfScopeSettings", writer.say("not_for")
    general = [writer.words("limits.retrospective"), writer.words("limits.intervals")]
    yield "Warnings/KnownRisksAndLimitations", "\n".join([*writer.limits, *general])
    yield "Warnings/KnownBiasesOrEthicalConsiderations", _ask(writer, "inequalities")
    yield "Warnings/ClinicalRiskLevel", writer.card.risk_class


def _facts(writer: Writer) -> Iterator[tuple[str, str]]:
    words, run = writer.words, writer.run
    inputs = ", ".join(
        f"{writer.named(item.name)} ({words(f'kind_of.{item.kind}')})" for item in writer.card.inputs
    )
    facts = "TrustIngredients/AISystemFacts"
    yield f"{facts}/OutcomesAndOutputs", f"{writer.say('target')}. {words('outcome.output')}"
    yield f"{facts}/ModelType", words.texts.get(f"kind.{run.kind}", run.kind)
    yield f"{facts}/FoundationModels", words("chai.no_foundation")
    yield f"{facts}/InputDataSource", _ask(writer, "data_source")
    yield f"{facts}/OutputAndInputDataTypes", inputs
    yield f"{facts}/DevelopmentDataCharacterization", tested(writer)
    yield f"{facts}/BiasMitigationApproaches", words("subgroups.words" if run.subgroups else "subgroups.none")
    yield f"{facts}/OngoingMaintenance", words("chai.maintenance")
    yield f"{facts}/Transparency", words("reproduce.model")
    information = "TrustIngredients/TransparencyInformation"
    yield f"{information}/FundingSource", _ask(writer, "funding")
    yield f"{information}/StakeholdersConsulted", _ask(writer, "involvement")


def _metric(writer: Writer, path: str) -> Iterator[tuple[str, str]]:
    """The texts of one group of metrics."""
    name = path.rpartition("/")[2]
    yield f"{path}/MetricGoal", writer.words(f"chai.goal.{name}")
    yield f"{path}/Interpretation", _ask(writer, "interpretation")
    yield f"{path}/TestType", writer.words(f"tripod.study_{_kind(writer)}")
    yield f"{path}/TestingDataDescription", tested(writer)
    yield f"{path}/ValidationProcessAndJustification", writer.words("method.measures")


def _kind(writer: Writer) -> str:
    return tripod.study(writer.run)


def _resources(writer: Writer) -> Iterator[tuple[str, str]]:
    yield "Resources/EvaluationReferences", f"{writer.run.id}.json"
    yield "Resources/PeerReviewedPublications", _ask(writer, "publications")
    yield "Resources/PatientConsentOrDisclosure", _ask(writer, "consent")
    yield "Bibliography", "\n".join(source.citation for source in writer.card.sources)


def tested(writer: Writer) -> str:
    """On whom, in one sentence."""
    run, words = writer.run, writer.words
    return words(
        "chai.tested",
        rows=words.number(run.rows),
        patients=words.number(run.patients),
        events=words.number(run.events),
        share=words.percent(run.events / run.rows, 1),
        first=run.first,
        last=run.last,
    )


def metrics(writer: Writer) -> tuple[Metric, ...]:
    """The three groups of key metrics."""
    return (
        Metric("KeyMetrics/UsefulnessUsabilityEfficacy", tuple(_useful(writer))),
        Metric("KeyMetrics/FairnessEquity", tuple(_fair(writer))),
        Metric("KeyMetrics/SafetyReliability", tuple(_safe(writer))),
    )


def _useful(writer: Writer) -> Iterator[Result]:
    head = writer.words
    for place, item in enumerate(writer.run.performances):
        yield Result(
            f"{head('head.auroc')}: {writer.named(item.name)} (performances[{place}].auroc)", item.auroc
        )
        if item.gain is not None:
            yield Result(
                f"{head('head.gain')}: {writer.named(item.name)} (performances[{place}].gain)", item.gain
            )
    for name, place in chosen(writer):
        row = writer.run.thresholds[place]
        for figure in ("sensitivity", "specificity", "ppv", "npv"):
            label = f"{head(f'head.{figure}')}: {name} (thresholds[{place}].{figure})"
            yield Result(label, _hundred(getattr(row, figure)), "%")


def _fair(writer: Writer) -> Iterator[Result]:
    told = [row for row in writer.run.subgroups if row.auroc is not None and row.auroc.value is not None]
    yield Result(
        writer.words("chai.groups", count=len(writer.run.subgroups)), Estimate(float(len(told))), "count"
    )
    for place, row in enumerate(writer.run.subgroups):
        if row.auroc is not None and row.auroc.value is not None:
            label = f"{writer.words('head.auroc')}: {writer.group(row)} (subgroups[{place}].auroc)"
            yield Result(label, row.auroc)


def _safe(writer: Writer) -> Iterator[Result]:
    model, run = writer.run.performance, writer.run
    for name in ("slope", "intercept", "ici", "brier"):
        value = getattr(model, name)
        if value is not None and value.value is not None:
            yield Result(f"{writer.words(f'head.{name}')} (performances[0].{name})", value)
    yield Result(
        writer.words("chai.coverage", level=writer.words.percent(run.coverage.level)),
        Estimate(round(100 * run.coverage.overall, 2)),
        "%",
    )
    for name, place in chosen(writer):
        missed = Estimate(round(run.thresholds[place].missed * 1000 / run.rows, 1))
        yield Result(
            f"{writer.words('head.missed_here')}: {name} (thresholds[{place}].missed)", missed, "/1000"
        )


def _hundred(item: Estimate) -> Estimate:
    def percent(value: float | None) -> float | None:
        return None if value is None else round(100 * value, 2)

    return Estimate(percent(item.value), percent(item.low), percent(item.high))


_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """The text without the characters that XML 1.0 has no way to write (section 2.2)."""
    return _FORBIDDEN.sub("\ufffd", text)


def xml(writer: Writer, *, synthetic: bool = False) -> bytes:
    """The card as XML that is valid against ``schema-v0.2.xsd``; the same run gives the same bytes.

    Args:
        writer: of the report.
        synthetic: whether the patients are made up; the summary then says so first.
    """
    ET.register_namespace("", NAMESPACE)
    root = ET.Element(f"{{{NAMESPACE}}}AppliedModelCard")
    results = {metric.path: metric.results for metric in metrics(writer)}
    for leaf in leaves(writer):
        *above, name = leaf.path.split("/")
        parent = _descend(root, above)
        made_up = f"{writer.words('report.synthetic')} " if synthetic and name == "Summary" else ""
        ET.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = clean(made_up + leaf.text)
        if name == "MetricGoal":
            _results(parent, results["/".join(above)])
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _descend(parent: ET.Element, names: list[str]) -> ET.Element:
    """The element below ``parent`` along these names; what is not there yet is made."""
    for name in names:
        found = parent.find(f"{{{NAMESPACE}}}{name}")
        parent = ET.SubElement(parent, f"{{{NAMESPACE}}}{name}") if found is None else found
    return parent


def _results(parent: ET.Element, results: tuple[Result, ...]) -> None:
    box = ET.SubElement(parent, f"{{{NAMESPACE}}}Results")
    for result in results:
        one = ET.SubElement(box, f"{{{NAMESPACE}}}MetricResult")
        ET.SubElement(one, f"{{{NAMESPACE}}}Label").text = clean(result.label)
        ET.SubElement(one, f"{{{NAMESPACE}}}ValueJson").text = result.json()
