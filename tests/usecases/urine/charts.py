"""A patient with a urine sample, made of plain words."""

from datetime import UTC, datetime

from vesalius.fhir.codes import ATC, INTERPRETATION, LOINC, SNOMED, UCUM
from vesalius.usecases.urine.facts import GRADES, card

RESULT = datetime(2026, 3, 2, 9, 12, tzinfo=UTC)
GRADE_CODES = {level: code for code, level in GRADES.items()}


class Chart:
    """Resources about one patient; each call adds one."""

    def __init__(self, tag="1"):
        self.tag = tag
        self.resources = []
        self.numbers = iter(range(1000))

    def patient(self, gender="female", birth="1980-06-02"):
        return self._add("Patient", f"p{self.tag}", gender=gender, birthDate=birth)

    def finding(
        self,
        name,
        value,
        at=RESULT,
        *,
        unit=None,
        flag=None,
        specimen="s",
        id_=None,
        status="final",
        raw=None,
    ):
        """An observation of a card's input: a grade, a boolean, a number with its unit, a text, a flag."""
        (code,) = next(item.codes for item in card().inputs if item.name == name)
        system, _, symbol = code.partition("|")
        body = dict(raw or {})
        if isinstance(value, bool):
            body["valueBoolean"] = value
        elif value in GRADE_CODES:
            body["valueCodeableConcept"] = {"coding": [{"system": SNOMED, "code": GRADE_CODES[value]}]}
        elif isinstance(value, str):
            body["valueCodeableConcept"] = {"text": value}
        elif value is not None:
            body["valueQuantity"] = {"value": value, "system": UCUM, **({"code": unit} if unit else {})}
        if flag:
            body["interpretation"] = [{"coding": [{"system": INTERPRETATION, "code": flag}]}]
        if specimen:
            body["specimen"] = {"reference": f"Specimen/{specimen}{self.tag}"}
        return self._about(
            "Observation",
            id_ or f"o{next(self.numbers)}",
            status,
            code=_concept(system, symbol),
            issued=_text(at),
            **body,
        )

    def asked(self, name, value, at=RESULT, **more):
        """A finding about the patient, not about the sample."""
        return self.finding(name, value, at, specimen=None, **more)

    def pregnancy(self, code, at=RESULT):
        raw = {"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": code}]}}
        return self.asked("pregnant", None, at, raw=raw)

    def culture(
        self, verdict, at, *, status="final", id_="culture", organism="Escherichia coli", specimen="s"
    ):
        return self._about(
            "Observation",
            id_,
            status,
            code=_concept(LOINC, "630-4"),
            issued=_text(at),
            specimen={"reference": f"Specimen/{specimen}{self.tag}"},
            interpretation=[{"coding": [{"system": INTERPRETATION, "code": verdict}]}],
            valueCodeableConcept={"text": organism},
        )

    def order(self, at=RESULT, *, status="active", intent="order", specimen="s"):
        linked = {"specimen": [{"reference": f"Specimen/{specimen}{self.tag}"}]} if specimen else {}
        return self._about(
            "ServiceRequest",
            f"r{next(self.numbers)}",
            status,
            intent=intent,
            code=_concept(LOINC, "630-4"),
            authoredOn=_text(at),
            **linked,
        )

    def drug(self, atc, authored, *, status="active", intent="order", encounter="e", id_=None):
        made = self._about(
            "MedicationRequest",
            id_ or f"m{next(self.numbers)}",
            status,
            intent=intent,
            medicationCodeableConcept=_concept(ATC, atc),
            authoredOn=authored,
        )
        made["encounter"] = {"reference": f"Encounter/{encounter}{self.tag}"}
        return made

    def _about(self, kind, id_, status, **body):
        subject = {"reference": f"Patient/p{self.tag}"}
        encounter = {"reference": f"Encounter/e{self.tag}"}
        return self._add(
            kind, f"{id_}-{self.tag}", status=status, subject=subject, encounter=encounter, **body
        )

    def _add(self, kind, id_, **body):
        self.resources.append({"resourceType": kind, "id": id_, **body})
        return self.resources[-1]


def _concept(system, code):
    return {"coding": [{"system": system, "code": code}]}


def _text(at):
    return at if isinstance(at, str) else at.isoformat()
