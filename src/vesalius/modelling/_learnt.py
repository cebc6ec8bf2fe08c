"""What every kind of model has: its inputs, its prediction sets, and a file that is its identity."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidModel
from vesalius.modelling import _columns, _file
from vesalius.modelling._arithmetic import Floats
from vesalius.modelling._columns import Kind
from vesalius.modelling.scores import Conformal, Facts

if TYPE_CHECKING:
    import pyarrow as pa


class Part(Protocol):
    """One input, as a kind of model describes it."""

    @property
    def input(self) -> str:
        """The name of the column."""

    @property
    def kind(self) -> Kind:
        """Of the input."""

    @property
    def levels(self) -> tuple[str, ...]:
        """Of a category or a grade, the values; of a boolean, ``false`` and ``true``."""


class Learnt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """A model of any kind.

    Attributes:
        SCHEMA: the version of its file format; a reader refuses any other.
        conformal: the thresholds of the prediction set.
        facts: how it was trained.
    """

    SCHEMA: ClassVar[str]

    conformal: Conformal
    facts: Facts

    @property
    def parts(self) -> Sequence[Part]:
        """One per input."""
        raise NotImplementedError

    def check(self) -> None:
        """Refuses what does not fit together.

        Raises:
            InvalidModel: the message says what.
        """
        names = self.inputs
        if len(set(names)) != len(names) or not names:
            raise InvalidModel("the model has no input, or one twice")
        if wrong := self.conformal.wrong({part.input: part.levels for part in self.parts}):
            raise InvalidModel(f"the prediction sets do not fit the model: {wrong}")

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of the model's file: its identity."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the columns it reads."""
        return tuple(part.input for part in self.parts)

    def kind_of(self, name: str) -> Kind:
        """The kind of an input."""
        return self.parts[self.inputs.index(name)].kind

    def to_bytes(self) -> bytes:
        """The file: canonical JSON (sorted keys, no spaces) that holds its own check sum."""
        return _file.written(self, self.SCHEMA)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Reads a file; whatever is wrong with it, nothing is run and nothing is guessed.

        Raises:
            InvalidModel: too large, not JSON, another schema, damaged, or parts that do not fit together.
        """
        model = _file.read(raw, cls, cls.SCHEMA)
        model.check()
        return model

    def _coded(self, table: pa.Table) -> list[Floats]:
        """Per input, N numbers; of a level its place, and not a number where it is missing."""
        return [_columns.read(table, part.input, part.kind).coded(part.levels) for part in self.parts]

    def _allowed(self, logits: Floats, columns: Sequence[Floats] | Floats) -> npt.NDArray[np.bool_]:
        """N × 2: whether False, and True, cannot be excluded."""
        by = self.conformal.by
        if not by:
            return self.conformal.allowed(logits)
        place = self.inputs.index(by)
        return self.conformal.allowed(logits, self.parts[place].levels, columns[place])
