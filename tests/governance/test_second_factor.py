"""Codes of a telephone, and codes for when it is lost."""

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from vesalius.errors import Conflict, NotAllowed, Tampered
from vesalius.governance import audit, limits, people, second_factor
from vesalius.governance.second_factor import KEY_FILE, STEP, SecondFactor
from vesalius.store import writing

NOW = datetime(2026, 3, 2, 12, 0, 15, tzinfo=UTC)


@pytest.fixture
def second(engine, tmp_path):
    people.add(engine, "anna", name="Anna", role="doctor", at=NOW)
    return SecondFactor(engine, tmp_path)


def shown(secret, steps=0, at=NOW):
    return pyotp.TOTP(secret).at(at + timedelta(seconds=STEP * steps))


@pytest.fixture
def enrolled(second):
    secret = second.begin("anna", NOW - timedelta(minutes=10))
    codes = second.confirm("anna", shown(secret, -20), NOW - timedelta(minutes=10))
    return second, secret, codes


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_is_good_in_its_step_and_in_those_beside_it(enrolled, steps):
    second, secret, _ = enrolled
    second.check("anna", shown(secret, steps), NOW)


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_no_code_further_away_is_good(enrolled, steps):
    second, secret, _ = enrolled
    with pytest.raises(NotAllowed):
        second.check("anna", shown(secret, steps), NOW)


@pytest.mark.parametrize(("steps", "good"), [(-1, False), (0, True), (1, False)])
def test_where_clocks_are_right_a_code_lives_thirty_seconds(enrolled, steps, good):
    second, secret, _ = enrolled
    strict = SecondFactor(second.engine, second.home, around=0)
    if good:
        strict.check("anna", shown(secret, steps), NOW)
    else:
        with pytest.raises(NotAllowed):
            strict.check("anna", shown(secret, steps), NOW)


def test_the_codes_are_those_of_the_standard(second, engine):
    """RFC 6238, appendix B, SHA-1, cut to six digits; the secret of the appendix."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    with writing(engine) as connection:
        values = {"person": "anna", "secret": second._seal("anna", secret), "since": NOW}
        connection.execute(second_factor._factor.insert().values(**values, confirmed=True, last_step=0))
    for seconds, code in (
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (20000000000, "353130"),
    ):
        second.check("anna", code, datetime.fromtimestamp(seconds, UTC))


def test_a_code_is_good_once_and_so_is_none_before_it(enrolled):
    second, secret, _ = enrolled
    second.check("anna", shown(secret), NOW)
    for steps in (0, -1):
        with pytest.raises(NotAllowed):
            second.check("anna", shown(secret, steps), NOW)
    second.check("anna", shown(secret, 1), NOW)


def test_of_one_code_sent_many_times_at_once_one_passes(enrolled):
    second, secret, _ = enrolled
    row, step = second._row("anna"), second._step(second._row("anna"), shown(secret), NOW)
    assert row.last_step < step
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: second._use_step("anna", step), range(8))) == 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "0" * 60, "12 34\x0056"])
def test_what_is_no_code_is_refused(enrolled, code):
    with pytest.raises(NotAllowed):
        enrolled[0].check("anna", code, NOW)


def test_after_five_wrong_codes_none_is_looked_at_for_a_quarter_of_an_hour(enrolled, engine):
    second, secret, _ = enrolled
    for _ in range(limits.CODE.most):
        with pytest.raises(NotAllowed):
            second.check("anna", "000000", NOW)
    with pytest.raises(NotAllowed):
        second.check("anna", shown(secret), NOW)
    later = NOW + limits.CODE.window
    second.check("anna", shown(secret, at=later), later)
    assert len(audit.events(engine, action="person.refused")) == limits.CODE.most + 1


def test_a_recovery_code_is_good_once_however_it_is_typed(enrolled, engine):
    second, _, codes = enrolled
    assert len(set(codes)) == second_factor.CODES == second.left("anna")
    second.check("anna", codes[3].lower().replace("-", " "), NOW)
    with pytest.raises(NotAllowed):
        second.check("anna", codes[3], NOW)
    assert second.left("anna") == second_factor.CODES - 1
    assert audit.events(engine, action="person.recovery_used")[0].actor == "anna"


def test_new_recovery_codes_end_the_old_ones(enrolled):
    second, _, codes = enrolled
    second.renew("anna", NOW)
    with pytest.raises(NotAllowed):
        second.check("anna", codes[0], NOW)


def test_a_factor_counts_only_once_a_code_of_it_was_given(second):
    secret = second.begin("anna", NOW)
    assert not second.enrolled("anna")
    assert second.begin("anna", NOW) == secret
    with pytest.raises(NotAllowed):
        second.check("anna", shown(secret), NOW)
    with pytest.raises(NotAllowed):
        second.confirm("anna", "000000", NOW)
    second.confirm("anna", shown(secret), NOW)
    assert second.enrolled("anna")
    for again in (lambda: second.begin("anna", NOW), lambda: second.confirm("anna", shown(secret, 1), NOW)):
        with pytest.raises(Conflict):
            again()


def test_who_has_no_factor_has_no_code(second):
    for login in ("anna", "nobody"):
        with pytest.raises(NotAllowed):
            second.check(login, "000000", NOW)
    with pytest.raises(Conflict):
        second.renew("anna", NOW)


def test_the_database_alone_gives_no_code_away(enrolled, tmp_path, engine):
    _, secret, codes = enrolled
    engine.dispose()
    written = b"".join(path.read_bytes() for path in tmp_path.glob("*.sqlite*"))
    assert secret.encode() not in written
    assert codes[0].encode() not in written
    assert codes[0].replace("-", "").encode() not in written
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_a_secret_that_was_moved_to_another_account_is_refused(enrolled, engine, tmp_path):
    second, secret, _ = enrolled
    engine.dispose()
    with sqlite3.connect(tmp_path / "governance.sqlite") as database:
        database.execute("UPDATE second_factor SET person = 'bart'")
    with pytest.raises(Tampered, match="another account"):
        second.check("bart", shown(secret), NOW)


def test_with_another_key_nothing_opens_and_it_says_what_to_do(enrolled, tmp_path):
    second, secret, _ = enrolled
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(Tampered, match="reset the second factor"):
        second.check("anna", shown(secret), NOW)


def test_a_reset_takes_the_codes_too(enrolled, engine):
    second, _, codes = enrolled
    with writing(engine) as connection:
        second_factor.drop(connection, "anna", "boss", NOW)
    assert not second.enrolled("anna")
    assert second.left("anna") == 0
    with pytest.raises(NotAllowed):
        second.check("anna", codes[0], NOW)


def test_the_picture_is_svg_without_style_or_script():
    picture = second_factor.picture(second_factor.address("anna", "Clinique: A", "A" * 32))
    assert picture.startswith("<svg")
    assert "style" not in picture
    assert "script" not in picture
    assert 'viewBox="0 0 ' in picture
    assert "width" not in picture.partition(">")[0], "else it is cut where the page makes it smaller"


def test_a_new_key_opens_what_the_old_one_closed(enrolled, engine):
    second, secret, _ = enrolled
    before = (second.home / KEY_FILE).read_text(), sealed(engine)
    assert second.replace_key("vesalius", NOW) == 1
    assert (second.home / KEY_FILE).read_text() != before[0]
    assert sealed(engine) != before[1]
    assert stat.S_IMODE((second.home / KEY_FILE).stat().st_mode) == 0o600
    assert sorted(path.name for path in second.home.glob("second-factor*")) == [KEY_FILE]
    second.check("anna", shown(secret), NOW)
    event = audit.events(engine, action="key.replaced")[0]
    assert (event.object, event.detail) == (KEY_FILE, {"count": 1})


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_replacement_of_the_key_that_is_broken_off_loses_no_secret(enrolled, engine, monkeypatch, step):
    second, secret, _ = enrolled

    def broken(*_):
        raise OSError("no power")

    with monkeypatch.context() as patch:
        if step == "before":  # the database was not written yet
            patch.setattr(audit, "record", broken)
        else:  # it was, and the file not yet
            patch.setattr(type(second.home), "replace", broken)
        with pytest.raises(OSError, match="no power"):
            second.replace_key("vesalius", NOW)
    assert (second.home / f"{KEY_FILE}.next").exists()
    second.check("anna", shown(secret), NOW)
    assert second.replace_key("vesalius", NOW) == 1
    assert not (second.home / f"{KEY_FILE}.next").exists()
    second.check("anna", shown(secret, 1), NOW)


def sealed(engine):
    with writing(engine) as connection:
        return connection.execute(second_factor._factor.select()).one().secret
