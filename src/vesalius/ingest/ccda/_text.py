"""The readable text of a section, as XHTML that can do nothing: no script, link, picture or style."""

from __future__ import annotations

from html import escape

from vesalius.ingest._xml import Element, text

_NAMES = {
    "br": "br",
    "col": "col",
    "colgroup": "colgroup",
    "content": "span",
    "footnote": "span",
    "item": "li",
    "linkHtml": "span",
    "list": "ul",
    "paragraph": "p",
    "sub": "sub",
    "sup": "sup",
    "table": "table",
    "tbody": "tbody",
    "td": "td",
    "tfoot": "tfoot",
    "th": "th",
    "thead": "thead",
    "tr": "tr",
}
_LONGEST = 10_000
_SPANS = ("colspan", "rowspan")
_EMPTY = {"br", "col"}


def cleaned(element: Element | None) -> str:
    """The inside of a text of a section as XHTML; empty if it says nothing."""
    return "" if element is None or not text(element) else _inside(element).strip()


def _inside(element: Element) -> str:
    parts = [escape(element.text or "", quote=False)]
    for child in element:
        parts.append(_written(child))
        parts.append(escape(child.tail or "", quote=False))
    return "".join(parts)


def _written(element: Element) -> str:
    name = _name(element)
    if not name:
        return _inside(element)
    spans = "".join(
        f' {span}="{element.get(span)}"' for span in _SPANS if (element.get(span) or "").isdecimal()
    )
    return f"<{name}{spans}/>" if name in _EMPTY else f"<{name}{spans}>{_inside(element)}</{name}>"


def _name(element: Element) -> str:
    if element.tag == "caption":
        return {"table": "caption", "list": "li"}.get(element.getparent().tag, "span")
    if element.tag == "list":
        return "ol" if element.get("listType") == "ordered" else "ul"
    return _NAMES.get(element.tag, "")


def words(section: Element) -> dict[str, str]:
    """What stands in the text of a section, by the ID of its element; of a long one, its beginning.

    The text itself keeps all of it. Without a limit, a small document that refers to one long text from a
    thousand entries would become a large one.
    """
    found = {}
    for of_section in section.iterfind("text"):
        for element in of_section.iter("*"):
            if name := element.get("ID"):
                found[name] = _beginning(element)
    return found


def _beginning(element: Element) -> str:
    parts, length = [], 0
    for part in element.itertext():
        parts.append(part)
        length += len(part)
        if length > _LONGEST:
            break
    said = " ".join("".join(parts).split())
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
