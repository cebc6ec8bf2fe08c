"""Who refuses is out of the history before anything of theirs is asked for; the run and its report count them."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa
import pytest

from vesalius.card import LANGUAGES
from vesalius.errors import NotEnoughData
from vesalius.evaluation import Cohort, gather, report, validate
from vesalius.evaluation.run import Run
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store
from vesalius.usecase import Candidate, Evidence, Outcome

START = datetime(2024, 5, 1, tzinfo=UTC)


class Spy:
    """Everybody is due twice, and every outcome is known; it notes about whom it was asked what."""

    def __init__(self, card, names):
        self.card, self.names, self.asked = card, names, {}

    def note(self, what, candidates):
        self.asked.setdefault(what, set()).update(each.subject for each in candidates)

    def candidates(self, lake, since, until):
        return [
            Candidate(f"Patient/{name}", f"Encounter/{name}{turn}", START + timedelta(hours=turn))
            for turn in range(2)
            for name in self.names
        ]

    def outcome(self, lake, candidates, as_of):
        self.note("outcome", candidates)
        return [Outcome(value=True, known_at=START, sources=()) for _ in candidates]

    def evidence(self, lake, candidates):
        self.note("evidence", candidates)
        table = pa.table({"age": [50.0] * len(candidates)})
        return Evidence(tuple(candidates), table, tuple({} for _ in candidates), lake.position())

    def practice(self, lake, candidates, as_of):
        self.note("practice", candidates)
        return [None] * len(candidates)

    def sites(self, lake, candidates):
        self.note("sites", candidates)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    engine = open_store(f"sqlite:///{folder / 'log.db'}")
    made = Lake(engine, folder / "columns")
    people = [json.dumps({"resourceType": "Patient", "id": name}).encode() for name in "abc"]
    made.write([Arrival.of(each) for each in people], "tests", START)
    yield made
    engine.dispose()


def subjects(cohort):
    return [each.subject for each in cohort.evidence.candidates]


def test_nothing_is_asked_about_who_refuses_and_each_counts_once(lake, toy):
    spy = Spy(toy.card, "abc")
    cohort = gather(spy, lake, without=frozenset({"Patient/b", "Patient/unknown"}))
    assert subjects(cohort) == ["Patient/a", "Patient/c"] * 2
    assert cohort.refused == 1
    others = {"Patient/a", "Patient/c"}
    assert spy.asked == dict.fromkeys(("outcome", "evidence", "practice", "sites"), others)


def test_where_nobody_refuses_everybody_is_there(lake, toy):
    cohort = gather(Spy(toy.card, "abc"), lake)
    assert (len(subjects(cohort)), cohort.refused) == (6, 0)


def test_where_everybody_refuses_there_is_nothing_to_learn_from(lake, toy):
    with pytest.raises(NotEnoughData):
        gather(Spy(toy.card, "a"), lake, without=frozenset({"Patient/a"}))


def test_the_run_keeps_how_many_and_one_without_them_is_named_as_ever(run):
    assert run.refused == 0
    assert b'"refused"' not in run.to_bytes()
    more = msgspec.structs.replace(run, refused=3)
    assert more.id != run.id
    assert msgspec.json.decode(more.to_bytes(), type=Run) == more
    assert not any("refuse" in line for line in run.lines())
    assert any(line.startswith("left out") and line.endswith("<12 patients") for line in more.lines())


def test_a_validation_hands_on_how_many_its_history_lacks(toy, patients, monkeypatch):
    evidence, outcomes, practice = patients()
    seen = {}
    module = sys.modules["vesalius.evaluation.study"]
    monkeypatch.setattr(module, "study", lambda *_, **named: seen.update(named))
    validate(toy, replace(Cohort(evidence, outcomes, practice), refused=5))
    assert seen["refused"] == 5


def test_a_study_writes_it_into_its_run(toy, patients):
    from vesalius.evaluation import study

    made = study(toy, *patients(), seed=3, repeats=1, folds=2, draws=10, refused=4)
    assert made.refused == 4


@pytest.mark.parametrize(("count", "said"), [(3, "12"), (34, "34")])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_says_it_in_every_language_and_not_of_a_few(run, toy, language, count, said):
    words = {"en": "refuse any use", "fr": "refusent tout usage", "nl": "weigeren", "de": "ablehnen"}[
        language
    ]
    page = report(msgspec.structs.replace(run, refused=count), toy.card, language)
    at = page.index(words)
    assert f"{said}</" in page[at : at + 400] or f"{said} " in page[at : at + 400]
    few = {"en": "fewer than", "fr": "moins de", "nl": "minder dan", "de": "weniger als"}[language]
    assert (few in page[at : at + 400]) == (count == 3)
    assert words not in report(run, toy.card, language)
