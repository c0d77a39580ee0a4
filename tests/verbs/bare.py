"""Rows put down by hand: a tenant and an instance without the journey that makes them."""

from dataclasses import dataclass
from uuid import UUID

from app.accounts.models import Tenant
from app.accounts.vault import new_vault
from app.instances.models import Instance
from app.kit.db import SYSTEM, Database
from app.kit.ids import new_id
from app.plans import service as plans


@dataclass(frozen=True)
class Bare:
    """A tenant with one instance on trial; its clock runs if asked for."""

    tenant_id: UUID
    instance_id: UUID


async def make_bare(
    database: Database, *, tenant_id: UUID | None = None, ready: bool = True, upstream: bool = False
) -> Bare:
    """Insert them."""
    made, instance_id = tenant_id or new_id(), new_id()
    async with database.begin(SYSTEM) as uow:
        if tenant_id is None:
            uow.session.add(Tenant(id=made, name="Bare", created_at=uow.now))
            await uow.session.flush()
            await new_vault(uow, made)
        uow.session.add(
            Instance(
                tenant_id=made,
                id=instance_id,
                name=f"bare {instance_id}",
                environment="live",
                provider="green_api",
                status="active",
                connection="connected",
                tag=f"tag-{instance_id}",
                hook_token_sealed=b"",
                hook_token_hash=instance_id.bytes,
                created_at=uow.now,
                upstream_created_at=uow.now if upstream else None,
            )
        )
        await uow.session.flush()
        await plans.begin_trial(uow, made, instance_id, "live", quota_free=True)
        if ready:
            await plans.start_clock(uow, made, instance_id)
    return Bare(made, instance_id)
