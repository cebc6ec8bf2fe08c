"""Regular expressions, safely."""

from __future__ import annotations

import re

from vesalius.errors import InvalidView


def _compiled(pattern: str, flags: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.DOTALL | (re.IGNORECASE if "i" in flags else 0))
    except re.error as error:
        raise InvalidView(f"cannot read the regular expression: {error}") from None


def matches(value: str, pattern: str, flags: str = "") -> bool:
    return bool(_compiled(pattern, flags).search(value))


def matches_full(value: str, pattern: str, flags: str = "") -> bool:
    return bool(_compiled(pattern, flags).fullmatch(value))


def replaced(value: str, pattern: str, new: str, flags: str = "") -> str:
    if not pattern:
        return value
    return _compiled(pattern, flags).sub(re.sub(r"\$(\d+)", r"\\g<\1>", new.replace("\\", "\\\\")), value)
