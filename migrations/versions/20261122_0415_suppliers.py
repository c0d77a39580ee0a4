"""Gateways as suppliers: their weights and pauses, how they have been, and an index to count creations by.

Kind: expand; code of 0005 lives beside it
Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import system_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suppliers",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("plans", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_failure", sa.String(), nullable=True),
        sa.Column("unwell_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("provider", "environment", name=op.f("pk_suppliers")),
    )
    system_table("suppliers")
    op.create_index(
        "ix_upstream_calls_creates", "upstream_calls", ["started_at"], postgresql_where=sa.text("method = 'create'")
    )


def downgrade() -> None:
    op.drop_index("ix_upstream_calls_creates", table_name="upstream_calls")
    op.drop_table("suppliers")
