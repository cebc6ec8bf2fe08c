"""What patients refuse, at the command line: counted, listed, entered, withdrawn, taken back; bad input."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from vesalius.cli import main
from vesalius.governance import consent, people
from vesalius.hospital import Hospital
from vesalius.lake import Arrival

PASSWORD = "correct horse battery"
BY = ("--by", "rosa", "--password", PASSWORD)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("hospital")
    made = Hospital.open(home)
    people.add(made.engine, "rosa", name="Rosa", role="records", password=PASSWORD)
    people.add(made.engine, "doc", name="Doc", role="doctor", password=PASSWORD)
    odd = {
        "resourceType": "Consent", "id": "c1", "status": "active", "patient": {"reference": "Patient/p2"},
        "scope": {"coding": [{"code": "research"}]}, "category": [{"text": "opt-out"}],
        "policy": [{"uri": "urn:p"}], "provision": {"type": "deny", "class": [{"code": "x"}]},
    }  # fmt: skip
    bodies = [{"resourceType": "Patient", "id": "p1"}, {"resourceType": "Patient", "id": "p2"}, odd]
    made.lake.write([Arrival.of(json.dumps(each).encode()) for each in bodies], "tests", datetime.now(UTC))
    made.close()
    return home


@pytest.fixture
def run(home):
    return lambda *words: CliRunner().invoke(main, ["consent", *words, "--home", str(home)])


@pytest.fixture
def entered(home):
    hospital = Hospital.open(home)
    yield lambda: consent.entries(hospital.engine)
    hospital.close()


def test_a_refusal_is_entered_counted_listed_withdrawn_and_taken_back(run, entered):
    kept = run(
        "record",
        "Patient/p1",
        "suggestions",
        "--told-by",
        "register",
        "--from",
        "2026-01-02T00:00:00+0100",
        *BY,
    )
    assert kept.output.startswith("entry 1;")
    assert entered()[0].begins == datetime(2026, 1, 1, 23, tzinfo=UTC)
    assert (entered()[0].by, entered()[0].said_by) == ("rosa", "register")
    told = run("counts").output
    assert "       1  patients refuse suggestions\n" in told
    assert "       1  patients refuse secondary, 1 because a Consent could not be read as it says\n" in told
    assert "       0  patients refuse care\n" in told
    rows = run("list").output.splitlines()
    assert [row.split() for row in rows] == [
        ["Patient/p1", "suggestions", "2026-01-01", "-", "refused", "entry/1"],
        ["Patient/p2", "secondary", "always", "-", "part", "Consent/c1"],
    ]
    assert run("list", "--kind", "secondary").output.splitlines() == rows[1:]
    assert run("list", "--unread").output.splitlines() == rows[1:]
    assert run("list", "--patient", "Patient/p1").output.splitlines() == rows[:1]
    assert run("list", "--limit", "1", "--offset", "1").output.splitlines() == rows[1:]
    assert run("withdraw", "1", "--at", "2026-02-01T00:00:00+0000", *BY).output.startswith(
        "entry 1 ends at 2026-02-01"
    )
    assert "0  patients refuse suggestions" in run("counts").output
    assert "holds again" in run("undo", "1", *BY).output
    assert "was a mistake" in run("undo", "1", *BY).output
    assert entered()[0].undone_by == "rosa"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("record", "p1", "secondary", *BY), 1, "there is no such patient"),
        (("record", "Patient/nobody", "secondary", *BY), 1, "there is no such patient"),
        (("record", "Patient/p1", "everything", *BY), 2, "everything"),
        (("record", "Patient/p1", "secondary", "--told-by", "me", *BY), 2, "me"),
        (("record", "Patient/p1", "secondary", "--from", "yesterday", *BY), 2, "yesterday"),
        (("record", "Patient/p1", "secondary", "--from", "2026-01-02T00:00:00", *BY), 2, "does not match"),
        (("record", "Patient/p1", "secondary", "--person", "doc", *BY), 1, "for care only"),
        (("record", "Patient/p1", "care", "--person", "nobody", *BY), 1, "nobody"),
        (("record", "Patient/p1", "secondary"), 2, "--by"),
        (("record", "Patient/p1", "secondary", "--by", "rosa", "--password", "wrong"), 1, "wrong"),
        (("record", "Patient/p1", "secondary", "--by", "doc", "--password", PASSWORD), 1, "may not"),
        (("withdraw", "99", *BY), 1, "there is no such refusal"),
        (("withdraw", "0", *BY), 2, "0"),
        (("withdraw", str(2**40), *BY), 2, "range"),
        (("undo", "99", *BY), 1, "there is no such refusal"),
        (("undo", "one", *BY), 2, "one"),
        (("list", "--kind", "all"), 2, "all"),
        (("list", "--limit", "0"), 2, "range"),
    ],
)  # fmt: skip
def test_bad_input_is_said_and_nothing_is_kept(run, entered, words, status, said):
    before = entered()
    result = run(*words)
    assert result.exit_code == status
    assert said in result.output
    assert entered() == before
