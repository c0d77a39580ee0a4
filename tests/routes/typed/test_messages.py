"""What is done to a message of ours after it was sent or received."""

from app.kit import ids
from tests.factories import make_key, make_tenant
from tests.routes.typed.phone import CHAT, JPEG, Phone


async def sent(phone: Phone, body: str = "Helo") -> str:
    """A message of ours that has left."""
    made = (await phone.sender.send(body)).json()
    await phone.sender.until(made["id"], lambda status: status in ("sent", "delivered"))
    return str(made["id"])


async def test_a_text_is_edited_and_deleted(phone: Phone) -> None:
    message_id = await sent(phone)
    edit = await phone.good("PATCH", f"messages/{message_id}", {"text": {"body": "Hello"}})
    assert (edit["message_id"], edit["object"]) == (message_id, "message_edit")
    assert await phone.good("DELETE", f"messages/{message_id}") is None
    assert [entry["real"] for entry in await phone.asked("deleteMessage")] == ["done"]


async def test_the_file_of_a_received_message(phone: Phone, http: object) -> None:
    await phone.act("receive", chat_id=CHAT, kind="imageMessage", file_name="hall.jpg")
    await phone.sender.drain()
    seen: list[str] = []

    async def come() -> bool:
        listed = await phone.good("GET", "messages?direction=inbound")
        seen[:] = [message["id"] for message in listed["data"]]
        return bool(seen)

    await phone.sender.drain(until=come)
    file = await phone.good("GET", f"messages/{seen[0]}/file")
    assert (file["message_id"], file["object"]) == (seen[0], "message_file")
    assert (await phone.sender.client.get(file["file_link"])).status_code == 200
    text_id = await sent(phone)
    none = await phone.call("GET", f"messages/{text_id}/file")
    assert none.status_code in (404, 409, 502), none.text


async def test_bad_requests_are_pointed_at(phone: Phone) -> None:
    message_id = await sent(phone)
    for verb, tail, body, pointer in (
        ("PATCH", "", {}, "#/text"),
        ("PATCH", "", {"text": {"body": ""}}, "#/text/body"),
        ("PATCH", "", {"text": {"body": "x", "more": 1}}, "#/text/more"),
        ("DELETE", "?for=all", None, "?for"),
    ):
        reply = await phone.call(verb, f"messages/{message_id}{tail}", body)
        assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (400, pointer)
    assert await phone.asked("editMessage") == await phone.asked("deleteMessage") == []


async def test_only_who_may_and_only_what_is_ours(phone: Phone) -> None:
    message_id = await sent(phone)
    routes = (("PATCH", "", {"text": {"body": "x"}}), ("DELETE", "", None), ("GET", "/file", None))
    other = await make_tenant(phone.sender.runtime, name="Bo")
    none = await make_key(phone.sender.runtime, phone.sender.tenant, scopes=[])
    unknown = ids.to_wire(ids.MESSAGE, ids.new_id())
    for verb, tail, body in routes:
        reply = await phone.call(verb, f"messages/{message_id}{tail}", body, headers=other.headers)
        assert (reply.status_code, reply.json()["code"]) == (404, "resource_not_found")
        assert (await phone.call(verb, f"messages/{message_id}{tail}", body, headers=none)).status_code == 403
        assert (await phone.call(verb, f"messages/{unknown}{tail}", body)).status_code == 404
    await phone.end_trial()
    for verb, tail, body in routes:
        reply = await phone.call(verb, f"messages/{message_id}{tail}", body)
        assert (reply.status_code, reply.json()["code"]) == (402, "trial_expired")


async def test_a_message_that_never_left_cannot_be_edited(phone: Phone) -> None:
    await phone.sender.upstream.faults({"method": "sendMessage", "kind": "lose_request"})
    lost = (await phone.sender.send("Lost")).json()
    reply = await phone.call("PATCH", f"messages/{lost['message_id']}", {"text": {"body": "x"}})
    assert (reply.status_code, reply.json()["code"]) == (409, "message_not_sent")
    assert JPEG
