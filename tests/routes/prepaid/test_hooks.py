"""A customer who comes from Whapi: its webhooks are told here what Whapi itself told, but for what is listed."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import text

from app.kit.db import SYSTEM
from tests.factories import bearer
from tests.routes.compat.speaking.stage import unlike
from tests.routes.prepaid.conftest import OWN, THEIR_ANN, WHAPI_TOKEN, Shop
from tests.routes.prepaid.test_excursions import is_doubted, sweep, until

URL: Final = "https://shop.example/hook"
ANN: Final = "79990003344"
FILES: Final = ("image", "voice", "audio", "document", "sticker", "video")
KINDS: Final = ("text", "link_preview", *FILES, "location", "contact", "contact_list", "interactive", "group_invite")
FILE: Final = "the file is named by the message it came with, its link is ours; size and sums are not told to us"
ACTION: Final = "a change has no id of its own in our words: it gets one, the same for the same"
NAME: Final = "who does something is not always named, and the account itself never is"
BEFORE: Final = "what a message was before is not told"
DIFFERENCES: Final[dict[str, str]] = {
    ".channel_id": "the channel has a name of ours",
    ".messages[].id": ACTION,
    ".messages_updates[].trigger.id": ACTION,
    ".messages[].from_name": NAME,
    ".messages_updates[].trigger.from_name": NAME,
    ".messages[].status": "of an own message its progress is told by `statuses`",
    ".messages[].type": "a preview of a link is a text",
    ".messages[].link_preview": "a preview of a link is a text",
    ".messages[].text": "a preview of a link is a text",
    ".messages[].poll.results.length": "a new poll has no results yet",
    ".messages_updates[].after_update.poll.vote_limit": "of a poll that changes only its votes are told",
    ".messages_updates[].after_update.poll.results[].id": "the id of an option is made of its words",
    ".messages_updates[].after_update.reactions[].group_key": "a reaction is told with who and what",
    ".messages_updates[].after_update.reactions[].t": "a reaction is told with who and what",
    ".messages_updates[].after_update.reactions[].count": "a reaction is told with who and what",
    ".messages_updates[].before_update.poll": BEFORE,
    ".messages_updates[].before_update.text": BEFORE,
    ".messages_updates[].trigger.status": "of an own message its progress is told by `statuses`",
} | {f".messages[].{kind}.{name}": FILE for kind in FILES for name in ("id", "link", "file_size", "sha256", "timestamp",
                                                                       "filename")} | {
    ".messages[].sticker.animated": FILE,
}  # fmt: skip


async def kept(shop: Shop) -> list[dict[str, Any]]:
    """What waits for the hook, as it will be sent."""
    async with shop.runtime.database.begin(SYSTEM) as uow:
        rows = await uow.session.execute(text("select type, verb, payload from hook_notices order by receipt"))
        return [
            {**msgspec.json.decode(row.payload), "event": {"type": row.type, "event": row.verb}, "channel_id": ""}
            for row in rows
        ]


async def told(shop: Shop, after: int) -> list[dict[str, Any]]:
    """What the gateway has told us, in order, once it has told all of it."""
    async with asyncio.timeout(60):
        while True:
            page = await shop.upstream.control("GET", f"journal?kind=notification&after={after}&limit=9999")
            ends = [entry["event"] for entry in page["entries"]]
            if ends.count("queued") == ends.count("acknowledged"):
                return [entry["request"] for entry in page["entries"] if entry["event"] == "acknowledged"]
            await asyncio.sleep(0.05)


async def live_through(shop: Shop) -> None:
    """A day of a channel."""
    for kind in KINDS:
        await shop.phone("receive", chat_id=THEIR_ANN, kind=kind, sender_name="Ann")
    poll = (await shop.phone("receive", chat_id=THEIR_ANN, kind="poll"))["message_id"]
    await shop.phone("vote", message_id=poll, options=["one"], by=ANN)
    mine = (await shop.phone("send_from_phone", chat_id=THEIR_ANN, body="mine"))["message_id"]
    await shop.phone("react", message_id=mine, emoji="👍", by=ANN)
    await shop.phone("edit", message_id=mine, body="mine!")
    await shop.phone("read", message_id=mine)
    await shop.phone("revoke", message_id=mine)
    await shop.phone("call", **{"from": ANN})
    group = (await shop.phone("group_made", by=ANN, subject="crew", participants=[OWN]))["group_id"]
    await shop.phone("group_change", group_id=group, action="promote", participants=[OWN])
    await shop.phone("group_change", group_id=group, subject="new")


async def set_hook(shop: Shop) -> None:
    """The customer sets a webhook for everything."""
    headers = bearer(shop.line.token)
    reply = await shop.client.patch("/whapi/settings", headers=headers, json={"webhooks": [{"url": URL}]})
    assert reply.status_code == 200, reply.text


async def test_a_hook_is_told_what_whapi_itself_tells(shop: Shop) -> None:
    await set_hook(shop)
    after = (await shop.upstream.control("GET", "journal?limit=99999"))["next"]
    await live_through(shop)
    theirs, ours = await told(shop, after), await kept(shop)
    found: set[str] = set()
    left = list(ours)
    for body in theirs:
        twin = next((one for one in left if one["event"] == body["event"] and one.keys() == body.keys()), None)
        assert twin is not None, body
        del left[: left.index(twin) + 1]
        found |= {place for place in unlike(body, twin) if not place.endswith(".order")}
    assert found == DIFFERENCES.keys()
    assert left == [], "what Whapi does not tell is told before the end"
    secrets = (str(shop.instance.upstream_account), WHAPI_TOKEN, shop.upstream.url)
    assert not [secret for secret in secrets if secret in str(ours)]
    proof = (await shop.upstream.control("GET", f"journal?kind=call&after={after}&limit=9999"))["entries"]
    assert not [entry for entry in proof if URL in str(entry)], "the gateway is told nothing of the tenant's hooks"


async def test_a_phone_that_is_gone_for_a_minute_is_told_to_the_hook_too(shop: Shop) -> None:
    await set_hook(shop)
    await shop.phone("unlink")
    await until(lambda: is_doubted(shop))
    assert await kept(shop) == []
    shop.runtime.database.shift += timedelta(seconds=61)
    await sweep(shop)
    health, user = await kept(shop)
    assert (user["event"], user["user"]["id"]) == ({"type": "users", "event": "delete"}, OWN)
    assert (health["event"], health["health"]["status"]) == (
        {"type": "channel", "event": "post"}, {"code": 3, "text": "QR"},
    )  # fmt: skip
