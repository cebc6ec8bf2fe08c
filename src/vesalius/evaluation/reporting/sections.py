"""The sections of the report, from what the use is for to how to make every figure again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vesalius.evaluation.bars import FEW
from vesalius.evaluation.monitoring.reference import Field
from vesalius.evaluation.reporting import tripod
from vesalius.evaluation.reporting.document import (
    Block,
    Facts,
    Notice,
    Points,
    Prose,
    Row,
    Section,
    Span,
)
from vesalius.evaluation.reporting.writer import Writer
from vesalius.evaluation.run import Checked, Missing
from vesalius.privacy.counts import SMALLEST, small

TENTHS = 11
"""Edges of a number whose values are cut into ten parts."""


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
    blocks: list[Block] = [spoken]
    if run.learned:
        blocks.append(
            writer.prose(
                "participants.learned",
                learned=at.number("learned"),
                events=at.number("learned_events"),
                left=at.number("left_out"),
            )
        )
    if run.refused:
        fewest = writer.words.number(SMALLEST)
        few = writer.words("participants.few", count=fewest) if small(run.refused) else ""
        count = writer.words.number(run.refused)
        blocks.append(writer.prose("participants.refused", refused=at.of("refused", few or count)))
    blocks.append(writer.prose("participants.origin", position=at.number("position")))
    if characteristics := list(_characteristics(writer)):
        heads = ("head.input", "head.known", "head.spread")
        blocks.append(writer.table("characteristics", heads, characteristics, words=3))
    blocks += writer.asked("data_source", "setting", "characteristics", "comparison")
    return section(writer, "participants", *blocks)


def _characteristics(writer: Writer) -> Iterator[Row]:
    """How each input is distributed: what monitoring keeps of the patients held out."""
    held, words = writer.run.monitoring, writer.words
    for place, field in enumerate(held.fields if held else ()):
        known = sum(field.counts[:-1])
        if not known:
            continue
        if field.kind == "number":
            spread = _number(writer, field)
        else:
            said = writer.card.texts.get(words.language, {})
            pairs = zip(field.levels, field.counts, strict=False)
            spread = "; ".join(
                f"{said.get(f'level.{level}', words.texts.get(f'level.{level}', level))} "
                f"{words.number(count)} ({words.percent(count / known)})"
                for level, count in pairs
                if count
            )
        yield Row((writer.named(field.name), words.number(known), spread), f"monitoring.fields[{place}]")


def _number(writer: Writer, field: Field) -> str:
    """The middle and the middle 80 % of a number, from its tenths; its ends where values repeat."""
    edges, words = field.edges, writer.words

    def written(value: float) -> str:
        return words.number(value, 0 if float(value).is_integer() else 1)

    if len(edges) != TENTHS:
        return words("participants.range", low=written(edges[0]), high=written(edges[-1]))
    return words(
        "participants.spread", middle=written(edges[5]), low=written(edges[1]), high=written(edges[9])
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
    some = [writer.prose("inputs.some", rows=writer.figures.number("importance_rows"))]
    return section(
        writer,
        "inputs",
        writer.prose("inputs.moment"),
        writer.picture("importance", "importance"),
        *(some if run.importance_rows else ()),
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
    blocks: list[Block] = [spoken]
    if run.sample is not None:
        blocks.append(
            writer.prose(
                "size.parameters",
                parameters=at.number("sample.parameters"),
                per=at.number("sample.events_per_parameter", 1),
            )
        )
        rows = [
            Row(
                (
                    writer.words(f"need.{need.criterion}"),
                    writer.words.number(need.rows),
                    writer.words.number(need.given),
                    writer.words("size.enough" if need.met else "size.short"),
                ),
                f"sample.needs[{place}]",
            )
            for place, need in enumerate(run.sample.needs)
        ]
        heads = ("head.criterion", "head.needed", "head.given", "head.enough")
        blocks += [writer.picture("sample", "sample"), writer.table("sample", heads, rows)]
    return section(writer, "size", *blocks, *writer.asked("sample_size"))


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
    if any(item.rows for item in run.missing):
        blocks.append(writer.picture("missing", "missing"))
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
        "method.words", kind=at.of("kind", kind), plan=writer.plan, draws=at.number("draws")
    )
    study = tripod.study(run)
    points = [
        writer.spans(f"method.objective_{study}"),
        writer.spans("method.inputs"),
        writer.spans("method.measures"),
        writer.spans("method.balance"),
        writer.spans(f"method.data_{study}"),
        writer.spans("method.updating"),
        writer.spans("method.clusters_sites" if any(side.name for side in run.sides) else "method.clusters"),
    ]
    return section(writer, "method", spoken, Points(tuple(points)))


def leakage(writer: Writer) -> Section:
    """What was done so that no answer leaks into the question."""
    run, words = writer.run, writer.words
    points = ("leakage.patients", "leakage.moment", "leakage.folds", "leakage.twice")
    blocks: list[Block] = [
        writer.prose("leakage.words"),
        Points(tuple(writer.spans(point) for point in points)),
    ]
    if run.checks:
        rows = [
            Row((words(f"detector.{check.detector}"), checked(writer, check)), f"checks[{place}]")
            for place, check in enumerate(run.checks)
        ]
        blocks += [
            *(Notice(checked(writer, check)) for check in run.checks if not check.passed),
            writer.table("checks", ("head.detector", "head.result"), rows, words=2),
        ]
    return section(writer, "leakage", *blocks, *writer.asked("preparation"))


def checked(writer: Writer, check: Checked) -> str:
    """What a detector saw; and who let it pass, and why."""
    if check.passed:
        return writer.words("leakage.passed")
    name = writer.words(f"detector.{check.detector}")
    return writer.words("leakage.let", detector=name, found=check.found, by=check.by, reason=check.reason)


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
