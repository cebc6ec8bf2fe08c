"""The CHAI card: valid against CHAI's own schema, as CHAI's own examples are, and nothing mandatory is left empty."""

import json
import re

import pytest
from lxml import etree

from vesalius.card import LANGUAGES
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.reporting import Answer, document, writer, xml
from vesalius.evaluation.reporting.chai import NAMESPACE, Result, clean, leaves

MC = f"{{{NAMESPACE}}}"
XS = "{http://www.w3.org/2001/XMLSchema}"
SIGNATURE = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/2000/09/xmldsig#">
<xs:element name="Signature" type="xs:anyType"/></xs:schema>"""


class Offline(etree.Resolver):
    """Stands in for the schema of signatures, which CHAI's imports: nothing is fetched."""

    def resolve(self, url, identifier, context):
        if not url.startswith("http"):
            return None  # CHAI's own file
        assert "xmldsig" in url, f"the test would fetch {url}"
        return self.resolve_string(SIGNATURE, context)


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "chai-model-card"


@pytest.fixture(scope="module")
def schema(folder):
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Offline())
    return etree.XMLSchema(etree.parse(str(folder / "schema-v0.2.xsd"), parser))


def mandatory(schema_file):
    """The paths of the text leaves that must be there, from the schema itself."""
    tree = etree.parse(str(schema_file))
    types = {each.get("name"): each for each in tree.iter(f"{XS}complexType") if each.get("name")}

    def walk(element, path):
        kind = element.get("type", "").removeprefix("mc:")
        inner = types.get(kind, element if kind == "" else None)
        if inner is None:
            yield path
            return
        for child in inner.iter(f"{XS}element"):
            sequence = child.getparent()
            if child is element or "0" in (child.get("minOccurs"), sequence.get("minOccurs")):
                continue
            if child.get("name"):
                yield from walk(child, f"{path}/{child.get('name')}" if path else child.get("name"))

    return list(walk(tree.find(f"{XS}element"), ""))


@pytest.mark.data
def test_the_schema_asks_for_49_texts_six_of_them_in_results(folder):
    found = mandatory(folder / "schema-v0.2.xsd")
    assert (len(found), sum("MetricResult/" in path for path in found)) == (49, 6)


@pytest.mark.data
def test_the_examples_of_chai_are_valid_by_the_same_code(folder, schema):
    examples = sorted((folder / "examples").glob("*.xml"))
    assert len(examples) == 4
    for path in examples:
        schema.assertValid(etree.parse(str(path)))


@pytest.mark.data
@pytest.mark.parametrize("language", LANGUAGES)
def test_our_card_is_valid_and_no_mandatory_leaf_is_empty(run, toy, folder, schema, language):
    tree = etree.fromstring(xml(writer(run, toy.card, language)))
    schema.assertValid(tree)
    for path in mandatory(folder / "schema-v0.2.xsd"):
        for leaf in tree.findall("/".join(MC + name for name in path.split("/"))):
            assert leaf.text, path
            assert leaf.text.strip(), path


@pytest.mark.data
def test_a_card_with_a_leaf_less_is_not_valid(run, toy, schema):
    tree = etree.fromstring(xml(writer(run, toy.card, "en")))
    tree.find(f"{MC}BasicInfo").remove(tree.find(f"{MC}BasicInfo/{MC}DeveloperContact"))
    assert not schema.validate(tree)


@pytest.mark.data
def test_values_are_of_the_kinds_that_the_examples_use(run, toy, folder):
    kinds = {}
    for path in (folder / "examples").glob("*.xml"):
        for value in etree.parse(str(path)).iter(f"{MC}ValueJson"):
            body = json.loads(value.text)
            kinds.setdefault(body["kind"], set()).update(body)
    for value in etree.fromstring(xml(writer(run, toy.card, "en"))).iter(f"{MC}ValueJson"):
        body = json.loads(value.text)
        assert set(body) <= kinds[body["kind"]], body


def test_every_result_is_the_stored_figure_at_the_path_of_its_label(run, toy):
    from vesalius.evaluation.reporting.figures import find

    checked = 0
    for result in etree.fromstring(xml(writer(run, toy.card, "en"))).iter(f"{MC}MetricResult"):
        label, body = result[0].text, json.loads(result[1].text)
        path = re.search(r"\(([a-z]+(?:\[\d+\])?\.\w+)\)$", label)
        if not path or body["kind"] != "estimate_ci":
            continue
        item, scale = find(run, path[1]), 100 if body.get("unit") == "%" else 1
        assert body["estimate"] == pytest.approx(item.value * scale, abs=0.006), label
        assert (body["lower"], body["upper"]) == pytest.approx(
            (item.low * scale, item.high * scale), abs=0.006
        )
        assert body["level"] == 95
        checked += 1
    assert checked > 10


def test_what_nobody_answered_names_the_one_who_must(run, toy):
    said = {leaf.path: leaf.text for leaf in leaves(writer(run, toy.card, "en"))}
    assert said["TrustIngredients/TransparencyInformation/FundingSource"].startswith(
        "To be answered by management: Who paid"
    )
    answered = writer(run, toy.card, "en", {"funding": Answer(text="The hospital", by="M")})
    told = {leaf.path: leaf.text for leaf in leaves(answered)}
    assert told["TrustIngredients/TransparencyInformation/FundingSource"] == "The hospital"


def test_the_card_for_people_says_the_same_as_the_xml(run, toy):
    by = writer(run, toy.card, "fr")
    facts = document(run, toy.card, "fr").section("chai").blocks[1].facts
    assert [fact.spans[0].text for fact in facts] == [leaf.text for leaf in leaves(by)]


def test_a_figure_without_interval_is_single():
    assert json.loads(Result("x", Estimate(2.0), "count").json()) == {
        "kind": "single",
        "value": 2.0,
        "unit": "count",
    }


def test_hostile_words_stay_words(run, toy):
    evil = "]]></Label><x> & \x00\x0b\ufffe \U0001f600 {kind}"
    answer = {"funding": Answer(text=evil, by="M")}
    tree = etree.fromstring(xml(writer(run, toy.card, "en", answer)))
    found = tree.find(f"{MC}TrustIngredients/{MC}TransparencyInformation/{MC}FundingSource").text
    assert found == clean(evil)
    assert "\x00" not in clean(evil)
    assert clean("a\tb\nc é \U0001f600") == "a\tb\nc é \U0001f600"


def test_synthetic_data_is_said_and_the_bytes_are_the_same_each_time(run, toy):
    by = writer(run, toy.card, "en")
    assert xml(by) == xml(by)
    assert b"Synthetic data" in xml(by, synthetic=True)
    assert b"Synthetic data" not in xml(by)
