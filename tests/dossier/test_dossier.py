"""The dossier: filled from the audit, and no event of it can be taken away or altered unnoticed."""

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from vesalius import dossier
from vesalius.cli import main
from vesalius.errors import Tampered, UnreadableInput
from vesalius.governance import answers, classifying, people, uses
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


@pytest.fixture
def raw(world):
    """A connection without the guards of the audit: what somebody with the file can do."""
    connection = world.hospital.engine.connect()
    for table in ("audit_event", "audit_subject", "audit_signed_head"):
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
    connection.commit()
    yield connection
    connection.close()


def test_the_dossier_holds_and_can_be_checked_offline(world):
    found = dossier.verify(world.hospital, USE, world.sealed)
    assert found.problems == ()
    assert found.events == len(world.sealed.dossier.sources) >= 6
    again = dossier.load(encode(world.sealed))
    assert again == world.sealed
    dossier.check(again, world.hospital.keys.unseal)


def test_the_cover_counts_what_was_filled(world):
    counts = world.sealed.dossier.counts
    assert (counts.all, counts.auto, counts.assisted, counts.manual, counts.unfilled) == (58, 29, 25, 4, 0)
    assert 0 < counts.with_events < counts.auto
    assert 0 < counts.applying < counts.all


def test_the_obligations_are_those_of_the_compilation(world, shared_data):
    with (shared_data / "legal-obligations" / "obligations.csv").open(encoding="utf-8") as file:
        wanted = {row["id"]: row["software_production"] for row in csv.DictReader(file)}
    assert {each.line.key: each.line.kind for each in world.sealed.dossier.duties} == wanted


def test_every_event_that_is_altered_or_removed_is_named(world, raw):
    whole = {each.seq for each in world.sealed.dossier.sources}
    for seq in sorted(whole):
        row = (
            raw.execute(sa.text("SELECT * FROM audit_event WHERE seq = :seq"), {"seq": seq}).mappings().one()
        )
        for verb, change in (
            ("removed", "DELETE FROM audit_event WHERE seq = :seq"),
            ("altered", "UPDATE audit_event SET actor = 'mallory' WHERE seq = :seq"),
        ):
            raw.execute(sa.text(change), {"seq": seq})
            raw.commit()
            found = dossier.verify(world.hospital, USE, world.sealed)
            assert any(each.startswith(f"event {seq} (") and verb in each for each in found.problems)
            raw.execute(sa.text("DELETE FROM audit_event WHERE seq = :seq"), {"seq": seq})
            columns = ", ".join(row)
            named = ", ".join(f":{name}" for name in row)
            raw.execute(sa.text(f"INSERT INTO audit_event ({columns}) VALUES ({named})"), dict(row))
            raw.commit()
    assert dossier.verify(world.hospital, USE, world.sealed).holds


@pytest.mark.parametrize(
    ("table", "column", "action"),
    [
        ("use_change", "reason", "use.signed"),
        ("use_settings", "body", "use.settings_changed"),
        ("system_answers", "reason", "system.answered"),
        ("system_obligation", "body", "obligation.changed"),
        ("report_answer", "text", "report.answered"),
    ],
)
def test_a_row_beside_an_event_that_is_altered_or_removed_is_found(world, raw, table, column, action):
    rows = [dict(each) for each in raw.execute(sa.text(f"SELECT * FROM {table}")).mappings()]
    for change in (f"UPDATE {table} SET {column} = 'forged'", f"DELETE FROM {table}"):
        raw.execute(sa.text(change))
        raw.commit()
        found = dossier.verify(world.hospital, USE, world.sealed)
        assert any(f"({action} by" in each and "beside" in each for each in found.problems)
        raw.execute(sa.text(f"DELETE FROM {table}"))
        quoted = ", ".join(f'"{name}"' for name in rows[0])
        named = ", ".join(f":{name}" for name in rows[0])
        for row in rows:
            raw.execute(sa.text(f"INSERT INTO {table} ({quoted}) VALUES ({named})"), row)
        raw.commit()
    assert dossier.verify(world.hospital, USE, world.sealed).holds


def test_a_dossier_that_was_altered_is_refused(world):
    body = encode(world.sealed).replace(b'"manual":4', b'"manual":3')
    with pytest.raises(Tampered):
        dossier.verify(world.hospital, USE, dossier.load(body))
    with pytest.raises(Tampered):
        dossier.verify(world.hospital, "urine", world.sealed)
    with pytest.raises(UnreadableInput):
        dossier.load(b"{")


def test_every_text_and_rendering_speaks_four_languages(world):
    from vesalius.dossier import words

    spoken = {"fr", "nl", "de", "en"}
    assert all(set(each) == spoken for each in words.texts().values())
    assert all(set(each) == spoken for each in words.parts().asks.values())
    for language in sorted(spoken):
        assert b"29" in dossier.render("html", world.sealed.dossier, language)
    assert dossier.render("pdf", world.sealed.dossier, "fr").startswith(b"%PDF")


def test_the_commands_build_and_verify_and_name_the_event(world, raw, tmp_path):
    home = str(world.hospital.home)

    def run(*args):
        return CliRunner().invoke(main, ["dossier", *args, "--home", home])

    done = run("build", USE, "--out", str(tmp_path), "--lang", "en")
    assert done.exit_code == 0, done.output
    assert "29 filled from the log" in done.output
    assert run("verify", USE, str(tmp_path)).exit_code == 0
    assert run("verify", USE, str(tmp_path / "none")).exit_code == 1
    seq = world.sealed.dossier.sources[-1].seq
    raw.execute(sa.text("DELETE FROM audit_event WHERE seq = :seq"), {"seq": seq})
    raw.commit()
    done = run("verify", USE, str(tmp_path))
    assert done.exit_code == 1
    assert f"event {seq} (" in done.output
