"""Who is this person: pairs of patients who may be one, merging them, taking it back, checking a number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vesalius.cli._shared import HOME, opened, progress, rows

if TYPE_CHECKING:
    from vesalius.governance import Person
    from vesalius.hospital import Hospital

BY = click.option("--by", "login", required=True, help="The account of the person who decides.")
REASON = click.option("--reason", required=True, help="Why; kept with the name.")
PASSWORD = click.password_option(
    confirmation_prompt=False, help="Of that account; asked for when it is not given."
)


@click.group("identity", invoke_without_command=True)
@HOME
@click.option("--limit", type=int, default=20, show_default=True, help="How many pairs and merges to list.")
@click.pass_context
def identity_command(context: click.Context, home: Path, limit: int) -> None:
    """Patients who may be one person; merges, and taking them back. Names are shown in the console alone."""
    if context.invoked_subcommand is None:
        _list(home, limit)


def _list(home: Path, limit: int) -> None:
    from vesalius import identity

    with opened(home) as hospital:
        engine = hospital.engine
        waiting = identity.behind(hospital.lake)
        click.echo(f"{waiting:>8}  versions of patients not looked at yet" + (": refresh" if waiting else ""))
        for state, count in identity.counts(engine).items():
            click.echo(f"{count:>8}  pairs {state}")
        for flag, count in identity.flagged(engine).items():
            click.echo(f"{count:>8}  patients with {flag}")
        for pair in identity.pairs(engine, limit=limit):
            click.echo(f"pair {pair.id}: Patient/{pair.one} Patient/{pair.other} {pair.rule}")
        for made in identity.merges(engine, limit=limit):
            undone = (
                f", taken back by {made.undone_by} at {made.undone_at:%Y-%m-%d}" if made.undone_at else ""
            )
            click.echo(
                f"merge {made.id}: Patient/{made.source} → Patient/{made.target} at {made.at:%Y-%m-%d}"
                f" by {made.origin} {made.by}{undone}"
            )


@identity_command.command("refresh")
@click.option("--rebuild", is_flag=True, help="Make the index again from the log; decisions stay.")
@HOME
def refresh(rebuild: bool, home: Path) -> None:
    """Look at the patients that are new, and propose pairs; merge by the rules that are set automatic."""
    from vesalius import identity
    from vesalius.governance import audit

    with opened(home) as hospital, progress() as tick:
        done = identity.refresh(
            hospital.lake,
            automatic=tuple(filter(None, hospital.settings.identity_automatic.split(","))),
            rebuild=rebuild,
            progress=rows(tick, "patients"),
            witness=lambda connection, made: audit.merged(connection, audit.SYSTEM, made),
        )
    click.echo(f"{done.patients} versions of patients, {done.pairs} new pairs, {done.merged} merged by rule")


@identity_command.command("merge")
@click.argument("old")
@click.argument("new")
@BY
@REASON
@PASSWORD
@click.option("--yes", is_flag=True, help="Do not ask again.")
@HOME
def merge(old: str, new: str, login: str, reason: str, password: str, yes: bool, home: Path) -> None:
    """Merge the patient OLD into NEW (ids): what is about OLD is about NEW from now on."""
    from vesalius import identity
    from vesalius.governance import audit

    with _decided(home, login, password) as (hospital, person):
        ahead = identity.preview(hospital.lake, old, new)
        moving = ", ".join(f"{count} {kind}" for kind, count in ahead.moves.items()) or "nothing"
        click.echo(f"{ahead.total} resources move from Patient/{old} to Patient/{new}: {moving}")
        if not yes:
            click.confirm("Merge them?", abort=True)
        made = identity.merge(
            hospital.lake, old, new, by=person.id, reason=reason,
            witness=lambda connection, made: audit.merged(connection, person.id, made),
        )  # fmt: skip
    click.echo(f"merge {made.id}; vesalius identity unmerge {made.id} takes it back")


@identity_command.command("unmerge")
@click.argument("number", type=int)
@BY
@REASON
@PASSWORD
@HOME
def unmerge(number: int, login: str, reason: str, password: str, home: Path) -> None:
    """Take the merge NUMBER back: what was sent about the one patient is theirs again."""
    from vesalius import identity
    from vesalius.governance import audit

    with _decided(home, login, password) as (hospital, person):
        made = identity.unmerge(
            hospital.lake, number, by=person.id, reason=reason,
            witness=lambda connection, made: audit.merged(connection, person.id, made),
        )  # fmt: skip
    click.echo(f"Patient/{made.source} and Patient/{made.target} are two again")


@identity_command.command("check")
@click.argument("number")
def check(number: str) -> None:
    """Explain the national NUMBER (NISS/INSZ): what is in it, or why it is none."""
    from vesalius.identity import explained

    found = explained(number)
    click.echo(f"{found.written}: {'valid' if found.valid else 'not valid'}, {found.words}")
    if found.valid:
        click.echo(f"birth date: {found.birth or 'not known from it'}; sex: {found.sex or 'not told'}")
    click.get_current_context().exit(0 if found.valid else 1)


@contextmanager
def _decided(home: Path, login: str, password: str) -> Iterator[tuple[Hospital, Person]]:
    """An opened hospital, and the person who may merge patients in it."""
    from vesalius.governance import Right, people, require

    with opened(home) as hospital:
        person = people.sign_in(hospital.engine, login, password)
        require(person.roles, Right.MERGE_PATIENTS)
        yield hospital, person
