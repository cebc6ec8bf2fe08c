"""The small languages of the mapping tables: FHIR paths, conditions, assignments, references.

They are parsed when the tables are compiled, and when a hospital's own rows are read; what comes out is plain
JSON values, which ``_plan`` turns into functions.
"""

from __future__ import annotations

import re
from typing import Any

from vesalius.errors import InvalidMap

Node = list[Any]

_PIECE = re.compile(r"(?:[^.()\[\]]|\[[^\]]*\])+|[\[\]]|\(")
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_STEP = re.compile(r"([A-Za-z_]\w*)?(?:\[([^\]]+)\])?")
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<ref>[A-Z][A-Z0-9]{1,2}[-.]\d+(?:\.\d+)*)"""
    r"""|(?P<word>[A-Za-z_.]+[A-Za-z0-9]*)|(?P<number>\d+)|(?P<sign><=|>=|[()=<>,]))""",
)
_NOISE = frozenset({"IF", "IS", "ARE", "TO", "DOES", "AREA", "ERROR"})


def path(text: str) -> list[Node]:
    """A FHIR path as steps: ``[name, index]``, or ``[">", type, index]`` into the resource referred to.

    ``$this`` and ``$value`` are no step at all: the value itself.

    >>> path("performer[2](PractitionerRole[1].organization(Organization))")
    [['performer', '2'], ['>', 'PractitionerRole', '1'], ['organization', ''], ['>', 'Organization', '']]

    Raises:
        InvalidMap: it is no such path.
    """
    if text in {"$this", "$value"}:
        return []
    steps: list[Node] = []
    into = False
    for piece in _PIECE.findall(text.replace(" ", "")):
        if piece == "(":
            into = True
            continue
        found = _STEP.fullmatch(piece)
        if not found or not piece:
            raise InvalidMap(f"{text!r} is not a path")
        name, index = found[1] or "", found[2] or ""
        steps.append([">", name, index] if into else [name, index])
        into = False
    if not steps:
        raise InvalidMap(f"{text!r} is not a path")
    return steps


def assignment(text: str) -> list[Node] | None:
    """What is assigned: pieces ``["text", …]`` and ``["ref", "XTN.5"]``; None where nothing is.

    >>> assignment('"+"+XTN.5')
    [['text', '+'], ['ref', 'XTN.5']]

    Raises:
        InvalidMap: it is neither a text nor a sum of texts and fields.
    """
    if not text:
        return None
    pieces: list[Node] = []
    for found in re.finditer(r'"([^"]*)"|([A-Z][A-Z0-9]{1,2}[-.]\d+(?:\.\d+)*)|([^\s+])', text):
        if found[3]:
            raise InvalidMap(f"{text!r} is not an assignment")
        pieces.append(["ref", _ref(found[2])] if found[2] else ["text", found[1]])
    return pieces


def references(text: str) -> list[Node]:
    """The references of a message table: ``[type, index, path, type, index]``, and constants.

    >>> references("Observation[2].subject.reference=Patient[1].id")
    [['Observation', '2', [['subject', '']], 'Patient', '1']]

    Raises:
        InvalidMap: it is not of this form.
    """
    found = []
    for piece in re.split(r"[;\s]+", text):
        if not piece:
            continue
        left, _, right = piece.partition("=")
        source = re.fullmatch(r"(\w+)(?:\[([^\]]+)\])?\.(.+)", left)
        target = re.fullmatch(r"(\w+)(?:\[([^\]]+)\])?(?:\.id)?", right)
        if not source or not (target or right.startswith('"')):
            raise InvalidMap(f"{piece!r} is not a reference")
        steps = path(re.sub(r"\.(reference|id)$", "", source[3]))
        if target:
            found.append([source[1], source[2] or "", steps, target[1], target[2] or ""])
        else:
            found.append([source[1], source[2] or "", steps, right])
    return found


def condition(text: str, field: str = "") -> Node | None:
    """A condition as a tree; None where there is none.

    Leaves are ``["valued", ref]``, ``["is", ref, texts]``, ``["longer", ref, n]``, ``["count", ref, sign,
    n]``; they are joined by ``["and", …]``, ``["or", …]`` and ``["not", x]``. A predicate without a field is
    about ``field``, that of its row.

    >>> condition('IF OBX-2 EQUALS "SN" AND OBX-5.3 NOT IN (":", "/")')
    ['and', ['is', 'OBX.2', ['SN']], ['not', ['is', 'OBX.5.3', [':', '/']]]]

    Raises:
        InvalidMap: it is not of this language.
    """
    return _Conditions(text, field).parsed() if text.strip() else None


class _Conditions:
    def __init__(self, text: str, field: str) -> None:
        self._text = text
        self._tokens = self._cut(text)
        self._subject = _ref(field) if field else ""

    def _cut(self, text: str) -> list[str]:
        tokens, place = [], 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if not found:
                raise InvalidMap(f"{text!r} is not a condition")
            place = found.end()
            token = found[0].strip()
            if found["text"]:
                tokens.append(f'"{token[1:-1]}')
            elif found["ref"]:
                tokens.append(f"@{_ref(token)}")
            elif token.upper() not in _NOISE:
                tokens.append(token.upper())
        return tokens

    def parsed(self) -> Node:
        tree = self._any()
        if self._tokens and set(self._tokens) != {")"}:
            raise InvalidMap(f"{self._text!r} is not a condition")
        return tree

    def _next(self, *wanted: str) -> str:
        return self._tokens.pop(0) if self._tokens and self._tokens[0] in wanted else ""

    def _any(self) -> Node:
        found = [self._all()]
        while self._next("OR"):
            found.append(self._all())
        return _joined("or", found)

    def _all(self) -> Node:
        found = [self._one()]
        while self._next("AND") or (self._tokens and self._tokens[0] not in {"OR", ")"}):
            found.append(self._one())
        return _joined("and", found)

    def _one(self) -> Node:
        if self._next("("):
            inside = self._any()
            self._next(")")
            return inside
        if self._tokens and self._tokens[0].startswith("@"):
            self._subject = self._tokens.pop(0)[1:]
            if not self._tokens or self._tokens[0] in {"AND", "OR"}:
                return ["bare", self._subject]
        elif (
            self._tokens
            and re.fullmatch(r"[A-Z][A-Z0-9]{2}", self._tokens[0])
            and self._tokens[0] not in _WORDS
        ):
            self._subject = self._tokens.pop(0)
        return self._predicate()

    def _predicate(self) -> Node:
        if self._next("NOT"):
            return ["not", self._predicate()]
        if self._next("VALUED", "VALUE", "EXIST"):
            return ["valued", self._subject]
        if self._next("EMPTY"):
            return ["not", ["valued", self._subject]]
        if self._next("LENGTH"):
            sign, number = self._compared()
            return ["longer", self._subject, number if sign == ">" else number - 1]
        if self._next("COUNT", "LST.COUNT"):
            return ["count", self._subject, *self._compared()]
        self._next("EQUALS", "EQUAL", "=", "IN")
        return ["is", self._subject, self._values()]

    def _compared(self) -> tuple[str, int]:
        word = self._next("GREATER", "LESS", "EQUALS", ">", "<", "=")
        self._next("THAN")
        also = bool(self._next("OR") and self._next("EQUALS"))
        sign = {"GREATER": ">", "LESS": "<", "EQUALS": "="}.get(word, word) + ("=" if also else "")
        if not sign or not self._tokens or not self._tokens[0].isdigit():
            raise InvalidMap(f"{self._text!r} compares with no number")
        return sign, int(self._tokens.pop(0))

    def _values(self) -> list[str]:
        many, found = bool(self._next("(")), []
        while self._tokens and self._tokens[0][0] in {'"', "@"}:
            token = self._tokens.pop(0)
            found.append(token if token[0] == "@" else token[1:])
            if not self._next(",") and not many:
                break
        if many:
            self._next(")")
        if not found:
            raise InvalidMap(f"{self._text!r} is not a condition")
        return found


_WORDS = frozenset({"NOT", "AND", "VALUED"})


def _joined(word: str, found: list[Node]) -> Node:
    """Joins conditions; a field without a predicate takes that of the next that has one."""
    for place in range(len(found) - 2, -1, -1):
        if found[place][0] == "bare":
            found[place] = _about(found[place + 1], found[place][1])
    if found[-1][0] == "bare":
        found[-1] = ["valued", found[-1][1]]
    return found[0] if len(found) == 1 else [word, *found]


def _about(node: Node, subject: str) -> Node:
    return ["not", _about(node[1], subject)] if node[0] == "not" else [node[0], subject, *node[2:]]


def _ref(text: str) -> str:
    return text.replace("-", ".")
