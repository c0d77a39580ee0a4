"""Verbs about tenants, operator keys and what is past its keeping."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.accounts import addresses, codes
from app.accounts import service as accounts
from app.accounts.models import ApiKey, EmailCode, UserSession
from app.accounts.service import AddressTaken
from app.accounts.vault import open_vault
from app.kit.db import SYSTEM
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.runtime import Runtime
from tests.factories import make_tenant, make_user


async def test_a_new_tenant_can_seal(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    async with runtime.database.begin(tenant.tenant_id) as uow:
        vault = await open_vault(uow, tenant.tenant_id)
        assert vault.open(vault.seal("secret", "place"), "place") == "secret"


async def test_a_tenants_scope_sees_its_own_keys_only(runtime: Runtime) -> None:
    mine, other = await make_tenant(runtime), await make_tenant(runtime)
    async with runtime.database.begin(mine.tenant_id) as uow:
        assert {key.tenant_id for key in (await uow.session.scalars(select(ApiKey))).all()} == {mine.tenant_id}
        assert mine.tenant_id != other.tenant_id


async def test_an_address_has_one_account(runtime: Runtime) -> None:
    tenant, other = await make_tenant(runtime), await make_tenant(runtime)
    await make_user(runtime, tenant)
    with pytest.raises(AddressTaken):
        await make_user(runtime, other)


async def test_operator_keys_are_made_listed_and_revoked(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        key, secret = await accounts.create_operator_key(uow, "laptop")
    assert secret.startswith("slt_op_")
    assert secret.encode() not in key.secret_hash
    async with runtime.database.begin(SYSTEM) as uow:
        assert [(item.name, item.last4) for item in await accounts.list_operator_keys(uow)] == [("laptop", secret[-4:])]
        first = (await accounts.revoke_operator_key(uow, key.id)).revoked_at
    runtime.database.shift = timedelta(minutes=1)
    async with runtime.database.begin(SYSTEM) as uow:
        assert (await accounts.revoke_operator_key(uow, key.id)).revoked_at == first
        with pytest.raises(NotFound):
            await accounts.revoke_operator_key(uow, new_id())


async def test_cleaning_takes_what_is_past_its_keeping_and_nothing_else(runtime: Runtime) -> None:
    tenant = await make_tenant(runtime)
    await make_user(runtime, tenant)
    async with runtime.database.begin(SYSTEM) as uow:
        await codes.request(uow, addresses.parse("ada@example.com"), organization_name="A", locale="en")
        key = (await uow.session.scalars(select(ApiKey))).one()
        await accounts.replace_secret(uow, key, keep_old_seconds=60)

    async def left() -> list[int | None]:
        async with runtime.database.begin(SYSTEM) as uow:
            await accounts.clean(uow)
            counts = [select(func.count()).select_from(model) for model in (EmailCode, UserSession)]
            counts.append(select(func.count()).where(ApiKey.previous_hash.is_not(None)))
            return [await uow.session.scalar(query) for query in counts]

    assert await left() == [1, 1, 1]
    runtime.database.shift = timedelta(hours=25)
    assert await left() == [0, 1, 1]
    runtime.database.shift = timedelta(days=31)
    assert await left() == [0, 1, 0]
    runtime.database.shift = timedelta(days=61)
    assert await left() == [0, 0, 0]
