"""Who cares for whom, and who broke the glass."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Who cares for whom, and who broke the glass."""
    op.create_table(
        "care_glass",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("ward", sa.String(length=160), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("erased", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_glass")),
    )
    op.create_index(op.f("ix_care_glass_at"), "care_glass", ["at"], unique=False)
    op.create_index(op.f("ix_care_glass_patient"), "care_glass", ["patient"], unique=False)
    op.create_index("ix_care_glass_person_until", "care_glass", ["person", "until"], unique=False)
    op.create_table(
        "care_place",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("within", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("code", sa.String(length=160), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_place")),
    )
    op.create_index(op.f("ix_care_place_code"), "care_place", ["code"], unique=False)
    op.create_index(op.f("ix_care_place_name"), "care_place", ["name"], unique=False)
    op.create_index(op.f("ix_care_place_within"), "care_place", ["within"], unique=False)
    op.create_table(
        "care_progress",
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("type", name=op.f("pk_care_progress")),
    )
    op.create_table(
        "care_relation",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("erased", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_relation")),
    )
    op.create_index(op.f("ix_care_relation_patient"), "care_relation", ["patient"], unique=False)
    op.create_index("ix_care_relation_person_ends", "care_relation", ["person", "ends"], unique=False)
    op.create_table(
        "care_stay",
        sa.Column("encounter", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("patient", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=160), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("encounter", "place", name=op.f("pk_care_stay")),
    )
    op.create_index("ix_care_stay_patient", "care_stay", ["patient", "unit", "ends", "begins"], unique=False)
    op.create_index(
        "ix_care_stay_unit_ends", "care_stay", ["unit", "ends", "begins", "patient"], unique=False
    )
    op.create_table(
        "person_unit",
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=160), nullable=False),
        sa.PrimaryKeyConstraint("person", "unit", name=op.f("pk_person_unit")),
    )
    op.create_table(
        "care_glass_review",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("glass", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["glass"], ["care_glass.id"], name=op.f("fk_care_glass_review_glass")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_glass_review")),
    )
    op.create_index(op.f("ix_care_glass_review_glass"), "care_glass_review", ["glass"], unique=False)
    # Who treated before there were units goes on seeing whom they saw, until somebody says where they belong.
    op.execute("INSERT INTO person_unit (person, unit) SELECT id, '*' FROM person")
