"""Small lakes to check a use case in: its examples, alone or together, and what comes later."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from vesalius import fhir
from vesalius.errors import InvalidCard
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store

if TYPE_CHECKING:
    from vesalius.usecase import UseCase

Resource = dict[str, Any]

BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)

_OTHER_CODE = {"H": "N", "L": "N", "N": "H", "POS": "NEG", "NEG": "POS"}
_OTHER_SEX = {"female": "male", "male": "female"}


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``case.toml``: when the example is looked at, and with which settings.

    Attributes:
        as_of: the moment at which the use case is asked who needs a suggestion, with its time zone.
        words: what the example shows, for people.
        settings: the hospital's settings; what is not given has the card's default.
    """

    as_of: datetime
    words: str = ""
    settings: dict[str, float] = {}


class Example(msgspec.Struct, frozen=True):
    """One folder of ``examples/``.

    Attributes:
        name: of the folder.
        case: the moment and the settings.
        resources: what the lake holds, in order of arrival.
        expected: per candidate, the fields of the suggestion that must come out; empty where nobody is due.
        folder: where it lies.
    """

    name: str
    case: Case
    resources: list[Resource]
    expected: list[dict[str, Any]]
    folder: Path

    @property
    def received_at(self) -> datetime:
        """When all arrived; what has no time of its own was known from then on."""
        return self.case.as_of - timedelta(days=1)


def examples_of(usecase: type[UseCase]) -> Path:
    """The folder ``examples`` beside the module of a use case."""
    return Path(inspect.getfile(usecase)).parent / "examples"


def load_examples(folder: Path) -> list[Example]:
    """Every example in ``folder``, by name.

    Raises:
        InvalidCard: a file is missing or cannot be read; the message names it.
    """
    found = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [_load(path) for path in found]


def _load(folder: Path) -> Example:
    try:
        case = msgspec.toml.decode((folder / "case.toml").read_bytes(), type=Case)
        if case.as_of.tzinfo is None:
            raise InvalidCard(
                f"{folder.name}/case.toml: as_of has no time zone", hint="end it with Z or +01:00"
            )
        lines = (folder / "resources.ndjson").read_bytes().splitlines()
        expected = msgspec.json.decode((folder / "expected.json").read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidCard(f"example {folder.name}: {error}") from error
    many = expected if isinstance(expected, list) else [expected]
    return Example(folder.name, case, [fhir.load(line) for line in lines if line.strip()], many, folder)


@contextmanager
def lake_of(arrivals: Iterable[Arrival], received_at: datetime) -> Iterator[Lake]:
    """A lake that lasts as long as the block."""
    with TemporaryDirectory(prefix="vesalius-check-") as home:
        engine = open_store(f"sqlite:///{Path(home) / 'lake.sqlite'}")
        try:
            lake = Lake(engine, Path(home) / "columns")
            lake.write(arrivals, "example", received_at)
            yield lake
        finally:
            engine.dispose()


def arrivals(resources: Iterable[Resource]) -> list[Arrival]:
    """Resources on their way in, each checked.

    Raises:
        InvalidResource: one breaks the structure of FHIR R4.
    """
    found = []
    for resource in resources:
        fhir.check(resource)
        found.append(Arrival.of(fhir.dump(resource)))
    return found


def renamed(resources: Sequence[Resource], tag: str) -> list[Resource]:
    """A copy under other ids, which refer to each other: another patient with the same facts."""
    names = {f"{resource['resourceType']}/{resource['id']}" for resource in resources}

    def rewrite(reference: str) -> str:
        kind, _, name = reference.partition("/")
        return f"{kind}/{tag}{name}" if reference in names else reference

    return [
        {**fhir.with_references(resource, rewrite), "id": f"{tag}{resource['id']}"} for resource in resources
    ]


def later(resources: Sequence[Resource], moment: datetime) -> list[Arrival]:
    """What could arrive after ``moment`` about the same patients: each resource corrected, and as new.

    A use case that looks no further than its moment never sees any of it.
    """
    found = []
    for number, resource in enumerate(resources):
        changed = altered(resource, resources)
        changed["meta"] = {**resource.get("meta", {}), "lastUpdated": moment.isoformat()}
        new = {**changed, "id": f"later-{number}"}
        for version in (changed, *([] if resource["resourceType"] == "Patient" else [new])):
            arrival = Arrival.of(fhir.dump(version))
            found.append(msgspec.structs.replace(arrival, recorded_at=moment))
    return found


def altered(resource: Resource, others: Iterable[Resource]) -> Resource:
    """A copy that says something else: another value, sex, age, interpretation."""
    copy = {**resource}
    if "valueBoolean" in copy:
        copy["valueBoolean"] = not copy["valueBoolean"]
    if "valueQuantity" in copy:
        value = copy["valueQuantity"]
        copy["valueQuantity"] = {**value, "value": Decimal(str(value.get("value", 0))) * 10 + 1}
    if "valueCodeableConcept" in copy:
        concepts = [other["valueCodeableConcept"] for other in others if "valueCodeableConcept" in other]
        copy["valueCodeableConcept"] = next(
            (concept for concept in concepts if concept != copy["valueCodeableConcept"]), {"text": "altered"}
        )
    if "interpretation" in copy:
        copy["interpretation"] = [_other_interpretation(concept) for concept in copy["interpretation"]]
    if copy["resourceType"] == "Patient":
        copy["gender"] = _OTHER_SEX.get(copy.get("gender", ""), "female")
        copy["birthDate"] = "2015-01-01" if copy.get("birthDate", "") < "1960" else "1931-01-01"
    return copy


def _other_interpretation(concept: Mapping[str, Any]) -> dict[str, Any]:
    codings = [
        {**each, "code": _OTHER_CODE.get(each.get("code", ""), "N")} for each in concept.get("coding", [])
    ]
    return {**concept, "coding": codings} if codings else dict(concept)


def private_words(resources: Iterable[Resource]) -> set[str]:
    """What must never stand in a log: names, identifiers, birth dates, addresses and ids of the patients."""
    words: set[str] = set()
    for resource in resources:
        if resource["resourceType"] == "Patient":
            words |= {resource["id"], resource.get("birthDate", "")}
            for part in ("name", "identifier", "telecom", "address"):
                words |= set(_strings(resource.get(part, [])))
    return {word for word in words if len(word) >= 4}


def _strings(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _strings(child, key)
    elif isinstance(value, list):
        for child in value:
            yield from _strings(child, name)
    elif isinstance(value, str) and name not in ("system", "use", "country"):
        yield value
