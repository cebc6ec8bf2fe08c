"""A register with one use case and one person of each role."""

import itertools

import pytest
from signers import LIVE

from vesalius.card import Card, Setting
from vesalius.errors import NotFound
from vesalius.governance import _bought, _life, people, uses, validations
from vesalius.governance.register import _systems
from vesalius.governance.roles import Role
from vesalius.store import open_store


class Urine:
    """All that the register needs of a use case."""

    card = Card(
        name="urine", version="1.0", risk_class="test", reviewers=("doctor",), inputs=(), options=(),
        override_reasons=(), settings=(Setting("start_from", 0.5, 0.1, 0.9),),
    )  # fmt: skip


@pytest.fixture
def urine(monkeypatch):
    def find(name):
        if name != "urine":
            raise NotFound(f"there is no use case {name!r}")
        return Urine

    for module in (uses, _life, validations):
        monkeypatch.setattr(module, "find", find)
    for module in (uses, _systems):
        monkeypatch.setattr(module, "installed", lambda: {"urine": Urine})
    monkeypatch.setattr(_bought, "names", lambda: ["urine"])


@pytest.fixture
def engine(tmp_path, urine):
    opened = open_store(f"sqlite:///{tmp_path / 'governance.sqlite'}")
    yield opened
    opened.dispose()


@pytest.fixture
def staff(engine):
    """One person of each role, and a second doctor."""
    found = {role.value: people.add(engine, role.value, name=role.value, role=role.value) for role in Role}
    return found | {"doctor2": people.add(engine, "doctor2", name="Second", role="doctor")}


@pytest.fixture
def signed(engine, staff):
    """Signs gates, one person after the other."""

    def sign(*names):
        for name in names:
            use = uses.sign(engine, "urine", staff[name], reason="read and agreed", despite="a test")
        return use

    return sign


@pytest.fixture
def live(signed):
    return signed(*itertools.chain(*TO_LIVE))


TO_LIVE = (["dpo"], ["engineer", "doctor"], ["director"], list(LIVE))
