"""The ledger keeps its own rules: entries of a transaction sum to zero, and history is never changed.

Kind: expand
Revision: 0002, after 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create function ledger_is_balanced() returns trigger language plpgsql as $$
        begin
            if (select coalesce(sum(days), 0) from ledger_entries
                where tenant_id = new.tenant_id and transaction_id = new.transaction_id) <> 0 then
                raise exception 'ledger transaction % does not sum to zero', new.transaction_id
                    using errcode = 'check_violation', constraint = 'ck_ledger_entries_balanced';
            end if;
            return null;
        end $$
        """
    )
    op.execute(
        """
        create constraint trigger ledger_entries_balanced after insert on ledger_entries
        deferrable initially deferred for each row execute function ledger_is_balanced()
        """
    )
    op.execute(
        """
        create function ledger_is_history() returns trigger language plpgsql as $$
        begin
            raise exception 'the ledger is append-only'
                using errcode = 'check_violation', constraint = 'ck_ledger_append_only';
        end $$
        """
    )
    for table in ("ledger_transactions", "ledger_entries"):
        op.execute(
            f"create trigger {table}_history before update or delete on {table}"
            " for each row execute function ledger_is_history()"
        )
        op.execute(
            f"create trigger {table}_no_truncate before truncate on {table}"
            " for each statement execute function ledger_is_history()"
        )


def downgrade() -> None:
    for table in ("ledger_transactions", "ledger_entries"):
        op.execute(f"drop trigger {table}_no_truncate on {table}")
        op.execute(f"drop trigger {table}_history on {table}")
    op.execute("drop trigger ledger_entries_balanced on ledger_entries")
    op.execute("drop function ledger_is_history()")
    op.execute("drop function ledger_is_balanced()")
