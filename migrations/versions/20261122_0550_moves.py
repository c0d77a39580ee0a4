"""Instances move to another gateway: how often they did, what they left behind, and sends that wait meanwhile.

Kind: expand; processes of 0007 know nothing of moves, so move nothing until they have ended
Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

from migrations.policies import tenant_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("instances", sa.Column("moves", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("instances", sa.Column("away_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("instances", sa.Column("remains_of", sa.Uuid(), nullable=True))
    op.add_column("instances", sa.Column("charged_through", sa.Date(), nullable=True))
    op.create_index(
        "ix_instances_remains_of",
        "instances",
        ["remains_of"],
        unique=False,
        postgresql_where=sa.text("remains_of is not null"),
    )
    op.create_table(
        "held_sends",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("instance_id", sa.Uuid(), nullable=False),
        sa.Column("send_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "instance_id"],
            ["instances.tenant_id", "instances.id"],
            name=op.f("fk_held_sends_tenant_id_instance_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "message_id", name=op.f("pk_held_sends")),
    )
    op.create_index("ix_held_sends_instance", "held_sends", ["tenant_id", "instance_id", "message_id"], unique=False)
    tenant_table("held_sends")


def downgrade() -> None:
    op.drop_index("ix_held_sends_instance", table_name="held_sends")
    op.drop_table("held_sends")
    op.drop_index("ix_instances_remains_of", table_name="instances", postgresql_where=sa.text("remains_of is not null"))
    for column in ("charged_through", "remains_of", "away_since", "moves"):
        op.drop_column("instances", column)
