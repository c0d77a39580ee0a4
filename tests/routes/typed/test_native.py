"""Methods of the gateway in its own words, with a key of ours."""

import asyncio

import pytest
from sqlalchemy import text

from app.accounts.scopes import TENANT_SCOPES, Scope
from app.gateway.catalogue import ALL
from app.kit.db import SYSTEM
from tests.factories import make_key, make_tenant
from tests.routes.typed.phone import CHAT, JPEG, Phone

NATIVE = [method for method in ALL if method.group != "partner" and method.name != "scanqrcode"]
TEXT = {"chatId": CHAT, "message": "Hello"}


async def test_a_message_sent_natively_is_a_message_of_ours(phone: Phone) -> None:
    reply = await phone.call("POST", "gateway/SendMessage", TEXT)
    assert (reply.status_code, set(reply.json())) == (200, {"idMessage"}), reply.text
    await phone.sender.drain()

    async def recorded() -> bool:
        listed = (await phone.good("GET", "messages?direction=outbound"))["data"]
        return [(message["upstream_message_id"], message["type"]) for message in listed] == [
            (reply.json()["idMessage"], "text")
        ]

    await phone.sender.drain(until=recorded)
    assert (await phone.sender.used())["messages"] == 1


async def test_settings_and_notifications_are_the_tenants_own(phone: Phone) -> None:
    before = await phone.good("GET", "gateway/getSettings")
    assert (before["webhookUrl"], before["incomingWebhook"]) == ("", "no")
    saved = await phone.good("POST", "gateway/setSettings", {"incomingWebhook": "yes"})
    assert saved == {"saveSettings": True}
    assert (await phone.good("GET", "gateway/getSettings"))["incomingWebhook"] == "yes"
    waiting = asyncio.ensure_future(phone.call("GET", "gateway/receiveNotification?receiveTimeout=20"))
    await phone.act("receive", chat_id=CHAT, text="Hi")
    told = (await waiting).json()
    assert told["body"]["messageData"]["textMessageData"]["textMessage"] == "Hi"
    assert str(phone.sender.instance.upstream_id) not in (await waiting).text
    gone = await phone.good("DELETE", f"gateway/deleteNotification?receiptId={told['receiptId']}")
    assert gone["result"] is True


async def test_a_file_streams_through(phone: Phone) -> None:
    reply = await phone.call("POST", "gateway/uploadFile", content=JPEG, kind="image/jpeg")
    assert reply.status_code == 200, reply.text
    assert reply.json()["urlFile"].startswith(f"{phone.sender.client.base_url}/files/")
    form = {"file": ("hall.jpg", JPEG, "image/jpeg"), "chatId": (None, CHAT)}
    sent = await phone.call("POST", "gateway/sendFileByUpload", files=form)
    assert (sent.status_code, "idMessage" in sent.json()) == (200, True), sent.text


async def test_what_the_gateway_refuses_it_says_itself(phone: Phone) -> None:
    reply = await phone.call("POST", "gateway/sendMessage", {"chatId": CHAT})
    assert (reply.status_code, reply.json()["message"]) == (
        400,
        "Validation failed. Details: 'message' is required",
    ), reply.text
    assert str(phone.sender.instance.upstream_id) not in reply.text
    for raw in (b"{", b"[1]"):
        bad = await phone.call("POST", "gateway/sendMessage", content=raw, kind="application/json")
        assert bad.status_code == 400


@pytest.mark.parametrize(("fault", "status"), [("lose_answer", 504), ("lose_request", 504)])
async def test_what_is_not_known_is_a_problem(phone: Phone, fault: str, status: int) -> None:
    await phone.sender.upstream.faults({"method": "sendMessage", "kind": fault})
    reply = await phone.call("POST", "gateway/sendMessage", TEXT)
    assert (reply.status_code, reply.json()["code"], reply.json()["retryable"]) == (status, "upstream_timeout", False)
    assert reply.headers["content-type"] == "application/problem+json"
    assert len(await phone.asked("sendMessage")) == 1


async def test_each_method_needs_its_scope_and_gateway_call(phone: Phone) -> None:
    runtime, tenant = phone.sender.runtime, phone.sender.tenant
    without = await make_key(runtime, tenant, scopes=TENANT_SCOPES - {Scope.GATEWAY_CALL})
    keys = {
        scope: await make_key(runtime, tenant, scopes=TENANT_SCOPES - {scope})
        for scope in {method.scope for method in NATIVE}
    }
    other = await make_tenant(runtime, name="Bo")
    for method in NATIVE:
        tail = f"gateway/{method.name}"
        for headers, scope in ((without, Scope.GATEWAY_CALL), (keys[method.scope], method.scope)):
            reply = await phone.call(method.verb, tail, headers=headers)
            assert (reply.status_code, reply.json()["required_scopes"]) == (403, [str(scope)]), method.name
        reply = await phone.call(method.verb, tail, headers=other.headers)
        assert (reply.status_code, reply.json()["code"]) == (404, "resource_not_found"), method.name


async def test_only_methods_there_are_by_their_verb(phone: Phone) -> None:
    for name in ("nothing", "createInstance", "deleteInstanceAccount", "getInstances"):
        assert (await phone.call("POST", f"gateway/{name}", {})).status_code == 404, name
    wrong = await phone.call("GET", "gateway/sendMessage")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["Allow"]) == (405, "method_not_allowed", "POST")
    assert (await phone.call("GET", "gateway/scanqrcode")).json()["code"] == "unsupported_by_provider"


async def test_an_expired_trial_closes_all_that_counts(phone: Phone) -> None:
    await phone.end_trial()
    for name, body in (("sendMessage", TEXT), ("getChats", None), ("createGroup", {})):
        reply = await phone.call("POST" if body is not None else "GET", f"gateway/{name}", body)
        assert (reply.status_code, reply.json()["code"]) == (402, "trial_expired"), f"{name}: {reply.text}"
    assert (await phone.call("GET", "gateway/getSettings")).status_code == 200
    assert (await phone.call("GET", "gateway/getStateInstance")).json() == {"stateInstance": "authorized"}


async def test_calls_are_recorded_by_their_face(phone: Phone) -> None:
    await phone.good("GET", "gateway/getChats")
    await phone.good("GET", "contacts")

    async def recorded() -> bool:
        async with phone.sender.runtime.database.begin(SYSTEM) as uow:
            rows = await uow.session.execute(text("select method, face, outcome, status from gateway_calls"))
            return {tuple(row) for row in rows} >= {
                ("getChats", "native", "done", 200),
                ("getContacts", "typed", "done", 200),
            }

    await phone.sender.drain(until=recorded)
