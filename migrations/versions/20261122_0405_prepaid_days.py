"""Days that are paid beforehand: accounts, extensions, pools and what they held.

Kind: expand; processes of 0004 go on charging prepaid instances by existence until they end
Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

from migrations.policies import system_table, tenant_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("instances", sa.Column("upstream_funded_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "prepaid_accounts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("gift_days", sa.Integer(), nullable=False),
        sa.Column("put_days", sa.Integer(), nullable=False),
        sa.Column("used_days", sa.Integer(), nullable=False),
        sa.Column("back_days", sa.Integer(), nullable=False),
        sa.Column("live_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_prepaid_accounts_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "instance_id", name=op.f("pk_prepaid_accounts")),
        sa.UniqueConstraint(
            "provider", "environment", "account", name=op.f("uq_prepaid_accounts_provider_environment_account")
        ),
    )
    op.create_index(
        "ix_prepaid_accounts_open",
        "prepaid_accounts",
        ["provider", "environment"],
        unique=False,
        postgresql_where=sa.text("settled_at is null"),
    )
    op.create_table(
        "extensions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("before_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_extensions_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_extensions")),
        sa.UniqueConstraint("comment", name=op.f("uq_extensions_comment")),
    )
    op.create_index(
        "uq_extensions_open",
        "extensions",
        ["tenant_id", "instance_id"],
        unique=True,
        postgresql_where=sa.text("finished_at is null"),
    )
    op.create_index(
        "ix_extensions_refused",
        "extensions",
        ["tenant_id", "instance_id", "finished_at"],
        unique=False,
        postgresql_where=sa.text("state = 'refused'"),
    )
    op.create_table(
        "pools",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("low_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("empty_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("provider", "environment", name=op.f("pk_pools")),
    )
    op.create_table(
        "pool_readings",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "environment", "read_at", name=op.f("pk_pool_readings")),
    )
    for table in ("prepaid_accounts", "extensions"):
        tenant_table(table, grant="select")
    for table in ("pools", "pool_readings"):
        system_table(table)


def downgrade() -> None:
    op.drop_table("pool_readings")
    op.drop_table("pools")
    op.drop_index("ix_extensions_refused", table_name="extensions", postgresql_where=sa.text("state = 'refused'"))
    op.drop_index("uq_extensions_open", table_name="extensions", postgresql_where=sa.text("finished_at is null"))
    op.drop_table("extensions")
    op.drop_index(
        "ix_prepaid_accounts_open", table_name="prepaid_accounts", postgresql_where=sa.text("settled_at is null")
    )
    op.drop_table("prepaid_accounts")
    op.drop_column("instances", "upstream_funded_until")
