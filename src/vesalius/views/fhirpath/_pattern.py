"""Reads a regular expression (the common part of the PCRE syntax) into a small program of instructions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vesalius.errors import InvalidView

CHAR, SPLIT, JUMP, SAVE, AT, MATCH = range(6)
"""A character that passes a test, two ways, a jump, a group's edge, a condition on the place, the end."""
_LONGEST = 2_000
_LARGEST = 5_000
_DEEPEST = 40
_MANY = re.compile(r"\{(\d{1,4})(?:(,)(\d{0,4}))?\}")
_GROUP = re.compile(r"\?(?:P?<([A-Za-z_]\w*)>|:)")
_FLAGS = re.compile(r"\(\?([ims]{1,3})\)")
_INSIDE = re.compile(r"\$(?:(\d)|\{(\w+)\})")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0", "e": "\x1b", "a": "\a"}

Test = Callable[[str], bool]
Place = Callable[[str | None, str | None], bool]


def _digit(char: str) -> bool:
    return char.isdigit()


def _word(char: str | None) -> bool:
    return char is not None and (char.isalnum() or char == "_")


def _space(char: str) -> bool:
    return char.isspace()


_CLASSES: dict[str, Test] = {"d": _digit, "w": _word, "s": _space}
_START: Place = lambda before, _after: before is None  # noqa: E731
_END: Place = lambda _before, after: after is None  # noqa: E731
_LINE_START: Place = lambda before, _after: before is None or before == "\n"  # noqa: E731
_LINE_END: Place = lambda _before, after: after is None or after == "\n"  # noqa: E731
_EDGE: Place = lambda before, after: _word(before) is not _word(after)  # noqa: E731
_NO_EDGE: Place = lambda before, after: _word(before) is _word(after)  # noqa: E731
_PLACES: dict[str, Place] = {"b": _EDGE, "B": _NO_EDGE, "A": _START, "z": _END, "Z": _END}

Instruction = tuple[int, Any, int]


@dataclass
class Program:
    """The instructions of a pattern.

    Attributes:
        code: what to do, in order.
        groups: the names of its groups, empty for those without.
        looks: whether a condition on the place occurs.
    """

    code: list[Instruction] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    looks: bool = False

    def add(self, op: int, argument: Any = None, other: int = 0) -> int:
        """Appends an instruction; its place."""
        if len(self.code) >= _LARGEST:
            raise InvalidView("the regular expression is too large", hint="repeat less often")
        self.code.append((op, argument, other))
        return len(self.code) - 1

    def replacement(self, text: str) -> list[str | int]:
        """The parts of a replacement: texts, and numbers of groups.

        Raises:
            InvalidView: there is no such group.
        """
        parts: list[str | int] = []
        at = 0
        for match in _INSIDE.finditer(text):
            parts += [text[at : match.start()], self._group(match[1] or match[2])]
            at = match.end()
        return [*parts, text[at:]]

    def _group(self, name: str) -> int:
        number = int(name) if name.isdecimal() else self.groups.index(name) + 1 if name in self.groups else -1
        if not 0 <= number <= len(self.groups):
            raise InvalidView(f"the regular expression has no group {name}")
        return number


def read_pattern(pattern: str, flags: str = "") -> Program:
    """The program of a pattern.

    Raises:
        InvalidView: it cannot be read, it is too large, or it uses what we refuse; the message says where.
    """
    if len(pattern) > _LONGEST:
        raise InvalidView(f"the regular expression is longer than {_LONGEST} characters")
    if set(flags) - set("ims"):
        raise InvalidView("a regular expression takes the flags i and m")
    switched = _FLAGS.match(pattern)
    reader = _Reader(pattern, flags + switched[1] if switched else flags)
    reader.at = switched.end() if switched else 0
    reader.alternatives()
    if reader.at < len(pattern):
        raise reader.fault("a bracket too many")
    reader.program.add(MATCH)
    return reader.program


class _Reader:
    """One reading of one pattern; it writes the program as it goes."""

    def __init__(self, pattern: str, flags: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.depth = 0
        self.program = Program()
        self.ignore = "i" in flags
        self.lines = "m" in flags

    def fault(self, message: str) -> InvalidView:
        return InvalidView(f"cannot read the regular expression: {message}, at its character {self.at + 1}")

    @property
    def now(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def take(self) -> str:
        char = self.now
        if not char:
            raise self.fault("it ends too soon")
        self.at += 1
        return char

    def accept(self, char: str) -> bool:
        found = self.now == char
        self.at += found
        return found

    def alternatives(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fault("brackets too deep")
        code = self.program.code
        ends = []
        start = len(code)
        self.sequence()
        while self.accept("|"):
            # What was read becomes the first of two ways; it moves on by one to make room.
            self.insert(start, (SPLIT, start + 1, len(code) + 2))
            ends.append(self.program.add(JUMP))
            start = len(code)
            self.sequence()
        for end in ends:
            code[end] = (JUMP, None, len(code))
        self.depth -= 1

    def insert(self, place: int, instruction: Instruction) -> None:
        """Puts an instruction before what starts at ``place``."""
        self.program.add(JUMP)
        code = self.program.code
        moved = [_moved(each, place) for each in code[place:-1]]
        code[place:] = [instruction, *moved]

    def sequence(self) -> None:
        while self.now and self.now not in "|)":
            self.piece()

    def piece(self) -> None:
        start = len(self.program.code)
        self.atom()
        while bounds := self.bounds():
            greedy = not self.accept("?")
            self.accept("+")  # possessive: the same for us, as no way is tried twice
            self.repeat(start, *bounds, greedy)

    def bounds(self) -> tuple[int, int | None] | None:
        for mark, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.accept(mark):
                return bounds
        match = _MANY.match(self.pattern, self.at)
        if match is None:
            return None
        self.at = match.end()
        least = int(match[1])
        most = least if not match[2] else int(match[3]) if match[3] else None
        if most is not None and most < least:
            raise self.fault("the bounds are the wrong way round")
        return least, most

    def repeat(self, start: int, least: int, most: int | None, greedy: bool) -> None:
        """Writes the piece from ``start`` on as often as it may come."""
        code = self.program.code
        piece = [_moved(each, start, -start) for each in code[start:]]
        del code[start:]
        for _ in range(least):
            self.copy(piece)
        if most is None:
            split = self.program.add(SPLIT)
            self.copy(piece)
            self.program.add(JUMP, None, split)
            self.ways(split, greedy)
            return
        splits = []
        for _ in range(most - least):
            splits.append(self.program.add(SPLIT))
            self.copy(piece)
        for split in splits:
            self.ways(split, greedy)

    def copy(self, piece: list[Instruction]) -> None:
        base = len(self.program.code)
        for op, argument, other in piece:
            self.program.add(op, argument + base if op == SPLIT else argument, other + base)

    def ways(self, split: int, greedy: bool) -> None:
        inside, end = split + 1, len(self.program.code)
        self.program.code[split] = (SPLIT, inside, end) if greedy else (SPLIT, end, inside)

    def atom(self) -> None:
        char = self.take()
        if char == "(":
            self.group()
        elif char == "[":
            self.test(self.one_of())
        elif char == ".":
            self.program.add(CHAR, lambda _char: True)
        elif char in "^$":
            places = (_LINE_START, _LINE_END) if self.lines else (_START, _END)
            self.place(places[char == "$"])
        elif char == "\\":
            self.escape()
        elif char in "*+?":
            self.at -= 1
            raise self.fault("nothing to repeat")
        else:
            self.test(_only(char))

    def place(self, test: Place) -> None:
        self.program.looks = True
        self.program.add(AT, test)

    def test(self, test: Test) -> None:
        if self.ignore:
            self.program.add(CHAR, lambda char: test(char) or test(char.lower()) or test(char.upper()))
        else:
            self.program.add(CHAR, test)

    def group(self) -> None:
        match = _GROUP.match(self.pattern, self.at)
        if match is None and self.now == "?":
            raise self.fault("looking around and flags inside are not supported")
        self.at = match.end() if match else self.at
        slot = 0
        if match is None or match[1]:
            self.program.groups.append(match[1] if match else "")
            slot = 2 * len(self.program.groups)
            self.program.add(SAVE, slot)
        self.alternatives()
        if not self.accept(")"):
            raise self.fault("a bracket is not closed")
        if slot:
            self.program.add(SAVE, slot + 1)

    def escape(self) -> None:
        char = self.now
        if char in _PLACES and char:
            self.at += 1
            self.place(_PLACES[char])
        elif char.isdigit() and char != "0":
            raise self.fault("references back to a group are not supported")
        else:
            self.test(self.escaped())

    def escaped(self) -> Test:
        char = self.take()
        if char.lower() in _CLASSES:
            test = _CLASSES[char.lower()]
            return test if char.islower() else _no(test)
        if char in "pP":
            return self.category(negated=char == "P")
        if char in "xu":
            return _only(self.code_point(2 if char == "x" else 4))
        if char in _PLAIN:
            return _only(_PLAIN[char])
        if char.isalnum():
            raise self.fault(f"there is no escape \\{char}")
        return _only(char)

    def code_point(self, length: int) -> str:
        digits = self.pattern[self.at : self.at + length]
        if not re.fullmatch(f"[0-9A-Fa-f]{{{length}}}", digits):
            raise self.fault("expected the number of a character")
        self.at += length
        return chr(int(digits, 16))

    def category(self, negated: bool) -> Test:
        match = re.compile(r"\{([A-Z][a-z]?)\}").match(self.pattern, self.at)
        if match is None:
            raise self.fault("expected a category of Unicode, such as {L}")
        self.at = match.end()
        name = match[1]
        test: Test = lambda char: unicodedata.category(char).startswith(name)  # noqa: E731
        return _no(test) if negated else test

    def one_of(self) -> Test:
        negated = self.accept("^")
        tests: list[Test] = []
        first = True
        while first or self.now != "]":
            tests.append(self.member())
            first = False
        self.at += 1
        found: Test = lambda char: any(test(char) for test in tests)  # noqa: E731
        return _no(found) if negated else found

    def member(self) -> Test:
        """One character, one class or one range between square brackets."""
        start = self.bracketed()
        if not isinstance(start, str):
            return start
        if self.now != "-" or self.pattern[self.at + 1 : self.at + 2] in ("]", ""):
            return _only(start)
        self.at += 1
        end = self.bracketed()
        if not isinstance(end, str) or end < start:
            raise self.fault("the range is the wrong way round")
        return lambda char: start <= char <= end

    def bracketed(self) -> str | Test:
        char = self.take()
        if char != "\\":
            return char
        if self.now == "b":
            self.at += 1
            return "\b"
        test = self.escaped()
        return getattr(test, "char", test)


def _moved(instruction: Instruction, place: int, by: int = 1) -> Instruction:
    """The instruction with its jumps to ``place`` and beyond moved along."""
    op, argument, other = instruction
    if op == SPLIT:
        argument = argument + by if argument >= place else argument
    if op in (SPLIT, JUMP):
        other = other + by if other >= place else other
    return op, argument, other


class _Only:
    """The test for one character, which a range can start or end with."""

    def __init__(self, char: str) -> None:
        self.char = char

    def __call__(self, char: str) -> bool:
        return char == self.char


def _only(char: str) -> Test:
    return _Only(char)


def _no(test: Test) -> Test:
    return lambda char: not test(char)
