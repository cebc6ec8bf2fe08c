"""A walk in a real Chromium: a bought system and one of our own go from idea to live, and fall silent again."""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
import walking
from test_browser import browser_type_launch_args as browser_type_launch_args
from walking import DAY, PASSWORD, Clock

from vesalius import loop
from vesalius.governance import people, uses
from vesalius.hospital import Hospital

pytestmark = [
    pytest.mark.browser,
    # pytest-base-url declares its fixture in a way that pytest will no longer take; nothing of ours.
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),
]

HOLTER, OURS = "holter", "readmission"
PICTURES = os.environ.get("VESALIUS_WALK", "")
"""A folder for pictures of the walk; without it none are made."""

BOUGHT = {
    "name": HOLTER,
    "title": "Cardioscope Holter 3",
    "maker": "Cardioscope SA",
    "purpose": "Détecte la fibrillation auriculaire sur un enregistrement de 24 heures.",
    "version": "3.2",
    "device": "Device/holter",
    "instructions": "https://example.org/cardioscope/notice",
}
ANSWERS = {
    "origin": "in_house", "purpose": "care", "ce_class": "none", "prohibited": "no", "persons": "yes",
    "personal_data": "yes", "workers": "yes", "public": "yes", "generates": "no", "processor": "no",
    "secondary": "no", "legacy": "no",
}  # fmt: skip
GATES = (
    ("theissen",),
    ("segers", "delforge"),
    ("marchal",),
    ("theissen", "wauters", "lambrecht", "delforge", "marchal"),
)
"""Who signs each gate, in turn."""


@pytest.fixture
def hospital(tmp_path, monkeypatch) -> Iterator[Hospital]:
    monkeypatch.setattr("vesalius.console.visit.datetime", Clock)
    monkeypatch.setattr(Clock, "ahead", 0 * DAY)
    made = walking.make(tmp_path / "hospital")
    yield made
    made.close()


@pytest.fixture
def address(hospital) -> Iterator[str]:
    import uvicorn

    from vesalius.console import app

    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app(hospital), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()


class Desk:
    """One person at their own browser, who goes everywhere by clicking."""

    def __init__(self, browser, address: str, login: str, secrets: dict[str, str]) -> None:
        self.page = browser.new_context(viewport={"width": 1280, "height": 900}, locale="fr-BE").new_page()
        self.page.set_default_timeout(5000)
        self.address, self.login, self.secrets = address, login, secrets
        self.said: list[str] = []
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(f"{address}/")
        self.sign_in()

    def sign_in(self) -> None:
        page = self.page
        page.fill("#login", self.login)
        page.fill("#password", PASSWORD)
        self.press("main button.primary")
        if page.url.endswith("/second-factor"):
            self.picture("second-facteur")
            self.secrets[self.login] = page.locator("code.secret").inner_text().replace(" ", "")
            self.code()
            self.click("main a.button")
        elif page.url.endswith("/sign-in/code"):
            self.code()

    def code(self) -> None:
        import pyotp

        # The next one: each code is taken once, and the walk is faster than half a minute.
        self.page.fill("#code", pyotp.TOTP(self.secrets[self.login]).at(Clock.now(UTC)))
        self.press("main button.primary")

    def press(self, selector: str) -> None:
        with self.page.expect_navigation():
            self.page.click(selector)

    click = press

    def menu(self, path: str) -> "Desk":
        self.press(f"nav.nav a[href='{path}']")
        return self

    def system(self, name: str) -> "Desk":
        self.menu("/register")
        self.press(f"main a[href='/register/{name}']")
        return self

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def picture(self, name: str) -> None:
        found = self.page.evaluate(ENGLISH)
        if found:
            print(self.page.url, found)
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(
                path=f"{PICTURES}/{name}.png",
                full_page=True,
                clip={"x": 0, "y": 0, "width": 1280, "height": 1500},
            )

    def sign(self, name: str, reason: str, despite: str = "", act: str = "sign") -> None:
        page = self.system(name).page
        page.fill("#reason", reason)
        if page.locator("#despite").count() and act == "sign":
            page.fill("#despite", despite or "Manque, et dit pourquoi.")
        self.press(f"main button[name=act][value={act}]")
        assert page.locator("[role=status]").count(), self.text()

    def close(self) -> None:
        assert not self.said
        self.page.context.close()


ENGLISH = """() => {
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest('[lang=en], script, style, textarea, code, pre')) continue;
    if (/\\b(the|is|are|was|were|with|which|must|each|this|its|from|without)\\b/.test(node.data)) found.push(node.data.trim());
  }
  return found;
}"""
"""The words of a page that are English, where they do not say that they are."""


class Walk:
    """The people of the hospital, each at their desk."""

    def __init__(self, browser, address: str, hospital: Hospital) -> None:
        self.browser, self.address, self.hospital = browser, address, hospital
        self.desks: dict[str, Desk] = {}
        self.secrets: dict[str, str] = {}

    def __getitem__(self, login: str) -> Desk:
        if login not in self.desks:
            self.desks[login] = Desk(self.browser, self.address, login, self.secrets)
        return self.desks[login]

    def days(self, count: int) -> None:
        """Everybody goes home, and signs in again that many days later."""
        for desk in self.desks.values():
            desk.close()
        self.desks.clear()
        Clock.ahead += count * DAY

    def turn(self, name: str) -> loop.Turn:
        return loop.turn(self.hospital, name, Clock.now(UTC))

    def speaks(self, name: str) -> bool:
        return uses.speaks(self.hospital.engine, name, Clock.now(UTC))


def test_two_systems_walk(browser, address, hospital):
    walk = Walk(browser, address, hospital)
    register(walk)
    to_live(walk)
    speak(walk)
    change(walk)
    sign_again(walk)
    stop(walk)
    read_dossiers(walk)


def to_live(walk: Walk) -> None:
    """Every gate by every role in turn; before the last signature nothing speaks."""
    walking.discharges(walk.hospital, "silent", 3)
    walking.recordings(walk.hospital, "silent", 3)
    for number, signers in enumerate(GATES):
        for login in signers:
            for name in (HOLTER, OURS):
                assert not walk.speaks(name)
                if login == signers[-1]:
                    assert walk.turn(name).mode == ("silent" if number == 3 else "off")
                if number == 3 and login == "wauters" and name == HOLTER:
                    walk[login].sign(name, "Le contrat ne dit rien de la sous-traitance.", act="refuse")
                    walk[login].picture("refus")
                    walk["theissen"].sign(name, "Contrat complété, relu.")
                walk[login].sign(name, f"Lu et approuvé, {login}.")
                walk[login].picture(f"signe-{number}-{login}-{name}")
        if number == 0:
            validate(walk)
    assert walk.speaks(HOLTER) and walk.speaks(OURS)


def speak(walk: Walk) -> None:
    """What they say is on the worklist, and a doctor decides on it."""
    doctor = walk["delforge"].menu("/")
    assert not doctor.page.locator("a.open").count(), "what was said in silence stays there"
    doctor.picture("worklist-before")
    walking.discharges(walk.hospital, "live", 6)
    walking.recordings(walk.hospital, "live", 4)
    assert [walk.turn(name).mode for name in (HOLTER, OURS)] == ["live", "live"]
    doctor.menu("/")
    doctor.picture("worklist-live")
    assert doctor.page.locator("a.open").count() == 10
    doctor.press("a.open >> nth=0")
    doctor.picture("suggestion")
    doctor.press("button.primary.wide")
    doctor.picture("accepted")
    doctor.menu("/")
    doctor.press("a.open >> nth=0")
    override(doctor)
    doctor.picture("overridden")
    doctor.menu("/decisions")
    doctor.picture("decisions")


def override(doctor: Desk) -> None:
    doctor.page.click("details:has(input[name=reason]) summary")
    doctor.page.locator("input[name=reason]").first.check()
    doctor.page.fill("#words-overridden", "Vu au lit du patient.")
    doctor.press("details:has(input[name=reason]) button.wide")


def change(walk: Walk) -> None:
    """A threshold is changed by who may: the gate that it touches is open again, and it is silent at once."""
    director = walk["marchal"].menu("/usecases")
    director.press(f"main a[href='/usecases/{OURS}']")
    director.picture("use")
    director.press(f"main a[href='/usecases/{OURS}/settings']")
    director.picture("thresholds")
    director.page.fill("#bundle_from", "30")
    director.page.fill("#reason", "Trop d’accompagnements pour l’équipe.")
    director.press("main button.primary")
    director.picture("thresholds-changed")
    assert not walk.speaks(OURS)
    director.system(OURS).picture("reopened")
    director.menu("/board").picture("board-reopened")
    doctor = walk["delforge"].menu("/")
    doctor.picture("worklist-reopened")


def sign_again(walk: Walk) -> None:
    for login in GATES[3]:
        walk[login].sign(OURS, "Seuil relu avec l’équipe.")
    assert walk.speaks(OURS)


def stop(walk: Walk) -> None:
    """People override nearly all of it: the next refresh of the monitoring silences it."""
    walk.days(1)
    walking.discharges(walk.hospital, "more", 60)
    assert walk.turn(OURS).filed >= 60
    doctor = walk["delforge"]
    doctor.picture("worklist-more")
    for _ in range(2):
        doctor.menu("/")
        doctor.press("a.open >> nth=0")
        override(doctor)
    for filed in walk.hospital.review.worklist(usecase=OURS, limit=100, now=Clock.now(UTC)).items:
        walk.hospital.review.decide(
            filed.id, "overridden", by="delforge", role="doctor", reason="already_arranged", at=Clock.now(UTC)
        )
    walk.days(1)
    walking.discharges(walk.hospital, "last", 3)
    loop.turn_all(walk.hospital, Clock.now(UTC))
    assert not walk.speaks(OURS)
    walk["delforge"].menu("/").picture("worklist-stopped")
    engineer = walk["segers"]
    engineer.picture("board-stopped")
    engineer.menu("/register").picture("register-stopped")
    engineer.system(OURS).picture("system-stopped")
    engineer.menu("/board")
    engineer.press(f"main a[href='/usecases/{OURS}/monitoring']")
    engineer.picture("monitoring-stopped")
    engineer.menu("/usecases")
    engineer.press(f"main a[href='/usecases/{OURS}']")
    engineer.picture("use-stopped")


def read_dossiers(walk: Walk) -> None:
    from vesalius import dossier

    for name in (HOLTER, OURS):
        sealed = dossier.build(walk.hospital, name)
        if PICTURES:
            for kind in dossier.FORMATS:
                Path(PICTURES, f"{name}.{kind}").write_bytes(dossier.render(kind, sealed.dossier, "fr"))


def register(walk: Walk) -> None:
    desk = walk["segers"]
    desk.picture("segers-home")
    page = desk.menu("/register").page
    desk.picture("register-empty")
    for field, value in BOUGHT.items():
        page.fill(f"#{field}", value)
    page.select_option("#ce_class", "IIa")
    desk.press("form[action='/register'] button.primary")
    assert page.url.endswith("/register/holter")
    desk.picture("holter-new")
    answer(desk, ANSWERS | {"origin": "bought", "ce_class": "IIa", "processor": "yes"})
    desk.picture("holter-answered")
    desk.system(OURS)
    desk.picture("ours-new")
    answer(desk, ANSWERS)
    desk.picture("ours-answered")


def answer(desk: Desk, answers: dict[str, str]) -> None:
    for key, value in answers.items():
        desk.page.select_option(f"#q-{key}", value)
    desk.page.fill("#answers-reason", "Rempli avec la déléguée à la protection des données.")
    desk.press("form[action$='/answers'] button.primary")


def validate(walk: Walk) -> None:
    """What the engineer does at the command line: learn, validate on held-out patients, put in force."""
    import msgspec

    from vesalius.evaluation import plans
    from vesalius.evaluation.study import study
    from vesalius.usecase import find

    hospital, kind = walk.hospital, find(OURS)
    cohort = loop.history(hospital, OURS)
    plan = msgspec.structs.replace(plans.choose(len(cohort.outcomes)), repeats=1, folds=2)
    run = study(kind, cohort.evidence, cohort.outcomes, cohort.practice, plan=plan, draws=25)
    run.save(hospital.runs)
    model = kind().learn(cohort.evidence, cohort.outcomes, 0)
    assert run.model == hospital.models.save(model)
    engineer = people.get(hospital.engine, "segers")
    uses.set_model(hospital.engine, OURS, model.hash, engineer, reason="Validé sur nos propres séjours.")
