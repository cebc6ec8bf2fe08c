"""Everything received: what each file brought, and what is held because it could not be understood."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from vesalius import ingest
from vesalius.console.contexts import Cause, FeedRow, Pages, ReceiptRow, ReceivedPage
from vesalius.console.languages import N_
from vesalius.console.sources import type_name
from vesalius.console.visit import Visit, address, render
from vesalius.governance import Right

SIZE = 40
"""How many files a page has."""

CAUSES = {
    "too-long": N_("A line is longer than the limit"),
    "undecodable": N_("The bytes are not text in the announced encoding"),
    "malformed": N_("It is not well-formed"),
    "unsafe": N_("It is a document that could do harm, and is not read"),
    "column-count": N_("A row has too few or too many cells; a truncated file ends in one"),
    "missing-value": N_("A cell that names the resource is empty"),
    "unmapped-value": N_("The map does not know this value"),
    "bad-value": N_("It is not the number or date that the map announces"),
    "wrong-unit": N_("It is in another unit than the map announces"),
    "out-of-range": N_("A number is outside its range; often another unit"),
    "conflicting-row": N_("Two rows give the same resource different contents"),
    "invalid-resource": N_("It breaks the structure of FHIR R4"),
    "no-id": N_("It has no identifier"),
    "unsupported": N_("It asks for something that is not carried out"),
    "unresolved-reference": N_("It refers to something that is not there"),
    "future-date": N_("A date lies in the future"),
    "birth-date-conflict": N_("The patient is known with another birth date"),
    "truncated": N_("The file breaks off"),
    "defect": N_("Vesalius itself failed on it; please report it"),
}
"""What each cause of quarantine means."""

STATUSES = {"receiving": N_("not finished"), "complete": "", "refused": N_("refused")}
"""What became of a file, where it is worth a word."""


def show(visit: Visit) -> Response:
    """The page."""
    engine = visit.hospital.engine
    counts = ingest.causes(engine)
    asked = visit.query.get("page", "1")
    number = max(1, int(asked)) if asked.isdecimal() and len(asked) < 7 else 1
    files = ingest.receipts(engine, limit=SIZE + 1, offset=(number - 1) * SIZE)
    before = address("/received", page=number - 1) if number > 1 else ""
    after = address("/received", page=number + 1) if len(files) > SIZE else ""
    page = ReceivedPage(
        feeds=tuple(_feed(visit, feed) for feed in ingest.feeds(engine)),
        receipts=tuple(_row(receipt) for receipt in files[:SIZE]),
        list=Pages(number, 0, len(files), before, after),
        causes=tuple(
            Cause(str(code), CAUSES.get(str(code), str(code)), count)
            for code, count in sorted(counts.items(), key=lambda item: -item[1])
        ),
        held=sum(counts.values()),
        may_look=visit.may(Right.SEE_QUARANTINE),
        totals=tuple(
            (type_name(kind), count["resources"], count["versions"])
            for kind, count in sorted(visit.hospital.lake.count().items())
        ),
    )
    return render(visit, "received.html", page)


def _row(receipt: ingest.Receipt) -> ReceiptRow:
    return ReceiptRow(
        id=str(receipt.id),
        at=receipt.received_at,
        source=receipt.source,
        name=receipt.name,
        format=receipt.format,
        status=STATUSES.get(receipt.status, receipt.status),
        read=receipt.read,
        written=receipt.written,
        unchanged=receipt.unchanged,
        quarantined=receipt.quarantined,
    )


def _feed(visit: Visit, feed: ingest.Feed) -> FeedRow:
    silent = visit.language.ago(max(visit.now - feed.last, timedelta()))
    return FeedRow(feed.source, feed.last, silent, feed.files, feed.read)
