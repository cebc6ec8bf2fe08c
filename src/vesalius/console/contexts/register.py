"""The pages of the register of AI systems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from vesalius.console.contexts.life import Fallen, ToDo
from vesalius.console.contexts.uses import OpenGate, Past, Signature


@dataclass(frozen=True)
class SystemLine:
    """One line of ``/register``.

    Attributes:
        name: the code of the system.
        title: its title.
        bought: whether it was bought.
        maker: who makes it, or empty.
        regime: its regime in the reader's language, or empty where nobody answered.
        high_risk: whether the AI Act treats it as high-risk.
        blocked: whether it may not be used.
        state: where it stands, in English.
        speaks: whether its results are shown.
        gate: the state that the open gate leads to, in English; or empty.
        missing: the roles whose signature is missing, in English.
        expires: when the first signature ends, or None.
        soon: whether that is near.
        duties: how many duties apply.
        undone: how many of them are open.
    """

    name: str
    title: str
    bought: bool
    maker: str
    regime: str
    high_risk: bool
    blocked: bool
    state: str
    speaks: bool
    gate: str
    missing: tuple[tuple[str, ...], ...]
    expires: datetime | None
    soon: bool
    duties: int
    undone: int


@dataclass(frozen=True)
class RegisterPage:
    """``/register``.

    Attributes:
        rows: every system.
        may_add: whether the reader keeps the register.
        classes: the classes of a CE mark.
        typed: what was typed in the form that was refused, by field.
        again: whether that form was of another version of one that is registered.
        problem: why it was refused, in English; or empty.
        waits: what waits for the reader.
    """

    rows: tuple[SystemLine, ...]
    may_add: bool
    classes: tuple[str, ...]
    typed: dict[str, str]
    again: bool
    problem: str
    waits: tuple[ToDo, ...]


@dataclass(frozen=True)
class GatePicture:
    """One gate of the picture of a life.

    Attributes:
        label: the state that it leads to, in English.
        mark: ``holds``, ``open`` (somebody must sign now), ``fallen`` (it was signed, and holds no more)
            or ``ahead``.
        signatures: those it needs.
        why: what no longer is what was signed for, in English.
        expires: when the first signature ends, or None.
    """

    label: str
    mark: str
    signatures: tuple[Signature, ...]
    why: tuple[str, ...]
    expires: datetime | None


@dataclass(frozen=True)
class Asked:
    """One question of the questionnaire.

    Attributes:
        key: its key.
        text: the question in the reader's language.
        article: what it rests on.
        choices: each answer with its words, and whether it was given.
        given: the words of the answer given, or empty.
    """

    key: str
    text: str
    article: str
    choices: tuple[tuple[str, str, bool], ...]
    given: str


@dataclass(frozen=True)
class DutyRow:
    """One duty of a system.

    Attributes:
        id: its key.
        law, article: where it is written.
        text: the duty in the reader's language.
        holder: whom it binds, in English.
        record: the record to keep, in the reader's language.
        filled: ``auto``, ``assisted`` or ``manual``.
        owner: the role in English, or the name of a person.
        state: ``open``, ``done`` or ``not_applicable``.
        due: until when, or None for before use.
        late: whether that has passed, and it is open.
        note: how it was done, or why it does not apply.
        document: the hash of the document, or empty.
        by: who said so, or empty.
    """

    id: str
    law: str
    article: str
    text: str
    holder: str
    record: str
    filled: str
    owner: str
    state: str
    due: date | None
    late: bool
    note: str
    document: str
    by: str


@dataclass(frozen=True)
class SystemPage:
    """``/register/{name}``.

    Attributes:
        name: the code of the system.
        title: its title.
        lines: what is known of it: names in English, and values.
        instructions: the address of its instructions for use, or empty.
        bought: whether it was bought.
        regime: its regime in the reader's language, or empty where nobody answered.
        article: what the regime rests on.
        high_risk: whether the AI Act treats it as high-risk.
        blocked: whether it may not be used.
        state: where it stands, in English.
        speaks: whether its results are shown.
        reopened: whether a gate that was passed holds no more.
        fallen: why it is silent although it spoke before; or None.
        classes: the classes of a CE mark.
        typed: what is registered of a bought one, by field, to change it; empty for one made here.
        may_monitor: whether the reader may see how it does over time.
        gates: the picture of its life.
        gate: the gate that is open, or None.
        run: the id of the latest validation run, or empty.
        questions: the questionnaire.
        answered: who answered, and when; or None.
        duties: the duties that apply.
        may_keep: whether the reader keeps the register.
        may_dossier: whether the reader keeps its dossier.
        may_stop: whether the reader can stop it now.
        past: what happened to it, latest first.
    """

    name: str
    title: str
    lines: tuple[tuple[str, str], ...]
    instructions: str
    bought: bool
    regime: str
    article: str
    high_risk: bool
    blocked: bool
    state: str
    speaks: bool
    reopened: bool
    fallen: Fallen | None
    classes: tuple[str, ...]
    typed: dict[str, str]
    may_monitor: bool
    gates: tuple[GatePicture, ...]
    gate: OpenGate | None
    run: str
    questions: tuple[Asked, ...]
    answered: tuple[str, datetime] | None
    duties: tuple[DutyRow, ...]
    may_keep: bool
    may_dossier: bool
    may_stop: bool
    past: tuple[Past, ...]
