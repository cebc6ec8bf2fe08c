"""A page about a table that was made anonymous, for the data protection officer."""

from vesalius.evaluation.anonymity.report import document, page

__all__ = ["document", "page"]
