"""The sheet for a patient."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class ExplanationPage:
    """``/suggestions/{id}/explanation``: the sheet for the patient, to read together, print or take away.

    Attributes:
        id: of the suggestion.
        title: of the sheet, in its language.
        language: of the sheet.
        languages: the code and the name of each language it can be made in.
        fragment: the sheet, as HTML.
    """

    id: str
    title: str
    language: str
    languages: tuple[tuple[str, str], ...]
    fragment: Markup
