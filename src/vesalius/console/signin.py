"""Signing in and out, and what people choose for their eyes: language, light or dark, shortcuts."""

from __future__ import annotations

from starlette.responses import Response

from vesalius.console.contexts import DemoPerson, SignInPage
from vesalius.console.languages import N_, NAMES, languages
from vesalius.console.security import SignInLimit, local_path
from vesalius.console.visit import ROLES, Visit, forget, redirect, remember, render
from vesalius.errors import NotAllowed
from vesalius.governance import Person, people

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


def show(visit: Visit) -> Response:
    """The page to sign in."""
    return render(visit, "sign_in.html", _page(visit))


def sign_in(visit: Visit) -> Response:
    """Signs in one of the demo people, or a person who knows their password."""
    limit: SignInLimit = visit.request.app.state.limit
    login, address = (
        visit.form.get("login", "").strip()[:80],
        visit.request.client.host if visit.request.client else "",
    )
    if not limit.begin(login, address):
        return render(visit, "sign_in.html", _page(visit, login, visit.say(BLOCKED)), 429)
    person = _recognise(visit, login)
    if person is None:
        return render(visit, "sign_in.html", _page(visit, login, visit.say(REFUSED)), 401)
    limit.succeeded(login, address)
    remember(visit, person)
    return redirect(local_path(visit.form.get("next", "")))


def sign_out(visit: Visit) -> Response:
    """Ends the session."""
    if visit.person:
        people.sign_out(visit.hospital.engine, visit.person.id, visit.now)
    forget(visit)
    return redirect("/sign-in")


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
        return people.sign_in(engine, login, visit.form.get("password", "")[:200], at=visit.now)
    except NotAllowed:
        return None


def _page(visit: Visit, login: str = "", refused: str = "") -> SignInPage:
    synthetic = visit.hospital.settings.synthetic
    shown = [person for person in people.everyone(visit.hospital.engine) if person.demo] if synthetic else []
    target = local_path(visit.form.get("next", "") or visit.query.get("next", ""))
    order = list(ROLES)
    shown.sort(key=lambda person: (order.index(person.role), person.name))
    return SignInPage(tuple(_card(person) for person in shown), target, login, refused)


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
