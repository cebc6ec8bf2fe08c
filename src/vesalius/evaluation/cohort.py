"""From a lake's history to what can be learnt from and validated on: evidence beside outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius import identity
from vesalius.errors import NotEnoughData, NotFound
from vesalius.ingest import CsvMap, Receipt, receive
from vesalius.usecase import Candidate, Evidence

if TYPE_CHECKING:
    import numpy as np

    from vesalius.lake import Lake
    from vesalius.usecase import Outcome, UseCase

START = datetime(1900, 1, 1, tzinfo=UTC)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Cohort:
    """N candidates of the past whose outcome is known.

    Attributes:
        evidence: what was known at each one's own moment, N rows.
        outcomes: N booleans, whether the card's target came true.
        practice: N answers, what the clinicians did by themselves; None where the data does not say.
        sites: N names of where each was seen; None where the use case does not say.
        known_at: N moments, when each outcome could first be known; empty where that was not asked.
        refused: how many patients became due, and are not among them because they refuse it.
    """

    evidence: Evidence
    outcomes: np.ndarray
    practice: list[bool | None]
    sites: list[str] | None = None
    known_at: tuple[datetime, ...] = ()
    refused: int = 0


def gather(
    usecase: UseCase,
    lake: Lake,
    *,
    since: datetime = START,
    until: datetime | None = None,
    known_at: datetime | None = None,
    without: frozenset[str] = frozenset(),
) -> Cohort:
    """Everyone who became due in (``since``, ``until``] and whose outcome was known at ``known_at``.

    It calls the same ``candidates``, ``evidence`` and ``outcome`` as live use. Of who is ``without``, neither
    outcome nor evidence is asked for.

    Args:
        usecase: what is learnt or validated.
        lake: whose history.
        since: nobody who became due up to then.
        until: nobody who became due later; now, if not given.
        known_at: no outcome that was known later; now, if not given.
        without: these patients (``Patient/ID``) are left out: who refuses that their data is used for
            anything but care (Regulation (EU) 2025/327, article 71).

    Raises:
        NotEnoughData: nobody became due, or no outcome is known.
    """
    import numpy as np

    pinned = lake.pinned()
    until = until or datetime.now(UTC)
    known_at = known_at or datetime.now(UTC)
    due = usecase.candidates(pinned, since, until)
    # What happened to a patient who was merged meanwhile is found with the one who stands for them.
    stands = identity.followed(lake.engine, {each.subject for each in due}, known_at)
    every = _each_once(due, stands)
    candidates = [each for each in every if without.isdisjoint((each.subject, stands[each.subject]))]
    refused = len({stands[each.subject] for each in every} - {stands[each.subject] for each in candidates})
    later = [Candidate(stands[each.subject], each.focus, each.as_of) for each in candidates]
    outcomes: list[Outcome | None] = usecase.outcome(pinned, later, known_at)
    known = [(candidate, outcome) for candidate, outcome in zip(candidates, outcomes, strict=True) if outcome]
    if not known:
        raise NotEnoughData(
            f"{usecase.card.name}: {len(candidates)} candidates, no outcome known",
            hint="ingest the data that holds the outcomes first",
        )
    kept = [candidate for candidate, _ in known]
    after = [Candidate(stands[each.subject], each.focus, each.as_of) for each in kept]
    evidence = usecase.evidence(pinned, kept)
    # Rows of one person stay together in every split, whatever name they were known by at the time.
    own = tuple(after) if after != kept else evidence.candidates
    return Cohort(
        Evidence(own, evidence.table, evidence.sources, evidence.position),
        np.array([outcome.value for _, outcome in known], dtype=bool),
        usecase.practice(pinned, after, known_at),
        usecase.sites(pinned, kept),
        tuple(outcome.known_at for _, outcome in known),
        refused,
    )


def _each_once(candidates: Sequence[Candidate], stands: Mapping[str, str]) -> list[Candidate]:
    """Each candidate once: one whose patient was merged is due again later, with who stands for them."""
    first: dict[tuple[str, str], Candidate] = {}
    for each in sorted(candidates, key=lambda candidate: candidate.as_of):
        first.setdefault((stands[each.subject], each.focus), each)
    return [each for each in candidates if first[stands[each.subject], each.focus] is each]


def receive_folder(
    lake: Lake, folder: Path, maps: Path, progress: Progress | None = None, *, files: str = "*"
) -> list[Receipt]:
    """Receives the data files of ``folder``: FHIR as it is, CSV through the map of its name.

    A table that is one of several is read through the map of its own name; one for which there is no map (a
    list of codes, say) is passed over, and no receipt names it.

    Args:
        lake: where it goes.
        folder: the data, such as ``uti-primary-care``.
        maps: the folder of maps; ``stays.toml`` is the map of ``stays.csv.gz``, and so is
            ``FOLDER/stays.toml`` where the data comes in ``FOLDER``; ``uti-primary-care.toml`` that of any
            other table in a folder of that name.
        progress: called with rows done and rows in all, where that is known.
        files: only the files whose name fits this pattern, as ``set_a_*``.

    Raises:
        NotFound: the folder holds no such file that can be read.
    """
    receipts = []
    for path in sorted(folder.glob(files)) if folder.is_dir() else []:
        kind = path.name.removesuffix(".gz").rpartition(".")[2]
        if kind in {"csv", "tsv"}:
            csv_map = _map_of(path, maps, folder.name)
            if csv_map is None:
                continue
        elif kind in {"ndjson", "json"}:
            csv_map = None
        else:
            continue
        receipts.append(
            receive(lake, path.name, path, source=folder.name, csv_map=csv_map, progress=progress)
        )
    if not receipts:
        raise NotFound(
            f"no NDJSON, bundle or CSV with a map in {folder}",
            hint="name the folder that holds the data files",
        )
    return receipts


def _map_of(path: Path, maps: Path, folder: str) -> CsvMap | None:
    """The map of a table: that of its own name, else that of its folder's; None where there is neither."""
    own = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    found = (maps / f"{name}.toml" for name in (f"{folder}/{own}", own, folder))
    return next((CsvMap.load(each) for each in found if each.is_file()), None)
