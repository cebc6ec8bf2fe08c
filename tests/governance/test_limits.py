"""How often something may be tried."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from vesalius.governance import limits
from vesalius.governance.limits import Limit
from vesalius.store import reading

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
THREE = Limit("test", 3, timedelta(minutes=5))


def test_so_many_pass_and_no_more_until_the_window_has_passed(engine):
    assert [THREE.take(engine, "anna", NOW) for _ in range(5)] == [True, True, True, False, False]
    assert THREE.take(engine, "bart", NOW)
    assert not THREE.take(engine, "anna", NOW + timedelta(minutes=4))
    assert [THREE.take(engine, "anna", NOW + timedelta(minutes=5)) for _ in range(4)] == [True] * 3 + [False]


def test_of_many_at_once_no_more_pass_than_one_by_one(engine):
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: THREE.take(engine, "anna", NOW), range(24))) == 3


def test_what_was_no_guess_is_given_back(engine):
    for _ in range(20):
        assert THREE.take(engine, "anna", NOW)
        THREE.give_back(engine, "anna")
    THREE.give_back(engine, "anna")
    assert [THREE.take(engine, "anna", NOW) for _ in range(4)] == [True, True, True, False]
    THREE.clear(engine, "anna")
    assert THREE.take(engine, "anna", NOW)


def test_two_limits_count_apart(engine):
    other = Limit("other", 1, timedelta(minutes=5))
    assert other.take(engine, "anna", NOW)
    assert THREE.take(engine, "anna", NOW)
    assert not other.take(engine, "anna", NOW)


def test_no_name_is_kept_and_old_rows_go(engine):
    for number in range(5):
        THREE.take(engine, f"correct horse {number}\ud800", NOW)
    THREE.take(engine, "later", NOW + timedelta(minutes=6))
    with reading(engine) as connection:
        rows = connection.execute(sa.select(limits._rate)).all()
    assert len(rows) == 1
    assert "later" not in str(rows)
