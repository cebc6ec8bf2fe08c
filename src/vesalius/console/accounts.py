"""People: the accounts of the house, for those who manage them."""

from __future__ import annotations

from starlette.responses import Response

from vesalius.console.account import kind
from vesalius.console.contexts import Choice, PeoplePage, PersonRow
from vesalius.console.languages import N_, NAMES
from vesalius.console.visit import ROLES, Visit, redirect, render
from vesalius.errors import Conflict, InvalidSetting, NotAllowed
from vesalius.governance import Person, accounts, people, sessions
from vesalius.governance.people import FOREVER
from vesalius.governance.roles import Role

DONE = N_("Done.")
OWN = N_("Nobody does this to their own account. Ask another administrator.")
LAST = N_("This is the last administrator. Give somebody else the role first.")
TAKEN = N_("There is already an account of this name.")
STRANGE = N_("Give a name of 1 to 64 visible characters, and at least one role.")


def show(visit: Visit, login: str = "", given: str = "", problem: str = "", status: int = 200) -> Response:
    """The page."""
    usual = visit.hospital.settings.language
    page = PeoplePage(
        people=tuple(_row(visit, person) for person in people.everyone(visit.hospital.engine)),
        roles=_roles(visit, ()),
        languages=tuple(Choice(code, name, chosen=code == usual) for code, name in NAMES.items()),
        login=login,
        given=given,
        problem=problem,
    )
    return render(visit, "people.html", page, status)


def invite(visit: Visit) -> Response:
    """Adds a person; the initial password is shown once."""
    login, name = visit.form.get("login", "").strip(), visit.form.get("name", "").strip()
    language = visit.form.get("language", "")
    try:
        given = accounts.invite(
            visit.hospital.engine,
            login,
            name=name,
            role=_chosen(visit),
            language=language,
            by=visit.who,
            at=visit.now,
        )
    except Conflict:
        return show(visit, problem=visit.say(TAKEN), status=409)
    except InvalidSetting:
        return show(visit, problem=visit.say(STRANGE), status=400)
    return show(visit, login, given)


def change(visit: Visit) -> Response:
    """Changes one account, as the button says."""
    engine, by, login = visit.hospital.engine, visit.who, visit.form.get("login", "")
    action = visit.form.get("action", "")
    if action not in (*ACTIONS, "password", "roles"):
        raise InvalidSetting("there is no such change")
    try:
        if action == "password":
            return show(visit, login, accounts.reset_password(engine, login, by=by, at=visit.now))
        if action == "roles":
            accounts.set_roles(engine, login, _chosen(visit), by=by, at=visit.now)
        else:
            ACTIONS[action](engine, login, by=by, at=visit.now)
    except NotAllowed:
        return show(visit, problem=visit.say(OWN), status=403)
    except Conflict:
        return show(visit, problem=visit.say(LAST), status=409)
    except InvalidSetting:
        return show(visit, problem=visit.say(STRANGE), status=400)
    visit.notice(DONE)
    return redirect("/people")


ACTIONS = {
    "factor": accounts.reset_second_factor,
    "lock": accounts.lock,
    "unlock": accounts.unlock,
    "sessions": accounts.end_sessions,
    "close": accounts.close,
}
"""What a button does."""


def _chosen(visit: Visit) -> tuple[str, ...]:
    """The roles that are ticked."""
    return tuple(role for role in Role if visit.form.get(f"role-{role}"))


def _roles(visit: Visit, held: tuple[str, ...]) -> tuple[Choice, ...]:
    return tuple(Choice(role, visit.say(ROLES.get(role, role)), chosen=role in held) for role in Role)


def _row(visit: Visit, person: Person) -> PersonRow:
    return PersonRow(
        login=person.id,
        name=person.name,
        roles=_roles(visit, person.roles),
        held=tuple(ROLES.get(role, role) for role in person.roles),
        kind=kind(person),
        second=visit.second.enrolled(person.id),
        state=_state(visit, person),
        sessions=len(sessions.of(visit.hospital.engine, person.id, visit.rules, visit.now)),
        own=person.id == visit.who.id,
    )


def _state(visit: Visit, person: Person) -> str:
    if person.locked_until is not None and person.locked_until > visit.now:
        return "locked" if person.locked_until == FOREVER else "waiting"
    return "invited" if person.initial_until is not None else "open"
