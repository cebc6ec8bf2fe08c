"""What a gate rests on, looked up by the gates themselves: nobody hands it to them.

The validation run, the silent trial, the questionnaire, the duties and the training of those who decide are
read here, in the transaction that signs, from what the audit vouches for. Whoever signs can say what they
had before their eyes; where that is not what is found, nothing is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Conflict
from vesalius.governance import gates, validations
from vesalius.governance._life import Gate, Life
from vesalius.governance.lifecycle import State
from vesalius.governance.validations import Validation

NO_TRIAL = "trial:none"
"""What a signature on the step to *live* keeps where no silent trial was registered."""


@dataclass(frozen=True)
class Trial:
    """How the silent trial of a use stands, as its own part finds it.

    Attributes:
        seal: its hash and its verdict in one line, which a signature keeps.
        succeeded: whether it reached its registered end in success, with the tool that is in force.
        event: the place in the audit of its last look, or of its plan; 0 without one.
        altered: whether what is kept of it does not fit its events, or does not follow from its figures.
    """

    seal: str = NO_TRIAL
    succeeded: bool = False
    event: int = 0
    altered: bool = False


Trials = Callable[[sa.Connection, Life], Trial]

trials: dict[str, Trials] = {}
"""Who says how the silent trial of a use stands: :mod:`vesalius.trial`. Without it, none succeeded."""


@dataclass(frozen=True)
class Evidence:
    """What is found for the gate that is open.

    Attributes:
        validation: the run that speaks for the tool in force, else the newest, or None.
        trial: how the silent trial stands, at the step to *live*; else None.
        lacks: what is not there: signing in spite of it takes a second reason.
    """

    validation: Validation | None
    trial: Trial | None
    lacks: tuple[str, ...]

    @property
    def on(self) -> str:
        """What a signature keeps: the run and the trial."""
        run = self.validation.run if self.validation else ""
        return f"{run} {self.trial.seal}".strip() if self.trial else run

    def told(self) -> dict[str, Any]:
        """What the event of a signature keeps of it: the names, and the places of the events that say so."""
        said: dict[str, Any] = {}
        if self.validation:
            run = self.validation
            said["validation"] = {"run": run.run, "event": run.event, "content": run.content}
        if self.trial and self.trial.event:
            said["trial"] = {"seal": self.trial.seal, "event": self.trial.event}
        return said


def gathered(connection: sa.Connection, found: Life, opened: Gate) -> Evidence:
    """What there is for the gate ``opened`` of a system, now."""
    name = found.use.name
    validation = validations.found(connection, name, found.marks)
    trial = _trial(connection, found) if opened.name == State.LIVE else None
    lacks: list[str] = []
    if opened.name in (State.VALIDATED, State.LIVE):
        lacks += validation.lacks if validation else ("validation",)
    if trial is not None and not trial.succeeded:
        lacks.append("trial_altered" if trial.altered else "trial")
    if opened.name == State.LIVE and found.classification is None:
        lacks.append("regime")
    for asked in gates.readiness.values():
        lacks += asked(connection, name, opened.name)
    return Evidence(validation, trial, tuple(lacks))


def check_seen(found: Evidence, run: str | None, trial: str | None) -> None:
    """Passes what a person says that they read, where it is what is found.

    Args:
        found: what is found.
        run: the name of the validation run that they read, empty for none; None where they do not say.
        trial: the seal of the silent trial that they read; None where they do not say.

    Raises:
        Conflict: it is another one.
    """
    there = found.validation.run if found.validation else ""
    if run is not None and run != there:
        raise Conflict(
            "that validation run is not the evidence of this gate",
            hint=f"read {there} first" if there else "none is kept for this use: run vesalius validate",
        )
    if trial is not None and found.trial is not None and trial != found.trial.seal:
        raise Conflict(
            "that is not how the silent trial stands", hint=f"read it first: it is {found.trial.seal}"
        )


def _trial(connection: sa.Connection, found: Life) -> Trial:
    for ask in trials.values():
        return ask(connection, found)
    return Trial()


def in_force(found: Life) -> Mapping[str, str]:
    """The tool in force, with the model that the use ships where the hospital has none of its own."""
    return validations.in_force(found.use.name, found.marks)
