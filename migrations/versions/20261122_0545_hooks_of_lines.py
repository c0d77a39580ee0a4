"""Webhooks in Whapi's shape: a line's settings of them, the hooks themselves, and what is kept for each.

Kind: expand; code of 0006 lives beside it
Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import tenant_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "lines",
        sa.Column("channel_settings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    )
    op.create_table(
        "line_hooks",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("events", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("headers_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("max_age_seconds", sa.Integer(), nullable=True),
        sa.Column("push_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("push_failures", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["lines.tenant_id", "lines.instance_id"],
            name=op.f("fk_line_hooks_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_line_hooks")),
    )
    op.create_index("ix_line_hooks_instance", "line_hooks", ["tenant_id", "instance_id", "position"], unique=False)
    op.create_table(
        "hook_notices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("hook_id", sa.Uuid(), nullable=False),
        sa.Column("receipt", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("verb", sa.String(), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "hook_id"],
            ["line_hooks.tenant_id", "line_hooks.id"],
            name=op.f("fk_hook_notices_tenant_id_hook_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "hook_id", "receipt", name=op.f("pk_hook_notices")),
    )
    op.create_index("ix_hook_notices_created_at", "hook_notices", ["created_at"], unique=False)
    for table in ("line_hooks", "hook_notices"):
        tenant_table(table)


def downgrade() -> None:
    op.drop_index("ix_hook_notices_created_at", table_name="hook_notices")
    op.drop_table("hook_notices")
    op.drop_index("ix_line_hooks_instance", table_name="line_hooks")
    op.drop_table("line_hooks")
    op.drop_column("lines", "channel_settings")
