"""The real server: it serves console and API; killed at any moment, a transaction is whole or not there."""

import http.client
import random
import socket
import threading
import time
from contextlib import closing

import pytest
from machines import PATIENT, observation, opened, put, transaction
from server import Server, ask, token

from vesalius.console import serve
from vesalius.governance import audit
from vesalius.settings import Settings

SIZE = 40


def bundle(number):
    """A transaction whose resources are there all together, or none of them."""
    name = f"b{number}"
    return transaction(
        put(PATIENT | {"id": name}), *(put(observation(f"{name}-{each}", name)) for each in range(SIZE))
    )


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def test_one_process_serves_console_and_api(home):
    hospital = opened(home)
    key = token(hospital)
    server = Server(home)
    try:
        connection = server.connect()
        assert ask(connection, key, "PUT", "/Patient/p1", PATIENT)[0] == 201
        assert ask(connection, key, "GET", "/Patient/p1")[1]["id"] == "p1"
        assert ask(connection, "wrong", "GET", "/Patient/p1")[0] == 401
        connection.request("GET", "/sign-in")
        page = connection.getresponse()
        assert (page.status, b"<html" in page.read()) == (200, True)
        connection.close()
    finally:
        server.close()
    hospital.close()


def test_a_sender_that_stops_in_the_middle_stops_no_other(home):
    hospital = opened(home)
    key = token(hospital)
    server = Server(home)
    try:
        stalled = [server.connect() for _ in range(12)]
        for each in stalled:
            each.putrequest("PUT", "/fhir/Patient/p1")
            each.putheader("Authorization", f"Bearer {key}")
            each.putheader("Content-Length", "1000000")
            each.endheaders(b"{")
        connection = server.connect()
        assert ask(connection, key, "PUT", "/Patient/p1", PATIENT)[0] == 201
        for each in (connection, *stalled):
            each.close()
        with closing(server.connect()) as connection:
            assert ask(connection, key, "GET", "/Patient/p1")[0] == 200
    finally:
        server.close()
    hospital.close()


@pytest.mark.parametrize("seed", range(2))
def test_killed_in_the_middle_of_transactions_each_is_whole_or_not_there(home, seed):
    hospital = opened(home)
    key = token(hospital)
    chance, acknowledged = random.Random(seed), set()
    for life in range(3):
        server = Server(home)
        senders = [
            threading.Thread(
                target=send, args=(server, key, range(life * 1000 + n, life * 1000 + 900, 3), acknowledged)
            )
            for n in range(3)
        ]
        for sender in senders:
            sender.start()
        time.sleep(0.5 + chance.random())
        server.close()
        for sender in senders:
            sender.join()
        check(hospital, acknowledged)
    assert len(acknowledged) > 10
    hospital.close()


def send(server, key, numbers, acknowledged):
    connection = server.connect()
    for number in numbers:
        try:
            status, _ = ask(connection, key, "POST", "", bundle(number))
        except (OSError, http.client.HTTPException, ValueError):
            break
        assert status == 200
        acknowledged.add(number)
    connection.close()


def check(hospital, acknowledged):
    lake = hospital.lake
    present = {int(version.id[1:]) for version in lake.resources("Patient")}
    assert acknowledged <= present
    for number in present:
        assert len(lake.patient(f"Patient/b{number}")) == SIZE + 1
    assert lake.position() == len(present) * (SIZE + 1)
    written = audit.events(hospital.engine, action="resource.written", limit=10_000)
    assert len(written) == len(present)  # each with its event, and no event without its transaction
    audit.verify(hospital.engine)


def test_two_processes_on_one_postgresql_agree_on_who_was_first(tmp_path, postgres_database):
    settings = Settings(database=postgres_database)
    home = tmp_path / "home"
    settings.save(home)
    hospital = opened(home, postgres_database)
    key = token(hospital)
    servers = [Server(home), Server(home)]
    try:
        lines = [server.connect() for server in servers]
        assert ask(lines[0], key, "PUT", "/Patient/p1", PATIENT)[0] == 201
        assert ask(lines[1], key, "GET", "/Patient/p1")[0] == 200
        race(lines, key)
        assert ask(lines[0], "vesalius_0_0", "GET", "/Patient/p1")[0] == 401
    finally:
        for each in (*lines, *servers):
            each.close()
    for number in range(20):
        assert [each.version for each in hospital.lake.history(f"Patient/r{number}")] == [1]
    audit.verify(hospital.engine)
    hospital.close()


def race(lines, key):
    """Both make the same resources, if they are not there yet: each is made once."""
    statuses = [[], []]

    def make(side):
        for number in range(20):
            entry = put(PATIENT | {"id": f"r{number}", "name": [{"family": f"side{side}"}]}, ifNoneMatch="*")
            statuses[side].append(ask(lines[side], key, "POST", "", transaction(entry))[0])

    threads = [threading.Thread(target=make, args=(side,)) for side in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for pair in zip(*statuses, strict=True):
        assert sorted(pair) == [200, 412]


def test_an_answer_is_sent_at_once_not_when_the_one_before_was_confirmed(home, monkeypatch):
    import uvicorn

    seen = []
    monkeypatch.setattr(
        uvicorn.Server, "run", lambda _, sockets: seen.extend(accepted(each) for each in sockets)
    )
    hospital = opened(home)
    serve(hospital, "127.0.0.1", 0)
    assert seen == [True]
    hospital.close()


def accepted(listening):
    """Whether a connection that is accepted sends small pieces without waiting."""
    with socket.create_connection(listening.getsockname()), closing(listening.accept()[0]) as line:
        return bool(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
