"""How long the worklist page takes at the server, with 10,000 open suggestions.

It asks the real application through ASGI, without a network: sign-in, session, rights, audit event, query,
words and HTML are all in the time. Beside it, the same framework answering an empty page tells what the
framework itself costs on this machine.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "console"))

import httpx
import synthetic
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from vesalius.console import app

OPEN = 10_000
ROUNDS = 60
LIMIT_MS = 100.0
PAGES = {
    "worklist, first page": "/",
    "worklist, filtered": "/?ward=Urologie&indicator=warning",
    "worklist, searched": "/?text=peeters",
    "worklist, page 150": "/?page=150",
    "has it changed?": "/worklist/fresh?seen=x",
}


async def timed(client: httpx.AsyncClient, path: str, rounds: int = ROUNDS) -> tuple[float, float]:
    """Median and 95th percentile, in milliseconds, after five rounds that do not count."""
    times = []
    for number in range(rounds + 5):
        start = time.perf_counter()
        answer = await client.get(path)
        elapsed = time.perf_counter() - start
        assert answer.status_code == 200, (path, answer.status_code)
        if number >= 5:
            times.append(1000 * elapsed)
    return statistics.median(times), sorted(times)[int(0.95 * len(times))]


async def sign_in(client: httpx.AsyncClient) -> None:
    """Signs in as the doctor."""
    token = re.search(r'name="token" value="([^"]+)"', (await client.get("/sign-in")).text)
    assert token
    await client.post("/sign-in", data={"token": token.group(1), "login": "delforge"})


def client(application: Starlette) -> httpx.AsyncClient:
    """A client that speaks to the application in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://console")


async def measure(application: Starlette) -> int:
    """Prints the figures; 1 when the first page is over the limit."""
    bare = Starlette(routes=[Route("/", lambda _: PlainTextResponse("ok"))])
    async with client(bare) as browser:
        floor, _ = await timed(browser, "/")
    print(f"{'bare Starlette':<24} {floor:8.2f} ms")
    slow = False
    async with client(application) as browser:
        await sign_in(browser)
        for name, path in PAGES.items():
            median, tail = await timed(browser, path)
            slow |= path == "/" and tail >= LIMIT_MS
            print(f"{name:<24} {median:8.2f} ms median {tail:8.2f} ms p95 {median / floor:8.1f} x bare")
    print(f"limit {LIMIT_MS:g} ms at p95: {'EXCEEDED' if slow else 'kept'}")
    return int(slow)


def main() -> int:
    """Fills a hospital and measures."""
    with tempfile.TemporaryDirectory() as folder:
        hospital = synthetic.make(Path(folder), count=16)
        made, shown = synthetic.suggestions(OPEN, datetime.now(UTC))
        hospital.review.file(made, "live", datetime.now(UTC), shown)
        total = hospital.review.worklist(limit=1).total
        print(f"{total:,} open suggestions")
        try:
            return asyncio.run(measure(app(hospital)))
        finally:
            hospital.close()


if __name__ == "__main__":
    sys.exit(main())
