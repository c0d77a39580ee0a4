"""The drop-in face's lines and queue, uploads, partner tokens, call records, quota leases; likeness of messages.

Kind: expand; code of 0002 lives beside it
Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.policies import tenant_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "partner_tokens",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last4", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_partner_tokens_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_partner_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_partner_tokens_token_hash")),
    )
    op.create_table(
        "gateway_calls",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("face", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_gateway_calls_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_gateway_calls")),
    )
    op.create_index("ix_gateway_calls_called_at", "gateway_calls", ["called_at"], unique=False)
    op.create_index("ix_gateway_calls_instance", "gateway_calls", ["tenant_id", "instance_id", "id"], unique=False)
    op.create_table(
        "lines",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=7700000001), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("webhook_url", sa.String(), nullable=False),
        sa.Column("webhook_token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("settings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("push_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("push_failures", sa.Integer(), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quota_told", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_lines_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "instance_id", name=op.f("pk_lines")),
        sa.UniqueConstraint("number", name=op.f("uq_lines_number")),
    )
    op.create_table(
        "quota_leases",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("period_on", sa.Date(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_quota_leases_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "instance_id", "metric", "period_on", "holder", name=op.f("pk_quota_leases")
        ),
    )
    op.create_index("ix_quota_leases_expires_at", "quota_leases", ["expires_at"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("link_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_uploads_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_uploads")),
    )
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"], unique=False)
    op.create_index("ix_uploads_instance", "uploads", ["tenant_id", "instance_id"], unique=False)
    op.create_table(
        "kept_notices",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("receipt", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["lines.tenant_id", "lines.instance_id"],
            name=op.f("fk_kept_notices_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "instance_id", "receipt", name=op.f("pk_kept_notices")),
    )
    op.create_index("ix_kept_notices_created_at", "kept_notices", ["created_at"], unique=False)
    op.add_column("messages", sa.Column("likeness", sa.String(), nullable=True))
    op.create_index(
        "ix_messages_early", "messages", ["created_at"], unique=False, postgresql_where=sa.text("direction = 'early'")
    )
    op.add_column("messages", sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("messages", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "subscriptions", sa.Column("limits", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.execute(
        "update messages set likeness = content ->> 'text' where kind = 'text' and status in ('sending', 'unknown')"
    )
    for table in ("gateway_calls", "kept_notices", "lines", "partner_tokens", "quota_leases", "uploads"):
        tenant_table(table)


def downgrade() -> None:
    op.drop_column("subscriptions", "limits")
    op.drop_index("ix_messages_early", table_name="messages", postgresql_where=sa.text("direction = 'early'"))
    op.drop_column("messages", "deleted_at")
    op.drop_column("messages", "edited_at")
    op.drop_column("messages", "likeness")
    op.drop_index("ix_kept_notices_created_at", table_name="kept_notices")
    op.drop_table("kept_notices")
    op.drop_index("ix_uploads_instance", table_name="uploads")
    op.drop_index("ix_uploads_expires_at", table_name="uploads")
    op.drop_table("uploads")
    op.drop_index("ix_quota_leases_expires_at", table_name="quota_leases")
    op.drop_table("quota_leases")
    op.drop_table("lines")
    op.drop_index("ix_gateway_calls_instance", table_name="gateway_calls")
    op.drop_index("ix_gateway_calls_called_at", table_name="gateway_calls")
    op.drop_table("gateway_calls")
    op.drop_table("partner_tokens")
