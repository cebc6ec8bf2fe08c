"""Why a use that spoke is silent, and what waits for whom: the words that several pages share."""

from __future__ import annotations

from collections.abc import Iterable

from vesalius.console.contexts import Fallen, ToDo
from vesalius.console.languages import N_, NAMED
from vesalius.console.suggestion import name_of
from vesalius.console.visit import Visit
from vesalius.console.watched import alarm_line
from vesalius.console.words import STATES, cards, is_bought, speaker
from vesalius.governance import Right, audit, uses
from vesalius.governance._register import Change
from vesalius.governance.lifecycle import State
from vesalius.governance.register import System
from vesalius.governance.uses import Fall
from vesalius.monitoring import Alarm, alarms

WHY = {
    "version": N_("the version changed"),
    "views": N_("what it reads changed"),
    "model": N_("the model changed"),
    "settings": N_("a threshold changed"),
    "regime": N_("its regime changed"),
    "expired": N_("a signature expired"),
    "unsigned": N_("a signature is missing"),
}
"""Why a gate that was passed holds no more."""

OF_BOUGHT = {"model": N_("what is registered of it changed")}
"""The same of a bought system, of whose model nothing else is known."""

REOPENED = N_("A gate is open again: %(why)s.")
STOPPED = N_("%(rule)s (%(figures)s).")
OTHERWISE = N_("It was silenced.")

SIGN = N_("Your signature is missing: %(state)s.")
ANSWER = N_("Answer its questionnaire: its regime and its duties follow from it.")
LOOK = N_("A stop rule silenced it, and nobody has looked at the alarm yet.")
OWN = N_("You answer for it.")


def title_of(visit: Visit, system: System) -> str:
    """What people call a system."""
    if system.entry:
        return system.entry.title
    return speaker(system.name, visit.language).say("title") if system.name in cards() else system.name


def fallen(visit: Visit, name: str) -> Fallen | None:
    """Why a use that was live is silent; None for one that has not been live, or is again."""
    found = uses.fallen(visit.hospital.engine, name)
    if found is None:
        return None
    by = "" if found.by == audit.SYSTEM else name_of(visit, found.by)
    title = speaker(name, visit.language).say("title") if name in cards() else name
    return Fallen(name, title, _why(visit, name, found), found.at, by)


def system_words(visit: Visit, change: Change) -> str:
    """Why a use fell silent at that moment, where the platform's own words are kept; or empty."""
    engine = visit.hospital.engine
    gates = next((each.gates for each in uses.falls(engine, change.usecase) if each.at == change.at), {})
    if gates:
        return _reopened(visit, change.usecase, (each for why in gates.values() for each in why))
    known = (*alarms.standing(engine, change.usecase), *alarms.past(engine, change.usecase))
    stop = next((each for each in known if each.level == "stop" and each.first_seen == change.at), None)
    return _stopped(visit, change.usecase, stop) if stop else ""


def _why(visit: Visit, name: str, found: Fall) -> str:
    if found.gates:
        return _reopened(visit, name, (each for why in found.gates.values() for each in why))
    stop = _stop(visit, name)
    return _stopped(visit, name, stop) if stop else visit.say(OTHERWISE)


def reasons(name: str, codes: Iterable[str]) -> tuple[str, ...]:
    """Why a gate of a system holds no more, in English, each once."""
    words = WHY | OF_BOUGHT if is_bought(name) else WHY
    return tuple(words.get(each, each) for each in dict.fromkeys(codes))


def _reopened(visit: Visit, name: str, codes: Iterable[str]) -> str:
    why = ", ".join(visit.say(each) for each in reasons(name, codes))
    return visit.say(REOPENED, why=why)


def _stopped(visit: Visit, name: str, stop: Alarm) -> str:
    if stop.monitor == "gate":
        return _reopened(
            visit, name, (each for why in stop.figures.values() for each in str(why).split(", "))
        )
    if name not in cards():
        return visit.say(OTHERWISE)
    line = alarm_line(visit, speaker(name, visit.language), stop)
    rule = visit.say(NAMED, name=line.about, value=line.what) if line.about else line.what
    return visit.say(STOPPED, rule=rule, figures=line.figures) if line.figures else f"{rule}."


def _stop(visit: Visit, name: str) -> Alarm | None:
    """The alarm of the stop rule that silenced it, while it stands."""
    standing = alarms.standing(visit.hospital.engine, name)
    return next((each for each in standing if each.level == "stop"), None)


def waits(visit: Visit, systems: Iterable[System]) -> tuple[ToDo, ...]:
    """What waits for the reader: signatures, questionnaires, and systems that a stop rule silenced."""
    found = []
    for system in systems:
        title, path = title_of(visit, system), f"/register/{system.name}"
        stop = _stop(visit, system.name) if system.life.use.state == State.SILENT else None
        own = bool(system.entry and system.entry.owner == visit.who.id)
        if (
            stop
            and stop.open
            and stop.monitor != "gate"
            and visit.may(Right.SEE_MONITORING)
            and (own or visit.may(Right.ACKNOWLEDGE))
        ):
            words = visit.say(LOOK) + (f" {visit.say(OWN)}" if own else "")
            found.append(ToDo(f"/usecases/{system.name}/monitoring", title, words, urgent=True))
        if system.classification is None:
            # A use that is installed is an idea that nobody has asked for yet.
            begun = system.bought or system.life.use.state != State.IDEA
            if begun and visit.may(Right.KEEP_REGISTER):
                found.append(ToDo(f"{path}#questions", title, visit.say(ANSWER)))
            continue
        gate = system.gate
        if gate and visit.may(Right.SIGN_GATES) and gate.slot_for(visit.who):
            words = visit.say(SIGN, state=visit.say(STATES[gate.target]))
            found.append(ToDo(f"{path}#gates", title, words))
    return tuple(found)
