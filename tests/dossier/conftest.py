"""Two hospitals in which a use went through its whole life: on SQLite, and on PostgreSQL."""

import uuid
from dataclasses import dataclass

import life
import pytest
import sqlalchemy as sa

from vesalius import dossier
from vesalius.dossier import Sealed
from vesalius.hospital import Hospital


@dataclass
class Lived:
    """A hospital with the dossiers of a use that it made and of one that it bought."""

    hospital: Hospital
    sealed: Sealed
    bought: Sealed


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def lived(request, tmp_path_factory):
    home, url, server = tmp_path_factory.mktemp("lived"), "", None
    if request.param == "postgresql":
        base, name = request.getfixturevalue("postgres_url"), f"dossier_{uuid.uuid4().hex[:12]}"
        server = sa.create_engine(base, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        url = sa.make_url(base).set(database=name).render_as_string(hide_password=False)
    hospital = life.lived(home, url)
    yield Lived(hospital, dossier.build(hospital, life.USE), dossier.build(hospital, life.BOUGHT))
    hospital.close()
    if server is not None:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        server.dispose()
