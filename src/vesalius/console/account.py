"""One's own account: password, second factor, where one is signed in; and being asked again who one is."""

from __future__ import annotations

from markupsafe import Markup
from starlette.responses import Response

from vesalius.console.contexts import AccountPage, AgainPage, EnrolPage, RecoveryPage, SessionRow
from vesalius.console.languages import N_
from vesalius.console.signin import WRONG_CODE, at_stage, new_password
from vesalius.console.visit import ROLES, Visit, address, advance, redirect, remember, render
from vesalius.errors import NotAllowed
from vesalius.governance import Person, people, second_factor, sessions
from vesalius.governance.limits import SIGN_IN_NAME
from vesalius.governance.passwords import SHORTEST, WITH_SECOND
from vesalius.governance.sessions import Stage
from vesalius.store import writing

AGAIN = ("again_password", "again_code")
NOT_AGAIN = N_("The password or the code is wrong.")


def show(visit: Visit, problem: str = "", status: int = 200) -> Response:
    """The page."""
    person, engine = visit.who, visit.hospital.engine
    open_now = sessions.of(engine, person.id, visit.rules, visit.now)
    has = visit.second.enrolled(person.id)
    page = AccountPage(
        login=person.id,
        roles=tuple(ROLES.get(role, role) for role in person.roles),
        kind=kind(person),
        second=has,
        demanded=not visit.rules.second.isdisjoint(person.roles),
        left=visit.second.left(person.id),
        shortest=WITH_SECOND if has else SHORTEST,
        sessions=tuple(_session(visit, each) for each in open_now),
        problem=problem,
    )
    return render(visit, "account.html", page, status)


def kind(person: Person) -> str:
    """How somebody signs in: by name, elsewhere, or with a password."""
    return "demo" if person.demo else "elsewhere" if person.elsewhere else "password"


def change_password(visit: Visit) -> Response:
    """Takes a new password; every other session ends, and this one begins anew."""
    person, shown = visit.who, visit.sitting.shown if visit.sitting else ()
    if kind(person) != "password":
        raise NotAllowed("this person has no password here")
    problem = new_password(visit, person)
    if problem:
        return show(visit, problem, 400)
    remember(visit, person, *shown)
    visit.notice(N_("Your password is changed. Everywhere else you are signed out."))
    return redirect("/account")


def enrol(visit: Visit) -> Response:
    """The page with the QR code."""
    if visit.person and not visit.fresh:
        return ask_again(visit)
    person = _enrolling(visit)
    return _enrol_page(visit, person) if person else redirect("/account" if visit.person else "/sign-in")


def confirm_factor(visit: Visit) -> Response:
    """Takes the second factor into use; the recovery codes, once."""
    if visit.person and not visit.fresh and not asked_again(visit):
        return ask_again(visit)
    person = _enrolling(visit)
    if person is None:
        return redirect("/account" if visit.person else "/sign-in")
    if "code" not in visit.form:  # it was asked again who they are, on the way here
        return redirect("/second-factor")
    try:
        codes = visit.second.confirm(person.id, visit.form.get("code", "")[:20], visit.now)
    except NotAllowed:
        return _enrol_page(visit, person, WRONG_CODE)
    here = visit.sitting.id if visit.sitting else ""
    with writing(visit.hospital.engine) as connection:  # what began without it does not go on
        sessions.end_all(connection, person.id, person.id, "account", visit.now, but=here)
    advance(visit, person, "code")
    return render(visit, "recovery.html", RecoveryPage(codes, str(visit.session.pop("next", "/account"))))


def new_codes(visit: Visit) -> Response:
    """Makes new recovery codes."""
    codes = visit.second.renew(visit.who.id, visit.now)
    return render(visit, "recovery.html", RecoveryPage(codes, "/account"))


def drop_factor(visit: Visit) -> Response:
    """Takes one's own second factor away, to set up a new one at once; other sessions end."""
    person, here = visit.who, visit.sitting.id if visit.sitting else ""
    with writing(visit.hospital.engine) as connection:
        second_factor.drop(connection, person.id, person.id, visit.now)
        sessions.end_all(connection, person.id, person.id, "account", visit.now, but=here)
    return redirect("/second-factor")


def end_sessions(visit: Visit) -> Response:
    """Ends one session, or all but this one."""
    person, here = visit.who, visit.sitting.id if visit.sitting else ""
    which = visit.form.get("session", "")
    if which == "others":
        with writing(visit.hospital.engine) as connection:
            sessions.end_all(connection, person.id, person.id, "other", visit.now, but=here)
    elif which != here:
        sessions.end_one(visit.hospital.engine, person.id, which[:16], person.id, visit.now)
    visit.notice(N_("Signed out there."))
    return redirect("/account")


def asked_again(visit: Visit) -> bool:
    """Whether the form brings the password (and the code) of whoever sends it; the session is fresh then."""
    person, given = visit.who, visit.form.get(AGAIN[0], "")
    if not given or kind(person) != "password":
        return False
    if not SIGN_IN_NAME.take(visit.hospital.engine, person.id, visit.now):
        return False
    try:
        people.check_password(visit.hospital.engine, person.id, given, visit.now)
        if visit.second.enrolled(person.id):
            visit.second.check(person.id, visit.form.get(AGAIN[1], "")[:60], visit.now)
    except NotAllowed:
        return False
    SIGN_IN_NAME.clear(visit.hospital.engine, person.id)
    advance(visit, person, "password")
    return True


def ask_again(visit: Visit) -> Response:
    """The page that asks again who somebody is, and keeps what they had written."""
    person = visit.who
    kept = tuple((name, value) for name, value in visit.form.items() if name not in (*AGAIN, "token"))
    elsewhere = address("/sign-in/provider", next=visit.here()) if person.elsewhere else ""
    tried = AGAIN[0] in visit.form
    page = AgainPage(
        path=visit.request.url.path,
        fields=kept,
        login=person.id,
        code=visit.second.enrolled(person.id),
        provider=elsewhere,
        problem=NOT_AGAIN if tried else "",
    )
    return render(visit, "again.html", page, 401 if tried else 403)


def _enrolling(visit: Visit) -> Person | None:
    """Who may set up a second factor now: who must, and who is signed in with a password and has none."""
    if visit.person:
        free = kind(visit.person) == "password" and not visit.second.enrolled(visit.person.id)
        return visit.person if free else None
    waits = visit.sitting is not None and visit.sitting.stage == Stage.ENROL
    return at_stage(visit, Stage.ENROL) if waits else None


def _enrol_page(visit: Visit, person: Person, problem: str = "") -> Response:
    secret = visit.second.begin(person.id, visit.now)
    link = second_factor.address(person.id, visit.hospital.settings.hospital, secret)
    page = EnrolPage(
        picture=Markup(second_factor.picture(link)),  # noqa: S704 -- made of digits and a fixed frame
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        address=link,
        problem=problem,
    )
    return render(visit, "second_factor.html", page, 401 if problem else 200)


def _session(visit: Visit, each: sessions.Session) -> SessionRow:
    here = visit.sitting is not None and each.id == visit.sitting.id
    return SessionRow(each.id, each.agent, each.address, each.started, each.seen, here)
