"""The annexes: open questions, the TRIPOD+AI checklist, the Applied Model Card, and where figures stand."""

from __future__ import annotations

from collections.abc import Sequence

from vesalius.evaluation.reporting import tripod
from vesalius.evaluation.reporting.chai import Leaf
from vesalius.evaluation.reporting.document import Asked, Block, Fact, Facts, Prose, Row, Section, Span, Table
from vesalius.evaluation.reporting.figures import size, stored
from vesalius.evaluation.reporting.sections import section
from vesalius.evaluation.reporting.writer import Writer
from vesalius.evaluation.run import Run


def questions(writer: Writer) -> Section:
    """What no machine can fill: open first, then answered."""
    waiting = tuple(item for item in writer.questions if not item.answer)
    known = tuple(item for item in writer.questions if item.answer)
    blocks: list[Block] = [
        writer.prose(
            "questions.words",
            open=writer.words.number(len(waiting)),
            answered=writer.words.number(len(known)),
        )
    ]
    if waiting:
        blocks += [writer.heading("questions.open"), Asked(waiting)]
    if known:
        blocks += [writer.heading("questions.answered"), Asked(known)]
    return section(writer, "questions", *blocks)


def standings(writer: Writer) -> dict[str, tripod.Standing]:
    """How each part of TRIPOD+AI stands."""
    kind, answered = tripod.study(writer.run), set(writer.given)
    return {item.code: tripod.standing(item, kind, writer.filled, answered) for item in tripod.ITEMS}


def checklist(writer: Writer, present: Sequence[str]) -> Section:
    """Every part of TRIPOD+AI: what it asks, whether it applies, how it stands, and where.

    Args:
        writer: of the report.
        present: the sections that the report has.
    """
    words, found = writer.words, standings(writer)
    counted = list(found.values())
    kind = tripod.study(writer.run)
    opening = writer.prose(
        "tripod.coverage",
        filled=words.number(counted.count("filled")),
        all=words.number(len(counted)),
        asked=words.number(counted.count("asked")),
        answered=words.number(counted.count("answered")),
        other=words.number(counted.count("not_applicable")),
    )
    rows, links = [], []
    for item in tripod.ITEMS:
        places = [place for place in item.places if place in present]
        where = places[0] if places else "questions"
        standing = found[item.code]
        rows.append(
            Row(
                (
                    item.code,
                    words(f"tripod.{item.code}"),
                    words(f"applies.{item.applies}"),
                    words(f"standing.{standing}"),
                    "" if standing == "not_applicable" else words(f"section.{where}"),
                ),
                anchor=f"tripod-{item.code}",
            )
        )
        links.append(("", "", "", "", "" if standing == "not_applicable" else f"s-{where}"))
    heads = tuple(words(f"head.{head}") for head in ("item", "asks", "applies", "standing", "where"))
    table = Table(words("table.tripod"), heads, tuple(rows), 5, tuple(links))
    return section(writer, "tripod", opening, writer.prose(f"tripod.study_{kind}"), table)


def card(writer: Writer, leaves: Sequence[Leaf]) -> Section:
    """The Applied Model Card, for people: the same leaves as in the XML."""
    facts = tuple(Fact(writer.words(f"chai.{leaf.name}"), (Span(leaf.text),)) for leaf in leaves)
    return section(writer, "chai", writer.prose("chai.words"), Facts(facts))


def origins(writer: Writer, run: Run, paths: Sequence[str], anchors: Sequence[str]) -> Section:
    """Where every figure of the report stands in the stored run, and what stands there."""
    rows = [
        Row((path, stored(run, path) or writer.words("origins.many", count=size(run, path))), anchor=anchor)
        for path, anchor in zip(paths, anchors, strict=True)
    ]
    opening: Prose = writer.prose("origins.words", file=f"{run.id}.json")
    heads = (writer.words("head.path"), writer.words("head.stored"))
    return section(writer, "origins", opening, Table(writer.words("table.origins"), heads, tuple(rows), 2))
