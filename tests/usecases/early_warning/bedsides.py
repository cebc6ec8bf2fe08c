"""A patient in a bed, with what is measured there, as FHIR."""

from datetime import UTC, datetime, timedelta

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ADMITTED = datetime(2026, 3, 1, 8, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

WELL = {"9279-1": 16, "59408-5": 97, "3151-8": 0, "8480-6": 124, "8867-4": 72, "8310-5": 36.8, "9269-2": 15}
"""A complete round of vital signs that is worth no points, by LOINC code."""

UNITS = {
    "9279-1": "/min",
    "59408-5": "%",
    "3151-8": "L/min",
    "3150-6": "%",
    "8480-6": "mm[Hg]",
    "8867-4": "/min",
    "8310-5": "Cel",
    "9269-2": "{score}",
    "2160-0": "mg/dL",
    "2524-7": "mmol/L",
    "9187-6": "mL",
}


class Bedside:
    """One patient; what is added is a list of resources in the order in which they came."""

    def __init__(self, name="p", born="1950-06-01", sex="female"):
        self.name = name
        self.resources = [
            {
                "resourceType": "Patient",
                "id": name,
                "meta": {"lastUpdated": ADMITTED.isoformat()},
                "gender": sex,
                "birthDate": born,
            }
        ]

    def stay(self, *, intensive=False, start=ADMITTED, at=None, key="e", over=None, end=None, **rest):
        """A version of a stay; ``over`` is a discharge disposition."""
        body = {
            "resourceType": "Encounter",
            "id": f"{self.name}-{key}",
            "meta": {"lastUpdated": (at or start).isoformat()},
            "status": "finished" if over else "in-progress",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
            "subject": {"reference": f"Patient/{self.name}"},
            "period": {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {}),
        }
        if intensive:
            system = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
            body["type"] = [{"coding": [{"system": system, "code": "ICU"}]}]
        if over:
            system = "http://terminology.hl7.org/CodeSystem/discharge-disposition"
            body["hospitalization"] = {"dischargeDisposition": {"coding": [{"system": system, "code": over}]}}
        self.resources.append(body | rest)
        return self

    def measure(self, code, value, at=NOON, unit=None, key=None, status="final", system=LOINC):
        """One observation: a number in a unit, or a truth value, or any element."""
        body = {
            "resourceType": "Observation",
            "id": key or f"{self.name}-{code}-{at:%d%H%M}",
            "status": status,
            "code": {"coding": [{"system": system, "code": code}]},
            "subject": {"reference": f"Patient/{self.name}"},
            "issued": at.isoformat(),
        }
        if isinstance(value, bool):
            body["valueBoolean"] = value
        elif isinstance(value, dict):
            body |= value
        else:
            said = unit if unit is not None else UNITS[code]
            body["valueQuantity"] = {"value": value, "unit": said, "system": UCUM, "code": said}
        self.resources.append(body)
        return self

    def round(self, at=NOON, without=(), **changed):
        """A round of vital signs, normal but for what is said: ``hr=130``."""
        names = {"rr": "9279-1", "spo2": "59408-5", "flow": "3151-8", "sys": "8480-6", "hr": "8867-4"}
        names |= {"temp": "8310-5", "gcs": "9269-2"}
        values = WELL | {names[name]: value for name, value in changed.items()}
        for code, value in values.items():
            if code not in {names[name] for name in without}:
                self.measure(code, value, at)
        return self


def hours(number):
    """So many hours."""
    return timedelta(hours=number)
