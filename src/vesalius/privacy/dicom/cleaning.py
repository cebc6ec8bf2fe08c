"""Images in which nobody is named: the Basic Application Level Confidentiality Profile, DICOM PS3.15 annex E.

Where the table leaves a choice to what an object's definition requires (``X/Z/D``: remove, empty, or a dummy
value), the last is taken, which conforms in every case. Beyond the table:

- private attributes go, all of them, and so does every free text, name and day that the table does not list;
- every UID that is not the standard's own is mapped, listed or not, so that references still meet;
- what is left of the text is searched for words that named a person of the image; what holds one goes;
- objects that are words (structured reports, encapsulated documents) are held back.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vesalius.errors import InvalidIdentifier, InvalidResource, InvalidSetting, NotScrubbed, UnreadableInput
from vesalius.privacy.dates import OLDEST, Shifting, shift_of, shifted
from vesalius.privacy.dicom._pixels import Region, clean
from vesalius.privacy.dicom._table import Option, row
from vesalius.privacy.pseudonyms import Pseudonyms
from vesalius.privacy.text import Scrubber

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset

_STANDARD_UIDS = "1.2.840.10008."
_TEXTS = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
_FREE = frozenset({"LT", "ST", "UT", "UC", "PN", "UR", "DA", "DT"})
_ALL_TEXTS = _TEXTS | {"PN", "CS", "AE", "AS"}
_HELD_BACK = {
    "ContentSequence": "a structured report",
    "EncapsulatedDocument": "an encapsulated document",
}
_PATIENT_ID, _AGE, _PIXELS = 0x00100020, 0x00101010, 0x7FE00010
_DUMMY = {
    "DA": "19000101",
    "TM": "000000",
    "DT": "19000101000000",
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("UN", "OB", "OW"), b"\x00\x00"),
    "AS": "000Y",
    "UI": "2.25.0",
    "UR": "urn:vesalius:removed",
    "US": 0,
}
# Codes of PS3.16, context group 7050.
_METHODS = {
    None: ("113100", "Basic Application Confidentiality Profile"),
    Option.DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.DATES: ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    Option.CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    Option.DEVICE: ("113109", "Retain Device Identity Option"),
    Option.INSTITUTION: ("113112", "Retain Institution Identity Option"),
}
_PIXEL_METHOD = ("113101", "Clean Pixel Data Option")


class Cleaned(msgspec.Struct, frozen=True):
    """An image without what identifies.

    Attributes:
        body: the file (PS3.10).
        name: a name for it: its new instance UID.
        counts: how many attributes were ``removed``, ``emptied``, ``replaced``, ``uids`` …; no value.
        pixels: what became of the pixels.
    """

    body: bytes
    name: str
    counts: dict[str, int]
    pixels: str


class Refused(NotScrubbed):
    """The patient of an image refuses that it is used for anything but their care.

    Attributes:
        patient: who; it is in no message.
    """

    def __init__(self, patient: str) -> None:
        super().__init__("its patient refuses any use but their care")
        self.patient = patient


class Cleaner:
    """Cleans the images of one permit.

    Args:
        pseudonyms: of the permit: of its patients, its UIDs and its dates.
        options: of the profile.
        shifting: how far dates move, with the option ``dates``.
        regions: where the hospital's machines write on their images.
        system: the naming system of the patient's number; its pseudonym is then that of the FHIR identifier.
        patients: the FHIR id of each patient's number; pseudonym and days are then those of their resources,
            and an image of anybody else is held back.
        without: who refuses it, by each of their numbers; their images are left out.
    """

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        options: Collection[Option] = (),
        shifting: Shifting | None = None,
        regions: tuple[Region, ...] = (),
        system: str = "",
        patients: Mapping[str, str] | None = None,
        without: Mapping[str, str] | None = None,
    ) -> None:
        self._pseudonyms = pseudonyms
        self._options = [option for option in Option if option in options]
        self._shifting = shifting or Shifting()
        self._shifting.check()
        self._regions = regions
        self._system = system
        self._patients = patients
        self._without = without or {}

    def clean(self, body: bytes) -> Cleaned:
        """A file without what identifies.

        Raises:
            UnreadableInput: it is no DICOM file that can be read whole.
            NotScrubbed: its pixels may bear words and no rule says where, or it is of a kind that is words.
            Refused: its patient refuses it.
        """
        with _quiet():
            return self._clean(body)

    def _clean(self, body: bytes) -> Cleaned:
        image = _read(body)
        for number in _numbers(image):
            if number in self._without:
                raise Refused(self._without[number])
        for name, kind in _HELD_BACK.items():
            if name in image:
                raise NotScrubbed(f"it holds {kind}, which is not cleaned")
        try:
            work = _Work(self._scrubber(image), self._shift(image), frozenset(_names(image)), Counter())
            patient = self._patient(image)
            pixels = clean(image, self._regions)
            self._dataset(image, work, top=True)
        except (InvalidIdentifier, InvalidResource) as error:
            raise NotScrubbed(f"an attribute cannot be read: {error.message}") from None
        self._mark(image, patient, pixels)
        return Cleaned(_written(image), str(image.SOPInstanceUID), dict(sorted(work.counts.items())), pixels)

    def _patient(self, image: Dataset) -> str:
        """The pseudonym of the patient; of who has no number, that of the study."""
        number = _number(image)
        if self._patients is not None:
            return self._pseudonyms.of("Patient", self._patients[number])
        if number:
            return self._pseudonyms.identifier(self._system, number)
        return self._pseudonyms.of("study", str(image.get("StudyInstanceUID") or "none"))

    def _shift(self, image: Dataset) -> timedelta:
        number = _number(image)
        if self._patients is not None:
            if number not in self._patients:
                raise NotScrubbed("its patient is not in the list of patients")
            return shift_of(self._pseudonyms, f"Patient/{self._patients[number]}", self._shifting)
        number = number or str(image.get("StudyInstanceUID") or "none")
        return shift_of(self._pseudonyms, f"DICOM {number}", self._shifting)

    def _scrubber(self, image: Dataset) -> Scrubber:
        moved = self._shift(image) if Option.DATES in self._options else None
        return Scrubber([name.title() for name in _names(image)], moved)

    def _dataset(self, dataset: Dataset, work: _Work, *, top: bool = False) -> None:
        for tag in list(dataset.keys()):
            if tag.is_private or tag.group < 0x0008 or (tag == _PIXELS and not top):
                work.counts["private" if tag.is_private else "removed"] += 1
                del dataset[tag]
                continue
            self._element(dataset, dataset[tag], work)

    def _element(self, dataset: Dataset, element: DataElement, work: _Work) -> None:
        found = row(int(element.tag))
        if found is None:
            self._unlisted(dataset, element, work)
            return
        codes = {option: found.options[option] for option in self._options if option in found.options}
        if "K" in codes.values():
            self._kept(dataset, element, work)
        elif codes and self._cleaned(dataset, element, work):
            work.counts["cleaned"] += 1
        else:
            self._basic(dataset, element, found.basic, work)

    def _basic(self, dataset: Dataset, element: DataElement, action: str, work: _Work) -> None:
        """The action of the basic profile: of several, the one that conforms in every case."""
        if "U" in action:
            if element.VR == "SQ":
                self._items(element, work)
            else:
                self._uids(element, work)
        elif "D" in action and element.VR != "SQ":
            element.value = _DUMMY.get(element.VR, "REMOVED")
            work.counts["replaced"] += 1
        elif action == "X":
            del dataset[element.tag]
            work.counts["removed"] += 1
        else:
            element.value = [] if element.VR == "SQ" else None
            work.counts["emptied"] += 1

    def _unlisted(self, dataset: Dataset, element: DataElement, work: _Work) -> None:
        if element.VR == "SQ":
            self._items(element, work)
        elif element.VR == "UI":
            self._uids(element, work)
        elif element.VR in _FREE or (element.VR == "UN" and element.value):
            del dataset[element.tag]
            work.counts["removed"] += 1
        elif element.VR in _ALL_TEXTS and work.tells(element.value):
            element.value = None
            work.counts["emptied"] += 1

    def _kept(self, dataset: Dataset, element: DataElement, work: _Work) -> None:
        """What an option keeps; but no age above 89, and nothing that holds a name."""
        if element.VR == "SQ":
            self._items(element, work)
        elif element.tag == _AGE and re.fullmatch(r"\d{3}Y", str(element.value)):
            element.value = f"{min(int(str(element.value)[:3]), OLDEST + 1):03}Y"
        elif element.VR in _ALL_TEXTS and work.tells(element.value):
            self._basic(dataset, element, "Z", work)

    def _cleaned(self, dataset: Dataset, element: DataElement, work: _Work) -> bool:
        """Cleans what an option wants cleaned; False where its form is not one that can be."""
        if element.VR == "SQ":
            self._items(element, work)
        elif element.VR in {"DA", "DT"}:
            element.value = _each(element.value, lambda text: _moved(text, work.shift))
        elif element.VR in _TEXTS:
            element.value = _each(element.value, lambda text: work.scrubber.scrub(text).text)
            if work.tells(element.value):
                self._basic(dataset, element, "Z", work)
        else:
            return element.VR == "TM"  # the time of day stays
        return True

    def _items(self, element: DataElement, work: _Work) -> None:
        for item in element.value:
            self._dataset(item, work)

    def _uids(self, element: DataElement, work: _Work) -> None:
        def new(uid: str) -> str:
            return uid if not uid or uid.startswith(_STANDARD_UIDS) else self._pseudonyms.uid(uid)

        element.value = _each(element.value, new)
        work.counts["uids"] += 1

    def _mark(self, image: Dataset, patient: str, pixels: str) -> None:
        """Says in the image what was done, as PS3.15 section E.1.1 asks."""
        from pydicom import Dataset
        from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

        image.PatientID = patient
        image.PatientName = ""
        image.PatientIdentityRemoved = "YES"
        image.DeidentificationMethod = "DICOM PS3.15 annex E, basic profile; Vesalius"
        methods = [_METHODS[None], *(_METHODS[option] for option in self._options)]
        methods += [_PIXEL_METHOD] if pixels == "blanked" else []
        codes = []
        for code, meaning in methods:
            item = Dataset()
            item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
            codes.append(item)
        image.DeidentificationMethodCodeSequence = codes
        image.LongitudinalTemporalInformationModified = (
            "MODIFIED" if Option.DATES in self._options else "REMOVED"
        )
        syntax = image.file_meta.TransferSyntaxUID
        image.file_meta.clear()
        image.file_meta.TransferSyntaxUID = syntax
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
        image.preamble = bytes(128)


class _Work(msgspec.Struct, frozen=True):
    """What is known while one image is cleaned."""

    scrubber: Scrubber
    shift: timedelta
    names: frozenset[str]
    counts: Counter[str]

    def tells(self, value: Any) -> bool:
        """Whether a value holds a word that names the patient or a person of the image."""
        words = set(re.split(r"[^\w]+", str(value).lower()))
        return bool(words & self.names)


def read_regions(path: Path) -> tuple[Region, ...]:
    """The regions of a hospital's machines: a TOML file of ``[[regions]]``.

    Raises:
        InvalidSetting: it cannot be read, or has another form; the message says where.
    """

    class _File(msgspec.Struct, forbid_unknown_fields=True):
        regions: tuple[Region, ...]

    try:
        return msgspec.toml.decode(path.read_bytes(), type=_File).regions
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise InvalidSetting(f"{path.name}: {error}") from None


def read_patients(path: Path) -> dict[str, str]:
    """The FHIR id of each patient's number: a CSV file with the columns ``number`` and ``patient``.

    Raises:
        InvalidSetting: it cannot be read, lacks a column, or gives a number two patients.
    """
    found: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line, row_ in enumerate(csv.DictReader(file), 2):
                number, patient = ((row_[name] or "").strip() for name in ("number", "patient"))
                if not number or not patient or found.setdefault(number, patient) != patient:
                    raise InvalidSetting(f"{path.name}, line {line}: lacks a value, or gives a number twice")
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise InvalidSetting(
            f"{path.name} cannot be read ({type(error).__name__})", hint="its columns are number and patient"
        ) from None
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps pydicom from warning: its warnings quote values, which must reach no log."""
    try:
        from pydicom.config import disable_value_validation
    except ImportError:
        raise InvalidSetting("images need pydicom", hint="install vesalius[dicom]") from None
    logger = logging.getLogger("pydicom")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _read(body: bytes) -> Dataset:
    import pydicom

    try:
        image = pydicom.dcmread(io.BytesIO(body))
        named = (
            image.file_meta.get("TransferSyntaxUID"),
            image.get("SOPClassUID"),
            image.get("SOPInstanceUID"),
        )
        for _ in image.iterall():
            pass  # every value is read now, so that none is found to be damaged half way
    except Exception as error:  # pydicom raises what its readers raise
        raise UnreadableInput(f"is no DICOM file that can be read ({type(error).__name__})") from None
    if not all(named):
        raise UnreadableInput("is no DICOM object: it names no transfer syntax, no class or no instance")
    return image


def _written(image: Dataset) -> bytes:
    made = io.BytesIO()
    try:
        image.save_as(made, enforce_file_format=True)
    except Exception as error:  # an odd value that pydicom reads and will not write
        raise NotScrubbed(f"it cannot be written ({type(error).__name__})") from None
    return made.getvalue()


def _number(image: Dataset) -> str:
    return str(image.get("PatientID") or "").strip()


def _numbers(image: Dataset) -> Iterator[str]:
    """Every number of the patient, also those that other hospitals gave."""
    yield _number(image)
    others = image.get("OtherPatientIDs") or ()
    yield from (str(each).strip() for each in ([others] if isinstance(others, str) else others))
    for item in image.get("OtherPatientIDsSequence") or ():
        yield _number(item)


def _names(image: Dataset) -> Iterator[str]:
    """The words that name persons in an image, and the patient's numbers, in small letters."""
    numbers = {"PatientID", "AccessionNumber", "OtherPatientIDs"}
    for element in image.iterall():
        if element.VR == "PN" or element.keyword in numbers:
            for word in re.split(r"[^\w]+", str(element.value or "").lower()):
                if len(word) > 2:
                    yield word


def _each(value: Any, change: Any) -> Any:
    """A value changed, or each of several."""
    if value is None or value == "":
        return value
    if isinstance(value, str):
        return change(value)
    return [change(str(one)) for one in value]


def _moved(text: str, by: timedelta) -> str:
    """A DA or DT moved: its day moves, what is finer and what is missing stays (PS3.5 section 6.2)."""
    form = re.fullmatch(r"(\d{4})[.]?(\d\d)?[.]?(\d\d)?(\d*(?:\.\d+)?(?:[+-]\d{4})?)", text.strip(), re.ASCII)
    if not form:
        return ""
    given = "-".join(part for part in form.groups()[:3] if part)
    return shifted(given, by).replace("-", "") + form[4]
