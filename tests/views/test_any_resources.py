"""Both routes give the same for any resources: made at random, with gaps, repeats and extensions anywhere."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.views import View

from .test_routes import in_order

WORDS = ["official", "a b", "1", "true", "ä", "ß", "'", '"', "\\", "%_", "€😀", " x ", "a\tb", "abc", ":5"]
DAYS = ["2020", "2020-02", "2020-02-29", "1900-01", "2020-12-31"]
CLOCKED = [
    "2020-02-29T23:30:00Z",
    "2020-03-01T01:30:00+02:00",
    "2020-02-29T23:30:00.120-05:00",
    "2020-03-01T00:00:00.000+14:00",
]


class Maker:
    """Makes parts of resources; each element is there or not."""

    def __init__(self, seed):
        self.random = Random(seed)
        self.number = 0

    def having(self, **elements):
        """A structure with some of the elements, or with an id alone."""
        found = {name: make() for name, make in elements.items() if self.random.random() < 0.6}
        return found or {"id": "e"}

    def some(self, make):
        return lambda: [make() for _ in range(self.random.randint(1, 3))]

    def of(self, *values):
        return lambda: self.random.choice(values)

    def word(self):
        return self.random.choice(WORDS)

    def day(self):
        return self.random.choice(DAYS)

    def date(self):
        return self.random.choice(DAYS + CLOCKED)

    def decimal(self):
        digits = self.random.choice([0, 1, 2, 4, 6, 9, 15])
        whole = self.random.randint(-(10**5), 10**5) if digits < 9 else self.random.randint(-(10**15), 10**15)
        return Decimal(whole).scaleb(-digits) if digits else whole

    def coding(self):
        return self.having(system=self.word, code=self.of("a", "b", "c"), display=self.word)

    def concept(self):
        return self.having(coding=self.some(self.coding), text=self.word)

    def quantity(self):
        return self.having(value=self.decimal, unit=self.word)

    def value(self):
        """A choice of a value, or none."""
        kinds = {
            "valueQuantity": self.quantity,
            "valueString": self.word,
            "valueInteger": lambda: self.random.randint(-9, 9),
            "valueDateTime": self.date,
            "valueCodeableConcept": self.concept,
        }
        name = self.random.choice([*kinds, ""])
        return {name: kinds[name]()} if name else {}

    def extension(self, depth=3):
        url = self.random.choice("uv")
        if depth and self.random.random() < 0.4:
            return {"url": url, "extension": self.some(lambda: self.extension(depth - 1))()}
        kinds = {
            "valueString": self.word,
            "valueCode": self.of("a", "b"),
            "valueDecimal": self.decimal,
            "valueBoolean": self.of(True, False),
            "valueCoding": self.coding,
        }
        name = self.random.choice([*kinds])
        return {"url": url, name: kinds[name]()}

    def beside(self):
        return {"extension": self.some(self.extension)()}

    def name(self):
        return self.having(
            use=self.of("official", "usual"),
            family=self.word,
            _family=self.beside,
            given=self.some(self.word),
            period=lambda: self.having(start=self.day),
        )

    def contact(self):
        telecom = self.some(lambda: self.having(value=self.word, rank=self.of(1, 2)))
        return self.having(name=self.name, telecom=telecom)

    def organisation(self):
        return {"resourceType": "Organization", **self.having(id=self.of("o", "q"), name=self.word)}

    def item(self, depth=4):
        below = self.some(lambda: self.item(depth - 1)) if depth else list
        found = self.having(linkId=self.word, text=self.word, answer=self.some(lambda: self.answer(depth)))
        return found | ({"item": below()} if depth and self.random.random() < 0.5 else {})

    def answer(self, depth):
        below = (
            {"item": self.some(lambda: self.item(depth - 1))()}
            if depth > 1 and self.random.random() < 0.3
            else {}
        )
        return {**self.value(), **below} or {"id": "e"}

    def patient(self):
        return self.having(
            active=self.of(True, False),
            gender=self.of("male", "female"),
            birthDate=self.day,
            _birthDate=self.beside,
            name=self.some(self.name),
            extension=self.some(self.extension),
            deceasedBoolean=self.of(True, False),
            contact=self.some(self.contact),
            contained=self.some(self.organisation),
        )

    def observation(self):
        component = self.some(lambda: {**self.having(code=self.concept), **self.value()})
        own = self.having(
            code=self.concept, effectiveDateTime=self.date, issued=self.date, component=component
        )
        return {**own, **self.value()}

    def response(self):
        return self.having(status=self.word, item=self.some(self.item))

    def resource(self, kind):
        made = {
            "Patient": self.patient,
            "Observation": self.observation,
            "QuestionnaireResponse": self.response,
        }
        self.number += 1
        return {"resourceType": kind, **made[kind](), "id": str(self.number)}


def columns(**paths):
    return [{"name": name, "path": path} for name, path in paths.items()]


VIEWS = {
    "Patient": [
        {
            "column": columns(
                born="birthDate",
                young="birthDate > @2020-02",
                first="birthDate.lowBoundary()",
                last="birthDate.highBoundary()",
                told="birthDate.extension('u').value.ofType(string).first()",
                seen="birthDate.extension.exists()",
                names="name.given.join('|')",
                every="(name.given | name.family).join('|')",
                official="name.where(use = 'official').family.first()",
                early="name.where(period.start < @2020-02-29).exists()",
                dead="deceased",
                alive="deceased.ofType(boolean).not() or active",
                code="extension('u').value.ofType(Coding).code.first()",
                inner="extension('u').extension('v').value.ofType(decimal).first()",
                organisation="contained.ofType(Organization).name.first()",
                marked="name.first().family & '-' & gender",
            )
        },
        {
            "forEachOrNull": "contact",
            "column": columns(c="name.family", ci="%rowIndex"),
            "select": [{"forEachOrNull": "telecom", "column": columns(t="value", ti="%rowIndex")}],
        },
        {
            "unionAll": [
                {
                    "repeat": ["extension"],
                    "column": columns(url="url", at="%rowIndex", v="value.ofType(string)"),
                },
                {
                    "forEach": "name",
                    "column": columns(url="family.extension.url.first()", at="%rowIndex", v="given.last()"),
                },
            ]
        },
    ],
    "Observation": [
        {
            "column": columns(
                number="value.ofType(Quantity).value",
                double="value.ofType(Quantity).value * 2",
                third="value.ofType(Quantity).value / 3",
                square="value.ofType(Quantity).value * value.ofType(Quantity).value",
                many="component.where(value.ofType(Quantity).value * 3 > 1.5).count()",
                more="value.ofType(Quantity).value + 0.1",
                low="value.ofType(Quantity).value.lowBoundary()",
                high="value.ofType(Quantity).value.highBoundary()",
                digits="value.ofType(Quantity).value.toString()",
                kind="iif(value is Quantity, 'q', iif(value is string, 's', 'o'))",
                whole="value.ofType(integer) * 3 - 1",
                before="effective.ofType(dateTime) < issued",
                same="effective.ofType(dateTime) = issued",
                until="effective.ofType(dateTime) <= @2020-03-01T00:00:00Z",
                first="effective.ofType(dateTime).lowBoundary()",
                last="issued.highBoundary()",
                text="value.ofType(string)",
                length="value.ofType(string).length()",
                part="value.ofType(string).substring(1, 2)",
                starts="value.ofType(string).startsWith('a')",
            )
        },
        {
            "forEachOrNull": "component.where(value.exists())",
            "column": columns(
                code="code.coding.where(code = 'a').display.first()",
                v="value.ofType(Quantity).value",
                at="%rowIndex",
            ),
        },
    ],
    "QuestionnaireResponse": [
        {
            "repeat": ["item", "answer.item"],
            "column": columns(
                link="linkId", at="%rowIndex", n="answer.count()", s="answer.value.ofType(string).first()"
            ),
            "select": [
                {
                    "forEachOrNull": "answer",
                    "column": columns(q="value.ofType(Quantity).value", i="item.count()"),
                }
            ],
        },
    ],
}


@pytest.mark.parametrize("kind", VIEWS)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_both_routes_give_the_same_for_any_resources(kind, seed, make_lake):
    maker = Maker(seed)
    view = View.load({"resource": kind, "select": VIEWS[kind]})
    assert view.route == "duckdb"
    lake = make_lake([maker.resource(kind) for _ in range(100)])
    fast, slow = (in_order(view.table(lake, engine=engine)) for engine in ("duckdb", "python"))
    for left, right in zip(fast, slow, strict=True):
        assert left == right
