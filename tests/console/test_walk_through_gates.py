"""A walk in a real Chromium: a bought system and one of our own go from idea to live, and fall silent again.

Everybody goes everywhere by clicking, at a browser of their own, with a password (the director with a second
factor too). ``WALK_PICTURES=folder`` keeps a picture of each page looked at.
"""

import os
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pdf_pages
import pytest
import walking
from browsing import serving
from click.testing import CliRunner
from test_browser import browser_type_launch_args as browser_type_launch_args
from walking import DAY, PASSWORD, Clock

from vesalius import dossier, loop
from vesalius.cli import main
from vesalius.governance import people, uses
from vesalius.hospital import Hospital

pytestmark = [
    pytest.mark.browser,
    # pytest-base-url declares its fixture in a way that pytest will no longer take; nothing of ours.
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),
]

HOLTER, OURS = "holter", "readmission"
TITLE = "Réadmission dans les 30 jours"
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
"""Who signs each gate, in turn: data protection; engineer, doctor; director; all whom the last gate asks."""

ENGLISH = r"""() => {
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest('[lang=en], script, style, textarea, code, pre')) continue;
    if (/\b(the|is|are|was|were|with|which|must|each|this|its|from|without)\b/.test(node.data)) found.push(node.data.trim());
  }
  return found;
}"""
"""The words of a page that are English, where they do not say that they are."""


@pytest.fixture
def hospital(tmp_path, monkeypatch) -> Iterator[Hospital]:
    monkeypatch.setattr("vesalius.console.visit.datetime", Clock)
    monkeypatch.setattr(Clock, "ahead", 0 * DAY)
    made = walking.make(tmp_path / "hospital")
    yield made
    made.close()


@pytest.fixture
def address(hospital) -> Iterator[str]:
    from vesalius.console import app

    with serving(app(hospital)) as served:
        yield served


class Desk:
    """One person at their own browser, who goes everywhere by clicking."""

    def __init__(self, browser, address: str, login: str, secrets: dict[str, str]) -> None:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="fr-BE")
        self.page, self.login, self.secrets = context.new_page(), login, secrets
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.press("main button.primary")
        if self.page.url.endswith("/second-factor"):
            self.look("second-factor")
            secrets[login] = self.page.locator("code.secret").inner_text().replace(" ", "")
            self.show_code()
            self.press("main a.button")
        elif self.page.url.endswith("/sign-in/code"):
            self.show_code()

    def show_code(self) -> None:
        import pyotp

        self.page.fill("#code", pyotp.TOTP(self.secrets[self.login]).at(Clock.now(UTC)))
        self.press("main button.primary")

    def press(self, selector: str) -> None:
        with self.page.expect_navigation():
            self.page.click(selector)

    def menu(self, path: str) -> "Desk":
        self.press(f"nav.nav a[href='{path}']")
        return self

    def system(self, name: str) -> "Desk":
        self.menu("/register").press(f"table a[href='/register/{name}']")
        return self

    def look(self, name: str = "") -> str:
        """What the page says, in one line, as it is seen; nothing of it is English."""
        english = self.page.evaluate(ENGLISH)
        assert not english, f"{self.page.url}: {english}"
        if name and (folder := os.environ.get("WALK_PICTURES")):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
        words = self.page.locator("main").inner_text()
        return " ".join(words.replace("\u202f", " ").replace("\u00a0", " ").split())

    def act(self, name: str, reason: str, act: str = "sign") -> str:
        """Signs or refuses the gate of a system, which waits for this person on the page of the register."""
        self.menu("/register").press(f"section:has(#waits) a[href='/register/{name}#gates']")
        self.page.fill("#reason", reason)
        if act == "sign" and self.page.locator("#despite").count():
            self.page.fill("#despite", "On le sait, et on le dit.")
        self.press(f"main button[name=act][value={act}]")
        return self.look()

    def answer(self, answers: dict[str, str]) -> None:
        for key, value in answers.items():
            self.page.select_option(f"#q-{key}", value)
        self.page.fill("#answers-reason", "Rempli avec la déléguée à la protection des données.")
        self.press("form[action$='/answers'] button.primary")

    def decide(self, reason: str = "") -> None:
        """Decides on the suggestion that is first on the worklist: accepts it, or overrides it with a reason."""
        self.menu("/").press("a.open >> nth=0")
        if not reason:
            self.press("button.primary.wide")
            return
        self.page.click("details:has(input[name=reason]) summary")
        self.page.locator("input[name=reason]").first.check()
        self.page.fill("#words-overridden", reason)
        self.press("details:has(input[name=reason]) button.wide")

    def leave(self) -> None:
        assert not self.complaints
        self.page.context.close()


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
        """Everybody goes home, and comes back that many days later."""
        for desk in self.desks.values():
            desk.leave()
        self.desks.clear()
        Clock.ahead += count * DAY

    def turn(self, name: str) -> loop.Turn:
        return loop.turn(self.hospital, name, Clock.now(UTC))

    def speaks(self, name: str) -> bool:
        return uses.speaks(self.hospital.engine, name, Clock.now(UTC))


def test_two_systems_go_from_idea_to_live_and_fall_silent_again(browser, address, hospital, tmp_path):
    walk = Walk(browser, address, hospital)
    register(walk)
    to_live(walk)
    speak(walk)
    another_version(walk)
    another_threshold(walk)
    stop(walk)
    for desk in walk.desks.values():
        desk.leave()
    read_the_dossiers(hospital, tmp_path)


def register(walk: Walk) -> None:
    """An engineer registers the bought system and ours; the answers give their regime and their duties."""
    desk = walk["segers"].menu("/register")
    for field, value in BOUGHT.items():
        desk.page.fill(f"#{field}", value)
    desk.page.select_option("#ce_class", "IIa")
    desk.press("form[action='/register'] button.primary")
    assert "Enregistré. Répondez maintenant à son questionnaire." in desk.look("registered")
    desk.answer(ANSWERS | {"origin": "bought", "ce_class": "IIa", "processor": "yes"})
    words = desk.look("answered")
    assert "Dispositif marqué CE de classe IIa ou plus : à haut risque" in words
    assert "Informer les travailleurs et leurs représentants avant l’utilisation" in words
    desk.system(OURS).answer(ANSWERS)
    assert "Dispositif interne selon l’article 5(5) : considéré comme à haut risque" in desk.look()


def to_live(walk: Walk) -> None:
    """Every gate, by every role in turn; one is refused, and taken up again. Nothing speaks before the last."""
    walking.discharges(walk.hospital, "silent", 2)
    walking.recordings(walk.hospital, "silent", 2)
    for number, signers in enumerate(GATES):
        for login in signers[:-1]:
            if (number, login) == (3, "wauters"):
                refuse(walk)
            for name in (HOLTER, OURS):
                assert "Signé. Il manque encore : " in walk[login].act(name, f"Lu, {login}.")
        for name in (HOLTER, OURS):
            assert walk.turn(name).mode == ("silent" if number == 3 else "off")
            assert not walk.speaks(name)
        if number == 3:
            assert not walk["delforge"].menu("/").page.locator("a.open").count()
        for name in (HOLTER, OURS):
            assert "Signé. Il passe à l’état : " in walk[signers[-1]].act(name, f"Lu, {signers[-1]}.")
        walk[signers[-1]].look(f"gate-{number}")
        if number == 0:
            validate(walk.hospital)
    assert walk.speaks(HOLTER)
    assert walk.speaks(OURS)


def refuse(walk: Walk) -> None:
    words = walk["wauters"].act(HOLTER, "Le contrat ne dit rien de la sous-traitance.", "refuse")
    assert "Refusé par An Wauters" in words
    assert "« Le contrat ne dit rien de la sous-traitance. »" in words
    walk["wauters"].look("refused")
    assert "Il manque encore : " in walk["theissen"].act(HOLTER, "Contrat complété, relu.")


def validate(hospital: Hospital) -> None:
    """What the engineer does at the command line: validate on held-out patients, learn, put in force."""
    import msgspec

    from vesalius.evaluation import plans
    from vesalius.evaluation.study import study
    from vesalius.usecase import find

    kind, cohort = find(OURS), loop.history(hospital, OURS)
    plan = msgspec.structs.replace(plans.choose(len(cohort.outcomes)), repeats=1, folds=2)
    run = study(kind, cohort.evidence, cohort.outcomes, cohort.practice, plan=plan, draws=10)
    run.save(hospital.runs)
    model = hospital.models.save(kind().learn(cohort.evidence, cohort.outcomes, 0))
    assert run.model == model
    engineer = people.get(hospital.engine, "segers")
    uses.set_model(hospital.engine, OURS, model, engineer, reason="Validé sur nos propres séjours.")


def speak(walk: Walk) -> None:
    """What they say is on the worklist, and a doctor decides on it."""
    walking.discharges(walk.hospital, "live", 5)
    walking.recordings(walk.hospital, "live", 4)
    assert [walk.turn(name).mode for name in (HOLTER, OURS)] == ["live", "live"]
    doctor = walk["delforge"].menu("/")
    words = doctor.look("worklist")
    assert doctor.page.locator("a.open").count() == 9
    assert BOUGHT["title"] in words
    assert TITLE in words
    doctor.decide()
    doctor.decide("Vu au lit du patient.")
    doctor.look("decided")
    words = doctor.menu("/decisions").look("decisions")
    assert "Acceptée" in words
    assert "Écartée" in words


def another_version(walk: Walk) -> None:
    """Another version of the bought system is registered: two gates are open again, and it is silent at once."""
    desk = walk["segers"].system(HOLTER)
    desk.page.click("summary:has-text('Enregistrer une autre version')")
    desk.page.fill("#new-version", "4.0")
    desk.press("form:has(#new-version) button")
    words = desk.look("another-version")
    assert "la version a changé" in words
    assert "Il ne dit rien à personne" in words
    assert not walk.speaks(HOLTER)
    words = walk["delforge"].menu("/").look("worklist-version")
    assert "« Cardioscope Holter 3 » s’est tu" in words
    assert (
        "Une porte est de nouveau ouverte : la version a changé, ce qui est enregistré de lui a changé."
        in words
    )
    assert "Cardioscope Holter 3 signale" not in words


def another_threshold(walk: Walk) -> None:
    """A threshold is changed by who may: its gate is open again, it is silent at once, and all sign again."""
    director = walk["marchal"].menu("/usecases")
    director.press(f"main a[href='/usecases/{OURS}']")
    director.press(f"main a[href='/usecases/{OURS}/settings']")
    assert "Cet usage parle. Un changement rouvre sa porte" in director.look("thresholds")
    director.page.fill("#bundle_from", "30")
    director.page.fill("#reason", "Trop d’accompagnements pour l’équipe.")
    director.press("main button.primary")
    words = director.look("threshold-changed")
    assert "La porte est de nouveau ouverte" in words
    assert not walk.speaks(OURS)
    doctor = walk["delforge"].menu("/")
    words = doctor.look("worklist-threshold")
    assert f"« {TITLE} ? » s’est tu" in words
    assert "un seuil a changé" in words
    assert not doctor.page.locator("a.open").count()
    director.press("main a:has-text('Voir la porte')")
    assert "De nouveau ouverte" in director.look("gate-reopened")
    for login in GATES[3]:
        assert not walk.speaks(OURS)
        walk[login].act(OURS, "Seuil relu avec l’équipe.")
    assert walk.speaks(OURS)


def stop(walk: Walk) -> None:
    """People override nearly all of it: it falls silent by itself, and its people are told."""
    walk.days(1)
    walking.discharges(walk.hospital, "more", 51)
    assert walk.turn(OURS).filed >= 51
    for _ in range(2):
        walk["delforge"].decide("Le suivi est déjà organisé.")
    for filed in walk.hospital.review.worklist(usecase=OURS, limit=100, now=Clock.now(UTC)).items:
        walk.hospital.review.decide(
            filed.id, "overridden", by="delforge", role="doctor", reason="already_arranged", at=Clock.now(UTC)
        )
    walk.days(1)
    walking.discharges(walk.hospital, "last", 2)
    loop.turn_all(walk.hospital, Clock.now(UTC))
    assert not walk.speaks(OURS)
    doctor = walk["delforge"]
    words = doctor.look("worklist-stopped")
    assert f"« {TITLE} ? » s’est tu" in words
    assert (
        "Règle d’arrêt : la plupart des suggestions reçoivent un avis contraire (100 %, limite 70 %" in words
    )
    assert not doctor.page.locator("a.open").count()
    engineer = walk["segers"]
    words = engineer.look("board-stopped")
    assert "Vous attend" in words
    assert "Une règle d’arrêt l’a fait taire, et personne n’a encore regardé l’alarme." in words
    engineer.press(f"section:has(#waits) a[href='/usecases/{OURS}/monitoring']")
    engineer.page.click("summary:has-text('Prendre acte')")
    engineer.page.fill("textarea[name=words]", "Les appels étaient déjà faits par le service social.")
    engineer.press("button[value=acknowledge]")
    assert "service social" in engineer.look("acknowledged")
    words = engineer.system(OURS).look("system-stopped")
    assert "Elle attend d’autres personnes" in words
    engineer.page.click("summary:has-text('Ce qui s’est passé')")
    assert "stop rule" not in engineer.look("what-happened")


def read_the_dossiers(hospital: Hospital, folder: Path) -> None:
    """The dossier of each, as the command makes it, read page by page as it is printed."""
    folder = Path(os.environ.get("WALK_PICTURES") or folder)
    for name, title in ((HOLTER, BOUGHT["title"]), (OURS, f"{TITLE} ?")):
        place = ["--home", str(hospital.home)]
        made = CliRunner().invoke(main, ["dossier", "build", name, "--out", str(folder / name), *place])
        assert made.exit_code == 0, made.output
        checked = CliRunner().invoke(main, ["dossier", "verify", name, str(folder / name), *place])
        assert "holds" in checked.output
        pages = pdf_pages.pages((folder / name / "dossier.fr.pdf").read_bytes())
        assert len(pages) > 5
        assert all(title in page for page in pages)
        whole = " ".join(pages)
        for login, person, role in walking.STAFF:
            assert login in whole.lower(), (person, role)
        events = dossier.load((folder / name / "dossier.json").read_bytes()).dossier.sources
        told = {each.action for each in events}
        assert {"system.answered", "use.signed", "use.moved", "use.reopened"} <= told
        assert {"use.refused", "system.changed"} <= told if name == HOLTER else "alarm.raised" in told
        for each in events:
            if each.action.startswith(("use.", "alarm.", "system.")):
                assert each.hash[:16] in whole, each.action
