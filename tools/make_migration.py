"""Writes the next migration: what the tables that the packages declare have, and the newest migration lacks.

Run ``.venv/bin/python tools/make_migration.py "What it changes"``, read what it wrote (a renamed column looks
like one dropped and one added, data that must move it cannot know, triggers it does not see), set ``HEAD`` in
``store/_migrate.py``, and run the tests of the store.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

import vesalius
from vesalius.store import Instant, metadata, open_store
from vesalius.store._migrate import FOLDER

TEMPLATE = '''"""{title}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {previous!r}


def upgrade() -> None:
    """{title}."""
    {body}
'''


def import_all_tables() -> None:
    """Imports every module, so that every table is declared."""
    for module in pkgutil.walk_packages(vesalius.__path__, "vesalius."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def render(kind: str, item: Any, context: Any) -> str | bool:  # noqa: ARG001
    """Our own column type is written as what it is in the database."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Instant) else False


def main(title: str) -> None:
    """Writes the migration called ``title``."""
    import_all_tables()
    done = sorted(path.stem.split("_")[0] for path in FOLDER.glob("versions/[0-9]*.py"))
    revision = f"{int(done[-1]) + 1 if done else 1:04}"
    engine = open_store("sqlite://") if done else sa.create_engine("sqlite://")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        changes = produce_migrations(context, metadata).upgrade_ops
        assert changes is not None
        body = render_python_code(changes, render_item=render, migration_context=context)
        body = re.sub(r"^ *# ###.*\n?", "", body, flags=re.MULTILINE).strip()
    slug = re.sub(r"\W+", "_", title.lower()).strip("_")
    path = FOLDER / "versions" / f"{revision}_{slug}.py"
    previous = done[-1] if done else None
    text = TEMPLATE.format(title=title, revision=revision, previous=previous, body=body)
    path.write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", path], check=True)
    print(path)


if __name__ == "__main__":
    main(sys.argv[1])
