"""The dossier as a page and as PDF/UA, rendered from its data by the report's own templates."""

from __future__ import annotations

import msgspec

from vesalius.card import LANGUAGES
from vesalius.dossier.document import Dossier, Duty, Line, Part, Words
from vesalius.dossier.words import REPEATED, count, law, moment, named, names, same, say
from vesalius.errors import InvalidSetting
from vesalius.evaluation.reporting import Document, Question, fragment, page, pdf
from vesalius.evaluation.reporting.document import (
    Asked,
    Block,
    Fact,
    Facts,
    Heading,
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
    if language not in LANGUAGES:
        raise InvalidSetting(f"there is no dossier in {language!r}", hint=f"one of {', '.join(LANGUAGES)}")
    whole = document(made, language)
    return pdf(whole) if kind == "pdf" else page(whole).encode()


def embedded(made: Dossier, language: str) -> str:
    """A dossier as a part of a page, escaped by the report's own templates."""
    return fragment(document(made, language))


def document(made: Dossier, language: str) -> Document:
    """The dossier in one language, as the report's templates read it."""
    frame = frame_texts(language)
    told = ("contents", "page", "of", "owner", "due", "answered", "confirm")
    sections = (
        _cover(made, language),
        _history(made, language),
        *_parts(made, language),
        _duties(made, language),
        _others(made, language),
        _sources(made, language),
    )
    return Document(
        language=language,
        title=made.title[language],
        over=say("over")[language],
        lead="",
        run=f"{made.name} · {count('events_of', made.size)[language]}",
        digest=made.digest,
        model="",
        usecase=made.name,
        version="",
        last=f"{made.at:%Y-%m-%d}",
        banner=frame["report.synthetic"] if made.synthetic else "",
        words={name: frame[f"frame.{name}"] for name in told}
        | {"flow": "", "items": "", "colon": say("colon")[language], "open": say("to_ask")[language]},
        filled=made.counts.auto,
        asked=made.counts.assisted,
        answered=0,
        sections=tuple(each for each in sections if each.blocks),
    )


def _cover(made: Dossier, language: str) -> Section:
    counts = made.counts
    classified = any(each.applies is not None for each in made.duties)
    here = counts.here if classified else {key: getattr(counts, key) for key in counts.here}
    tiles = tuple(
        Tile(
            say(key)[language],
            Span(str(here[key])),
            say("of_all", count=getattr(counts, key), all=counts.all)[language],
        )
        for key in ("auto", "waiting", "assisted", "manual")
    )
    text = say(
        "applying" if classified else "unclassified", count=counts.applying, all=counts.all, done=counts.done
    )
    known = (
        ("hospital", same(made.hospital)),
        ("fact_state", made.state),
        ("fact_regime", made.regime or say("no_regime")),
        ("owner", made.owner),
        ("built", moment(made.at)),
        ("status", say("draft")),
    )
    facts = tuple(
        Fact(say(key)[language], (Span(words[language]),)) for key, words in known if words.get(language)
    )
    proof = say(
        "proof", events=count("events_of", made.size), sources=count("events_of", len(made.sources)),
        root=_grouped(made.root),
    )[language]  # fmt: skip
    body = (
        Notice(say("notice")[language]),
        Facts(facts),
        Tiles(tiles),
        Prose((Span(text[language]),)),
        Heading(say("proof_title")[language]),
        Prose((Span(proof),)),
    )
    return Section("cover", say("cover")[language], body)


def _history(made: Dossier, language: str) -> Section:
    rows = tuple(
        Row((
            moment(each.at)[language], each.what[language], each.who[language], each.why or "–", str(each.seq)
        ))
        for each in made.history
    )  # fmt: skip
    title = say("history")[language]
    heads = (*(say(key)[language] for key in ("head_at", "head_what", "head_by", "head_why")), "Nr")
    return Section(
        "history", title, (Table(title, heads, rows, words=5, widths=(14, 32, 24, 22, 6)),) if rows else ()
    )


def _parts(made: Dossier, language: str) -> list[Section]:
    """The documents in order; what is long is said in the first, and referred to in the others."""
    told: dict[str, str] = {}
    return [_part(each, language, told) for each in made.parts]


def _part(part: Part, language: str, told: dict[str, str]) -> Section:
    title = f"{part.title[language]} ({law(part.article)[language]})"
    if part.note:
        return Section(part.key, title, (Prose((Span(f"{part.note[language]}."),)),))
    facts = tuple(_fact(line, part, language, told) for line in _merged(part) if line.filled)
    asked = tuple(
        Question(
            line.key,
            f"{_article(line.article, language)}. {line.ask[language]}",
            named("role", line.owner)[language],
            say("before_use")[language],
        )
        for line in part.lines
        if line.ask
    )
    body: list[Block] = [Facts(facts)] if facts else []
    if asked:
        body.append(Asked(asked))
    if part.signed:
        blank = "…" * 24
        ends = tuple(Fact(say(key)[language], (Span(blank),)) for key in ("sign_name", "sign_day"))
        body += [Heading(say("sign_title")[language]), Facts(ends)]
    return Section(part.key, title, tuple(body))


def _merged(part: Part) -> list[Line]:
    """The lines of a part, what is said under two articles once, with both."""
    found: dict[str, Line] = {}
    for line in part.lines:
        before = found.get(line.key)
        articles = line.article if before is None else f"{before.article}, {line.article}"
        found[line.key] = msgspec.structs.replace(line, article=articles)
    return list(found.values())


def _fact(line: Line, part: Part, language: str, told: dict[str, str]) -> Fact:
    text, cited = _sentence(line.text[language]), _cited(line.events, language)
    name = f"{line.title[language]} ({_article(line.article, language)})"
    before = told.get(line.key)
    if before is not None and before != part.title[language]:
        return Fact(name, (Span(say("see", part=before)[language]), Span(cited)))
    if len(text) > REPEATED:
        told[line.key] = part.title[language]
    return Fact(name, (Span(text), Span(cited)))


def _article(article: str, language: str) -> str:
    """An article as the language writes it; one that is only a number gets its word."""
    words = law(article)[language]
    return f"art. {words}" if words[:1].isdigit() else words


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cited(events: tuple[int, ...], language: str) -> str:
    if not events:
        return ""
    shown = ", ".join(str(each) for each in events[:NAMED]) + (", …" if len(events) > NAMED else "")
    return f" [{count('events', len(events), list=shown)[language]}]"


def _duties(made: Dossier, language: str) -> Section:
    """Those that apply, or all where nobody has said what the use is."""
    body: list[Block] = []
    for each in made.duties:
        if each.applies is not False:
            body += _one(each, language)
    return Section("duties", say("duties")[language], tuple(body))


def _one(each: Duty, language: str) -> list[Block]:
    line = each.line
    facts = [
        (say("head_article"), law(line.article)[language]),
        (say("head_state"), f"{_how(each, language)}; {_state(each, language)}"),
    ]
    text = _sentence(_short(line.text.get(language, "")))
    if line.kind == "auto" and text:
        key = "head_from" if each.filled else "nothing_yet"
        facts.append((say(key), f"{text}{_cited(line.events, language)}"))
    elif text:
        facts.append((say("prefilled"), f"{text}{_cited(line.events, language)}"))
    if line.ask:
        facts.append((say("to_complete"), f"{line.ask[language]} ({_owner(line.owner)[language]})"))
    rows = tuple(Fact(name[language], (Span(words),)) for name, words in facts)
    return [Heading(line.title[language]), Facts(rows)]


def _owner(owner: str) -> Words:
    return names()["role"].get(owner) or same(owner)


def _how(each: Duty, language: str) -> str:
    key = "waiting" if each.line.kind == "auto" and not each.filled else each.line.kind
    return say(key)[language]


def _short(text: str) -> str:
    """A prefilled text, cut where it is long: the parts before hold all of it."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(' ', 1)[0]} …"


def _state(duty: Duty, language: str) -> str:
    return say("unknown_yet" if duty.applies is None else duty.state)[language]


def _others(made: Dossier, language: str) -> Section:
    """The obligations that do not apply, in one table."""
    rows = tuple(
        Row((each.line.key, each.line.title[language], law(each.line.article)[language]))
        for each in made.duties
        if each.applies is False
    )
    title = say("not_here_title")[language]
    heads = ("Nr", say("head_duty")[language], say("head_article")[language])
    body = (
        Prose((Span(say("not_here_note")[language]),)),
        Table(title, heads, rows, words=3, widths=(12, 56, 32)),
    )
    return Section("others", title, body if rows else ())


def _sources(made: Dossier, language: str) -> Section:
    rows = tuple(
        Row((
            str(each.seq),
            f"{named('action', each.action)[language]} ({each.action})",
            moment(each.at)[language],
            say("system")[language] if each.actor == "system" else each.actor,
            _grouped(each.hash, 32),
        ))
        for each in made.sources
    )  # fmt: skip
    heads = ("Nr", *(say(key)[language] for key in ("head_what", "head_at", "head_by")), "SHA-256")
    title = say("sources")[language]
    return Section("sources", title, (Table(title, heads, rows, words=5, widths=(6, 30, 18, 14, 36)),))


def _grouped(hash_: str, size: int = 16) -> str:
    return " ".join(hash_[at : at + size] for at in range(0, len(hash_), size))
