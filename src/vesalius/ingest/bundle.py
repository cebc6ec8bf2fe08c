"""FHIR bundles: transaction, batch, collection, document, message, search set.

Each entry is an item of its own: one that cannot be taken in does not keep the others out, of a transaction
neither, because what a hospital sends has already happened. References between entries (``urn:uuid:…``, or
the full URL of another server) become ``Type/id``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import msgspec

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Found, Item
from vesalius.ingest._lines import KEPT, readblock

LIMIT = 64 * 1024 * 1024
"""The largest bundle that is read, in bytes: it must be in memory to be read at all."""

TYPES = ("transaction", "batch", "collection", "document", "message", "searchset")
_WRITES = ("", "POST", "PUT")


class _Bundle(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - the name is FHIR's
    type: str = ""
    entry: list[msgspec.Raw] = []


class _Request(msgspec.Struct, frozen=True):
    method: str = ""
    url: str = ""


class _Entry(msgspec.Struct):
    fullUrl: str = ""  # noqa: N815 - the name is FHIR's
    resource: msgspec.Raw = msgspec.Raw()
    request: _Request = _Request()


_BUNDLE = msgspec.json.Decoder(_Bundle)
_ENTRY = msgspec.json.Decoder(_Entry)


def read(stream: BinaryIO) -> Iterator[Item]:
    """One item per entry of the one bundle that the stream holds.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    held = bytearray()  # a list of its lines would take many times the memory of a bundle of short ones
    while len(held) <= LIMIT and (chunk := readblock(stream, LIMIT + 1 - len(held))):
        held += chunk
    raw = bytes(held)
    if len(raw) > LIMIT:
        words = f"the bundle is larger than {LIMIT} bytes; its first {KEPT} are kept"
        yield Item("the file", raw[:KEPT], fault=FaultError(Cause.TOO_LONG, words))
    elif raw.strip():
        yield from entries(raw.removeprefix(b"\xef\xbb\xbf"), "")


def entries(raw: bytes, before: str) -> Iterator[Item]:
    """One item per entry of a bundle; ``before`` stands before the place of each."""
    whole = before.rstrip(", ") or "the file"
    try:
        bundle = _BUNDLE.decode(raw)
    except msgspec.ValidationError:
        yield Item(whole, raw, fault=FaultError(Cause.INVALID_RESOURCE, "the bundle is not well formed"))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        yield Item(whole, raw, fault=FaultError(Cause.MALFORMED, "the bundle is not JSON in UTF-8"))
    else:
        if bundle.resourceType != "Bundle":
            yield _single(raw, whole)
        elif bundle.type in TYPES:
            known = _names(bundle.entry)
            for number, entry in enumerate(bundle.entry):
                yield _item(bytes(entry), f"{before}entry[{number}]", known)
        else:
            words = f"only bundles of type {', '.join(TYPES)} are taken in"
            yield Item(whole, raw, fault=FaultError(Cause.UNSUPPORTED, words))


def _single(raw: bytes, place: str) -> Item:
    """A file that holds one resource, not a bundle."""
    try:
        return Item(place, raw, (Found(fhir.load(raw), raw),))
    except InvalidResource as error:
        return Item(place, raw, fault=FaultError(Cause.MALFORMED, error.message))


def again(raw: bytes, place: str, context: dict[str, Any]) -> list[Item]:
    """Reads one entry that was held once more; ``context`` holds what its references became."""
    return [_item(raw, place, context["references"])] if context else list(entries(raw, ""))


def _names(raw_entries: list[msgspec.Raw]) -> dict[str, str]:
    """What the full URL of each entry becomes: ``Type/id``."""
    known = {}
    for raw in raw_entries:
        try:
            entry = _ENTRY.decode(raw)
            resource = fhir.load(bytes(entry.resource))
            known[entry.fullUrl] = f"{resource['resourceType']}/{_id(resource, entry)}"
        except (msgspec.DecodeError, UnicodeError, RecursionError, InvalidResource, KeyError, FaultError):
            continue  # the entry itself will say what is wrong with it
    known.pop("", None)
    return known


def _id(resource: dict[str, Any], entry: _Entry) -> str:
    """The id of the resource, else the one in the request's URL, else the one in the full URL."""
    url = entry.request.url if entry.request.method == "PUT" else ""
    found = resource.get("id") or url.partition("/")[2] or entry.fullUrl.replace(":", "/").rpartition("/")[2]
    if not found:
        raise FaultError(Cause.NO_ID, "neither the resource nor its entry has an id")
    return str(found)


def _item(raw: bytes, place: str, known: Mapping[str, str]) -> Item:
    mine: dict[str, str] = {}
    try:
        entry = _ENTRY.decode(raw)
        resource = _stored(entry)
        mine.update((name, known[name]) for name in fhir.references(resource) if name in known)
        return Item(place, raw, (_found(resource, entry, mine),), context={"references": mine})
    except FaultError as error:
        fault = error
    except InvalidResource as error:
        fault = FaultError(Cause.INVALID_RESOURCE, str(error))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        fault = FaultError(Cause.INVALID_RESOURCE, "the entry is not well formed")
    return Item(place, raw, fault=fault, context={"references": mine})


def _stored(entry: _Entry) -> dict[str, Any]:
    if entry.request.method not in _WRITES:
        raise FaultError(Cause.UNSUPPORTED, "the entry asks for something else than to store a resource")
    if not bytes(entry.resource):
        raise FaultError(Cause.UNSUPPORTED, "the entry holds no resource")
    return fhir.load(bytes(entry.resource))


def _found(resource: dict[str, Any], entry: _Entry, known: Mapping[str, str]) -> Found:
    named = list(fhir.references(resource))
    if any(name.startswith("urn:") and name not in known for name in named):
        raise FaultError(Cause.UNRESOLVED_REFERENCE, "it refers to an entry that is not in the bundle")
    if "id" in resource and not any(name in known for name in named):
        return Found(resource, bytes(entry.resource))
    rewritten = {"resourceType": resource.get("resourceType"), "id": _id(resource, entry)}
    rewritten |= fhir.with_references(resource, lambda name: known.get(name, name))
    return Found(rewritten, fhir.dump(rewritten))
