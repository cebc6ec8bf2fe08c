"""Why something received could not be taken in."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """The causes of quarantine. ``docs/engineer/ingest.md`` says for each what to do."""

    TOO_LONG = "too-long"
    """A line longer than the limit; its beginning is kept."""
    UNDECODABLE = "undecodable"
    """Bytes that are not text in the announced encoding."""
    MALFORMED = "malformed"
    """A row of CSV whose quotes do not close, or what is no JSON, no XML or no message."""
    UNSAFE = "unsafe"
    """An XML document with a DTD, or nested without end; it is not read at all."""
    COLUMN_COUNT = "column-count"
    """A row with fewer or more cells than the header: a truncated file ends in one."""
    MISSING_VALUE = "missing-value"
    """A cell that the map needs, to name the resource, is empty."""
    UNMAPPED_VALUE = "unmapped-value"
    """A cell that the map's table of values does not list."""
    BAD_VALUE = "bad-value"
    """A cell that is not the number or the date that the map announces."""
    WRONG_UNIT = "wrong-unit"
    """A measurement in another unit than the map announces."""
    OUT_OF_RANGE = "out-of-range"
    """A number outside the range that the map announces: often another unit."""
    CONFLICTING_ROW = "conflicting-row"
    """Two rows of one CSV file give the same resource different contents."""
    INVALID_RESOURCE = "invalid-resource"
    """A resource that breaks the structure of FHIR R4."""
    NO_ID = "no-id"
    """A resource that has no id, and none can be made from what came with it."""
    UNSUPPORTED = "unsupported"
    """A bundle type, a request (deletion, patch) or an HL7 v2 event that we do not carry out."""
    UNRESOLVED_REFERENCE = "unresolved-reference"
    """A reference to another entry of the bundle that is not there."""
    FUTURE_DATE = "future-date"
    """A date of birth or of record later than the moment it was received."""
    BIRTH_DATE_CONFLICT = "birth-date-conflict"
    """A patient with another birth date than the one already known."""
    TRUNCATED = "truncated"
    """The file breaks off or is damaged, or a batch is not as long as it says; what came was taken in."""
    ERASED = "erased"
    """It was erased on request (or is about a patient who was); a person must allow it to come back."""
    DEFECT = "defect"
    """Vesalius itself failed on it: a mistake of ours, which the words place."""


class FaultError(Exception):
    """Something received cannot be taken in; never leaves this package.

    Args:
        cause: why, as a code.
        words: why, for people, without any value of a patient.
    """

    def __init__(self, cause: Cause, words: str) -> None:
        super().__init__(words)
        self.cause = cause
        self.words = words
