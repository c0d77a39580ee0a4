"""Many tenants with an instance each, made by the house's own verbs; only the upstream account behind is made up."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.accounts import service as accounts
from app.accounts.scopes import TENANT_SCOPES
from app.accounts.service import KeyWish
from app.accounts.vault import open_vault
from app.instances.models import Instance
from app.instances.sealed import place
from app.instances.tags import make_tag
from app.kit import ids
from app.kit.db import SYSTEM, UnitOfWork
from app.kit.ids import new_id
from app.kit.queue import SilentBell
from app.lines import service as lines
from app.plans import service as plans
from app.runtime import Runtime, open_runtime
from app.settings import Settings

FIRST_UPSTREAM_ID = 9_100_000_000
AT_ONCE = 6
DAYS = 30


@dataclass(frozen=True)
class Rented:
    """What a tenant's programs need to send by each face."""

    instance_id: str
    api_key: str = field(repr=False)
    number: int
    token: str = field(repr=False)


def rent(env: Mapping[str, str], *, live: int, trial: int) -> tuple[list[Rented], list[Rented]]:
    """So many tenants whose instance is live, and so many on trial, in the database of a stack's environment."""
    return asyncio.run(_rent(env, live, trial))


async def _rent(env: Mapping[str, str], live: int, trial: int) -> tuple[list[Rented], list[Rented]]:
    gate = asyncio.Semaphore(AT_ONCE)
    async with open_runtime(Settings.load(env), bell=SilentBell(), application="bench") as runtime:

        async def one(number: int) -> Rented:
            async with gate:
                return await _tenant(runtime, number, is_live=number < live)

        made = await asyncio.gather(*(one(number) for number in range(live + trial)))
    return made[:live], made[live:]


async def _tenant(runtime: Runtime, number: int, *, is_live: bool) -> Rented:
    async with runtime.database.begin(SYSTEM) as uow:
        tenant = await accounts.open_tenant(uow, name=f"Tenant {number}")
        _, api_key = await accounts.issue_api_key(uow, tenant.id, KeyWish("Bench", "live", TENANT_SCOPES, None))
        instance = await _instance(uow, tenant.id, number)
        await plans.begin_trial(uow, tenant.id, instance.id, "live")
        if is_live:
            await plans.go_live(uow, tenant.id, instance.id, days=DAYS, source=f"{instance.id}:bench", note="bench")
        else:
            await plans.start_clock(uow, tenant.id, instance.id)
        its_number, token = await lines.shown(uow, await lines.ensure(uow, instance))
    return Rented(ids.to_wire(ids.INSTANCE, instance.id), api_key, its_number, token)


async def _instance(uow: UnitOfWork, tenant_id: UUID, number: int) -> Instance:
    """As provisioning and pairing leave one."""
    instance_id, vault = new_id(), await open_vault(uow, tenant_id)
    instance = Instance(
        tenant_id=tenant_id,
        id=instance_id,
        name=f"Instance {number}",
        environment="live",
        provider="green_api",
        status="active",
        connection="connected",
        wanted=True,
        details={},
        tag=make_tag("bench", instance_id),
        upstream_id=FIRST_UPSTREAM_ID + number,
        upstream_token_sealed=vault.seal(f"{number:050x}", place("upstream_token", instance_id)),
        hook_token_sealed=vault.seal("hook", place("hook_token", instance_id)),
        hook_token_hash=uow.keyring.fingerprint(f"hook {instance_id}"),
        create_attempts=1,
        created_at=uow.now,
        ready_at=uow.now,
        connected_at=uow.now,
        version=1,
    )
    uow.session.add(instance)
    await uow.session.flush()
    return instance
