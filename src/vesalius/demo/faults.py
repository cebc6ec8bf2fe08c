"""What goes wrong in a feed: the few broken rows and resources that are sent on purpose.

None of them is about a sample of the loop: they show that what cannot be understood is held with its reason,
while the good rows around it land.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from vesalius.demo.laboratory import Row, local
from vesalius.demo.records import Resource, instant, meta, patient
from vesalius.demo.urine import Case


def broken_rows(case: Case) -> dict[str, Row]:
    """Rows of ``laboratoire.csv`` that cannot be right, by what is wrong with them."""
    taken, valid = local(case.collected), local(case.issued)
    future = local(case.issued + timedelta(days=400))
    head = (f"{case.number}X", case.person.number, f"S-{case.number}")
    return {
        "wrong unit": (*head, "S-CRP", "CRP", "12.0", "g/furlong", taken, valid),
        "unknown test": (*head, "ZZ-999", "Essai interne", "42", "mg/L", taken, valid),
        "future date": (*head, "S-CREA", "Créatinine", "0.91", "mg/dL", taken, future),
        "words for a number": (*head, "B-GB", "Leucocytes", "hémolysé", "10*3/uL", taken, valid),
        "value in another unit": (*head, "S-CREA", "Créatinine", "88", "mg/dL", taken, valid),
        "truncated row": (*head, "BU-NIT", "Nitri"),
    }


def broken_resources(case: Case) -> dict[str, bytes]:
    """Lines of ``dossier.ndjson`` that cannot be right, by what is wrong with them."""
    return dict(_resources(case))


def _resources(case: Case) -> Iterator[tuple[str, bytes]]:
    _, person = patient(case.person, case.noted)
    yield "another birth date", _line(person | {"birthDate": "1949-02-03"})
    person["id"] = f"{person['id']}X"
    yield "two birth dates", _line(person | {"birthDate": [person["birthDate"], "1949-02-03"]})
    yield "unknown gender", _line(person | {"gender": "F"})
    yield "future date", _line(_future(case))
    yield "no status", _line({name: value for name, value in _note(case).items() if name != "status"})
    yield "truncated line", _line(_note(case))[:-40]
    yield "not UTF-8", _line(_note(case)).replace(b"Nausea", "Nausée".encode("latin-1"))


def _note(case: Case) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"{case.number}X-note",
        "meta": meta(),
        "status": "final",
        "code": {"text": "Nausea"},
        "subject": {"reference": f"Patient/{case.person.number}"},
        "issued": instant(case.noted),
        "valueBoolean": True,
    }


def _future(case: Case) -> Resource:
    return _note(case) | {"id": f"{case.number}X-future", "issued": instant(case.noted + timedelta(days=400))}


def _line(resource: Resource) -> bytes:
    return msgspec.json.encode(resource)
