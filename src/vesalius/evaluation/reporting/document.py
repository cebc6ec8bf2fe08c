"""The report as data: sections of blocks, every figure with its path in the stored run.

HTML, PDF and JSON are renderings of one :class:`Document`; none of them computes or adds anything. Words are
in one language already; nothing in them is markup.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some words, or one figure.

    Attributes:
        text: as people read it.
        at: where the figure stands in the run, as ``performances[0].auroc``; empty for words.
        strong: whether it stands out.
    """

    text: str
    at: str = ""
    strong: bool = False


Spans = tuple[Span, ...]


class _Block(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="block", tag=str.lower):
    """A part of a section."""

    @property
    def block(self) -> str:
        """Which kind of block it is."""
        return str(self.__struct_config__.tag)


class Prose(_Block, frozen=True, omit_defaults=True, tag_field="block", tag="prose"):
    """A paragraph."""

    spans: Spans


class Points(_Block, frozen=True, omit_defaults=True, tag_field="block", tag="points"):
    """A list; each point is a paragraph of its own."""

    points: tuple[Spans, ...]


class Heading(_Block, frozen=True, omit_defaults=True, tag_field="block", tag="heading"):
    """A heading within a section."""

    text: str


class Fact(msgspec.Struct, frozen=True):
    """A name and what it stands for."""

    name: str
    spans: Spans


class Facts(_Block, frozen=True, omit_defaults=True, tag_field="block", tag="facts"):
    """Names and what they stand for."""

    facts: tuple[Fact, ...]


class Tile(msgspec.Struct, frozen=True):
    """A figure that opens the report: its name, its value, what stands under it."""

    name: str
    value: Span
    note: str


class Tiles(_Block, frozen=True, omit_defaults=True, tag_field="block", tag="tiles"):
    """The figures that open the report."""

    tiles: tuple[Tile, ...]


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a table; the first cell names it.

    Attributes:
        cells: what stands in it.
        at: where the line stands in the run.
        anchor: the name that links to this line use.
    """

    cells: tuple[str, ...]
    at: str = ""
    anchor: str = ""


class Table(_Block, frozen=True, omit_defaults=True, tag_field="block", tag="table"):
    """A table.

    Attributes:
        caption: what it shows.
        heads: the names of its columns.
        rows: its lines.
        words: how many columns, from the left, hold words rather than figures.
        links: for each cell of each row, the anchor in this document that it leads to; or nothing.
        widths: how wide each column is on paper, in parts of the whole; or nothing.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    words: int = 1
    links: tuple[tuple[str, ...], ...] = ()
    widths: tuple[int, ...] = ()


class Picture(_Block, frozen=True, omit_defaults=True, tag_field="block", tag="picture"):
    """A picture, as SVG of our own.

    Attributes:
        name: which one.
        svg: the picture.
        title, note: what stands under it.
        words: what it shows, for those who cannot see it.
        at: what it was drawn from.
    """

    name: str
    svg: str
    title: str
    note: str
    words: str
    at: tuple[str, ...] = ()


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """What no machine can fill.

    Attributes:
        key: which question.
        words: the question.
        owner: the role that answers for it, in words.
        due: by when, in words.
        items: the items of the checklists that wait for it.
        answer: the answer, or empty.
        by, role, at: who answered, in which role, and the day.
        stale: whether it was given on another run than this one, and must be confirmed.
    """

    key: str
    words: str
    owner: str
    due: str
    items: tuple[str, ...] = ()
    answer: str = ""
    by: str = ""
    role: str = ""
    at: str = ""
    stale: bool = False


class Asked(_Block, frozen=True, omit_defaults=True, tag_field="block", tag="asked"):
    """Questions, open or answered."""

    questions: tuple[Question, ...]


class Notice(_Block, frozen=True, omit_defaults=True, tag_field="block", tag="notice"):
    """What must not be overlooked."""

    text: str


Block = Prose | Points | Heading | Facts | Tiles | Table | Picture | Asked | Notice


class Section(msgspec.Struct, frozen=True):
    """A section.

    Attributes:
        key: its name; links lead to ``#s-KEY``.
        title: as people read it.
        blocks: what is in it.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report in one language.

    Attributes:
        language: fr, nl, de or en.
        title: of the use.
        over: what kind of document it is.
        lead: one sentence about the use.
        run: the id of the run; its file is ``RUN.json``.
        digest: the SHA-256 of that file.
        model: the SHA-256 of the model.
        usecase, version: what was validated.
        last: the last day of the data, as ``YYYY-MM-DD``.
        banner: that the data is synthetic; or empty.
        words: the words of the frame: contents, page, figure …
        filled, asked, answered: of the sub-items of TRIPOD+AI, how many the machine filled, how many are
            questions, and how many of these are answered.
        sections: in order; the first one fits on a page.
    """

    language: str
    title: str
    over: str
    lead: str
    run: str
    digest: str
    model: str
    usecase: str
    version: str
    last: str
    banner: str
    words: dict[str, str]
    filled: int
    asked: int
    answered: int
    sections: tuple[Section, ...]

    def section(self, key: str) -> Section:
        """The section of that name."""
        return next(section for section in self.sections if section.key == key)

    def blocks(self) -> Iterator[Block]:
        """Every block of every section."""
        for section in self.sections:
            yield from section.blocks

    def to_bytes(self) -> bytes:
        """The document as canonical JSON."""
        return msgspec.json.encode(self, order="sorted")


def spans(block: Block) -> Iterator[Span]:
    """The words and figures of a block, in order."""
    if isinstance(block, Prose):
        yield from block.spans
    elif isinstance(block, Points):
        for point in block.points:
            yield from point
    elif isinstance(block, Facts):
        for fact in block.facts:
            yield from fact.spans
    elif isinstance(block, Tiles):
        yield from (tile.value for tile in block.tiles)


def paths(document: Document) -> list[str]:
    """Where every figure of the document stands in the run: each path once, in the order of reading."""
    found: dict[str, None] = {}
    for block in document.blocks():
        for span in spans(block):
            found.setdefault(span.at)
        if isinstance(block, Table):
            found.update(dict.fromkeys(row.at for row in block.rows))
        elif isinstance(block, Picture):
            found.update(dict.fromkeys(block.at))
    return [path for path in found if path]


def anchor(path: str) -> str:
    """The name that a link to the origin of a figure uses: letters, digits and hyphens only."""
    return "f-" + "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in path)
