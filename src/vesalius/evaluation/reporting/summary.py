"""One page for a busy person: what it is, whether it works, for whom not, what 1,000 patients would get.

Every sentence follows from the figures by a rule that is written here; none of them is a judgement. Whether
the figures are good enough is a question to the clinical lead.
"""

from __future__ import annotations

from collections.abc import Iterator

from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.reporting.document import (
    Block,
    Fact,
    Facts,
    Notice,
    Points,
    Row,
    Section,
    Span,
    Spans,
    Tile,
    Tiles,
)
from vesalius.evaluation.reporting.sections import checked, section
from vesalius.evaluation.reporting.writer import Writer
from vesalius.evaluation.run import Performance, Threshold

MOST_LIMITS = 3
"""Limits of the card that the summary names; the section on limits has all."""


def summary(writer: Writer) -> Section:
    """The first page."""
    works = (
        *_discrimination(writer),
        *_calibration(writer),
        *_later(writer),
        *_clinicians(writer),
        *_challenger(writer),
    )
    for_whom = (*_groups(writer), *_size(writer), *_limits(writer))
    blocks: list[Block] = [
        *(Notice(checked(writer, check)) for check in writer.run.checks if not check.passed),
        tiles(writer),
        Facts(
            (
                Fact(writer.words("facts.what"), (Span(writer.say("purpose")),)),
                Fact(writer.words("facts.population"), (Span(writer.say("population")),)),
                Fact(writer.words("facts.not_for"), (Span(writer.say("not_for"), strong=True),)),
                Fact(writer.words("facts.study"), _study(writer)),
            )
        ),
        writer.heading("summary.works"),
        Points(works),
        writer.heading("summary.not_for_whom"),
        Points(for_whom),
        writer.heading("summary.thousand"),
        writer.table(
            "thousand",
            ["head.way", "head.acted", "head.found", "head.needless_acts", "head.missed_here"],
            tuple(_thousand(writer)),
        ),
        *writer.asked("interpretation"),
    ]
    return section(writer, "summary", *blocks)


def tiles(writer: Writer) -> Tiles:
    """The figures that open the report."""
    run, words, at = writer.run, writer.words, writer.figures
    rows = [
        Tile(
            words("tile.patients"),
            at.number("patients"),
            words(
                "tile.events", events=words.number(run.events), share=words.percent(run.events / run.rows, 1)
            ),
        ),
        _tile(writer, "auroc", "performances[0].auroc", 3),
        _tile(writer, "slope", "performances[0].slope", 2),
        _tile(writer, "brier", "performances[0].brier", 3),
    ]
    best = _best(writer)
    if best is not None:
        rows.append(_tile(writer, "gain", f"performances[{best}].gain", 3))
    return Tiles(tuple(rows))


def _tile(writer: Writer, name: str, path: str, digits: int) -> Tile:
    value, _, interval = writer.figures.estimate(path, digits).text.partition(" (")
    note = writer.words("tile.interval", interval=interval.removesuffix(")")) if interval else ""
    return Tile(writer.words(f"tile.{name}"), Span(value, path), note)


def _best(writer: Writer) -> int | None:
    """Which of the simple rules does best."""
    rivals = [
        place
        for place, item in enumerate(writer.run.performances)
        if place and item.gain is not None and item.auroc.value is not None
    ]
    return max(rivals, key=lambda place: writer.run.performances[place].auroc.value or 0.0, default=None)


def _study(writer: Writer) -> Spans:
    at, run = writer.figures, writer.run
    return writer.spans(
        "summary.study",
        patients=at.number("patients"),
        events=at.number("events"),
        target=writer.say("target"),
        first=at.text("first"),
        last=at.text("last"),
        plan=writer.plan,
        version=f"{run.usecase} {run.version}",
    )


def _above(item: Estimate | None, bound: float) -> bool:
    return item is not None and item.low is not None and item.low > bound


def _below(item: Estimate | None, bound: float) -> bool:
    return item is not None and item.high is not None and item.high < bound


def _discrimination(writer: Writer) -> Iterator[Spans]:
    at, model = writer.figures, writer.run.performance
    told = "summary.tells" if _above(model.auroc, 0.5) else "summary.tells_not"
    yield writer.spans(told, auroc=at.estimate("performances[0].auroc"))
    best = _best(writer)
    if best is None:
        yield writer.spans("summary.no_rule")
        return
    rival = writer.run.performances[best]
    yield writer.spans(
        f"summary.gain_{_direction(rival)}",
        rule=writer.named(rival.name),
        auroc=at.estimate(f"performances[{best}].auroc"),
        gain=at.estimate(f"performances[{best}].gain"),
    )


def _direction(rival: Performance) -> str:
    if _above(rival.gain, 0.0):
        return "shown"
    return "lost" if _below(rival.gain, 0.0) else "open"


def _calibration(writer: Writer) -> Iterator[Spans]:
    model = writer.run.performance
    if model.slope is None or model.slope.value is None:
        return
    if _below(model.slope, 1.0):
        told = "summary.slope_extreme"
    elif _above(model.slope, 1.0):
        told = "summary.slope_timid"
    else:
        told = "summary.slope_right"
    slope = writer.figures.estimate("performances[0].slope", 2)
    yield writer.spans(told, slope=slope, ici=writer.figures.estimate("performances[0].ici"))


def _clinicians(writer: Writer) -> Iterator[Spans]:
    run, at, words = writer.run, writer.figures, writer.words
    if len(run.decided) < 2:
        return
    yield writer.spans(
        "summary.clinicians",
        acted=at.of("decided[0]", words.number(run.decided[0].acted)),
        people=at.share("decided[0].sensitivity", 0),
        model=at.share("decided[1].sensitivity", 0),
    )


def _later(writer: Writer) -> Iterator[Spans]:
    for place, side in enumerate(writer.run.sides):
        if not side.name and side.auroc is not None:
            yield writer.spans(
                "summary.later",
                cut=side.plan.cut[:10],
                auroc=writer.figures.estimate(f"sides[{place}].auroc"),
                slope=writer.figures.estimate(f"sides[{place}].slope", 2),
            )


def _challenger(writer: Writer) -> Iterator[Spans]:
    rival = writer.run.challenger
    if rival is not None:
        told = "summary.challenger_better" if rival.better else "summary.challenger_not"
        yield writer.spans(told, gain=writer.figures.estimate("challenger.auroc"))


def _size(writer: Writer) -> Iterator[Spans]:
    sample = writer.run.sample
    short = [need for need in sample.needs if not need.met] if sample else []
    if sample and short:
        at, words = writer.figures, writer.words
        yield writer.spans(
            "summary.size",
            short=at.of("sample.needs", words.number(len(short))),
            all=words.number(len(sample.needs)),
        )


def _groups(writer: Writer) -> Iterator[Spans]:
    """The groups too small to say, and those where it does worse than on the whole, beyond chance."""
    run = writer.run
    whole = run.performance.auroc.value
    few = [writer.group(row) for row in run.subgroups if row.auroc is None or row.auroc.value is None]
    if few:
        yield writer.spans("summary.few", groups="; ".join(few))
    worse = 0
    for place, row in enumerate(run.subgroups):
        if whole is not None and _below(row.auroc, whole):
            worse += 1
            auroc = writer.figures.estimate(f"subgroups[{place}].auroc", 2)
            yield writer.spans("summary.worse", group=writer.group(row), auroc=auroc)
    if run.subgroups and not worse:
        yield writer.spans("summary.no_worse")
    never = [writer.named(item.input) for item in run.missing if item.rows == run.rows]
    if never:
        yield writer.spans("summary.never", inputs=", ".join(never))


def _limits(writer: Writer) -> Iterator[Spans]:
    yield from ((Span(limit),) for limit in writer.limits[:MOST_LIMITS])


def _thousand(writer: Writer) -> Iterator[Row]:
    """The clinicians, and the model acting from each of the card's thresholds on: per 1,000 patients."""
    run, words = writer.run, writer.words
    per = 1000 / run.rows

    def row(name: str, at: str, acted: float, found: float, missed: float) -> Row:
        counts = (acted, found, acted - found, missed)
        return Row((name, *(words.number(count * per) for count in counts)), at)

    if run.decided:
        way = run.decided[0]
        known = way.acted + way.left_with + way.left_without
        scale = run.rows / known if known else 0.0
        yield row(
            writer.named(way.name),
            "decided[0]",
            way.acted * scale,
            way.acted_with * scale,
            way.left_with * scale,
        )
    for name, place in chosen(writer):
        item = run.thresholds[place]
        yield row(name, f"thresholds[{place}]", item.acted, item.caught, item.missed)
    yield row(words("way.all"), "events", run.rows, run.events, 0)


def chosen(writer: Writer) -> Iterator[tuple[str, int]]:
    """The thresholds to show: the card's own, or where it has none the share with the outcome."""
    run, words = writer.run, writer.words
    named = [
        (writer.say(f"setting.{item.name}"), run.settings.get(item.name, item.default))
        for item in writer.card.settings
        if not item.unit
    ]
    for name, value in named or [("", run.events / run.rows)]:
        place = nearest(run.thresholds, value)
        if place is not None:
            at = words.percent(run.thresholds[place].probability)
            yield (
                words("summary.model_from", name=name, at=at) if name else words("summary.model_at", at=at),
                place,
            )


def nearest(rows: tuple[Threshold, ...], value: float) -> int | None:
    """The threshold of the run that is nearest to a value; the lower one of two."""
    if not rows:
        return None
    return min(range(len(rows)), key=lambda place: (abs(rows[place].probability - value), place))
