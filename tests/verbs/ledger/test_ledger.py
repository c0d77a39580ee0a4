"""Days only move; each movement once; history stands."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.kit.db import SYSTEM, UnitOfWork
from app.kit.ids import new_id
from app.ledger import service as ledger
from app.ledger.service import CONSUMED, HOUSE, POOL, Overdrawn, instance_account
from app.runtime import Runtime
from tests.verbs.bare import Bare, make_bare


async def _post(uow: UnitOfWork, bare: Bare, source: str, movements: dict[str, int], kind: str = "grant") -> bool:
    return await ledger.post(
        uow,
        kind=kind,
        source=source,
        movements=movements,
        tenant_id=bare.tenant_id,
        instance_id=bare.instance_id,
    )


async def test_a_movement_is_booked_once(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    account = instance_account(bare.instance_id)
    for expected in (True, False):
        async with runtime.database.begin(SYSTEM) as uow:
            assert await _post(uow, bare, "invoice 1", {POOL: -30, account: 30}) is expected
    async with runtime.database.begin(SYSTEM) as uow:
        assert await ledger.balance(uow, account) == 30
        assert await ledger.balance(uow, POOL) == -30
        assert sum((await ledger.totals(uow)).values()) == 0


async def test_rivals_book_a_movement_once(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    account = instance_account(bare.instance_id)

    async def book() -> bool:
        async with runtime.database.begin(SYSTEM) as uow:
            return await _post(uow, bare, "invoice 1", {POOL: -30, account: 30})

    assert sum(await asyncio.gather(*(book() for _ in range(8)))) == 1
    async with runtime.database.begin(SYSTEM) as uow:
        assert await ledger.balance(uow, account) == 30


async def test_a_movement_that_does_not_sum_to_zero_is_refused(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    with pytest.raises(ValueError, match="zero"):
        async with runtime.database.begin(SYSTEM) as uow:
            await _post(uow, bare, "x", {POOL: -30, HOUSE: 29})


async def test_the_database_refuses_what_does_not_sum_to_zero(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    lone = (
        "insert into ledger_entries (tenant_id, transaction_id, account, days)"
        " select tenant_id, id, 'consumed', 1 from ledger_transactions"
    )

    async def book() -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            await _post(uow, bare, "x", {POOL: -30, HOUSE: 30})
            await uow.session.execute(text(lone))

    with pytest.raises(DBAPIError, match="sum to zero"):
        await book()


@pytest.mark.parametrize("statement", ["update ledger_entries set days = 0", "delete from ledger_transactions"])
async def test_history_is_never_changed(runtime: Runtime, statement: str) -> None:
    bare = await make_bare(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        await _post(uow, bare, "x", {POOL: -1, HOUSE: 1})
    with pytest.raises(DBAPIError, match="append-only"):
        async with runtime.database.begin(SYSTEM) as uow:
            await uow.session.execute(text(statement))


async def test_an_instance_never_owes_days(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    account = instance_account(bare.instance_id)
    async with runtime.database.begin(SYSTEM) as uow:
        await _post(uow, bare, "in", {POOL: -2, account: 2})
    with pytest.raises(Overdrawn):
        async with runtime.database.begin(SYSTEM) as uow:
            await _post(uow, bare, "out", {account: -3, CONSUMED: 3}, "charge")

    async def draw(number: int) -> bool:
        try:
            async with runtime.database.begin(SYSTEM) as uow:
                return await _post(uow, bare, f"out {number}", {account: -1, CONSUMED: 1}, "charge")
        except Overdrawn:
            return False

    assert sum(await asyncio.gather(*(draw(number) for number in range(6)))) == 2
    async with runtime.database.begin(SYSTEM) as uow:
        assert await ledger.balance(uow, account) == 0


async def test_a_tenant_reads_its_own_statement_and_may_not_write(runtime: Runtime) -> None:
    bare, other = await make_bare(runtime.database), await make_bare(runtime.database)
    async with runtime.database.begin(SYSTEM) as uow:
        for number in range(5):
            await _post(
                uow, bare, f"grant {number}", {POOL: -number - 1, instance_account(bare.instance_id): number + 1}
            )
    async with runtime.database.begin(bare.tenant_id) as uow:
        first, cursor = await ledger.statement(uow, bare.instance_id, limit=3)
        rest, end = await ledger.statement(uow, bare.instance_id, limit=3, cursor=cursor)
    assert [movement.entries[POOL] for movement in [*first, *rest]] == [-5, -4, -3, -2, -1]
    assert end is None
    async with runtime.database.begin(other.tenant_id) as uow:
        assert await ledger.statement(uow, bare.instance_id, limit=3) == ([], None)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with runtime.database.begin(bare.tenant_id) as uow:
            await _post(uow, bare, "mine", {POOL: -9, HOUSE: 9})


async def test_an_unknown_account_is_empty(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        assert await ledger.balance(uow, instance_account(new_id())) == 0
        assert await ledger.booked(uow, "grant", "none") is None
