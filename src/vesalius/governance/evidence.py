"""What a gate rests on, looked up by the gates themselves: nobody hands it to them.

The validation run, the silent trial, the questionnaire, the duties and the training of those who decide are
read here, in the transaction that signs, from what the audit vouches for. Whoever signs can say what they
had before their eyes; where that is not what is found, nothing is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import gates, rulebook, validations
from vesalius.governance._life import Gate, Life
from vesalius.governance.lifecycle import State
from vesalius.governance.rulebook import GateDuties, Training
from vesalius.governance.validations import Validation

if TYPE_CHECKING:  # both know the uses, which ask here
    from vesalius.governance.literacy import Readiness
    from vesalius.governance.register.obligations import Obligation

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
class Held:
    """One duty that holds the gate.

    Attributes:
        obligation: the duty, and how it stands.
        wanted: ``done``, or ``owned``: somebody has said until when.
        strict: whether no second reason replaces it.
        met: whether it is as the gate asks, or its law does not ask yet.
    """

    obligation: Obligation
    wanted: str
    strict: bool
    met: bool


@dataclass(frozen=True)
class Trained:
    """How many of those who may decide hold the course of the use.

    Attributes:
        ready: who does, and who does not.
        share: the share that the gate asks for; 0 where it does not ask.
    """

    ready: Readiness
    share: float

    @property
    def met(self) -> bool:
        """Whether they are enough; nobody at all is not, where the gate asks."""
        return not self.share or self.ready.share >= self.share


@dataclass(frozen=True)
class Evidence:
    """What is found for the gate that is open.

    Attributes:
        validation: the run that speaks for the tool in force, else the newest, or None.
        trial: how the silent trial stands, at the step to *live*; else None.
        duties: those that hold the gate, in the order of its rules.
        training: of those who may decide, at the step to *live*; else None.
        lacks: what is not there, each a short code (a duty: ``duty:`` and its id): to sign in spite of it
            takes a second reason.
    """

    validation: Validation | None
    trial: Trial | None
    duties: tuple[Held, ...]
    training: Trained | None
    lacks: tuple[str, ...]

    @property
    def stops(self) -> tuple[str, ...]:
        """The duties without which nobody signs, whatever their reason."""
        return tuple(each.obligation.duty.id for each in self.duties if each.strict and not each.met)

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


def gathered(connection: sa.Connection, found: Life, opened: Gate, at: datetime) -> Evidence:
    """What there is for the gate ``opened`` of a system, at ``at``."""
    name = found.use.name
    validation = validations.found(connection, name, found.marks)
    trial = _trial(connection, found) if opened.name == State.LIVE else None
    lacks: list[str] = []
    if opened.name in (State.VALIDATED, State.LIVE):
        lacks += validation.lacks if validation else ("validation",)
    if trial is not None and not trial.succeeded:
        lacks.append("trial_altered" if trial.altered else "trial")
    rules = rulebook.gate_rules(connection)
    if found.classification is None and (opened.name == State.LIVE or rules.duties(opened.name).named):
        lacks.append("regime")
    duties = _duties(connection, found, rules.duties(opened.name), at.date())
    lacks += [f"duty:{each.obligation.duty.id}" for each in duties if not each.met]
    training = _training(connection, name, opened.name, rules.gates[opened.name].training, at)
    if training is not None and not training.met:
        lacks.append("training")
    for asked in gates.readiness.values():
        lacks += asked(connection, name, opened.name)
    return Evidence(validation, trial, duties, training, tuple(lacks))


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


def check(found: Evidence, despite: str) -> None:
    """Passes evidence that is all there, or that somebody says why they do without.

    Raises:
        NotAllowed: a duty is open that the hospital lets nobody pass.
        InvalidSetting: evidence lacks, and nothing says why it is signed all the same.
    """
    if found.stops:
        raise NotAllowed(
            f"{', '.join(found.stops)} must be done before this gate is signed",
            hint="say in the register how it was done, or why it does not apply",
        )
    if found.lacks and not despite.strip():
        raise InvalidSetting(
            f"the evidence lacks {', '.join(found.lacks)}: say why it is signed all the same"
        )


def _duties(connection: sa.Connection, found: Life, rules: GateDuties, today: date) -> tuple[Held, ...]:
    """Those that apply to the system, and hold the gate."""
    from vesalius.governance.register import obligations

    stand = {each.duty.id: each for each in obligations.of(connection, found.use.name, found.classification)}
    return tuple(
        Held(stand[name], wanted, name in rules.strict, _met(stand[name], wanted, today))
        for wanted, names in (("done", rules.done), ("owned", rules.owned))
        for name in names
        if name in stand
    )


def _met(duty: Obligation, wanted: str, today: date) -> bool:
    """Done or set aside; owned: a day was said for it. A law that begins later does not ask yet."""
    if duty.state != "open" or (duty.duty.begins is not None and duty.duty.begins > today):
        return True
    return wanted == "owned" and duty.said is not None and duty.said.due is not None


def _training(
    connection: sa.Connection, name: str, gate: str, rule: Training | None, at: datetime
) -> Trained | None:
    """Asked for, or shown before a use speaks; None for what has no course."""
    from vesalius.governance import literacy

    if rule is None and gate != State.LIVE:
        return None
    try:
        ready = literacy.readiness(connection, name, at, rule.units if rule else ())
    except NotFound:
        ready = literacy.Readiness(name, (), ())
    return Trained(ready, rule.share if rule else 0.0)


def _trial(connection: sa.Connection, found: Life) -> Trial:
    for ask in trials.values():
        return ask(connection, found)
    return Trial()


def in_force(found: Life) -> Mapping[str, str]:
    """The tool in force, with the model that the use ships where the hospital has none of its own."""
    return validations.in_force(found.use.name, found.marks)
