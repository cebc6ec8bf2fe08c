"""The calendar of the demo: how long the history, the silence and the live days last, ending now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

SEED = 1514
"""The default seed: the year Andreas Vesalius was born."""

SAMPLES = 4600
"""The default number of urine samples of the history."""

HOURS = (2, 1, 1, 1, 1, 3, 7, 9, 10, 11, 11, 10, 8, 8, 8, 8, 7, 6, 6, 5, 5, 4, 3, 2)
"""How many samples are taken at each hour of the day, relative to the others."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make, and for when.

    Attributes:
        seed: the same seed and the same ``now`` make the same bytes.
        now: the moment the demo ends; the last file was sent then.
        samples: the number of samples of the history.
        history_days: how long the history lasts, before the silence.
        silent_days: how long the use runs in silence.
        live_days: how long it has spoken, until now.
        silent_per_day, live_per_day: urine samples a day; more wards have joined since the history.
    """

    seed: int = SEED
    now: datetime = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
    samples: int = SAMPLES
    history_days: int = 490
    silent_days: int = 28
    live_days: int = 3
    silent_per_day: float = 18
    live_per_day: float = 44

    @classmethod
    def of(cls, seed: int, now: datetime, samples: int = SAMPLES) -> Plan:
        """The plan for some size: fewer samples make a shorter history and a quieter laboratory."""
        share = min(1.0, samples / SAMPLES)
        return cls(
            seed=seed,
            now=now.astimezone(UTC).replace(second=0, microsecond=0),
            samples=samples,
            history_days=max(60, round(490 * share)),
            silent_days=max(7, round(28 * share)),
            silent_per_day=max(8.0, 18 * share),
            live_per_day=max(10.0, 44 * share),
        )

    @property
    def live_from(self) -> datetime:
        """When the use begins to speak."""
        return self.now - timedelta(days=self.live_days)

    @property
    def silent_from(self) -> datetime:
        """When the silence begins; all before it is history."""
        return self.live_from - timedelta(days=self.silent_days)

    @property
    def begins(self) -> datetime:
        """When the history begins."""
        return self.silent_from - timedelta(days=self.history_days)

    def moments(self) -> list[datetime]:
        """When each sample is taken, in order."""
        rng = Random(f"{self.seed}/moments")  # noqa: S311 - synthetic data must be repeatable, not secret
        spans = (
            (self.begins, self.history_days, self.samples, 0.5),
            (self.silent_from, self.silent_days, round(self.silent_days * self.silent_per_day), 1.0),
            (self.live_from, self.live_days, round(self.live_days * self.live_per_day), 1.0),
        )
        taken = [
            _moment(rng, start, days, growth) for start, days, count, growth in spans for _ in range(count)
        ]
        return sorted(moment for moment in taken if moment < self.now)

    def sendings(self) -> Iterator[tuple[str, datetime]]:
        """When files are sent, with the phase: weekly at first, daily in silence, then every three hours."""
        yield from (
            ("history", moment) for moment in _steps(self.begins, self.silent_from, timedelta(days=7))
        )
        yield from (
            ("silent", moment) for moment in _steps(self.silent_from, self.live_from, timedelta(days=1))
        )
        yield from (("live", moment) for moment in _steps(self.live_from, self.now, timedelta(hours=3)))


def _moment(rng: Random, start: datetime, days: int, growth: float) -> datetime:
    """A moment of the span; with ``growth`` below 1, later days are busier."""
    day = start + timedelta(days=int(days * rng.random() ** growth))
    hour = rng.choices(range(24), HOURS)[0]
    # The hour counts from midnight, the span from any minute: stay inside the same 24 hours of it.
    shift = (hour - day.hour) % 24
    return day + timedelta(hours=shift, seconds=rng.randrange(3600) - day.minute * 60)


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    moment = start + step
    while moment < end:
        yield moment
        moment += step
    yield end
