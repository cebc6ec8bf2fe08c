"""A Spark session with two executors, each in a Java process of its own, for all tests here."""

import os

import pytest

from vesalius.errors import Unavailable
from vesalius.views import spark

SETTINGS = {
    "spark__driver__memory": "1g",
    "spark__executor__memory": "768m",
    "spark__driver__extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark__executor__extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark__task__maxFailures": "1",  # an error of a view is one the first time
    "spark__sql__adaptive__enabled": "false",
    "spark__sql__shuffle__partitions": "1",
}


@pytest.fixture(scope="session")
def session():
    pytest.importorskip("pyspark", reason="no pyspark here: make test-spark sets it up")
    if "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip("two executors are enough for one machine: make test-spark runs these in one process")
    try:
        with spark.session("local-cluster[2,1,768]", **SETTINGS) as made:
            yield made
    except Unavailable as reason:
        pytest.skip(str(reason))
