"""Messages of others and of the phone: events, lists with pages and times, read, delete, reactions, votes."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from simulator.whapi.content import BUILDERS
from tests.simulator.whapi.conftest import Channel, Receiver, Whapi

ADA = "15550001234@s.whatsapp.net"
BOB = "15550005678@s.whatsapp.net"


async def _listening(whapi: Whapi, receiver: Receiver, *types: str) -> Channel:
    channel = await whapi.linked()
    await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": type_} for type_ in types]}])
    return channel


async def _ids(channel: Channel, query: str = "", path: str = "messages/list") -> list[str]:
    return [row["id"] for row in (await channel.gate("GET", f"{path}?{query}")).ok()["messages"]]


@pytest.mark.parametrize("kind", BUILDERS)
async def test_a_message_of_each_kind_comes_in_and_can_be_read_back(
    whapi: Whapi, receiver: Receiver, kind: str
) -> None:
    channel = await _listening(whapi, receiver, "messages")
    got = await channel.act("receive", {"chat_id": ADA, "kind": kind, "sender_name": "Ada"})
    await receiver.has(1)
    row = receiver.got[0]["messages"][0]
    assert (row["id"], row["type"], row["chat_id"]) == (got["message_id"], kind, ADA)
    assert (row["from"], row["from_name"], row["from_me"]) == ("15550001234", "Ada", False)
    assert isinstance(row[kind], dict)
    assert "status" not in row
    assert (await channel.gate("GET", f"messages/{row['id']}")).ok() == row
    await channel.act("receive", {"chat_id": ADA, "kind": "telepathy"}, status=400)


async def test_a_received_file_has_a_link_only_when_its_kind_is_downloaded(whapi: Whapi) -> None:
    channel = await whapi.linked()
    await channel.set(media={"auto_download": ["image"]})
    data = base64.b64encode(b"picture").decode()
    image = (await channel.act("receive", {"chat_id": ADA, "kind": "image", "data": data, "caption": "c"}))["message"]
    paper = (await channel.act("receive", {"chat_id": ADA, "kind": "document", "size": 5000}))["message"]
    assert (await whapi.call(image["image"]["link"], "GET", None)).raw == b"picture"
    assert (image["image"]["caption"], paper["document"]["file_size"]) == ("c", 5000)
    assert "link" not in paper["document"]
    assert (await channel.gate("GET", f"media/{image['image']['id']}")).raw == b"picture"


async def test_a_sender_may_hide_behind_a_lid(whapi: Whapi) -> None:
    channel = await whapi.linked()
    row = (await channel.act("receive", {"chat_id": ADA, "as_lid": True}))["message"]
    assert row["chat_id"].endswith("@lid")
    assert row["from"] == row["chat_id"]
    assert (await channel.gate("GET", "contacts/lids/15550001234")).ok()["lid"] == row["chat_id"]
    assert (await _ids(channel, path=f"messages/list/{ADA}")) == [row["id"]]
    assert (await _ids(channel, path=f"messages/list/{row['chat_id']}")) == [row["id"]]


async def test_lists_page_filter_and_sort(whapi: Whapi) -> None:
    channel = await whapi.linked()
    made = []
    for number in range(4):
        await whapi.advance(10)
        act = "receive" if number % 2 else "send_from_phone"
        made.append(await channel.act(act, {"chat_id": ADA if number < 3 else BOB, "body": str(number)}))
    ids = [row["message_id"] for row in made]
    second = made[1]["message"]["timestamp"]
    third = made[2]["message"]["timestamp"]
    assert await _ids(channel) == ids[::-1]
    assert await _ids(channel, "sort=asc") == ids
    assert await _ids(channel, "count=2&offset=1") == [ids[2], ids[1]]
    assert await _ids(channel, f"time_from={second}&time_to={third}") == [ids[2], ids[1]]
    assert await _ids(channel, "from_me=true") == [ids[2], ids[0]]
    assert await _ids(channel, "author=15550005678") == [ids[3]]
    assert await _ids(channel, path=f"messages/list/{BOB}") == [ids[3]]
    page = (await channel.gate("GET", "messages/list?count=2&offset=1")).ok()
    assert {k: page[k] for k in ("count", "total", "offset", "first", "last")} == {
        "count": 2,
        "total": 4,
        "offset": 1,
        "first": 2,
        "last": 3,
    }
    for wrong in ("count=501", "count=0", "sort=up", "from_me=1", "time_from=now", "author=ada"):
        assert (await channel.gate("GET", f"messages/list?{wrong}")).status == 400, wrong
    assert (await channel.gate("GET", "messages/list/15559990000@s.whatsapp.net")).status == 404
    assert (await channel.gate("GET", "messages/list/15559990000@c.us")).status == 400


async def test_a_read_message_takes_those_before_it_along_and_no_later_one(whapi: Whapi, receiver: Receiver) -> None:
    channel = await whapi.linked()
    ids = []
    for _ in range(3):
        ids.append((await channel.act("receive", {"chat_id": ADA}))["message_id"])
        await whapi.advance(1)
    assert (await channel.gate("GET", f"chats/{ADA}")).ok()["unread"] == 3
    await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": "chats", "method": "patch"}]}])
    (await channel.gate("PUT", f"messages/{ids[1]}")).ok()
    await receiver.has(1)
    assert receiver.got[0]["chats_updates"][0]["after_update"] == {"unread": 1}
    (await channel.gate("PATCH", f"chats/{ADA}", {"mark_unread": False})).ok()
    assert (await channel.gate("GET", f"chats/{ADA}")).ok()["unread"] == 0
    assert (await channel.gate("PUT", "messages/none12-none12")).status == 404


async def test_a_channel_that_reads_by_itself_has_nothing_unread(whapi: Whapi) -> None:
    channel = await whapi.linked()
    await channel.set(auto_read_messages=True)
    await channel.act("receive", {"chat_id": ADA})
    assert (await channel.gate("GET", f"chats/{ADA}")).ok()["unread"] == 0


async def test_a_deleted_message_is_told_and_gone_whoever_deletes_it(whapi: Whapi, receiver: Receiver) -> None:
    channel = await _listening(whapi, receiver, "messages")
    own = (await channel.gate("POST", "messages/text", {"to": ADA, "body": "x"})).ok()["message"]["id"]
    got = (await channel.act("receive", {"chat_id": ADA}))["message_id"]
    (await channel.gate("DELETE", f"messages/{own}")).ok()
    await channel.act("revoke", {"message_id": got})
    await receiver.has(4)
    removed = [body["messages_removed"] for body in receiver.got if "messages_removed" in body]
    assert removed == [[own], [got]]
    assert await _ids(channel) == []
    for id_ in (own, got):
        assert (await channel.gate("GET", f"messages/{id_}")).status == 404
        assert (await channel.gate("DELETE", f"messages/{id_}")).status == 404


async def test_reactions_of_both_sides_are_told_and_kept(whapi: Whapi, receiver: Receiver) -> None:
    channel = await _listening(whapi, receiver, "messages")
    own = (await channel.gate("POST", "messages/text", {"to": ADA, "body": "x"})).ok()["message"]["id"]
    (await channel.gate("PUT", f"messages/{own}/reaction", {"emoji": "👍"})).ok()
    await channel.act("react", {"message_id": own, "emoji": "🔥"})
    await receiver.has(5)
    actions = [row for body in receiver.got for row in body.get("messages", []) if row["type"] == "action"]
    assert [(row["from_me"], row["action"]["emoji"], row["action"]["target"]) for row in actions] == [
        (True, "👍", own),
        (False, "🔥", own),
    ]
    updates = [body["messages_updates"][0] for body in receiver.got if "messages_updates" in body]
    assert [update["changes"] for update in updates] == [["reactions"], ["reactions"]]
    (await channel.gate("DELETE", f"messages/{own}/reaction")).ok()
    left = (await channel.gate("GET", f"messages/{own}")).ok()["reactions"]
    assert [(row["id"], row["emoji"]) for row in left] == [("15550001234", "🔥")]
    assert await _ids(channel) == [own]
    assert len(await _ids(channel, "normal_types=false")) == 4
    assert (await channel.gate("PUT", "messages/none12-none12/reaction", {"emoji": "x"})).status == 404
    assert (await channel.gate("PUT", f"messages/{own}/reaction", {"emoji": 5})).status == 400


@pytest.mark.parametrize("form", ["action", "poll_update"])
async def test_votes_are_counted_and_come_in_the_form_of_the_knob(whapi: Whapi, receiver: Receiver, form: str) -> None:
    await whapi.knobs(vote_form=form)
    channel = await _listening(whapi, receiver, "messages")
    poll = {"to": ADA, "title": "When?", "options": ["now", "later"], "count": 1}
    id_ = (await channel.gate("POST", "messages/poll", poll)).ok()["message"]["id"]
    await channel.act("vote", {"message_id": id_, "options": ["now"]})
    await channel.act("vote", {"message_id": id_, "options": ["later"]})
    await channel.act("vote", {"message_id": id_, "options": ["never"]}, status=400)
    await channel.act("vote", {"message_id": id_, "options": ["now", "later"]}, status=400)
    await receiver.has(5)
    row = receiver.got[1]["messages"][0]
    said = row["poll" if form == "poll_update" else "action"]
    assert (row["type"], said["target"], said["votes"]) == (form, id_, ["now"])
    assert ("results" in said) is (form == "poll_update")
    results = (await channel.gate("GET", f"messages/{id_}")).ok()["poll"]
    assert [(option["name"], option["count"]) for option in results["results"]] == [("now", 0), ("later", 1)]
    assert results["total"] == 1


async def test_actions_come_with_the_verb_of_the_knob(whapi: Whapi, receiver: Receiver) -> None:
    await whapi.knobs(action_event="put")
    channel = await _listening(whapi, receiver, "messages")
    got = (await channel.act("receive", {"chat_id": ADA, "body": "Hi"}))["message_id"]
    await channel.act("edit", {"message_id": got, "body": "Hi!"})
    await receiver.has(3)
    assert receiver.events() == ["messages.post", "messages.put", "messages.patch"]
    action = receiver.got[1]["messages"][0]
    assert (action["from_me"], action["action"]["edited_content"]) == (False, {"body": "Hi!"})
    assert receiver.got[2]["messages_updates"][0]["trigger"]["id"] == action["id"]


async def test_nothing_comes_in_while_no_phone_is_linked_or_from_the_block_list(whapi: Whapi) -> None:
    channel = await whapi.linked()
    (await channel.gate("PUT", "blacklist/15550001234")).ok()
    assert (await channel.act("receive", {"chat_id": ADA}))["message_id"] is None
    assert (await channel.act("call", {"from": "15550001234"}))["call_id"] is None
    assert (await channel.gate("POST", "messages/text", {"to": ADA, "body": "x"})).status == 403
    await channel.act("unlink")
    await channel.act("receive", {"chat_id": BOB}, status=409)


async def test_the_truth_shows_every_message(whapi: Whapi) -> None:
    channel = await whapi.linked()
    got = (await channel.act("receive", {"chat_id": ADA}))["message_id"]
    own = (await channel.act("send_from_phone", {"chat_id": BOB}))["message_id"]
    path = f"whapi/messages?channel_id={channel.id}"
    assert [row["id"] for row in (await whapi.sim(path))["messages"]] == [got, own]
    rows: list[dict[str, Any]] = (await whapi.sim(f"{path}&chat_id={ADA}"))["messages"]
    assert [(row["id"], row["unread"]) for row in rows] == [(got, True)]
    await whapi.sim("whapi/messages?channel_id=none", status=404)
