"""The dossier: filled from the audit, and no event of it can be taken away or altered unnoticed."""

import csv
import html
from dataclasses import dataclass, field
from datetime import UTC, datetime

import life
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from vesalius import dossier
from vesalius.cli import main
from vesalius.console import audits, silenced, trial_words, usecases, visit, watched
from vesalius.console.languages import languages
from vesalius.dossier import facts, words
from vesalius.dossier.duties import EVIDENCE
from vesalius.errors import InvalidSetting, Tampered, UnreadableInput
from vesalius.governance import answers, audit, classifying, people, uses
from vesalius.governance.register import obligations
from vesalius.governance.roles import Role
from vesalius.hospital import Hospital
from vesalius.settings import Settings
from vesalius.store import writing
from vesalius.usecase import encode

CARE = {
    "origin": "in_house", "purpose": "care", "ce_class": "none", "prohibited": "no", "persons": "yes",
    "personal_data": "yes", "workers": "yes", "public": "yes", "generates": "no", "processor": "no",
    "secondary": "no", "legacy": "no",
}  # fmt: skip
USE = "readmission"


@dataclass
class World:
    hospital: Hospital
    sealed: object
    staff: dict = field(default_factory=dict)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    home = tmp_path_factory.mktemp("dossier")
    Settings(synthetic=True, second_factor="none").save(home)
    hospital = Hospital.open(home)
    engine = hospital.engine
    staff = {role.value: people.add(engine, role.value, name=role.value, role=role.value) for role in Role}
    with writing(engine) as connection:
        classifying.keep(connection, USE, CARE, staff["legal"], "read", datetime.now(UTC))
    obligations.say(engine, USE, "GDPR-35", staff["legal"], state="done", note="signed")
    uses.sign(engine, USE, staff["dpo"], reason="agreed", despite="a test")
    uses.refuse(engine, USE, staff["engineer"], reason="not yet")
    card = hospital.usecase(USE).card
    setting = card.settings[0]
    uses.set_use_settings(
        engine, USE, {setting.name: setting.default + setting.step}, staff["director"], reason="a test"
    )
    answers.answer(engine, USE, next(iter(_questions())), "because", staff["engineer"])
    yield World(hospital, dossier.build(hospital, USE), staff)
    hospital.close()


def _questions():
    from vesalius.evaluation.reporting import QUESTIONS

    return [each.key for each in QUESTIONS if each.owner == "engineer"]


def test_the_dossier_holds_and_can_be_checked_offline(world):
    found = dossier.verify(world.hospital, USE, world.sealed)
    assert found.problems == ()
    assert found.events == len(world.sealed.dossier.sources) >= 6
    again = dossier.load(encode(world.sealed))
    assert again == world.sealed
    dossier.check(again, world.hospital.keys.unseal)


def test_the_cover_says_apart_what_was_filled_and_what_has_not_happened_yet(world):
    made = world.sealed.dossier
    counts = made.counts
    assert (counts.all, counts.auto + counts.waiting, counts.assisted, counts.manual) == (58, 29, 25, 4)
    assert 0 < counts.auto < 29
    assert 0 < counts.applying < counts.all
    for each in made.duties:
        if each.line.kind == "auto":
            assert each.filled == bool(each.line.events) or each.line.key == "GDPR-35"
            assert each.line.text["en"].startswith("Looked for: ") != each.filled


def test_a_use_that_went_through_its_whole_life_fills_all_29_from_real_events(lived):
    made = lived.sealed.dossier
    counts = made.counts
    assert (counts.auto, counts.waiting, counts.assisted, counts.manual, counts.unfilled) == (29, 0, 25, 4, 0)
    sources = {each.seq: each for each in made.sources}
    for each in made.duties:
        if each.line.kind == "auto":
            assert each.count > 0
            cited = {sources[seq].action for seq in each.line.events}
            assert cited & set(map(str, EVIDENCE[each.line.key]))


def test_what_is_about_uses_is_counted_for_the_use_alone(lived):
    """The bought system has signed nothing: the signatures of the other use do not fill its duties."""
    duties = {each.line.key: each for each in lived.bought.dossier.duties}
    assert not duties["AIA-14"].filled
    assert not duties["AIA-4"].filled
    assert duties["EHDS-51"].filled  # data is received by the hospital as a whole
    assert "in the whole hospital" in duties["EHDS-51"].line.text["en"]


def test_a_bought_system_has_no_file_of_a_device_made_in_house(lived):
    part = next(each for each in lived.bought.dossier.parts if each.key == "mdr")
    assert part.lines == ()
    assert part.note["fr"].startswith("Ne s’applique pas")
    assert next(each for each in lived.sealed.dossier.parts if each.key == "mdr").lines


def test_the_model_card_tells_the_stored_run_and_the_model_in_force(lived):
    part = next(each for each in lived.sealed.dossier.parts if each.key == "model")
    lines = {each.key: each for each in part.lines}
    run = lived.sealed.dossier.run
    assert run.key in lines["validation"].text["en"]
    assert run.hash in lines["validation"].text["en"]
    assert "AUROC 0.8 (95 %: 0.75 to 0.85)" in lines["validation"].text["en"]
    assert lines["validation"].events  # those who signed on it
    assert facts.shipped_model(life.USE) in lines["version"].text["de"]


def test_the_history_is_told_in_words_with_names_and_reasons(lived):
    told = {each.seq: each for each in lived.sealed.dossier.history}
    words = [each.what["en"] for each in told.values()]
    assert "Refused a gate: Data approved" in words
    assert any(each.endswith("0.87 for a limit of 0.7, on 60 cases") for each in words)
    assert any("0.41" in each and "→" in each for each in words)
    refused = next(each for each in told.values() if each.what["en"].startswith("Refused"))
    assert refused.who["fr"] == "Birgit Theissen (theissen), Délégué/e à la protection des données"
    assert refused.why == "Not without a purpose."


def test_the_obligations_are_those_of_the_compilation(world, shared_data):
    with (shared_data / "legal-obligations" / "obligations.csv").open(encoding="utf-8") as file:
        wanted = {row["id"]: row["software_production"] for row in csv.DictReader(file)}
    assert {each.line.key: each.line.kind for each in world.sealed.dossier.duties} == wanted


def test_a_dossier_that_was_altered_is_refused(world):
    body = encode(world.sealed).replace(b'"manual":4', b'"manual":3')
    with pytest.raises(Tampered):
        dossier.verify(world.hospital, USE, dossier.load(body))
    with pytest.raises(Tampered):
        dossier.verify(world.hospital, "urine", world.sealed)
    with pytest.raises(UnreadableInput):
        dossier.load(b"{")


def test_every_text_and_rendering_speaks_four_languages(world):
    spoken = {"fr", "nl", "de", "en"}
    assert all(set(each) == spoken for each in words.texts().values())
    assert all(set(each) == spoken for each in words.parts().asks.values())
    assert all(set(each) == spoken for group in words.names().values() for each in group.values())
    for language in sorted(spoken):
        page = dossier.render("html", world.sealed.dossier, language)
        assert words.say("waiting")[language] in page.decode()
    for kind, language in (("xml", "fr"), ("html", "es")):
        with pytest.raises(InvalidSetting):
            dossier.render(kind, world.sealed.dossier, language)


def test_codes_are_called_as_in_the_console():
    groups = {
        "action": {str(key): label for key, label in audits.LABELS.items()},
        "role": visit.ROLES,
        "state": {str(key): label for key, label in usecases.STATES.items()},
        "verdict": {key: label for key, (label, _) in trial_words.VERDICTS.items()},
        "rule": watched.RULES,
        "why": silenced.WHY,
        "lacking": usecases.LACKING,
    }
    for group, labels in groups.items():
        for code, language in languages().items():
            said = {key: each[code] for key, each in words.names()[group].items()}
            assert said == {key: language.say(label) for key, label in labels.items()}


def test_no_code_and_no_english_stay_in_a_french_dossier(lived):
    page = dossier.render("html", lived.sealed.dossier, "fr").decode()
    body = page[: page.index('id="s-sources"')]
    for code in (
        "data_approved",
        "works_council",
        "use.signed",
        "suggestion.decided",
        "{'en'",
        " × ",
        "GDPR",
        "AI Act",
    ):
        assert code not in body
    assert " 1 événements" not in page
    assert "[événements 22]" not in page
    for part in lived.sealed.dossier.parts:
        for line in part.lines:
            assert set(line.text) <= {"fr", "nl", "de", "en"}
    inputs = next(
        each.text["fr"] for part in lived.sealed.dossier.parts for each in part.lines if each.key == "inputs"
    )
    assert page.count(html.escape(inputs, quote=False)) == 1


@pytest.mark.parametrize("language", ["fr", "nl"])
def test_the_pdf_says_its_title_and_language_and_is_made_to_pdf_ua_and_pdf_a(world, language, caplog):
    """Typst refuses what does not conform, and says so in the log; the metadata stands in the clear."""
    made = dossier.render("pdf", world.sealed.dossier, language)
    assert "the PDF is not" not in caplog.text
    for wanted in (b"<pdfuaid:part>1<", b"<pdfaid:part>2<", b"<pdfaid:conformance>A<"):
        assert wanted in made
    assert f"<rdf:li>{language}" in made.decode("latin-1")
    assert world.sealed.dossier.title[language].encode() in made


def test_the_commands_build_and_verify_and_name_the_event(world, tmp_path):
    home = str(world.hospital.home)

    def run(*args):
        return CliRunner().invoke(main, ["dossier", *args, "--home", home])

    done = run("build", USE, "--out", str(tmp_path), "--lang", "en")
    assert done.exit_code == 0, done.output
    counts = world.sealed.dossier.counts
    assert f"58 obligations: {counts.auto} filled from the log, {counts.waiting} with nothing" in done.output
    assert audit.events(world.hospital.engine, limit=1)[0].action == "dossier.built"
    assert run("verify", USE, str(tmp_path)).exit_code == 0
    assert audit.events(world.hospital.engine, limit=1)[0].detail["holds"] is True
    assert run("verify", USE, str(tmp_path / "none")).exit_code == 1
    seq = world.sealed.dossier.sources[-1].seq
    with world.hospital.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_event_no_delete")
        connection.execute(sa.text("DELETE FROM audit_event WHERE seq = :seq"), {"seq": seq})
    done = run("verify", USE, str(tmp_path))
    assert done.exit_code == 1
    assert done.output.count(f"event {seq} ") == 1
