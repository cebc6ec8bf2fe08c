"""Plans and looks are kept alike on SQLite and on PostgreSQL."""

import pytest
from scales import DAY, START, draft

from vesalius import trial
from vesalius.errors import Conflict
from vesalius.store import writing
from vesalius.trial import _keeping, register


@pytest.fixture
def database(database_url):
    return database_url


def test_a_plan_and_a_look_come_back_as_they_were_kept(hospital, staff, silent, case):
    plan = register(hospital, "scale", staff["doctor"], draft(subgroups=("age",)), reason="both", at=START)
    for place in range(20):
        case(1 + place / 100, tool=place < 15, outcome=True if place != 3 else None)
    made = trial.look(hospital, "scale", START + 60 * DAY)
    stands = trial.state(hospital, "scale", START + 61 * DAY)
    assert (stands.plan, stands.looks) == (plan, (made,))
    assert stands.accrual.missing == 1
    with writing(hospital.engine) as connection:
        assert not _keeping.keep_look(connection, plan, made)
        assert not _keeping.keep_plan(connection, plan)
    with pytest.raises(Conflict):
        trial.look(hospital, "scale", START + 61 * DAY)
