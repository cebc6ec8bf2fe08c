"""Words that must not be read in an address: what somebody looked for is sealed before it stands in one.

A name that is looked for would be kept by the browser's history and by the log of every proxy on the way. It
is encrypted with AES-256-GCM (JWE, RFC 7516), under a key of this hospital, for the account that looks: the
address says nothing to others, and opens nothing for them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from vesalius.governance import keyfile

KEY_FILE = "console.secret"
"""The key of the console; what seals words is derived from it."""

LONGEST = 2000
"""The longest sealed words that are looked at, in characters."""


def seal(home: Path, words: str, account: str) -> str:
    """The words as nobody else reads them; nothing for nothing.

    Args:
        home: of the hospital, where its key is.
        words: what is sealed.
        account: for whom.
    """
    from joserfc import jwe

    if not words:
        return ""
    header = {"alg": "dir", "enc": "A256GCM", "kid": account}
    return jwe.encrypt_compact(header, words.encode("utf-8", "replace"), _key(home))


def opened(home: Path, sealed: str, account: str) -> str:
    """The words that were sealed for an account; nothing where they are not, or are for another."""
    from joserfc import jwe
    from joserfc.errors import JoseError

    if not sealed or len(sealed) > LONGEST:
        return ""
    try:
        found = jwe.decrypt_compact(sealed, _key(home))
    except (JoseError, ValueError):
        return ""
    if found.headers().get("kid") != account or found.plaintext is None:
        return ""
    return found.plaintext.decode("utf-8", "replace")


def _key(home: Path) -> Any:
    from joserfc.jwk import OctKey

    kept = keyfile.key(home / KEY_FILE)
    return OctKey.import_key(hashlib.sha256(f"words in addresses\0{kept}".encode()).digest())
