"""Grants and row policies, the same for every table."""

from alembic import op

TENANT = "(select nullif(current_setting('app.tenant_id', true), '')::uuid)"


def tenant_table(table: str, *, column: str = "tenant_id", grant: str = "select, insert, update, delete") -> None:
    """Give a table its row policy: the tenant's role sees the scope's rows, the system's role sees all."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f"create policy tenant_rows on {table} to sublet_app"
        f" using ({column} = {TENANT}) with check ({column} = {TENANT})"
    )
    op.execute(f"create policy system_rows on {table} to sublet_system using (true) with check (true)")
    op.execute(f"grant {grant} on {table} to sublet_app")
    op.execute(f"grant select, insert, update, delete on {table} to sublet_system")


def system_table(table: str) -> None:
    """A table that no tenant may see: only the system's role reaches it."""
    op.execute(f"grant select, insert, update, delete on {table} to sublet_system")
