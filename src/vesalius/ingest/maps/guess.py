"""What each column of a table seems to mean, by its name in four languages and by what it holds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from vesalius.ingest.maps.profile import Column, as_number
from vesalius.terminology import Match, find, loinc_is_valid, ucum

LIKELY = 0.5
"""From which score on a guess is put into the map."""

SURE = 0.85
"""From which score on it need not be marked to be confirmed."""

_WORDS: dict[str, str] = {
    "patient.id": (
        "patient id, patientid, patient nbr, patient number, patient no, mrn, dossier, numero "
        "dossier, ipp, numero patient, id patient, patient, patientnummer, patientnr, pat nr, patnr, "
        "patienten id, subject id, subject, hospital number, dossiernummer, patientennummer, eadnr, "
        "person id, nummer patient, no dossier, record id, seqn"
    ),
    "patient.niss": (
        "niss, insz, ssin, rijksregister, rijksregisternummer, registre national, numero national, "
        "nationaal nummer, inss, nrn, rrn"
    ),
    "patient.birth": (
        "birth date, birthdate, date of birth, dob, date de naissance, naissance, ddn, date "
        "naissance, geboortedatum, geboren, geburtsdatum, geboorte, geb datum, gebdat, born, birth, "
        "ne le, nee le, geb"
    ),
    "patient.age": (
        "age, leeftijd, alter, age years, age at admission, age in years, age in years at screening, ans"
    ),
    "patient.sex": "sex, gender, sexe, geslacht, geschlecht, sex category, genre, gender code, sex name",
    "patient.death": (
        "death date, death dttm, date of death, date deces, deces, overlijdensdatum, sterbedatum, deceased"
    ),
    "patient.family": (
        "family name, last name, surname, nom, nom de famille, naam, familienaam, achternaam, nachname"
    ),
    "patient.given": "given name, first name, prenom, voornaam, vorname, firstname",
    "encounter.id": (
        "encounter id, encounter, sejour, numero sejour, stay id, stay, visit id, visit, hadm id, "
        "opname nr, opnamenummer, hospitalization id, fallnummer, fall nr, verblijf, verblijfsnummer, "
        "id sejour, no sejour, contact id, numero de sejour, admission id, episode id, verblijfnummer"
    ),
    "encounter.start": (
        "admission date, admission dttm, admission, admitted, date entree, entree, date admission, "
        "opnamedatum, opname, aufnahmedatum, aufnahme, admit date, in dttm, date d entree, admit "
        "time, admittime, start"
    ),
    "encounter.end": (
        "discharge date, discharge dttm, discharged, sortie, date sortie, date de sortie, ontslag, "
        "ontslagdatum, entlassung, entlassungsdatum, dischtime, out dttm, discharge time, end"
    ),
    "encounter.days": (
        "time in hospital, length of stay, los, duree sejour, duree de sejour, ligduur, verweildauer, "
        "verblijfsduur"
    ),
    "encounter.ward": (
        "ward, service, unite de soins, afdeling, dienst, station, location name, department, ward "
        "name, medical specialty, specialty, icutype, location, verpleegeenheid, abteilung, unite, "
        "location category"
    ),
    "result.code": (
        "test code, code test, code analyse, code, analyse code, testcode, analyse, lab category, "
        "parameter, item id, itemid, vital category, bepalingscode, code examen, analysecode, "
        "testkurzel, test id"
    ),
    "result.name": (
        "test name, libelle, name, lab name, analyte, bepaling, omschrijving, untersuchung, "
        "bezeichnung, component, vital name, test, nom analyse, libelle analyse, examen, item, test "
        "description, description"
    ),
    "result.value": (
        "value, valeur, resultat, result, waarde, resultaat, uitslag, ergebnis, wert, messwert, lab "
        "value, vital value, result value, valeur resultat, numeric value, lab value numeric"
    ),
    "result.unit": (
        "unit, units, unite, unites, eenheid, einheit, reference unit, unit of measure, uom, result "
        "unit, eenheden, valueuom"
    ),
    "result.range": (
        "reference range, normes, norme, valeurs de reference, referentie, normwerte, ref range, "
        "normal range, referentiewaarden, referenzbereich, valeurs normales"
    ),
    "result.flag": "flag, interpretation, abnormal, anormal, abnormal flag, indicateur, afwijkend",
    "result.collected": (
        "collected, preleve le, prelevement, date prelevement, afname, afnamedatum, afnametijdstip, "
        "entnahme, entnahmedatum, lab collect dttm, sampling, sampled, drawn, recorded dttm, "
        "collection date, charttime, date de prelevement, collection time, collected at"
    ),
    "result.issued": (
        "issued, valide le, validation, date validation, result date, lab result dttm, "
        "resultaatdatum, befunddatum, updated at, reported, validated, date resultat, gevalideerd op, "
        "validatiedatum, storetime, result time"
    ),
    "result.sample": (
        "sample, specimen, echantillon, staal, monster, probe, tube, staalnummer, accession, sample "
        "id, numero echantillon, probennummer, specimen id, accession number, monsternummer"
    ),
    "result.loinc": "loinc, loinc code, lab loinc code, code loinc",
    "diagnosis.code": (
        "diag, diagnosis, diagnostic, diagnose, icd, icd10, icd 10, cim10, diagnosis code, diagnose "
        "code, code diagnostic, icd code, icd9, icd9 code, hoofddiagnose, hauptdiagnose, "
        "diagnosecode, code icd, diagnostic principal"
    ),
    "drug.code": "atc, cnk, drug code, medication code, atc code, code atc, code cnk, geneesmiddelcode",
    "drug.name": (
        "drug, medication, medicament, geneesmiddel, medicijn, medikament, arzneimittel, med name, "
        "drug name, nom medicament, medication name, med category"
    ),
    "drug.dose": "dose, dosis, posologie, dosering, med dose, dosage",
}


class Guess(NamedTuple):
    """What a column may mean.

    Attributes:
        role: as in ``patient.id`` or ``analyte``.
        score: how sure, from 0 to 1.
        why: in words, without any value.
        match: for an analyte: which.
    """

    role: str
    score: float
    why: str
    match: Match | None = None

    @property
    def label(self) -> str:
        """The role, and for an analyte its code."""
        return f"loinc:{self.match.code.loinc}" if self.match else self.role


@dataclass
class Guessed:
    """A column and what it may mean, the likeliest first."""

    column: Column
    guesses: list[Guess] = field(default_factory=list)

    @property
    def best(self) -> Guess | None:
        """The likeliest meaning, if it is likely enough."""
        return self.guesses[0] if self.guesses and self.guesses[0].score >= LIKELY else None


def guess(columns: list[Column]) -> list[Guessed]:
    """What each column may mean; a meaning that only one column can have goes to the likeliest."""
    found = [Guessed(column, sorted(_guesses(column), key=lambda each: -each.score)) for column in columns]
    likely = {each.role for guessed in found for each in guessed.guesses if each.score >= LIKELY}
    long = "result.value" in likely and bool(likely & {"result.code", "result.name", "result.loinc"})
    for guessed in found:
        # in a long table a column is no analyte, its rows are; in any other, no column speaks of one result
        unfit = {"analyte"} if long else _ONLY_LONG
        guessed.guesses = [each for each in guessed.guesses if each.role not in unfit]
    _name_the_patient(found)
    taken: set[str] = set()
    for guessed in sorted((one for one in found if one.guesses), key=lambda one: -one.guesses[0].score):
        guessed.guesses = [
            each for each in guessed.guesses if each.role in _SEVERAL or each.role not in taken
        ]
        if guessed.best and guessed.best.role not in _SEVERAL:
            taken.add(guessed.best.role)
    return found


_SEVERAL = frozenset({"diagnosis.code", "analyte"})
_ONLY_LONG = frozenset(
    {
        "result.code",
        "result.name",
        "result.value",
        "result.unit",
        "result.range",
        "result.flag",
        "result.loinc",
    }
)


def _name_the_patient(found: list[Guessed]) -> None:
    """Without a column that is called the patient's, the first that tells all rows apart may be it."""
    if any(each.role == "patient.id" and each.score >= LIKELY for one in found for each in one.guesses):
        return
    for guessed in found[:3]:
        column = guessed.column
        named = re.search(r"(?i)(id|nr|no|nummer|num|number|key|code)$", column.name)
        if named and column.filled == column.rows and column.type in _NUMBERS and not _says(guessed):
            score = 0.6 if column.unique else 0.5
            guessed.guesses.insert(0, Guess("patient.id", score, "it is the first number of the table"))
            return


_NUMBERS = frozenset({"integer", "decimal", "code", "text"})


def _says(guessed: Guessed) -> bool:
    return guessed.best is not None and guessed.best.role != "result.sample"


def _guesses(column: Column) -> Iterator[Guess]:
    if column.type == "empty":
        return
    if column.niss > 0.9 and column.filled > 1:
        yield Guess("patient.niss", 0.97, "its check digits are those of the National Register")
    if column.system == "LOINC":
        yield Guess("result.loinc", 0.97, "its check digits are those of LOINC")
    if column.system in {"ICD-10", "ICD-9-CM"} and column.type not in {"integer", "decimal"}:
        yield Guess("diagnosis.code", 0.6, f"it has the form of {column.system}")
    if column.system == "ATC":
        yield Guess("drug.code", 0.75, "it has the form of ATC")
    yield from _by_name(column)
    yield from _analyte(column)


def words_of(name: str) -> list[str]:
    """The words of a column's name, without accents, in small letters.

    >>> words_of("AgeInYearsAtScreening"), words_of("Date de naissance"), words_of("diag_1")
    (['age', 'in', 'years', 'at', 'screening'], ['date', 'de', 'naissance'], ['diag'])
    """
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", plain)
    return [word for word in re.findall(r"[a-z]+\d*|\d+", parted.lower()) if not word.isdigit()]


def _by_name(column: Column) -> Iterator[Guess]:
    words = words_of(column.name)
    squashed = "".join(words)
    for role, names in _WORDS.items():
        score, by = 0.0, ""
        for name in names.split(", "):
            named = name.split()
            if "".join(named) == squashed:
                score, by = 0.92, name
                break
            if set(named) <= set(words) and len(words) <= len(named) + 2:
                covered = len(named) / len(words)
                if covered >= 0.5 and 0.5 + 0.35 * covered > score:
                    score, by = 0.5 + 0.35 * covered, name
        if score and (factor := _fits(role, column)):
            doubt = "" if factor == 1 else ", but what it holds leaves a doubt"
            yield Guess(role, round(score * factor, 2), f"its name says {by!r}{doubt}")


_FITS: dict[str, Callable[[Column], float]] = {
    "patient.niss": lambda column: 1.0 if column.niss > 0.9 else 0.5,
    "patient.birth": lambda column: _kind(column, "date", "dateTime"),
    "patient.death": lambda column: _kind(column, "date", "dateTime"),
    "encounter.start": lambda column: _kind(column, "date", "dateTime"),
    "encounter.end": lambda column: _kind(column, "date", "dateTime"),
    "result.collected": lambda column: _kind(column, "date", "dateTime"),
    "result.issued": lambda column: _kind(column, "date", "dateTime"),
    "encounter.days": lambda column: _kind(column, "integer", "decimal"),
    "patient.age": lambda column: _age(column),
    "patient.sex": lambda column: 1.0 if column.distinct <= 6 else 0.0,
    "result.unit": lambda column: _unit(column),
    "result.value": lambda column: 0.0 if column.type in {"date", "dateTime"} else 1.0,
    "result.code": lambda column: 0.0 if column.type in {"date", "dateTime", "decimal", "boolean"} else 0.9,
    "result.name": lambda column: _kind(column, "code", "text"),
    "result.loinc": lambda column: column.share(loinc_is_valid),
    "result.flag": lambda column: 0.9 if column.distinct <= 12 else 0.0,
    "encounter.ward": lambda column: 0.95 if column.distinct <= 200 and column.type in _NUMBERS else 0.0,
    "diagnosis.code": lambda column: _diagnosis(column),
    "drug.code": lambda column: 1.0 if column.system in {"ATC", "CNK"} else 0.6,
    "drug.name": lambda column: _kind(column, "code", "text"),
    "patient.id": lambda column: _kind(column, "integer", "code", "text", "decimal"),
    "encounter.id": lambda column: _kind(column, "integer", "code", "text"),
    "result.sample": lambda column: _kind(column, "integer", "code", "text"),
    "patient.family": lambda column: _kind(column, "text", "code"),
    "patient.given": lambda column: _kind(column, "text", "code"),
}


def _fits(role: str, column: Column) -> float:
    fits = _FITS.get(role)
    return fits(column) if fits else 1.0


def _kind(column: Column, *types: str) -> float:
    return 1.0 if column.type in types else 0.0


def _age(column: Column) -> float:
    if column.type == "integer" and column.high is not None and column.high <= 130:
        return 1.0
    return 0.6 if column.distinct <= 25 else 0.0  # bands


def _unit(column: Column) -> float:
    share = column.share(ucum)
    return 1.0 if share > 0.5 else 0.6 if column.type == "code" else 0.0


def _diagnosis(column: Column) -> float:
    if column.system in {"ICD-10", "ICD-9-CM"}:
        return 1.0
    return 0.7 if column.type in {"code", "text"} and column.distinct > 20 else 0.0


def _analyte(column: Column) -> Iterator[Guess]:
    if column.type in {"date", "dateTime", "boolean"}:
        return
    whole = all(number == int(number) for number in column.numbers()) and column.type in {
        "integer",
        "decimal",
    }
    if whole and column.distinct <= 5 <= column.filled:
        return  # a few whole numbers are answers of a form, not measurements
    matches = find(column.name, limit=3)
    for match in matches:
        if match.score < matches[0].score - 0.15:
            return  # what is meant is clear, even if the numbers do not fit it
        fits = fitting(match, column)
        if fits is not None:
            words = (
                ""
                if fits.unit_fits
                else f"; its unit, {fits.code.unit}, is a guess"
                if fits.code.unit
                else ""
            )
            score = match.score * (0.9 if fits.unit_fits is None and fits.code.unit else 1.0)
            yield Guess("analyte", round(score, 2), f"{fits.why}{words}", fits)


def fitting(match: Match, column: Column) -> Match | None:
    """The match with the code whose unit the numbers of the column fit; None: they fit none.

    An unknown unit is told by the numbers: a creatinine of 80 is no mg/dL.
    """
    numeric = column.type in {"integer", "decimal", "quantity"}
    codes = [match.code, *(code for code in match.analyte.code if code is not match.code)]
    if not numeric:
        words = next((code for code in codes if not code.unit), None)
        small = column.type == "code" and column.distinct <= 30
        return match._replace(code=words) if words and small else None
    units = {ucum(unit) for unit in column.units} - {""}
    for code in codes:
        if (
            not code.range
            or (match.unit_fits and code.unit != match.code.unit)
            or (units and code.unit not in units)
        ):
            continue
        low, high = code.range
        if column.share(lambda value, low=low, high=high: _within(value, low, high)) >= 0.9:  # type: ignore[misc]
            return match._replace(code=code, unit_fits=match.unit_fits or (True if units else None))
    return None


def _within(value: str, low: float, high: float) -> bool:
    number = as_number(value)
    return number is not None and low <= number <= high
