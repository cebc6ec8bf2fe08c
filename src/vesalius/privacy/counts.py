"""Telling how many people something is about, without saying it of so few that one of them is known.

A count of people that leaves the hospital, or is shown to many, is told as it is from :data:`SMALLEST` on; of
fewer it is only said that they are fewer. Nobody at all is told as nobody: that names nobody.
"""

from __future__ import annotations

SMALLEST = 12
"""The least number of people that is told as it is.

A risk of at most 0.09 that one of them is recognised, as for data that the public sees (European Medicines
Agency, EMA/90915/2016, guidance on Policy 0070, 5.4; see ``docs/engineer/anonymisation.md``).
"""


def small(count: int) -> bool:
    """Whether a count of people is too small to be told.

    >>> [count for count in (0, 1, 11, 12) if small(count)]
    [1, 11]
    """
    return 0 < count < SMALLEST


def told(count: int) -> str:
    """A count of people as it may be told: itself, or that it is below :data:`SMALLEST`.

    >>> [told(count) for count in (0, 3, 57)]
    ['0', '<12', '57']
    """
    return f"<{SMALLEST}" if small(count) else str(count)
