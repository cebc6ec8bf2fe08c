"""The bought systems of one hospital beside the use cases that are installed: they come with its register."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius import usecase
from vesalius.bought.system import kind
from vesalius.governance import _bought
from vesalius.governance.register import entries

_adopted: list[sa.Engine] = []


def adopt(engine: sa.Engine) -> None:
    """Makes the use cases of a hospital's bought systems findable; those of another hospital go.

    Called when a hospital opens, when its register changes, and at the start of each turn of the loop: one
    that another process registered is then found as well.
    """
    usecase.present({each.name: kind(each) for each in entries(engine)})
    _adopted[:] = [engine]


def forget(engine: sa.Engine) -> None:
    """Takes them away again, when their hospital closes."""
    if _adopted and _adopted[0] is engine:
        usecase.present({})
        _adopted.clear()


def _changed(engine: sa.Engine) -> None:
    if _adopted and _adopted[0] is engine:
        adopt(engine)


_bought.heard.append(_changed)
