"""The verbs of instances. What they ask for is made true by the workers; see `reconcile` and `deletion`."""

import secrets
from collections.abc import Sequence
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Select

from app.accounts.principal import Principal
from app.accounts.vault import open_vault
from app.events import service as events
from app.instances import findings, lifecycle, store
from app.instances.models import Instance
from app.instances.options import Options
from app.instances.sealed import open_credentials
from app.instances.sealed import place as _place
from app.instances.tags import make_tag
from app.jobs import ReconcileInstance, ReconcileListing, RunInstanceCommand, periodic
from app.kit import ids
from app.kit.clock import billing_day
from app.kit.crypto import Secret
from app.kit.db import UnitOfWork, on_violation
from app.kit.errors import Conflict, FieldError, Forbidden, Gone, InvalidParameter, NotFound
from app.kit.ids import new_id, to_wire
from app.operations import service as operations
from app.operations.models import Operation
from app.plans import service as plans
from app.providers.port import AccountWish, Created, Credentials, Link, Listed, Traits

HOOK_TOKEN_BYTES: Final = 25
STATUSES: Final = ("queued", "provisioning", "active", "suspended", "deleting", "deleted", "failed")
PROVISION: Final = "instance.provision"
DELETE: Final = "instance.delete"
MOVE: Final = "instance.move"
Command = Literal["reboot", "logout"]
Whose = Literal["organization", "operator"]


class NameTaken(Conflict):
    """Another instance of the organization bears this name."""

    code = "name_taken"


class InstanceNotReady(Conflict):
    """The instance is not ready yet."""

    code = "instance_not_ready"
    retryable = True


class InstanceFailed(Conflict):
    """The instance could not be provisioned; delete it and ask for another."""

    code = "instance_not_ready"


class InstanceSuspended(Forbidden):
    """The instance is suspended."""

    code = "instance_suspended"


async def request_instance(
    uow: UnitOfWork,
    *,
    tenant_id: UUID,
    environment: str,
    name: str,
    provider: str,
    metadata: dict[str, Any],
    options: Options,
    quota_free: bool = False,
    is_ours_to_choose: bool = False,  # then another gateway may stand in while nothing was created
) -> tuple[Instance, Operation]:
    """Record the wish for an instance; a worker makes it true after the commit. The row is the intent.

    Raises:
        NameTaken: the tenant has an instance of this name in the environment.
        PlanLimitReached: its plan allows no further one.
    """
    instance_id = new_id()
    vault = await open_vault(uow, tenant_id)
    hook_token = secrets.token_hex(HOOK_TOKEN_BYTES)
    instance = Instance(
        tenant_id=tenant_id,
        id=instance_id,
        name=name,
        environment=environment,
        provider=provider,
        status="queued",
        connection="unpaired",
        wanted=True,
        details=metadata,
        tag=make_tag(options.deployment, instance_id),
        hook_token_sealed=vault.seal(hook_token, _place("hook_token", instance_id)),
        hook_token_hash=uow.keyring.fingerprint(hook_token),
        create_attempts=0,
        created_at=uow.now,
        version=1,
    )
    uow.session.add(instance)
    with on_violation("uq_instances_tenant_name", NameTaken()):
        await uow.session.flush()
    await plans.begin_trial(uow, tenant_id, instance_id, environment, quota_free=quota_free)
    operation = await operations.start(
        uow,
        tenant_id=tenant_id,
        type=PROVISION,
        environment=environment,
        resource_type="instance",
        resource_id=instance_id,
        step="queued",
        input={"provider": "auto"} if is_ours_to_choose else None,
    )
    await say(uow, instance, "instance.created", {"name": name})
    uow.defer(ReconcileInstance(ref=instance_id, tenant_id=tenant_id))
    return instance, operation


async def find(uow: UnitOfWork, instance_id: UUID, principal: Principal | None = None) -> Instance:
    """An instance of the scope; with a principal, one that it may use.

    Raises:
        NotFound: unknown, another tenant's, another environment's, or not on the key's list: all look alike.
    """
    instance = await store.get(uow, instance_id)
    if instance is None:
        raise NotFound()
    if principal is not None and principal.kind != "operator":
        is_mine = instance.tenant_id == principal.tenant and instance.environment == principal.environment
        if not is_mine or not principal.may_use(instance.id):
            raise NotFound()
    return instance


def listing(
    uow: UnitOfWork, principal: Principal, *, status: Sequence[str] = (), text: str | None = None
) -> Select[Instance]:
    """The instances that a caller may see; deleted ones only where they are asked for.

    Raises:
        InvalidParameter: no such status.
    """
    if unknown := [item for item in status if item not in STATUSES]:
        told = f"`{unknown[0]}` is no status."
        raise InvalidParameter(told, errors=(FieldError("?status", "invalid_value", told),))
    query = store.listing(uow, principal.environment, status=status, text=text)
    if principal.instance_ids is not None:
        query = query.where(Instance.id.in_(principal.instance_ids))
    return query


def usable(instance: Instance) -> None:
    """Refuse an instance whose gate is closed.

    Raises:
        Gone: it was or is being deleted. InstanceFailed, InstanceNotReady: 409. InstanceSuspended: 403.
    """
    if instance.status in ("deleting", "deleted") or not instance.wanted:
        raise Gone()
    if instance.status == "failed":
        raise InstanceFailed()
    if instance.suspended_by is not None:
        raise InstanceSuspended(f"It was suspended by the {instance.suspended_by}.")
    if instance.status not in ("active", "suspended") or instance.upstream_account is None:
        raise InstanceNotReady(headers={"Retry-After": "5"})


async def credentials(uow: UnitOfWork, instance: Instance) -> Credentials:
    """How the instance's upstream account is called.

    Raises:
        InstanceNotReady: there is none yet.
    """
    if instance.upstream_account is None or instance.upstream_token_sealed is None:
        raise InstanceNotReady(headers={"Retry-After": "5"})
    vault = await open_vault(uow, instance.tenant_id)
    sealed = instance.upstream_token_sealed
    return open_credentials(vault, instance.id, instance.upstream_account, sealed, instance.upstream_url)


async def wish(uow: UnitOfWork, instance: Instance, options: Options, traits: Traits) -> AccountWish:
    """What we ask of upstream for the instance: its tag, and notifications to a hook of its own."""
    vault = await open_vault(uow, instance.tenant_id)
    return AccountWish(
        tag=instance.tag,
        hook_url=f"{options.public_url}/hooks/{traits.hook}/{to_wire(ids.INSTANCE, instance.id)}",
        hook_token=Secret(vault.open(instance.hook_token_sealed, _place("hook_token", instance.id))),
    )


async def attach(uow: UnitOfWork, instance: Instance, account: Created | Listed) -> None:
    """Store the upstream account of an instance; from here on no create is open.

    Without upstream's word for its creation it is now, unless the create went on over the cut of a billing day: then
    only the listing can tell for which days it is charged, if it is charged by them at all.
    """
    is_sure = account.funded_until or billing_day(instance.calling_since or uow.now) == billing_day(uow.now)
    vault = await open_vault(uow, instance.tenant_id)
    created_at = account.created_at if isinstance(account, Listed) else None
    instance.upstream_account = account.account
    instance.upstream_url = account.base_url or None
    instance.upstream_token_sealed = vault.seal(account.token.reveal(), _place("upstream_token", instance.id))
    instance.upstream_created_at = created_at or (uow.now if is_sure else None)
    instance.upstream_funded_until = account.funded_until
    instance.calling_since = instance.quiet_until = None
    touch(instance)
    with on_violation("uq_instances_account", Conflict(upstream_account=account.account)):
        await uow.session.flush()


async def update(
    uow: UnitOfWork, instance: Instance, *, name: str | None = None, metadata: dict[str, Any] | None = None
) -> None:
    """Rename, or replace the metadata.

    Raises:
        NameTaken, Gone.
    """
    if instance.status == "deleted":
        raise Gone()
    instance.name = instance.name if name is None else name
    instance.details = instance.details if metadata is None else metadata
    touch(instance)
    with on_violation("uq_instances_tenant_name", NameTaken()):
        await uow.session.flush()


async def suspend(
    uow: UnitOfWork, instance: Instance, *, by: Whose = "organization", reason: str | None = None
) -> Operation:
    """Close the gate at once. The operator's suspension stands above the organization's.

    Raises:
        Gone: it was or is being deleted.
    """
    await hold(uow, instance)
    _not_leaving(instance)
    operation = await _begin(uow, instance, "instance.suspend")
    before = instance.suspended_by
    if before != "operator":
        instance.suspended_by = by
    if instance.status == "active":
        instance.status = "suspended"
    if before is None:
        touch(instance)
        await say(uow, instance, "instance.suspended", {"by": by, "reason": reason})
    await operations.succeed(uow, operation, _result(instance))
    return operation


async def resume(uow: UnitOfWork, instance: Instance, *, by: Whose = "organization") -> Operation:
    """Open the gate again; what the operator suspended only the operator resumes.

    Raises:
        InstanceSuspended: the operator's suspension. Gone: it was or is being deleted.
    """
    await hold(uow, instance)
    _not_leaving(instance)
    if instance.suspended_by == "operator" and by != "operator":
        raise InstanceSuspended("It was suspended by the operator.")
    operation, before = await _begin(uow, instance, "instance.resume"), instance.suspended_by
    instance.suspended_by = None
    if before is not None:
        if instance.status == "suspended":
            instance.status = "active"
        touch(instance)
        await say(uow, instance, "instance.resumed", {"by": by})
    await operations.succeed(uow, operation, _result(instance))
    return operation


async def command(uow: UnitOfWork, instance: Instance, kind: Command) -> Operation:
    """Ask for a reboot, or for the phone to be unlinked; a worker does it.

    Raises:
        InstanceNotReady, InstanceSuspended, Gone, OperationInProgress; PaymentNeeded: no reboot, but always a logout.
    """
    usable(instance)
    if kind == "reboot":
        await plans.reserve_call(uow, instance.tenant_id, instance.id)
    operation = await _begin(uow, instance, f"instance.{kind}", step="queued")
    uow.defer(RunInstanceCommand(ref=operation.id, tenant_id=instance.tenant_id))
    return operation


async def request_deletion(uow: UnitOfWork, instance: Instance) -> Operation:
    """Close the gate for good, in this transaction; the workers log out, delete upstream, give back and erase.

    Raises:
        Gone: it is deleted. OperationInProgress: its deletion is under way.
    """
    await hold(uow, instance)
    if instance.status == "deleted":
        raise Gone()
    operation = await _begin(uow, instance, DELETE, step="closing_gate")
    for kind in (PROVISION, MOVE):
        if (begun := await operations.find_open(uow, instance.tenant_id, instance.id, kind)) is not None:
            await operations.cancel(uow, begun, forced=True)
    await operations.progress(uow, operation, step="closing_gate", percent=5)
    instance.wanted, instance.status = False, "deleting"
    touch(instance)
    await uow.session.flush()
    uow.defer(ReconcileInstance(ref=instance.id, tenant_id=instance.tenant_id))
    return operation


async def observe(
    uow: UnitOfWork, instance: Instance, link: Link, phone: str | None, *, profile_name: str | None = None
) -> None:
    """Take note of the state that upstream tells; each real change is one event.

    A restart changes nothing of whether a phone is linked: `connected_at` is kept over it.
    """
    await hold(uow, instance)
    if instance.status in ("deleted", "deleting"):
        return
    connection, before = lifecycle.connection_of(link), (instance.connection, instance.phone, instance.profile_name)
    was_connected = instance.connected_at is not None
    instance.last_seen_at = instance.state_checked_at = uow.now
    instance.connection = connection
    if link is Link.CONNECTED:
        instance.phone = phone or instance.phone
        instance.profile_name = profile_name or instance.profile_name
        instance.connected_at = instance.connected_at or uow.now
    elif link in (Link.UNPAIRED, Link.DISCONNECTED, Link.BLOCKED):
        instance.connected_at = None
        if link is Link.UNPAIRED:
            instance.phone = instance.profile_name = None
    if before != (instance.connection, instance.phone, instance.profile_name):
        touch(instance)
    await uow.session.flush()
    if link is Link.CONNECTED and not was_connected:
        told = {"phone_number": f"+{instance.phone}" if instance.phone else None}
        await say(uow, instance, "instance.connected", told | {"profile_name": instance.profile_name})
    elif link is Link.BLOCKED and before[0] != "blocked":
        await say(uow, instance, "instance.blocked", {})
    elif link in (Link.UNPAIRED, Link.DISCONNECTED) and was_connected:
        await say(uow, instance, "instance.disconnected", {"connection": connection})


async def seen_upstream(uow: UnitOfWork, instance: Instance, account: str) -> None:
    """An upstream account has announced itself at the instance's own hook; needs the system's scope.

    Another id than the row's is one too many: it is noted, and the listing is compared soon. With none in the row it
    is the create whose answer was lost: the look for it is rung.
    """
    if instance.upstream_account == account:
        return
    if instance.upstream_account is None and instance.calling_since is not None:
        uow.defer(ReconcileInstance(ref=instance.id, tenant_id=instance.tenant_id))
        return
    await findings.note(uow, instance, "surplus", account, policy="report")
    uow.defer(periodic(ReconcileListing))


async def say(uow: UnitOfWork, instance: Instance, kind: str, data: dict[str, Any]) -> None:
    """Publish a fact about an instance."""
    await events.publish(
        uow,
        tenant_id=instance.tenant_id,
        type=kind,
        data={"instance_id": to_wire(ids.INSTANCE, instance.id), **data},
        environment=instance.environment,
        instance_id=instance.id,
    )


def touch(instance: Instance) -> None:
    """What a client may see has changed: a new version."""
    instance.version += 1


async def hold(uow: UnitOfWork, instance: Instance) -> None:
    """See the row as it is now, and keep it so until the end of the transaction."""
    await uow.session.flush()
    await uow.session.refresh(instance, with_for_update=True)


def _not_leaving(instance: Instance) -> None:
    if instance.status in ("deleting", "deleted"):
        raise Gone()


async def _begin(uow: UnitOfWork, instance: Instance, kind: str, *, step: str | None = None) -> Operation:
    return await operations.start(
        uow,
        tenant_id=instance.tenant_id,
        type=kind,
        environment=instance.environment,
        resource_type="instance",
        resource_id=instance.id,
        step=step,
    )


def _result(instance: Instance) -> dict[str, Any]:
    return {"instance_id": to_wire(ids.INSTANCE, instance.id)}
