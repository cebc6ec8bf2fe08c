"""A lake of one's own, and a small laboratory file with its map."""

import io
from datetime import UTC, datetime

import pytest

from vesalius.ingest import CsvMap, receive
from vesalius.lake import Lake
from vesalius.store import open_store

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)

MAP = """
delimiter = ";"
decimal = ","

[[resource]]
[resource.body]
resourceType = "Patient"
id = "{patient}"
birthDate = { column = "born", as = "date", format = "%d/%m/%Y" }
gender = { column = "sex", values = "sex" }

[[resource]]
when = [{ column = "crp", given = true }]
[resource.body]
resourceType = "Observation"
id = "{patient}-{sample}-crp"
status = "final"
code.coding = [{ system = "http://loinc.org", code = "1988-5" }]
subject.reference = "Patient/{patient}"
issued = { column = "issued", as = "dateTime", format = "%d/%m/%Y %H:%M", zone = "Europe/Brussels" }
valueQuantity = { column = "crp", as = "quantity", unit = "mg/L", spelled = ["mg/l"], range = [0, 600] }

[values.sex]
F = "female"
M = "male"
"""

HEADER = "patient;born;sex;sample;crp;issued\n"
ROW = "p1;18/05/1993;F;s1;12,50;01/05/2026 10:30\n"


@pytest.fixture
def lake(tmp_path):
    engine = open_store(f"sqlite:///{tmp_path / 'hospital.sqlite'}")
    yield Lake(engine, tmp_path / "columns")
    engine.dispose()


@pytest.fixture
def csv_map():
    return CsvMap.parse(MAP, "laboratory.toml")


@pytest.fixture
def send(lake, csv_map):
    """Receives bytes: ``send(data, name=…)``."""

    def sent(data, name="results.csv", source="laboratory", **options):
        data = data.encode() if isinstance(data, str) else data
        options.setdefault("received_at", NOW)
        if name.endswith((".csv", ".csv.gz")):
            options.setdefault("csv_map", csv_map)
        return receive(lake, name, io.BytesIO(data), source=source, **options)

    return sent
