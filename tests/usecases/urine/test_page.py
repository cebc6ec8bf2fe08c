"""The page of the use case says what the data say."""

import csv
import gzip
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "use-cases" / "urine.md"

GROUPS = {
    "65 years and over": lambda row: float(row["age"]) >= 65,
    "men": lambda row: row["gender"] == "Male",
    "pregnant": lambda row: row["pregnant"] == "1",
    "weakened immunity": lambda row: row["immunocompromised"] == "1",
    "catheter": lambda row: row["catheter"] == "1",
}


@pytest.mark.data
def test_the_sizes_of_the_small_groups_on_the_page_are_those_of_the_data(shared_data):
    with gzip.open(shared_data / "uti-primary-care" / "PrimaryCare_Deidentified.tsv.gz", "rt") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    told = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for name, _, _ in told} == set(GROUPS)
    for name, patients, positive in told:
        found = [row for row in rows if GROUPS[name](row)]
        counted = len(found), sum(row["UCX_abnormal"] == "yes" for row in found)
        assert counted == (int(patients), int(positive)), name
