"""The people who may sign in: their accounts, and where they are signed in."""

from __future__ import annotations

from pathlib import Path

import click

from vesalius.cli._shared import HOME, LANGUAGES, opened

LOGIN = click.argument("login")


@click.group("person")
def person() -> None:
    """People who may sign in: list and add them, reset, lock and close their accounts, end their sessions.

    Whoever may run commands here opens the hospital's folder, and is not asked who they are.
    """


@person.command("list")
@HOME
def list_command(home: Path) -> None:
    """List the open accounts: roles, how they sign in, whether they are locked."""
    from vesalius.governance import people
    from vesalius.governance.second_factor import SecondFactor

    with opened(home) as hospital:
        second = SecondFactor(hospital.engine, hospital.home, hospital.settings.second_factor_steps)
        for each in people.everyone(hospital.engine):
            way = "by name" if each.demo else "elsewhere" if each.elsewhere else "password"
            way += " + code" if second.enrolled(each.id) else ""
            state = f"locked until {each.locked_until:%Y-%m-%d %H:%M}" if each.locked_until else ""
            state = f"invited until {each.initial_until:%Y-%m-%d %H:%M}" if each.initial_until else state
            click.echo(f"{each.id:<24} {'+'.join(each.roles):<24} {way:<16} {state}".rstrip())


@person.command()
@LOGIN
@click.option("--name", required=True, help="As colleagues know them.")
@click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    help="Such as doctor, biologist, dpo, director, engineer; several times for several, the main one first.",
)
@click.option("--language", type=click.Choice(LANGUAGES), default="fr", show_default=True)
@click.option(
    "--invite", is_flag=True, help="Print an initial password, to be changed within three days; ask for none."
)
@click.option("--password", help="Asked for when it is not given.")
@HOME
def add(
    login: str,
    name: str,
    roles: tuple[str, ...],
    language: str,
    invite: bool,
    password: str | None,
    home: Path,
) -> None:
    """Add a person who may sign in."""
    from vesalius.governance import passwords, people

    if invite and password:
        raise click.UsageError("--invite makes the password: give none")
    given = passwords.initial() if invite else password
    given = given or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with opened(home) as hospital:
        people.add(
            hospital.engine, login, name=name, role=roles, language=language, password=given, initial=invite
        )
    click.echo(f"added {login}")
    if invite:
        click.echo(f"initial password, shown this once: {given}")


@person.command()
@LOGIN
@HOME
def close(login: str, home: Path) -> None:
    """Close an account for good, and end its sessions; what it did stays."""
    from vesalius.governance import audit, people

    with opened(home) as hospital:
        people.get(hospital.engine, login)
        people.close(hospital.engine, login, by=audit.SYSTEM)
    click.echo(f"closed {login}")


@person.command()
@LOGIN
@click.option("--second-factor", is_flag=True, help="Take the second factor away, and leave the password.")
@HOME
def reset(login: str, second_factor: bool, home: Path) -> None:
    """Print a new initial password, unlock the account and end its sessions."""
    from vesalius.errors import NotAllowed
    from vesalius.governance import audit, passwords, people, sessions
    from vesalius.governance.second_factor import drop
    from vesalius.store import writing

    with opened(home) as hospital:
        known = people.get(hospital.engine, login)
        if second_factor:
            with writing(hospital.engine) as connection:
                drop(connection, login, audit.SYSTEM)
                sessions.end_all(connection, login, audit.SYSTEM, "account")
            click.echo(f"{login} sets up a new second factor at the next sign-in")
            return
        if known.demo or known.elsewhere:
            raise NotAllowed("this person has no password here")
        given = passwords.initial()
        people.set_password(hospital.engine, login, given, by=audit.SYSTEM, initial=True)
    click.echo(f"initial password, shown this once: {given}")


@person.command("sessions")
@LOGIN
@click.option("--end", is_flag=True, help="End them all.")
@HOME
def sessions_command(login: str, end: bool, home: Path) -> None:
    """List where a person is signed in, or end it."""
    from vesalius.governance import audit, people, sessions
    from vesalius.store import writing

    with opened(home) as hospital:
        people.get(hospital.engine, login)
        for each in sessions.of(hospital.engine, login, sessions.Rules.of(hospital.settings)):
            when = f"{each.started:%Y-%m-%d %H:%M} seen {each.seen:%H:%M}"
            click.echo(f"{when} {each.address:<16} {each.agent}".rstrip())
        if end:
            with writing(hospital.engine) as connection:
                count = sessions.end_all(connection, login, audit.SYSTEM)
            click.echo(f"ended {count}")


@person.command("new-key")
@HOME
def new_key(home: Path) -> None:
    """Replace the key that the second factors are encrypted with. Stop the console first; nobody notices."""
    from vesalius.governance import audit
    from vesalius.governance.second_factor import SecondFactor

    with opened(home) as hospital:
        count = SecondFactor(hospital.engine, hospital.home).replace_key(audit.SYSTEM)
    click.echo(f"{count} second factors are encrypted with a new key; back it up, apart from the database")
