"""The validation report: one document, every figure with its origin, as HTML, PDF, XML and JSON."""

from vesalius.evaluation.reporting.chai import xml
from vesalius.evaluation.reporting.compose import document, kept, owned, questionnaire, writer
from vesalius.evaluation.reporting.document import Document, Question
from vesalius.evaluation.reporting.files import FORMATS, render
from vesalius.evaluation.reporting.html import fragment, page, report, stylesheet
from vesalius.evaluation.reporting.names import group_name, naming
from vesalius.evaluation.reporting.pdf import pdf
from vesalius.evaluation.reporting.questions import QUESTIONS, Answer, Asking, question
from vesalius.evaluation.reporting.tripod import ITEMS

__all__ = [
    "FORMATS",
    "ITEMS",
    "QUESTIONS",
    "Answer",
    "Asking",
    "Document",
    "Question",
    "document",
    "fragment",
    "group_name",
    "kept",
    "naming",
    "owned",
    "page",
    "pdf",
    "question",
    "questionnaire",
    "render",
    "report",
    "stylesheet",
    "writer",
    "xml",
]
