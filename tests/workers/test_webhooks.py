"""What happened reaches the tenants' servers, signed, until they take it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from aiohttp import web
from sqlalchemy import select, update
from standardwebhooks import Webhook, WebhookVerificationError

from app.events import service as events
from app.events.models import Event
from app.jobs import DeliverEvent, DispatchEvent
from app.kit import work
from app.kit.db import SYSTEM
from app.kit.egress import Egress
from app.kit.ids import INSTANCE, new_id, to_wire
from app.kit.work import Work
from app.runtime import Runtime
from app.webhooks import outbound
from app.webhooks.models import Delivery, WebhookEndpoint
from tests.conftest import Drain
from tests.factories import TestTenant, make_tenant
from tests.receiver import Got, receiving
from workers.main import HANDLERS
from workers.task import do_work

AT_ONCE = 16
"""Pieces of work of what stands for the workers: more than are let run for one tenant."""
DATA = {"text": "Grüße 👋", "n": 1}


async def listen(client: httpx2.AsyncClient, tenant: TestTenant, url: str, **more: Any) -> tuple[str, str]:
    """A new endpoint: its path and its secret."""
    made = await client.post("/v1/webhook_endpoints", headers=tenant.headers, json={"url": url, **more})
    assert made.status_code == 201, made.text
    path = f"/v1/webhook_endpoints/{made.json()['id']}"
    secret = await client.get(f"{path}/secret", headers=tenant.headers)
    return path, secret.json()["secret"]


async def publish(runtime: Runtime, tenant: TestTenant, **more: Any) -> Event:
    """Something happens."""
    async with runtime.database.begin(SYSTEM) as uow:
        return await events.publish(
            uow,
            **{
                "tenant_id": tenant.tenant_id,
                "type": "message.received",
                "data": DATA,
                "environment": "live",
                **more,
            },
        )


async def deliveries(client: httpx2.AsyncClient, tenant: TestTenant, path: str) -> list[dict[str, Any]]:
    """What the tenant sees."""
    rows: list[dict[str, Any]] = (await client.get(f"{path}/deliveries", headers=tenant.headers)).json()["data"]
    return rows


async def hurry(runtime: Runtime) -> None:
    """Make waiting deliveries due without moving the clock, so that timestamps stay true."""
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(
            update(Work).where(Work.kind == DeliverEvent.kind).values(run_at=uow.now - timedelta(seconds=1))
        )


async def test_an_event_arrives_signed_as_it_is_in_the_api(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        path, secret = await listen(client, tenant, receiver.url)
        event = await publish(runtime, tenant)
        await drain()
        [got] = receiver.got
        assert got.verify(secret) == got.event
        shown = await client.get(f"/v1/events/{got.event['id']}", headers=tenant.headers)
        assert shown.json() == got.event
        assert got.headers["webhook-id"] == got.event["id"]
        assert got.event["data"] == DATA
        assert got.event["sequence"] == event.sequence == 1
        assert got.event["org_id"] == tenant.org_id
        [delivery] = await deliveries(client, tenant, path)
        assert (delivery["status"], delivery["attempt_count"]) == ("delivered", 1)
        assert delivery["attempts"][0]["status_code"] == 200
        assert delivery["attempts"][0]["reply_excerpt"] == "seen"
        assert await drain() == 0


async def test_a_flipped_bit_does_not_verify(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        _, secret = await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        await drain()
        [got] = receiver.got
        good = got.headers
        for body, headers in (
            (got.body[:-1] + b" ", good),
            (got.body, {**good, "webhook-id": good["webhook-id"] + "x"}),
            (got.body, {**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) + 1)}),
            (got.body, {**good, "webhook-signature": "v1," + "A" * 43 + "="}),
        ):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(body, headers)


async def test_a_retry_has_the_same_id_the_same_body_and_a_fresh_time(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        receiver.answers = [500, 302, 200]
        path, secret = await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        await drain()
        [waiting] = await deliveries(client, tenant, path)
        assert (waiting["status"], waiting["last_error"], waiting["attempt_count"]) == ("pending", "status_500", 1)
        await asyncio.sleep(1.1)  # the header counts in seconds: only real time shows that it is fresh
        for _ in range(2):
            await hurry(runtime)
            await drain()
        assert [got.verify(secret)["id"] for got in receiver.got] == [waiting["event_id"]] * 3
        assert len({got.body for got in receiver.got}) == 1
        times = [int(got.headers["webhook-timestamp"]) for got in receiver.got]
        assert times[0] < times[1] <= times[2]
        [done] = await deliveries(client, tenant, path)
        assert (done["status"], [tried["status_code"] for tried in done["attempts"]]) == ("delivered", [500, 302, 200])


async def test_the_published_schedule_is_kept_and_then_it_fails(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        receiver.answers = [500]
        path, _ = await listen(client, tenant, receiver.url, event_types=["message.received"])
        await publish(runtime, tenant)
        await drain()
        for number, seconds in enumerate((5, 300, 1800, 7200, 18_000, 36_000, 36_000), 1):
            assert len(receiver.got) == number
            [waits] = await deliveries(client, tenant, path)
            tried, due = (
                datetime.fromisoformat(at) for at in (waits["attempts"][-1]["attempted_at"], waits["next_attempt_at"])
            )
            assert seconds * 0.8 - 0.1 <= (due - tried).total_seconds() <= seconds * 1.2 + 10
            runtime.database.shift += timedelta(seconds=seconds * 0.8 - 3.5)  # so long a round may take
            await drain()
            assert len(receiver.got) == number, "not before its time"
            runtime.database.shift += timedelta(seconds=seconds * 0.4 + 3.5)
            await drain()
        assert len(receiver.got) == 8
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
        [failed] = await deliveries(client, tenant, path)
        assert (failed["status"], failed["attempt_count"], failed["next_attempt_at"]) == ("failed", 8, None)
        runtime.database.shift += timedelta(days=2)
        assert await drain() == 0


async def test_a_receiver_that_asks_for_time_gets_it_up_to_an_hour(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:

        async def later(_: web.Request) -> web.StreamResponse:
            return web.Response(status=429, headers={"Retry-After": "90000"})

        receiver.answers = [later, 200]
        await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        await drain()
        runtime.database.shift += timedelta(seconds=3500)
        await drain()
        assert len(receiver.got) == 1
        runtime.database.shift += timedelta(seconds=200)
        await drain()
        assert len(receiver.got) == 2


async def test_both_secrets_sign_until_the_old_one_expires(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        path, old = await listen(client, tenant, receiver.url)
        rotated = await client.post(
            f"{path}/rotate_secret", headers=tenant.headers, json={"expire_old_after_seconds": 3600}
        )
        new = rotated.json()["secret"]
        assert (await client.get(f"{path}/secret", headers=tenant.headers)).json()["secret"] == new != old
        await publish(runtime, tenant)
        await drain()
        assert receiver.got[0].verify(old) == receiver.got[0].verify(new)
        assert len(receiver.got[0].headers["webhook-signature"].split(" ")) == 2
        runtime.database.shift += timedelta(seconds=3601)
        await publish(runtime, tenant)
        await drain()
        last = receiver.got[1]
        [signature] = last.headers["webhook-signature"].split(" ")
        assert signature == signed_by(new, last)
        assert signature != signed_by(old, last)


def signed_by(secret: str, got: Got) -> str:
    """What the library signs for another time than now, which it does not verify."""
    at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
    return str(Webhook(secret).sign(got.headers["webhook-id"], at, got.body.decode()))


async def test_an_old_secret_may_end_at_once(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        path, old = await listen(client, tenant, receiver.url)
        await client.post(f"{path}/rotate_secret", headers=tenant.headers, json={"expire_old_after_seconds": 0})
        await publish(runtime, tenant)
        await drain()
        with pytest.raises(WebhookVerificationError):
            receiver.got[0].verify(old)


async def test_410_disables_at_once_and_skips_what_waits(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver, receiving() as other:
        receiver.answers = [500, 410]
        path, _ = await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        await drain()
        await publish(runtime, tenant)
        await drain()
        shown = (await client.get(path, headers=tenant.headers)).json()
        assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
        assert {row["status"] for row in await deliveries(client, tenant, path)} == {"failed", "skipped"}
        await listen(client, tenant, other.url, event_types=["message.received"])
        runtime.database.shift += timedelta(days=1)
        await publish(runtime, tenant)
        await drain()
        assert (len(receiver.got), len(other.got)) == (2, 1)


async def test_an_endpoint_that_only_fails_is_warned_of_after_a_day_and_disabled_after_five(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver, receiving() as watcher:
        receiver.answers = [500]
        path, _ = await listen(client, tenant, receiver.url, event_types=["message.*"])
        await listen(client, tenant, watcher.url, event_types=["webhook_endpoint.*"])
        for hours in (0, 23, 2, 2, 24, 48, 20):
            runtime.database.shift += timedelta(hours=hours)
            await publish(runtime, tenant)
            await drain()
        assert [got.event["type"] for got in watcher.got] == ["webhook_endpoint.failing"]
        assert (await client.get(path, headers=tenant.headers)).json()["status"] == "enabled"
        runtime.database.shift += timedelta(hours=3)
        await publish(runtime, tenant)
        await drain()
        assert [got.event["type"] for got in watcher.got] == ["webhook_endpoint.failing", "webhook_endpoint.disabled"]
        assert watcher.got[1].event["data"]["reason"] == "failing"
        shown = (await client.get(path, headers=tenant.headers)).json()
        assert (shown["status"], shown["disabled_reason"]) == ("disabled", "failing")


async def test_one_success_ends_the_count_of_failures(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        receiver.answers = [500, 200, 500]
        path, _ = await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        await drain()
        assert (await client.get(path, headers=tenant.headers)).json()["failing_since"] is not None
        runtime.database.shift += timedelta(days=4)
        await drain()
        assert (await client.get(path, headers=tenant.headers)).json()["failing_since"] is None
        await publish(runtime, tenant)
        runtime.database.shift += timedelta(days=2)
        await drain()
        assert (await client.get(path, headers=tenant.headers)).json()["status"] == "enabled"


async def test_recover_tries_again_what_failed_was_skipped_or_missed(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        receiver.answers = [500, 410, 200]
        path, secret = await listen(client, tenant, receiver.url, event_types=["message.received"])
        since = (await client.get(path, headers=tenant.headers)).json()["created_at"]
        for _ in range(2):
            await publish(runtime, tenant)
            await drain()
        for _ in range(7):
            await publish(runtime, tenant)
        await publish(runtime, tenant, type="message.failed")
        await drain()
        refused = await client.post(f"{path}/recover", headers=tenant.headers, json={"since": since})
        assert refused.status_code == 409
        await client.patch(path, headers=tenant.headers, json={"status": "enabled"})
        begun = await client.post(f"{path}/recover", headers=tenant.headers, json={"since": since})
        assert (begun.status_code, begun.json()["delivery_count"], begun.json()["has_more"]) == (202, 9, False)
        await drain()
        assert len(receiver.got) == 2 + 9
        assert len({got.verify(secret)["id"] for got in receiver.got[2:]}) == 9
        assert {row["status"] for row in await deliveries(client, tenant, path)} == {"delivered"}
        again = await client.post(f"{path}/recover", headers=tenant.headers, json={"since": since})
        assert again.json()["delivery_count"] == 0


async def test_resend_sends_the_same_event_once_more(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver, receiving() as other:
        _, secret = await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        await drain()
        await listen(client, tenant, other.url)
        event_id = receiver.got[0].event["id"]
        sent = await client.post(f"/v1/events/{event_id}/resend", headers=tenant.headers)
        assert (sent.status_code, sent.json()["id"]) == (202, event_id)
        await drain()
        assert [got.verify(secret)["id"] for got in receiver.got] == [event_id, event_id]
        assert [got.event["id"] for got in other.got] == [event_id]


async def test_a_test_goes_to_its_endpoint_alone(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver, receiving() as other:
        path, secret = await listen(client, tenant, receiver.url, event_types=["message.received"])
        await listen(client, tenant, other.url)
        sent = await client.post(f"{path}/test", headers=tenant.headers)
        assert sent.status_code == 202
        await drain()
        [got] = receiver.got
        assert got.verify(secret) == sent.json()
        assert got.event["type"] == "webhook_endpoint.test"
        assert other.got == []


async def test_only_what_is_subscribed_comes(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain) -> None:
    tenant, stranger, instance_id = await make_tenant(runtime), await make_tenant(runtime), new_id()
    named = to_wire(INSTANCE, instance_id)
    async with receiving() as by_type, receiving() as by_group, receiving() as by_instance, receiving() as foreign:
        await listen(client, tenant, by_type.url, event_types=["message.failed"])
        await listen(client, tenant, by_group.url, event_types=["message.*"])
        await listen(client, tenant, by_instance.url, instance_ids=[named])
        await listen(client, stranger, foreign.url)
        await publish(runtime, tenant, type="message.received", instance_id=instance_id)
        await publish(runtime, tenant, type="message.failed")
        await publish(runtime, tenant, type="instance.created", instance_id=new_id())
        await publish(runtime, tenant, type="instance.created", environment="test", instance_id=instance_id)
        await drain()
        assert [got.event["type"] for got in by_type.got] == ["message.failed"]
        assert {got.event["type"] for got in by_group.got} == {"message.received", "message.failed"}
        assert [got.event["instance_id"] for got in by_instance.got] == [named]
        assert foreign.got == []


async def test_a_deleted_endpoint_gets_nothing_more(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        receiver.answers = [500]
        path, _ = await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        await drain()
        assert (await client.delete(path, headers=tenant.headers)).status_code == 204
        runtime.database.shift += timedelta(hours=1)
        await publish(runtime, tenant)
        await drain()
        assert len(receiver.got) == 1
        delivery = await only(runtime, Delivery)
        assert (delivery.status, delivery.last_error) == ("skipped", "endpoint_deleted")
        endpoint = await only(runtime, WebhookEndpoint)
        assert endpoint.secret_sealed == b""


async def test_an_address_inside_is_blocked_at_delivery_and_logged(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    """The endpoint was made while the network was allowed; the worker that delivers has no allowance."""
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        path, _ = await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        guarded = Egress()
        await drain_with(runtime, guarded)
        await guarded.close()
        assert receiver.got == []
        [delivery] = await deliveries(client, tenant, path)
        [attempt] = delivery["attempts"]
        assert (attempt["error"], attempt["status_code"], attempt["reply_excerpt"]) == ("blocked", None, None)
        assert delivery["status"] == "pending"


async def test_at_most_four_run_at_once_for_an_endpoint_and_none_is_forgotten(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:

        async def slow(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(0.05)
            return web.Response()

        receiver.answers = [slow]
        path, _ = await listen(client, tenant, receiver.url)
        for _ in range(25):
            await publish(runtime, tenant)
        await drain()
        assert receiver.most <= 4
        assert len(receiver.got) == len({got.event["id"] for got in receiver.got}) == 25
        rows = (await client.get(f"{path}/deliveries?limit=100", headers=tenant.headers)).json()["data"]
        assert {row["status"] for row in rows} == {"delivered"}


async def test_an_endpoint_that_hangs_holds_one_place_and_delays_nobody(
    runtime: Runtime, client: httpx2.AsyncClient
) -> None:
    tenant = await make_tenant(runtime)
    egress = Egress(runtime.settings.networks(), total_seconds=1.0)
    async with receiving() as hanging, receiving() as healthy:

        async def hang(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(30)
            return web.Response()

        hanging.answers = [hang]
        await listen(client, tenant, hanging.url)
        await listen(client, tenant, healthy.url)
        await publish(runtime, tenant)
        await drain_with(runtime, egress)
        assert (len(hanging.got), len(healthy.got)) == (1, 1)
        for _ in range(5):
            await publish(runtime, tenant)
        hanging.most = 0
        await asyncio.gather(*(drain_with(runtime, egress, rounds=1) for _ in range(6)))
        assert hanging.most <= 1
        await drain_with(runtime, egress)
        await egress.close()
        assert len(healthy.got) == 6


async def test_a_worker_that_died_in_the_middle_is_made_up_for(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    """R1: the lease ends and the same event is sent again under the same id; R2: twice is allowed."""
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:

        async def hang(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(30)
            return web.Response()

        receiver.answers = [hang, 200]
        path, _ = await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        await dispatch_only(runtime)
        async with runtime.database.begin(SYSTEM) as uow:
            [ring] = await work.due(uow, 10)
            claim = await work.claim(uow, ring.work_id, 60)
        assert claim is not None
        dying = asyncio.create_task(outbound.deliver(runtime.database, runtime.egress, claim))
        while not receiver.got:
            await asyncio.sleep(0.01)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        assert await drain() == 0
        runtime.database.shift += timedelta(seconds=61)
        await drain()
        assert [got.event["id"] for got in receiver.got] == [receiver.got[0].event["id"]] * 2
        assert (await deliveries(client, tenant, path))[0]["status"] == "delivered"


async def test_whoever_lost_the_lease_records_nothing(runtime: Runtime, client: httpx2.AsyncClient) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        path, _ = await listen(client, tenant, receiver.url)
        await publish(runtime, tenant)
        await dispatch_only(runtime)
        async with runtime.database.begin(SYSTEM) as uow:
            [ring] = await work.due(uow, 10)
            late = await work.claim(uow, ring.work_id, -1)
            assert late is not None
        async with runtime.database.begin(SYSTEM) as uow:
            assert await work.claim(uow, ring.work_id, 5) is not None
        with pytest.raises(work.LeaseLost):
            await outbound.deliver(runtime.database, runtime.egress, late)
        assert receiver.got == []
        assert (await deliveries(client, tenant, path))[0]["attempts"] == []


async def test_an_event_dispatched_twice_is_delivered_once(
    runtime: Runtime, client: httpx2.AsyncClient, drain: Drain
) -> None:
    tenant = await make_tenant(runtime)
    async with receiving() as receiver:
        await listen(client, tenant, receiver.url)
        event = await publish(runtime, tenant)
        await drain()
        async with runtime.database.begin(SYSTEM) as uow:
            uow.defer(DispatchEvent(ref=event.id, tenant_id=tenant.tenant_id))
        await drain()
        assert len(receiver.got) == 1


async def only(runtime: Runtime, model: Any) -> Any:
    """The one row of a table."""
    async with runtime.database.begin(SYSTEM) as uow:
        return (await uow.session.scalars(select(model))).one()


async def drain_with(runtime: Runtime, egress: Egress, *, rounds: int | None = None) -> None:
    """Dispatch and deliver what is due, through another egress than the runtime's."""
    patient = replace(runtime.settings, lease_seconds=60.0)  # for many at once on a busy machine
    guarded = replace(runtime, egress=egress, settings=patient)
    places = asyncio.Semaphore(AT_ONCE)

    async def one(work_id: UUID) -> None:
        async with places:
            await do_work(guarded, HANDLERS, work_id)

    while rounds is None or rounds > 0:
        async with runtime.database.begin(SYSTEM) as uow:
            rings = await work.due(uow, 100)
        if not rings:
            return
        await asyncio.gather(*(one(ring.work_id) for ring in rings))
        rounds = None if rounds is None else rounds - 1


async def dispatch_only(runtime: Runtime) -> None:
    """Make deliveries without trying them."""
    async with runtime.database.begin(SYSTEM) as uow:
        rings = await work.due(uow, 100)
    for ring in rings:
        await do_work(runtime, HANDLERS, ring.work_id)
