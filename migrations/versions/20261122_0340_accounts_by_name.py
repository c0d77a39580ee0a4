"""An upstream account is named by a text, as not every gateway numbers its accounts; and where it is called. Findings
about accounts of two gateways may bear the same name.

Kind: expand; the numbers stay, kept equal by a trigger, until no process of 0003 runs any more
Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("instances", "findings")
OPEN = sa.text("closed_at is null")


def upgrade() -> None:
    op.execute(
        """
        create function keep_upstream_account() returns trigger language plpgsql as $$
        begin
            if tg_op = 'UPDATE' and new.upstream_account is not distinct from old.upstream_account then
                if new.upstream_id is distinct from old.upstream_id then
                    new.upstream_account := new.upstream_id::text;
                end if;
            elsif new.upstream_account is null and tg_op = 'INSERT' then
                new.upstream_account := new.upstream_id::text;
            else
                new.upstream_id := case when new.upstream_account ~ '^[1-9][0-9]{0,17}$'
                    then new.upstream_account::bigint end;
            end if;
            return new;
        end $$
        """
    )
    for table in TABLES:
        op.add_column(table, sa.Column("upstream_account", sa.String(), nullable=True))
        op.execute(f"update {table} set upstream_account = upstream_id::text")
        op.execute(
            f"create trigger {table}_upstream_account before insert or update on {table}"
            " for each row execute function keep_upstream_account()"
        )
    op.add_column("instances", sa.Column("upstream_url", sa.String(), nullable=True))
    op.drop_constraint(op.f("uq_instances_upstream"), "instances", type_="unique")
    op.create_unique_constraint(
        op.f("uq_instances_account"), "instances", ["provider", "environment", "upstream_account"]
    )
    op.drop_index("uq_findings_open", table_name="findings", postgresql_where=OPEN)
    op.create_index(
        "uq_findings_open",
        "findings",
        ["provider", "environment", "kind", "subject"],
        unique=True,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    op.execute(
        """
        update findings f set closed_at = now() where closed_at is null and exists (
            select from findings g where g.closed_at is null and g.id < f.id
                and (g.environment, g.kind, g.subject) = (f.environment, f.kind, f.subject)
        )
        """
    )
    op.drop_index("uq_findings_open", table_name="findings", postgresql_where=OPEN)
    op.create_index(
        "uq_findings_open", "findings", ["environment", "kind", "subject"], unique=True, postgresql_where=OPEN
    )
    op.drop_constraint(op.f("uq_instances_account"), "instances", type_="unique")
    op.create_unique_constraint(op.f("uq_instances_upstream"), "instances", ["provider", "environment", "upstream_id"])
    op.drop_column("instances", "upstream_url")
    for table in TABLES:
        op.execute(f"drop trigger {table}_upstream_account on {table}")
        op.drop_column(table, "upstream_account")
    op.execute("drop function keep_upstream_account()")
