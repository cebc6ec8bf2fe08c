"""The register of AI systems: what each is, who must sign, which duties it has."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, opened

if TYPE_CHECKING:
    from vesalius.governance.register import System

BY = click.option("--by", "login", required=True, help="The account that answers for it.")
REASON = click.option("--reason", required=True, help="Why; kept with the name.")
PASSWORD = click.password_option(
    confirmation_prompt=False, help="Of that account; asked for when it is not given."
)


@click.group("system")
def system() -> None:
    """The register of AI systems, bought or made here: regime, duties, gates."""


@system.command("list")
@HOME
def list_command(home: Path) -> None:
    """List every system: its state, its regime, what is still to be signed, what expires."""
    from vesalius.governance import register

    with opened(home) as hospital:
        for each in register.systems(hospital.engine):
            click.echo(_line(each))


@system.command()
@click.argument("name")
@HOME
def show(name: str, home: Path) -> None:
    """Show one system: its regime, each gate with who signed, its answers."""
    from vesalius.governance import register

    with opened(home) as hospital:
        found = register.system(hospital.engine, name)
    click.echo(_line(found))
    for gate, stands in found.life.gates.items():
        click.echo(f"  {gate}: {'holds' if stands.holds else 'does not hold'}")
        for slot in stands.slots:
            each = stands.signed.get(slot.name)
            why = ", ".join(stands.fallen.get(slot.name, ())) or "missing"
            until = f", until {each.expires:%Y-%m-%d}" if each and each.expires else ""
            click.echo(f"    {slot.name:<14} {f'{each.by}, {each.at:%Y-%m-%d}{until}' if each else why}")
    if found.classification:
        for question, given in found.classification.answers.items():
            click.echo(f"  {question:<14} {given}")


@system.command()
@click.argument("name")
@click.option("--title", required=True, help="What people call it.")
@click.option("--maker", required=True, help="Who makes it.")
@click.option("--purpose", required=True, help="What it is for, as its maker says it.")
@click.option("--ce-class", required=True, help="The class of its CE mark: I, IIa, IIb, III or none.")
@click.option("--version", required=True, help="Which version is in use.")
@click.option("--device", required=True, help="By what its results are recognised, such as Device/holter.")
@click.option("--instructions", default="", help="The address of its instructions for use.")
@BY
@PASSWORD
@HOME
def add(
    name: str,
    title: str,
    maker: str,
    purpose: str,
    ce_class: str,
    version: str,
    device: str,
    instructions: str,
    login: str,
    password: str,
    home: Path,
) -> None:
    """Register a bought system under the code NAME, or another version of it."""
    from vesalius.governance import people, register

    entry = register.Entry(name, title, maker, purpose, ce_class, version, device, instructions, login)
    with opened(home) as hospital:
        person = people.sign_in(hospital.engine, login, password)
        register.keep_bought(hospital.engine, entry, person)
    click.echo(f"{name} is registered; vesalius system answer {name} says what it is in law")


@system.command()
@click.argument("name")
@click.argument("answers", nargs=-1)
@click.option("--by", "login", help="The account that answers for it.")
@click.option("--reason", default="", help="Why; kept with the name.")
@click.option("--password", help="Of that account; asked for when it is not given.")
@HOME
def answer(
    name: str, answers: tuple[str, ...], login: str | None, reason: str, password: str | None, home: Path
) -> None:
    """Answer the questionnaire: QUESTION=ANSWER for each question; without any, list the questions."""
    from vesalius.governance import classifying, people, uses
    from vesalius.store import reading

    with opened(home) as hospital:
        if not answers:
            with reading(hospital.engine) as connection:
                asked = classifying.questions(connection).questions
            for each in asked:
                click.echo(
                    f"{each.key:<14} {' | '.join(each.choices):<42} {each.text['en']} ({each.article})"
                )
            return
        if not login:
            raise click.UsageError("say with --by who answers for it")
        person = people.sign_in(
            hospital.engine, login, password or click.prompt("Password", hide_input=True, err=True)
        )
        given = dict(each.partition("=")[::2] for each in answers)
        made = uses.answer(hospital.engine, name, given, person, reason=reason)
    click.echo(f"{name}: {made.regime.text['en']} ({made.regime.article})")


@system.command()
@click.argument("name")
@HOME
def obligations(name: str, home: Path) -> None:
    """List the duties of a system: state, due date, owner, article."""
    from vesalius.governance import register

    with opened(home) as hospital:
        found = register.system(hospital.engine, name)
    for each in found.obligations:
        due = each.due.isoformat() if each.due else "before use"
        click.echo(
            f"{each.duty.id:<11} {each.state:<14} {due:<10} {each.owner:<12} {each.duty.filled:<8} "
            f"{each.duty.law} {each.duty.article}"
        )
    click.echo(f"{len(found.open_obligations)} of {len(found.obligations)} open")


@system.command()
@click.argument("name")
@click.argument("duty")
@click.argument("state", type=click.Choice(["open", "done", "not_applicable"]))
@click.option("--note", default="", help="How it was done, or why it does not apply.")
@click.option("--document", default="", help="The SHA-256 of the document that shows it.")
@click.option("--owner", default="", help="The account that owns it from now on.")
@click.option("--due", help="Until when, such as 2027-12-02.")
@BY
@PASSWORD
@HOME
def duty(
    name: str,
    duty: str,
    state: str,
    note: str,
    document: str,
    owner: str,
    due: str | None,
    login: str,
    password: str,
    home: Path,
) -> None:
    """Say how the DUTY of a system stands."""
    from vesalius.governance import people, register

    try:
        until = date.fromisoformat(due) if due else None
    except ValueError:
        raise click.UsageError(f"{due} is no date; write it as 2027-12-02") from None
    with opened(home) as hospital:
        person = people.sign_in(hospital.engine, login, password)
        register.obligations.say(
            hospital.engine,
            name,
            duty,
            person,
            state=state,  # type: ignore[arg-type]  # click lets no other through
            note=note,
            document=document,
            owner=owner,
            due=until,
        )
    click.echo(f"{name}: {duty} is {state}")


@system.command()
@click.argument("name")
@click.option("--refuse", is_flag=True, help="Refuse the open gate instead.")
@click.option("--despite", default="", help="Why it is signed although evidence lacks.")
@BY
@REASON
@PASSWORD
@HOME
def sign(name: str, refuse: bool, despite: str, login: str, reason: str, password: str, home: Path) -> None:
    """Sign the open gate of a system, in the role that the account has in it."""
    import vesalius.trial  # noqa: F401  the gate to live asks it how the silent trial stands
    from vesalius.governance import people, uses

    with opened(home) as hospital:
        person = people.sign_in(hospital.engine, login, password)
        if refuse:
            use = uses.refuse(hospital.engine, name, person, reason=reason)
        else:
            use = uses.sign(hospital.engine, name, person, reason=reason, despite=despite)
    click.echo(f"{name} is {use.state.value}{', and speaks' if use.speaks else ''}")


def _line(each: System) -> str:
    known, gate, end = each.classification, each.gate, each.expires
    missing = ", ".join(slot.name for slot in gate.open_slots) if gate else ""
    regime = known.regime.key if known else "not answered"
    signed = f"; to {gate.target} it needs {missing}" if gate else ""
    until = f"; first signature ends {end:%Y-%m-%d}" if end else ""
    kind = "bought" if each.bought else "made here"
    duties = f"{len(each.open_obligations)} of {len(each.obligations)} duties open"
    return f"{each.name:<16} {each.life.use.state:<14} {regime:<14} {kind}, {duties}{signed}{until}"
