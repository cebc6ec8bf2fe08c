"""What of the machine a process may use."""

import gc
import os

import pytest

from vesalius import machine


def test_only_the_cores_that_are_lent_are_counted(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert machine.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")  # as on systems that lend no single cores
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert machine.cores() == 8


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
