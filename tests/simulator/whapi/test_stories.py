"""Stories: posted by both sides, seen, copied, over after a day."""

from __future__ import annotations

import base64

from tests.simulator.whapi.conftest import DAY, Channel, Receiver, Whapi

ADA, BOB = "15550001234", "15550005678"
PNG = base64.b64encode(b"\x89PNG picture").decode()


async def _stories(channel: Channel, query: str = "") -> list[str]:
    return [row["id"] for row in (await channel.gate("GET", f"stories?{query}")).ok()["messages"]]


async def test_a_story_of_each_kind_goes_to_its_audience(whapi: Whapi) -> None:
    channel = await whapi.linked()
    for phone in (ADA, BOB):
        await channel.act("contact", {"phone": phone, "name": phone})
    text = {"caption": "Open", "background_color": "#FF228BE6", "exclude_contacts": [BOB]}
    first = (await channel.gate("POST", "stories/send/text", text)).ok()["message"]
    assert (first["type"], first["chat_id"], first["text"]["body"]) == ("text", "status@broadcast", "Open")
    voice = {"media": "T2dnUw==", "mime_type": "audio/ogg", "contacts": [ADA]}
    assert (await channel.gate("POST", "stories/send/audio", voice)).ok()["message"]["type"] == "voice"
    image = {"media": PNG, "mime_type": "image/png", "caption": "New"}
    second = (await channel.gate("POST", "stories/send/media", image)).ok()["message"]
    assert second["image"]["caption"] == "New"
    await whapi.advance(1)
    await channel.act("read", {"message_id": second["id"], "by": BOB})
    assert await _views(channel, first["id"]) == {ADA: "delivered"}
    assert await _views(channel, second["id"]) == {ADA: "delivered", BOB: "read"}
    assert (await channel.gate("GET", "messages/list")).ok()["total"] == 0
    assert len(await _stories(channel, "from_me=true")) == 3


async def _views(channel: Channel, story: str) -> dict[str, str]:
    rows = (await channel.gate("GET", f"statuses/{story}")).ok()["statuses"]
    return {row["viewer_id"]: row["status"] for row in rows}


async def test_a_story_that_does_not_fit_is_refused(whapi: Whapi) -> None:
    channel = await whapi.linked()
    for wrong in ({}, {"caption": "x", "background_color": "blue"}, {"caption": "x", "font_type": "ARIAL"}):
        assert (await channel.gate("POST", "stories/send/text", wrong)).status == 400
    pdf = {"media": PNG, "mime_type": "application/pdf"}
    assert (await channel.gate("POST", "stories/send/media", pdf)).status == 415
    assert (await channel.gate("POST", "stories/send/audio", {"media": PNG, "mime_type": "image/png"})).status == 415
    assert await _stories(channel) == []


async def test_a_story_of_others_is_told_listed_copied_and_over_after_a_day(whapi: Whapi, receiver: Receiver) -> None:
    channel = await whapi.linked()
    await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": "messages", "method": "post"}]}])
    story = (await channel.act("story", {"sender": ADA, "kind": "image", "caption": "c"}))["message_id"]
    await receiver.has(1)
    row = receiver.got[0]["messages"][0]
    assert (row["id"], row["chat_id"], row["from"]) == (story, "status@broadcast", ADA)
    assert await _stories(channel, f"from_me=false&author={ADA}") == [story]
    assert (await channel.gate("GET", f"stories/{story}")).ok()["image"]["caption"] == "c"
    assert (await channel.gate("GET", f"statuses/{story}")).status == 403
    assert (await channel.gate("PUT", f"stories/{story}", {"contacts": [BOB]})).status == 201
    assert len(await _stories(channel, "from_me=true")) == 1
    await whapi.advance(DAY)
    assert await _stories(channel) == []
    assert (await channel.gate("GET", f"stories/{story}")).status == 404


async def test_a_story_is_deleted_as_a_message_is_unless_the_knob_says_no(whapi: Whapi) -> None:
    channel = await whapi.linked()
    ids = [(await channel.gate("POST", "stories/send/text", {"caption": "x"})).ok()["message"]["id"] for _ in "ab"]
    assert (await channel.gate("DELETE", f"messages/{ids[0]}")).status == 200
    await whapi.knobs(stories_deletable=False)
    assert (await channel.gate("DELETE", f"messages/{ids[1]}")).status == 404
    assert await _stories(channel) == [ids[1]]
