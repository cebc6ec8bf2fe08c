"""From the lake to the evidence, whatever the order of arrival: what was known then, by a naive reckoning."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from charts import GRADE_CODES, RESULT, Chart
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vesalius import fhir
from vesalius.fhir.codes import LOINC
from vesalius.lake import Lake
from vesalius.store import open_store
from vesalius.usecase import Candidate
from vesalius.usecases import _worlds as worlds
from vesalius.usecases.urine import facts
from vesalius.usecases.urine.urine import Urine
from vesalius.views import _view

MINUTE = timedelta(minutes=1)
PATIENTS, SAMPLES = ("a", "b"), ("s", "t")
STATUSES = ("final", "final", "corrected", "preliminary", "entered-in-error", "cancelled")
READ = ("nitrite", "leukocytes_strip", "fever", "sex", "culture_ordered")
WITHDRAWN = {"entered-in-error", "cancelled"}
GRADED = ("nitrite", "leukocytes_strip")

# One message: which resource, about whom, which sample, what it says, its status, when it was issued. There
# are few resources and few minutes, so that corrections, moves to another patient and ties are frequent.
MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(("nitrite", "leukocytes_strip", "fever", "sex", "order")),
        st.sampled_from(PATIENTS),
        st.sampled_from(SAMPLES),
        st.integers(0, 2),
        st.sampled_from(STATUSES),
        st.integers(-2, 12),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=14,
)

# Two orders of one sample: the later one is revoked, and the first still stands.
TWO_ORDERS = [("order", "b", "t", 0, "final", 0, 1), ("order", "b", "t", 1, "final", 1, 0)]


def resource_of(message):
    kind, patient, sample, answer, status, minute, number = message
    chart, at = Chart(patient), RESULT + minute * MINUTE
    if kind == "sex":
        made = chart.patient(gender=("female", "male", "other")[answer])
        made["meta"] = {"lastUpdated": at.isoformat()}
        return made
    if kind == "order":
        made = chart.order(at, specimen=sample, status=("active", "revoked", "entered-in-error")[answer])
    elif kind == "fever":
        made = chart.asked("fever", bool(answer % 2), at, status=status)
    else:
        made = chart.finding(kind, ("negative", "small", "large")[answer], at, specimen=sample, status=status)
    # Neither belongs to the patient: a later version may be about somebody else.
    made["id"] = f"{kind.replace('_', '-')}-{number}"
    if kind == "order":
        made["specimen"] = [{"reference": f"Specimen/{sample}"}]
    elif kind != "fever":
        made["specimen"] = {"reference": f"Specimen/{sample}"}
    return made


def reckoned(versions, candidate):
    """The evidence, from the raw list of versions, as one would do it by hand."""
    known = {}
    for seq, resource in enumerate(versions):
        at = moment(resource)
        place = resource["resourceType"], resource["id"]
        if at <= candidate.as_of and (at, seq) >= known.get(place, ((at, seq), None))[0]:
            known[place] = ((at, seq), resource)
    mine = [
        (at, resource["id"], resource)
        for (at, _), resource in known.values()
        if about(resource) == candidate.subject
    ]
    found = dict.fromkeys(READ)
    found["culture_ordered"] = False
    for _, _, resource in sorted(mine, key=lambda item: item[:2]):
        for name, value in said(resource, candidate):
            found[name] = value if name != "culture_ordered" else found[name] or value
    return found


def said(resource, candidate):
    kind = resource["resourceType"]
    if kind == "Patient":
        yield "sex", resource["gender"] if resource["gender"] in ("female", "male") else None
    elif kind == "ServiceRequest":
        ours = resource["specimen"][0]["reference"] == candidate.focus
        yield "culture_ordered", ours and resource["status"] == "active"
    elif resource["status"] not in WITHDRAWN:
        code = f"{LOINC}|{resource['code']['coding'][0]['code']}"
        for name in GRADED:
            if code in facts.codes(name) and resource["specimen"]["reference"] == candidate.focus:
                grade = resource["valueCodeableConcept"]["coding"][0]["code"]
                level = next(level for level, each in GRADE_CODES.items() if each == grade)
                yield name, level if name != "nitrite" or level == "negative" else "positive"
        if "valueBoolean" in resource:
            yield "fever", resource["valueBoolean"]


def moment(resource):
    return fhir.recorded(resource)


def about(resource):
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource['id']}"
    return resource["subject"]["reference"]


def asked():
    return [
        Candidate(f"Patient/p{patient}", f"Specimen/{sample}", RESULT + minute * MINUTE)
        for patient in PATIENTS
        for sample in SAMPLES
        for minute in (-1, 3, 8, 20)
    ]


def read(lake, candidates):
    table = Urine().evidence(lake, candidates).table.select(list(READ))
    return table.to_pylist()


@pytest.fixture(params=["online", "columns"])
def route(request, monkeypatch):
    """Reads the log in Python, or the typed columns with DuckDB."""
    monkeypatch.setattr(_view, "ONLINE", 64 if request.param == "online" else -1)
    return request.param


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=MESSAGES, cut=st.integers(0, 14))
@example(messages=TWO_ORDERS, cut=2)
def test_the_evidence_is_what_was_known_then_and_stays_so(route, messages, cut):
    resources = [resource_of(message) for message in messages]
    first, rest = resources[:cut], resources[cut:]
    with TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/lake.sqlite")
        lake = Lake(engine, Path(folder) / "columns")
        before, position = written(lake, first), lake.position()
        evidence = read(lake, asked())
        assert evidence == [reckoned(before, each) for each in asked()]
        after = before + written(lake, rest)
        pinned = lake.pinned(position)
        assert read(pinned, asked()) == evidence
        assert read(lake, asked()) == [reckoned(after, each) for each in asked()]
        # Each alone, as a replay asks, and in another order: the company changes nothing.
        assert [read(pinned, [each])[0] for each in asked()[::7]] == evidence[::7]
        assert read(pinned, asked()[::-1]) == evidence[::-1]
        engine.dispose()


def written(lake, resources):
    """Writes them one by one; those that became versions, in the order of the log."""
    news = ((each, lake.write(worlds.arrivals([each]), "feed", RESULT + 99 * MINUTE)) for each in resources)
    return [each for each, news in news if news.written]
