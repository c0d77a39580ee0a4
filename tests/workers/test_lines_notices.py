"""Every notification that upstream can push, as a line keeps it: the same, but for number and links."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from app.kit.db import SYSTEM
from app.lines import service as lines
from app.lines.models import KeptNotice, Line
from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant
from tests.verbs.lines.lines import ALL_ON

CHAT = "79995556677@c.us"
GROUP = "120363000000000001@g.us"
BUTTONS = [{"type": "reply", "buttonId": "1", "buttonText": "Yes"}]
WRITTEN: list[dict[str, Any]] = [
    {"text": "Hello <b>Grüße</b> \u2028 green-api.com"},
    {
        "kind": "extendedTextMessage",
        "text": "https://green-api.com",
        "title": "t",
        "more": {"sourceUrl": "https://a.b"},
    },
    {"kind": "quotedMessage", "text": "so", "quoted_message_id": "3A00"},
    {"kind": "imageMessage", "caption": "green-api"},
    {"kind": "videoMessage"},
    {"kind": "audioMessage"},
    {"kind": "documentMessage", "file_name": "a b.pdf"},
    {"kind": "documentMessage", "size": 101 * 1024 * 1024},
    {"kind": "stickerMessage"},
    {"kind": "locationMessage", "latitude": 1.5, "longitude": -2, "name": "n"},
    {"kind": "contactMessage", "display_name": "Ada"},
    {"kind": "contactsArrayMessage", "contacts": [{"display_name": "Ada"}, {"display_name": "Bo"}]},
    {"kind": "pollMessage", "id_message": "3APOLL", "name": "q", "options": ["a", "b"]},
    {"kind": "pollUpdateMessage", "stanza_id": "3APOLL", "options": ["a"]},
    {"kind": "reactionMessage", "stanza_id": "3APOLL", "text": "👍"},
    {"kind": "groupInviteMessage"},
    {"kind": "editedMessage", "stanza_id": "3A01", "text": "new"},
    {"kind": "deletedMessage", "stanza_id": "3A01"},
    {"kind": "interactiveButtons", "id_message": "3ABUTTONS", "text": "b", "buttons": BUTTONS},
    {"kind": "interactiveButtonsReply", "id_message": "3AREPLY", "text": "b", "buttons": BUTTONS},
    {"kind": "interactiveButtonsResponse", "stanza_id": "3ABUTTONS", "button_id": "1"},
    {"kind": "templateButtonsReplyMessage", "stanza_id": "3AREPLY", "button_id": "1"},
    {"kind": "templateMessage", "object": {"contentText": "c", "footer": "f"}},
    {"kind": "buttonsMessage", "object": {"contentText": "c"}},
    {"kind": "buttonsResponseMessage", "object": {"selectedButtonId": "1"}},
    {"kind": "listMessage", "object": {"title": "t", "sections": []}},
    {"kind": "listResponseMessage", "object": {"title": "t"}},
]
HAPPENINGS: list[tuple[str, dict[str, Any]]] = [
    ("call", {"chat_id": CHAT, "statuses": ["offer", "pickUp", "hungUp"]}),
    ("call", {"chat_id": CHAT, "direction": "outgoing", "statuses": ["declined"], "duration": 3}),
    ("blocked_by", {"chat_id": CHAT}),
    ("device_info", {}),
    ("socket_status", {"status": "offline"}),
    ("avatar_info", {"chat_id": CHAT, "url_avatar": "https://pps.whatsapp.net/v/a.jpg"}),
    ("yellow_card", {}),
    ("lift", {}),
    *[
        ("notify", {"type_webhook": "outgoingMessageStatus", "fields": {
            "chatId": CHAT, "idMessage": f"3AS{status}", "status": status, "sendByApi": True}})
        for status in ("sent", "delivered", "read", "failed", "noAccount", "notInGroup", "somethingNew")
    ],
    ("notify", {"type_webhook": "outgoingAPIMessageReceived", "fields": {
        "idMessage": "3AAPI", "senderData": {"chatId": GROUP, "sender": CHAT},
        "messageData": {"typeMessage": "extendedTextMessage", "extendedTextMessageData": {"text": "x"}}}}),
]  # fmt: skip


@dataclass
class Story:
    """An instance whose line wants everything, on an upstream that tells everything."""

    runtime: Runtime
    upstream: Upstream
    drain: Drain
    upstream_id: int
    token: str
    line: Line
    after: int

    async def happen(self, act: str, body: dict[str, Any]) -> None:
        """Something befalls the phone."""
        await self.upstream.control("POST", f"instances/{self.upstream_id}/{act}", body)

    async def told(self) -> list[dict[str, Any]]:
        """What upstream has told us, in order, once its queue is empty."""

        async def is_quiet() -> bool:
            rows = await self.upstream.instances()
            return not next(row for row in rows if row["id_instance"] == self.upstream_id)["notification_queue"]

        await self.drain(until=is_quiet)
        page = await self.upstream.control(
            "GET", f"journal?kind=notification&id_instance={self.upstream_id}&after={self.after}&limit=9999"
        )
        return [entry["request"] for entry in page["entries"] if entry["event"] == "acknowledged"]

    async def kept(self) -> list[str]:
        """What the line keeps, in order."""
        async with self.runtime.database.begin(SYSTEM) as uow:
            query = select(KeptNotice.body).where(KeptNotice.instance_id == self.line.instance_id)
            return list(await uow.session.scalars(query.order_by(KeptNotice.receipt)))


@pytest.fixture
async def story(runtime: Runtime, drain: Drain, upstream: Upstream) -> Story:
    """See `Story`."""
    tenant = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, upstream, tenant)
    assert instance.upstream_id is not None
    (truth,) = [row for row in await upstream.instances() if row["id_instance"] == instance.upstream_id]
    made = Story(runtime, upstream, drain, instance.upstream_id, truth["token"], Line(), 0)
    await made.told()
    made.after = (await upstream.control("GET", "journal?limit=99999"))["next"]
    async with runtime.database.begin(tenant.tenant_id) as uow:
        made.line = await lines.ensure(uow, instance)
        theirs = await lines.change(uow, made.line, dict(ALL_ON))
    assert set(theirs) == {"deviceWebhook", "incomingBlockWebhook", "statusInstanceWebhook"}
    path = f"{upstream.url}/waInstance{instance.upstream_id}/setSettings/{truth['token']}"
    assert (await upstream.http.post(path, json=theirs)).status_code == 200

    async def is_back() -> bool:
        return next(row for row in await upstream.instances() if row["token"] == made.token)["state"] == "authorized"

    await drain(until=is_back)
    return made


def alike(body: dict[str, Any], links: list[str]) -> Any:
    """A notification without what must differ; its links to files are put aside."""

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        if str(value.get("downloadUrl", "")).startswith("http"):
            links.append(value["downloadUrl"])
            value = {**value, "downloadUrl": "link"}
        return {key: walk(item) for key, item in value.items() if key != "idInstance"}

    return walk(body)


@pytest.mark.parametrize("act", ["receive", "send_from_phone"])
async def test_every_kind_of_message_is_told_as_upstream_tells_it(story: Story, act: str) -> None:
    for body in WRITTEN:
        await story.happen(act, {"chat_id": CHAT, **body})
    await compare(story, at_least=len(WRITTEN))


async def test_everything_else_that_happens_is_told_as_upstream_tells_it(story: Story) -> None:
    for act, body in HAPPENINGS:
        await story.happen(act, body)
    await compare(story, at_least=len(HAPPENINGS))
    states = [json.loads(body).get("stateInstance") for body in await story.kept()]
    assert "yellowCard" in states


async def compare(story: Story, at_least: int) -> None:
    """What is kept is what was told, in order, and nothing of upstream's is in it."""
    # A state that comes back within the second that timestamps count in is kept once: states are another test's.
    told = [body for body in await story.told() if body["typeWebhook"] != "stateInstanceChanged"]
    kept = [body for body in await story.kept() if json.loads(body)["typeWebhook"] != "stateInstanceChanged"]
    assert len(told) >= at_least
    theirs: list[str] = []
    ours: list[str] = []
    assert [alike(json.loads(body), ours) for body in kept] == [alike(body, theirs) for body in told]
    assert {json.loads(body)["instanceData"]["idInstance"] for body in kept} == {story.line.number}
    assert all(url.startswith(f"{story.runtime.instance_options.public_url}/files/") for url in ours)
    assert len(ours) == len(theirs) == len(set(ours))
    text = "\n".join(kept)
    for secret in (str(story.upstream_id), story.token, story.upstream.url, *theirs):
        assert secret not in text
    for before, after in zip(told, map(json.loads, kept), strict=True):
        assert list(before) == list(after)


async def test_a_kind_that_nobody_knows_is_told_without_anything_of_upstream(story: Story) -> None:
    nasty = {
        "apiTokenInstance": story.token,
        "about": f"see https://api.green-api.com/waInstance{story.upstream_id}/x/{story.token} please",
        "account": story.upstream_id,
        "list": [{"idInstance": story.upstream_id, "webhookUrlToken": story.token}],
        "note": f"instance {story.upstream_id} moved",
        "messageData": {"typeMessage": "new", "fileMessageData": {
            "downloadUrl": f"{story.upstream.url}/d/{story.upstream_id}/{story.token}", "caption": "green-api"}},
    }  # fmt: skip
    await story.happen("notify", {"type_webhook": "somethingNew", "fields": nasty})
    await story.told()
    (text,) = [body for body in await story.kept() if "somethingNew" in body]
    for secret in (str(story.upstream_id), story.token, story.upstream.url, "api.green-api"):
        assert secret not in text
    body = json.loads(text)
    assert body["account"] == story.line.number
    assert body["about"] == "[removed]"
    assert body["messageData"]["fileMessageData"]["caption"] == "green-api"


async def test_a_notification_that_comes_twice_is_kept_once(story: Story) -> None:
    await story.upstream.faults({"method": "incomingMessageReceived", "kind": "duplicate_notification", "times": 1})
    await story.happen("receive", {"chat_id": CHAT, "text": "once"})
    assert len([body for body in await story.told() if body["typeWebhook"] == "incomingMessageReceived"]) == 2
    assert len([body for body in await story.kept() if "once" in body]) == 1


async def test_upstreams_own_quota_is_told_in_words_of_ours(story: Story) -> None:
    told = {"method": "sendmessage", "used": 1, "total": 1, "status": "X", "description": "console.green-api.com"}
    await story.happen("notify", {"type_webhook": "quotaExceeded", "fields": {"quotaData": told}})
    await story.told()
    (text,) = [body for body in await story.kept() if "quotaExceeded" in body]
    assert "green-api" not in text
    assert json.loads(text)["quotaData"]["used"] == 1
