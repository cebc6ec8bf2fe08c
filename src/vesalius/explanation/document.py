"""A sheet for a patient: short parts with a title, sentences, a list and a picture."""

from __future__ import annotations

import msgspec


class Picture(msgspec.Struct, frozen=True):
    """A picture as SVG, and the same in words for those who do not see it."""

    svg: str
    words: str


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One part of a sheet.

    Attributes:
        title: what it answers.
        before: the sentences above the list and the picture.
        points: a list of facts, each a few words.
        picture: a picture.
        after: the sentences below.
    """

    title: str
    before: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    picture: Picture | None = None
    after: tuple[str, ...] = ()


class Sheet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sheet, in one language.

    Attributes:
        language: fr, nl, de or en.
        hospital: the name of the hospital.
        day: the ISO date that the file bears; the same facts give the same bytes.
        title, lead: what it is.
        about: whom it is for; empty for a notice.
        tool: which tool it is about.
        banner: that the data is made up, where it is.
        parts: the rest.
        foot: what names the decision for those who must find it again.
    """

    language: str
    hospital: str
    day: str
    title: str
    lead: str
    about: str = ""
    tool: str = ""
    banner: str = ""
    parts: tuple[Part, ...] = ()
    foot: str = ""

    @property
    def sentences(self) -> str:
        """All its sentences, without titles and lists: what the readability is measured on."""
        said = [self.lead, *(words for part in self.parts for words in (*part.before, *part.after))]
        return "\n".join(said)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return msgspec.json.encode(self, order="sorted")
