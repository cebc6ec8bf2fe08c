"""The latest validation run of a use, as the pages show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vesalius.hospital import Hospital

if TYPE_CHECKING:
    from vesalius.evaluation import Run


def latest_run(hospital: Hospital, name: str) -> Run | None:
    """The newest validation run of a use in this hospital, or None."""
    if not hospital.runs.is_dir():
        return None
    from vesalius.evaluation import latest  # numpy comes with it, and only these pages need it

    return latest(hospital.runs, name)
