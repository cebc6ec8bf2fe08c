"""References and ids of a permit: the same resource has the same new id wherever it is named."""

from __future__ import annotations

import re
from typing import Any

from vesalius.fhir import resource_types, with_references
from vesalius.privacy.pseudonyms import Pseudonyms

BASE = "https://pseudonymised.invalid/fhir/"
"""Where bundles say that their entries live; ``.invalid`` leads nowhere (RFC 2606, section 2)."""

_TYPED = re.compile(
    r"(?:https?://[^\s?#]+/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)


def relative(reference: str) -> str:
    """A reference as ``Type/ID``, where it names a resource by type and id, on whatever server."""
    form = _TYPED.fullmatch(reference)
    return f"{form[1]}/{form[2]}" if form and form[1] in resource_types() else reference


def named(resource: dict[str, Any]) -> dict[str, Any]:
    """A copy whose references are relative; in a bundle, ``urn:`` names become those of what they name."""
    known: dict[str, str] = {}
    entries = []
    for entry in resource.get("entry", []) if resource["resourceType"] == "Bundle" else []:
        inner, name = entry.get("resource"), entry.get("fullUrl", "")
        if isinstance(inner, dict) and name.startswith("urn:"):
            inner = {**inner, "id": inner.get("id", name.rpartition(":")[2])}
            known[name] = f"{inner.get('resourceType')}/{inner['id']}"
            entry = {**entry, "fullUrl": known[name], "resource": inner}
        entries.append(entry)
    copy = {**resource, "entry": entries} if entries else resource
    rewritten: dict[str, Any] = with_references(copy, lambda text: known.get(text) or relative(text))
    return rewritten


def reference(text: str, pseudonyms: Pseudonyms) -> str | None:
    """A reference under the ids of a permit; None for one that is a search, or cannot be understood."""
    if text == "#":
        return text
    if text.startswith("#"):
        return f"#{pseudonyms.of('contained', text[1:])}"
    if text.lower().startswith(("urn:uuid:", "urn:oid:")):
        made = pseudonyms.of("urn", text.lower())
        # A UUID of version 8, RFC 9562: made in our own way.
        return f"urn:uuid:{made[:8]}-{made[8:12]}-8{made[13:16]}-a{made[17:20]}-{made[20:]}"
    kind, _, name = relative(text).partition("/")
    if kind not in resource_types() or not re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", name):
        return None
    return f"{kind}/{pseudonyms.of(kind, name)}"
