"""A statement on the driver's connection belongs to the unit of work: its transaction, its scope, its errors."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.kit.db import SYSTEM
from app.kit.hot import Statement
from app.runtime import Runtime
from tests.factories import make_tenant

TWICE = Statement("select cast(:a as int) + cast(:b as int) + cast(:a as int) as total")


class Undone(Exception):
    """Nothing of it may stay."""


def test_names_become_places_and_casts_stay() -> None:
    assert TWICE.names == ("a", "b")
    assert TWICE.sql == "select cast($1 as int) + cast($2 as int) + cast($1 as int) as total"
    assert Statement("select '1'::text, :x").sql == "select '1'::text, $1"


async def test_it_runs_in_the_transaction_and_is_rolled_back_with_it(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    rename = Statement("update tenants set name = cast(:name as varchar) where id = cast(:id as uuid) returning name")

    async def change_and_fail() -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            row = await rename.first(uow, {"name": "Changed", "id": tenant.tenant_id})
            assert row["name"] == "Changed"
            assert await uow.session.scalar(text("select count(*) from tenants where name = 'Changed'")) == 1
            raise Undone

    with pytest.raises(Undone):
        await change_and_fail()
    async with runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(text("select count(*) from tenants where name = 'Changed'")) == 0


async def test_it_sees_the_scopes_rows_only(runtime: Runtime) -> None:
    mine, theirs = await make_tenant(runtime), await make_tenant(runtime)
    names = Statement("select id from tenants where id = cast(:id as uuid)")
    async with runtime.database.begin(mine.tenant_id) as uow:
        assert await names.first(uow, {"id": mine.tenant_id}) is not None
        assert await names.first(uow, {"id": theirs.tenant_id}) is None


async def test_its_errors_are_sqlalchemys_and_hide_the_values(runtime: Runtime) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with runtime.database.begin(SYSTEM) as uow:
            await Statement("select cast(cast(:word as text) as int)").first(uow, {"word": "canary"})
    assert str(getattr(caught.value.orig, "sqlstate", "")).startswith("22")
    assert caught.value.params is None
    async with runtime.database.begin(SYSTEM) as uow:
        assert (await TWICE.first(uow, {"a": 1, "b": 2}))["total"] == 4
