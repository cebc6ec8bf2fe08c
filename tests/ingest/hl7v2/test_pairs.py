"""Pairs of files: a message, and the resources that it must become. To add one, write both."""

import json
from pathlib import Path

import pytest

from vesalius import fhir
from vesalius.ingest import hl7v2

PAIRS = sorted((Path(__file__).parent / "pairs").glob("*.hl7"))


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_a_message_becomes_the_resources_beside_it(path):
    item = hl7v2.item(path.read_bytes(), path.stem)
    assert item.fault is None
    made = {f"{found.resource['resourceType']}/{found.resource['id']}": found for found in item.found}
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"), parse_float=str)
    assert {name: json.loads(found.body, parse_float=str) for name, found in made.items()} == expected
    for found in made.values():
        fhir.check(found.body)
    assert len(made) == len(item.found), "each resource once"


def test_there_are_pairs_in_both_languages_and_both_character_sets():
    names = {path.stem for path in PAIRS}
    assert {"admission-nl-latin1", "admission-fr-utf8", "results-nl", "merge-nl"} <= names
