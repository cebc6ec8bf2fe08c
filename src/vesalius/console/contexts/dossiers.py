"""The page of a dossier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup


@dataclass(frozen=True)
class DossierPage:
    """``/register/{name}/dossier``.

    Attributes:
        name: the code of the system.
        title: its title.
        at: when the dossier was built; None where none was.
        by: who built it last.
        events: how many events it rests on.
        digest: its SHA-256.
        counts: of all obligations: filled from the log, nothing in the log yet, prefilled, manual.
        applying: how many apply.
        verified: whether it was held against the database just now.
        problems: what does not fit, in English; each names an event where there is one.
        since: how many events on the use came after it.
        running: whether it is being built.
        done: how many steps of that are done.
        steps: how many there are.
        failed: why it could not be built or read, in English; or empty.
        fragment: the dossier, as HTML that its own templates have escaped.
    """

    name: str
    title: str
    at: datetime | None
    by: str
    events: int
    digest: str
    counts: tuple[int, int, int, int]
    applying: int
    verified: bool
    problems: tuple[str, ...]
    since: int
    running: bool
    done: int
    steps: int
    failed: str
    fragment: Markup
