"""Walking the loop by machine, on a small synthetic hospital: what ``vesalius demo --check`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from vesalius import loop
from vesalius.demo import staff
from vesalius.demo.feed import Sending, sendings
from vesalius.demo.making import NAME, USECASE, Maker, Progress, check_empty
from vesalius.demo.plan import SEED, Plan
from vesalius.errors import NotEnoughData, VesaliusError
from vesalius.evaluation import latest
from vesalius.governance import audit, uses
from vesalius.hospital import Hospital
from vesalius.review import Filed
from vesalius.settings import Settings
from vesalius.views import View

SAMPLES = 700
"""The history of the hospital that is walked through: enough to learn from, little enough to be quick."""


@dataclass(frozen=True)
class Stage:
    """One stage of the loop, walked.

    Attributes:
        name: which.
        counts: how many of what it produced.
        ok: whether it produced some of each.
        words: the counts, or what went wrong, for people.
    """

    name: str
    counts: dict[str, int] = field(default_factory=dict)
    ok: bool = False
    words: str = ""


def check(
    home: Path,
    *,
    seed: int = SEED,
    samples: int = SAMPLES,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> list[Stage]:
    """Walks the loop once, in an empty folder, and says what each stage produced.

    Args:
        home: an empty folder, for the hospital.
        seed: the same seed, the same walk.
        samples: the urine samples of its history.
        progress: hears how it goes.
        now: the moment at which the demo's clock stands.

    Returns:
        One stage after the other; after one that failed, the rest are not walked, and not ok.

    Raises:
        NotAllowed: the database that the environment names is not empty.
    """
    plan = Plan.of(seed, now or datetime.now(UTC), samples)
    Settings(hospital=NAME, synthetic=True).save(home)
    with _opened(home) as hospital:
        check_empty(hospital)
        walk = Walk(hospital, Maker(hospital, plan, progress or (lambda *_: None)))
        stages: list[Stage] = []
        for name, step in walk.steps():
            stages.append(_walked(name, step) if all(stage.ok for stage in stages) else _not_reached(name))
        return stages


class Walk:
    """The stages, in order, each returning how many of what it produced.

    Args:
        hospital: an empty one.
        maker: what makes it, not yet run.
    """

    def __init__(self, hospital: Hospital, maker: Maker) -> None:
        self.hospital = hospital
        self.maker = maker
        self._sent: list[Sending] = []

    def steps(self) -> Iterator[tuple[str, Callable[[], dict[str, int]]]]:
        """The stages by name."""
        yield "receive", self.receive
        yield "views", self.views
        yield "learn", self.learn
        yield "silence", self.silence
        yield "suggest", self.suggest
        yield "review", self.review
        yield "outcome", self.outcome
        yield "evaluate", self.evaluate
        yield "replay", self.replay
        yield "govern", self.govern

    def receive(self) -> dict[str, int]:
        """Files become resources; what is broken is held; the same files again add nothing."""
        self._sent = list(sendings(self.maker.plan))
        history = self._phase("history")
        self.maker.receive_all(history)
        position = self.hospital.lake.position()
        self.maker.receive(history[-1])
        if self.hospital.lake.position() != position:
            raise VesaliusError("receiving the same files again added something")
        counts = self.maker.counts
        return {"files": counts["files"], "resources": counts["written"], "held": counts["quarantined"]}

    def views(self) -> dict[str, int]:
        """Resources become tables, by each view of the use case."""
        counts = {}
        for place in sorted(files(f"vesalius.usecases.{USECASE}").joinpath("views").iterdir(), key=str):
            view = View.load(Path(str(place)))
            counts[f"rows of {place.name.partition('.')[0]}"] = view.table(self.hospital.lake).num_rows
        return counts

    def learn(self) -> dict[str, int]:
        """A model from the history, validated, and signed for a silent trial."""
        self.maker.learn()
        use = uses.current(self.hospital.engine, USECASE)
        return {"samples learnt from": self.maker.counts["cohort"], "models": int(bool(use.model))}

    def silence(self) -> dict[str, int]:
        """Suggestions that nobody sees, and what came of them."""
        self.maker.turn_all("silent", self._phase("silent"))
        return {"suggestions": self._filed("silent"), "outcomes": self.maker.counts["outcomes"]}

    def suggest(self) -> dict[str, int]:
        """The gates signed, suggestions that people see."""
        live_from = self.maker.plan.live_from + timedelta(seconds=1)
        staff.sign(self.hospital.engine, USECASE, staff.LIVE, live_from)
        self.maker.turn_all("live", self._phase("live"))
        waiting = self.hospital.review.worklist(usecase=USECASE, now=self.maker.plan.now).total
        return {"suggestions": self._filed("live"), "waiting on the worklist": waiting}

    def review(self) -> dict[str, int]:
        """A person accepts, takes it back, and overrides with a reason."""
        now, review = self.maker.plan.now, self.hospital.review
        filed = self._waiting()
        doctor, role = staff.DOCTOR.login, staff.DOCTOR.role
        taken = review.decide(filed.id, "accepted", by=doctor, role=role, at=now)
        review.undo(taken.id, doctor, now + timedelta(minutes=1), minutes=self.hospital.settings.undo_minutes)
        review.decide(
            filed.id,
            "overridden",
            by=doctor,
            role=role,
            reason="clinical_picture",
            at=now + timedelta(minutes=2),
        )
        decided = len(review.decisions(usecase=USECASE, undone=False, limit=1000))
        return {"decisions": decided, "taken back": 1}

    def outcome(self) -> dict[str, int]:
        """The cultures that came in."""
        loop.outcomes(self.hospital, USECASE, self.maker.plan.now)
        positive = sum(filed.outcome.value for filed in self._silent() if filed.outcome)
        return {"outcomes": self.maker.counts["outcomes"], "positive cultures in silence": positive}

    def evaluate(self) -> dict[str, int]:
        """The validation run can be read again, and what was said in silence is held against the cultures."""
        run = latest(self.hospital.runs, USECASE)
        known = [filed for filed in self._silent() if filed.outcome and filed.probability is not None]
        return {
            "samples cross-validated": run.rows if run else 0,
            "simple rules beside the model": len(run.performances) - 1 if run else 0,
            "silent suggestions held against their culture": len(known),
        }

    def replay(self) -> dict[str, int]:
        """Suggestions made again, byte for byte, after all that came since."""
        review = self.hospital.review
        some = [
            *review.worklist(usecase=USECASE, mode="silent", status="all", limit=20).items,
            *review.worklist(usecase=USECASE, status="all", limit=20).items,
        ]
        same = sum(loop.replay(self.hospital, filed.id) == filed.body for filed in some)
        if same != len(some):
            raise VesaliusError(f"{len(some) - same} suggestions came out differently")
        return {"suggestions the same byte for byte": same}

    def govern(self) -> dict[str, int]:
        """The chain of events is whole, and the use speaks because people signed."""
        engine = self.hospital.engine
        events = audit.verify(engine)
        signed = sum(change.kind == "signed" for change in uses.history(engine, USECASE))
        return {
            "audit events": events,
            "signatures": signed,
            "uses that speak": int(uses.speaks(engine, USECASE)),
        }

    def _phase(self, phase: str) -> list[Sending]:
        return [sending for sending in self._sent if sending.phase == phase]

    def _silent(self) -> list[Filed]:
        review = self.hospital.review
        page = review.worklist(usecase=USECASE, mode="silent", status="all", limit=1000)
        return [review.get(filed.id) for filed in page.items]

    def _filed(self, mode: str) -> int:
        return sum(count.count for count in self.hospital.review.counts() if count.mode == mode)

    def _waiting(self) -> Filed:
        items = self.hospital.review.worklist(usecase=USECASE, now=self.maker.plan.now).items
        if not items:
            raise NotEnoughData("nothing waits on the worklist")
        return items[0]


def _walked(name: str, step: Callable[[], dict[str, int]]) -> Stage:
    try:
        counts = step()
    except VesaliusError as error:
        return Stage(name, words=str(error))
    words = ", ".join(f"{count} {what}" for what, count in counts.items())
    return Stage(name, counts, ok=bool(counts) and all(counts.values()), words=words)


def _not_reached(name: str) -> Stage:
    return Stage(name, words="not reached")


@contextmanager
def _opened(home: Path) -> Iterator[Hospital]:
    hospital = Hospital.open(home)
    try:
        yield hospital
    finally:
        hospital.close()
