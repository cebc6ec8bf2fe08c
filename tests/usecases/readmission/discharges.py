"""A chart to write: a patient, stays, diagnoses, medicines, results; each known from a moment on."""

from datetime import UTC, datetime, timedelta

LEFT = datetime(2026, 3, 9, 10, 0, tzinfo=UTC)
DUE = LEFT + timedelta(minutes=15)
V3 = "http://terminology.hl7.org/CodeSystem"
ICD10 = "http://hl7.org/fhir/sid/icd-10"


class Chart:
    """The resources of one patient."""

    def __init__(self, name="p"):
        self.name = name
        self.resources = []

    def add(self, kind, known=LEFT, **body):
        resource = {"resourceType": kind, "meta": {"lastUpdated": known.isoformat()}, **body}
        self.resources.append(resource)
        return resource

    def patient(self, born="1950-06-01", sex="female"):
        extra = {"birthDate": born} if born else {}
        self.add("Patient", LEFT - timedelta(days=900), id=self.name, gender=sex, **extra)
        return self

    def stay(
        self,
        name="stay",
        *,
        days=5,
        left=LEFT,
        known=None,
        kind="IMP",
        status="finished",
        to="home",
        priority="EM",
        principal="main",
        **body,
    ):
        begins = left - timedelta(days=days)
        extra = (
            {"hospitalization": {"dischargeDisposition": _coded(f"{V3}/discharge-disposition", to)}}
            if to
            else {}
        )
        extra |= {"priority": _coded(f"{V3}/v3-ActPriority", priority)} if priority else {}
        extra |= (
            {"diagnosis": [{"condition": {"reference": f"Condition/{principal}"}, "rank": 1}]}
            if principal
            else {}
        )
        period = {"start": begins.isoformat()} | ({"end": left.isoformat()} if status == "finished" else {})
        self.add(
            "Encounter",
            known or left,
            id=name,
            status=status,
            **{"class": {"system": f"{V3}/v3-ActCode", "code": kind}},
            subject=self._subject(),
            period=period,
            **extra,
            **body,
        )
        return self

    def diagnosis(self, code, name="main", *, known=LEFT, system=ICD10, stay="stay", verified=None):
        extra = {"verificationStatus": _coded(f"{V3}/condition-ver-status", verified)} if verified else {}
        self.add(
            "Condition",
            known,
            id=name,
            code=_coded(system, code),
            subject=self._subject(),
            encounter={"reference": f"Encounter/{stay}"},
            **extra,
        )
        return self

    def medicine(self, atc, name, *, dose=None, known=LEFT, stay="stay"):
        extra = {"dosage": [{"text": dose}]} if dose else {}
        self.add(
            "MedicationStatement",
            known,
            id=name,
            status="active",
            medicationCodeableConcept=_coded("http://www.whocc.no/atc", atc),
            subject=self._subject(),
            context={"reference": f"Encounter/{stay}"},
            **extra,
        )
        return self

    def result(self, loinc, value, unit, name, *, known=LEFT, stay="stay"):
        self.add(
            "Observation",
            known,
            id=name,
            status="final",
            category=[_coded(f"{V3}/observation-category", "laboratory")],
            code=_coded("http://loinc.org", loinc),
            subject=self._subject(),
            encounter={"reference": f"Encounter/{stay}"},
            issued=known.isoformat(),
            valueQuantity={"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        )
        return self

    def _subject(self):
        return {"reference": f"Patient/{self.name}"}


def _coded(system, code):
    return {"coding": [{"system": system, "code": code}]}
