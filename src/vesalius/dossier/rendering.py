"""The dossier as a page and as PDF/UA, rendered from its data by the report's own templates."""

from __future__ import annotations

from vesalius.dossier.document import Dossier, Duty, Part
from vesalius.dossier.words import say
from vesalius.errors import InvalidSetting
from vesalius.evaluation.reporting import Document, Question, page, pdf
from vesalius.evaluation.reporting.document import (
    Asked,
    Block,
    Fact,
    Facts,
    Notice,
    Prose,
    Row,
    Section,
    Span,
    Table,
    Tile,
    Tiles,
)
from vesalius.evaluation.reporting.names import texts as frame_texts

FORMATS = ("html", "pdf")
LONGEST = 400
"""How many characters of a text the list of obligations repeats."""

NAMED = 8
"""How many events a line names."""


def render(kind: str, made: Dossier, language: str) -> bytes:
    """A dossier as the bytes of a file.

    Args:
        kind: one of :data:`FORMATS`.
        made: the dossier.
        language: fr, nl, de or en.

    Raises:
        InvalidSetting: there is no such format or language.
    """
    if kind not in FORMATS:
        raise InvalidSetting(f"a dossier is no {kind}", hint=f"one of {', '.join(FORMATS)}")
    whole = document(made, language)
    return pdf(whole) if kind == "pdf" else page(whole).encode()


def document(made: Dossier, language: str) -> Document:
    """The dossier in one language, as the report's templates read it."""
    frame = frame_texts(language)
    names = ("contents", "page", "of", "owner", "due", "open", "answered", "confirm")
    sections = (
        _cover(made, language),
        *(_part(each, language) for each in made.parts),
        _duties(made, language),
        _sources(made, language),
    )
    return Document(
        language=language,
        title=made.title[language],
        over=say("over")[language],
        lead="",
        run=f"{made.name} · {made.size}",
        digest=made.digest,
        model="",
        usecase=made.name,
        version="",
        last=f"{made.at:%Y-%m-%d}",
        banner=frame["report.synthetic"] if made.synthetic else "",
        words={name: frame[f"frame.{name}"] for name in names}
        | {"items": "", "colon": " : " if language == "fr" else ": "},
        filled=made.counts.auto,
        asked=made.counts.assisted,
        answered=0,
        sections=sections,
    )


def _cover(made: Dossier, language: str) -> Section:
    counts = made.counts
    tiles = tuple(
        Tile(say(key)[language], Span(str(value)), note[language])
        for key, value, note in (
            ("auto", counts.auto, say("with_events", count=counts.with_events)),
            ("assisted", counts.assisted, say("of_all", count=counts.all)),
            ("manual", counts.manual, say("applying", count=counts.applying)),
            ("unfilled", counts.unfilled, say("of_all", count=counts.all)),
        )
    )
    proof = say("proof", size=made.size, root=_grouped(made.root), count=len(made.sources))[language]
    body = (Notice(say("notice")[language]), Tiles(tiles), Prose((Span(proof),)))
    return Section("cover", say("cover")[language], body)


def _part(part: Part, language: str) -> Section:
    facts = [
        Fact(
            f"{line.title[language]} ({line.article})",
            (Span(line.text[language]), Span(_cited(line.events, language))),
        )
        for line in part.lines
        if line.filled
    ]
    asked = tuple(
        Question(
            line.key,
            f"{line.article}. {line.ask[language]}",
            frame_texts(language).get(f"role.{line.owner}", line.owner),
            say("before_use")[language],
        )
        for line in part.lines
        if line.ask
    )
    body: list[Block] = [Facts(tuple(facts))] if facts else []
    if asked:
        body.append(Asked(asked))
    return Section(part.key, f"{part.title[language]} ({part.article})", tuple(body))


def _cited(events: tuple[int, ...], language: str) -> str:
    if not events:
        return ""
    named = ", ".join(str(each) for each in events[:NAMED]) + (", …" if len(events) > NAMED else "")
    return f" [{say('events', list=named)[language]}]"


def _duties(made: Dossier, language: str) -> Section:
    body: list[Block] = []
    for each in made.duties:
        line = each.line
        spans = [Span(f"{line.title[language]} ({line.article}). ", strong=True)]
        spans.append(Span(f"{say(line.kind)[language]}; {_state(each, language)}. "))
        if line.filled:
            spans.append(Span(f"{_short(line.text[language])}{_cited(line.events, language)}. "))
        if line.ask:
            spans.append(Span(f"{line.ask[language]} ({line.owner})."))
        body.append(Facts((Fact(line.key, tuple(spans)),)))
    return Section("duties", say("duties")[language], tuple(body))


def _short(text: str) -> str:
    """A prefilled text, cut where it is long: the parts before hold all of it."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(' ', 1)[0]} …"


def _state(duty: Duty, language: str) -> str:
    if duty.applies is None:
        return say("unknown_yet")[language]
    return say(duty.state if duty.applies else "not_here")[language]


def _sources(made: Dossier, language: str) -> Section:
    rows = tuple(
        Row((str(each.seq), each.action, f"{each.at:%Y-%m-%d}", each.actor, _grouped(each.hash)))
        for each in made.sources
    )
    heads = ("Nr", *(say(key)[language] for key in ("head_what", "head_at", "head_by")), "SHA-256")
    title = say("sources")[language]
    return Section("sources", title, (Table(title, heads, rows, words=5),))


def _grouped(hash_: str) -> str:
    return " ".join(hash_[at : at + 16] for at in range(0, len(hash_), 16))
