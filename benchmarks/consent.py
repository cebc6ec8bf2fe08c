"""How long it takes to say who is left out, with a million patients of whom 30,000 refuse.

Run it with ``.venv/bin/python benchmarks/consent.py``; it prints milliseconds of the processor (on SQLite, in
the process) and fails above a bound. The index of Consents is filled directly: each patient has one; 30,000
refuse secondary use and suggestions, 3,000 of those by an entry; 300 refuse to be seen for care. 20,000
patients were merged into another, and 10,000 suggestions wait.
"""

import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from vesalius import loop
from vesalius.card import Text
from vesalius.governance import _consents, consent, people
from vesalius.governance.access import Access, Rules
from vesalius.governance.consent import Kind
from vesalius.governance.roles import Right
from vesalius.hospital import Hospital
from vesalius.identity._tables import merge
from vesalius.settings import Settings
from vesalius.store import reading, writing
from vesalius.usecase import Suggestion

PATIENTS, REFUSE, ENTERED, SHUT, MERGED, WAITING, ROUNDS = 1_000_000, 30_000, 3_000, 300, 20_000, 10_000, 20
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BOUND = 100.0
"""Milliseconds."""


def fill(engine: sa.Engine) -> None:
    """A Consent of each patient; who refuses is drawn by chance."""
    chance = random.Random(1543)
    refusing = chance.sample(range(PATIENTS), REFUSE)
    entered, by_consent, shut = refusing[:ENTERED], set(refusing[ENTERED:]), set(refusing[:SHUT])
    for start in range(0, PATIENTS, 50_000):
        rows = []
        for number in range(start, start + 50_000):
            head = {
                "consent": f"c{number}", "place": 0, "patient": f"p{number}", "kind": "", "reason": "",
                "begins": _consents.DAWN, "ends": _consents.DAWN, "recorded_at": NOW, "seq": number,
            }  # fmt: skip
            rows.append(head)
            kinds = [Kind.SUGGESTIONS, Kind.SECONDARY] if number in by_consent else []
            kinds += [Kind.CARE] if number in shut else []
            told = {"begins": NOW - timedelta(days=9), "ends": datetime.max.replace(tzinfo=UTC)}
            rows += [
                head | told | {"place": n, "kind": str(k), "reason": "refused"}
                for n, k in enumerate(kinds, 1)
            ]
        with writing(engine) as connection:
            connection.execute(sa.insert(_consents.refusal), rows)
    by = {"person": "", "said_by": "patient", "begins": NOW, "by": "dpo", "role": "dpo", "at": NOW}
    with writing(engine) as connection:
        connection.execute(
            sa.insert(consent._entry),
            [
                by | {"patient": f"p{each}", "kind": kind}
                for each in entered
                for kind in ("suggestions", "secondary")
            ],
        )
        pairs = [chance.sample(range(PATIENTS), 2) for _ in range(MERGED)]
        seen = set()
        rows = []
        for one, other in pairs:
            if one in seen:
                continue
            seen.add(one)
            rows.append(
                {
                    "source": f"p{one}",
                    "target": f"p{other}",
                    "at": NOW,
                    "origin": "feed",
                    "by": "x",
                    "reason": "",
                }
            )
        connection.execute(sa.insert(merge), rows)


def suggestions(hospital: Hospital) -> None:
    """What waits, of patients who do not refuse but for some."""
    chance = random.Random(1514)
    made = [
        Suggestion(
            usecase="readmission", version="1", model="", settings="",
            subject=f"Patient/p{chance.randrange(PATIENTS)}",
            focus=f"Encounter/e{number}", as_of=NOW, position=0, option="call", indicator="info",
            summary=Text("title"), reasons=(),
        )
        for number in range(WAITING)
    ]  # fmt: skip
    hospital.review.file(made, "live", NOW)


def median(ask) -> float:
    """Milliseconds; the first round is not counted."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.process_time()
        ask()
        times.append((time.process_time() - start) * 1000)
    return sorted(times[1:])[ROUNDS // 2]


def main() -> int:
    """Measures, and prints."""
    with tempfile.TemporaryDirectory() as folder:
        hospital = Hospital.open(Path(folder), Settings(synthetic=True))
        fill(hospital.engine)
        suggestions(hospital)
        doctor = people.add(hospital.engine, "doctor", name="Doctor", role="doctor")
        access = Access(hospital.lake, Rules("off"))

        def page() -> int:
            whom = access.scope(doctor, Right.SEE_WORKLIST, NOW)
            return hospital.review.worklist(never=whom.never, now=NOW).total

        def turn() -> int:
            with reading(hospital.engine) as connection:
                return len(consent.objecting(connection, subjects, NOW))

        with writing(hospital.engine) as connection:
            _consents.changed(connection)
        first = time.process_time()
        spared = loop.spare(hospital, NOW)
        first = (time.process_time() - first) * 1000
        bare = median(lambda: hospital.review.worklist(now=NOW))
        subjects = [f"Patient/p{n * 499}" for n in range(2_000)]
        found = {
            f"excluded: {len(consent.excluded(hospital.lake, 'secondary', NOW))} patients": median(
                lambda: consent.excluded(hospital.lake, "secondary", NOW)
            ),
            "standing: 50 patients": median(
                lambda: consent.standing(hospital.lake, [f"Patient/p{n * 997}" for n in range(50)], NOW)
            ),
            f"who of {len(subjects)} candidates objects": median(turn),
            "spare, again": median(lambda: loop.spare(hospital, NOW)),
            f"worklist of {page()}": median(page),
        }
        rare = {
            "worklist without who refuses care": bare,
            "counts": median(lambda: consent.counts(hospital.lake, NOW)),
            f"spare, first: {spared} of {WAITING}": first,
        }
        for name, taken in (found | rare).items():
            sys.stdout.write(f"{name:<40} {taken:8.2f} ms\n")
        hospital.close()
        return int(max(found.values()) > BOUND)


if __name__ == "__main__":
    raise SystemExit(main())
