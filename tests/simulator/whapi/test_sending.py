"""Sends of every kind, by JSON, form and raw body; what is refused; edits, forwards, quotas."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from simulator.whapi.ids import MEDIA, MESSAGE
from simulator.whapi.methods.table import METHODS
from simulator.whapi.wire import Method
from tests.simulator.whapi.conftest import DAY, Channel, Receiver, Told, Whapi, started

ADA = "15550001234@s.whatsapp.net"
PNG = base64.b64encode(b"\x89PNG picture").decode()
VCARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nEND:VCARD"
FREE = {"limits": False}

PLAIN: dict[str, dict[str, Any]] = {
    "text": {"body": "hello"},
    "link_preview": {"body": "https://shop.test", "title": "Shop"},
    "location": {"latitude": 50.4, "longitude": 30.5, "name": "Office"},
    "live_location": {"latitude": 50.4, "longitude": 30.5},
    "contact": {"name": "Ada", "vcard": VCARD},
    "contact_list": {"list": [{"name": "Ada", "vcard": VCARD}]},
    "poll": {"title": "When?", "options": ["now", "later"], "count": 1},
    "interactive": {"action": {"buttons": [{"type": "quick_reply", "title": "Yes", "id": "y"}]}},
}
BROKEN: dict[str, dict[str, Any]] = {
    "text": {"body": ""},
    "link_preview": {"body": "https://shop.test"},
    "location": {"latitude": 150, "longitude": 30.5},
    "live_location": {"longitude": 30.5},
    "contact": {"name": "Ada", "vcard": "Ada"},
    "contact_list": {"list": []},
    "poll": {"title": "When?", "options": ["now", "now"]},
    "interactive": {"action": {}},
}
MIMES = {
    "image": "image/png",
    "video": "video/mp4",
    "short": "video/mp4",
    "gif": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "document": "application/pdf",
    "sticker": "image/webp",
}


async def send(channel: Channel, kind: str, **fields: Any) -> Told:
    return await channel.gate("POST", f"messages/{kind}", {"to": ADA, **fields})


async def form(channel: Channel, kind: str, fields: dict[str, str], data: bytes, mime: str, name: str = "f") -> Told:
    body = aiohttp.FormData()
    for field, value in {"to": ADA, **fields}.items():
        body.add_field(field, value)
    body.add_field("media", data, filename=name, content_type=mime)
    return await channel.whapi.call(f"{channel.row['apiUrl']}messages/{kind}", "POST", channel.token, data=body)


async def bytes_of(channel: Channel, media_id: str) -> bytes:
    return (await channel.gate("GET", f"media/{media_id}")).raw


@pytest.mark.parametrize("kind", PLAIN)
async def test_a_message_of_each_kind_is_accepted_and_a_broken_one_is_not(whapi: Whapi, kind: str) -> None:
    channel = await whapi.linked()
    sent = (await send(channel, kind, **PLAIN[kind])).ok()
    message = sent["message"]
    assert sent["sent"] is True
    assert (message["type"], message["chat_id"], message["from_me"]) == (kind, ADA, True)
    assert (message["source"], message["status"]) == ("api", "pending")
    assert MESSAGE.fullmatch(message["id"])
    assert message[kind].items() >= {k: v for k, v in PLAIN[kind].items() if k != "count"}.items()
    assert (await channel.gate("GET", f"messages/{message['id']}")).ok()["id"] == message["id"]
    assert (await send(channel, kind, **BROKEN[kind])).status == 400


@pytest.mark.parametrize("kind", MIMES)
async def test_a_file_of_each_kind_goes_as_base64_as_form_and_as_raw_body_and_is_kept(whapi: Whapi, kind: str) -> None:
    channel = await whapi.linked()
    mime, data = MIMES[kind], f"bytes of {kind}".encode()
    in_json = {"media": f"data:{mime};base64,{base64.b64encode(data).decode()}"}
    answers = [await send(channel, kind, **in_json), await form(channel, kind, {}, data, mime)]
    if kind != "short":
        url = f"{channel.row['apiUrl']}messages/media/{kind}?to={ADA}"
        answers.append(await whapi.call(url, "POST", channel.token, data=data, headers={"Content-Type": mime}))
    for told in answers:
        file = told.ok()["message"][kind]
        assert (file["mime_type"], file["file_size"]) == (mime, len(data))
        assert MEDIA.fullmatch(file["id"])
        assert await bytes_of(channel, file["id"]) == data
    if kind != "document":
        assert (await send(channel, kind, media=base64.b64encode(data).decode(), mime_type="text/plain")).status == 415


async def test_a_file_goes_by_its_address_and_is_fetched_once_unless_asked_anew(whapi: Whapi) -> None:
    channel = await whapi.linked()
    loaded = (await channel.gate("POST", "media", {"media": PNG, "mime_type": "image/png"})).ok()["media"][0]["id"]
    await channel.set(media={"auto_download": ["image"]})
    first = (await send(channel, "image", media=loaded, caption="hi")).ok()["message"]["image"]
    assert (first["id"], first["caption"]) == (loaded, "hi")
    by_url = (await send(channel, "image", media=first["link"])).ok()["message"]["image"]
    again = (await send(channel, "image", media=first["link"])).ok()["message"]["image"]
    anew = (await send(channel, "image", media=first["link"], no_cache=True)).ok()["message"]["image"]
    assert by_url["id"] == again["id"]
    assert anew["id"] != again["id"]
    assert await bytes_of(channel, anew["id"]) == base64.b64decode(PNG)


async def test_a_file_that_is_not_there_is_refused_and_nothing_is_sent(whapi: Whapi) -> None:
    channel = await whapi.linked()
    assert (await send(channel, "image", media="png-0123456789ab-0123")).status == 404
    assert (await send(channel, "image", media="http://127.0.0.1:9/none.png")).status == 400
    assert (await send(channel, "image", media=PNG)).status == 400
    assert (await send(channel, "image")).status == 400
    assert (await channel.gate("GET", "messages/list")).ok()["total"] == 0
    assert (await channel.truth())["used"]["messages"] == 0


async def test_an_uploaded_file_is_kept_for_its_time_and_can_be_deleted(whapi: Whapi) -> None:
    channel = await whapi.linked()
    await channel.extend(90)
    url = f"{channel.row['apiUrl']}media"
    raw = await whapi.call(url, "POST", channel.token, data=b"%PDF", headers={"Content-Type": "application/pdf"})
    media = raw.ok()["media"][0]["id"]
    other = (await channel.gate("POST", "media", {"media": PNG, "mime_type": "image/png"})).ok()["media"][0]["id"]
    listed = (await channel.gate("GET", "media")).ok()
    assert {row["id"] for row in listed["files"]} == {media, other}
    assert listed["total"] == 2
    told = await channel.gate("GET", f"media/{media}")
    assert (told.raw, told.headers["Content-Type"].partition(";")[0]) == (b"%PDF", "application/pdf")
    assert (await channel.gate("DELETE", f"media/{media}")).status == 200
    assert (await channel.gate("GET", f"media/{media}")).status == 404
    await whapi.advance(31 * DAY)
    assert (await channel.gate("GET", f"media/{other}")).status == 404


async def test_digits_are_a_person_long_digits_a_group_and_foreign_ends_are_refused(whapi: Whapi) -> None:
    channel = await whapi.linked()
    group = (await channel.gate("POST", "groups", {"subject": "T", "participants": ["15550001234"]})).ok()["id"]
    assert (await send(channel, "text", body="x", to="15550001234")).ok()["message"]["chat_id"] == ADA
    assert (await send(channel, "text", body="x", to=group.partition("@")[0])).ok()["message"]["chat_id"] == group
    assert (await send(channel, "text", body="x", to="15550001234@c.us")).status == 400
    assert (await send(channel, "text", body="x", to="ada")).status == 400
    assert (await send(channel, "text", body="x", to=None)).status == 400
    assert (await send(channel, "text", body="x", to="120363999999999999@g.us")).status == 403


async def test_a_lid_that_is_known_leads_to_the_chat_of_its_number(whapi: Whapi) -> None:
    channel = await whapi.linked()
    lid = (await channel.gate("GET", "contacts/lids/15550001234")).ok()["lid"]
    assert re.fullmatch(r"[0-9]{15}@lid", lid)
    assert (await send(channel, "text", body="x", to=lid)).ok()["message"]["chat_id"] == ADA


async def test_a_number_without_whatsapp_is_refused_or_fails_as_the_knob_says(whapi: Whapi) -> None:
    await whapi.knobs(no_account=["15550001234"])
    channel = await whapi.linked()
    assert (await send(channel, "text", body="x")).status == 403
    await whapi.knobs(no_account_send="failed")
    sent = (await send(channel, "text", body="x")).ok()["message"]["id"]
    await whapi.advance(1)
    assert (await channel.gate("GET", f"messages/{sent}")).ok()["status"] == "failed"


async def test_typing_time_delays_the_send_in_virtual_time(whapi: Whapi) -> None:
    channel = await whapi.linked()
    await whapi.sim("clock", {"speed": 200})
    sent = (await send(channel, "text", body="x", typing_time=30)).ok()["message"]
    before = (await send(channel, "text", body="x")).ok()["message"]
    assert before["timestamp"] >= sent["timestamp"]
    assert (await send(channel, "text", body="x", typing_time=61)).status == 400


async def test_an_answer_carries_what_it_answers_and_mentions(whapi: Whapi) -> None:
    channel = await whapi.linked()
    got = (await channel.act("receive", {"chat_id": ADA, "body": "question"}))["message_id"]
    sent = (await send(channel, "text", body="answer", quoted=got, mentions=["15550001234"])).ok()["message"]
    assert sent["context"]["quoted_id"] == got
    assert sent["context"]["quoted_content"] == {"body": "question"}
    assert sent["context"]["mentions"] == ["15550001234"]
    assert (await send(channel, "text", body="answer", quoted="none12-none12")).status == 404


async def test_an_own_message_is_edited_within_its_time_and_others_are_not(whapi: Whapi, receiver: Receiver) -> None:
    channel = await whapi.linked()
    sent = (await send(channel, "text", body="Hi")).ok()["message"]["id"]
    got = (await channel.act("receive", {"chat_id": ADA}))["message_id"]
    await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": "messages"}]}])
    edited = (await send(channel, "text", body="Hi!", edit=sent)).ok()["message"]
    assert (edited["id"], edited["text"]["body"]) == (sent, "Hi!")
    assert (await channel.gate("GET", f"messages/{sent}")).ok()["text"]["body"] == "Hi!"
    await receiver.has(2)
    action, patch = receiver.got
    assert action["messages"][0]["action"].items() >= {"type": "edit", "target": sent, "edited_type": "text"}.items()
    update = patch["messages_updates"][0]
    assert (update["id"], update["changes"]) == (sent, ["text"])
    assert (update["before_update"], update["after_update"]) == ({"text": {"body": "Hi"}}, {"text": {"body": "Hi!"}})
    assert (await send(channel, "text", body="x", edit=got)).status == 403
    assert (await send(channel, "text", body="x", edit="none12-none12")).status == 404
    await whapi.advance(1000)
    assert (await send(channel, "text", body="x", edit=sent)).status == 403


async def test_a_text_in_place_of_a_file_is_its_new_caption(whapi: Whapi) -> None:
    channel = await whapi.linked()
    image = (await send(channel, "image", media=PNG, mime_type="image/png", caption="old")).ok()["message"]
    edited = (await send(channel, "text", body="new", edit=image["id"])).ok()["message"]
    assert edited["image"] == {**image["image"], "caption": "new"}
    assert (await send(channel, "text", body="x" * 65_537)).status == 413


async def test_a_forward_keeps_the_content_and_is_marked(whapi: Whapi) -> None:
    channel = await whapi.linked()
    image = await send(channel, "image", media=PNG, mime_type="image/png", caption="c")
    original = image.ok()["message"]
    path = f"messages/{original['id']}"
    copy = (await channel.gate("POST", path, {"to": "15550009999@s.whatsapp.net"})).ok()["message"]
    assert copy["image"] == original["image"]
    assert copy["context"]["forwarded"] is True
    assert copy["chat_id"] == "15550009999@s.whatsapp.net"
    assert (await channel.gate("POST", "messages/none12-none12", {"to": ADA})).status == 404
    assert (await channel.gate("POST", path, {"to": "nobody"})).status == 400


async def test_statuses_come_in_their_order_and_at_their_time(whapi: Whapi, receiver: Receiver) -> None:
    channel = await whapi.linked()
    await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": "statuses", "method": "post"}]}])
    await whapi.sim("clock", {"speed": 0})
    sent = (await send(channel, "text", body="x")).ok()["message"]["id"]
    await whapi.advance(0.3)
    assert [body["statuses"][0]["status"] for body in receiver.got] == ["sent"]
    await whapi.advance(0.3)
    await channel.act("read", {"message_id": sent})
    await channel.act("deliver", {"message_id": sent}, status=409)
    await receiver.has(3)
    rows = [body["statuses"][0] for body in receiver.got]
    assert [(row["status"], row["code"]) for row in rows] == [("sent", 2), ("delivered", 3), ("read", 4)]
    assert {row["id"] for row in rows} == {sent}
    assert {row["recipient_id"] for row in rows} == {ADA}
    assert all(isinstance(row["timestamp"], str) for row in rows)
    views = (await channel.gate("GET", f"statuses/{sent}")).ok()["statuses"]
    assert [(row["viewer_id"], row["status"]) for row in views] == [("15550001234", "read")]


async def test_a_message_may_fail_until_it_is_delivered(whapi: Whapi) -> None:
    await whapi.knobs(delivered_seconds=None)
    channel = await whapi.linked()
    sent = (await send(channel, "text", body="x")).ok()["message"]["id"]
    await channel.act("fail", {"message_id": sent})
    await whapi.advance(5)
    assert (await channel.gate("GET", f"messages/{sent}")).ok()["status"] == "failed"
    await channel.act("deliver", {"message_id": sent}, status=409)


async def test_own_messages_are_told_with_their_source(whapi: Whapi, receiver: Receiver) -> None:
    channel = await whapi.linked()
    await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": "messages", "method": "post"}]}])
    by_api = (await send(channel, "text", body="x")).ok()["message"]["id"]
    by_hand = (await channel.act("send_from_phone", {"chat_id": ADA, "body": "y"}))["message_id"]
    got = (await channel.act("receive", {"chat_id": ADA, "body": "z"}))["message_id"]
    await receiver.has(3)
    rows = {row["id"]: row for body in receiver.got for row in body["messages"]}
    assert (rows[by_api]["from_me"], rows[by_api]["source"]) == (True, "api")
    assert (rows[by_hand]["from_me"], rows[by_hand]["source"]) == (True, "mobile")
    assert (rows[got]["from_me"], rows[got]["source"], rows[got]["from"]) == (False, "mobile", "15550001234")


async def test_sends_want_a_linked_phone_and_work_out_of_sync_while_reads_do_not(whapi: Whapi) -> None:
    channel = await whapi.create()
    await channel.up()
    assert (await send(channel, "text", body="x")).status == 401
    await channel.act("scan", {})
    await channel.act("sync_error")
    assert (await send(channel, "text", body="x")).status == 200
    assert (await channel.gate("GET", "messages/list")).status == 500


async def test_a_trial_has_its_messages_and_chats_and_then_402(whapi: Whapi) -> None:
    await whapi.knobs(messages_a_day=3, chats_a_month=2)
    channel = await whapi.linked()
    assert (await send(channel, "text", body="x")).status == 200
    url = f"{channel.row['apiUrl']}messages/media/document?to=15550002222"
    raw = await whapi.call(url, "POST", channel.token, data=b"%PDF", headers={"Content-Type": "application/pdf"})
    assert raw.status == 200
    refused = await send(channel, "text", body="x", to="15550003333@s.whatsapp.net")
    assert (refused.status, refused.body["code"]) == (402, 402)
    assert (await send(channel, "text", body="x")).status == 200
    assert (await send(channel, "text", body="x")).status == 402
    assert (await channel.truth())["used"]["chats"] == [ADA, "15550002222@s.whatsapp.net"]


async def test_a_lost_send_did_nothing_and_a_lost_answer_did_it(whapi: Whapi) -> None:
    channel = await whapi.linked()
    for kind, total in (("lose_request", 0), ("lose_answer", 1)):
        await whapi.faults({"kind": kind, "method": "sendMessageText", "times": 1})
        with pytest.raises(aiohttp.ClientError):
            await send(channel, "text", body=kind)
        found = (await whapi.sim(f"whapi/messages?channel_id={channel.id}&from_me=true"))["messages"]
        assert len(found) == total
    assert (await channel.gate("GET", "messages/list?from_me=true")).ok()["total"] == 1


async def test_another_phone_begins_with_nothing_and_the_same_one_finds_all(receiver: Receiver) -> None:
    async with started(**FREE) as whapi:
        channel = await whapi.linked()
        await send(channel, "text", body="x")
        for phone, total in ((None, 1), ("15558887777", 0)):
            user = (await channel.truth())["user"]["id"]
            await channel.gate("POST", "users/logout")
            await whapi.advance(8)
            await channel.act("scan", {"phone": phone or user})
            assert (await channel.gate("GET", "messages/list")).ok()["total"] == total


async def test_a_late_send_of_a_file_happens_whole_and_a_late_refusal_not_at_all(whapi: Whapi) -> None:
    channel = await whapi.linked()
    fine = {"media": PNG, "mime_type": "image/png", "caption": "late"}
    for fields in (fine, {"media": PNG}):
        await whapi.faults({"kind": "late", "method": "sendMessageImage", "times": 1, "delay_seconds": 20})
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(send(channel, "image", **fields), 0.5)
        assert (await channel.gate("GET", "messages/list?normal_types=false&sort=asc")).ok()["total"] == (
            0 if fields is fine else 1
        )
        await whapi.advance(30)
    rows = (await channel.gate("GET", "messages/list")).ok()["messages"]
    assert [row["image"]["caption"] for row in rows] == ["late"]
    assert await bytes_of(channel, rows[0]["image"]["id"]) == base64.b64decode(PNG)


UNENDING = [method for method in METHODS if method.host == "gate" and method.name != "logoutUser"]
GARBAGE: tuple[Any, ...] = (None, {}, [], "x", 7, {"to": 5, "media": 7}, {"to": ADA, "body": {}, "media": []})


@pytest.mark.parametrize("method", UNENDING, ids=lambda method: method.name)
async def test_no_body_and_no_id_breaks_an_operation(shared: Channel, method: Method) -> None:
    for value in ("x", "15550001234", ADA, "image", "120363999999999999@g.us", "aaaa-bbbb"):
        path = re.sub(r"\{\w+\}", value, method.path).lstrip("/")
        for body in GARBAGE if value in ("x", ADA) else GARBAGE[:2]:
            told = await shared.gate(method.verb, path, body)
            assert told.status != 500, (method.name, path, body, told.raw)
            assert told.status != 401, "the channel was to stay linked"


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Channel]:
    async with started(limits=False) as whapi:
        yield await whapi.linked()
