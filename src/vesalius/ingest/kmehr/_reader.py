"""From a message to its items: one per transaction, a line of a scheme with its suspensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, BinaryIO

import msgspec
from lxml import etree

from vesalius import fhir
from vesalius.ingest import _xml
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Found, Item
from vesalius.ingest._resources import Resource, found
from vesalius.ingest._xml import Element, text
from vesalius.ingest.kmehr import _pharmacy, _scheme
from vesalius.ingest.kmehr._composition import document
from vesalius.ingest.kmehr._items import Context, kind_of
from vesalius.ingest.kmehr._moments import moment
from vesalius.ingest.kmehr._parties import Parties, identifiers, patient, patient_id
from vesalius.ingest.kmehr._tables import code

_ROOT = "kmehrmessage"
_COMMON = 1024 * 1024


@dataclass(frozen=True)
class Group:
    """Transactions that make sense together only: a document, or a line of a scheme with its suspensions.

    Attributes:
        place: where the first of them stands, for people.
        header, folder: of its message.
        transactions: the document or the line first, then its suspensions.
        lines: of a scheme: the ids of the statements of its lines.
    """

    place: str
    header: Element
    folder: Element
    transactions: tuple[Element, ...]
    lines: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The CD-TRANSACTION of the first of them."""
        return code(self.transactions[0], "CD-TRANSACTION")


def recognises(beginning: bytes) -> bool:
    """Whether a file that begins so is a KMEHR message or a pharmaceutical care history."""
    return _xml.root_name(beginning) in {_ROOT, _pharmacy.ROOT}


def read(stream: BinaryIO) -> Iterator[Item]:
    """One item per transaction of the one message that the stream holds.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    raw = _xml.whole(stream)
    if isinstance(raw, Item):
        yield raw
    elif raw.strip():
        yield from _message(raw, ())


def again(raw: bytes, place: str, context: dict[str, Any]) -> list[Item]:
    """Reads one item that was held once more; ``context`` holds the lines of a scheme."""
    found = _message(raw, tuple(context.get("lines", ())))
    return [msgspec.structs.replace(item, place=place) for item in found]


def _message(raw: bytes, lines: tuple[str, ...]) -> Iterator[Item]:
    try:
        root = _xml.parse(raw)
    except FaultError as fault:
        yield Item("the file", raw, fault=fault)
        return
    namespace = etree.QName(root).namespace or ""
    root = _xml.without_namespaces(root)
    if root.tag == _pharmacy.ROOT:
        yield from _pharmacy.items(raw, root)
        return
    groups = list(_groups(root, lines))
    if not groups:
        words = "the message holds no transaction of a patient"
        yield Item("the file", raw, fault=FaultError(Cause.MISSING_VALUE, words))
    shared = {id(group.folder): _shared(group) for group in groups} if len(groups) > 1 else {}
    if any(len(common) > _COMMON for common in shared.values()):
        words = f"its header and patient, which each transaction needs, take more than {_COMMON} characters"
        yield Item("the file", raw, fault=FaultError(Cause.UNSAFE, words))
        return
    for group in groups:
        common = shared.get(id(group.folder))
        yield _item(group, raw if common is None else _alone(group, common, namespace))


def _groups(root: Element, lines: tuple[str, ...]) -> Iterator[Group]:
    header = root.find("header")
    for number, folder in enumerate(root.iterfind("folder")):
        transactions = list(folder.iterfind("transaction"))
        whole = Group("", header, folder, ())
        numbers = {_number(one): one for one in transactions if _kind(one) == _scheme.LINE}
        suspended: dict[str, list[Element]] = {}
        for one in transactions:
            if _kind(one) == _scheme.SUSPENSION and _scheme.target(one) in numbers:
                suspended.setdefault(_scheme.target(one), []).append(one)
        taken = {id(one) for of_line in suspended.values() for one in of_line}
        for place, one in enumerate(transactions):
            if id(one) in taken:
                continue
            mine = suspended.get(_number(one), []) if numbers.get(_number(one)) is one else []
            group = replace(whole, place=f"folder[{number}], transaction[{place}]", transactions=(one, *mine))
            if group.kind == _scheme.SCHEME:
                group = replace(group, lines=lines or tuple(_line_ids(whole, numbers.values())))
            yield group


def _line_ids(whole: Group, transactions: Any) -> Iterator[str]:
    for one in transactions:
        try:
            yield _scheme.line_id(_key(replace(whole, transactions=(one,))))
        except FaultError:
            continue  # the line itself will say what is wrong with it


def _kind(transaction: Element) -> str:
    return code(transaction, "CD-TRANSACTION")


def _number(element: Element) -> str:
    return next((text(one) for one in element.iterfind("id") if one.get("S") == "ID-KMEHR"), "")


def _shared(group: Group) -> str:
    """What every transaction of a folder needs: the header of the message, the beginning of the folder."""
    header = "" if group.header is None else _written(group.header)
    parts = (*group.folder.iterfind("id"), *group.folder.iterfind("patient"))
    return f"{header}<folder>{''.join(map(_written, parts))}"


def _alone(group: Group, common: str, namespace: str) -> bytes:
    """A message that holds one group only, and can be read again by itself."""
    inside = "".join(map(_written, group.transactions))
    opened = f'<{_ROOT} xmlns="{escape(namespace)}">' if namespace else f"<{_ROOT}>"
    return f"{opened}{common}{inside}</folder></{_ROOT}>".encode()


def _written(element: Element) -> str:
    return str(etree.tostring(element, encoding="unicode", with_tail=False))


def _item(group: Group, raw: bytes) -> Item:
    context = {"lines": list(group.lines)} if group.lines else {}
    try:
        return Item(group.place, raw, tuple(_found(group)), context=context)
    except FaultError as fault:
        return Item(group.place, raw, fault=fault, context=context)


def _found(group: Group) -> Iterator[Found]:
    return map(found, _resources(group))


def _resources(group: Group) -> list[Resource]:
    who = group.folder.find("patient")
    if who is None:
        raise FaultError(Cause.MISSING_VALUE, "the folder names no patient")
    sent_at = moment(group.header)
    parties = Parties(sent_at if "T" in sent_at else "")
    transaction = group.transactions[0]
    authors = parties.named(transaction.find("author")) or _senders(group, parties)
    subject = {"reference": f"Patient/{patient_id(who)}"}
    at = moment(transaction) or sent_at
    final = all(text(transaction.find(name)) == "true" for name in ("iscomplete", "isvalidated"))
    context = Context(_key(group), subject, authors[0] if authors else None, at, final)
    made = _made(group, context, authors)
    items = list(transaction.iterfind("item"))
    gp = [
        one
        for item in items
        if kind_of(item) == "gp"
        for content in item.iterfind("content")
        for one in parties.named(content)
    ]
    contacts = [item for item in items if kind_of(item) == "contact"]
    person = patient(who, parties.known_at, contacts, gp)
    return [made[0], person, *parties.resources.values(), *made[1:]]


def _made(group: Group, context: Context, authors: Sequence[dict[str, str]]) -> list[Resource]:
    transaction, *suspensions = group.transactions
    if group.kind == _scheme.SCHEME:
        return [_scheme.scheme(transaction, context, group.lines)]
    if group.kind == _scheme.LINE:
        return [_scheme.line(transaction, suspensions, context)]
    if group.kind == _scheme.SUSPENSION:
        words = "a suspension of a line of the medication scheme that is not in the message"
        raise FaultError(Cause.UNRESOLVED_REFERENCE, words)
    return document(transaction, context, authors)


def _senders(group: Group, parties: Parties) -> list[dict[str, str]]:
    return [] if group.header is None else parties.named(group.header.find("sender"))


def _key(group: Group) -> tuple[str, ...]:
    """What names a transaction for ever: the number of the system that keeps it, else those of the message.

    Raises:
        FaultError: neither is there.
    """
    transaction = group.transactions[0]
    for one in transaction.iterfind("id"):
        if one.get("S") == "LOCAL" and text(one):
            who = group.folder.find("patient")
            owner = patient_id(who) if who is not None else ""
            return (owner, one.get("SL") or "LOCAL", _unversioned(one))
    message = "" if group.header is None else _number(group.header)
    if not message:
        raise FaultError(Cause.NO_ID, "the message has no number (ID-KMEHR)")
    own = _number(transaction) or fhir.made_id(text(transaction))
    return (_sender(group), message, _number(group.folder), own)


def _sender(group: Group) -> str:
    for party in group.header.iterfind("sender/hcparty"):
        for identifier in identifiers(party):
            return str(identifier["value"])
    return ""


def _unversioned(number: Element) -> str:
    """Vitalink writes the version of a line behind its number; the next version is of the same line."""
    value = text(number)
    if number.get("SL") == "vitalinkuri" and value.count("/") > 4:
        return value.rpartition("/")[0]
    return value
