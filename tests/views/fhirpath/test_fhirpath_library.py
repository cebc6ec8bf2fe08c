"""FHIRPath as a library: types, what the caller gives, strictness, and errors that say where."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vesalius.errors import InvalidView
from vesalius.views import fhirpath
from vesalius.views._rows import plain
from vesalius.views.fhirpath import Item, Quantity, evaluate
from vesalius.views.fhirpath._compiled import Scope
from vesalius.views.fhirpath._evaluator import compile_expression
from vesalius.views.fhirpath._parser import parse
from vesalius.views.fhirpath._types import Shape

NOW = datetime(2024, 2, 29, 13, 5, 7, tzinfo=UTC)
PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>An</p></div>'},
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Clinic"}],
    "active": True,
    "name": [
        {
            "use": "official",
            "family": "Peeters",
            "given": ["An", None],
            "_given": [None, {"extension": [{"url": "reason", "valueCode": "unknown"}]}],
        },
        {"use": "usual", "given": ["Annie"]},
    ],
    "_gender": {"extension": [{"url": "reason", "valueCode": "masked"}]},
    "birthDate": "1970-06-15",
    "_birthDate": {"extension": [{"url": "time", "valueDateTime": "1970-06-15T14:35:45Z"}]},
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
    "contact": [{"gender": "female"}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "Practitioner/2"}],
    "telecom": [{"system": "phone", "value": "1", "rank": 2}, {"system": "email", "value": "a@b", "rank": 1}],
}
OBSERVATION = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "effectiveDateTime": "2024-01",
    "valueQuantity": {"value": Decimal("185.0"), "system": "http://unitsofmeasure.org", "code": "[lb_av]"},
    "component": [
        {"code": {"text": "a"}, "valueString": "high"},
        {"code": {"text": "b"}, "valueInteger": 3},
    ],
}


def values(text, resource=PATIENT, **given):
    return [item.value for item in evaluate(text, resource, now=NOW, **given)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name.family", ("Peeters", "FHIR.string")),
        ("name.first().use", ("official", "FHIR.code")),
        ("birthDate", ("1970-06-15", "FHIR.date")),
        ("deceased", (False, "FHIR.boolean")),
        ("multipleBirth + 1", (3, "System.Integer")),
        ("1 / 4", (Decimal("0.25"), "System.Decimal")),
        ("4 'mg'", (Quantity(Decimal(4), "mg"), "System.Quantity")),
        ("contained.first().name", ("Clinic", "FHIR.string")),
        ("managingOrganization.resolve().id", ("o", "FHIR.id")),
        ("active.type().namespace", ("FHIR", "System.String")),
        ("1.type().name", ("Integer", "System.String")),
        ("name.first().type().baseType", ("FHIR.Element", "System.String")),
        ("type().baseType", ("FHIR.DomainResource", "System.String")),
        ("contact.type().name", ("BackboneElement", "System.String")),
        ("contact.type().baseType", ("FHIR.Element", "System.String")),
        ("birthDate.extension('time').value", ("1970-06-15T14:35:45Z", "FHIR.dateTime")),
        ("name.given.extension('reason').value", ("unknown", "FHIR.code")),
        ("%rootResource.id | %resource.id | %context.id", ("p", "FHIR.id")),
        ("name.where($index = 1).given", ("Annie", "FHIR.string")),
    ],
)
def test_each_item_carries_its_type(text, expected):
    assert evaluate(text, PATIENT) == [Item(*expected)]


@pytest.mark.parametrize(
    "text",
    [
        "active.is(boolean) and active.is(Boolean).not() and active.is(FHIR.boolean)",
        "true.is(Boolean) and true.is(System.Boolean) and true.is(boolean).not()",
        "name.first().use.is(code) and name.first().use.is(string) and name.first().use.is(id).not()",
        "Patient.is(Patient) and Patient.is(DomainResource) and Patient.is(Resource) and is(System.Patient).not()",
        "name.first() is HumanName and name.first() is Element and (name.first() is Quantity).not()",
        "children().ofType(HumanName).count() = 2",
        "descendants().ofType(Extension).value.ofType(code) contains 'masked'",
        "name.given.count() = 3 and name.given.where(hasValue()).count() = 2",
        "gender.exists() and gender.hasValue().not() and gender.getValue().empty() and (gender = 'male').empty()",
        "birthDate < today() and birthDate < now() and timeOfDay() = @T13:05:07.000",
        "birthDate = @1970-06-15 and (birthDate = @1970-06).empty() and (birthDate > @1970).empty()",
        "birthDate + 18 years <= today()",
        "defineVariable('n', name.first()).select(%n.family) = 'Peeters'",
        "telecom.sort(rank).first().system = 'email' and telecom.sort(rank desc).first().system = 'phone'",
        "telecom.select(defineVariable('r', rank).where(%r = 2).value) = '1'",
        "iif(active, 'yes', 1 / 'x') = 'yes'",
        "coalesce(maritalStatus.text, name.family) = 'Peeters'",
        "(1 | 2 | 3).aggregate($this + $total, 0) = 6 and (1 | 2).avg() = 1.5",
        "%`vs-administrative-gender` = 'http://hl7.org/fhir/ValueSet/administrative-gender'",
        "%ext-patient-birthTime = 'http://hl7.org/fhir/StructureDefinition/patient-birthTime'",
        "%sct = 'http://snomed.info/sct' and %loinc = 'http://loinc.org' and %ucum = 'http://unitsofmeasure.org'",
        "text.`div`.htmlChecks()",
        "conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')",
        "conformsTo('http://hl7.org/fhir/StructureDefinition/Observation').not()",
        "name.use.first().memberOf('http://hl7.org/fhir/ValueSet/name-use')",
        "name.given.join('-') = 'An-Annie'",
        "'abc'.encode('hex').decode('hex') = 'abc' and '<'.escape('html') = '&lt;'",
        "'a\\nb'.escape('json').unescape('json') = 'a\\nb'",
        "birthDate.yearOf() = 1970 and now().hourOf() = 13 and now().dateOf() = today()",
        "name.repeat(given).count() = 3 and (1).repeatAll(iif($this < 3, $this + 1, {})).count() = 2",
        "(1 | 2).subsetOf(1 | 2 | 3) and (1 | 2 | 3).supersetOf(1 | 2) and (2 | 1) ~ (1 | 2)",
        "2.power(3) = 8 and 16.log(2) = 4 and 100.sqrt() = 10 and 1.5.round() = 2 and (-1).sqrt().empty()",
        "5 mod 2 = 1 and -5 div 2 = -2 and 9223372036854775807 + 1 = {} implies true",
    ],
)
def test_what_holds_of_the_patient(text):
    assert values(text) == [True]


@pytest.mark.parametrize(
    "text",
    [
        "value > 80 'kg' and value < 90 'kg' and value = 185 '[lb_av]'",
        "value.is(Quantity) and value.as(Quantity).value = 185 and value.ofType(Period).empty()",
        "Observation.value.type().name = 'Quantity'",
        "component.value.ofType(string) = 'high' and component.value.ofType(integer) = 3",
        "valueQuantity.empty()",
        "value.value.precision() = 1",
        "value.lowBoundary(2) = 184.95 '[lb_av]'",
        "effective.lowBoundary() = @2024-01-01T00:00:00.000+14:00",
        "value.toString() = '185.0 \\'[lb_av]\\''",
        "code.coding.exists(system = %loinc and code = '29463-7')",
    ],
)
def test_what_holds_of_the_observation(text):
    assert values(text, OBSERVATION) == [True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name.frst()", r"no function frst\(\), at character 6"),
        ("name.given.where(", "ends too soon, at character 18"),
        ("name = 'x", "cannot read"),
        ("'a'.as(string1)", "no type string1, at character 5"),
        ("active is Foo.Bar", "no namespace Foo"),
        ("name.given + 'x'", r"3 values.*in \"name.given"),
        ("%nothing", "no constant %nothing"),
        ("1 > 'x'", "cannot put"),
        ("@2020 > @T10", "cannot put"),
        ("-'a'", "needs a number"),
        ("iif('x', 1, 2)", "not true or false"),
        ("('a' | 'b').iif(true, 1, 2)", "2 values"),
        ("(true | 'x').allTrue()", "Booleans alone"),
        ("name.startsWith('x')", "2 values"),
        ("managingOrganization.startsWith('x')", "needs text"),
        ("conformsTo('http://nowhere')", "is not known"),
        ("active.memberOf('http://nowhere')", "is not known"),
        ("active.subsumes('x')", "terminology server"),
        ("'a'.encode('rot13')", "no encoding"),
        ("defineVariable('a', 1).select(%a) | %a", "no constant %a"),
        ("defineVariable('a').defineVariable('a')", "defined already"),
        ("defineVariable('resource')", "defined already"),
        ("1.toQuantity('foo')", "no unit"),
        ("1.5.round(-1)", "places"),
        ("(1).repeatAll($this + 1)", "does it ever end"),
        ("(1).repeat($this + 1)", "does it ever end"),
        ("2 & (1 | 3)", "2 values"),
        ("{}.first(1)", "takes 0 arguments"),
    ],
)
def test_what_is_wrong_is_said_and_where(text, message):
    with pytest.raises(InvalidView, match=message):
        values(text)


@pytest.mark.parametrize(
    "text",
    [
        "name.given1",
        "Encounter.name",
        "deceasedBoolean",
        "deceased.foo",
        "(deceased as boolean).foo",
        "children().skip(1)",
        "descendants()[0]",
        "'a'.foo",
        "name.where(given1 = 'x')",
        "contact.name.foo",
    ],
)
def test_strict_refuses_what_r4_does_not_have_and_the_rest_gives_nothing(text):
    with pytest.raises(InvalidView, match="at character"):
        fhirpath.compile(text, on="Patient", strict=True)
    fhirpath.compile(text, on="Patient")


@pytest.mark.parametrize(
    "text",
    [
        "Patient.name.given",
        "Resource.id",
        "contained.name",
        "birthDate.extension.value",
        "name.given.id",
        "extension('x').value.ofType(Quantity).code",
        "type().name",
        "%resource.whatever",
        "contact.name.given | link.other.reference",
        "deceased.ofType(dateTime)",
    ],
)
def test_strict_accepts_what_r4_has_or_cannot_tell(text):
    fhirpath.compile(text, on="Patient", strict=True)(PATIENT)


def test_the_caller_gives_references_constants_and_a_clock():
    known = {"Practitioner/1": {"resourceType": "Practitioner", "id": "1"}}
    assert values("generalPractitioner.resolve().id", resolve=known.get) == ["1"]
    assert values("generalPractitioner.resolve()") == []
    assert values("name.where(use = %use).family", constants={"use": "official"}) == ["Peeters"]
    assert values("%many.count()", constants={"many": [1, 2, "x"]}) == [3]
    assert values("%other.id", constants={"other": {"resourceType": "Patient", "id": "q"}}) == ["q"]
    assert [str(value) for value in values("today()")] == ["2024-02-29"]
    with pytest.raises(InvalidView, match="counts as now"):
        evaluate("now()", PATIENT)


def test_a_reference_is_found_in_its_bundle():
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {
                "fullUrl": "urn:uuid:1",
                "resource": {"resourceType": "Encounter", "subject": {"reference": "Patient/p"}},
            },
            {"resource": PATIENT},
        ],
    }
    text = "entry.resource.ofType(Encounter).subject.resolve().name.family"
    assert values(text, bundle) == ["Peeters"]


def test_a_trace_tells_who_asked_and_nobody_else(capsys):
    told = []
    values("name.trace('names', given).count()", trace=lambda name, items: told.append((name, len(items))))
    values("name.trace('names')")
    assert told == [("names", 3)]
    assert capsys.readouterr() == ("", "")


def test_an_expression_runs_on_other_types_than_it_was_compiled_for():
    expression = fhirpath.compile("status", on="Patient")
    assert expression(OBSERVATION) == [Item("final", "FHIR.code")]
    assert fhirpath.compile("name.given", on="Patient")(OBSERVATION) == []


def test_no_message_holds_a_value_of_the_resource():
    for text in ("name.given.upper()", "name.family > 1", "-name.family", "name.family + 1", "birthDate + 1"):
        with pytest.raises(InvalidView) as error:
            values(text)
        assert "Peeters" not in str(error.value)
        assert "1970" not in str(error.value)


PATHS = st.sampled_from(
    [
        "name",
        "name.family",
        "name.use",
        "active",
        "telecom",
        "telecom.rank",
        "telecom.value",
        "contact.gender",
        "id",
        "1",
        "2",
        "'An'",
        "{}",
        "true",
        "$this",
        "(1|2|3)",
        "multipleBirth",
        "deceased",
        "managingOrganization.reference",
        "name.where(use='official')",
        "name.first()",
    ]
)
ENDS = st.sampled_from(
    [
        "count()",
        "first()",
        "last()",
        "empty()",
        "exists()",
        "not()",
        "distinct()",
        "tail()",
        "skip(1)",
        "take(1)",
        "isDistinct()",
        "single()",
        "toString()",
        "upper()",
        "length()",
        "hasValue()",
        "join()",
        "toInteger()",
        "sort()",
        "toQuantity()",
        "toChars()",
        "abs()",
        "sum()",
        "max()",
    ]
)
SIGNS = st.sampled_from(
    [
        "=",
        "!=",
        "~",
        "!~",
        "<",
        ">",
        "<=",
        ">=",
        "and",
        "or",
        "xor",
        "implies",
        "|",
        "+",
        "-",
        "*",
        "/",
        "div",
        "mod",
        "&",
        "in",
        "contains",
    ]
)
TAKING = st.sampled_from(
    ["where", "select", "all", "exists", "intersect", "union", "exclude", "combine", "subsetOf"]
)
EXPRESSIONS = st.recursive(
    PATHS,
    lambda inner: st.one_of(
        st.tuples(inner, ENDS).map(lambda parts: f"({parts[0]}).{parts[1]}"),
        st.tuples(inner, SIGNS, inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"),
        st.tuples(inner, TAKING, inner).map(lambda parts: f"({parts[0]}).{parts[1]}({parts[2]})"),
    ),
    max_leaves=5,
)


@settings(max_examples=500, deadline=None)
@given(EXPRESSIONS)
@example("(active).where($this)")
@example("(deceased).where(($this).not())")
@example("(($this).sum()).where(name)")
def test_a_view_and_the_library_give_the_same_values(text):
    """But for dates, which a view reads as the text they are."""
    found = []
    for run in (values, viewed):
        try:
            found.append([str(plain(value)) for value in run(text)])
        except InvalidView:
            found.append("an error")
    assert found[0] == found[1]


def viewed(text):
    shape = Shape(("Patient",), many=False)
    return compile_expression(parse(text), shape, {}).run([PATIENT], Scope(PATIENT))


SCRAPS = st.sampled_from(
    [
        "name",
        "given",
        ".",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'x'",
        "1",
        "2.5",
        "@2020",
        "@T10",
        "1",
        "day",
        "4",
        "'g'",
        "%sct",
        "$this",
        "and",
        "or",
        "=",
        "<",
        "+",
        "-",
        "*",
        "/",
        "|",
        "&",
        "in",
        "is",
        "as",
        "Patient",
        "active",
        "first()",
        "count()",
        "where(",
        "exists()",
        "type()",
        "ofType(",
        "Quantity",
        "value",
        "birthDate",
        "now()",
        "sort(",
        "iif(",
        "repeat(",
        "children()",
        "lowBoundary()",
        "toQuantity()",
        "deceased",
        "extension(",
        "defineVariable(",
        "%c",
    ]
)


@settings(max_examples=600, deadline=None)
@given(st.lists(SCRAPS, max_size=9).map(" ".join), st.booleans())
def test_any_text_gives_a_result_or_our_own_error(text, strict):
    try:
        assert isinstance(values(text, strict=strict), list)
    except InvalidView:
        return


@pytest.mark.parametrize(
    ("html", "right"),
    [
        ('<div xmlns="http://www.w3.org/1999/xhtml">a<br/>b</div>', True),
        ('<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p>a</h:p></h:div>', True),
        ("<div>a</div>", True),
        ("<div> </div>", False),
        ("<p>a</p>", False),
        ("<div>a", False),
        ("<div><b>a</div></b>", False),
        ("<div>a</div><div>b</div>", False),
        ("<div><script>a</script></div>", False),
        ("<div onclick='x'>a</div>", False),
        ("<div><a href='javascript:x'>a</a></div>", False),
        ("<!DOCTYPE html><div>a</div>", False),
    ],
)
def test_a_narrative_is_basic_xhtml(html, right):
    patient = {"resourceType": "Patient", "text": {"status": "generated", "div": html}}
    assert values("text.`div`.htmlChecks()", patient) == [right]
