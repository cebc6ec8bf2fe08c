"""How many HL7 v2 messages a second are acknowledged over MLLP, beside the price of the disk.

The real ``vesalius listen`` runs as a process of its own on SQLite; senders on the loopback interface each
wait for the answer to one message before they send the next. "bare insert" is the physical limit for one
sender who waits: Python's ``sqlite3`` on the same disk with the same settings (write-ahead log, full
synchronisation), one row of the message's bytes per transaction. Each message is an admission of a patient of
its own, converted, checked and written with its bytes. Wall-clock seconds; the CPU seconds are the listener's
alone (its start is left out). Senders and listener share the machine's cores.

    .venv/bin/python benchmarks/mllp.py [SECONDS]
"""

import asyncio
import os
import platform
import signal
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from vesalius.ingest.mllp import Sender

SECONDS = 5
SENDERS = (1, 8, 32)


def admission(number):
    return (
        f"MSH|^~\\&|LAB|SITE|VES|HOSP|20260301101500||ADT^A01^ADT_A01|M{number}|P|2.5.1\r"
        "EVN|A01|20260301101500\r"
        f"PID|1||{number}^^^HOSP^MR||Family{number}^Given^^^Mevr||19340609|F|||Rue 1^^Liege^^4000^BE\r"
        "NK1|1|Family^Other|SPO|||||||||||||||||||||\r"
        f"PV1|1|I|W1^101^1^HOSP||||7^Doctor^A|||MED||||||||I|V{number}|||||||||||||||||||||||||20260301101500\r"
    ).encode()


def bare(folder, seconds):
    with closing(sqlite3.connect(folder / "bare.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE plain (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        number, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO plain (body) VALUES (?)", (admission(number),))
            connection.execute("COMMIT")
            number += 1
    return number / seconds


def cpu_seconds(pid):
    """Of a running process, user and kernel; as Linux tells it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def station(port, name, end, codes, waits):
    async with Sender("127.0.0.1", port) as sender:
        number = 0
        while (start := time.perf_counter()) < end:
            reply = await sender.send(admission(name * 10_000_000 + number))
            waits.append(time.perf_counter() - start)
            codes[reply.code] = codes.get(reply.code, 0) + 1
            number += 1


async def measured(home, senders, seconds, round_):
    command = [sys.executable, "-m", "vesalius", "listen", "--source", f"bench{round_}", "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command,
        "--home",
        str(home),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name != "VESALIUS_DATABASE"},
    )
    port = int((await process.stdout.readline()).split()[4])
    codes, waits = {}, []
    async with Sender("127.0.0.1", port) as sender:
        for number in range(20):  # loads what is loaded once
            await sender.send(admission(900_000_000 + round_ * 1000 + number))
    before, start = cpu_seconds(process.pid), time.perf_counter()
    names = range(round_ * 100, round_ * 100 + senders)
    await asyncio.gather(*(station(port, name, start + seconds, codes, waits) for name in names))
    wall, cpu = time.perf_counter() - start, cpu_seconds(process.pid) - before
    process.send_signal(signal.SIGTERM)
    await process.wait()
    waits.sort()
    return len(waits) / wall, cpu / len(waits), waits[len(waits) // 2], waits[int(len(waits) * 0.99)], codes


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {seconds:g} s each")
    print(
        f"{'':<14}{'messages/s':>12}{'to bare':>9}{'CPU ms each':>13}{'median ms':>11}{'99 % ms':>9}  answers"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        limit = bare(folder, seconds)
        print(f"{'bare insert':<14}{limit:>12,.0f}")
        for round_, senders in enumerate(SENDERS, 1):
            found = asyncio.run(measured(folder / "home", senders, seconds, round_))
            rate, cpu, median, slow, codes = found
            print(
                f"{f'{senders} senders':<14}{rate:>12,.0f}{rate / limit:>9.2f}{cpu * 1000:>13.2f}"
                f"{median * 1000:>11.2f}{slow * 1000:>9.2f}  {codes}"
            )
        limit = bare(folder / "home", seconds)
        print(f"{'bare insert':<14}{limit:>12,.0f}  (again, at the end)")


if __name__ == "__main__":
    main()
