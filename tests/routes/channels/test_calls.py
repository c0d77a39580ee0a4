"""Whapi's calls over both gateways: what comes has Whapi's shape, and no trace of whose gateway it is."""

import base64
from typing import Any

from app.channels import table
from app.channels.table import ABSENT, PASSED, ROUTES, SERVED
from tests.routes.channels.conftest import ANN, BOB, Client, Opened

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 2000
URL = "https://files.example.org/a.jpg"
TO = {"to": ANN}
CARD = "BEGIN:VCARD\nVERSION:3.0\nN:Lee;Ann;;;\nORG:Acme;\nTEL;type=CELL;waid=15550009999:+1 555 000\nEND:VCARD"
SENDS: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"body": "Order 1042", "typing_time": 1, "no_link_preview": True}, "text"),
    "image": ({"media": URL, "caption": "Look"}, "image"),
    "video": ({"media": "https://files.example.org/a.mp4"}, "video"),
    "audio": ({"media": "https://files.example.org/a.mp3"}, "audio"),
    "voice": ({"media": "https://files.example.org/a.ogg"}, "voice"),
    "document": ({"media": "https://files.example.org/a.pdf", "filename": "bill.pdf"}, "document"),
    "location": ({"latitude": 50.45, "longitude": 30.52, "name": "Office"}, "location"),
    "contact": ({"name": "Ann Lee", "vcard": CARD}, "contact"),
    "poll": ({"title": "When?", "options": ["now", "later"], "count": 1}, "poll"),
    "interactive": (
        {"body": {"text": "Ok?"}, "action": {"buttons": [{"type": "quick_reply", "id": "y", "title": "Yes"}]}},
        "interactive",
    ),
}


async def test_a_text_is_sent_by_changing_the_host_alone(opened: Opened) -> None:
    async with opened() as client:
        sent = await client.ok("POST", "/messages/text", json={**TO, "body": "Order 1042", "unknown": 1})
        assert sent["sent"] is True
        message = sent["message"]
        assert (message["type"], message["chat_id"], message["from_me"]) == ("text", ANN, True)
        assert (message["text"], message["source"]) == ({"body": "Order 1042"}, "api")
        assert message["id"]


async def test_a_key_sends_once_and_is_of_no_use_for_another_message(opened: Opened) -> None:
    async with opened() as client:
        key: dict[str, Any] = {"headers": {"Idempotency-Key": "order-1042"}}
        wanted = {**TO, "body": "Order 1042"}
        first = await client.call("POST", "/messages/text", json=wanted, **key)
        again = await client.call("POST", "/messages/text", json=wanted, **key)
        assert (first.status_code, first.json()) == (again.status_code, again.json())
        assert again.headers["idempotent-replayed"] == "true"
        other = await client.call("POST", "/messages/text", json={**wanted, "body": "another"}, **key)
        assert (other.status_code, other.json()["error"]["code"]) == (422, 422)
        free: dict[str, Any] = {"headers": {"Idempotency-Key": "order-1043"}}
        assert (await client.call("POST", "/messages/text", json=TO, **free)).status_code == 400
        assert (await client.call("POST", "/messages/text", json=wanted, **free)).status_code == 200
        listed = await client.ok("GET", "/limits")
        assert listed["messages"] == 150 - 2


async def test_every_call_is_answered_in_whapis_shape_and_names_no_gateway(opened: Opened) -> None:
    async with opened() as client:
        asked = await client.receive("Hello there")
        await _account(client)
        await _sends(client, asked)
        await _files(client)
        await _messages(client, asked)
        await _chats(client)
        await _contacts(client)
        await _groups(client)
        await _stories(client)
        assert await client.ok("POST", "/users/logout") == {"success": True}
        for said in client.said:
            assert not [each for each in client.secrets if each in said], said
        missing = {each.name for each in SERVED} - client.asked
        assert not missing, missing


async def _account(client: Client) -> None:
    health = await client.ok("GET", "/health?wakeup=true")
    assert health["status"] == {"code": 4, "text": "AUTH"}
    assert health["user"]["id"] == "79990001122"
    assert len(health["channel_id"]) == 12
    assert (await client.call("GET", "/users/login")).status_code == 409
    assert (await client.call("GET", "/users/login/image")).status_code == 409
    assert (await client.call("GET", "/users/login/79990001122")).status_code == 409
    assert set(await client.ok("GET", "/users/profile")) == {"name", "about", "icon", "icon_full"}
    picture = {"icon": "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()}
    assert await client.ok("PATCH", "/users/profile", json=picture) == {"success": True}
    limits = await client.ok("GET", "/limits")
    assert set(limits) == {"messages", "chats", "checks", "requests"}
    settings = await client.ok("GET", "/settings")
    assert settings["webhooks"] == []
    hook = {"url": "https://hooks.example.org/w", "mode": "body", "events": [{"type": "messages", "method": "post"}]}
    changed = await client.ok("PATCH", "/settings", json={**settings, "webhooks": [hook]})
    assert changed["changes"] == ["webhooks"]
    assert (await client.ok("GET", "/settings"))["webhooks"][0]["url"] == hook["url"]
    assert await client.ok("DELETE", "/settings") == {"success": True}
    assert (await client.call("DELETE", "/settings")).status_code == 409
    assert {"type": "messages", "method": "post"} in await client.ok("GET", "/settings/events")
    refused = await client.call("POST", "/settings/webhook_test", json={"type": "messages", "url": "http://10.0.0.1/"})
    assert refused.status_code == 400


async def _sends(client: Client, asked: str) -> None:
    for kind, (body, shown) in SENDS.items():
        sent = await client.ok("POST", f"/messages/{kind}", json={**TO, **body})
        assert (sent["sent"], sent["message"]["chat_id"]) == (True, ANN), kind
        assert sent["message"]["type"] in (shown, kind), sent
        assert sent["message"][sent["message"]["type"]], sent
    quoted = await client.ok("POST", "/messages/text", json={**TO, "body": "yes", "quoted": asked})
    assert quoted["message"]["context"]["quoted_id"] == asked
    again = await client.ok("POST", f"/messages/{asked}", json={"to": BOB})
    assert again["message"]["chat_id"] == BOB
    own = quoted["message"]["id"]
    edited = await client.ok("POST", "/messages/text", json={**TO, "body": "no", "edit": own})
    assert edited["message"]["text"] == {"body": "no"}


async def _files(client: Client) -> None:
    inline = "data:image/jpeg;name=a.jpg;base64," + base64.b64encode(JPEG).decode()
    assert (await client.ok("POST", "/messages/image", json={**TO, "media": inline}))["sent"]
    form = {"media": ("x.jpg", JPEG, "image/jpeg")}
    sent = await client.ok("POST", "/messages/image", data={**TO, "caption": "form"}, files=form)
    assert sent["message"]["image"]["caption"] == "form"
    texts = {name: (None, value) for name, value in (*TO.items(), ("media", URL), ("caption", "url"))}
    assert (await client.ok("POST", "/messages/image", files=texts))["message"]["image"]["caption"] == "url"
    raw = {"content": b"%PDF-1.4 " + b"x" * 900, "headers": {"Content-Type": "application/pdf"}}
    assert (await client.ok("POST", "/messages/media/document", params={**TO, "filename": "a.pdf"}, **raw))["sent"]
    stored = await client.ok("POST", "/media", content=JPEG, headers={"Content-Type": "image/jpeg"})
    media_id = stored["media"][0]["id"]
    assert (await client.ok("POST", "/messages/image", json={**TO, "media": media_id}))["sent"]
    where = await client.call("GET", f"/media/{media_id}")
    assert where.status_code == 302
    assert "/files/" in where.headers["location"]


async def _messages(client: Client, asked: str) -> None:
    one = await client.ok("GET", f"/messages/{asked}")
    assert (one["id"], one["from_me"], one["text"]["body"]) == (asked, False, "Hello there")
    page = await client.ok("GET", f"/messages/list/{ANN}?count=3")
    assert (page["count"], page["offset"], len(page["messages"])) == (3, 0, 3)
    listed = await client.ok("GET", "/messages/list?from_me=true&count=2")
    assert {row["from_me"] for row in listed["messages"]} == {True}
    assert await client.ok("PUT", f"/messages/{asked}") == {"success": True}
    own = (await client.ok("POST", "/messages/text", json={**TO, "body": "oops"}))["message"]["id"]
    assert await client.ok("DELETE", f"/messages/{own}") == {"success": True}


async def _chats(client: Client) -> None:
    chats = (await client.ok("GET", "/chats"))["chats"]
    assert ANN in [row["id"] for row in chats]
    assert (await client.ok("GET", f"/chats/{ANN}"))["type"] == "contact"
    for archive in (True, False):
        assert await client.ok("POST", f"/chats/{ANN}", json={"archive": archive}) == {"success": True}
    assert await client.ok("PATCH", f"/chats/{ANN}", json={"mark_unread": False, "ephemeral": "day"})
    assert await client.ok("PUT", f"/presences/{ANN}", json={"presence": "typing", "delay": 2}) == {"success": True}


async def _contacts(client: Client) -> None:
    person = "79990003344"
    checked = await client.ok("POST", "/contacts", json={"contacts": [f"+{person}", "123"]})
    assert checked["contacts"][0] == {"input": f"+{person}", "status": "valid", "wa_id": person}
    assert checked["contacts"][1]["status"] == "invalid"
    assert (await client.call("HEAD", f"/contacts/{person}")).status_code == 200
    assert (await client.ok("PUT", "/contacts", json={"phone": person, "name": "Ann"}))["id"] == person
    assert await client.ok("PATCH", f"/contacts/{person}", json={"name": "Ann K"}) == {"success": True}
    assert (await client.ok("GET", f"/contacts/{person}"))["id"] == person
    assert set(await client.ok("GET", f"/contacts/{person}/profile")) == {"name", "about", "icon", "icon_full"}
    assert person in [row["id"] for row in (await client.ok("GET", "/contacts"))["contacts"]]
    assert await client.ok("DELETE", f"/contacts/{person}") == {"success": True}


async def _groups(client: Client) -> None:
    made = await client.ok("POST", "/groups", json={"subject": "crew", "participants": ["79990003344"]})
    path, member = f"/groups/{made['id']}", {"participants": ["79990005566"]}
    group = await client.ok("GET", path)
    assert (group["name"], group["type"], group["participants_count"]) == ("crew", "group", 2)
    assert await client.ok("PUT", path, json={"subject": "team"}) == {"success": True}
    added = await client.ok("POST", f"{path}/participants", json=member)
    assert added == {"success": True, "failed": [], "processed": member["participants"]}
    assert await client.ok("PATCH", f"{path}/admins", json=member) == {"success": True}
    assert await client.ok("DELETE", f"{path}/admins", json=member) == {"success": True}
    assert (await client.ok("DELETE", f"{path}/participants", json=member))["processed"] == member["participants"]
    rule = {"setting": "send_messages", "policy": "admins"}
    assert await client.ok("PATCH", path, json=rule) == {"success": True}
    assert (await client.ok("GET", f"{path}/invite"))["invite_code"]
    picture = {"content": JPEG, "headers": {"Content-Type": "image/jpeg"}}
    assert await client.ok("PUT", f"{path}/icon", **picture) == {"success": True}
    assert (await client.call("GET", f"{path}/icon")).status_code in (204, 302)
    assert made["id"] in [row["id"] for row in (await client.ok("GET", "/groups"))["groups"]]
    assert await client.ok("DELETE", path) == {"success": True}


async def _stories(client: Client) -> None:
    text = await client.ok("POST", "/stories/send/text", json={"caption": "sale", "background_color": "#FF112233"})
    story = text["message"]["id"]
    assert (await client.ok("POST", "/stories/send/media", json={"media": URL}))["sent"]
    assert (await client.ok("POST", "/stories/send/audio", json={"media": "https://files.example.org/a.ogg"}))["sent"]
    assert story in [row["id"] for row in (await client.ok("GET", "/stories"))["messages"]]
    assert (await client.ok("GET", f"/stories/{story}"))["text"] == {"body": "sale"}
    assert isinstance((await client.ok("GET", f"/statuses/{story}"))["statuses"], list)


def test_no_route_is_there_twice_and_each_finds_itself() -> None:
    assert len({(each.verb, each.path) for each in ROUTES}) == len({each.name for each in ROUTES}) == len(ROUTES)
    assert {each.name for each in ROUTES} == {each.name for each in (*SERVED, *PASSED, *ABSENT)}
    for route in ROUTES:
        assert table.find(route.verb, route.path.replace("{", "").replace("}", ""))[0] is route
