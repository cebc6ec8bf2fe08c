"""``vesalius listen``, ``send`` and ``messages`` as processes, as an engineer runs them."""

import contextlib
import re
import signal
import subprocess
import sys

import pytest
import trustme
from click.testing import CliRunner

from vesalius.cli import main

from .conftest import message


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


@contextlib.contextmanager
def listener(home, *options):
    """The real process: its port, and at the end what it said."""
    command = [sys.executable, "-m", "vesalius", "listen", "--source", "adt", "--port", "0", "--home", home]
    process = subprocess.Popen(
        [str(each) for each in [*command, *options]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = []
    try:
        first = process.stdout.readline()
        found = re.search(r"port (\d+)", first)
        assert found, first + process.stderr.read()
        yield int(found[1]), said
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        said += [first + out, err]
    assert process.returncode == 0, said


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "adt.hl7"
    path.write_bytes(message(1) + message(2) + message(3, processing="T"))
    return path


def test_messages_are_sent_received_and_listed(tmp_path, file):
    with listener(tmp_path / "home") as (port, said):
        first = run("send", file, "--to", f"127.0.0.1:{port}")
        run("send", file, "--to", f"127.0.0.1:{port}")
    assert "3 sent" in first.output
    assert "AR M3: this listener takes in messages whose MSH-11 is P" in first.output
    assert first.exit_code == 1
    assert re.search(r"2 refused, 3 repeated, 0 unanswered, 0 connected", said[1])
    listed = run("messages", "--home", tmp_path / "home").output.splitlines()
    assert len(listed) == 3
    assert re.search(r"adt  M3  refused  unsupported: ", listed[0])
    assert "Duck" not in "".join(listed)
    replayed = run("messages", "--replay", "--home", tmp_path / "home")
    assert re.search(r"\d messages converted again: 0 resources written", replayed.output)


def test_a_test_message_is_welcome_where_the_hospital_says_so(tmp_path, file):
    with listener(tmp_path / "home", "--processing", "P", "--processing", "T") as (port, said):
        run("send", file, "--to", f"127.0.0.1:{port}")
    assert "0 refused" in said[1]


def test_the_rows_of_the_hospital_are_listened_through_and_replayed_through(tmp_path, file):
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text('zone = "UTC"\n')
    other.write_text('zone = "Asia/Tokyo"\n')
    home = tmp_path / "home"
    with listener(home, "--map", one) as (port, _said):
        run("send", file, "--to", f"127.0.0.1:{port}")
    same = run("messages", "--replay", "--map", one, "--home", home).output
    assert "2 messages converted again: 0 resources written" in same
    mended = run("messages", "--replay", "--map", other, "--since", "2026-01-01", "--home", home).output
    assert int(re.search(r"again: (\d+) resources written", mended)[1]) >= 2
    assert "0 resources written" in run("messages", "--replay", "--map", other, "--home", home).output


def test_certificates_on_both_sides(tmp_path, file):
    authority, stranger = trustme.CA(), trustme.CA()
    paths = {}
    for name, issued in (
        ("server", authority.issue_cert("127.0.0.1")),
        ("client", authority.issue_cert("lab.example")),
        ("stranger", stranger.issue_cert("lab.example")),
    ):
        cert, key = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        issued.cert_chain_pems[0].write_to_path(cert)
        issued.private_key_pem.write_to_path(key)
        paths[name] = cert, key
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    tls = ("--tls-cert", paths["server"][0], "--tls-key", paths["server"][1], "--client-ca", ca)
    with listener(tmp_path / "home", *tls) as (port, said):
        to = ("--to", f"127.0.0.1:{port}", "--tls", "--ca", ca)
        known = run("send", file, *to, "--cert", paths["client"][0], "--key", paths["client"][1])
        unknown = run("send", file, *to, "--cert", paths["stranger"][0], "--key", paths["stranger"][1])
        nobody = run("send", file, *to)
    assert "3 sent" in known.output
    assert "with TLS" in said[0]
    for refused in (unknown, nobody):
        assert refused.exit_code == 1
        assert "sent" not in refused.output.splitlines()[-1].split("could")[0]
    assert "0 repeated" in said[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("listen", "--source", "x", "--tls-cert", __file__), "come together"),
        (("listen", "--source", "x", "--client-ca", __file__), "needs both"),
        (("listen", "--source", "x", "--peer", "300.1.1.1"), "no address or network"),
        (("listen", "--source", "x", "--tls-cert", __file__, "--tls-key", __file__), "cannot be used"),
        (("send", __file__, "--to", "nowhere"), "HOST:PORT"),
        (("send", __file__, "--to", "127.0.0.1:1", "--ca", __file__), "need --tls"),
    ],
)
def test_what_is_asked_for_wrongly_is_said_in_one_line(tmp_path, arguments, words):
    home = ("--home", tmp_path) if arguments[0] == "listen" else ()
    result = run(*arguments, *home)
    assert result.exit_code
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_listener_that_is_not_there_is_said(file):
    result = run("send", file, "--to", "127.0.0.1:1")
    assert result.exit_code == 1
    assert "is the listener running?" in result.output
