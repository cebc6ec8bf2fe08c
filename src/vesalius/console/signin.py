"""Signing in and out, and what people choose for their eyes: language, light or dark, shortcuts."""

from __future__ import annotations

from starlette.responses import Response

from vesalius.console.contexts import CodePage, DemoPerson, OwnPasswordPage, SignInPage
from vesalius.console.languages import N_, NAMES, languages
from vesalius.console.security import local_path
from vesalius.console.visit import ROLES, Visit, address, advance, forget, redirect, remember, render
from vesalius.errors import InvalidSetting, NotAllowed, NotFound, Unavailable
from vesalius.governance import Person, people, roles
from vesalius.governance.limits import SIGN_IN_ADDRESS, SIGN_IN_NAME
from vesalius.governance.passwords import SHORTEST, WITH_SECOND
from vesalius.governance.provider import Provider
from vesalius.governance.sessions import Stage

TASKS = {
    "doctor": N_("Works through the worklist and decides."),
    "biologist": N_("Decides from the laboratory, signs the validation."),
    "nurse": N_("Reads what is suggested on the ward."),
    "pharmacist": N_("Reads suggestions and decisions on medication."),
    "dpo": N_("Reads who looked at what, signs the data gate."),
    "director": N_("Signs the gates, sees what the tool brings."),
    "engineer": N_("Looks after feeds, quarantine and models."),
    "legal": N_("Reads the dossier and signs the legal gate."),
    "records": N_("Finds patients who are registered twice, and merges them."),
}
"""What one can try in each role, on the cards of the demo people."""

REFUSED = N_("This name and password do not match. Check both, or ask the engineer on duty.")
BLOCKED = N_("Too many attempts. Wait five minutes, then try again.")


WRONG_CODE = N_("This code is wrong, or was used before. Wait for the next one.")
OUTSIDE = N_("The sign-in of the hospital did not let you in here. Ask the director for a role.")
DOWN = N_("The sign-in of the hospital does not answer. Try again in a few minutes.")

STAGES = {
    Stage.CODE: "/sign-in/code",
    Stage.PASSWORD: "/sign-in/password",
    Stage.ENROL: "/second-factor",
}
"""Where each stage of a session is passed."""


def show(visit: Visit) -> Response:
    """The page to sign in."""
    if visit.waiting and visit.sitting and "again" not in visit.query:
        return redirect(STAGES[visit.sitting.stage])
    return render(visit, "sign_in.html", _page(visit))


def sign_in(visit: Visit) -> Response:
    """Signs in one of the demo people, or a person who knows their password."""
    engine, login = visit.hospital.engine, visit.form.get("login", "").strip()[:80]
    by_address = SIGN_IN_ADDRESS.take(engine, visit.address, visit.now)
    if not by_address or not SIGN_IN_NAME.take(engine, login, visit.now):
        return render(visit, "sign_in.html", _page(visit, login, visit.say(BLOCKED)), 429)
    person = _recognise(visit, login)
    if person is None:
        return render(visit, "sign_in.html", _page(visit, login, visit.say(REFUSED)), 401)
    SIGN_IN_ADDRESS.give_back(engine, visit.address)
    SIGN_IN_NAME.clear(engine, login)
    visit.session["next"] = local_path(visit.form.get("next", ""))
    remember(visit, person, "demo" if person.demo else "password")
    return onward(visit)


def onward(visit: Visit) -> Response:
    """On to what the session still lacks, or to the page that was wanted."""
    if visit.sitting and visit.sitting.stage != Stage.OPEN:
        return redirect(STAGES[visit.sitting.stage])
    return redirect(local_path(str(visit.session.pop("next", ""))))


def at_stage(visit: Visit, stage: Stage) -> Person:
    """The person who waits at a stage.

    Raises:
        NotFound: nobody does.
    """
    if visit.waiting is None or visit.sitting is None or visit.sitting.stage != stage:
        raise NotFound("there is nothing to do here")
    return visit.waiting


def code(visit: Visit) -> Response:
    """The page that asks for the second factor."""
    if visit.sitting is None or visit.sitting.stage != Stage.CODE:
        return redirect("/sign-in")
    return render(visit, "code.html", CodePage())


def give_code(visit: Visit) -> Response:
    """Takes a code of the telephone, or a recovery code."""
    person = at_stage(visit, Stage.CODE)
    try:
        visit.second.check(person.id, visit.form.get("code", "")[:60], visit.now)
    except NotAllowed:
        return render(visit, "code.html", CodePage(WRONG_CODE), 401)
    advance(visit, person, "code")
    return onward(visit)


def own_password(visit: Visit) -> Response:
    """The page that asks for a password of one's own, in the place of the initial one."""
    if visit.sitting is None or visit.sitting.stage != Stage.PASSWORD:
        return redirect("/sign-in")
    return render(visit, "own_password.html", _password_page(visit))


def choose_password(visit: Visit) -> Response:
    """Takes a password of one's own; the session begins anew."""
    person = at_stage(visit, Stage.PASSWORD)
    shown = visit.sitting.shown if visit.sitting else ()
    problem = new_password(visit, person)
    if problem:
        return render(visit, "own_password.html", _password_page(visit, problem), 400)
    remember(visit, person, *shown)
    return onward(visit)


def new_password(visit: Visit, person: Person) -> str:
    """Changes the password with the fields of the form; what is wrong, in the reader's words, or nothing."""
    old, new = visit.form.get("old", ""), visit.form.get("new", "")
    if new != visit.form.get("again", ""):
        return visit.say(N_("The two new passwords are not the same."))
    engine, hospital = visit.hospital.engine, visit.hospital.settings.hospital
    if not SIGN_IN_NAME.take(engine, person.id, visit.now):
        return visit.say(BLOCKED)
    try:
        people.change_password(engine, person.id, old, new, hospital=hospital, at=visit.now)
    except NotAllowed:
        return visit.say(N_("The old password is wrong."))
    except InvalidSetting:
        SIGN_IN_NAME.give_back(engine, person.id)
        return visit.say(
            N_("Take another one: at least %(num)s characters, not your name, not what everybody takes."),
            num=_shortest(visit, person),
        )
    SIGN_IN_NAME.clear(engine, person.id)
    return ""


def _shortest(visit: Visit, person: Person) -> int:
    return WITH_SECOND if visit.second.enrolled(person.id) else SHORTEST


def _password_page(visit: Visit, problem: str = "") -> OwnPasswordPage:
    person = at_stage(visit, Stage.PASSWORD)
    return OwnPasswordPage(person.id, _shortest(visit, person), problem)


def to_provider(visit: Visit) -> Response:
    """Sends the browser to the hospital's own sign-in."""
    again = visit.person is not None  # who is signed in comes because they were asked again who they are
    where, state = _provider(visit).begin(local_path(visit.query.get("next", "")), visit.now, again=again)
    visit.session["provider"] = state
    return redirect(where)


def from_provider(visit: Visit) -> Response:
    """Takes back whom the hospital's own sign-in recognised."""
    state = str(visit.session.pop("provider", ""))
    answer = {name: value[:4096] for name, value in visit.request.query_params.items() if "\0" not in value}
    try:
        came = _provider(visit).finish(answer, state, visit.now)
    except NotAllowed:
        return render(visit, "sign_in.html", _page(visit, refused=visit.say(OUTSIDE)), 403)
    except Unavailable:
        return render(visit, "sign_in.html", _page(visit, refused=visit.say(DOWN)), 503)
    remember(visit, came.person, "provider", provider=came.session)
    return redirect(local_path(came.target))


def _provider(visit: Visit) -> Provider:
    found: Provider | None = visit.request.app.state.provider
    if found is None:
        raise NotFound("this hospital has no sign-in of its own")
    return found


def sign_out(visit: Visit) -> Response:
    """Ends the session."""
    elsewhere = visit.sitting is not None and "provider" in visit.sitting.shown
    forget(visit)
    return redirect("/sign-in?out=provider" if elsewhere else "/sign-in")


def prefer(visit: Visit) -> Response:
    """Keeps a language (for the person too), a theme or the shortcuts, and goes back to the page."""
    language, theme, keys = (visit.form.get(name, "") for name in ("language", "theme", "keys"))
    if language in languages():
        visit.session["language"] = language
        if visit.person:
            people.choose_language(visit.hospital.engine, visit.person.id, language)
    if theme in ("auto", "light", "dark"):
        visit.session["theme"] = "" if theme == "auto" else theme
    if keys in ("on", "off"):
        visit.session["keys"] = keys == "on"
    return redirect(local_path(visit.form.get("back", "")))


def _recognise(visit: Visit, login: str) -> Person | None:
    engine, settings = visit.hospital.engine, visit.hospital.settings
    try:
        if settings.synthetic and "password" not in visit.form:
            return people.sign_in_demo(engine, login, synthetic=settings.synthetic, at=visit.now)
        person = people.check_password(engine, login, visit.form.get("password", ""), visit.now)
    except NotAllowed:
        return None
    if settings.oidc_issuer and settings.local_accounts != "all":
        kept = login in settings.local_accounts.split(",")
        return person if kept and roles.may(person.roles, roles.Right.MANAGE_PEOPLE) else None
    return person


def _page(visit: Visit, login: str = "", refused: str = "") -> SignInPage:
    settings, known = visit.hospital.settings, visit.request.app.state.provider
    synthetic = settings.synthetic
    shown = [person for person in people.everyone(visit.hospital.engine) if person.demo] if synthetic else []
    target = local_path(visit.form.get("next", "") or visit.query.get("next", ""))
    order = list(ROLES)
    shown.sort(key=lambda person: (order.index(person.role), person.name))
    return SignInPage(
        tuple(_card(person) for person in shown),
        target,
        login,
        refused,
        address("/sign-in/provider", next=target) if known else "",
        known.leave() if known and visit.query.get("out") else "",
    )


def _card(person: Person) -> DemoPerson:
    letters = [word[0] for word in person.name.split() if not word.endswith(".") and word != "Dr"] or ["?"]
    return DemoPerson(
        login=person.id,
        name=person.name,
        initials="".join(letters[:1] + letters[-1:]).upper(),
        role=ROLES.get(person.role, person.role),
        language=NAMES[person.language],
        language_code=person.language,
        text=TASKS.get(person.role, ""),
    )
