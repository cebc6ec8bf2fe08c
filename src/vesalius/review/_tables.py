"""The tables of suggestions, decisions and outcomes."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

suggestion = sa.Table(
    "suggestion",
    metadata,
    sa.Column("id", sa.String(20), primary_key=True),
    sa.Column("usecase", sa.String(64), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("settings", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("focus", sa.String(128), nullable=False),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("option", sa.String(64), nullable=False),
    sa.Column("indicator", sa.String(16), nullable=False),
    sa.Column("urgency", sa.SmallInteger, nullable=False),
    sa.Column("priority", sa.Float, nullable=False),
    sa.Column("probability", sa.Float),
    sa.Column("mode", sa.String(8), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, default=0),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("deferred_until", Instant),
    sa.Column("closed_at", Instant),
    sa.Column("patient", sa.Text, nullable=False),
    sa.Column("birth_date", sa.String(10), nullable=False),
    sa.Column("ward", sa.Text, nullable=False),
    sa.Column("stay", sa.Text, nullable=False),
    sa.Column("search", sa.Text, nullable=False),
    # the number of the erasure that emptied it
    sa.Column("erased", sa.Integer),
    # when the monitoring counted it; empty as long as it has not
    sa.Column("tallied_at", Instant),
    sa.UniqueConstraint("usecase", "focus"),
)

# The body lies apart: a worklist reads thousands of rows and a page of bodies.
body = sa.Table(
    "suggestion_body",
    metadata,
    sa.Column("suggestion", sa.ForeignKey("suggestion.id"), primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

decision = sa.Table(
    "decision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("suggestion", sa.ForeignKey("suggestion.id"), nullable=False, index=True),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("option", sa.String(64), nullable=False),
    sa.Column("until", Instant),
    sa.Column("at", Instant, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Column("undone_by", sa.String(64)),
    sa.Index("ix_decision_by_at", "by", "at"),
)

outcome = sa.Table(
    "outcome",
    metadata,
    sa.Column("suggestion", sa.ForeignKey("suggestion.id"), primary_key=True),
    sa.Column("value", sa.Boolean, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("known_at", Instant, nullable=False),
    sa.Column("sources", sa.JSON, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    # when the monitoring counted it; empty as long as it has not
    sa.Column("tallied_at", Instant),
)

_rows = suggestion.c
# The order of the worklist, and the columns its facets and filters read, so neither touches the table.
_FILTERED = (_rows.usecase, _rows.indicator, _rows.ward, _rows.option, _rows.search)
_ORDER = (_rows.urgency, _rows.priority.desc(), _rows.as_of, _rows.id)
sa.Index("ix_suggestion_order", _rows.mode, _rows.status, *_ORDER, *_FILTERED)
sa.Index("ix_suggestion_facets", _rows.mode, _rows.status, *_FILTERED)
sa.Index("ix_suggestion_deferred", _rows.status, _rows.deferred_until)
sa.Index("ix_suggestion_subject", _rows.subject)
sa.Index("ix_suggestion_usecase_as_of", _rows.usecase, _rows.as_of)
_waiting = _rows.tallied_at.is_(None)
sa.Index("ix_suggestion_untallied", _rows.usecase, sqlite_where=_waiting, postgresql_where=_waiting)
_waiting = outcome.c.tallied_at.is_(None)
sa.Index("ix_outcome_untallied", outcome.c.suggestion, sqlite_where=_waiting, postgresql_where=_waiting)
sa.Index("ix_decision_at", decision.c.at)
sa.Index("ix_decision_undone_at", decision.c.undone_at)
