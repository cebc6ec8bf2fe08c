"""Reading XML that strangers sent: no entities, no DTD, no network, bounded in size and depth.

Clinical documents (KMEHR, C-CDA) need no document type. One that has it is held as it came: entities are the
way in which XML reads files, calls other machines or grows without end. What libxml2 bounds by itself stays
bounded: 256 levels of elements, 10 million characters of one text, the growth of entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from lxml import etree

from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Item
from vesalius.ingest._lines import KEPT, readblock

Element = Any
"""An element of lxml, which has no types of its own."""

LIMIT = 64 * 1024 * 1024
"""The largest document that is read, in bytes: it must be in memory to be read at all."""

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_SKIPPED = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)
_ROOT = re.compile(r"<(?:[\w.\-]+:)?([\w.\-]+)[\s/>]")
_ENCODING = {etree.ErrorTypes.ERR_INVALID_ENCODING, etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING}
_CHARACTER = {etree.ErrorTypes.ERR_INVALID_CHAR, etree.ErrorTypes.ERR_UNKNOWN_ENCODING}


def root_name(beginning: bytes) -> str:
    """The name of the outermost element, without its prefix, from the first bytes of a file; empty if none.

    >>> root_name(b'<?xml version="1.0"?><!-- made by hand --><k:kmehrmessage xmlns:k="urn:k">')
    'kmehrmessage'
    """
    encoding = next((name for mark, name in _BOMS if beginning.startswith(mark)), "latin-1")
    text = beginning.decode(encoding, "ignore").lstrip("\ufeff\xef\xbb\xbf")
    place = 0
    while found := _SKIPPED.match(text, place):
        place = found.end()
    root = _ROOT.match(text, place)
    return root[1] if root else ""


def parse(raw: bytes) -> Element:
    """The outermost element of a document, without comments and processing instructions.

    Raises:
        FaultError: it cannot be read, or it has a document type; no text of it is repeated.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise _fault(error) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise FaultError(Cause.UNSAFE, "the document has a document type (DTD), which is never read")
    return root


def _fault(error: etree.XMLSyntaxError) -> FaultError:
    place = f"line {error.lineno}" if error.lineno else "its beginning"
    if error.code in _ENCODING | _CHARACTER:
        return FaultError(Cause.UNDECODABLE, f"at {place}: bytes that are not text in the announced encoding")
    if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        words = f"at {place}: nested too deeply, a text too long, or entities that grow without end"
        return FaultError(Cause.UNSAFE, words)
    return FaultError(Cause.MALFORMED, f"at {place}: not well-formed XML, or the document breaks off")


def whole(stream: BinaryIO) -> Item | bytes:
    """All the bytes of a stream; an item that holds the beginning of them, if they are too many.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    held = bytearray()
    while len(held) <= LIMIT and (chunk := readblock(stream, LIMIT + 1 - len(held))):
        held += chunk
    raw = bytes(held)
    if len(raw) <= LIMIT:
        return raw
    words = f"the document is larger than {LIMIT} bytes; its first {KEPT} are kept"
    return Item("the file", raw[:KEPT], fault=FaultError(Cause.TOO_LONG, words))


def without_namespaces(root: Element) -> Element:
    """The same element, every name in it without its namespace: what is looked for has one of one name."""
    for element in root.iter("{*}*"):
        element.tag = element.tag.rpartition("}")[2]
    return root


def text(element: Element | None) -> str:
    """All the text inside an element, its white space collapsed; empty if there is no element."""
    if element is None:
        return ""
    whole = "".join(element.itertext()) if len(element) else element.text or ""
    return " ".join(whole.split())


def texts(element: Element, path: str) -> Iterator[str]:
    """The text of each element at a path that has one."""
    return (found for child in element.iterfind(path) if (found := text(child)))
