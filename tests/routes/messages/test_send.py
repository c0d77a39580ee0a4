"""Sending, seen by a client, with the gateway's own journal as the truth."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.accounts.scopes import Scope
from app.kit import ids
from app.kit.db import SYSTEM
from app.plans import service as plans
from tests.factories import make_key, make_ready_instance, make_tenant
from tests.senders import CHAT, FRIEND, Sender


async def test_a_text_is_handed_to_the_gateway(sender: Sender) -> None:
    reply = await sender.send("Hello", client_reference="order 7")
    assert reply.status_code == 202, reply.text
    made = reply.json()
    assert (made["object"], made["status"], made["chat_id"]) == ("message", "queued", CHAT)
    assert (made["text"], made["client_reference"]) == ({"body": "Hello"}, "order 7")
    assert reply.headers["Idempotency-Key"].startswith("auto-")
    [seen] = await sender.accepted()
    assert (seen["id_message"], seen["chat_id"], seen["text"]) == (made["upstream_message_id"], CHAT, "Hello")
    assert str(sender.instance.upstream_id) not in reply.text


async def test_the_same_key_sends_once_and_answers_byte_for_byte(sender: Sender) -> None:
    first = await sender.send(key="k1")
    again = await sender.send(key="k1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.headers["content-type"] == again.headers["content-type"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await sender.accepted()) == 1
    other = await sender.send("Bye", key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(await sender.accepted()) == 1


async def test_rivals_with_one_key_send_once(sender: Sender) -> None:
    replies = await asyncio.gather(*(sender.send(key="k1") for _ in range(12)))
    assert {reply.status_code for reply in replies} <= {202, 409}
    refused = [reply for reply in replies if reply.status_code == 409]
    assert all(reply.json()["code"] == "idempotency_in_flight" for reply in refused)
    assert all(reply.headers["Retry-After"] == "1" for reply in refused)
    assert len({reply.content for reply in replies if reply.status_code == 202}) == 1
    assert len(await sender.accepted()) == 1
    assert (await sender.used())["messages"] == 1


async def test_equal_messages_with_their_own_keys_are_two(sender: Sender) -> None:
    replies = await asyncio.gather(sender.send(key="k1"), sender.send(key="k2"), sender.send())
    assert [reply.status_code for reply in replies] == [202] * 3
    assert len({reply.json()["upstream_message_id"] for reply in replies}) == 3
    assert len(await sender.accepted()) == 3


@pytest.mark.parametrize(
    "body", ["x" * 2000, "x" * 20_000, "line\nline\ttab", "Ж" * 2000, "👩‍👩‍👧‍👦 \u200f\u202e ok", "  spaces  "]
)
async def test_a_text_arrives_as_it_was_given(sender: Sender, body: str) -> None:
    reply = await sender.send(body)
    assert reply.status_code == 202, reply.text
    assert [row["text"] for row in await sender.accepted()] == [body]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"to":"+79990005544","type":"text","text":{"body":"a\\u0000b"}}',
        b'{"to":"+79990005544","type":"text","text":{"body":"a\\ud800b"}}',
        b'{"to":"+79990005544","type":"text","text":{"body":""}}',
        b'{"to":"+79990005544","type":"text","text":{"body":"' + b"x" * 20_001 + b'"}}',
        b'{"to":"+79990005544","type":"text","text":{"body":7}}',
        b'{"to":"+79990005544","type":"text","text":{"body":"a","more":1}}',
        b'{"to":"+79990005544","type":"text"}',
        b'{"to":"+79990005544","type":"text","text":{"body":"\xff"}}',
        b"{",
        b"[]",
    ],
)
async def test_a_bad_body_is_the_callers_fault_with_a_place(sender: Sender, raw: bytes) -> None:
    headers = {**sender.tenant.headers, "Content-Type": "application/json"}
    reply = await sender.client.post(sender.path, headers=headers, content=raw)
    assert reply.status_code == 400, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["code"] in ("invalid_request", "unknown_field", "invalid_json")
    if problem["code"] != "invalid_json":
        assert problem["errors"][0]["pointer"].startswith("#")
    assert await sender.accepted() == []


@pytest.mark.parametrize(
    "to",
    ["79990005544", "+7999000", "+7 999 000 55 44", "++79990005544", "a@c.us", "79990005544@s.whatsapp.net", "@c.us",
     "79990005544@c.us ", "+79990005544\n", "0123456@c.us", "+" + "7" * 60, "٧٩٩٩٠٠٠٥٥٤٤@c.us", "+٧٩٩٩٠٠٠٥٥٤٤"],
)  # fmt: skip
async def test_a_wrong_recipient_is_pointed_to(sender: Sender, to: str) -> None:
    reply = await sender.send(to=to)
    assert reply.status_code == 400
    assert reply.json()["errors"][0]["pointer"] == "#/to"
    assert await sender.accepted() == []


@pytest.mark.parametrize("to", [CHAT, "120363043968066561@g.us", "79990005544-1612345678@g.us", "123456789012345@lid"])
async def test_chats_of_every_kind_can_be_written_to(sender: Sender, to: str) -> None:
    assert (await sender.send(to=to)).json()["chat_id"] == to


async def test_another_type_is_refused_in_clear_words(sender: Sender) -> None:
    body = {"to": FRIEND, "type": "hologram"}
    reply = await sender.client.post(sender.path, headers=sender.tenant.headers, json=body)
    problem = reply.json()
    assert (reply.status_code, problem["code"]) == (400, "invalid_request")
    assert problem["errors"][0]["pointer"] == "#/type"


async def test_an_answer_quotes_a_message_of_the_same_chat(sender: Sender) -> None:
    first = (await sender.send()).json()
    reply = await sender.send("Yes", reply_to=first["id"])
    assert reply.status_code == 202
    assert reply.json()["reply_to"] == first["id"]
    other = await sender.send("Yes", to="+79990005545", reply_to=first["id"])
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (400, "#/reply_to")


async def test_only_its_tenant_may_send_and_read(sender: Sender) -> None:
    made = (await sender.send()).json()
    other = await make_tenant(sender.runtime)
    for headers in (other.headers, await make_key(sender.runtime, sender.tenant, environment="test")):
        sent = await sender.client.post(
            sender.path, headers=headers, json={"to": FRIEND, "type": "text", "text": {"body": "x"}}
        )
        read = await sender.client.get(f"{sender.path}/{made['id']}", headers=headers)
        listed = await sender.client.get(sender.path, headers=headers)
        assert [reply.status_code for reply in (sent, read, listed)] == [404, 404, 404]
        assert sent.json()["code"] == "resource_not_found"
    reader = await make_key(sender.runtime, sender.tenant, scopes=[Scope.MESSAGES_READ])
    refused = await sender.client.post(
        sender.path, headers=reader, json={"to": FRIEND, "type": "text", "text": {"body": "x"}}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert len(await sender.accepted()) == 1


async def test_a_key_of_another_tenant_does_not_meet_ours(sender: Sender) -> None:
    other = await make_tenant(sender.runtime)
    instance = await make_ready_instance(sender.runtime, sender.drain, sender.upstream, other)
    await sender.send(key="k1")
    path = f"/v1/instances/{ids.to_wire(ids.INSTANCE, instance.id)}/messages"
    reply = await sender.client.post(
        path,
        headers={**other.headers, "Idempotency-Key": "k1"},
        json={"to": FRIEND, "type": "text", "text": {"body": "Hello"}},
    )
    assert reply.status_code == 202
    assert "Idempotent-Replayed" not in reply.headers


async def test_a_trial_ends_to_the_instant_and_reads_go_on(sender: Sender) -> None:
    made = (await sender.send()).json()
    path = sender.path.removesuffix("/messages")
    ends_at = (await sender.client.get(path, headers=sender.tenant.headers)).json()["trial_ends_at"]
    async with sender.runtime.database.begin(SYSTEM) as uow:
        sender.runtime.database.shift += datetime.fromisoformat(ends_at) + timedelta(milliseconds=1) - uow.now
    sender.runtime.authenticator.forget()
    reply = await sender.send("Late")
    problem = reply.json()
    assert (reply.status_code, problem["code"], problem["reason"]) == (402, "trial_expired", "trial_expired")
    assert problem["until"] == ends_at
    assert reply.headers["Idempotency-Key"]
    assert (await sender.message(made["id"]))["id"] == made["id"]
    seen = (await sender.client.get(path, headers=sender.tenant.headers)).json()["access"]
    assert (seen["allowed"], seen["reason"], seen["until"]) == (False, "trial_expired", ends_at)
    async with sender.runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, sender.tenant.tenant_id, sender.instance.id, days=1, source="s", note=None)
    assert (await sender.send("Late")).status_code == 202


async def test_the_sixth_chat_is_refused_and_sends_nothing(sender: Sender) -> None:
    replies = await asyncio.gather(*(sender.send(to=f"+7999000550{number}") for number in range(8)))
    assert sorted(reply.status_code for reply in replies) == [202] * 5 + [402] * 3
    problem: dict[str, Any] = next(reply.json() for reply in replies if reply.status_code == 402)
    assert (problem["code"], problem["metric"], problem["limit"], problem["used"]) == (
        "plan_limit_reached",
        "chats",
        5,
        5,
    )
    assert problem["resets_at"]
    assert len(await sender.accepted()) == 5


async def test_an_instance_without_a_phone_is_refused(sender: Sender) -> None:
    instance = await make_ready_instance(
        sender.runtime, sender.drain, sender.upstream, sender.tenant, linked=False, name="Two", quota_free=True
    )
    lonely = Sender(sender.runtime, sender.client, sender.drain, sender.upstream, sender.tenant, instance)
    reply = await lonely.send()
    assert (reply.status_code, reply.json()["code"]) == (409, "instance_not_connected")
    assert await lonely.accepted() == []
    assert (await lonely.used())["messages"] == 0


async def test_a_message_is_read_with_its_etag(sender: Sender) -> None:
    made = (await sender.send()).json()
    path = f"{sender.path}/{made['id']}"
    await sender.until(made["id"], lambda status: status == "delivered")
    first = await sender.client.get(path, headers=sender.tenant.headers)
    same = await sender.client.get(path, headers={**sender.tenant.headers, "If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    for number in range(3):
        await sender.send(f"m{number}")
    page = (await sender.client.get(f"{sender.path}?limit=2", headers=sender.tenant.headers)).json()
    assert [row["text"]["body"] for row in page["data"]] == ["m2", "m1"]
    rest = await sender.client.get(
        sender.path, params={"limit": 5, "cursor": page["next_cursor"]}, headers=sender.tenant.headers
    )
    assert [row["text"]["body"] for row in rest.json()["data"]] == ["m0", "Hello"]
    inbound = await sender.client.get(f"{sender.path}?direction=inbound", headers=sender.tenant.headers)
    assert inbound.json()["data"] == []
