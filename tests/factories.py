"""Rows that many tests begin with, made by the rooms' own verbs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from app.accounts import service as accounts
from app.accounts.scopes import TENANT_SCOPES, Scope
from app.accounts.service import KeyWish
from app.instances import service as instances
from app.instances import watching
from app.instances.models import Instance
from app.instances.trips import Tools
from app.kit import ids
from app.kit.db import SYSTEM
from app.runtime import Runtime
from tests.conftest import Drain, Upstream


@dataclass(frozen=True)
class TestTenant:
    """A tenant with one key."""

    __test__ = False

    tenant_id: UUID
    org_id: str
    key_id: str
    api_key: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)


async def make_tenant(
    runtime: Runtime,
    *,
    environment: str = "live",
    scopes: Iterable[Scope] = TENANT_SCOPES,
    instance_ids: Iterable[UUID] | None = None,
    name: str = "Acme",
) -> TestTenant:
    """A new tenant, with a key of the given scopes; no mail and no instance."""
    async with runtime.database.begin(SYSTEM) as uow:
        tenant = await accounts.open_tenant(uow, name=name)
        limit = None if instance_ids is None else frozenset(instance_ids)
        wish = KeyWish("First key", environment, frozenset(scopes), limit)
        key, secret = await accounts.issue_api_key(uow, tenant.id, wish)
    return TestTenant(
        tenant.id, ids.to_wire(ids.ORGANIZATION, tenant.id), ids.to_wire(ids.API_KEY, key.id), secret, bearer(secret)
    )


async def make_key(
    runtime: Runtime,
    tenant: TestTenant,
    *,
    environment: str = "live",
    scopes: Iterable[Scope] = TENANT_SCOPES,
    instance_ids: Iterable[UUID] | None = None,
) -> dict[str, str]:
    """Headers with one more key of a tenant."""
    async with runtime.database.begin(SYSTEM) as uow:
        limit = None if instance_ids is None else frozenset(instance_ids)
        wish = KeyWish("Another key", environment, frozenset(scopes), limit)
        _, secret = await accounts.issue_api_key(uow, tenant.tenant_id, wish)
    return bearer(secret)


async def make_user(runtime: Runtime, tenant: TestTenant, *, email: str = "owner@example.com") -> dict[str, str]:
    """Headers with the session of a new owner of a tenant."""
    async with runtime.database.begin(SYSTEM) as uow:
        user = await accounts.add_owner(uow, tenant.tenant_id, email=email, address_key=email)
        _, token = await accounts.start_session(uow, tenant.tenant_id, user.id, role="owner", environment="live")
    return bearer(token)


async def operator_headers(runtime: Runtime) -> dict[str, str]:
    """Headers with a new operator key."""
    async with runtime.database.begin(SYSTEM) as uow:
        _, secret = await accounts.create_operator_key(uow, "test")
    return bearer(secret)


def bearer(secret: str) -> dict[str, str]:
    """Headers with a credential."""
    return {"Authorization": f"Bearer {secret}"}


async def make_ready_instance(
    runtime: Runtime,
    drain: Drain,
    upstream: Upstream,
    tenant: TestTenant,
    *,
    linked: bool = True,
    environment: str = "live",
    name: str = "Support",
    quota_free: bool = False,
) -> Instance:
    """An active instance of a tenant, provisioned for real on the simulator; with a phone linked to it."""
    async with runtime.database.begin(tenant.tenant_id) as uow:
        made, _ = await instances.request_instance(
            uow,
            tenant_id=tenant.tenant_id,
            environment=environment,
            name=name,
            provider="green_api",
            metadata={},
            options=runtime.instance_options,
            quota_free=quota_free,
        )

    async def is_ready() -> bool:
        return (await read_instance(runtime, made.id)).status == "active"

    await drain(until=is_ready)
    instance = await read_instance(runtime, made.id)
    if not linked:
        return instance
    assert instance.upstream_id is not None
    await upstream.scan(instance.upstream_id)
    tools = Tools(runtime.database, runtime.instance_options)
    await watching.watch(tools, runtime.registry, instance.tenant_id, instance.id)
    return await read_instance(runtime, made.id)


async def read_instance(runtime: Runtime, instance_id: UUID) -> Instance:
    """An instance as it is now."""
    async with runtime.database.begin(SYSTEM) as uow:
        return await instances.find(uow, instance_id)
