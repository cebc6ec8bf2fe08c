"""Maps that are proposed from files: valid, explained, without values of patients, and mostly right."""

import contextlib
import doctest
import importlib
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidMap, UnreadableInput
from vesalius.ingest import CsvMap, maps, sql
from vesalius.ingest.csv_map import id_piece
from vesalius.ingest.maps import propose, try_out
from vesalius.ingest.maps.guess import guess
from vesalius.ingest.maps.profile import profile
from vesalius.ingest.maps.sample import sample, sample_of_table
from vesalius.terminology import loinc_is_valid
from vesalius.usecases.readmission.readmission import MAPS as USE_MAPS

from .workbooks import xlsx

ICU = {
    "RecordID": "patient.id", "minute": None, "ALP": "6768-6", "ALT": "1742-6", "AST": "1920-8", "Albumin": "1751-7",
    "BUN": "3094-0", "Bilirubin": "1975-2", "Cholesterol": "2093-3", "Creatinine": "2160-0", "DiasABP": "8462-4",
    "FiO2": "3150-0", "GCS": "9269-2", "Glucose": "2345-7", "HCO3": "1963-8", "HCT": "4544-3", "HR": "8867-4",
    "K": "2823-3", "Lactate": "2524-7", "MAP": "8478-0", "MechVent": None, "Mg": "19123-9", "NIDiasABP": "8462-4",
    "NIMAP": "8478-0", "NISysABP": "8480-6", "Na": "2951-2", "PaCO2": "2019-8", "PaO2": "2703-7", "Platelets": "777-3",
    "RespRate": "9279-1", "SaO2": "2708-6", "SysABP": "8480-6", "Temp": "8310-5", "TroponinI": "10839-9",
    "TroponinT": "6598-7", "Urine": "9187-6", "WBC": "6690-2", "Weight": "29463-7", "pH": "2744-1",
}  # fmt: skip
NHANES = {
    "sampleID": "patient.id", "gender": "patient.sex", "age": "patient.age", "bmi": "39156-5", "height": "8302-2",
    "weight": "29463-7", "waist": "8280-0", "fev": "20150-9", "albumin": "1751-7", "alp": "6768-6", "bun": "3094-0",
    "creat": "2160-0", "glucose": "2345-7", "ttbl": "1975-2", "uap": "3084-1", "lymph": "736-9", "monopa": "5905-5",
    "neut": "770-8", "eosnpa": "713-8", "basopa": "706-2", "mcv": "787-2", "rbc": "789-8", "rdw": "788-0",
    "wbc": "6690-2", "crp": "1988-5", "cyst": "33863-2", "dbp": "8462-4", "sbp": "8480-6", "pulse": "8867-4",
    "ggt": "2324-2", "hba1c": "4548-4", "hdl": "2085-9", "ldl": "2089-1", "trig": "2571-8", "totchol": "2093-3",
    "vitaminB12": "2132-9", "vitaminC": "1903-4", "grip_d": None, "adl": None, "died": None, "year": None,
    "education": None, "poverty_ratio": None, "followup_months": None, "ucod_leading": None,
}  # fmt: skip
UTI = {
    "age": "patient.age", "gender": "patient.sex", "ua_clarity": "32167-9", "ua_protein": "20454-5",
    "ua_glucose": "25428-4", "ua_ketones": "2514-8", "ua_blood": "5794-3", "ua_nitrite": "5802-4", "ua_leuk": "5799-2",
    "dysuria": None, "temp": None, "hr": None, "rr": None, "sbp": None, "dx_uti": None, "reviewer": None, "include": None,
}  # fmt: skip
STAYS = {
    "encounter_id": "encounter.id", "patient_nbr": "patient.id", "gender": "patient.sex", "diag_1": "diagnosis.code",
    "diag_2": "diagnosis.code", "diag_3": "diagnosis.code", "time_in_hospital": "encounter.days",
    "medical_specialty": "encounter.ward", "metformin": None, "readmitted": None, "num_lab_procedures": None,
    "number_inpatient": None, "A1Cresult": "4548-4", "max_glu_serum": "2345-7",
}  # fmt: skip
LABS = {
    "hospitalization_id": "encounter.id", "lab_collect_dttm": "result.collected", "lab_result_dttm": "result.issued",
    "lab_category": "result.code", "lab_value": "result.value", "reference_unit": "result.unit", "lab_order_name": None,
}  # fmt: skip
KEYS = [
    ("icu-mortality-2012/set_a_series.csv.gz", ICU, 0.95),
    ("nhanes-65plus/nhanes_65plus_1988_2018.csv.gz", NHANES, 0.85),
    ("uti-primary-care/PrimaryCare_Deidentified.tsv.gz", UTI, 0.95),
    ("readmission-diabetes130/diabetic_data.csv.gz", STAYS, 0.8),
    ("mimic-iv-demo/clif/clif_labs.parquet", LABS, 0.95),
]


@pytest.mark.parametrize(("path", "key", "least"), KEYS, ids=[path.split("/")[0] for path, _, _ in KEYS])
def test_of_open_data_most_columns_are_guessed_right(shared_data, path, key, least):
    proposal = propose(sample(shared_data / path, rows=5_000))
    right = [name for name, role in key.items() if _short(proposal.guesses.get(name)) == role]
    wrong = {name: proposal.guesses.get(name) for name in key if name not in right}
    assert len(right) / len(key) >= least, wrong
    trial = try_out(CsvMap.parse(proposal.text), shared_data / path, rows=300)
    assert trial.taken >= 0.9 * trial.rows


def _short(label):
    return label.removeprefix("loinc:") if label else None


# -- the demo ------------------------------------------------------------------------------------------------

LABORATORY = "dossier;sejour;echantillon;code;libelle;resultat;unite;preleve_le;valide_le\n" + "".join(
    f"D{n};S{n};E{n};{code};{words};{value};{unit};2026-05-{n % 27 + 1:02}T08:00:00+02:00;2026-05-{n % 27 + 1:02}T10:00:00+02:00\n"
    for n in range(1, 60)
    for code, words, value, unit in (
        ("BU-NIT", "Nitrites", "Nég" if n % 3 else "+", ""),
        ("S-CREA", "Créatinine", f"1.{n % 9}5", "mg/dL"),
        ("S-CRP", "CRP", str(n), "mg/L"),
        ("B-GB", "Leucocytes", f"{n % 20}.5", "10*3/uL"),
        ("Z-ODD", "Analyse maison", str(n), "bottles"),
    )
)


def written(tmp_path, content, name="results.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_map_of_a_laboratory_file_has_the_codes_of_the_map_that_was_written_by_hand(tmp_path):
    path = written(tmp_path, LABORATORY)
    proposal = propose(sample(path))
    read = tomllib.loads(proposal.text)
    by_hand = tomllib.loads(
        (Path(maps.__file__).parents[2] / "demo" / "maps" / "laboratoire.toml").read_text()
    )
    for code in ("BU-NIT", "S-CREA", "S-CRP", "B-GB"):
        proposed = read["values"]["tests"][code]["coding"][0]["code"]
        assert proposed == by_hand["values"]["tests"][code]["coding"][0]["code"], code
    assert read["values"]["tests"]["Z-ODD"]["coding"][0]["system"] == "https://hospital.example/codes"
    trial = try_out(CsvMap.parse(proposal.text), path, rows=0)
    assert (trial.rows, dict(trial.resources)) == (trial.taken, {"Observation": 59 * 5})


def test_a_unit_that_is_not_known_keeps_the_value_as_text(tmp_path):
    path = written(tmp_path, LABORATORY)
    proposal = propose(sample(path))
    assert "numbers without a unit that we know" in proposal.text


WIDE = (
    "N° dossier;Nom;Date de naissance;Sexe;Prélevé le;Créatinine (mg/dL);Leucocytes (10^3/µL);K;NISS\n"
    "A1;Dupont;03/02/1950;F;14/05/2026 08:30;1,2;7,5;4,1;93051822361\n"
    "A2;Peeters;25/12/1944;M;15/05/2026 09:00;0,8;11,0;3,9;\n"
    "A3;Müller;31/01/1961;F;16/05/2026 07:45;2,4;6,1;5,0;50010200027\n"
)


def test_a_french_file_in_latin_letters_with_decimal_commas_becomes_resources(tmp_path):
    path = written(tmp_path, WIDE.replace("µ", "u").encode("cp1252"))
    found = sample(path)
    assert (found.delimiter, found.encoding) == (";", "iso-8859-15")
    proposal = propose(found)
    roles = {name: _short(label) for name, label in proposal.guesses.items()}
    assert roles["N° dossier"] == "patient.id"
    assert roles["Date de naissance"] == "patient.birth"
    assert roles["NISS"] == "patient.niss"
    assert roles["Créatinine (mg/dL)"] == "2160-0"
    assert "could be" not in proposal.text  # 25/12 cannot be month 25
    trial = try_out(CsvMap.parse(proposal.text), path, show=1)
    assert (trial.taken, dict(trial.resources)) == (3, {"Patient": 3, "Observation": 9})
    patient, creatinine = trial.first[0], trial.first[1]
    assert (patient["birthDate"], patient["gender"]) == ("1950-02-03", "female")
    assert creatinine["valueQuantity"]["value"] == Decimal("1.2")
    assert creatinine["effectiveDateTime"] == "2026-05-14T08:30:00+02:00"


def test_a_proposal_holds_no_value_of_a_patient(tmp_path):
    proposal = propose(sample(written(tmp_path, WIDE)))
    for row in WIDE.splitlines()[1:]:
        for cell in row.split(";"):
            if len(cell) > 2:
                assert cell not in proposal.text, cell


def test_dates_of_which_day_and_month_cannot_be_told_are_marked(tmp_path):
    text = "patient id,birth date\n" + "".join(f"p{n},0{n}/0{n}/195{n}\n" for n in range(1, 9))
    assert "it could be %m/%d/%Y" in propose(sample(written(tmp_path, text))).text


def test_every_guess_that_is_not_sure_is_marked_and_every_one_says_why(tmp_path):
    proposal = propose(sample(written(tmp_path, WIDE)))
    assert proposal.confirm == len(re.findall("# confirm", proposal.text))
    for name in ("N° dossier", "K", "NISS"):
        assert re.search(rf"# (confirm: )?{re.escape(name)} is ", proposal.text), name


def test_a_creatinine_of_eighty_is_in_micromoles(tmp_path):
    text = "patient id;creatinine\n" + "".join(f"p{n};{60 + n}\n" for n in range(20))
    assert propose(sample(written(tmp_path, text))).guesses["creatinine"] == "loinc:14682-9"


def test_a_sheet_with_a_title_and_a_database_give_the_same_guesses(tmp_path):
    rows = [
        ["Patient ID", "Sex", "CRP (mg/L)"],
        *([f"p{n}", "F" if n % 2 else "M", n + 0.5] for n in range(20)),
    ]
    book = written(tmp_path, xlsx(("Notes", [["x"]]), ("Data", [["Laboratory"], *rows])), "book.xlsx")
    found = sample(book, "Data")
    assert (found.header_row, found.sheet) == (2, "Data")
    of_book = propose(found)
    assert try_out(CsvMap.parse(of_book.text), book, rows=0).taken == 20
    url = sa.make_url(f"sqlite:///{tmp_path / 'other.sqlite'}")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE TABLE t ("Patient ID" TEXT, "Sex" TEXT, "CRP (mg/L)" REAL)')
        connection.exec_driver_sql("INSERT INTO t VALUES (?, ?, ?)", [tuple(row) for row in rows[1:]])
    engine.dispose()
    of_table = propose(sample_of_table(sql.Table(url, name="t")))
    assert (
        of_table.guesses
        == of_book.guesses
        == {"Patient ID": "patient.id", "Sex": "patient.sex", "CRP (mg/L)": "loinc:1988-5"}
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a;b\n1;2\n".encode("utf-16"), "UTF-16"),
        (b"", "empty"),
        (b"\n\n\n", "empty"),
        (b"\x00" * 500, "UTF-16 or not text"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, words):
    with pytest.raises(UnreadableInput, match=words):
        sample(written(tmp_path, content))


def test_a_file_without_header_or_meaning_still_gives_a_valid_map(tmp_path):
    for content in ("1;2;3\n4;5;6\n", "x\n1\n", "a,b\n", 'na"me;{x};y:z\n1;2;3\n', "row;loinc\n1;2\n"):
        path = written(tmp_path, content)
        proposal = propose(sample(path))
        assert "confirm" in proposal.text
        try_out(CsvMap.parse(proposal.text), path)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_any_text_gives_a_map_that_is_valid_or_is_refused(tmp_path, rows, delimiter):
    path = written(tmp_path, "\n".join(delimiter.join(row) for row in rows))
    with contextlib.suppress(UnreadableInput):
        proposal = propose(sample(path))
        csv_map = CsvMap.parse(proposal.text)
        with contextlib.suppress(UnreadableInput):
            trial = try_out(csv_map, path)
            assert trial.taken + sum(trial.held.values()) == trial.rows


# -- trying out ----------------------------------------------------------------------------------------------


def test_a_trial_counts_what_is_held_by_cause_and_shows_what_is_not_read(tmp_path):
    text = "p;crp;note\n1;5;x\n2;abc;x\n3;9999;x\n1;6;x\n"
    body = '[[resource]]\n[resource.body]\nresourceType = "Observation"\nid = "{p}"\nstatus = "final"\ncode.text = "CRP"\n'
    value = 'valueQuantity = { column = "crp", as = "quantity", unit = "mg/L", range = [0, 600] }\n'
    trial = try_out(CsvMap.parse('delimiter = ";"\n' + body + value), written(tmp_path, text), show=5)
    assert (trial.rows, trial.taken) == (4, 1)
    assert {cause for cause, _ in trial.held} == {"bad-value", "out-of-range", "conflicting-row"}
    assert trial.places["bad-value", "column 'crp' does not hold a number"] == ["line 3"]
    assert (trial.used, trial.unused) == (["p", "crp"], ["note"])
    broken = try_out(
        CsvMap.parse('delimiter = ";"\n' + body.replace('"final"', '"finale"')), written(tmp_path, text)
    )
    assert next(iter(broken.held))[0] == "invalid-resource"


def test_the_map_of_diabetes130_takes_in_every_stay_that_is_tried(shared_data):
    path = shared_data / "readmission-diabetes130" / "diabetic_data.csv.gz"
    file = USE_MAPS / "diabetic_data.toml"
    trial = try_out(CsvMap.load(file), path, rows=3_000)
    assert (trial.rows, trial.taken) == (3_000, 3_000)
    assert set(trial.resources) == {"Patient", "Encounter", "Condition", "MedicationStatement", "Observation"}
    assert trial.unused == ["weight", "payer_code", "examide", "citoglipton"]
    codes = re.findall(r'"(\d+-\d)"', file.read_text())
    assert len(codes) == 4
    assert all(map(loinc_is_valid, codes))


# -- what maps can say now -----------------------------------------------------------------------------------


def test_ids_are_made_of_cells_that_could_not_stand_in_them():
    text = 'resourceType = "Basic"\nid = "{a:id}-{b:id}"\ncode.text = "x"'
    csv_map = CsvMap.parse(f"[[resource]]\n[resource.body]\n{text}")
    (made,) = csv_map.resources({"a": "1991_45", "b": "2026-05-01 10:30"}, 1)
    assert made["id"] == f"{id_piece('1991_45')}-{id_piece('2026-05-01 10:30')}"
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", made["id"])
    with pytest.raises(InvalidMap, match="only 'id' may stand"):
        CsvMap.parse('[[resource]]\n[resource.body]\nresourceType = "Basic"\nid = "{a:x}"')


def test_bounds_and_cells_of_conditions_can_be_names_of_each():
    text = """
[[resource]]
when = [{ column = "t", in = ["{test}"] }]
each = [{ test = "A", low = "0", high = "9.5", unit = "g/L", said = "gr" }]
[resource.body]
resourceType = "Observation"
id = "x"
valueQuantity = { column = "v", as = "quantity", unit = "{unit}", unit_column = "u", spelled = ["{said}"], range = ["{low}", "{high}"] }
"""
    csv_map = CsvMap.parse(text)
    (made,) = csv_map.resources({"t": "A", "v": "9.5", "u": "gr"}, 1)
    assert made["valueQuantity"]["code"] == "g/L"
    assert csv_map.resources({"t": "B", "v": "9.5", "u": "gr"}, 1) == []
    with pytest.raises(InvalidMap, match="bound is not a number"):
        CsvMap.parse(text.replace('"9.5"', '"many"'))


@pytest.mark.parametrize("module", ["guess", "proposal", "_toml"])
def test_the_examples_of_the_docstrings_hold(module):
    result = doctest.testmod(importlib.import_module(f"vesalius.ingest.maps.{module}"))
    assert result.attempted
    assert not result.failed


def test_a_column_goes_to_one_meaning_only():
    header = ["patient id", "patient number", "value"]
    found = guess(profile(header, [[f"p{n}", f"q{n}", str(n)] for n in range(30)]))
    assert [one.best.role for one in found if one.best].count("patient.id") == 1
