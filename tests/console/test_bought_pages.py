"""A bought system has the pages of any use: where it stands, what it said, the board."""

import io
from datetime import UTC, datetime

from vesalius.demo import holter, staff
from vesalius.demo.plan import Plan
from vesalius.demo.register import HOLTER
from vesalius.governance import register
from vesalius.ingest import receive


def test_the_pages_of_a_bought_system_say_what_it_said_and_that_we_see_its_results_only(hospital, reader):
    register.keep_bought(hospital.engine, HOLTER, staff.person(hospital.engine, staff.ENGINEER))
    stays = b"\n".join(
        b'{"resourceType":"Encounter","id":"h%d","status":"finished","class":{"code":"IMP"},'
        b'"subject":{"reference":"Patient/h%d"},"period":{"start":"2020-01-01T08:00:00Z"}}' % (n, n)
        for n in range(8)
    )
    receive(hospital.lake, "stays.ndjson", io.BytesIO(stays), source="dossier", received_at=datetime.now(UTC))
    holter.run(hospital, Plan.of(1, datetime.now(UTC)))
    filed = hospital.review.decisions(usecase=holter.USECASE)[0].filed
    page = reader("delforge", "fr").get(f"/suggestions/{filed.id}")
    assert page.status_code == 200
    assert "Le système conclut" in page.text
    assert "Nous ne voyons que ses résultats" in page.text
    for path in ("/usecases", "/usecases/holter", "/register/holter"):
        found = reader("marchal", "fr").get(path)
        assert found.status_code == 200, path
        assert "Holter" in found.text, path
