"""Whoever has the database can change it; the dossier names what they changed, on either database."""

from __future__ import annotations

from contextlib import contextmanager

import life
import pytest
import sqlalchemy as sa

from vesalius import dossier
from vesalius.governance import uses
from vesalius.store import metadata

GROWING = ("audit_event", "audit_subject", "audit_signed_head")


@pytest.fixture(scope="module")
def raw(lived):
    """A connection without the guards of the audit: what somebody with the database can do."""
    connection = lived.hospital.engine.connect()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "SET session_replication_role = replica"
        )  # neither triggers nor foreign keys
    else:
        connection.connection.dbapi_connection.execute("PRAGMA foreign_keys = OFF")
        for table in GROWING:
            for verb in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{verb}")
    connection.commit()
    yield connection
    connection.close()


@contextmanager
def changed(raw, name, key, values=None, *, extra=False):
    """A row with other values, or gone, or with a second one beside it; as it was before afterwards."""
    table = metadata.tables[name]
    where = sa.and_(*(table.c[column] == value for column, value in key.items()))
    row = dict(raw.execute(sa.select(table).where(where)).one()._mapping)
    if extra:
        raw.execute(sa.insert(table).values(row | values))
        now = {column: (row | values)[column] for column in key}
    else:
        now = {column: (row | (values or {}))[column] for column in key}
        raw.execute(sa.update(table).where(where).values(values) if values else sa.delete(table).where(where))
    raw.commit()
    try:
        yield
    finally:
        raw.execute(sa.delete(table).where(sa.and_(*(table.c[name] == value for name, value in now.items()))))
        if not extra:
            raw.execute(sa.insert(table).values(row))
        raw.commit()


def problems(lived, name=life.USE):
    return dossier.verify(lived.hospital, name, lived.sealed if name == life.USE else lived.bought).problems


def named(source):
    return f"event {source.seq} ({source.action} by {source.actor}, {source.at:%Y-%m-%d %H:%M} UTC)"


def kinds(sealed):
    """The first and the last event of each kind."""
    found = {}
    for each in sealed.dossier.sources:
        found.setdefault(each.action, []).append(each)
    return [each for events in found.values() for each in dict.fromkeys((events[0].seq, events[-1].seq))], {
        each.seq: each for each in sealed.dossier.sources
    }


def test_nothing_is_found_where_nobody_changed_anything(lived):
    assert problems(lived) == ()
    assert problems(lived, life.BOUGHT) == ()


def test_each_kind_of_event_that_is_removed_is_named_once(lived, raw):
    seqs, sources = kinds(lived.sealed)
    assert len({each.action for each in sources.values()}) >= 35
    for seq in seqs:
        with changed(raw, "audit_event", {"seq": seq}):
            assert problems(lived) == (f"{named(sources[seq])} was removed",)
    assert problems(lived) == ()


def test_each_kind_of_event_that_is_altered_is_named_once(lived, raw):
    seqs, sources = kinds(lived.sealed)
    for place, seq in enumerate(seqs):
        lie = ({"actor": "mallory"}, {"detail": '{"forged":1}'}, {"detail": "{"}, {"object": "another"})[
            place % 4
        ]
        with changed(raw, "audit_event", {"seq": seq}, lie):
            assert problems(lived) == (f"{named(sources[seq])} was altered",)
    assert problems(lived) == ()


def test_an_event_that_is_hashed_anew_is_named(lived, raw):
    """Who knows how the hash is made still does not have the key of the signed head."""
    from vesalius.governance.audit.chain import to_event

    table = metadata.tables["audit_event"]
    source = next(each for each in lived.sealed.dossier.sources if each.action == "use.refused")
    event = to_event(raw.execute(sa.select(table).where(table.c.seq == source.seq)).one())
    forged = type(event)(
        **{name: getattr(event, name) for name in event.__struct_fields__} | {"actor": "mallory"}
    )
    with changed(raw, "audit_event", {"seq": source.seq}, {"actor": "mallory", "hash": forged.expected()}):
        assert problems(lived) == (f"{named(source)} was altered",)


def test_an_event_of_another_matter_is_named_by_its_number(lived, raw):
    sources = {each.seq for each in lived.sealed.dossier.sources}
    other = next(seq for seq in range(1, lived.sealed.dossier.size) if seq not in sources)
    with changed(raw, "audit_event", {"seq": other}):
        assert problems(lived) == (f"event {other} was removed",)


BESIDE = {
    "use_change": (("seq",), ("reason", "by", "role", "before", "after", "on")),
    "use_state": (("usecase",), ("state", "model", "settings")),
    "use_settings": (("usecase", "hash"), ("body", "reason", "by")),
    "use_watch": (("seq",), ("body", "reason", "by")),
    "system_answers": (("system", "version"), ("body", "reason", "by", "rules")),
    "system_obligation": (("system", "obligation", "version"), ("body",)),
    "report_answer": (("usecase", "question", "version"), ("text", "run", "by", "role")),
    "rulebook": (("kind", "hash"), ("body",)),
    "trial_plan": (("usecase", "number"), ("body", "by", "hash")),
    "trial_look": (("usecase", "plan", "number"), ("body", "hash")),
    "validation_run": (("usecase", "run"), ("body",)),
    "monitoring_alarm": (("id",), ("model", "monitor", "about", "level", "words", "acknowledged_by")),
    "decision": (("id",), ("action", "by", "role", "reason", "words", "option", "undone_by")),
    "academy_record": (("id",), ("person", "role", "version", "model")),
}
"""Each table beside the audit: its key, and the columns in which somebody may lie."""

QUIET = {"words", "acknowledged_by", "undone_by", "level"}
"""Columns that some rows leave empty, or whose change alone says nothing of them."""


def rows(raw, table, keys):
    found = metadata.tables[table]
    asked = sa.select(found)
    if "usecase" in found.c:
        asked = asked.where(found.c.usecase == life.USE)
    if "system" in found.c:
        asked = asked.where(found.c.system == life.USE)
    if table == "use_settings":  # those that the platform noted are sealed row by row
        asked = asked.where(found.c.by != "system")
    return [{key: row[key] for key in keys} | {"row": dict(row)} for row in raw.execute(asked).mappings()]


@pytest.mark.parametrize("table", BESIDE)
def test_a_row_beside_an_event_that_is_removed_or_altered_is_laid_to_the_event(lived, raw, table):
    keys, columns = BESIDE[table]
    found = rows(raw, table, keys)
    assert found
    for item in {0: found[0], 1: found[-1]}.values():
        row, key = item["row"], {name: item[name] for name in keys}
        lies = [None, *({each: "forged"} for each in columns if each not in QUIET or lying(row, each))]
        for lie in lies:
            with changed(raw, table, key, lie):
                said = problems(lived)
                assert said, (table, lie)
                assert all(": what lies beside it was altered or removed" in each for each in said), (
                    table,
                    lie,
                    said,
                )
                assert len(set(said)) == len(said) == spoken_of(table, lie, row), (table, lie, said)
    assert problems(lived) == ()


def spoken_of(table, lie, row):
    """How many events speak of a row: of where a use stands three, of a decision that was undone two."""
    if table == "trial_plan" and (lie is None or "hash" in lie):
        return 2  # its look names it
    if lie is not None:
        return 1
    if table == "use_state":
        return 3
    return 2 if row.get("undone_at") or row.get("acknowledged_at") else 1


def lying(row, column):
    if column == "level":
        return row["level"] == "stop"
    if column == "undone_by":
        return row["undone_at"] is not None
    return "acknowledged_at" not in row or row["acknowledged_at"] is not None


EXTRA = {
    "use_change": {"seq": 99_001, "reason": "A signature that nobody gave."},
    "use_settings": {"hash": "ab" * 32, "by": "marchal"},
    "use_watch": {"seq": 99_002, "hash": "cd" * 32},
    "system_answers": {"version": 99},
    "system_obligation": {"version": 99},
    "report_answer": {"version": 99},
    "rulebook": {"hash": "ef" * 32},
    "trial_plan": {"number": 99},
    "trial_look": {"number": 99},
    "validation_run": {"run": "urine-0123456789abcdef"},
    "monitoring_alarm": {"id": 99_003},
    "decision": {"id": 99_004},
    "academy_record": {"id": 99_005, "person": "mallory"},
}
"""For each table, what makes a copy of a row another one."""


@pytest.mark.parametrize("table", EXTRA)
def test_a_row_without_an_event_is_found(lived, raw, table):
    keys = BESIDE[table][0]
    first = rows(raw, table, keys)[0]
    with changed(raw, table, {name: first[name] for name in keys}, EXTRA[table], extra=True):
        said = problems(lived)
        assert len(said) == 1, said
        assert said[0].endswith("has no event in the audit")


def test_the_entry_of_a_bought_system_is_laid_to_its_event(lived, raw):
    key = {"system": life.BOUGHT, "version": 1}
    for lie in (None, {"body": "forged"}, {"by": "mallory"}):
        with changed(raw, "system_entry", key, lie):
            (said,) = problems(lived, life.BOUGHT)
            assert "(system.added by segers" in said
    with changed(raw, "system_entry", key, {"version": 9}, extra=True):
        assert problems(lived, life.BOUGHT) == ("entry 9 of the register has no event in the audit",)


CAME_TRUE = "IN (SELECT suggestion FROM outcome)"


@pytest.mark.parametrize(
    ("table", "which", "column", "value", "said"),
    [
        ("suggestion", f"id {CAME_TRUE}", "option", "refer", "suggestion"),
        ("suggestion", f"id {CAME_TRUE}", "probability", 0.123, "suggestion"),
        ("suggestion_body", f"suggestion {CAME_TRUE}", "body", b"{}", "suggestion"),
        ("outcome", f"suggestion {CAME_TRUE}", "label", "nothing grew", "outcome"),
        (
            "use_settings",
            "hash IN (SELECT hash FROM use_settings WHERE \"by\" = 'system')",
            "body",
            "{}",
            "settings",
        ),
    ],
)
def test_what_the_use_said_and_what_came_true_is_sealed_row_by_row(
    lived, raw, table, which, column, value, said
):
    found, name = metadata.tables[table], which.split()[0]
    # Suggestions are made anew for each run: some say already what this one would be made to say.
    other = sa.and_(sa.text(which), found.c[column] != value)
    key = {name: raw.execute(sa.select(found.c[name]).where(other).order_by(found.c[name])).scalars().first()}
    with changed(raw, table, key, {column: value}):
        (found,) = problems(lived)
        assert found.startswith(f"the {said} {next(iter(key.values()))}, recorded ")
    if table != "suggestion":  # without its suggestion, a decision is nobody's: that is found too
        with changed(raw, table, key):
            assert len(problems(lived)) == 1


def test_a_suggestion_that_was_put_there_is_found(lived, raw):
    key = {"id": raw.execute(sa.text("SELECT id FROM suggestion ORDER BY id LIMIT 1")).scalar_one()}
    with changed(raw, "suggestion", key, {"id": "forged", "focus": "Specimen/forged"}, extra=True):
        assert problems(lived) == ("the suggestion forged has no event: the use has not turned since",)


def test_a_validation_run_that_was_altered_is_found(lived):
    file = lived.hospital.runs / f"{lived.sealed.dossier.run.key}.json"
    body = file.read_bytes()
    file.write_bytes(body.replace(b'"patients":', b'"patients": '))
    assert problems(lived) == (f"the validation run {file.stem} was altered or removed",)
    file.write_bytes(body)


def test_what_came_since_is_counted_and_held_to_its_event_too(lived, raw):
    uses.refuse(lived.hospital.engine, life.USE, life.person(lived.hospital, "marchal"), reason="Not yet.")
    found = dossier.verify(lived.hospital, life.USE, lived.sealed)
    assert (found.problems, found.since) == ((), 1)
    newest = raw.execute(sa.text("SELECT max(seq) FROM use_change")).scalar_one()
    raw.commit()
    with changed(raw, "use_change", {"seq": newest}, {"reason": "Yes, please."}):
        (said,) = problems(lived)
        assert "(use.refused by marchal" in said
