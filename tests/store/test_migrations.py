"""The migrations make exactly the tables that the packages declare."""

import importlib
import logging
import multiprocessing
import pkgutil
import subprocess
import sys

import pytest
import sqlalchemy as sa

import vesalius
from vesalius.errors import Conflict
from vesalius.store import _migrate, metadata, open_store, reading, writing
from vesalius.store._migrate import FOLDER, HEAD, migrate, revision


@pytest.fixture(autouse=True)
def _every_time(monkeypatch):
    """Here the migrations are what is tested: no database starts as a copy."""
    monkeypatch.setattr(_migrate, "migrate", migrate)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """The URL of a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'vesalius.sqlite'}"
    return request.getfixturevalue("postgres_database")


@pytest.fixture(scope="module")
def all_tables():
    """Every table of every package, declared."""
    for module in pkgutil.walk_packages(vesalius.__path__, "vesalius."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return metadata


def objects(engine):
    """Every index and trigger of an SQLite database, with its SQL."""
    query = "SELECT type, name, sql FROM sqlite_master WHERE type <> 'table' ORDER BY type, name"
    with reading(engine) as connection:
        rows = connection.exec_driver_sql(query)
        return {(kind, name): " ".join(sql.split()) for kind, name, sql in rows if sql}


def test_the_migrated_schema_equals_the_declared_one(all_tables, engine):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, all_tables) == []


def test_migrated_sqlite_has_the_indexes_and_triggers_of_the_declared_tables(all_tables, tmp_path):
    migrated = open_store(f"sqlite:///{tmp_path / 'migrated.sqlite'}")
    declared = sa.create_engine(f"sqlite:///{tmp_path / 'declared.sqlite'}")
    all_tables.create_all(declared)
    assert objects(migrated) == objects(declared)
    migrated.dispose()
    declared.dispose()


def test_what_the_audit_must_not_change_postgresql_refuses_too(engine):
    if engine.dialect.name != "postgresql":
        pytest.skip("the test above compares the triggers of SQLite")
    with reading(engine) as connection:
        names = (
            connection.exec_driver_sql("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal").scalars().all()
        )
    assert sorted(names) == [
        "audit_event_append_only",
        "audit_signed_head_append_only",
        "audit_subject_append_only",
    ]


def test_the_head_is_the_newest_migration_and_they_form_one_line():
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(FOLDER))
    assert scripts.get_heads() == [HEAD]
    assert [script.revision for script in scripts.walk_revisions()] == sorted(
        (path.stem.split("_")[0] for path in FOLDER.glob("versions/*.py")), reverse=True
    )


def test_a_database_that_is_up_to_date_is_opened_without_alembic(tmp_path):
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    open_store(url).dispose()
    code = "import sys, vesalius.store as s; s.open_store(sys.argv[1]); print('alembic' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_opening_again_keeps_what_is_there(database_url):
    for n in range(2):
        engine = open_store(database_url)
        assert revision(engine) == HEAD
        with writing(engine) as connection:
            connection.execute(metadata.tables["audit_head"].insert().values(id=n, seq=n, hash=""))
        engine.dispose()
    with open_store(database_url).connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM audit_head")).scalar() == 2
    connection.engine.dispose()


def test_a_database_of_a_newer_version_is_refused(engine):
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="newer"):
        migrate(engine)


def test_a_migration_that_fails_leaves_nothing(database_url, monkeypatch):
    from alembic.operations import Operations

    def fail(self, statement, **kwargs):
        raise RuntimeError

    monkeypatch.setattr(Operations, "execute", fail)
    with pytest.raises(RuntimeError):
        open_store(database_url)
    engine = sa.create_engine(database_url)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def open_at_once(url, start):
    """One of several processes that find an empty database."""
    start.wait(30)
    open_store(url).dispose()


def test_processes_that_open_an_empty_database_at_once_all_succeed(database_url):
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Event()
    processes = [spawn.Process(target=open_at_once, args=(database_url, start)) for _ in range(3)]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_opening_a_store_leaves_the_logging_of_others_alone(tmp_path):
    before = list(logging.getLogger().handlers)
    open_store(f"sqlite:///{tmp_path / 'x.sqlite'}").dispose()
    assert logging.getLogger().handlers == before
