"""The same key asks a gateway once, whatever happens in between."""

import asyncio
from datetime import timedelta

from app.accounts.auth import Authenticator
from app.idempotency import service
from app.idempotency.once import bound
from app.idempotency.service import Use
from app.kit import ids
from app.kit.db import SYSTEM
from tests.factories import make_key, make_tenant
from tests.routes.typed.phone import CHAT, FRIEND, Phone

GROUP = {"name": "Crew", "participants": [FRIEND]}


async def leave_behind(phone: Phone, tail: str, body: bytes, *, lease_seconds: float) -> Use:
    """What a request leaves whose process died before it was answered."""
    runtime = phone.sender.runtime
    principal = await Authenticator(runtime.database).authenticate(phone.sender.tenant.headers["Authorization"])
    use = bound(principal, "k1", "POST", f"{phone.base}/{tail}", body)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await service.claim(uow, use, lease_seconds=lease_seconds) is None
    return use


async def test_rivals_with_one_key_make_one_group(phone: Phone) -> None:
    await phone.sender.upstream.faults({"method": "createGroup", "kind": "slow_answer", "delay_seconds": 0.3})
    replies = await asyncio.gather(*(phone.call("POST", "groups", GROUP, key="k1") for _ in range(8)))
    assert sorted({reply.status_code for reply in replies}) == [201, 409]
    assert {reply.json()["code"] for reply in replies if reply.status_code == 409} == {"idempotency_in_flight"}
    assert len((await phone.truth("groups"))["groups"]) == 1
    again = await phone.call("POST", "groups", GROUP, key="k1")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    other = await phone.call("POST", "groups", {**GROUP, "name": "Team"}, key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await phone.truth("groups"))["groups"]) == 1


async def test_a_death_in_between_never_asks_twice_what_does_harm(phone: Phone) -> None:
    body = b'{"name":"Crew","participants":["+79990005544"]}'
    await leave_behind(phone, "groups", body, lease_seconds=60)
    under_way = await phone.call("POST", "groups", content=body, kind="application/json", key="k1")
    assert (under_way.status_code, under_way.json()["code"]) == (409, "idempotency_in_flight")
    phone.sender.runtime.database.shift += timedelta(seconds=61)
    for _ in range(2):
        lost = await phone.call("POST", "groups", content=body, kind="application/json", key="k1")
        assert (lost.status_code, lost.json()["code"]) == (504, "upstream_timeout")
        assert lost.json()["retryable"] is False
    assert await phone.asked("createGroup") == []


async def test_a_death_in_between_is_taken_over_where_it_does_none(phone: Phone) -> None:
    await phone.act("receive", chat_id=CHAT, text="Hello")
    await leave_behind(phone, f"chats/{CHAT}/read", b"{}", lease_seconds=0)
    replies = [
        await phone.call("POST", f"chats/{CHAT}/read", content=b"{}", kind="application/json", key="k1")
        for _ in range(2)
    ]
    assert [reply.status_code for reply in replies] == [204, 204]
    assert "Idempotent-Replayed" in replies[1].headers
    assert len(await phone.asked("readChat")) == 1


async def test_what_may_go_well_later_frees_the_key(phone: Phone) -> None:
    for fault in ({"kind": "status", "status": 429}, {"kind": "status", "status": 401}):
        await phone.sender.upstream.faults({"method": "createGroup", **fault})
        assert (await phone.call("POST", "groups", GROUP, key="k1")).status_code in (409, 429)
    await phone.sender.upstream.faults()
    assert (await phone.call("POST", "groups", GROUP, key="k1")).status_code == 201


async def test_keys_of_others_do_not_meet(phone: Phone) -> None:
    assert (await phone.call("POST", "groups", GROUP, key="k1")).status_code == 201
    weaker = await make_key(phone.sender.runtime, phone.sender.tenant)
    reused = await phone.call("POST", "groups", GROUP, key="k1", headers=weaker)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    stranger = await make_tenant(phone.sender.runtime, name="Bo")
    assert (await phone.call("POST", "groups", GROUP, key="k1", headers=stranger.headers)).status_code == 404
    bad = await phone.call("POST", "groups", GROUP, key="x" * 256)
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (400, "header:Idempotency-Key")
    nowhere = f"/v1/instances/{ids.to_wire(ids.INSTANCE, ids.new_id())}/groups"
    lost = await phone.sender.client.post(
        nowhere, headers={**phone.sender.tenant.headers, "Idempotency-Key": "k9"}, json=GROUP
    )
    assert lost.status_code == 404
