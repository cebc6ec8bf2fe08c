"""Messages over the network: the listener, and a small sender."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vesalius.cli._shared import HOME, opened, progress, rows

if TYPE_CHECKING:
    from vesalius.ingest.mllp import Counts, Listener, Reply

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--source", required=True, help="The name of the feed that sends here.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=2575, show_default=True)
@click.option("--tls-cert", type=_FILE, help="The listener's certificate and its chain, in PEM.")
@click.option("--tls-key", type=_FILE, help="Its private key, in PEM.")
@click.option("--client-ca", type=_FILE, help="Admit only clients with a certificate of these authorities.")
@click.option("--peer", "peers", multiple=True, help="Admit this address or network only; may be repeated.")
@click.option(
    "--processing",
    multiple=True,
    default=("P",),
    show_default=True,
    help="Take in messages with this MSH-11: P production, T training, D debugging; may be repeated.",
)
@click.option("--map", "map_file", type=_FILE, help="The hospital's own rows for HL7 v2.")
@HOME
def listen(
    source: str,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
    peers: tuple[str, ...],
    processing: tuple[str, ...],
    map_file: Path | None,
    home: Path,
) -> None:
    """Receive HL7 v2 messages over MLLP; each is acknowledged once it is on disk."""
    from vesalius.ingest import mllp

    networks = [_network(each) for each in peers]
    if (tls_key is None) != (tls_cert is None) or (client_ca and not tls_cert):
        raise click.UsageError("--tls-cert and --tls-key come together; --client-ca needs both")
    tls = mllp.server_context(tls_cert, tls_key, client_ca) if tls_cert and tls_key else None
    with opened(home) as hospital:
        listener = mllp.Listener(
            hospital.lake,
            source,
            host=host,
            port=port,
            tls=tls,
            peers=networks,
            processing=processing,
            read=_reader(map_file),
        )
        mllp.listen(listener, lambda each: _ready(each, host, encrypted=tls is not None), _Line())


def _reader(map_file: Path | None) -> Any:
    from vesalius.ingest import load_map, reader

    return reader(own=load_map(map_file)) if map_file else None


def _network(text: str) -> Any:
    from ipaddress import ip_network

    try:
        return ip_network(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no address or network", param_hint="--peer") from None


def _ready(listener: Listener, host: str, *, encrypted: bool) -> None:
    click.echo(f"listening on {host}, port {listener.port}{' with TLS' if encrypted else ''}")
    if not encrypted and host not in {"127.0.0.1", "::1", "localhost"}:
        click.secho(
            "messages cross the network in clear: give --tls-cert and --tls-key", fg="yellow", err=True
        )


class _Line:
    """One line of counts: renewed in place on a terminal, else written when it changed, once a minute."""

    _EVERY = 60

    def __init__(self) -> None:
        self._last, self._ticks = "", 0
        self._live = sys.stderr.isatty()

    def __call__(self, counts: Counts) -> None:
        self._ticks += 1
        text = (
            f"{counts.taken} taken in, {counts.held} held, {counts.refused} refused, "
            f"{counts.repeated} repeated, {counts.unanswered} unanswered, {counts.connections} connected"
        )
        if text == self._last or (not self._live and self._ticks % self._EVERY and counts.connections):
            return
        self._last = text
        click.echo(f"\r{text}\033[K" if self._live else text, err=True, nl=not self._live)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--to", "target", required=True, metavar="HOST:PORT", help="The listener.")
@click.option("--tls", is_flag=True, help="Encrypt the connection, and check who the listener is.")
@click.option("--ca", type=_FILE, help="The authorities to believe, in PEM; the system's, if not given.")
@click.option("--cert", type=_FILE, help="The sender's own certificate, in PEM.")
@click.option("--key", type=_FILE, help="Its private key, in PEM.")
@click.option("--again", type=int, default=0, show_default=True, help="How often to send again unanswered.")
def send(
    files: tuple[Path, ...],
    target: str,
    tls: bool,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    again: int,
) -> None:
    """Send HL7 v2 messages over MLLP, each after the answer to the one before."""
    import asyncio

    from vesalius.ingest import mllp

    host, _, port = target.rpartition(":")
    if not host or not port.isdecimal():
        raise click.BadParameter("HOST:PORT", param_hint="--to")
    if (cert is None) != (key is None) or ((ca or cert) and not tls):
        raise click.UsageError("--cert and --key come together; --ca, --cert and --key need --tls")
    context = mllp.client_context(ca, cert, key) if tls else None
    outbox = mllp.Outbox(host.strip("[]"), int(port), context, again)
    replies = asyncio.run(outbox.send_all(_messages(files), _said))
    good = sum(reply.good for reply in replies)
    click.echo(f"{len(replies)} sent, {good} accepted")
    if good < len(replies):
        sys.exit(1)


def _messages(files: tuple[Path, ...]) -> Iterator[bytes]:
    from vesalius.ingest import mllp

    for path in files:
        with path.open("rb") as stream:
            yield from mllp.messages(stream)


def _said(reply: Reply) -> None:
    if not reply.good:
        click.echo(f"{reply.code} {reply.control_id}: {reply.words}")


@click.command()
@click.option("--source", help="Only those of this feed.")
@click.option("--status", type=click.Choice(["taken", "held", "refused"]), help="Only those that stand so.")
@click.option("--replay", is_flag=True, help="Convert again those taken in, after a mapping was mended.")
@click.option("--since", type=click.DateTime(), help="Replay only those received since then (UTC).")
@click.option("--map", "map_file", type=_FILE, help="Replay through the hospital's own rows for HL7 v2.")
@click.option("--limit", type=int, default=20, show_default=True)
@HOME
def messages(
    source: str | None,
    status: str | None,
    replay: bool,
    since: Any,
    map_file: Path | None,
    limit: int,
    home: Path,
) -> None:
    """What arrived message by message, newest first; and convert it again through a mended mapping."""
    from datetime import UTC

    from vesalius import ingest

    with opened(home) as hospital, progress() as tick:
        if replay:
            moment = since.replace(tzinfo=UTC) if since else None
            done = ingest.reconvert(
                hospital.lake,
                source=source,
                since=moment,
                read=_reader(map_file),
                progress=rows(tick, "converting again"),
            )
            click.echo(
                f"{done.read} messages converted again: {done.written} resources written, "
                f"{done.unchanged} unchanged, {done.quarantined} messages that cannot be converted now"
            )
            if emptied := ingest.count_emptied(hospital.engine, source, moment):
                click.echo(f"{emptied} messages left as they are: retention emptied them")
            return
        for each in ingest.received_messages(hospital.engine, source, status, limit):
            why = f"  {each.cause}: {each.words}" if each.cause else ""
            moment = each.received_at
            click.echo(f"{moment:%Y-%m-%d %H:%M:%S}  {each.source}  {each.control_id}  {each.status}{why}")
