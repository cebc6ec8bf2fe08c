"""A listener on the loopback interface, messages to send it, and certificates."""

import asyncio
import contextlib

import pytest

from vesalius import fhir
from vesalius.ingest import Cause
from vesalius.ingest._causes import FaultError
from vesalius.ingest._items import Found, Item
from vesalius.ingest.hl7v2 import parse
from vesalius.ingest.hl7v2._batches import parts
from vesalius.ingest.mllp import Limits, Listener, Sender
from vesalius.lake import Lake


def message(number=1, *, patient=None, gender="F", version="2.5.1", processing="P", more="", **extra):
    """One admission; ``extra`` sets fields of MSH by their number: ``f15="AL"``."""
    fields = [""] * 19
    fields[2:12] = [
        "^~\\&", "LAB", "SITE", "VES", "HOSP", "20260301101500", "", "ADT^A01^ADT_A01", f"M{number}", processing,
    ]  # fmt: skip
    fields[12] = version
    for name, value in extra.items():
        fields[int(name[1:])] = value
    head = "|".join(["MSH", *fields[2:]]).rstrip("|")
    return f"{head}\rPID|1||{patient or f'p{number}'}||Duck^Donald||19340609|{gender}\r{more}".encode()


def plain_reader(stream):
    """A patient per message, in place of the official conversion: M and F are understood, X breaks R4, and
    ``BOOM`` is a defect of ours.
    """
    for part in parts(stream):
        if part.fault:
            yield Item("message", part.raw, fault=part.fault)
            continue
        try:
            parsed = parse(part.raw)
        except FaultError as fault:
            yield Item("message", part.raw, fault=fault)
            continue
        pid = next((each for each in parsed.segments if each.name == "PID"), None)
        if pid is None:
            yield Item("message", part.raw, fault=FaultError(Cause.MISSING_VALUE, "there is no PID"))
            continue
        if pid.field(8) == "BOOM":
            raise KeyError("Donald Duck")
        gender = {"F": "female", "M": "male"}.get(pid.field(8), "x")
        patient = {
            "resourceType": "Patient",
            "id": pid.field(3),
            "name": [{"family": parsed.text(pid.field(5).split(parsed.delimiters.component)[0])}],
            "gender": gender,
        }
        yield Item("message", part.raw, (Found(patient, fhir.dump(patient)),))


@pytest.fixture
def lake(engine, tmp_path):
    return Lake(engine, tmp_path / "columns")


@pytest.fixture
def listening(lake):
    """``async with listening(…) as listener``: one that has started, and stops with the block."""

    @contextlib.asynccontextmanager
    async def started(limits=None, **options):
        options.setdefault("read", plain_reader)
        listener = Listener(lake, "adt", port=0, limits=limits or Limits(patience_seconds=0), **options)
        await listener.start()
        try:
            yield listener
        finally:
            await listener.stop()

    return started


@pytest.fixture
def talk(listening):
    """Runs ``conversation(sender, listener)`` with a sender that is connected to a listener."""

    def run(conversation, tls=None, **options):
        async def both():
            async with (
                listening(**options) as listener,
                Sender("127.0.0.1", listener.port, tls, 10) as sender,
            ):
                return await conversation(sender, listener)

        return asyncio.run(both())

    return run
