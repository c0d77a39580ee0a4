"""Whose hook it is, and every notification once."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.inbound.models import Notice
from app.instances.models import Instance
from app.kit.db import UnitOfWork
from app.kit.ids import new_id


async def hook_hash(uow: UnitOfWork, instance_id: UUID) -> bytes | None:
    """The keyed hash of the token of an instance's hook."""
    found: bytes | None = await uow.session.scalar(select(Instance.hook_token_hash).where(Instance.id == instance_id))
    return found


async def instance(uow: UnitOfWork, instance_id: UUID) -> Instance | None:
    """The instance of a hook, whoever its tenant is."""
    found: Instance | None = await uow.session.scalar(select(Instance).where(Instance.id == instance_id))
    return found


async def add(uow: UnitOfWork, instance: Instance, *, dedupe: bytes, kind: str, state: str, body_sealed: bytes) -> bool:
    """Keep a notification; False when it was kept before. A second one at the same time waits for the first."""
    statement = (
        insert(Notice)
        .values(
            tenant_id=instance.tenant_id,
            id=new_id(),
            instance_id=instance.id,
            dedupe=dedupe,
            kind=kind,
            state=state,
            body_sealed=body_sealed,
            received_at=uow.now,
        )
        .on_conflict_do_nothing(index_elements=[Notice.tenant_id, Notice.instance_id, Notice.dedupe])
    )
    return await uow.session.scalar(statement.returning(Notice.id)) is not None


def place_of(instance: Instance) -> str:
    """The place that the bodies of an instance's notifications are sealed for."""
    return f"notices.body|{instance.id}"
