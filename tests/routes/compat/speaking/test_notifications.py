"""What a line is told of the same events, from GREEN-API's own words and from ours: end to end, by poll."""

import asyncio
from typing import Any

from tests.routes.compat.speaking.stage import CHAT, Stage, shown, unlike

ON = ("incomingWebhook", "outgoingWebhook", "outgoingMessageWebhook", "outgoingAPIMessageWebhook", "stateWebhook",
      "pollMessageWebhook", "incomingCallWebhook", "editedMessageWebhook", "deletedMessageWebhook")  # fmt: skip
ACTS: list[tuple[str, dict[str, Any]]] = [
    ("receive", {"text": "Hi"}),
    ("receive", {"kind": "imageMessage", "caption": "Look", "file_name": "a.jpg"}),
    ("receive", {"kind": "pollMessage", "name": "When?", "options": ["now", "then"]}),
    ("receive", {"kind": "deletedMessage", "stanza_id": "3A01"}),
    ("send_from_phone", {"text": "From the phone"}),
    ("call", {"statuses": ["offer"]}),
]
MAY_DIFFER = {
    ".idMessage", ".timestamp", ".messageData.fileMessageData.jpegThumbnail", ".senderData.chatName",
    ".senderData.senderName",
}  # fmt: skip
"""As listed and justified in tests/rules/test_line_words.py; the two are two events besides."""


async def told(stage: Stage) -> list[dict[str, Any]]:
    """What waits, taken out."""
    found = []
    while (await stage.line.call("GET", "getWebhooksCount")).json()["count"]:
        notice = shown(await stage.line.call("GET", "receiveNotification"))
        await stage.line.call("DELETE", "deleteNotification", f"/{notice['receiptId']}")
        found.append(notice["body"])
    return found


async def happen(stage: Stage) -> list[dict[str, Any]]:
    """Everything happens, and is told."""
    for act, body in ACTS:
        await stage.act(act, chat_id=CHAT, **body)
    await stage.line.call("POST", "sendMessage", json={"chatId": CHAT, "message": "Hello"})
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while len(found) < len(ACTS) + 3:
            stage._afresh()
            found += await told(stage)
            await asyncio.sleep(0.05)
    return found


async def test_the_same_events_are_told_the_same(stage: Stage) -> None:
    await stage.line.call("POST", "setSettings", json=dict.fromkeys(ON, "yes"))
    native = await happen(stage)
    with stage.other():
        spoken = await happen(stage)
    assert [each["typeWebhook"] for each in native] == [each["typeWebhook"] for each in spoken]
    for one, other in zip(native, spoken, strict=True):
        assert unlike(one, other) <= MAY_DIFFER, f"{one}\n{other}"
    link = spoken[1]["messageData"]["fileMessageData"]["downloadUrl"]
    assert "/files/~" in link, "the file is behind a link of ours"


async def test_switches_hold_for_what_is_made_of_our_words(stage: Stage) -> None:
    await stage.line.call("POST", "setSettings", json={"incomingWebhook": "yes"})
    with stage.other():
        await stage.act("send_from_phone", chat_id=CHAT, text="not told")
        await stage.act("receive", chat_id=CHAT, text="told")
        async with asyncio.timeout(60):
            while not (found := await told(stage)):
                stage._afresh()
                await asyncio.sleep(0.05)
    assert [each["typeWebhook"] for each in found] == ["incomingMessageReceived"]
    assert found[0]["instanceData"]["idInstance"] == stage.line.number
    assert str(stage.account) not in str(found)
