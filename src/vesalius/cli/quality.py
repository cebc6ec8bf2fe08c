"""Whether each feed still comes, and what it is like."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, opened, progress, rows

if TYPE_CHECKING:
    from vesalius.ingest.quality import FeedQuality


@click.command()
@click.option("--check", is_flag=True, help="Fail when a feed is silent, for a monitoring system.")
@click.option("--rebuild", is_flag=True, help="Count the whole log again.")
@HOME
def quality(check: bool, rebuild: bool, home: Path) -> None:
    """Each feed: does it still come, is it understood, complete, coded, plausible and in time?"""
    from vesalius.ingest import quality as room

    with opened(home) as hospital, progress() as tick:
        count = room.rebuild if rebuild else room.refresh
        count(hospital.lake, rows(tick, "counting"))
        found = room.feed_quality(hospital.lake, datetime.now(UTC))
    for feed in found:
        click.echo(_line(feed))
        if feed.off:
            click.echo(f"         switched off by {feed.off.by} since {feed.off.since:%Y-%m-%d}")
        for shift in feed.shifts:
            click.echo(f"         worse: {shift.what} {shift.before:.0%} -> {shift.now:.0%}")
    if check and any(feed.silence.alarm == "silent" for feed in found):
        sys.exit(1)


def _line(feed: FeedQuality) -> str:
    last = f"{feed.silence.last:%Y-%m-%d %H:%M}" if feed.silence.last else "never"
    shares = {
        "understood": feed.understood,
        "complete": feed.complete,
        "coded": feed.coded,
        "ucum": feed.ucum,
        "plausible": feed.plausible,
    }
    said = ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if share is not None)
    return f"{feed.silence.alarm:<8} {feed.source}: last {last} UTC, {feed.rate:.0f} a day, {said}"
