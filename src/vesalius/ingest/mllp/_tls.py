"""Encrypted connections: who the listener is, whom it believes, and nothing older than TLS 1.2."""

from __future__ import annotations

import ssl
from pathlib import Path

from vesalius.errors import InvalidSetting


def server_context(certificate: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """The context of a listener.

    Args:
        certificate: its certificate with the chain above it, in PEM.
        key: its private key, in PEM, without a password.
        client_ca: the authorities whose clients are admitted; without it any client is.

    Raises:
        InvalidSetting: a file cannot be read, or is not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, certificate, key)
    if client_ca:
        _believe(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(
    ca: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """The context of a sender: it always checks who the listener is.

    Args:
        ca: the authorities that it believes; those of the system, if not given.
        certificate: what it shows of itself, if the listener asks.
        key: the private key of that.

    Raises:
        InvalidSetting: a file cannot be read, or is not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca:
        _believe(context, ca)
    else:
        context.load_default_certs()
    if certificate and key:
        _load(context, certificate, key)
    return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key with a password would be asked for on a terminal that a service does not have.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        words = f"the certificate {certificate} and the key {key} cannot be used: {_said(error)}"
        raise InvalidSetting(words, hint="both in PEM, of one another, the key without a password") from None


def _believe(context: ssl.SSLContext, ca: Path) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(ca)
    except (OSError, ValueError) as error:
        raise InvalidSetting(
            f"the authorities in {ca} cannot be read: {_said(error)}", hint="in PEM"
        ) from None


def _said(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
