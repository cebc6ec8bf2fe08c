"""KMEHR and C-CDA documents: what they become, beside what others made of them, and how fast.

Data: ``kmehr-samples`` (the KMEHR case of the Transformation Tool Contest 2023, MIT; medication schemes with
one author's FHIR conversion, MIT) and ``ccda-samples`` (HL7's and others' sample documents, MIT). Times are
CPU seconds of one process, bytes already decompressed; "checked" includes ``fhir.check`` of every resource.

    .venv/bin/python benchmarks/documents.py [contest|summary|schemes|dosage|ccda|speed …]
"""

import gzip
import io
import json
import os
import platform
import re
import sys
import time
from collections import Counter
from copy import deepcopy
from decimal import Decimal
from pathlib import Path

from lxml import etree

from vesalius import fhir
from vesalius.ingest import ccda, kmehr
from vesalius.ingest.kmehr._dosage import dosages

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data"))
CONTEST = {1: 25, 10: 214, 100: 2_104, 1_000: 21_004}
FHIR = "{http://hl7.org/fhir}"


def unzipped(path):
    return gzip.decompress(path.read_bytes())


def multiplied(small, times):
    """The small Sumehr as the contest multiplies it: each item so often, numbered, but the GMD's holder."""
    root = etree.fromstring(small)
    transaction = root.find(".//{*}transaction")
    items = transaction.findall("{*}item")
    for item in items:
        transaction.remove(item)
    number = 0
    for item in items:
        once = any(cd.text == "gmdmanager" for cd in item.findall("{*}cd"))
        for copy in [item] if once else [deepcopy(item) for _ in range(times)]:
            number += 1
            copy.find("{*}id").text = str(number)
            transaction.append(copy)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def resources(raw, reader=kmehr):
    items = list(reader.read(io.BytesIO(raw)))
    assert not any(item.fault for item in items)
    return [one.resource for item in items for one in item.found]


def cpu(work):
    start = time.process_time()
    done = work()
    return done, time.process_time() - start


def sumehr(times):
    name = {1: "", 10: "10", 100: "100"}.get(times)
    small = unzipped(DATA / "kmehr-samples/sumehr/sumehr_example.kmehr.xml.gz")
    if name is None:
        return multiplied(small, times)
    return unzipped(DATA / f"kmehr-samples/sumehr/sumehr_example{name}.kmehr.xml.gz")


def contest():
    print("\nThe KMEHR case of TTC 2023: entries of the document")
    head = ("expected", "entries", "read s", "checked s", "entries/s")
    print(f"{'input':>6} {'KiB':>6}" + "".join(f"{name:>11}" for name in head))
    resources(sumehr(1))
    for times, expected in CONTEST.items():
        raw = sumehr(times)
        found, seconds = cpu(lambda raw=raw: resources(raw))
        _, checking = cpu(lambda found=found: [fhir.check(one) for one in found])
        whole = seconds + checking
        print(
            f"{times:>6} {len(raw) / 1024:>6.0f}{expected:>11,}{len(found):>11,}"
            f"{seconds:>11.3f}{whole:>11.3f}{len(found) / whole:>11,.0f}"
        )
        assert len(found) == expected
    print(dict(Counter(one["resourceType"] for one in found)))


# -- beside the reference documents of the contest


def codes(concept, *systems):
    found = [
        one for one in (concept or {}).get("coding", []) if any(part in one["system"] for part in systems)
    ]
    return sorted(one["code"] for one in found)


def ours(one):
    """The fields of one of our resources that the reference has too."""
    kind = one["resourceType"]
    if kind == "Condition":
        return {
            "codes": codes(one["code"], "icpc", "icd"),
            "onset": one.get("onsetDateTime"),
            "abatement": one.get("abatementDateTime"),
            "clinical status": codes(one.get("clinicalStatus"), "condition-clinical"),
            "verification status": codes(one.get("verificationStatus"), "condition-ver"),
        }
    if kind == "AllergyIntolerance":
        return {
            "codes": codes(one["code"], "icpc", "icd"),
            "onset": one.get("onsetDateTime"),
            "type": one.get("type"),
            "clinical status": codes(one.get("clinicalStatus"), "clinical"),
            "criticality": one.get("criticality"),
        }
    if kind == "Immunization":
        return {
            "codes": codes(one["vaccineCode"], "cnk", "vaccine"),
            "occurrence": one.get("occurrenceDateTime"),
            "status": one["status"],
        }
    if kind == "Medication":
        return {"codes": codes(one["code"], "cnk"), "name": one["code"]["text"]}
    dosage = one.get("dosage", [{}])[0]
    dose = dosage.get("doseAndRate", [{}])[0].get("doseQuantity", {})
    return {
        "start": one.get("effectivePeriod", {}).get("start"),
        "when": dosage.get("timing", {}).get("repeat", {}).get("when"),
        "dose": str(dose["value"]) if "value" in dose else None,
        "dose unit": dose.get("code"),
        "status": one["status"],
    }


def theirs(element):
    """The same fields of a resource of the reference (FHIR R5 in XML)."""

    def value(path):
        found = element.find("/".join(FHIR + name for name in path.split("/")))
        return None if found is None else found.get("value")

    def values(path):
        return sorted(
            found.get("value") for found in element.findall("/".join(FHIR + part for part in path.split("/")))
        )

    kind = etree.QName(element).localname
    if kind == "Condition":
        return {
            "codes": values("code/coding/code"),
            "onset": value("onsetDateTime"),
            "abatement": value("abatementDateTime"),
            "clinical status": values("clinicalStatus/coding/code"),
            "verification status": values("verificationStatus/coding/code"),
        }
    if kind == "AllergyIntolerance":
        return {
            "codes": values("code/coding/code"),
            "onset": value("onsetDateTime"),
            "type": value("type/coding/code"),
            "clinical status": values("clinicalStatus/coding/code"),
            "criticality": value("criticality"),
        }
    if kind == "Immunization":
        product = values("administeredProduct/concept/coding/code")
        return {
            "codes": sorted([*values("vaccineCode/coding/code"), *product]),
            "occurrence": value("occurrenceDateTime"),
            "status": value("status"),
        }
    if kind == "Medication":
        return {"codes": values("code/coding/code"), "name": value("code/coding/display")}
    return {
        "start": value("effectivePeriod/start"),
        "when": values("dosage/timing/repeat/when") or None,
        "dose": value("dosage/doseAndRate/doseQuantity/value"),
        "dose unit": value("dosage/doseAndRate/doseQuantity/code"),
        "status": value("status"),
    }


def summary():
    print("\nSumehr beside the reference documents of the contest: fields equal / compared")
    for name in ("", "10"):
        folder = DATA / "kmehr-samples/sumehr"
        found = resources(unzipped(folder / f"sumehr_example{name}.kmehr.xml.gz"))
        reference = etree.fromstring(unzipped(folder / f"sumehr_example{name}.fhir.xml.gz"))
        inside = [one[0] for one in reference.iter(f"{FHIR}resource")]
        for kind in ("Condition", "AllergyIntolerance", "Immunization", "Medication", "MedicationStatement"):
            mine = sorted((ours(one) for one in found if one["resourceType"] == kind), key=str)
            other = sorted((theirs(one) for one in inside if etree.QName(one).localname == kind), key=str)
            assert len(mine) == len(other)
            same = {
                field: sum(a[field] == b[field] for a, b in zip(mine, other, strict=True))
                for field in mine[0]
            }
            line = ", ".join(f"{field} {count}/{len(mine)}" for field, count in same.items())
            print(f"  {name or '1':>3} {kind:<20} {line}")


# -- medication schemes


def line(one):
    """The fields of a line of a scheme that both sides have."""
    steps = []
    for dosage in one.get("dosage", []):
        repeat = dosage.get("timing", {}).get("repeat", {})
        dose = dosage.get("doseAndRate", [{}])[0].get("doseQuantity", {})
        told = " ".join(told.get("text", "") for told in dosage.get("additionalInstruction", []))
        steps.append(
            {
                "text": dosage.get("text"),
                "periodicity": (
                    repeat.get("frequency"),
                    plain(repeat.get("period")),
                    repeat.get("periodUnit"),
                ),
                "duration": (plain(repeat.get("duration")), repeat.get("durationUnit")),
                "when": repeat.get("when"),
                "time of day": repeat.get("timeOfDay"),
                "weekday": repeat.get("dayOfWeek"),
                "date": dosage.get("timing", {}).get("event"),
                "day of cycle": re.findall(r"\d+", told),
                "dose": plain(dose.get("value")),
                "dose unit": dose.get("code"),
                "when needed": dosage.get("asNeededBoolean", False),
                "patient instruction": dosage.get("patientInstruction"),
            }
        )
    concept = one["medicationCodeableConcept"]
    return {
        "name": concept.get("text"),
        "codes": codes(concept, "cnk", "cluster", "vmpgroup"),
        "start": one.get("effectivePeriod", {}).get("start"),
        "end": one.get("effectivePeriod", {}).get("end"),
        "status": one["status"],
        "suspensions": [
            one["extension"][0]["valuePeriod"] for one in one.get("statusReason", []) if one.get("extension")
        ],
        "steps": steps,
    }


def plain(number):
    return None if number is None else float(Decimal(str(number)))


def compared(mine, other, same, all_, differing):
    for field in mine.keys() - {"steps"}:
        all_[field] += 1
        same[field] += mine[field] == other[field]
        if mine[field] != other[field]:
            differing[field][f"{mine[field]} | {other[field]}"] += 1
    all_["steps"] += 1
    same["steps"] += len(mine["steps"]) == len(other["steps"])
    for a, b in zip(mine["steps"], other["steps"], strict=False):
        for field in a:
            all_[field] += 1
            same[field] += a[field] == b[field]
            if a[field] != b[field]:
                differing[field][f"{a[field]} | {b[field]}"] += 1


def agreement(same, all_, differing, show):
    for field, count in all_.items():
        print(f"  {field:<20} {same[field]:>4} of {count:>4} equal")
        for words, times in differing[field].most_common(show):
            print(f"      {times:>3} × ours | theirs: {words[:90]}")


def schemes():
    print("\nMedication schemes beside one author's conversion (16 pairs)")
    same, all_, differing = Counter(), Counter(), {field: Counter() for field in FIELDS}
    for path in sorted((DATA / "kmehr-samples/medication-scheme").glob("*.kmehr.xml.gz")):
        mine = [
            line(one) for one in resources(unzipped(path)) if one["resourceType"] == "MedicationStatement"
        ]
        bundle = json.loads(unzipped(path.with_name(path.name.replace(".kmehr.xml", ".fhir.json"))))
        other = [
            line(one["resource"])
            for one in bundle["entry"]
            if one["resource"]["resourceType"] == "MedicationStatement"
        ]
        print(f"  {path.name.partition('.')[0]:<30} lines {len(mine):>3} / {len(other):>3}")
        assert len(mine) == len(other)
        for a, b in zip(mine, other, strict=True):
            compared(a, b, same, all_, differing)
    agreement(same, all_, differing, 4)


FIELDS = (
    "name", "codes", "start", "end", "status", "suspensions", "steps", "text", "periodicity", "duration",
    "when", "time of day", "weekday", "date", "day of cycle", "dose", "dose unit", "when needed",
    "patient instruction",
)  # fmt: skip


def child(parent, path, words, table=""):
    for name in path.split("/"):
        parent = etree.SubElement(parent, name)
    parent.text = str(words)
    if table:
        parent.set("S", table)


def posology(given):
    """A structured posology of ``be_dosage`` as an item of KMEHR."""
    item = etree.Element("item")
    child(item, "beginmoment/date", given["beginmoment"])
    for name, path, table in (
        ("temporality", "temporality/cd", "CD-TEMPORALITY"),
        ("periodicity", "frequency/periodicity/cd", "CD-PERIODICITY"),
        ("posologyFreeText", "posology/text", ""),
    ):
        if name in given:
            child(item, path, given[name], table)
    if "regimen" in given:
        regimen = etree.SubElement(item, "regimen")
        for step in given["regimen"]:
            add(regimen, step)
    return item


def add(regimen, step):
    """One step of a structured posology, as the row of elements that KMEHR makes of it."""
    day, when = step.get("dayIngestion", {}), step["timeOfDay"]
    for holder, name, path, table in (
        (day, "date", "date", ""),
        (day, "dayNumber", "daynumber", ""),
        (day, "weekday", "weekday/cd", "CD-WEEKDAY"),
        (when, "time", "daytime/time", ""),
        (when, "dayPeriod", "daytime/dayperiod/cd", "CD-DAYPERIOD"),
        (step, "quantity", "quantity/decimal", ""),
    ):
        if name in holder:
            child(regimen, path, holder[name], table)
    if "unit" in step:
        child(regimen.findall("quantity")[-1], "unit/cd", step["unit"], "CD-ADMINISTRATIONUNIT")


def dosage():
    print("\nStructured posologies (be_dosage, 11 pairs)")
    same, all_, differing = Counter(), Counter(), {field: Counter() for field in FIELDS}
    for row in unzipped(DATA / "kmehr-samples/be_dosage.ndjson.gz").splitlines():
        pair = json.loads(row)
        mine = {"dosage": dosages(posology(pair["input"]), scheme=True)}
        other = {"dosage": pair["output"]["dosage"]}
        blank = {"medicationCodeableConcept": {}, "status": ""}
        compared(line(mine | blank), line(other | blank), same, all_, differing)
    agreement({**same}, {field: all_[field] for field in FIELDS[6:]}, differing, 4)


# -- C-CDA


def clinical_documents():
    print("\nC-CDA: sections, entries mapped of those found, resources; beside the resources of their bundle")
    print(f"  {'document':<60} {'sections':>8} {'entries':>9} {'resources':>9} {'theirs':>7}")
    folder = DATA / "ccda-samples"
    rows = map(json.loads, unzipped(folder / "expected_ms.ndjson.gz").splitlines())
    others = {row["file"]: len(row["bundle"]["entry"]) for row in rows}
    unmapped, total = Counter(), Counter()
    for path in sorted(folder.glob("*.xml.gz")):
        found, account = ccda.converted(unzipped(path))
        for one in found:
            fhir.check(one)
        name, mapped, entries = path.name.removesuffix(".gz"), account.mapped.total(), account.entries.total()
        share = f"{mapped}/{entries}"
        print(f"  {name:<60} {account.sections:>8} {share:>9} {len(found):>9} {others.get(name, 0):>7}")
        unmapped += account.unmapped
        total += Counter(documents=1, sections=account.sections, entries=entries, mapped=mapped)
        total["resources"] += len(found)
    print(f"  {dict(total)}")
    print("  not mapped, by element, mood and template:")
    for kind, count in unmapped.most_common():
        print(f"    {count} × {kind}")


def speed():
    print("\nSpeed (read and checked)")
    kinds = {
        "medication schemes": (kmehr, "kmehr-samples/medication-scheme/*.kmehr.xml.gz"),
        "pharmacy histories": (kmehr, "kmehr-samples/pharmacy-history/*.xml.gz"),
        "C-CDA": (ccda, "ccda-samples/*.xml.gz"),
    }
    for name, (reader, pattern) in kinds.items():
        raws = [unzipped(path) for path in sorted(DATA.glob(pattern))]

        def work(raws=raws, reader=reader):
            found = [one for raw in raws for one in resources(raw, reader)]
            for one in found:
                fhir.check(one)
            return len(found)

        work()
        count, seconds = cpu(work)
        print(
            f"  {name:<20} {len(raws):>3} documents, {count:>5} resources: {len(raws) / seconds:>6.0f} "
            f"documents and {count / seconds:>7,.0f} resources per CPU-second"
        )


PARTS = {
    "contest": contest,
    "summary": summary,
    "schemes": schemes,
    "dosage": dosage,
    "ccda": clinical_documents,
    "speed": speed,
}


def main():
    if not (DATA / "kmehr-samples").is_dir():
        print(f"no data at {DATA} (set VESALIUS_DATA): nothing measured")
        return
    print(f"Python {platform.python_version()}, {platform.machine()}")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
