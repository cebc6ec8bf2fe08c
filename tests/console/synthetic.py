"""A small hospital for the console's tests: made through the real lake, review and governance."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from vesalius import identity
from vesalius.card import Text
from vesalius.governance import care, consent, people, uses, views
from vesalius.hospital import Hospital
from vesalius.lake import Arrival
from vesalius.monitoring import _weeks, alarms
from vesalius.monitoring.alarms import Finding
from vesalius.monitoring.refreshing import _write, refresh_use
from vesalius.monitoring.status import Cell, ChartLine, Figures, GapLine, Range, RuleLine, Week, this_monday
from vesalius.review import Display
from vesalius.settings import Settings
from vesalius.store import writing
from vesalius.usecase import Change, Outcome, Reason, Suggestion, find

USECASE = "urine"
BEFORE = ("theissen", "segers", "vermeulen", "marchal")
"""Who signs up to the silent trial."""
AFTER = ("marchal", "theissen", "wauters", "lambrecht", "delforge")
"""Who signs for it to speak."""
STAFF = (
    ("delforge", "Dr Camille Delforge", "doctor", "fr"),
    ("vermeulen", "Apr. Pieter Vermeulen", "biologist", "nl"),
    ("theissen", "Birgit Theissen", "dpo", "de"),
    ("marchal", "Antoine Marchal", "director", "fr"),
    ("segers", "Lotte Segers", "engineer", "en"),
    ("lejeune", "Sabine Lejeune", "records", "fr"),
    ("nurse", "Ines Peeters", "nurse", "nl"),
    ("wauters", "An Wauters", "legal", "nl"),
    ("lambrecht", "Hugo Lambrecht", "works_council", "fr"),
)
PASSWORD = "correct horse battery"
EVIL = '<script>alert("x")</script>'
NAMES = (
    "Lambert, Hélène",
    "Janssens, Marie-Louise",
    "Dubois, Marguerite",
    "Van den Bossche, Godelieve",
    "Leclercq, Josiane",
    "Schmitz, Hannelore",
    "Peeters, Rita",
    "Maes, Yvonne",
    "Claes, Georgette",
    f"{EVIL}, Ève",
    "Wouters, Simonne",
    "Goossens, Jeannine",
    "Mertens, Paula",
    "De Smet, Lutgarde",
    "Willems, Denise",
    "Jacobs, André",
)
WARDS = ("Urgences", "Gériatrie 2", "Médecine interne", "Urologie", "Spoed")
OPTIONS = (
    ("start", "critical", 0.93),
    ("start", "warning", 0.81),
    ("wait", "info", 0.34),
    ("none", "info", 0.06),
    ("refer", "warning", None),
)


def make(
    home: Path,
    *,
    count: int = 60,
    synthetic: bool = True,
    now: datetime | None = None,
    second_factor: str = "none",
) -> Hospital:
    """A hospital with ``count`` live suggestions, some decided, one use that speaks, demo people."""
    now = now or datetime.now(UTC)
    settings = Settings(
        hospital="Clinique Sainte-Ode", synthetic=synthetic, language="fr", second_factor=second_factor
    )
    hospital = Hospital.open(home, settings)
    staff(hospital, now - timedelta(days=60))
    go_live(hospital, now - timedelta(days=30))
    receive(hospital, min(count, len(NAMES)), now)
    file(hospital, count, now)
    return hospital


def staff(hospital: Hospital, at: datetime) -> None:
    for login, name, role, language in STAFF:
        people.add(hospital.engine, login, name=name, role=role, language=language, at=at)
        care.set_units(hospital.engine, login, [care.EVERYWHERE], at=at)
    people.add(
        hospital.engine,
        "martin",
        name="Dr Paul Martin",
        role="doctor",
        language="fr",
        password=PASSWORD,
        at=at,
    )
    care.set_units(hospital.engine, "martin", [care.EVERYWHERE], at=at)


def go_live(hospital: Hospital, at: datetime) -> None:
    for who in (*BEFORE, *AFTER):
        person = people.get(hospital.engine, who)
        uses.sign(hospital.engine, USECASE, person, reason="Read, and agreed.", despite="A test.", at=at)


def receive(hospital: Hospital, count: int, now: datetime) -> None:
    bodies = []
    for number in range(count):
        bodies += resources(number, now - timedelta(hours=1 + number % 30))
    arrivals = [Arrival.of(json.dumps(body).encode()) for body in bodies]
    hospital.lake.write(arrivals, "tests", now - timedelta(minutes=5))


def resources(number: int, at: datetime) -> list[dict[str, Any]]:
    subject = {"reference": f"Patient/p{number}"}
    patient = {
        "resourceType": "Patient",
        "id": f"p{number}",
        "gender": "male" if number % 5 == 4 else "female",
        "birthDate": f"{1930 + number * 4 % 70}-03-1{number % 10}",
        "name": [{"text": NAMES[number]}],
    }
    specimen = {
        "resourceType": "Specimen",
        "id": f"s{number}",
        "subject": subject,
        "type": {
            "coding": [{"system": "http://snomed.info/sct", "code": "122575003", "display": "Urine specimen"}]
        },
        "receivedTime": at.isoformat(),
    }
    nitrite = {
        "resourceType": "Observation",
        "id": f"n{number}",
        "status": "final",
        "subject": subject,
        "specimen": {"reference": f"Specimen/s{number}"},
        "issued": at.isoformat(),
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": "5802-4", "display": "Nitrite in urine by test strip"}
            ]
        },
        "valueCodeableConcept": {
            "coding": [{"system": "http://snomed.info/sct", "code": "10828004", "display": "Positive"}]
        },
        "note": [{"text": EVIL}],
    }
    return [patient, specimen, nitrite]


def refuse(hospital: Hospital) -> None:
    """A patient who refuses three things in three ways: by a Consent, here, and to one person alone."""
    keeper, subject = people.get(hospital.engine, "lejeune"), "Patient/p1"
    body = {
        "resourceType": "Consent", "id": "c1", "status": "active", "patient": {"reference": subject},
        "scope": {"coding": [{"code": "research"}]}, "category": [{"text": "opt-out"}],
        "policy": [{"uri": "urn:p"}], "provision": {"type": "deny", "class": [{"code": "x"}]},
    }  # fmt: skip
    hospital.lake.write([Arrival.of(json.dumps(body).encode())], "register", datetime.now(UTC))
    ended = consent.record(hospital.lake, keeper, subject, "suggestions", said_by="register")
    consent.withdraw(hospital.engine, ended.id, keeper)
    consent.record(hospital.lake, keeper, subject, "care", person="nurse")


def doubles(hospital: Hospital, now: datetime) -> None:
    """Two patients who may be one, two who look like one and a third that a feed merged; numbers of nobody."""
    home = {"address": [{"line": ["Rue de Fer 1"], "postalCode": "5000", "city": "Namur"}]}
    born = {"birthDate": "1988-04-12", "gender": "female"}
    number = {"system": "https://hospital.example/mrn", "value": "4711"}
    phone = {"telecom": [{"system": "phone", "value": "081 00 00 00"}]}
    people = [
        {"id": "d1", "name": [{"family": "Van den Bröeck", "given": ["Hélène"]}], **born, **home, **phone},
        {
            "id": "d2",
            "name": [{"family": "Vandenbroeck", "given": ["Helene"]}],
            **born,
            "identifier": [number],
        },
        {
            "id": "d3",
            "name": [{"family": "Janssens", "given": ["Pieter"]}],
            "birthDate": "1951-02-03",
            **home,
        },
        {"id": "d4", "name": [{"family": "Jansen", "given": ["Pierre"]}], "birthDate": "1951-02-03"},
        {"id": "d5", "name": [{"family": "Maes", "given": ["Lotte"]}], "birthDate": "1999-09-09"},
        {
            "id": "d6",
            "active": False,
            "link": [{"other": {"reference": "Patient/d5"}, "type": "replaced-by"}],
        },
    ]
    about = [
        {"resourceType": "Observation", "id": f"of-{each}", "status": "final", "code": {"text": "test"},
         "subject": {"reference": f"Patient/{each}"}}
        for each in ("d1", "d6")
    ]  # fmt: skip
    bodies = [{"resourceType": "Patient", **each} for each in people] + about
    arrivals = [Arrival.of(json.dumps(body).encode()) for body in bodies]
    with writing(hospital.engine) as connection:
        identity.write(hospital.lake, arrivals, "adt", now - timedelta(minutes=5), connection)
    identity.refresh(hospital.lake, now=now)


def suggestions(count: int, now: datetime) -> tuple[list[Suggestion], list[Display]]:
    made, shown = [], []
    for number in range(count):
        made.append(suggestion(number, now))
        place = number % len(NAMES)
        shown.append(
            Display(
                NAMES[place],
                f"{1930 + place * 4 % 70}-03-1{place % 10}",
                WARDS[number % len(WARDS)],
                f"26{number:06d}",
            )
        )
    return made, shown


def suggestion(number: int, now: datetime) -> Suggestion:
    option, indicator, probability = OPTIONS[number * 7 % len(OPTIONS)]
    place = number % len(NAMES)
    if probability is not None:
        probability = round(min(0.99, probability + (number % 9) / 100), 3)
    source = (f"Observation/n{place}/_history/1",)
    reasons = (
        *(
            (
                Reason(
                    "severe",
                    rule=Text("rule.severe", {"count": 1, "source": "source.sepsis3"}),
                    sources=source,
                ),
            )
            if indicator == "critical"
            else ()
        ),
        Reason("nitrite", "positive", 1.42, source),
        Reason("leukocytes_strip", "large", 0.97, source),
        Reason("age", 78.0, 0.31, (f"Patient/p{place}/_history/1",)),
        Reason("lower_abdominal_pain", True, -0.22, source),
        Reason("sex", "female", 0.0, (f"Patient/p{place}/_history/1",)),
    )
    return Suggestion(
        usecase=USECASE,
        version=find(USECASE).card.version,
        settings="",
        model="ab" * 32,
        subject=f"Patient/p{place}",
        focus=f"Specimen/{number}",
        as_of=now - timedelta(minutes=3 + number * 7),
        position=48,
        option=option,
        indicator=indicator,
        summary=Text("summary.severe")
        if indicator == "critical"
        else (
            Text("summary.child")
            if option == "refer"
            else Text(f"summary.{option}", {"percent": round(100 * (probability or 0))})
        ),
        priority=probability or 0.5,
        probability=probability,
        interval=(round(max(0.01, probability - 0.12), 3), round(min(0.995, probability + 0.08), 3))
        if probability
        else None,
        base=-0.85,
        reasons=reasons,
        missing=("protein", "glucose", "pregnant"),
        changes=(Change("nitrite", "negative", "wait"), Change("fever", True, "start"))
        if option != "refer"
        else (),
        limits=("primary_care", "over_65"),
        resources=(
            {
                "resourceType": "ServiceRequest",
                "status": "draft",
                "intent": "proposal",
                "subject": {"reference": f"Patient/p{place}"},
            },
        ),
    )


def file(hospital: Hospital, count: int, now: datetime) -> None:
    made, shown = suggestions(count, now)
    hospital.review.file(made, "live", now - timedelta(minutes=2), shown)
    if count < 20:
        return
    review, known = hospital.review, []
    for item, action in zip(
        made[-8:],
        (
            "accepted",
            "accepted",
            "modified",
            "overridden",
            "overridden",
            "deferred",
            "accepted",
            "overridden",
        ),
        strict=True,
    ):
        other = next(code for code in ("wait", "start") if code != item.option)
        review.decide(
            item.id,
            action,
            by="delforge",
            role="doctor",
            at=now - timedelta(hours=3),
            option=other if action == "modified" else "",
            reason="clinical_picture" if action == "overridden" else "",
            words="Palpated: no tenderness." if action == "overridden" else "",
            until=now + timedelta(hours=2) if action == "deferred" else None,
        )
        if action != "deferred":
            known.append(
                (
                    item.id,
                    Outcome(
                        item.option == "start",
                        now - timedelta(minutes=30),
                        (),
                        "Escherichia coli" if item.option == "start" else "no growth",
                    ),
                )
            )
    review.record_outcomes(known, now)
    silent = suggestion(5000, now)
    review.file([silent], "silent", now, [Display("Silent, Patient", "1940", "Gériatrie 2", "x")])


def receive_file(hospital: Hospital) -> None:
    """One file through the real ingest: good lines, and lines that end in quarantine."""
    from vesalius.ingest import receive

    lines = [json.dumps(body) for body in resources(0, datetime.now(UTC) - timedelta(hours=1))]
    lines += ["{ this is not JSON <b>", '{"resourceType": "Patient", "id": "x", "gender": "nonsense"}']
    receive(hospital.lake, "night.ndjson", io.BytesIO("\n".join(lines).encode()), source="laboratory")


ROWS_MAP = """
delimiter = ";"
[[resource]]
[resource.body]
resourceType = "Patient"
id = "{patient}"
gender = { column = "sex", values = "sex" }
[values.sex]
F = "female"
"""


def hold_rows(hospital: Hospital) -> None:
    """Rows of CSV that their map does not understand, tried again once: the first items of the quarantine."""
    from vesalius.ingest import CsvMap, receive, retry

    rows = io.BytesIO(b"patient;sex\nq1;F\nq2;X\nq3;X\n")
    rows_map = CsvMap.parse(ROWS_MAP, "people.toml")
    receive(hospital.lake, "people.csv", rows, source="admission", csv_map=rows_map)
    retry(hospital.lake, by="segers", reason="The sender was mended")


LAB = "https://lab.example/codes"


def local_result(id_: str, number: int, code: str, text: str, unit: str = "") -> dict[str, Any]:
    coding = {"coding": [{"system": LAB, "code": code}]} if code else {}
    quantity = {"valueQuantity": {"value": 4 + number / 50, "unit": unit, "code": unit}} if unit else {}
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": coding | {"text": text},
        "subject": {"reference": f"Patient/p{number % 5}"},
        "issued": "2026-05-04T08:00:00Z",
        **quantity,
    }


def receive_local_codes(hospital: Hospital) -> None:
    """Results with a laboratory's own codes, and with words only."""
    from vesalius.ingest import receive

    bodies = [local_result(f"lk{number}", number, "K", "Kalium", "mmol/L") for number in range(24)]
    bodies += [local_result(f"lg{number}", number, "GLU", f"Glucose {EVIL}", "mg/dL") for number in range(6)]
    bodies += [local_result(f"li{number}", number, "", "Ionen") for number in range(4)]
    bodies += [local_result(f"lx{number}", number, f"X{number}", f"Test {number}") for number in range(25)]
    bodies += [local_result("lp", 1, "", "Jan Peeters belt terug")]
    lines = "\n".join(json.dumps(body) for body in bodies)
    receive(hospital.lake, "local.ndjson", io.BytesIO(lines.encode()), source="laboratory")


def validate(hospital: Hospital) -> None:
    """A validation run with made-up figures, saved as a real one is: for how pages show it, not for what it says."""
    from vesalius.evaluation import Estimate
    from vesalius.evaluation import run as of

    guess = Estimate(0.8, 0.75, 0.85)
    steps = tuple(step / 100 for step in range(1, 100))
    line = of.Curve(
        steps, steps, tuple(step / 2 for step in steps), tuple(min(1.0, step * 1.5) for step in steps)
    )
    decided = [
        of.Decided(
            name=name,
            acted_with=84,
            acted_without=68,
            left_with=44,
            left_without=276,
            sensitivity=guess,
            specificity=guess,
            needless=guess,
        )
        for name in ("practice", "model")
    ]
    performances = [
        of.Performance(
            name="model",
            auroc=guess,
            auprc=guess,
            brier=guess,
            scaled_brier=guess,
            intercept=guess,
            slope=guess,
            ici=guess,
            roc=line,
        )
    ]
    performances += [
        of.Performance(name="nitrite_leukocytes", auroc=guess, auprc=guess, gain=guess, roc=line)
    ]
    thresholds = [
        of.Threshold(
            probability=step,
            acted=472 * (1 - step),
            caught=128 * (1 - step),
            missed=128 * step,
            avoided=152 * step,
            avoided_with_outcome=84 * step,
            sensitivity=guess,
            specificity=guess,
            ppv=guess,
            npv=guess,
            helped=Estimate(271 * (1 - step), 200 * (1 - step), 300 * (1 - step)),
            harmed=Estimate(729 * (1 - step) ** 2),
            left=Estimate(271 * step),
            evaluate=guess,
        )
        for step in steps
    ]
    made = of.Run(
        usecase=USECASE,
        version="1.0.0",
        model="ab" * 32,
        data="cd" * 32,
        kind="logistic",
        position=48,
        first="2026-01-01",
        last="2026-10-01",
        rows=472,
        patients=472,
        events=128,
        seed=1,
        repeats=10,
        folds=5,
        draws=100,
        performances=tuple(performances),
        calibration=line,
        histogram=of.Histogram(tuple(float(n) for n in range(20)), tuple(float(20 - n) for n in range(20))),
        thresholds=tuple(thresholds),
        reference="practice",
        benefits=(of.Benefit("model", steps, steps),),
        subgroups=(
            of.Subgroup(
                input="sex", level="female", rows=408, events=117, auroc=guess, expected=0.28, observed=guess,
                ratio=Estimate(1.02, 0.9, 1.15), coverage=Estimate(0.89, 0.86, 0.93),
            ),
            of.Subgroup(
                input="age", level="65-80", rows=12, events=2, auroc=None, expected=0.2, observed=guess
            ),
        ),
        missing=(of.Missing("ketones", 30, 0.06, 0.3, 0.27),),
        coverage=of.Coverage(
            level=0.9, overall=0.9, with_outcome=0.9, without_outcome=0.9, single=0.6, both=0.4, empty=0.0
        ),
        decided=tuple(decided),
        proposed=(of.Proposed("start", 98, 73, 60), of.Proposed("wait", 300, 50, 80)),
        importance=(("nitrite", 0.9), ("leukocytes_strip", 0.7)),
        in_force=(0.05, 0.4),
        challenger=of.Challenger(
            kind="lightgbm", performance=performances[0], auroc=Estimate(0.01, -0.01, 0.03), brier=guess,
            benefits=(Estimate(0.001, -0.002, 0.004),) * 2, better=False,
        ),
        sides=(
            of.Side(
                name="", plan=of.Plan(kind="time", cut="2026-08-01"), learned=300, learned_events=90, rows=172,
                patients=172, events=38, left_out=0, auroc=guess, brier=guess, slope=guess, intercept=guess,
            ),
        ),
        sample=of.SampleSize(
            parameters=48, events_per_parameter=2.7, r_squared=0.26,
            needs=(
                of.Need(criterion="development.shrinkage", rows=1392, given=472),
                of.Need(criterion="validation.auroc", rows=335, given=472),
            ),
        ),
    )  # fmt: skip
    made.save(hospital.runs)


def save_views(hospital: Hospital) -> None:
    """A view that an engineer saved, and changed."""
    engineer = people.get(hospital.engine, "segers")
    text = '{"resource": "Patient", "title": "Mine", "select": [{"column": [{"name": "key", "path": "id"}]}]}'
    views.save(hospital.engine, "mine", text, engineer)
    views.save(hospital.engine, "mine", text.replace("key", "id"), engineer, after=1)


def watch(hospital: Hospital, now: datetime) -> None:
    """Refreshes the monitoring, and leaves figures as a refresh of a busier use would."""
    refresh_use(hospital, USECASE, now)
    figures = Figures(
        at=now, model="ab" * 32, state="live", since=now - timedelta(days=30), origin="urine-0123456789abcdef",
        origin_rows=472, origin_at=now, daily=(4, 0, 7, 9), shown=12, estimated=Range(0.81, 0.77, 0.85),
        before=Range(0.83, 0.8, 0.86), realised=Range(0.79, 0.7, 0.88), known=210, events=60,
        ratio=Range(1.1, 0.9, 1.3), slope=Range(0.9, 0.7, 1.1), proposal="intercept", add=0.21,
        drifted=("age",), decided=20, overrides=Range(0.25, 0.1, 0.4), to_decision=95.0, wards={"Urologie": 1.5},
        gaps=(GapLine(group="sex=female", known=120, events=40, auroc=Range(0.8, 0.7, 0.9), gap=Range(0.01, -0.1, 0.1),
                      ratio=Range(1.0, 0.8, 1.2), beyond=False),),
        rules=(RuleLine(name="outcomes", cases=210, minimum=100, value=3.2, limit=4.5, left=17),
               RuleLine(name="feed", cases=40, minimum=30, value=0.1, limit=0.9, about="nitrite")),
        charts=(ChartLine(name="more", cases=210, limit=4.5, value=3.2, points=((0, 0.0), (100, 1.5), (210, 3.2))),),
        right=(10, 12), wrong=(3, 5),
    )  # fmt: skip
    monday = this_monday(now)
    with writing(hospital.engine) as connection:
        _write(connection, USECASE, figures, now)
        for back in range(3):
            week = Week(
                monday=monday - 7 * back, rows=60, known=40, events=12,
                cells=(Cell("age", 0.3, 0.02, 0.01, True, False), Cell("nitrite", 0.02, 0.5, 0.1, False, True)),
                estimated=Range(0.8, 0.7, 0.9), realised=Range(0.78, 0.6, 0.9), ratio=Range(1.1, 0.7, 1.4),
            )  # fmt: skip
            _weeks.keep(connection, USECASE, "ab" * 32, week)
        alarms.settle(connection, USECASE, "ab" * 32, [Finding("subgroup", "sex=female", "alarm", {})], now)
