"""Regular expressions whose time grows with the text alone, whatever the pattern.

Python's own ``re`` tries one way after another and can take for ever on a pattern such as ``(a+)+$``; nor can
it be stopped. Patterns come from whoever writes a view, so ours run all ways side by side (Thompson 1968;
Cox, Regular Expression Matching Can Be Simple And Fast, 2007): at most text times pattern steps, and a bound
on that product. What cannot run so, references back and looking around, is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._pattern import (
    CHAR,
    JUMP,
    MATCH,
    SAVE,
    SPLIT,
    Instruction,
    Program,
    read_pattern,
)

_LONGEST = 5_000_000
"""Characters of a text."""
_MOST_STEPS = 3_000_000
"""Steps that are new, each counted as if it used the whole pattern: seconds at the very worst."""
_MOST_FOLLOWED = 200_000
"""Ways followed where groups are kept, which takes longer."""
_MOST_KEPT = 20_000
"""Steps that a pattern remembers; then it forgets them all."""

_Key = tuple[frozenset[int], str | None, str | None]


def matches(value: str, pattern: str, flags: str = "") -> bool:
    """Whether the pattern matches a part of the text.

    Args:
        value: the text.
        pattern: the regular expression; a dot is any character, also the end of a line.
        flags: ``i`` to ignore case, ``m`` for ``^`` and ``$`` at each line.

    Raises:
        InvalidView: the pattern cannot be read, or the work is too much.
    """
    return _automaton(pattern, flags).finds(value, anywhere=True)


def matches_full(value: str, pattern: str, flags: str = "") -> bool:
    """Whether the pattern matches the whole text: see :func:`matches`."""
    return _automaton(pattern, flags).finds(value, anywhere=False)


def replaced(value: str, pattern: str, new: str, flags: str = "") -> str:
    """The text with each match of the pattern replaced; ``$1`` or ``${name}`` stands for a group.

    Raises:
        InvalidView: as :func:`matches`, or the replacement names a group that there is not.
    """
    if not pattern:
        return value
    automaton = _automaton(pattern, flags)
    parts = automaton.program.replacement(new)
    found, at = [], 0
    budget = _Budget()
    while at <= len(value):
        spans = automaton.next_match(value, at, budget)
        if spans is None:
            break
        start, end = spans[0] or 0, spans[1] or 0
        found.append(value[at:start])
        found += [part if isinstance(part, str) else _group(value, spans, part) for part in parts]
        if end == start:
            found.append(value[start : start + 1])
            end += 1
        at = end
    return "".join(found) + value[at:]


def _group(value: str, spans: Sequence[int | None], group: int) -> str:
    start, end = spans[2 * group], spans[2 * group + 1]
    return "" if start is None or end is None else value[start:end]


@lru_cache(maxsize=256)
def _automaton(pattern: str, flags: str) -> _Automaton:
    return _Automaton(read_pattern(pattern, flags))


def _ways(instruction: Instruction, at: int, before: str | None, after: str | None) -> tuple[int, ...]:
    """Where an instruction that takes no character leads."""
    op, argument, other = instruction
    if op == SPLIT:
        return argument, other
    if op == JUMP:
        return (other,)
    return (at + 1,) if op == SAVE or argument(before, after) else ()


class _Automaton:
    """A pattern at work; it keeps the steps it has taken, since texts have few different characters."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._kept: dict[_Key, tuple[bool, frozenset[int]]] = {}

    def finds(self, value: str, anywhere: bool) -> bool:
        """Whether there is a match in the text, or of all of it."""
        if len(value) > _LONGEST:
            raise InvalidView(
                f"a text of more than {_LONGEST:,} characters is too long for a regular expression"
            )
        spent = 0
        start = frozenset((0,))
        state, before = start, None
        looks = self.program.looks
        for after in (*value, None):
            key = (state, before if looks else None, after)
            step = self._kept.get(key)
            if step is None:
                step = self._step(key)
                spent += len(self.program.code)
                if spent > _MOST_STEPS:
                    raise InvalidView("the text is too long for a regular expression of this size")
            matched, state = step
            if matched and (anywhere or after is None):
                return True
            if anywhere:
                state = state if 0 in state else state | start
            elif not state:
                return False
            before = after
        return False

    def _step(self, key: _Key) -> tuple[bool, frozenset[int]]:
        """Whether the state has matched before the next character, and the state after it."""
        state, before, after = key
        code = self.program.code
        matched, reached = False, []
        seen, todo = set(state), list(state)
        while todo:
            at = todo.pop()
            op, argument, _ = code[at]
            if op == MATCH:
                matched = True
            elif op == CHAR:
                if after is not None and argument(after):
                    reached.append(at + 1)
            else:
                new = [way for way in _ways(code[at], at, before, after) if way not in seen]
                seen.update(new)
                todo += new
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = found = (matched, frozenset(reached))
        return found

    def next_match(self, value: str, start: int, budget: _Budget) -> list[int | None] | None:
        """The groups of the first match from ``start`` on, the whole match first, as pairs of places."""
        width = 2 * (len(self.program.groups) + 1)
        empty: tuple[int | None, ...] = (None,) * width
        threads: list[tuple[int, tuple[int | None, ...]]] = []
        best: tuple[int | None, ...] | None = None
        for place in range(start, len(value) + 1):
            before = value[place - 1] if place else None
            after = value[place] if place < len(value) else None
            if best is None:
                threads.append((0, (place, *empty[1:])))
            elif not threads:
                break
            done, threads = self._advance(threads, place, before, after)
            budget.spend(len(threads) + 1)
            best = done or best
        return None if best is None else list(best)

    def _advance(
        self,
        threads: list[tuple[int, tuple[int | None, ...]]],
        place: int,
        before: str | None,
        after: str | None,
    ) -> tuple[tuple[int | None, ...] | None, list[tuple[int, tuple[int | None, ...]]]]:
        """One character further: the match that comes first of all ways, if any, and the ways still open."""
        code = self.program.code
        seen: set[int] = set()
        found: list[tuple[int, tuple[int | None, ...]]] = []
        todo = threads[::-1]
        while todo:
            at, groups = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            op, argument, other = code[at]
            if op == MATCH:
                return (groups[0], place, *groups[2:]), found
            if op == CHAR:
                if after is not None and argument(after):
                    found.append((at + 1, groups))
            elif op == SPLIT:
                todo += [(other, groups), (argument, groups)]
            elif op == SAVE:
                todo.append((at + 1, (*groups[:argument], place, *groups[argument + 1 :])))
            elif op == JUMP:
                todo.append((other, groups))
            elif argument(before, after):
                todo.append((at + 1, groups))
        return None, found


class _Budget:
    """The steps that one replacement may still take, over all its matches."""

    def __init__(self) -> None:
        self.left = _MOST_FOLLOWED

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise InvalidView("the text is too long for a regular expression of this size")
