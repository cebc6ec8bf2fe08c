"""The sections on how well the use does: beside rules, clinicians and a freer model, for whom, elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from vesalius.evaluation.bars import SHOWN
from vesalius.evaluation.reporting.document import Block, Points, Row, Section, Span
from vesalius.evaluation.reporting.sections import section
from vesalius.evaluation.reporting.writer import Writer
from vesalius.evaluation.run import Side, Threshold


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
        *writer.pictures("rivals", "performances"),
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
    if writer.run.errors is not None:
        rows += [
            Row(
                (
                    writer.words(f"head.{name}"),
                    at.estimate(f"errors.{name}").text,
                    writer.words("ideal.ici"),
                ),
                f"errors.{name}",
            )
            for name in ("e50", "e90", "most")
        ]
    whole = "coverage.interval" if writer.run.coverage.interval else "coverage.overall"
    sets = writer.prose(
        "sets.words",
        level=at.percent("coverage.level"),
        overall=at.share(whole),
        **{name: at.percent(f"coverage.{name}", 1) for name in ("with_outcome", "without_outcome")},
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
        writer.picture("coverage", "coverage", "subgroups"),
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
            Span(f" ({writer.words.percent(run.settings.get(item.name, item.default))}): "),
            Span(writer.say(f"setting.{item.name}.help")),
        )
        for item in writer.card.settings
        if not item.unit
    ]
    blocks: list[Block] = [
        writer.prose(f"thresholds.{run.reference}"),
        writer.picture("thresholds", "thresholds"),
        writer.picture("decision", "benefits"),
        writer.picture("fates", "thresholds"),
        writer.table("thresholds", [f"head.{head}" for head in heads], rows),
    ]
    if chosen:
        blocks += [writer.heading("thresholds.chosen"), Points(tuple(chosen))]
    if outcomes := list(_consequences(writer)):
        own = writer.consequences
        named = [
            own.get(name, writer.words(f"consequence.{name}")) for name in ("helped", "harmed", "missed")
        ]
        table = writer.table("consequences", ("head.threshold", "head.evaluate"), outcomes)
        heads_of = (table.heads[0], *map(_capital, named), table.heads[1])
        blocks += [
            writer.picture("consequences", "thresholds"),
            msgspec.structs.replace(table, heads=heads_of),
        ]
    return section(writer, "thresholds", *blocks)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _consequences(writer: Writer) -> Iterator[Row]:
    """What becomes of 1,000 patients at each threshold in force, with intervals."""
    words = writer.words
    for place, row in enumerate(writer.run.thresholds):
        if row.probability not in writer.run.in_force or row.helped is None:
            continue
        counts = (words.estimate(item, 0) for item in (row.helped, row.harmed, row.left))
        cells = (words.percent(row.probability), *counts, words.estimate(row.evaluate, 1))
        yield Row(cells, f"thresholds[{place}]")


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
    rows_asked = run.proposed_rows or run.rows
    heads = ["head.option", "head.rows", "head.events"] + (["head.acted_practice"] if run.decided else [])

    def share(count: int, of: int) -> str:
        return f"{words.number(count)} ({words.percent(count / of if of else None)})"

    rows = []
    for place, item in enumerate(run.proposed):
        cells = [writer.named(item.option), share(item.rows, rows_asked), share(item.events, item.rows)]
        if run.decided:
            cells.append(share(item.acted or 0, item.rows))
        rows.append(Row(tuple(cells), f"proposed[{place}]"))
    return section(
        writer,
        "proposed",
        writer.prose("proposed.words"),
        writer.picture("proposed", "proposed"),
        writer.table("proposed", heads, rows),
    )


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
                words.estimate(row.slope, 2),
                words.estimate(row.ratio, 2),
                words.share(row.observed, 0),
                words.share(row.coverage, 0),
            ),
            f"subgroups[{place}]",
        )
        for place, row in enumerate(run.subgroups)
    ]
    heads = ("group", "rows", "events", "auroc", "slope", "ratio", "observed", "coverage")
    return section(
        writer,
        "subgroups",
        writer.prose("subgroups.words"),
        writer.picture("forest", "subgroups"),
        *writer.pictures("ratios", "subgroups"),
        writer.table("subgroups", [f"head.{head}" for head in heads], rows),
        *writer.asked("inequalities"),
    )


def challenger(writer: Writer) -> Section | None:
    """A freer model on the same patients, and whether it is worth its opacity; None where there is none."""
    rival, words, at = writer.run.challenger, writer.words, writer.figures
    if rival is None:
        return None
    kind = words.texts.get(f"kind.{rival.kind}", rival.kind)
    told = writer.prose(
        f"challenger.{'better' if rival.better else 'not_better'}",
        kind=at.of("challenger.kind", kind),
        gain=at.estimate("challenger.auroc"),
    )
    model = writer.run.performance
    pairs = (
        ("challenger.performance", kind, rival.performance),
        ("performances[0]", words("way.model"), model),
    )
    rows = [
        Row(
            (
                name,
                words.estimate(item.auroc),
                words.estimate(item.brier),
                words.estimate(item.slope, 2),
                words.estimate(item.ici),
            ),
            path,
        )
        for path, name, item in pairs
    ]
    gains = [
        writer.spans("challenger.brier", brier=at.estimate("challenger.brier")),
        *(
            writer.spans(
                "challenger.benefit",
                at=words.percent(threshold),
                benefit=at.estimate(f"challenger.benefits[{place}]", 4),
            )
            for place, threshold in enumerate(writer.run.in_force[: len(rival.benefits)])
        ),
    ]
    heads = [f"head.{head}" for head in ("way", "auroc", "brier", "slope", "ici")]
    return section(
        writer,
        "challenger",
        told,
        writer.picture("gains", "challenger"),
        writer.table("challenger", heads, rows),
        Points(tuple(gains)),
    )


def sides(writer: Writer) -> Section:
    """The same use on a later time or on each site: patients that nothing was learned from."""
    run = writer.run
    blocks: list[Block] = [writer.prose("sides.words")]
    if run.sides:
        heads = ("side", "learned", "rows", "events", "auroc", "slope", "brier")
        rows = [_side(writer, place, side) for place, side in enumerate(run.sides)]
        blocks += [
            writer.picture("sides", "sides"),
            writer.table("sides", [f"head.{head}" for head in heads], rows),
        ]
    else:
        blocks.append(writer.prose(f"sides.untimed_{run.untimed or 'none'}"))
    return section(writer, "sides", *blocks)


def _side(writer: Writer, place: int, side: Side) -> Row:
    words = writer.words
    name = side.name or words("sides.later", cut=side.plan.cut[:10])
    counts = (words.number(each) for each in (side.learned, side.rows, side.events))
    figures = (words.estimate(side.auroc), words.estimate(side.slope, 2), words.estimate(side.brier))
    return Row((name, *counts, *figures), f"sides[{place}]")
