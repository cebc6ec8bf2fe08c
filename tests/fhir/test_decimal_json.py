"""JSON without loss."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius import fhir
from vesalius.errors import InvalidResource


def test_the_digits_of_a_decimal_are_kept():
    raw = b'{"a":1.00,"b":1.0,"c":1,"d":0.10,"e":-0.0,"f":12345678901234567890.123456789}'
    assert fhir.dump(fhir.load(raw)) == raw
    assert fhir.load(raw)["a"] == Decimal("1.00")


def test_the_canonical_form_does_not_depend_on_layout():
    assert (
        fhir.canonical(fhir.load(b'{ "b" : 1.50, "a": [ {"d":1,"c":2} ] }'))
        == b'{"a":[{"c":2,"d":1}],"b":1.50}'
    )
    assert (
        fhir.digest(b'{"b":1.0,"a":2}')
        == fhir.digest(b'{"a":2, "b":1.0}')
        == fhir.digest({"a": 2, "b": Decimal("1.0")})
    )
    assert fhir.digest(b'{"a":1.0}') != fhir.digest(b'{"a":1.00}')


def test_what_cannot_be_json_is_refused():
    with pytest.raises(InvalidResource):
        fhir.dump({"a": object()})


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.dictionaries(st.text(), VALUES))
def test_what_is_written_is_read_back_the_same(resource):
    for written in (fhir.dump(resource), fhir.canonical(resource)):
        assert fhir.load(written) == resource
        assert json.loads(written, parse_float=Decimal) == resource
    assert fhir.canonical(fhir.load(fhir.canonical(resource))) == fhir.canonical(resource)


@given(st.binary())
def test_any_bytes_are_an_object_or_refused(raw):
    with suppress(InvalidResource):
        assert isinstance(fhir.load(raw), dict)
