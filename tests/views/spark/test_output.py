"""What leaves the house by way of Spark is what leaves it by the other engines."""

from contextlib import nullcontext

from vesalius.views import Files, View, output, spark

VIEW = View.load(
    {
        "resource": "Observation",
        "where": [{"path": "status = 'final'"}],
        "select": [
            {
                "column": [
                    {"name": "id", "path": "id"},
                    {"name": "value", "path": "value.ofType(Quantity).value"},
                ]
            }
        ],
    }
)


def observation(name, value, status="final"):
    return {
        "resourceType": "Observation",
        "id": name,
        "status": status,
        "code": {"text": "x"},
        "subject": {"reference": "Patient/p"},
        "valueQuantity": {"value": value},
    }


def rows(source, engine):
    found = output.batches(VIEW, source, output.Asked(engine=engine))
    return sorted((row for batch in found for row in batch.to_pylist()), key=lambda row: row["id"])


def test_each_resource_comes_once_as_it_is_in_force(session, make_lake, monkeypatch):
    monkeypatch.setattr(spark, "session", lambda: nullcontext(session))
    first = [observation("a", 1), observation("b", 2), observation("c", 3)]
    lake = make_lake(first, [observation("a", 5), observation("b", 2, "entered-in-error")])
    assert rows(lake, "spark") == rows(lake, "duckdb") == [{"id": "a", "value": 5}, {"id": "c", "value": 3}]


def test_files_are_read_by_spark_too(session, tmp_path, monkeypatch):
    import json

    monkeypatch.setattr(spark, "session", lambda: nullcontext(session))
    file = tmp_path / "o.ndjson"
    file.write_text("".join(json.dumps(observation(name, 1)) + "\n" for name in "ab"))
    assert rows(Files([file]), "spark") == rows(Files([file]), "python")
