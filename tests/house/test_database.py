"""The house about its database: row policies, keys, roles, drift, the way up and down."""

import asyncpg
import pytest

from app import migrate
from dev import database as databases
from dev.postgres import PostgresServer

TENANT = "00000000-0000-0000-0000-0000000000aa"
NOT_A_TENANTS = {
    "alembic_version",
    "email_codes",
    "findings",
    "operator_keys",
    "suppliers",
    "pool_readings",
    "pools",
    "users",
}
WORK_OF_NO_TENANT = {"work"}

RLS_MISSING = """
    select c.relname from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
      and (not c.relrowsecurity or not c.relforcerowsecurity
           or not exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polcmd = '*'))
"""
KEY_NOT_LED_BY_TENANT = """
    select c.relname from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
    where c.relnamespace = 'public'::regnamespace and k.conkey[1] <> a.attnum
"""
FOREIGN_KEY_WITHOUT_TENANT = """
    select con.conname from pg_constraint con where con.contype = 'f'
      and exists (select 1 from pg_attribute a where a.attrelid = con.conrelid and a.attname = 'tenant_id')
      and exists (select 1 from pg_attribute a where a.attrelid = con.confrelid and a.attname = 'tenant_id')
      and not exists (
          select 1 from unnest(con.conkey, con.confkey) k(c, f)
          join pg_attribute x on x.attrelid = con.conrelid and x.attnum = k.c and x.attname = 'tenant_id'
          join pg_attribute y on y.attrelid = con.confrelid and y.attnum = k.f and y.attname = 'tenant_id')
"""
STRONG_ROLES = """
    select rolname from pg_roles where rolname in ('sublet_app', 'sublet_system')
      and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)
"""
OWNED_BY_APP = """
    select c.relname from pg_class c join pg_roles r on r.oid = c.relowner
    where r.rolname in ('sublet_app', 'sublet_system')
"""
OWNERS_VIEWS = """
    select relname from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace
      and not coalesce('security_invoker=true' = any(reloptions) or 'security_invoker=on' = any(reloptions), false)
"""


async def names(admin: asyncpg.Connection, query: str) -> set[str]:
    """The first column."""
    return {row[0] for row in await admin.fetch(query)}


async def test_every_tenant_table_has_a_forced_row_policy(admin: asyncpg.Connection) -> None:
    assert await names(admin, RLS_MISSING) == set()


async def test_tables_without_a_tenant_are_known(admin: asyncpg.Connection) -> None:
    query = """select c.relname from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
               and not c.relrowsecurity"""
    assert await names(admin, query) == NOT_A_TENANTS


async def test_the_tenants_role_reaches_no_table_that_is_nobodys(admin: asyncpg.Connection) -> None:
    for table in NOT_A_TENANTS - {"alembic_version"}:
        assert not await admin.fetchval("select has_table_privilege('sublet_app', $1, 'select')", table), table


async def test_the_tenant_leads_every_primary_key(admin: asyncpg.Connection) -> None:
    assert await names(admin, KEY_NOT_LED_BY_TENANT) == WORK_OF_NO_TENANT


async def test_foreign_keys_between_tenant_tables_carry_the_tenant(admin: asyncpg.Connection) -> None:
    assert await names(admin, FOREIGN_KEY_WITHOUT_TENANT) == set()


async def test_the_apps_roles_are_weak_and_own_nothing(admin: asyncpg.Connection) -> None:
    assert await names(admin, STRONG_ROLES) == set()
    assert await names(admin, OWNED_BY_APP) == set()
    assert await names(admin, OWNERS_VIEWS) == set()


async def test_a_planted_fault_is_found(admin: asyncpg.Connection) -> None:
    """The checks above are themselves checked: each query finds its fault and nothing else."""
    transaction = admin.transaction()
    await transaction.start()
    try:
        await admin.execute("create table planted (id uuid primary key, tenant_id uuid, instance_id uuid)")
        await admin.execute(
            "alter table planted add constraint planted_fk foreign key (instance_id) references instances (id)"
        )
        await admin.execute("create view planted_view as select * from instances")
        assert await names(admin, RLS_MISSING) == {"planted"}
        assert "planted" in await names(admin, KEY_NOT_LED_BY_TENANT)
        assert await names(admin, FOREIGN_KEY_WITHOUT_TENANT) == {"planted_fk"}
        assert await names(admin, OWNERS_VIEWS) == {"planted_view"}
    finally:
        await transaction.rollback()


async def test_without_a_tenant_the_apps_role_sees_and_writes_nothing(dsns: databases.Dsns, clean: None) -> None:
    app = await asyncpg.connect(databases.plain(dsns.app))
    try:
        assert await app.fetchval("select count(*) from instances") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(
                "insert into event_sequences(tenant_id, stream_id, last) values ($1, $1, 1)",
                "00000000-0000-0000-0000-000000000001",
            )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("create table mine (id int)")
    finally:
        await app.close()


def test_the_tables_are_what_the_code_says(dsns: databases.Dsns) -> None:
    migrate.check(dsns.owner)


def test_one_line_of_history() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory.from_config(migrate.config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def test_up_down_up_on_a_filled_database(postgres: PostgresServer) -> None:
    made = databases.prepare(postgres.admin_dsn, "up_down_up")
    try:
        migrate.upgrade(made.owner)
        fill(made)
        migrate.downgrade(made.owner, "base")
        migrate.upgrade(made.owner)
        migrate.check(made.owner)
    finally:
        databases.drop(made)


ACCOUNTS = (
    "insert into instances(tenant_id, id, name, environment, provider, status, connection, wanted, metadata, tag,"
    " upstream_account, hook_token_sealed, hook_token_hash, create_attempts, created_at, version)"
    " select tenants.id, ('00000000-0000-0000-0000-00000000000' || place)::uuid, account, 'live', provider, 'active',"
    " 'connected', true, '{}', account, account, '', '', 1, now(), 1 from tenants, (values"
    " (1, 'green_api', '1101'), (2, 'whapi', 'CAT-1'), (3, 'other', '7'), (4, 'other', '007')"
    ") as v(place, provider, account)",
    "insert into findings(id, environment, provider, kind, subject, upstream_account, policy, first_seen_at,"
    " last_seen_at, sightings) select gen_random_uuid(), 'live', provider, 'orphan', '1101', '1101', 'report', now(),"
    " now(), 1 from (values ('green_api'), ('other')) as v(provider)",
    "insert into prepaid_accounts(tenant_id, instance_id, provider, environment, account, gift_days, put_days,"
    " used_days, back_days, created_at) select tenant_id, id, provider, environment, upstream_account, 6, 13, 0, 0,"
    " now() from instances",
    "insert into extensions(tenant_id, id, instance_id, provider, environment, account, days, comment, state,"
    " quiet_until, started_at) select tenant_id, id, id, provider, environment, upstream_account, 7, name, 'unknown',"
    " now(), now() from instances",
    "insert into pools(provider, environment, days) values ('whapi', 'live', 5)",
    "insert into pool_readings(provider, environment, read_at, days) values ('whapi', 'live', now(), 5)",
    "insert into suppliers(provider, environment, weight, failures) values ('whapi', 'live', 100, 0)",
)


def fill(made: databases.Dsns) -> None:
    """A row or two in tables that hang together, one revision at a time being undone beneath them."""
    import asyncio
    import threading

    async def insert() -> None:
        connection = await asyncpg.connect(databases.plain(made.system))
        await connection.execute(
            "insert into tenants(id, name, status, metadata, created_at, version)"
            " values ($1, 'Filled', 'active', '{}', now(), 1)",
            TENANT,
        )
        for number in range(200):
            await connection.execute(
                "insert into events(tenant_id, id, type, environment, sequence, data, created_at)"
                " values ($1, gen_random_uuid(), 'instance.created', 'live', $2, '{}', now())",
                TENANT,
                number,
            )
        async with connection.transaction():
            moved = await connection.fetchval(
                "insert into ledger_transactions(tenant_id, id, kind, source, posted_at)"
                " values ($1, gen_random_uuid(), 'extend', 'x', now()) returning id",
                TENANT,
            )
            await connection.executemany(
                "insert into ledger_entries(tenant_id, transaction_id, account, days) values ($1, $2, $3, $4)",
                [(TENANT, moved, "pool", -5), (TENANT, moved, "house", 5)],
            )
        for statement in ACCOUNTS:
            await connection.execute(statement)
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(insert()))
    thread.start()
    thread.join()


async def test_the_ledger_refuses_what_does_not_sum_to_zero_and_every_change(dsns: databases.Dsns, clean: None) -> None:
    connection = await asyncpg.connect(databases.plain(dsns.system))

    async def book(source: str, *entries: tuple[str, int]) -> None:
        async with connection.transaction():
            moved = await connection.fetchval(
                "insert into ledger_transactions(tenant_id, id, kind, source, posted_at)"
                " values ($1, gen_random_uuid(), 'x', $2, now()) returning id",
                TENANT,
                source,
            )
            await connection.executemany(
                "insert into ledger_entries(tenant_id, transaction_id, account, days) values ($1, $2, $3, $4)",
                [(TENANT, moved, account, days) for account, days in entries],
            )

    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await book("unbalanced", ("pool", -5))
        await book("balanced", ("pool", -5), ("house", 5))
        for change in ("update ledger_entries set days = 1", "delete from ledger_transactions"):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(change)
    finally:
        await connection.close()
