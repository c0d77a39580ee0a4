"""The operator's second chance for an instance that could not be provisioned."""

from app.instances import service, store
from app.instances.models import Instance
from app.jobs import ReconcileInstance
from app.kit import ids
from app.kit.db import UnitOfWork
from app.kit.errors import Conflict
from app.operations import service as operations
from app.operations.models import Operation


class NotFailed(Conflict):
    """Only an instance whose provisioning failed can be tried again."""


class AccountGone(Conflict):
    """The gateway lost the instance's account; delete the instance and ask for another."""


class AccountLeaving(Conflict):
    """An account of the instance is being deleted upstream; try again in some minutes."""

    retryable = True


async def retry(uow: UnitOfWork, instance: Instance) -> Operation:
    """Provision again, under a new operation and with all tries; needs the system's scope.

    The first step is a look into the listing, as after a create of unknown outcome: an account that came too late is
    adopted, and only when there is none another is created.

    Raises:
        NotFailed: it is on its way, ready, or leaving. AccountGone: it had an account. AccountLeaving: not now.
    """
    await service.hold(uow, instance)
    if instance.status != "failed":
        raise NotFailed()
    has_upstream = instance.upstream_account is not None
    if has_upstream and instance.upstream_deleted_at is not None:
        raise AccountGone()
    if await store.is_being_deleted(uow, instance.id):
        raise AccountLeaving()
    before = await operations.last(uow, instance.tenant_id, instance.id, service.PROVISION)
    operation = await operations.start(
        uow,
        tenant_id=instance.tenant_id,
        type=service.PROVISION,
        environment=instance.environment,
        resource_type="instance",
        resource_id=instance.id,
        step="queued",
        input={"retry_of": ids.to_wire(ids.OPERATION, before.id) if before else None},
    )
    await operations.progress(uow, operation, step="confirming_with_upstream", percent=10)
    instance.status, instance.failure, instance.create_attempts = "provisioning", None, 0
    if not has_upstream:
        instance.calling_since = instance.quiet_until = uow.now
    service.touch(instance)
    await uow.session.flush()
    uow.defer(ReconcileInstance(ref=instance.id, tenant_id=instance.tenant_id))
    return operation
