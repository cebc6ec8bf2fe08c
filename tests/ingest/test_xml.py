"""XML from strangers: it reads no file, calls nobody, grows no tree without end, and says why it was refused."""

import gzip
import http.server
import io
import threading
import time
from contextlib import suppress

import pytest
from lxml import etree

from vesalius.ingest import Cause, _xml, ccda, kmehr, receive
from vesalius.ingest._causes import FaultError

KMEHR = '<kmehrmessage xmlns="http://www.ehealth.fgov.be/standards/kmehr/schema/v1">{}</kmehrmessage>'


def cause(raw):
    with pytest.raises(FaultError) as caught:
        _xml.parse(raw)
    return caught.value.cause


def growing(levels, use):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels))
    return f'<!DOCTYPE a [<!ENTITY e0 "lol">{entities}]>{use.format(f"&e{levels - 1};")}'.encode()


@pytest.mark.parametrize("use", ["<a>{}</a>", '<a b="{}"/>'])
def test_entities_that_grow_without_end_are_refused_at_once(use):
    start = time.process_time()
    assert cause(growing(12, use)) is Cause.UNSAFE
    assert time.process_time() - start < 1


@pytest.mark.parametrize("use", ["<a>{}</a>", '<a b="{}"/>', "<a/>"])
def test_a_single_entity_is_refused_too(use):
    assert cause(growing(1, use)) is Cause.UNSAFE


def test_an_external_entity_is_never_read(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret")
    raw = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'.encode()
    with pytest.raises(FaultError) as caught:
        _xml.parse(raw)
    assert caught.value.cause is Cause.UNSAFE
    assert "secret" not in caught.value.words


def test_no_machine_is_called_for_a_document_type():
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/a.dtd"
        for raw in (
            f'<!DOCTYPE a SYSTEM "{url}"><a/>',
            f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{url}"> %p;]><a/>',
            f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{url}"/></a>',
        ):
            with suppress(FaultError):
                _xml.parse(raw.encode())
        server.shutdown()
        thread.join()
    assert asked == []


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'<?xml version="1.0" encoding="utf-8"?><a>\xe9\xe9</a>', Cause.UNDECODABLE),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', Cause.UNDECODABLE),
        (b"<a><b>", Cause.MALFORMED),
        (b"<a></b>", Cause.MALFORMED),
        (b"<a>&nbsp;</a>", Cause.MALFORMED),
        (b"\x00\x01\x02", Cause.MALFORMED),
        (b"<a>" * 300 + b"</a>" * 300, Cause.UNSAFE),
        (b"<a>" + b"x" * 10_000_001 + b"</a>", Cause.UNSAFE),
    ],
)
def test_what_cannot_be_read_says_why_and_nothing_of_the_text(raw, why):
    with pytest.raises(FaultError) as caught:
        _xml.parse(raw)
    assert caught.value.cause is why
    assert "xxx" not in caught.value.words


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_every_announced_encoding_is_read(encoding):
    raw = f'<?xml version="1.0" encoding="{encoding}"?><a>Crève-cœur</a>'.encode(
        encoding, "xmlcharrefreplace"
    )
    assert _xml.text(_xml.parse(raw)) == "Crève-cœur"


def test_a_byte_order_mark_is_enough():
    for encoding in ("utf-8-sig", "utf-16"):
        assert _xml.text(_xml.parse("<a>é</a>".encode(encoding))) == "é"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("<kmehrmessage/>", "kmehrmessage"),
        ('<?xml version="1.0"?>\n<!-- a\n<b> -->\n<k:kmehrmessage xmlns:k="urn:k">', "kmehrmessage"),
        ("<!DOCTYPE x [<!ELEMENT a (b)>]><ClinicalDocument>", "ClinicalDocument"),
        ('<!DOCTYPE x [<!ENTITY a "]>">]><ClinicalDocument>', ""),  # asked for, rather than guessed
        ("<?xml-stylesheet href='CDA.xsl'?><ClinicalDocument\nxmlns='urn:hl7-org:v3'>", "ClinicalDocument"),
        ("no element", ""),
        ("<!-- never closed <kmehrmessage>", ""),
    ],
)
def test_a_document_is_told_by_its_outermost_element(document, name, encoding):
    assert _xml.root_name(document.encode(encoding)) == name


def test_telling_takes_no_time_on_a_hostile_beginning():
    start = time.process_time()
    for piece in ("<!-- ", "<?", "<!DOCTYPE a [", "<!DOCTYPE ", " \n", "<![", "]>"):
        _xml.root_name((piece * 20_000).encode())
    assert time.process_time() - start < 2


def test_a_document_larger_than_the_limit_is_held_with_its_beginning(monkeypatch):
    monkeypatch.setattr(_xml, "LIMIT", 1_000)
    (item,) = kmehr.read(io.BytesIO(KMEHR.format(" " * 2_000).encode()))
    assert item.fault.cause is Cause.TOO_LONG
    assert item.raw.startswith(b"<kmehrmessage")


@pytest.mark.parametrize("reader", [kmehr, ccda])
def test_a_compressed_document_that_breaks_off_says_so(reader):
    whole = gzip.compress(KMEHR.format("<header/>" * 1_000).encode())
    with pytest.raises(FaultError) as caught:
        list(reader.read(gzip.GzipFile(fileobj=io.BytesIO(whole[:-20]))))
    assert caught.value.cause is Cause.TRUNCATED


def test_what_was_refused_is_held_byte_for_byte(lake):
    from vesalius.ingest import held

    raw = growing(12, KMEHR)
    receipt = receive(lake, "bomb.xml", io.BytesIO(raw), source="hub", format="kmehr")
    assert (receipt.written, receipt.quarantined) == (0, 1)
    (kept,) = held(lake.engine)
    assert (kept.cause, kept.raw) == (Cause.UNSAFE, raw)


def test_names_and_text_are_found_whatever_the_namespace():
    root = etree.fromstring(b'<x:a xmlns:x="urn:x" xmlns="urn:y"><b> one <c>two</c>\n three</b></x:a>')
    root = _xml.without_namespaces(root)
    assert (root.tag, _xml.text(root.find("b")), list(_xml.texts(root, "b/c"))) == (
        "a",
        "one two three",
        ["two"],
    )
