"""Is a narrative the XHTML that FHIR allows (R4, Narrative, txt-1 and txt-2)?"""

from __future__ import annotations

from html.parser import HTMLParser

_ELEMENT_NAMES = """
    a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6
    hr i img ins kbd li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var
    del
"""
_ATTRIBUTE_NAMES = """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff
    charset cite class colspan compact coords dir frame headers height href hreflang hspace id lang longdesc
    name nowrap rel rev rowspan rules scope shape span src start style summary tabindex title type valign
    value vspace width xmlns xml:lang xml:space xml:id
"""
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_XHTML = "http://www.w3.org/1999/xhtml"
_EMPTY = frozenset({"br", "hr", "img", "col"})


def is_narrative(text: str) -> bool:
    """Whether the text is one ``div`` of basic XHTML, closed properly, without script, not blank."""
    checker = _Checker()
    try:
        checker.feed(text)
        checker.close()
    except (AssertionError, ValueError):
        return False
    return checker.right and not checker.open and checker.says


class _Checker(HTMLParser):
    """Follows the elements; ``right`` until something is not allowed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.right = True
        self.says = False
        self.roots = 0
        self.prefix = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._starts(tag, attrs)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._starts(tag, attrs)
        self.right = self.right and tag.removeprefix(self.prefix) in _EMPTY | {
            "a",
            "td",
            "th",
            "p",
            "span",
            "div",
            "li",
        }

    def _starts(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self.open:
            self.roots += 1
            self._declare(attrs)
        tag = tag.removeprefix(self.prefix)
        if not self.open:
            self.right = self.right and tag == "div" and self.roots == 1
        self.says = self.says or tag == "img"
        self.right = self.right and tag in _ELEMENTS
        self.right = self.right and all(
            (name in _ATTRIBUTES or name == f"xmlns:{self.prefix[:-1]}")
            and value is not None
            and "javascript:" not in value.lower()
            for name, value in attrs
        )

    def _declare(self, attrs: list[tuple[str, str | None]]) -> None:
        """A prefix for XHTML, where the root declares one (``html:div``)."""
        for name, value in attrs:
            if name.startswith("xmlns:") and value == _XHTML:
                self.prefix = name.removeprefix("xmlns:") + ":"

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.right = False

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.says = True
            self.right = self.right and bool(self.open)

    def handle_decl(self, decl: str) -> None:  # noqa: ARG002 - the name is HTMLParser's
        self.right = False

    def unknown_decl(self, data: str) -> None:  # noqa: ARG002 - the name is HTMLParser's
        self.right = False

    def handle_pi(self, data: str) -> None:  # noqa: ARG002 - the name is HTMLParser's
        self.right = False
