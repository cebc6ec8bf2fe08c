"""What of the machine a process may use."""

import gc
import os

import pytest

from vesalius import machine


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system lends no single cores")
def test_only_the_cores_that_are_lent_are_counted():
    lent = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(lent)})
    try:
        assert machine.cores() == 1
    finally:
        os.sched_setaffinity(0, lent)
    assert machine.cores() == len(lent)


def test_the_collector_is_as_it_was_afterwards_whatever_happens():
    before = gc.get_threshold()
    with pytest.raises(ZeroDivisionError):
        _fail_while_collecting_seldom(before)
    assert gc.isenabled()
    assert gc.get_threshold() == before


def _fail_while_collecting_seldom(before):
    with machine.seldom_collecting():
        assert gc.isenabled()
        assert gc.get_threshold() > before
        raise ZeroDivisionError
