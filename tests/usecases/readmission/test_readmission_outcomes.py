"""Whether the patient came back: from the encounters that came later, or from what the source says."""

from datetime import timedelta

import pytest
from discharges import DUE, LEFT, Chart

from vesalius.usecase import Candidate
from vesalius.usecases.readmission import Readmission, words

DAY = timedelta(days=1)
ASKED = [Candidate("Patient/p", "Encounter/stay", DUE)]


def chart(**stay):
    return Chart().patient().stay(**stay).diagnosis("I50.9")


def outcome(lake, at):
    (found,) = Readmission().outcome(lake, ASKED, at)
    return found


def test_a_return_is_known_as_soon_as_it_is_recorded(lake_with):
    lake = lake_with(chart().stay("back", left=LEFT + 12 * DAY, days=4))
    assert outcome(lake, LEFT + 11 * DAY) is None
    found = outcome(lake, LEFT + 12 * DAY)
    assert (found.value, found.known_at, found.sources) == (
        True,
        LEFT + 12 * DAY,
        ("Encounter/back/_history/1",),
    )


def test_a_return_counts_while_the_patient_is_still_there(lake_with):
    back = {"left": LEFT + 12 * DAY, "days": 4, "status": "in-progress", "known": LEFT + 8 * DAY}
    assert outcome(lake_with(chart().stay("back", **back)), LEFT + 9 * DAY).value is True


def test_that_nobody_came_back_is_known_after_thirty_days(lake_with):
    lake = lake_with(chart())
    assert outcome(lake, LEFT + 30 * DAY - timedelta(seconds=1)) is None
    found = outcome(lake, LEFT + 30 * DAY)
    assert (found.value, found.known_at) == (False, LEFT + 30 * DAY)


@pytest.mark.parametrize(
    "other",
    [
        {"left": LEFT + 35 * DAY, "days": 4},  # after 31 days
        {"left": LEFT + 12 * DAY, "days": 4, "priority": "EL"},  # planned
        {"left": LEFT + 12 * DAY, "days": 0, "kind": "EMER"},  # no stay
        {"left": LEFT - 20 * DAY, "days": 4},  # before
        {"left": LEFT + 12 * DAY, "days": 4, "status": "entered-in-error"},
        {"left": LEFT + 12 * DAY, "days": 4, "status": "planned"},
    ],
)
def test_what_is_no_readmission(lake_with, other):
    assert outcome(lake_with(chart().stay("other", **other)), LEFT + 40 * DAY).value is False


@pytest.mark.parametrize("to", ["exp", "hosp", "acute"])
def test_a_stay_out_of_scope_has_no_outcome(lake_with, to):
    lake = lake_with(chart(to=to).stay("back", left=LEFT + 12 * DAY, days=4))
    assert outcome(lake, LEFT + 40 * DAY) is None


@pytest.mark.parametrize(
    ("code", "value"), [("within-30-days", True), ("after-30-days", False), ("no", False)]
)
def test_what_the_source_says_goes_before_the_encounters(lake_with, code, value):
    made = chart()
    made.add(
        "Observation",
        LEFT + 30 * DAY,
        id="r",
        status="final",
        code={"coding": [{"system": words.SOURCE, "code": "readmitted"}]},
        subject={"reference": "Patient/p"},
        encounter={"reference": "Encounter/stay"},
        issued=(LEFT + 30 * DAY).isoformat(),
        valueCodeableConcept={"coding": [{"system": f"{words.SOURCE}-readmitted", "code": code}]},
    )
    found = outcome(lake_with(made), LEFT + 31 * DAY)
    assert (found.value, found.sources) == (value, ("Observation/r/_history/1",))


def test_a_stay_that_was_withdrawn_has_no_outcome(lake_with):
    lake = lake_with(chart().stay(status="entered-in-error", known=LEFT + DAY))
    assert outcome(lake, LEFT + 40 * DAY) is None
