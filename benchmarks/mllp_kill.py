"""Kill -9 of the listener at random moments: is every acknowledged message in the log, once?

The real ``vesalius listen`` runs as a process of its own on a database on disk. Senders connect, send, wait
for their answers, half of them one message at a time, half of them eight at a time; a message that stays
without an answer is sent again, one that was acknowledged never is. At random moments, while it starts too,
the listener gets SIGKILL, and is started again. At the end, of every message that was acknowledged before a
kill, and of every one that was sent again after one, the log (or the quarantine) must hold its content once.

    .venv/bin/python benchmarks/mllp_kill.py [--kills 100] [--senders 6] [--seed 1]

``VESALIUS_DATABASE`` names another database than a new one of SQLite. Exit code 1 if anything is missing or
double. What it cannot show: a disk that loses power. For that the database is told to wait for the disk at
each commit, which ``benchmarks/mllp.py`` measures.
"""

import argparse
import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from vesalius.errors import Unavailable
from vesalius.ingest import held
from vesalius.ingest._message_table import message as messages
from vesalius.ingest.mllp import Sender, framed
from vesalius.lake import Lake
from vesalius.store import open_store, reading

TOKEN = re.compile(rb"Family(\d+x\d+)")


def admission(sender, number):
    """A message of a patient of its own, whose name says which message it came with."""
    return (
        f"MSH|^~\\&|LAB|S{sender}|VES|HOSP|20260301101500||ADT^A01^ADT_A01|{sender}x{number}|P|2.5.1\r"
        "EVN|A01|20260301101500\r"
        f"PID|1||9{sender:03}{number:07}^^^HOSP^MR||Family{sender}x{number}^Given||19340609|F\r"
        "PV1|1|I|W1^101^1\r"
    ).encode()


class Station:
    """One sending system: it keeps a message until it is acknowledged."""

    def __init__(self, name, port, window):
        self.name, self.port, self.window = name, port, window
        self.acknowledged, self.codes, self.resent, self.sent = [], Counter(), 0, 0
        self.stopping = False
        self.waiting = []

    async def run(self):
        while not (self.stopping and not self.waiting):
            try:
                async with Sender("127.0.0.1", self.port, seconds=20) as sender:
                    await self.talk(sender)
            except Unavailable:
                await asyncio.sleep(0.05)

    async def talk(self, sender):
        self.resent += len(self.waiting)
        again = b"".join(framed(admission(self.name, number)) for number in self.waiting)
        await sender.write(again)
        while True:
            while len(self.waiting) < self.window and not self.stopping:
                self.waiting.append(self.sent)
                await sender.write(framed(admission(self.name, self.sent)))
                self.sent += 1
            if not self.waiting:
                return
            reply = await sender.reply()
            number = self.waiting[0]
            assert reply.control_id == f"{self.name}x{number}", "an answer out of order"
            self.waiting.pop(0)
            self.codes[reply.code] += 1
            self.acknowledged.append(number)


async def start(home, port):
    command = [sys.executable, "-m", "vesalius", "listen", "--source", "kill", "--port", str(port)]
    return await asyncio.create_subprocess_exec(
        *command, "--home", str(home), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )


async def kill_again_and_again(home, port, kills, chance, stations):
    def done():
        return sum(len(each.acknowledged) for each in stations)

    early = 0
    for number in range(kills):
        process = await start(home, port)
        if chance.random() < 0.1:  # somewhere in its start
            early += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(chance.random() * 1.5):
                    await process.stdout.readline()
        else:  # at work
            await process.stdout.readline()
            before, patience = done(), time.monotonic() + 20
            while done() == before and time.monotonic() < patience:
                await asyncio.sleep(0.001)
            await asyncio.sleep(chance.random() * 0.5)
        process.kill()
        await process.wait()
        print(f"\rkill {number + 1} of {kills}, {done()} acknowledged", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return early


async def run(home, options):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chance = random.Random(options.seed)
    stations = [Station(each, port, 1 if each % 2 else 8) for each in range(options.senders)]
    running = [asyncio.create_task(each.run()) for each in stations]
    early = await kill_again_and_again(home, port, options.kills, chance, stations)
    process = await start(home, port)  # and once more, to its good end
    for each in stations:
        each.stopping = True
    async with asyncio.timeout(60):
        await asyncio.gather(*running)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0, "the listener did not end well"
    return stations, early


def found_in(database):
    """How often the log and the quarantine hold each message; and how often the table of messages does."""
    engine = open_store(database)
    lake = Lake(engine, Path(tempfile.gettempdir()))
    held_now = [item.raw for item in held(engine, limit=10_000_000)]
    bodies = [*(version.body for version in lake.versions("Patient")), *held_now]
    inside = Counter(token for body in bodies for token in set(TOKEN.findall(body)))
    with reading(engine) as connection:
        kept = Counter(
            row.control_id.encode() for row in connection.execute(sa.select(messages.c.control_id))
        )
    engine.dispose()
    return inside, kept, len(held_now)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--senders", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vesalius-kill-") as folder:
        home = Path(folder)
        stations, early = asyncio.run(run(home, options))
        database = os.environ.get("VESALIUS_DATABASE") or f"sqlite:///{home / 'vesalius.sqlite'}"
        inside, kept, held_now = found_in(database)
    acknowledged = [f"{each.name}x{number}".encode() for each in stations for number in each.acknowledged]
    lost = [name for name in acknowledged if not inside[name] or not kept[name]]
    double = [name for name in inside if inside[name] > 1 or kept[name] > 1]
    unasked = sorted(set(kept) - set(acknowledged))
    codes = sum((each.codes for each in stations), Counter())
    print(
        f"{options.kills} kills ({early} while starting) in {time.monotonic() - began:.0f} s,"
        f" {options.senders} senders"
    )
    print(f"{len(acknowledged)} messages acknowledged: {dict(sorted(codes.items()))}, {held_now} held")
    print(f"{sum(each.resent for each in stations)} sent again after a kill had left them without an answer")
    print(f"{len(lost)} lost, {len(double)} double, {len(unasked)} in the log that were never acknowledged")
    sys.exit(1 if lost or double or unasked or not acknowledged else 0)


if __name__ == "__main__":
    main()
