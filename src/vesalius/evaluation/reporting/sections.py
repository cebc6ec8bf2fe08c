"""The sections of the report, from what the use is for to how to make every figure again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vesalius.evaluation.reporting.document import (
    Block,
    Facts,
    Points,
    Prose,
    Row,
    Section,
    Span,
)
from vesalius.evaluation.reporting.writer import Writer
from vesalius.evaluation.run import Missing, Threshold

SHOWN = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""The thresholds whose row is in the report; the run holds all."""

FEW = 10
"""Below as many patients, no share is given."""


SYSTEMS = {
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED CT",
    "http://www.whocc.no/atc": "ATC",
    "http://hl7.org/fhir/sid/icd-10": "ICD-10",
}
"""How people call the code systems."""


def section(writer: Writer, key: str, *blocks: Block) -> Section:
    """A section whose title is the text ``section.KEY``."""
    return Section(key, writer.words(f"section.{key}"), blocks)


def purpose(writer: Writer) -> Section:
    """What the use is for, on whom, by whom, and not for what."""
    card, say = writer.card, writer.say
    roles = ", ".join(writer.words.texts.get(f"role.{role}", role) for role in card.reviewers)
    facts = Facts(
        (
            writer.fact("facts.purpose", Span(say("purpose"))),
            writer.fact("facts.population", Span(say("population"))),
            writer.fact("facts.not_for", Span(say("not_for"), strong=True)),
            writer.fact("facts.action", Span(say("action"))),
            writer.fact("facts.users", Span(roles)),
            writer.fact("facts.risk", Span(card.risk_class)),
        )
    )
    return section(writer, "purpose", facts, writer.prose("purpose.people"), *writer.asked("context"))


def participants(writer: Writer) -> Section:
    """Whose data, from when, how many."""
    run, at = writer.run, writer.figures
    spoken = writer.prose(
        "participants.flow",
        rows=at.number("rows"),
        patients=at.number("patients"),
        events=at.number("events"),
        without=at.of("rows", writer.words.number(run.rows - run.events)),
        share=at.of("events", writer.words.percent(run.events / run.rows, 1)),
        first=at.text("first"),
        last=at.text("last"),
    )
    return section(
        writer,
        "participants",
        spoken,
        writer.prose("participants.origin", position=at.number("position")),
        *writer.asked("data_source", "setting", "characteristics"),
    )


def outcome(writer: Writer) -> Section:
    """What is predicted, and how it is known."""
    facts = Facts(
        (
            writer.fact("facts.outcome", Span(writer.say("target"))),
            writer.fact("facts.output", *writer.spans("outcome.output")),
        )
    )
    return section(writer, "outcome", facts, *writer.asked("outcome", "assessors", "blinding"))


def inputs(writer: Writer) -> Section:
    """What the model may look at, and how much each fact weighs."""
    card, run = writer.card, writer.run
    places = {item.input: place for place, item in enumerate(run.missing)}
    rows = tuple(
        Row(
            (
                writer.named(item.name),
                writer.words(f"kind_of.{item.kind}") + (f" ({item.unit})" if item.unit else ""),
                ", ".join(map(_code, item.codes)) or writer.words("inputs.derived"),
                writer.words.percent(run.missing[places[item.name]].share) if item.name in places else "–",
            ),
            f"missing[{places[item.name]}]" if item.name in places else "",
        )
        for item in card.inputs
    )
    heads = ("head.input", "head.kind", "head.codes", "head.missing")
    return section(
        writer,
        "inputs",
        writer.prose("inputs.moment"),
        writer.picture("importance", "importance"),
        writer.table("inputs", heads, rows, words=3),
        *writer.asked("predictor_choice", "predictor_assessors"),
    )


def _code(code: str) -> str:
    """``LOINC 5802-4`` rather than the address of LOINC."""
    system, _, value = code.partition("|")
    return f"{SYSTEMS.get(system, system)} {value}"


def size(writer: Writer) -> Section:
    """How many patients there were for what was learnt."""
    run, at = writer.run, writer.figures
    spoken = writer.prose(
        "size.words",
        events=at.number("events"),
        inputs=at.of("importance", writer.words.number(len(run.importance))),
        per=at.of("events", writer.words.number(run.events / max(len(run.importance), 1), 1)),
    )
    return section(writer, "size", spoken, *writer.asked("sample_size"))


def missing(writer: Writer) -> Section:
    """What was not known, and what it says that it was not."""
    run = writer.run
    never = [writer.named(item.input) for item in run.missing if item.rows == run.rows]
    order = sorted(range(len(run.missing)), key=lambda place: (-run.missing[place].rows, place))
    rows = [
        _missing(writer, place, run.missing[place])
        for place in order
        if 0 < run.missing[place].rows < run.rows
    ]
    blocks: list[Block] = [writer.prose("missing.words"), writer.prose("missing.live")]
    if never:
        blocks.append(writer.prose("missing.never", inputs=", ".join(never)))
    if rows:
        heads = ("head.input", "head.missing", "head.outcome_missing", "head.outcome_known")
        blocks.append(writer.table("missing", heads, rows))
    return section(writer, "missing", *blocks)


def _missing(writer: Writer, place: int, item: Missing) -> Row:
    percent = writer.words.percent
    known = writer.run.rows - item.rows
    cells = (
        writer.named(item.input),
        f"{writer.words.number(item.rows)} ({percent(item.share)})",
        percent(item.outcome_missing if item.rows >= FEW else None),
        percent(item.outcome_known if known >= FEW else None),
    )
    return Row(cells, f"missing[{place}]")


def method(writer: Writer) -> Section:
    """How the figures were made."""
    run, at, words = writer.run, writer.figures, writer.words
    kind = words.texts.get(f"kind.{run.kind}", run.kind)
    spoken = writer.prose(
        "method.words",
        kind=at.of("kind", kind),
        repeats=at.number("repeats"),
        folds=at.number("folds"),
        draws=at.number("draws"),
    )
    points = [
        writer.spans("method.objective"),
        writer.spans("method.inputs"),
        writer.spans("method.measures"),
        writer.spans("method.balance"),
        writer.spans("method.same_data"),
        writer.spans("method.updating"),
        writer.spans("method.clusters"),
    ]
    return section(writer, "method", spoken, Points(tuple(points)))


def discrimination(writer: Writer) -> Section:
    """Whether it tells patients apart, beside simple rules."""
    run, words = writer.run, writer.words
    rows = [
        Row(
            (
                writer.named(item.name),
                words.estimate(item.auroc),
                words.estimate(item.gain),
                words.estimate(item.auprc),
            ),
            f"performances[{place}]",
        )
        for place, item in enumerate(run.performances)
    ]
    heads = ("head.way", "head.auroc", "head.gain", "head.auprc")
    return section(
        writer,
        "discrimination",
        writer.prose("discrimination.words"),
        writer.picture("roc", "performances[0].roc"),
        writer.picture("distribution", "histogram"),
        writer.table("performance", heads, rows),
    )


def calibration(writer: Writer) -> Section:
    """Whether its probabilities are right, and what it says of its own uncertainty."""
    at = writer.figures
    names = ("slope", "intercept", "ici", "brier", "scaled_brier")
    digits = {"slope": 2, "intercept": 2}
    rows = [
        Row(
            (
                writer.words(f"head.{name}"),
                at.estimate(f"performances[0].{name}", digits.get(name, 3)).text,
                writer.words(f"ideal.{name}"),
            ),
            f"performances[0].{name}",
        )
        for name in names
    ]
    shares = ("overall", "with_outcome", "without_outcome")
    sets = writer.prose(
        "sets.words",
        level=at.percent("coverage.level"),
        **{name: at.percent(f"coverage.{name}", 1) for name in shares},
        **{name: at.percent(f"coverage.{name}") for name in ("single", "both", "empty")},
    )
    return section(
        writer,
        "calibration",
        writer.prose("calibration.words"),
        writer.picture("calibration", "calibration", "histogram"),
        writer.table("calibration", ("head.measure", "head.value", "head.reading"), rows),
        writer.heading("section.sets"),
        sets,
    )


def thresholds(writer: Writer) -> Section:
    """What acting from each threshold on would mean."""
    run = writer.run
    rows = [
        _threshold(writer, place, row) for place, row in enumerate(run.thresholds) if row.probability in SHOWN
    ]
    counts, shares = (
        ("acted", "avoided", "avoided_with", "missed"),
        ("sensitivity", "specificity", "ppv", "npv"),
    )
    heads = ("threshold", *counts, *shares)
    chosen = [
        (
            Span(writer.say(f"setting.{item.name}"), strong=True),
            Span(f" ({writer.words.percent(item.default)}): "),
            Span(writer.say(f"setting.{item.name}.help")),
        )
        for item in writer.card.settings
        if not item.unit
    ]
    blocks: list[Block] = [
        writer.prose(f"thresholds.{run.reference}"),
        writer.picture("thresholds", "thresholds"),
        writer.picture("decision", "benefits"),
        writer.table("thresholds", [f"head.{head}" for head in heads], rows),
    ]
    if chosen:
        blocks += [writer.heading("thresholds.chosen"), Points(tuple(chosen))]
    return section(writer, "thresholds", *blocks)


def _threshold(writer: Writer, place: int, row: Threshold) -> Row:
    words, per = writer.words, 1000 / writer.run.rows

    def both(count: float) -> str:
        return f"{words.number(count)} ({words.number(count * per)})"

    counts = (row.acted, row.avoided, row.avoided_with_outcome, row.missed)
    shares = (row.sensitivity, row.specificity, row.ppv, row.npv)
    cells = (words.percent(row.probability), *map(both, counts), *(words.share(each, 0) for each in shares))
    return Row(cells, f"thresholds[{place}]")


def decided(writer: Writer) -> Section | None:
    """What the clinicians decided, and the model acting as often; None where it is not known."""
    run, at, words = writer.run, writer.figures, writer.words
    if not run.decided:
        return None
    practice = run.decided[0]
    spoken = writer.prose(
        "decided.words",
        acted=at.of("decided[0]", words.number(practice.acted)),
        needless=at.number("decided[0].acted_without"),
        share=at.share("decided[0].needless", 0),
        missed=at.number("decided[0].left_with"),
        events=at.of("decided[0]", words.number(practice.acted_with + practice.left_with)),
    )
    rows = [
        Row(
            (
                writer.named(item.name),
                words.number(item.acted),
                words.share(item.sensitivity),
                words.share(item.specificity),
                f"{words.number(item.acted_without)} · {words.share(item.needless, 0)}",
                words.number(item.left_with),
            ),
            f"decided[{place}]",
        )
        for place, item in enumerate(run.decided)
    ]
    heads = ("way", "acts", "sensitivity", "specificity", "needless", "left")
    return section(
        writer,
        "decided",
        spoken,
        writer.picture("decided", "decided"),
        writer.table("decided", [f"head.{head}" for head in heads], rows),
        *writer.asked("treatments"),
    )


def proposed(writer: Writer) -> Section:
    """What it would have proposed to these patients."""
    run, words = writer.run, writer.words
    heads = ["head.option", "head.rows", "head.events"] + (["head.acted_practice"] if run.decided else [])

    def share(count: int, of: int) -> str:
        return f"{words.number(count)} ({words.percent(count / of if of else None)})"

    rows = []
    for place, item in enumerate(run.proposed):
        cells = [writer.named(item.option), share(item.rows, run.rows), share(item.events, item.rows)]
        if run.decided:
            cells.append(share(item.acted or 0, item.rows))
        rows.append(Row(tuple(cells), f"proposed[{place}]"))
    return section(writer, "proposed", writer.prose("proposed.words"), writer.table("proposed", heads, rows))


def subgroups(writer: Writer) -> Section:
    """Whether it is as good for everyone."""
    run, words = writer.run, writer.words
    if not run.subgroups:
        return section(writer, "subgroups", writer.prose("subgroups.none"), *writer.asked("inequalities"))
    rows = [
        Row(
            (
                writer.group(row),
                words.number(row.rows),
                words.number(row.events),
                words.estimate(row.auroc, 2) if row.auroc else words("forest.few"),
                words.percent(row.expected, 1),
                words.share(row.observed),
            ),
            f"subgroups[{place}]",
        )
        for place, row in enumerate(run.subgroups)
    ]
    heads = ("group", "rows", "events", "auroc", "expected", "observed")
    return section(
        writer,
        "subgroups",
        writer.prose("subgroups.words"),
        writer.picture("forest", "subgroups"),
        writer.table("subgroups", [f"head.{head}" for head in heads], rows),
        *writer.asked("inequalities"),
    )


def leakage(writer: Writer) -> Section:
    """What was done so that no answer leaks into the question."""
    points = ("leakage.patients", "leakage.moment", "leakage.folds", "leakage.twice")
    return section(
        writer,
        "leakage",
        writer.prose("leakage.words"),
        Points(tuple(writer.spans(point) for point in points)),
        *writer.asked("preparation"),
    )


def limits(writer: Writer) -> Section:
    """What this does not show."""
    own = [(Span(limit),) for limit in writer.limits]
    general = [writer.spans("limits.retrospective"), writer.spans("limits.intervals")]
    return section(writer, "limits", Points((*own, *general)), *writer.asked("next_steps"))


def sources(writer: Writer) -> Section:
    """The citations of the card, and of the methods."""
    cited = [(Span(source.citation),) for source in writer.card.sources]
    methods = [(Span(citation),) for citation in METHODS]
    blocks: list[Block] = [writer.heading("sources.methods"), Points(tuple(methods))]
    if cited:
        blocks = [writer.heading("sources.card"), Points(tuple(cited)), *blocks]
    return section(writer, "sources", *blocks)


METHODS: Sequence[str] = (
    "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement. BMJ 2024;385:e078378.",
    "Coalition for Health AI. Applied Model Card, schema v0.2, 2025.",
    "Van Calster B, McLernon DJ, van Smeden M, et al. Calibration. BMC Med 2019;17:230.",
    "Vickers AJ, Elkin EB. Decision curve analysis. Med Decis Making 2006;26:565-574.",
    "Austin PC, Steyerberg EW. The Integrated Calibration Index. Stat Med 2019;38:4051-4065.",
    "Clopper CJ, Pearson ES. The use of confidence or fiducial limits. Biometrika 1934;26:404-413.",
)
"""Where the methods come from."""


def reproduce(writer: Writer, digest: str) -> Section:
    """How to make every figure again, and to check that it is the same."""
    run, at = writer.run, writer.figures
    facts = Facts(
        (
            writer.fact("trace.command", Span(f"vesalius validate {run.usecase} --seed {run.seed}", "seed")),
            writer.fact("trace.run", Span(f"{run.id}.json")),
            writer.fact("trace.digest", Span(digest)),
            writer.fact("trace.usecase", Span(f"{run.usecase} {run.version}", "version")),
            writer.fact("trace.model", at.text("model")),
            writer.fact("trace.data", at.text("data")),
            writer.fact("trace.period", at.text("first"), Span(" – "), at.text("last")),
            writer.fact("trace.seed", at.text("seed")),
        )
    )
    model: Prose = writer.prose("reproduce.model")
    return section(writer, "reproduce", writer.prose("reproduce.words"), facts, model)


BODY: tuple[Callable[[Writer], Section | None], ...] = (
    purpose,
    participants,
    outcome,
    inputs,
    size,
    missing,
    method,
    discrimination,
    calibration,
    thresholds,
    decided,
    proposed,
    subgroups,
    leakage,
    limits,
)
"""The sections between the summary and the annexes, in order."""
