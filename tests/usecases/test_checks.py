"""The checks catch what they are for: each broken use case here breaks one law, and is found out."""

import logging
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from vesalius.card import Text
from vesalius.errors import InvalidCard
from vesalius.usecase import Candidate, Evidence, Outcome, Reason
from vesalius.usecases import _worlds as worlds
from vesalius.usecases import checks
from vesalius.usecases.checks import CHECKS, Bench, main, run_checks, write_expected
from vesalius.usecases.template.usecase import Template
from vesalius.usecases.urine import Urine

EXAMPLES = worlds.examples_of(Template)
LATE = datetime(2999, 1, 1, tzinfo=UTC)


def problems(kind, name, examples=None):
    """What one check says of a use case; an exception is a finding too."""
    with ExitStack() as stack:
        bench = Bench(kind, examples or two_examples(), stack)
        return checks._run(name, CHECKS[name], bench)


def two_examples():
    """The template's example, and one patient who is well and was measured later the same day."""
    (high,) = worlds.load_examples(EXAMPLES)
    resources = worlds.renamed(high.resources, "n")
    resources[1] = worlds.altered(resources[1], resources) | {
        "valueQuantity": {**resources[1]["valueQuantity"], "value": 37},
        "issued": "2026-03-02T11:00:00Z",
    }
    return [
        high,
        msgspec.structs.replace(high, name="normal", resources=resources, expected=[{"option": "nothing"}]),
    ]


def altered(change):
    """A use case whose suggestions are changed by ``change(made, row)`` before they are handed over."""

    class Altered(Template):
        def suggest(self, evidence):
            return [
                msgspec.structs.replace(made, **change(made, row))
                for row, made in enumerate(super().suggest(evidence))
            ]

    return Altered


class Peeking(Template):
    def evidence(self, lake, candidates):
        seen = super().evidence(lake, [Candidate(each.subject, each.focus, LATE) for each in candidates])
        return Evidence(tuple(candidates), seen.table, seen.sources, seen.position)


class Hasty(Template):
    def candidates(self, lake, since, until):
        return super().candidates(lake, since, until + timedelta(days=30))


class Comparing(Template):
    def suggest(self, evidence):
        found = super().suggest(evidence)
        return [msgspec.structs.replace(made, priority=1 / len(found)) for made in found]


class Arriving(Template):
    def suggest(self, evidence):
        self.turned = sorted(evidence.candidates) != list(evidence.candidates)
        return [
            msgspec.structs.replace(made, priority=0.5 * self.turned) for made in super().suggest(evidence)
        ]


class Sequential(Template):
    def evidence(self, lake, candidates):
        seen = super().evidence(lake, candidates)
        sequence = [float(lake.read(each.focus).seq) for each in candidates]
        return Evidence(
            seen.candidates, seen.table.set_column(0, "temperature", [sequence]), seen.sources, seen.position
        )


class Fickle(Template):
    def suggest(self, evidence):
        words = {"a", "b", "c", "d", "e", "f", "g", "h"}
        reasons = tuple(Reason(word) for word in words)
        return [msgspec.structs.replace(made, reasons=reasons) for made in super().suggest(evidence)]


class Random(Template):
    def suggest(self, evidence):
        note = (uuid.uuid4().hex,)
        return [msgspec.structs.replace(made, limits=note) for made in super().suggest(evidence)]


class Talkative(Template):
    def evidence(self, lake, candidates):
        for each in candidates:
            logging.getLogger("talkative").debug("now %s", lake.read(each.subject).resource["birthDate"])
        return super().evidence(lake, candidates)


class Printing(Template):
    def outcome(self, lake, candidates, as_of):
        print([lake.read(each.subject).resource["name"][0]["family"] for each in candidates])
        return super().outcome(lake, candidates, as_of)


class Fragile(Template):
    def suggest(self, evidence):
        for value in evidence.table["temperature"].to_pylist():
            assert value + 1
        return super().suggest(evidence)

    def candidates(self, lake, since, until):
        patients = list(lake.resources("Patient", as_of=until))
        return [
            Candidate(version.reference.partition("/_")[0], "Observation/t", until) for version in patients
        ]


class Forgetful(Fragile):
    def suggest(self, evidence):
        return [msgspec.structs.replace(made, missing=()) for made in Template.suggest(self, evidence)]


class Short(Template):
    def suggest(self, evidence):
        return super().suggest(evidence)[1:]


class Prophetic(Template):
    def outcome(self, lake, candidates, as_of):
        return [Outcome(True, as_of + timedelta(days=1)) for _ in candidates]


class Silent(Template):
    def outcome(self, lake, candidates, as_of):
        return []


class Unanswered(Template):
    def practice(self, lake, candidates, as_of):
        return []


def with_card(**changes):
    return type("Carded", (Template,), {"card": msgspec.structs.replace(Template.card, **changes)})


TEXTS = Template.card.texts
RULE = Text("rule.look", {"from": 39.1})
ORDER = {
    "resourceType": "ServiceRequest",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/p"},
}

MUTANTS = [
    (Peeking, "blind to what was recorded later", "recorded by as_of"),
    (Hasty, "blind to what was recorded later", "after its until"),
    (Comparing, "one patient = many patients", "its own facts"),
    (Arriving, "order does not matter", "candidates come in another order"),
    (Sequential, "order does not matter", "arrive in another order"),
    (Fickle, "replay byte for byte after a restart", "no order of a set"),
    (Random, "replay byte for byte after a restart", "no chance"),
    (Talkative, "no patient in the logs", "log counts"),
    (Printing, "no patient in the logs", "log counts"),
    (Fragile, "missing inputs are declared", "TypeError"),
    (Forgetful, "missing inputs are declared", "temperature"),
    (Short, "suggestions fit the contract", "one row and one suggestion per candidate"),
    (Prophetic, "outcomes fit the contract", "before it was known"),
    (Silent, "outcomes fit the contract", "one answer per candidate"),
    (Unanswered, "outcomes fit the contract", "practice"),
    (with_card(options=()), "the card is sound", "no option"),
    (with_card(inputs=Template.card.inputs * 2), "the card is sound", "temperature twice"),
    (with_card(texts=TEXTS | {"nl": {}}), "texts in four languages", "nl:"),
    (altered(lambda made, row: {"missing": ("temperature",)}), "missing inputs are declared", "no other"),
    (altered(lambda made, row: {"option": "operate"}), "suggestions fit the contract", "not on the card"),
    (altered(lambda made, row: {"settings": ""}), "suggestions fit the contract", "those in force"),
    (
        altered(lambda made, row: {"focus": "Observation/other"}),
        "suggestions fit the contract",
        "the candidate's",
    ),
    (altered(lambda made, row: {"priority": 7.0}), "suggestions fit the contract", "between 0 and 1"),
    (altered(lambda made, row: {"reasons": ()}), "suggestions fit the contract", "without reasons"),
    (
        altered(lambda made, row: {"probability": 0.5, "interval": (0.6, 0.7)}),
        "suggestions fit the contract",
        "does not hold",
    ),
    (altered(lambda made, row: {"summary": Text("nonsense")}), "texts in four languages", "no text"),
    (altered(lambda made, row: {"summary": Text("rule.look")}), "texts in four languages", "KeyError"),
    (
        altered(lambda made, row: {"reasons": (Reason("x", rule=RULE),)}),
        "rules cite their source",
        "a source",
    ),
    (
        altered(lambda made, row: {"resources": (ORDER,)}),
        "proposed resources are valid proposals",
        "do not order",
    ),
    (
        altered(lambda made, row: {"resources": ({"resourceType": "Nonsense"},)}),
        "proposed resources are valid proposals",
        "raised",
    ),
    (
        altered(lambda made, row: {"reasons": (Reason("x", sources=("Observation/none/_history/1",)),)}),
        "sources are in the lake",
        "not a version",
    ),
    (
        altered(lambda made, row: {"reasons": (Reason("x", sources=(made.focus,)),)}),
        "sources are in the lake",
        "_history",
    ),
    (
        altered(lambda made, row: {"model": "m", "probability": 0.5, "base": 1.0}),
        "contributions sum to the prediction",
        "leave no input out",
    ),
]


@pytest.mark.parametrize(("mutant", "check", "words"), MUTANTS)
def test_each_broken_use_case_is_caught_and_told_what_to_do(mutant, check, words):
    found = problems(mutant, check)
    assert not found.passed
    assert words in found.words


def test_every_check_has_a_mutant_or_an_example_that_fails_it():
    assert {check for _, check, _ in MUTANTS} | {"examples give what they expect"} == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_the_template_passes(name):
    found = problems(Template, name)
    assert found.passed, found.words


def test_an_example_that_comes_out_otherwise_is_named_with_both_values():
    high, normal = two_examples()
    wrong = msgspec.structs.replace(high, name="wrong", expected=[{"option": "nothing"}])
    found = problems(Template, "examples give what they expect", [wrong, normal])
    assert "wrong: option is 'look', not 'nothing'" in found.words


def test_an_example_with_another_number_of_suggestions_fails():
    high, _ = two_examples()
    found = problems(Template, "examples give what they expect", [msgspec.structs.replace(high, expected=[])])
    assert "1 suggestions, 0 expected" in found.words


def test_urine_passes_every_check():
    assert [check for check in run_checks(Urine) if not check.passed] == []


def test_a_use_case_without_examples_is_told_to_make_one(tmp_path):
    (check,) = run_checks(Template, tmp_path)
    assert not check.passed
    assert "expected.json" in check.words


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("case.toml", 'words = "x"', "as_of"),
        ("case.toml", "as_of = 2026-03-02T12:00:00", "time zone"),
        ("case.toml", "as_of = 2026-03-02T12:00:00Z\nother = 1", "other"),
        ("expected.json", "{", "bad"),
    ],
)
def test_an_example_that_cannot_be_read_is_named(tmp_path, name, body, words):
    for path in (EXAMPLES / "high").iterdir():
        (tmp_path / "bad").mkdir(exist_ok=True)
        (tmp_path / "bad" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "bad" / name).write_text(body)
    with pytest.raises(InvalidCard, match=words):
        worlds.load_examples(tmp_path)
    (check,) = run_checks(Template, tmp_path)
    assert not check.passed


def test_write_expected_writes_every_field_of_what_comes_out(tmp_path):
    for path in (EXAMPLES / "high").iterdir():
        (tmp_path / "high").mkdir(exist_ok=True)
        (tmp_path / "high" / path.name).write_bytes(path.read_bytes())
    write_expected(Template, tmp_path)
    (written,) = msgspec.json.decode((tmp_path / "high" / "expected.json").read_bytes())
    assert set(written) >= {"option", "reasons", "missing", "settings"}
    assert all(check.passed for check in run_checks(Template, tmp_path))


def test_main_says_a_line_per_check_and_its_exit_code(capsys):
    assert main(["urine"]) == 0
    assert capsys.readouterr().out.count("ok  ") == len(CHECKS)


def test_a_renamed_copy_refers_to_itself_only():
    (high,) = worlds.load_examples(EXAMPLES)
    copy = worlds.renamed(high.resources, "x-")
    assert [each["id"] for each in copy] == ["x-p", "x-t"]
    assert copy[1]["subject"] == {"reference": "Patient/x-p"}
    assert high.resources[1]["subject"] == {"reference": "Patient/p"}


def test_private_words_are_names_ids_dates_and_addresses_but_no_systems():
    words = worlds.private_words(
        [
            {
                "resourceType": "Patient",
                "id": "pat-1",
                "birthDate": "1950-01-02",
                "name": [{"use": "official", "family": "Exemple", "given": ["Anne-Marie", "Jo"]}],
                "identifier": [{"system": "https://example.org", "value": "50010200027"}],
                "address": [{"line": ["Rue de Fer 1"], "city": "Namur"}],
            },
            {"resourceType": "Observation", "id": "observation-1"},
        ]
    )
    assert words == {"pat-1", "1950-01-02", "Exemple", "Anne-Marie", "50010200027", "Rue de Fer 1", "Namur"}


def test_the_examples_of_a_use_case_lie_beside_its_module():
    assert worlds.examples_of(Urine) == Path(checks.__file__).parent / "urine" / "examples"
