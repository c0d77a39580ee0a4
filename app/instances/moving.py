"""Moving an instance to another gateway: it keeps its id and all that hangs on it, and gets another account.

What it has upstream becomes a row of its own, the *remains*: of the house, leaving, with the account, its tag, its
creates, its prepaid days, and doubts about any of these. So the old account is logged out, deleted and settled by the
steps of every deletion, for as long as that takes, and nobody waits for it; and the instance is provisioned by the
steps of every creation, under another tag, so that no look for the one finds the other.
"""

import secrets
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.accounts.models import Tenant, TenantKey
from app.accounts.vault import Vault, new_vault, open_vault
from app.instances import charging, service, store
from app.instances.models import Instance
from app.instances.options import Options
from app.instances.sealed import place
from app.instances.tags import MOST_MOVES, make_tag
from app.jobs import ReconcileInstance
from app.kit import ids, work
from app.kit.clock import billing_day
from app.kit.db import UnitOfWork
from app.kit.errors import Conflict, Gone, NotFound
from app.operations import service as operations
from app.operations.models import Operation
from app.plans import service as plans
from app.providers.registry import Registry
from app.suppliers import service as suppliers

log = structlog.get_logger()

HOUSE: Final = UUID("0e1d0000-0000-7000-8000-000000000001")
"""The tenant that remains belong to: no customer sees them, counts them or is told of them."""
HOUSE_NAME: Final = "Accounts left behind by moves"
# What hangs on an account, and so goes with it.
HANDED_OVER: Final = tuple(
    text(f"update {table} set tenant_id = :house, instance_id = :to where tenant_id = :tenant and instance_id = :of")  # noqa: S608
    for table in ("upstream_calls", "prepaid_accounts", "extensions")
)


class AlreadyThere(Conflict):
    """The instance is with this gateway."""


class MovedTooOften(Conflict):
    """The instance was moved so often that its accounts cannot be told apart any more."""


async def move(
    uow: UnitOfWork,
    registry: Registry,
    options: Options,
    instance: Instance,
    *,
    to: str | None = None,
    key: str | None = None,
) -> Operation:
    """Begin to move an instance, to a gateway by name or to one that is chosen; a worker goes on. System's scope.

    The same `key` as of the last move begins no other. From the commit on nothing is sent through the old account.

    Raises:
        NotFound: it is what an instance left behind. Gone: it is leaving. AlreadyThere, MovedTooOften.
        OperationInProgress: it is being moved. NoProvider: no such gateway. NoneTakes: none takes it now.
    """
    await service.hold(uow, instance)
    if instance.remains_of is not None:
        raise NotFound()
    before = await operations.last(uow, instance.tenant_id, instance.id, service.MOVE)
    if key is not None and before is not None and (before.input or {}).get("key") == key:
        return before
    if instance.status in ("deleting", "deleted"):
        raise Gone()
    if instance.moves >= MOST_MOVES:
        raise MovedTooOften()
    target = await _target(uow, registry, instance, to)
    operation = await operations.start(
        uow,
        tenant_id=instance.tenant_id,
        type=service.MOVE,
        environment=instance.environment,
        resource_type="instance",
        resource_id=instance.id,
        step="leaving",
        input={"from": instance.provider, "to": target, "key": key},
    )
    await operations.progress(uow, operation, step="leaving", percent=5)
    if instance.upstream_account is not None or instance.calling_since is not None or instance.create_attempts:
        await _leave(uow, registry, instance)
        _begin_anew(uow, instance, options)
    instance.provider = target
    service.touch(instance)
    await uow.session.flush()
    await work.take_away(uow, ReconcileInstance, instance.id)  # a step that is under way is one at the old gateway
    uow.defer(ReconcileInstance(ref=instance.id, tenant_id=instance.tenant_id))
    log.warning("instance_moves", instance=str(instance.id), to=target)
    return operation


async def _target(uow: UnitOfWork, registry: Registry, instance: Instance, to: str | None) -> str:
    if to == instance.provider:
        raise AlreadyThere()
    access = await plans.access(uow, instance.tenant_id, [instance.id])
    plan = access[instance.id].plan if instance.id in access else plans.FIRST_PLAN
    wish = to or suppliers.AUTO
    return await suppliers.choose(
        uow, registry, instance.environment, wish=wish, plan=plan, other_than=instance.provider
    )


async def _leave(uow: UnitOfWork, registry: Registry, instance: Instance) -> None:
    """Hand over what there is, or may be, of the instance upstream."""
    was_connected = instance.connected_at is not None
    vault = await _house(uow)
    remains = await _remains(uow, registry, instance, vault)
    instance.upstream_account = instance.upstream_url = instance.upstream_token_sealed = None
    instance.upstream_created_at = instance.upstream_funded_until = None
    instance.upstream_seen_at = instance.upstream_deleted_at = None
    instance.calling_since = instance.quiet_until = None
    instance.tag = f"{instance.tag}*"  # free for the other row; the new one follows
    await uow.session.flush()
    uow.session.add(remains)
    await uow.session.flush()
    where = {"house": HOUSE, "to": remains.id, "tenant": instance.tenant_id, "of": instance.id}
    for statement in HANDED_OVER:
        await uow.session.execute(statement, where)
    await plans.owe_nothing(uow, HOUSE, remains.id, remains.environment)
    uow.defer(ReconcileInstance(ref=remains.id, tenant_id=HOUSE))
    if was_connected:
        await service.say(uow, instance, "instance.disconnected", {"connection": "unpaired"})


async def _remains(uow: UnitOfWork, registry: Registry, instance: Instance, vault: Vault) -> Instance:
    """The row of the old account. Its days up to today are the instance's, those that follow the house's."""
    created_at = instance.upstream_created_at
    if instance.upstream_account is not None and created_at is None:
        created_at = instance.upstream_created_at = await store.last_create(uow, instance) or instance.created_at
    await uow.session.flush()
    prepaid = [name for name, _, provider in registry.all() if provider.traits.is_prepaid]
    await charging.charge_one(uow, instance.id, prepaid=prepaid)
    remains_id, hook_token = ids.new_id(), secrets.token_hex(service.HOOK_TOKEN_BYTES)
    sealed = None
    if instance.upstream_account is not None:
        found = await service.credentials(uow, instance)
        sealed = vault.seal(found.token.reveal(), place("upstream_token", remains_id))
    return Instance(
        tenant_id=HOUSE,
        id=remains_id,
        name=f"{ids.to_wire(ids.INSTANCE, instance.id)} {instance.moves}",
        environment=instance.environment,
        provider=instance.provider,
        status="deleting",
        connection="unknown",
        wanted=False,
        details={},
        tag=instance.tag,
        upstream_account=instance.upstream_account,
        upstream_url=instance.upstream_url,
        upstream_token_sealed=sealed,
        upstream_created_at=created_at,
        upstream_funded_until=instance.upstream_funded_until,
        upstream_seen_at=instance.upstream_seen_at,
        upstream_deleted_at=instance.upstream_deleted_at,
        hook_token_sealed=vault.seal(hook_token, place("hook_token", remains_id)),
        hook_token_hash=uow.keyring.fingerprint(hook_token),
        create_attempts=instance.create_attempts,
        calling_since=instance.calling_since,
        quiet_until=instance.quiet_until,
        remains_of=instance.id,
        charged_through=billing_day(uow.now),
        moves=0,
        created_at=uow.now,
        ready_at=instance.ready_at,
        version=1,
    )


def _begin_anew(uow: UnitOfWork, instance: Instance, options: Options) -> None:
    instance.moves += 1
    instance.tag = make_tag(options.deployment, instance.id, instance.moves)
    instance.status = "provisioning"
    if instance.ready_at is not None:
        instance.away_since = instance.away_since or uow.now
    instance.create_attempts, instance.failure, instance.ready_at = 0, None, None
    instance.connection, instance.connected_at = "unpaired", None
    instance.phone = instance.profile_name = instance.state_checked_at = None


async def _house(uow: UnitOfWork) -> Vault:
    """The vault of the house's tenant, which is made when it is first needed."""
    made = insert(Tenant).values(id=HOUSE, name=HOUSE_NAME, status="active", details={}, created_at=uow.now, version=1)
    await uow.session.execute(made.on_conflict_do_nothing())
    await uow.session.execute(select(Tenant.id).where(Tenant.id == HOUSE).with_for_update())
    is_there = await uow.session.scalar(select(TenantKey.tenant_id).where(TenantKey.tenant_id == HOUSE))
    return await open_vault(uow, HOUSE) if is_there else await new_vault(uow, HOUSE)


async def account_at(uow: UnitOfWork, instance: Instance, instant: datetime) -> Instance:
    """The row of the account that an instance had at an instant: its own, or what it left since. System's scope."""
    if instance.ready_at is not None and instance.ready_at <= instant:
        return instance
    query = select(Instance).where(Instance.remains_of == instance.id, Instance.upstream_account.is_not(None))
    rows = list((await uow.session.scalars(query.order_by(Instance.created_at.desc()))).all())
    for row in rows:
        if row.ready_at is not None and row.ready_at <= instant:
            return row
    return rows[-1] if rows else instance
