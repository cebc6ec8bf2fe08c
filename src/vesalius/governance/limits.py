"""How often something may be tried: counted in the database, so that all processes count together.

A window begins with the first try and ends after its length; within it, no more than so many pass. Names and
addresses are kept as hashes: what a stranger typed where a name is asked may be their password.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from vesalius.store import Instant, insert, metadata, reading, writing

_rate = sa.Table(
    "rate",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("until", Instant, nullable=False, index=True),
)


@dataclass(frozen=True)
class Limit:
    """So many tries in so long.

    Attributes:
        name: of what is tried.
        most: how many pass.
        window: within how long.
    """

    name: str
    most: int
    window: timedelta

    def take(self, engine: sa.Engine, who: str, at: datetime) -> bool:
        """Counts one try; False when it is one too many. Of many at once no more pass than one by one."""
        key = self._key(who)
        if self.spent(engine, who, at):  # a flood is read, and writes nothing
            return False
        begun, past = at, _rate.c.since <= at - self.window
        first = {"key": key, "since": begun, "count": 1, "until": at + self.window}
        again = {
            "count": sa.case((past, 1), else_=_rate.c.count + 1),
            "since": sa.case((past, sa.literal(begun, Instant)), else_=_rate.c.since),
            "until": sa.case((past, sa.literal(at + self.window, Instant)), else_=_rate.c.until),
        }
        with writing(engine) as connection:
            connection.execute(sa.delete(_rate).where(_rate.c.until <= at, _rate.c.key != key))
            row = insert(connection, _rate).values(**first)
            row = row.on_conflict_do_update(index_elements=["key"], set_=again)
            return bool(connection.execute(row.returning(_rate.c.count)).scalar_one() <= self.most)

    def spent(self, engine: sa.Engine, who: str, at: datetime) -> bool:
        """Whether the next try would be one too many."""
        asked = sa.select(_rate.c.count).where(
            _rate.c.key == self._key(who), _rate.c.since > at - self.window
        )
        with reading(engine) as connection:
            return (connection.execute(asked).scalar() or 0) >= self.most

    def give_back(self, engine: sa.Engine, who: str) -> None:
        """Takes the last try back: it was no guess."""
        mine = sa.and_(_rate.c.key == self._key(who), _rate.c.count > 0)
        with writing(engine) as connection:
            connection.execute(sa.update(_rate).where(mine).values(count=_rate.c.count - 1))

    def clear(self, engine: sa.Engine, who: str) -> None:
        """Forgets every try."""
        with writing(engine) as connection:
            connection.execute(sa.delete(_rate).where(_rate.c.key == self._key(who)))

    def _key(self, who: str) -> str:
        return hashlib.sha256(f"{self.name}\0{who}".encode("utf-8", "surrogatepass")).hexdigest()


SIGN_IN_NAME = Limit("sign-in name", 5, timedelta(minutes=5))
"""Wrong passwords of one name."""

SIGN_IN_ADDRESS = Limit("sign-in address", 50, timedelta(minutes=5))
"""Wrong passwords from one address."""

CODE = Limit("code", 5, timedelta(minutes=15))
"""Wrong codes of one account: a code of six digits is then guessed once in some 20 years of trying."""

POSTS = Limit("posts", 300, timedelta(minutes=1))
"""Forms sent from one account, or from one address by those who have not signed in."""

SEARCHES = Limit("searches", 300, timedelta(minutes=1))
"""Searches of one account."""
