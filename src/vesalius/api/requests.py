"""The entries of a bundle of requests, as they are written."""

from __future__ import annotations

import msgspec


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The request of an entry."""

    method: str
    url: str
    ifMatch: str = ""  # noqa: N815 - the names are FHIR's
    ifNoneMatch: str = ""  # noqa: N815
    ifNoneExist: str = ""  # noqa: N815
    ifModifiedSince: str = ""  # noqa: N815
    id: str = ""
    extension: list[msgspec.Raw] = []


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of a bundle of requests."""

    request: Asked | None = None
    fullUrl: str = ""  # noqa: N815
    resource: msgspec.Raw = msgspec.Raw()
    id: str = ""
    extension: list[msgspec.Raw] = []
    modifierExtension: list[msgspec.Raw] = []  # noqa: N815
    link: list[msgspec.Raw] = []
