"""Making the synthetic hospital: from the files it sends to a use that speaks, with the real components."""

from __future__ import annotations

import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from random import Random
from typing import Any

from vesalius import loop
from vesalius.demo import doubles, holter, refusals, register, staff, trial, vitals
from vesalius.demo.clinicians import decide_some
from vesalius.demo.feed import CULTURES, RECORD, RESULTS, Sending, sendings
from vesalius.demo.plan import SAMPLES, SEED, Plan
from vesalius.errors import NotAllowed
from vesalius.evaluation import study
from vesalius.governance import audit, uses, validations
from vesalius.hospital import Hospital
from vesalius.ingest import CsvMap, receive
from vesalius.monitoring import refreshing
from vesalius.settings import FILE, Settings
from vesalius.usecase import find

USECASE = "urine"
SILENT = "readmission"
"""The use that runs in silence until now, with the model that it ships."""

NAME = "Clinique de l'Aubépine (fictive)"
MADE = "demo.json"
SOURCES = {RECORD: "dossier", RESULTS: "laboratoire", CULTURES: "microbiologie"}

SETTINGS = {"start_from": 0.5, "withhold_below": 0.12}
"""The thresholds that the demo's biologist chose on the page that shows what each one misses."""

REPEATS, FOLDS, DRAWS = 1, 5, 200
"""Of the cross-validation: fewer than ``vesalius validate`` makes, for speed."""

RETURNS = 5
"""After how many sendings it is looked who came back: that takes seconds, and counts a month later anyway."""

Progress = Callable[[str, int, int, str], None]
"""Called with the stage, what is done and what there is to do, and a few words."""


@dataclass(frozen=True)
class DemoResult:
    """What was made.

    Attributes:
        home: the hospital's folder.
        name: the hospital's name.
        made_at: the moment at which the demo's clock stands.
        reused: whether it was there already.
        counts: how many of what: files, read, written, quarantined, silent, live, open, decided …
    """

    home: Path
    name: str
    made_at: datetime
    reused: bool
    counts: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """What to tell the person who started it."""
        count = self.counts
        made = "made before, on" if self.reused else "made on"
        return [
            f"{self.name}, synthetic: {made} {self.made_at:%Y-%m-%d %H:%M} UTC, kept in {self.home}",
            f"received {count['written']} resources in {count['files']} files; {count['quarantined']} held",
            f"learnt from {count['cohort']} samples",
            f"suggested {count['silent']} times in silence, {count['live']} times live",
            f"{count['open']} suggestions wait on the worklist, {count['decided']} are decided",
        ]


def make_hospital(
    home: Path,
    *,
    seed: int = SEED,
    size: int | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> DemoResult:
    """Makes the synthetic hospital in ``home``, or opens the one that was made there before.

    Args:
        home: its folder.
        seed: the same seed, size and ``now`` make the same hospital.
        size: the number of urine samples of its history.
        fresh: forget what was made there before.
        progress: hears how it goes.
        now: the moment at which the demo's clock stands.

    Raises:
        NotAllowed: the folder holds a hospital that is not synthetic, or something else.
    """
    if not fresh and (found := _made_before(home)):
        return found
    _clear(home)
    plan = Plan.of(seed, now or datetime.now(UTC), size or SAMPLES)
    Settings(hospital=NAME, synthetic=True, require_course="warn").save(home)
    hospital = Hospital.open(home)
    try:
        check_empty(hospital)
        counts = Maker(hospital, plan, progress or _quiet).run()
    finally:
        hospital.close()
    result = DemoResult(home, NAME, plan.now, reused=False, counts=counts)
    kept = {"made_at": plan.now.isoformat(), "seed": seed, "counts": counts}
    (home / MADE).write_text(json.dumps(kept, indent=1), "utf-8")
    return result


def check_empty(hospital: Hospital) -> None:
    """The settings, or ``VESALIUS_DATABASE``, may name a database that is already somebody's.

    Raises:
        NotAllowed: it holds something; synthetic patients must never stand among others.
    """
    if hospital.lake.position() or audit.events(hospital.engine, limit=1):
        raise NotAllowed(
            "the database is not empty: a synthetic hospital needs one of its own",
            hint="unset VESALIUS_DATABASE, or name an empty database: nothing was touched",
        )


class Maker:
    """Runs the plan on a hospital, stage by stage.

    Args:
        hospital: an empty one.
        plan: what to make.
        progress: hears how it goes.
    """

    def __init__(self, hospital: Hospital, plan: Plan, progress: Progress) -> None:
        self.hospital = hospital
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self._progress = progress
        self._random = Random(f"{plan.seed}/clinicians")  # noqa: S311 - repeatable, not secret
        self._maps = load_maps()
        self._turned = plan.silent_from
        self._refused: list[refusals.Told] = []

    def run(self) -> dict[str, int]:
        """All stages; how many of what."""
        self._progress("generate", 0, 1, "patients, stays, samples")
        sent = list(sendings(self.plan))
        self._progress("generate", 1, 1, f"{len(sent)} sendings")
        phases = {
            phase: [item for item in sent if item.phase == phase] for phase in ("history", "silent", "live")
        }
        self.receive_all(phases["history"])
        self.learn()
        self.turn_all("silent", phases["silent"])
        live = self.plan.live_from + timedelta(seconds=1)
        staff.study(self.hospital, USECASE, live - timedelta(days=1))
        staff.sign(self.hospital.engine, USECASE, staff.LIVE, live)
        self.receive_refusals(live)
        self.turn_all("live", phases["live"])
        self.take_back()
        self.receive_doubles()
        self.warn()
        self.listen()
        loop.catch_up(self.hospital, self._counted)
        refreshing.refresh(self.hospital, self.plan.now, self._watched)
        self._count_suggestions()
        return dict(self.counts)

    def receive_all(self, sent: list[Sending]) -> None:
        """Receives the history."""
        for done, sending in enumerate(sent, 1):
            self.receive(sending)
            self._progress("receive", done, len(sent), f"{self.counts['written']} resources")

    def receive(self, sending: Sending) -> None:
        """Receives the files of one sending, from the hospital's file drop."""
        sending.write(self.hospital.home / "inbox")
        for name, data in sending.files.items():
            receipt = receive(
                self.hospital.lake,
                f"{sending.folder}/{name}",
                io.BytesIO(data),
                source=SOURCES[name],
                csv_map=self._maps.get(name),
                received_at=sending.at,
            )
            self.counts["files"] += 1
            for count in ("read", "written", "unchanged", "quarantined"):
                self.counts[count] += getattr(receipt, count)

    def receive_doubles(self) -> None:
        """Receives a file of a clinic that registered some patients by itself: doubtful pairs."""
        at = self.plan.now - timedelta(hours=1)
        patients = (version.resource for version in self.hospital.lake.resources("Patient"))
        data = b"\n".join(doubles.doubles(patients, at - timedelta(days=1)))
        self._receive(doubles.FILE, doubles.SOURCE, data, at)

    def receive_refusals(self, at: datetime) -> None:
        """Receives what the register of opt-outs knows of the patients who are here."""
        patients = sorted(version.id for version in self.hospital.lake.resources("Patient"))
        self._refused = list(refusals.refusals(patients, self.plan.seed, at))
        self._receive(refusals.FILE, refusals.SOURCE, refusals.lines(self._refused), at)

    def take_back(self) -> None:
        """Receives which refusals were taken back since."""
        at = self.plan.now - timedelta(hours=2)
        back = refusals.taken_back(self._refused, self.plan.seed, at)
        self._receive(refusals.FILE, refusals.SOURCE, refusals.lines(back), at)

    def _receive(self, file: str, source: str, data: bytes, at: datetime) -> None:
        """Receives a file that another system sends."""
        if not data:
            return
        name = f"{at:%Y-%m-%dT%H%M}/{file}"
        receipt = receive(self.hospital.lake, name, io.BytesIO(data), source=source, received_at=at)
        self.counts["files"] += 1
        for count in ("read", "written", "unchanged", "quarantined"):
            self.counts[count] += getattr(receipt, count)

    def warn(self) -> None:
        """Receives the vital signs of the wards, and lets the early warning speak on them."""
        receipt = vitals.warn(self.hospital, self.plan)
        for count in ("read", "written", "unchanged", "quarantined") if receipt else ():
            self.counts[count] += getattr(receipt, count)
        self.counts["files"] += receipt is not None

    def listen(self) -> None:
        """Receives what the bought Holter system reports, signs it and lets it speak."""
        for receipt in holter.run(self.hospital, self.plan):
            self.counts["files"] += 1
            for count in ("read", "written", "unchanged", "quarantined"):
                self.counts[count] += getattr(receipt, count)

    def learn(self) -> None:
        """Learns from the history, validates, and brings the use to its silent trial with its signatures."""
        engine, plan = self.hospital.engine, self.plan
        staff.hire(engine, plan.begins)
        register.fill(engine, plan.silent_from - timedelta(days=40))
        staff.sign(engine, USECASE, staff.DATA, plan.silent_from - timedelta(days=14))
        self.begin_silence()
        self._progress("learn", 0, 1, "evidence of the history")
        kind = find(USECASE)
        # The first silent turn looks back as far as the card's window: what it meets, it has not learnt from.
        until = plan.silent_from - kind.card.window
        cohort = loop.history(
            self.hospital, USECASE, until=until, known_at=plan.silent_from, at=plan.silent_from
        )
        self.counts["cohort"] = len(cohort.outcomes)
        model = kind().learn(cohort.evidence, cohort.outcomes, plan.seed)
        self.hospital.models.save(model)
        self._progress("learn", 1, 1, f"{len(cohort.outcomes)} samples with a culture")
        run = study(
            kind,
            cohort.evidence,
            cohort.outcomes,
            cohort.practice,
            plan.seed,
            self._validated,
            repeats=REPEATS,
            folds=FOLDS,
            draws=DRAWS,
            settings=SETTINGS,
        )
        run.save(self.hospital.runs)
        kept = plan.silent_from - timedelta(days=4)
        validations.keep(engine, run, by=staff.ENGINEER.login, at=kept)
        self._put_in_force(model.hash)

    def begin_silence(self) -> None:
        """Signs the second use up to its silent trial: on the report of the model that it ships."""
        engine, day = self.hospital.engine, timedelta(days=1)
        for signatures, days in ((staff.DATA_STAYS, 12), (staff.SHIPPED, 8), (staff.SILENT, 1)):
            staff.sign(engine, SILENT, signatures, self.plan.silent_from - days * day)
        trial.begin(self.hospital, SILENT, self.plan.silent_from, believed=trial.STAYS, wait_days=30)

    def _put_in_force(self, model: str) -> None:
        """Model and thresholds, then the signatures on the run, then those on the silent trial."""
        engine, plan = self.hospital.engine, self.plan
        day = timedelta(days=1)
        engineer, biologist = (staff.person(engine, member) for member in (staff.ENGINEER, staff.BIOLOGIST))
        at = plan.silent_from - 3 * day
        uses.set_model(engine, USECASE, model, engineer, reason=staff.MODEL_REASON, at=at)
        uses.set_use_settings(engine, USECASE, SETTINGS, biologist, reason=staff.SETTINGS_REASON, at=at)
        staff.sign(engine, USECASE, staff.VALIDATED, plan.silent_from - 2 * day)
        staff.sign(engine, USECASE, staff.SILENT, plan.silent_from - day)
        trial.begin(self.hospital, USECASE, plan.silent_from)

    def _counted(self, done: int, total: int) -> None:
        self._progress("quality", done, total, "data quality of each feed")

    def _watched(self, done: int, total: int) -> None:
        self._progress("monitor", done, total, "how each use does")

    def _validated(self, done: int, total: int) -> None:
        self._progress("validate", done, total, "cross-validation")

    def turn_all(self, stage: str, sent: list[Sending]) -> None:
        """Receives each sending, and turns the loop after it, as of its moment."""
        for done, sending in enumerate(sent, 1):
            self.receive(sending)
            self.counts["outcomes"] += loop.outcomes(self.hospital, USECASE, sending.at)
            if done % RETURNS == 0 or done == len(sent):
                loop.outcomes(self.hospital, SILENT, sending.at)
            if stage == "live":
                decide_some(self.hospital, USECASE, self._random, self._turned, sending.at)
            for usecase in (USECASE, SILENT):
                loop.turn(self.hospital, usecase, sending.at)
                trial.look(self.hospital, usecase, sending.at)
            self._turned = sending.at
            self._progress(stage, done, len(sent), f"{self.counts['outcomes']} outcomes known")

    def _count_suggestions(self) -> None:
        for count in self.hospital.review.counts():
            self.counts[count.mode] += count.count
            if count.mode == "live":
                self.counts[count.status] += count.count
        self.counts["decided"] = sum(self.counts[status] for status in ("accepted", "modified", "overridden"))


def load_maps() -> dict[str, Any]:
    """The maps of the laboratory's CSV files, by file name."""
    maps = {}
    for name in (RESULTS, CULTURES):
        with as_file(files("vesalius.demo") / "maps" / name.replace(".csv", ".toml")) as path:
            maps[name] = CsvMap.load(path)
    return maps


def _made_before(home: Path) -> DemoResult | None:
    try:
        kept = json.loads((home / MADE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    made_at = datetime.fromisoformat(kept["made_at"])
    return DemoResult(home, NAME, made_at, reused=True, counts=kept["counts"])


def _clear(home: Path) -> None:
    """Empties the folder of a synthetic hospital, half made or whole; touches nothing else."""
    if not home.exists() or not any(home.iterdir()):
        return
    if not (home / FILE).exists() or not Settings.load(home, {}).synthetic:
        raise NotAllowed(
            f"{home} is not a synthetic hospital", hint="give another --home: nothing was touched"
        )
    shutil.rmtree(home)


def _quiet(stage: str, done: int, total: int, words: str) -> None:
    """Says nothing."""
