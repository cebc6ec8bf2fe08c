"""The report as a file: HTML, PDF, the CHAI card as XML, or the document itself as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from vesalius.card import Card
from vesalius.errors import InvalidSetting
from vesalius.evaluation.reporting import chai
from vesalius.evaluation.reporting.compose import document, writer
from vesalius.evaluation.reporting.html import page
from vesalius.evaluation.reporting.pdf import pdf
from vesalius.evaluation.reporting.questions import Answer
from vesalius.evaluation.run import Run

FORMATS = ("html", "pdf", "xml", "json")
"""What a report can be."""


def render(
    kind: str,
    run: Run,
    card: Card,
    language: str,
    answers: Mapping[str, Answer] | None = None,
    *,
    own: bool | None = None,
    synthetic: bool = False,
) -> bytes:
    """A report as the bytes of a file; the same run, card and answers give the same bytes.

    Args:
        kind: one of :data:`FORMATS`.
        run: the figures.
        card: of the use case.
        language: fr, nl, de or en.
        answers: what people answered, by question.
        own: whether the model is one that the hospital learnt; None where that is not known.
        synthetic: whether the patients are made up.

    Raises:
        InvalidSetting: there is no such format or language.
    """
    if kind not in FORMATS:
        raise InvalidSetting(f"a report is no {kind}", hint=f"one of {', '.join(FORMATS)}")
    if kind == "xml":
        return chai.xml(writer(run, card, language, answers, own=own), synthetic=synthetic)
    made = document(run, card, language, answers, own=own, synthetic=synthetic)
    if kind == "json":
        return made.to_bytes()
    return pdf(made) if kind == "pdf" else page(made).encode()
