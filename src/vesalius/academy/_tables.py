"""The tables of the academy. Nothing in them is about a patient."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.store import Instant, metadata

record = sa.Table(
    "academy_record",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("person", sa.String(64), nullable=False, index=True),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("course", sa.String(80), nullable=False, index=True),
    sa.Column("system", sa.String(64), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("part", sa.String(8), nullable=False),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("course_hash", sa.String(64), nullable=False),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("right", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("valid_until", Instant, nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("content", sa.String(64), nullable=False),
)

# How often a person tried, never what they answered.
attempt = sa.Table(
    "academy_attempt",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("course", sa.String(80), nullable=False),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("part", sa.String(8), nullable=False),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("right", sa.Integer, nullable=False),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("content", sa.String(64), nullable=False),
    sa.Index("ix_academy_attempt_person_course", "person", "course"),
)

# Which questions are hard, of all people together: what to explain better.
answer = sa.Table(
    "academy_answer",
    metadata,
    sa.Column("course", sa.String(80), primary_key=True),
    sa.Column("version", sa.String(32), primary_key=True),
    sa.Column("question", sa.String(64), primary_key=True),
    sa.Column("answer", sa.String(16), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)

progress = sa.Table(
    "academy_progress",
    metadata,
    sa.Column("person", sa.String(64), primary_key=True),
    sa.Column("course", sa.String(80), primary_key=True),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("page", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

# What the card said in each version that somebody passed, so that the next one can say what changed.
edition = sa.Table(
    "academy_edition",
    metadata,
    sa.Column("course", sa.String(80), primary_key=True),
    sa.Column("version", sa.String(32), primary_key=True),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
