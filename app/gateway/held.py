"""Sends that wait while their instance is being moved, and leave through its new account when it has a phone.

Each is a message with the status `held` and the send itself, sealed; `releasing` hands them over.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec
from sqlalchemy import exists, select

from app.accounts.vault import open_vault
from app.gateway.counting import units_of
from app.gateway.models import HeldSend
from app.idempotency.service import Kept, Use
from app.instances.models import Instance
from app.jobs import SendHeld
from app.kit.db import UnitOfWork
from app.messages import service as messages
from app.messages import store
from app.messages.service import Alike
from app.messages.view import view
from app.plans import service as plans

if TYPE_CHECKING:
    from app.gateway.relay import Draft

SOON_SECONDS: Final = 2.0


async def waits(uow: UnitOfWork, instance: Instance) -> bool:
    """Whether a send of an instance that was moved is to wait: until a phone is linked, and none waits before it."""
    if instance.away_since is None:
        return False
    # One after the other: many that share a lock would keep out whoever makes the new account ready, for ever.
    query = select(Instance).where(Instance.tenant_id == instance.tenant_id, Instance.id == instance.id)
    query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = (await uow.session.scalars(query)).one()
    if row.away_since is None or row.suspended_by is not None or not row.wanted:
        return False
    if row.status == "active" and row.connection == "connected":
        before = exists().where(HeldSend.tenant_id == row.tenant_id, HeldSend.instance_id == row.id)
        if not await uow.session.scalar(select(before)):
            uow.defer(SendHeld(ref=row.id, tenant_id=row.tenant_id))
            return False
    return row.status in ("provisioning", "active")


async def keep(
    uow: UnitOfWork,
    instance: Instance,
    message_id: UUID,
    draft: "Draft",
    use: Use | None,
    *,
    overdue: datetime,
    alike: Alike,
) -> Kept:
    """Write down a message that waits, counted as any other; the answer to its sender. The arguments are as for a
    message that leaves at once.
    """
    row = await messages.begin_send(
        uow,
        instance,
        message_id=message_id,
        chat_id=draft.chat_id,
        kind=draft.kind,
        content=draft.content,
        client_reference=draft.client_reference,
        idempotency_key=use.key if use else None,
        overdue=overdue,
        alike=alike,
    )
    units = units_of(draft.kind, draft.content)
    await plans.reserve_send(uow, row.tenant_id, instance.id, draft.chat_id, units=units)
    vault = await open_vault(uow, row.tenant_id)
    await store.hold(uow, row)
    sealed = vault.seal(msgspec.json.encode(draft.send).decode(), place(row.id))
    uow.session.add(
        HeldSend(
            tenant_id=row.tenant_id,
            message_id=row.id,
            instance_id=row.instance_id,
            send_sealed=sealed,
            held_at=uow.now,
        )
    )
    await uow.session.flush()
    uow.defer(SendHeld(ref=row.instance_id, tenant_id=row.tenant_id), after_seconds=SOON_SECONDS)
    row.status = "held"
    return Kept(202, {}, msgspec.json.encode(view(row)))  # not kept: until it is sent its key has no final answer


def place(message_id: UUID) -> str:
    """Where a send is sealed."""
    return f"held_sends.send|{message_id}"
