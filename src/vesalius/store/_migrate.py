"""Bringing a database's tables up to date."""

import sqlalchemy as sa

from vesalius.store._engine import metadata


def migrate(engine: sa.Engine) -> None:
    """Creates what is missing."""
    metadata.create_all(engine)
