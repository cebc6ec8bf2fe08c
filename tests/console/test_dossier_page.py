"""The page of a dossier: built, verified, read and taken away by those who answer for the use."""

import sqlalchemy as sa

from vesalius import dossier
from vesalius.governance import audit

PAGE = "/register/urine/dossier"


def build(browser):
    browser.get(PAGE)
    page = browser.submit(PAGE)
    browser.app.state.behind.do(lambda: None, patience=20)
    return page


def test_it_is_built_read_verified_and_taken_away_and_each_is_an_event(reader, hospital):
    lawyer = reader("wauters")
    assert f'href="{PAGE}"' in lawyer.get("/register/urine").text
    assert f'href="{PAGE}"' in lawyer.get("/usecases/urine").text
    assert lawyer.get(f"{PAGE}/pdf").status_code == 404
    assert lawyer.submit(f"{PAGE}/verify").status_code == 404
    build(lawyer)
    sealed = dossier.kept(hospital, "urine")
    page = lawyer.get(PAGE)
    assert sealed.dossier.digest in page.text
    assert 'id="s-technical"' in page.text
    done = lawyer.submit(f"{PAGE}/verify")
    assert done.status_code == 200
    assert 'class="notice good"' in done.text
    assert lawyer.get(f"{PAGE}/pdf").content.startswith(b"%PDF")
    taken = lawyer.get(f"{PAGE}/json")
    assert dossier.load(taken.content) == sealed
    assert 'filename="dossier-urine.json"' in taken.headers["content-disposition"]
    assert lawyer.get(f"{PAGE}/xml").status_code == 404
    said = [each.action for each in audit.events(hospital.engine, actor="wauters", thing="urine", limit=20)]
    assert {"dossier.built", "dossier.verified", "dossier.read"} <= set(said)


def test_an_event_that_was_altered_is_named_on_the_page(reader, hospital):
    lawyer = reader("wauters")
    build(lawyer)
    source = next(
        each for each in dossier.kept(hospital, "urine").dossier.sources if each.action == "use.signed"
    )
    with hospital.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_event_no_update")
        asked = "UPDATE audit_event SET actor = 'mallory' WHERE seq = :seq"
        connection.execute(sa.text(asked), {"seq": source.seq})
    page = lawyer.submit(f"{PAGE}/verify").text
    assert page.count(f"event {source.seq} (use.signed by {source.actor}") == 1
    assert "was altered" in page
    build(lawyer)  # no dossier is built on an audit that does not verify, and the page says why
    assert f"event {source.seq} was altered" in lawyer.get(PAGE).text


def test_a_file_that_is_no_dossier_any_more_is_not_shown(reader, hospital):
    lawyer = reader("wauters")
    build(lawyer)
    (dossier.keeping.folder(hospital, "urine") / dossier.FILE).write_bytes(b"{")
    page = lawyer.get(PAGE)
    assert page.status_code == 200
    assert "this is no dossier" in page.text
    assert 'id="s-technical"' not in page.text


def test_those_who_do_not_answer_for_it_see_no_dossier(reader):
    for login in ("nurse", "lambrecht", "delforge"):
        browser = reader(login)
        assert PAGE not in browser.get("/register/urine").text
        assert browser.get(PAGE).status_code == 403
        assert browser.submit(PAGE).status_code == 403
        assert browser.get(f"{PAGE}/json").status_code == 403
