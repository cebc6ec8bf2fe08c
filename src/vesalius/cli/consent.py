"""What patients refuse: how many, which, and entering, withdrawing and taking back a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, MOMENT, opened, progress

if TYPE_CHECKING:
    from vesalius.governance import Person
    from vesalius.hospital import Hospital

KINDS = ("care", "suggestions", "secondary")
TOLD = ("patient", "representative", "register")

BY = click.option("--by", "login", required=True, help="The account of the person who enters it.")
PASSWORD = click.password_option(
    confirmation_prompt=False, help="Of that account; asked for when it is not given."
)
KIND = click.Choice(KINDS)


@click.group("consent")
def consent_group() -> None:
    """What patients refuse: care, suggestions by AI, secondary use. Nobody needs a reason."""


@consent_group.command("counts")
@HOME
def counts(home: Path) -> None:
    """How many refuse what, how many Consents could not be read as they say, what was not suggested."""
    from vesalius.governance import consent

    with _read(home) as hospital:
        for each in consent.counts(hospital.lake):
            unread = f", {each.unread} because a Consent could not be read as it says" if each.unread else ""
            click.echo(f"{each.patients:>8}  patients refuse {each.kind}{unread}")
            if each.nameless:
                click.echo(f"{each.nameless:>8}  Consents refuse {each.kind} and name no patient here")
        for usecase, count in sorted(consent.withheld(hospital.engine).items()):
            click.echo(f"{count:>8}  suggestions of {usecase} not made because the patient objects")


@consent_group.command("list")
@click.option("--patient", default="", help="Of one patient only: Patient/ID.")
@click.option("--kind", type=KIND, help="Of one kind only.")
@click.option("--unread", is_flag=True, help="Only what counts because it could not be read as it says.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many.")
@click.option("--offset", type=click.IntRange(0), default=0, help="After how many.")
@HOME
def list_command(patient: str, kind: str | None, unread: bool, limit: int, offset: int, home: Path) -> None:
    """List refusals, past, present and to come, with where each comes from; a Consent, or entry/NUMBER."""
    from vesalius.governance import consent

    with _read(home) as hospital:
        found = consent.listed(
            hospital.lake, patient, kind=kind or "", unread=unread, limit=limit, offset=offset
        )
    for each in found:
        begins = "always" if each.begins == consent.DAWN else f"{each.begins:%Y-%m-%d}"
        ends = f"{each.ends:%Y-%m-%d}" if each.ends else "-"
        click.echo(f"{each.patient:<24}{each.kind:<13}{begins:<12}{ends:<12}{each.reason:<9}{each.source}")


@consent_group.command("record")
@click.argument("patient")
@click.argument("kind", type=KIND)
@click.option("--told-by", type=click.Choice(TOLD), default="patient", show_default=True, help="Who said so.")
@click.option("--from", "begins", type=MOMENT, help="From when on, with its time zone; now, if not given.")
@click.option("--person", default="", help="Of care alone: the account that the patient does not want.")
@BY
@PASSWORD
@HOME
def record(
    patient: str,
    kind: str,
    told_by: str,
    begins: datetime | None,
    person: str,
    login: str,
    password: str,
    home: Path,
) -> None:
    """Keep that PATIENT (Patient/ID) refuses KIND. Ask for no reason."""
    from vesalius.governance import consent

    with _by(home, login, password) as (hospital, who):
        made = consent.record(
            hospital.lake, who, patient, kind, said_by=told_by, begins=begins, person=person
        )
    click.echo(f"entry {made.id}; vesalius consent withdraw {made.id} ends it, undo takes it back")


@consent_group.command("withdraw")
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@click.option("--at", "ends", type=MOMENT, help="From when on, with its time zone; now, if not given.")
@BY
@PASSWORD
@HOME
def withdraw(number: int, ends: datetime | None, login: str, password: str, home: Path) -> None:
    """Keep that the refusal of entry NUMBER no longer holds."""
    from vesalius.governance import consent

    with _by(home, login, password) as (hospital, who):
        made = consent.withdraw(hospital.engine, number, who, ends=ends)
    click.echo(
        f"entry {made.id} ends at {made.ends:%Y-%m-%d %H:%M}; vesalius consent undo {made.id} takes it back"
    )


@consent_group.command("undo")
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@BY
@PASSWORD
@HOME
def undo(number: int, login: str, password: str, home: Path) -> None:
    """Take the last step of entry NUMBER back: its withdrawal, or else the entry, made by mistake."""
    from vesalius.governance import consent

    with _by(home, login, password) as (hospital, who):
        made = consent.undo(hospital.engine, number, who)
    click.echo(f"entry {made.id} holds again" if made.undone_at is None else f"entry {made.id} was a mistake")


@contextmanager
def _read(home: Path) -> Iterator[Hospital]:
    """An opened hospital, whose Consents are read up to the last; the first time that can take a while."""
    from vesalius.governance import consent

    with opened(home) as hospital:
        with progress() as tick:
            end = hospital.lake.position()
            consent.bring_up(hospital.lake, lambda done: tick("consents", done, end, f"{done}"))
        yield hospital


@contextmanager
def _by(home: Path, login: str, password: str) -> Iterator[tuple[Hospital, Person]]:
    """An opened hospital, and the person who may enter refusals in it."""
    from vesalius.governance import Right, people, require

    with opened(home) as hospital:
        person = people.sign_in(hospital.engine, login, password)
        require(person.roles, Right.RECORD_CONSENT)
        yield hospital, person
