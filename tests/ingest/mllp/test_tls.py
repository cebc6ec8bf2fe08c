"""Encrypted connections: the right client is let in, the wrong one is not, and nothing old is spoken."""

import asyncio
import ssl

import pytest
import trustme

from vesalius.errors import InvalidSetting, Unavailable
from vesalius.ingest.mllp import Sender, client_context, server_context

from .conftest import message


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def files(tmp_path, authority):
    """``files(name, authority)``: the paths of a certificate, its key, and its authority."""

    def made(name="127.0.0.1", of=authority):
        folder = tmp_path / f"{name}-{id(of)}"
        folder.mkdir()
        issued = of.issue_cert(name)
        issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        issued.private_key_pem.write_to_path(folder / "key.pem")
        of.cert_pem.write_to_path(folder / "ca.pem")
        return folder / "cert.pem", folder / "key.pem", folder / "ca.pem"

    return made


def sent(listening, tls, client, name="127.0.0.1"):
    async def conversation():
        async with listening(tls=tls) as listener, Sender(name, listener.port, client, 10) as sender:
            return await sender.send(message())

    return asyncio.run(conversation())


def test_messages_travel_encrypted(listening, files, lake):
    cert, key, ca = files()
    assert sent(listening, server_context(cert, key), client_context(ca)).code == "AA"
    assert lake.read("Patient/p1") is not None


def test_a_client_with_the_right_certificate_is_let_in(listening, files):
    cert, key, ca = files()
    client_cert, client_key, _ = files("client.example")
    reply = sent(listening, server_context(cert, key, ca), client_context(ca, client_cert, client_key))
    assert reply.code == "AA"


@pytest.mark.parametrize("shows", ["nothing", "another authority's"])
def test_a_client_without_the_right_certificate_is_refused(listening, files, lake, shows):
    cert, key, ca = files()
    client = client_context(ca)
    if shows != "nothing":
        other_cert, other_key, _ = files("client.example", trustme.CA())
        client = client_context(ca, other_cert, other_key)
    with pytest.raises(Unavailable):
        sent(listening, server_context(cert, key, ca), client)
    assert lake.position() == 0


def test_a_sender_refuses_a_listener_that_is_not_who_it_should_be(listening, files):
    cert, key, ca = files("other.example")
    with pytest.raises(Unavailable, match="certificate"):
        sent(listening, server_context(cert, key), client_context(ca))


def test_a_client_in_clear_gets_no_answer_from_an_encrypted_listener(listening, files):
    cert, key, _ = files()
    with pytest.raises(Unavailable):
        sent(listening, server_context(cert, key), None)


def test_nothing_older_than_tls_1_2_is_spoken(listening, files):
    cert, key, ca = files()
    context = server_context(cert, key)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    old = client_context(ca)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(Unavailable):
        sent(listening, context, old)


def test_certificates_that_cannot_be_used_are_said(files, tmp_path):
    cert, key, ca = files()
    other = files("other.example")
    broken = tmp_path / "broken.pem"
    broken.write_text("not a certificate")
    for given in ((tmp_path / "none.pem", key), (broken, key), (cert, broken), (cert, other[1])):
        with pytest.raises(InvalidSetting, match="cannot be used"):
            server_context(*given)
    for authorities in (tmp_path / "none.pem", broken):
        with pytest.raises(InvalidSetting, match="cannot be read"):
            server_context(cert, key, authorities)
        with pytest.raises(InvalidSetting, match="cannot be read"):
            client_context(authorities)
    assert client_context(ca).verify_mode == ssl.CERT_REQUIRED
