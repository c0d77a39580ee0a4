"""What erasing an instance takes away in each room, and what of others it leaves."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from app.admin import retention
from app.events import service as events
from app.events.models import Event
from app.idempotency import erasure as idempotency
from app.idempotency.models import IdempotentRequest
from app.kit import ids
from app.kit.db import SYSTEM
from app.runtime import Runtime
from app.webhooks import erasure as webhooks
from app.webhooks.models import Delivery, DeliveryAttempt, WebhookEndpoint
from tests.factories import make_tenant
from workers.instances import ERASERS


async def answered(runtime: Runtime, tenant_id: UUID, instance_id: UUID | None, excerpt: str) -> None:
    """A delivery of an event whose receiver answered."""
    async with runtime.database.begin(SYSTEM) as uow:
        ours = {"tenant_id": tenant_id, "created_at": uow.now}
        event = Event(
            **ours,
            id=ids.new_id(),
            type="message.received",
            environment="live",
            instance_id=instance_id,
            sequence=99,
            data={},
        )
        endpoint = WebhookEndpoint(
            **ours, id=ids.new_id(), url="https://a.example/", environment="live", secret_sealed=b""
        )
        uow.session.add_all([event, endpoint])
        await uow.session.flush()
        delivery = Delivery(
            **ours, id=ids.new_id(), endpoint_id=endpoint.id, event_id=event.id, event_type=event.type, status="pending"
        )
        uow.session.add(delivery)
        await uow.session.flush()
        uow.session.add(
            DeliveryAttempt(
                tenant_id=tenant_id,
                id=ids.new_id(),
                delivery_id=delivery.id,
                attempted_at=uow.now,
                duration_ms=1,
                reply_excerpt=excerpt,
            )
        )


async def test_what_receivers_answered_is_forgotten_of_the_instance_alone(runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime), await make_tenant(runtime, name="Bo")
    leaving, staying = ids.new_id(), ids.new_id()
    await answered(runtime, ada.tenant_id, leaving, "gone")
    await answered(runtime, ada.tenant_id, staying, "stays")
    await answered(runtime, ada.tenant_id, None, "stays")
    await answered(runtime, bo.tenant_id, leaving, "stays")
    async with runtime.database.begin(SYSTEM) as uow:
        assert await webhooks.erase(uow, ada.tenant_id, leaving) == 1
        assert await webhooks.erase(uow, ada.tenant_id, leaving) == 0
    async with runtime.database.begin(SYSTEM) as uow:
        left = list(await uow.session.scalars(select(DeliveryAttempt.reply_excerpt)))
    assert sorted(map(str, left)) == ["None", "stays", "stays", "stays"]


async def test_kept_answers_about_the_instance_are_forgotten_alone(runtime: Runtime) -> None:
    ada, bo = await make_tenant(runtime), await make_tenant(runtime, name="Bo")
    leaving, staying = ids.new_id(), ids.new_id()
    async with runtime.database.begin(SYSTEM) as uow:
        for tenant, instance_id in ((ada, leaving), (ada, staying), (bo, leaving)):
            path = f"/v1/instances/{ids.to_wire(ids.INSTANCE, instance_id)}/messages"
            for method, key in (("POST", "a"), ("POST", "b")):
                uow.session.add(
                    IdempotentRequest(
                        tenant_id=tenant.tenant_id,
                        key=key,
                        route=f"live {method} {path}",
                        fingerprint=b"",
                        state="done",
                        created_at=uow.now,
                    )
                )
    async with runtime.database.begin(SYSTEM) as uow:
        assert await idempotency.erase(uow, ada.tenant_id, leaving) == 2
        assert await idempotency.erase(uow, ada.tenant_id, leaving) == 0
    async with runtime.database.begin(SYSTEM) as uow:
        assert len(list(await uow.session.scalars(select(IdempotentRequest.key)))) == 4


def test_every_room_that_keeps_something_of_an_instance_is_asked() -> None:
    rooms = {"messages", "notices", "events", "chats", "answers", "replies", "lines", "uploads", "calls"}
    assert set(ERASERS) == rooms


async def test_what_messages_said_is_forgotten_everywhere_after_a_week(runtime: Runtime) -> None:
    ada = await make_tenant(runtime)
    data = {"message_id": "msg_1", "text": "canary", "content": {"text": "canary"}, "status": "read"}
    async with runtime.database.begin(SYSTEM) as uow:
        for kind, told in (("message.received", data), ("gateway.event", {"type": "x", "raw": {"a": "canary"}})):
            await events.publish(uow, tenant_id=ada.tenant_id, type=kind, data=told, environment="live")
    await answered(runtime, ada.tenant_id, None, "canary")
    assert "canary" in await everything(runtime)
    runtime.database.shift += timedelta(days=6, hours=23)
    async with runtime.database.begin(SYSTEM) as uow:
        await retention.clean(uow, 100)
    assert "canary" in await everything(runtime)
    runtime.database.shift += timedelta(hours=2)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await retention.clean(uow, 1)
    async with runtime.database.begin(SYSTEM) as uow:
        await retention.clean(uow, 100)
    left = await everything(runtime)
    assert "canary" not in left
    assert "msg_1" in left
    async with runtime.database.begin(SYSTEM) as uow:
        assert not await retention.clean(uow, 100)


async def everything(runtime: Runtime) -> str:
    """What events and answers tell."""
    async with runtime.database.begin(SYSTEM) as uow:
        told = list(await uow.session.scalars(select(Event.data)))
        return repr(told) + repr(list(await uow.session.scalars(select(DeliveryAttempt.reply_excerpt))))
