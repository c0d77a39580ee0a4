"""What lines make of Whapi's callbacks: GREEN-API's notifications, with no trace of Whapi."""

from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace

from app.lines.words import notices
from app.providers.events import MessageDeleted, Notification
from app.providers.whapi.adapter import WhapiCloud
from tests.providers.conftest import until
from tests.providers.whapi.conftest import ANN, WHAPI_TOKEN, playing
from tests.providers.whapi.hooks import act, linked, listening, whapi

THEIR_ANN: Final = "79990003344@s.whatsapp.net"
NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)
SENDER: Final = ["chatId", "chatName", "sender", "senderName", "senderContactName"]
RECEIVED: Final[list[tuple[dict[str, Any], str]]] = [
    ({"body": "Hi"}, "textMessage"),
    ({"kind": "image", "caption": "Look"}, "imageMessage"),
    ({"kind": "voice"}, "audioMessage"),
    ({"kind": "document"}, "documentMessage"),
    ({"kind": "sticker"}, "stickerMessage"),
    ({"kind": "location"}, "locationMessage"),
    ({"kind": "contact"}, "contactMessage"),
    ({"kind": "poll"}, "pollMessage"),
]


def placed(said: Notification) -> Notification:
    """As the inbound does where it has the message: of what was taken back Whapi may tell its id alone."""
    what = said.what
    return replace(said, what=replace(what, chat_id=ANN)) if isinstance(what, MessageDeleted) else said


def made(wing: WhapiCloud, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a line is told of callbacks, each thing once."""
    read = {each.dedupe: each for body in bodies for each in map(wing.read_notice, wing.apart(body))}
    found = [
        notices.body_of(
            placed(each), number=77, phone="79990001122", now=NOW, links=lambda _, name: f"https://ours/{name}"
        )
        for each in read.values()
    ]
    return [each for each in found if each is not None]


async def test_callbacks_become_notifications() -> None:
    async with playing() as upstream, listening() as hook:
        wing = whapi(upstream.manager_url)
        credentials = await linked(wing, upstream, hook.wish)

        async def do(what: str, **body: Any) -> Any:
            return await act(upstream, credentials, what, **body)

        for body, _ in RECEIVED:
            await do("receive", chat_id=THEIR_ANN, sender_name="Ann", **body)
        await do("send_from_phone", chat_id=THEIR_ANN, body="by hand")
        first = (await do("receive", chat_id=THEIR_ANN, body="to be changed"))["message_id"]
        await do("edit", message_id=first, body="changed")
        await do("react", message_id=first, emoji="👍", **{"from": "79990003344"})
        await do("revoke", message_id=first)
        await do("call", **{"from": "79990003344"})
        wanted = {"stateInstanceChanged", "incomingMessageReceived", "outgoingMessageReceived", "incomingCall"}

        async def told() -> bool:
            found = made(wing, hook.bodies)
            messages = [each for each in found if each["typeWebhook"] == "incomingMessageReceived"]
            return {each["typeWebhook"] for each in found} >= wanted and len(messages) >= len(RECEIVED) + 4

        await until(told, 60)
        found = made(wing, hook.bodies)
        await wing.close()
        for each in found:
            assert list(each)[:3] == ["typeWebhook", "instanceData", "timestamp"]
            assert each["instanceData"]["idInstance"] == 77
            for secret in (credentials.account, credentials.token.reveal(), "whapi", "s.whatsapp.net", WHAPI_TOKEN):
                assert secret not in str(each), each
        messages = [each for each in found if each["typeWebhook"] == "incomingMessageReceived"]
        kinds = [each["messageData"]["typeMessage"] for each in messages]
        assert kinds[: len(RECEIVED)] == [kind for _, kind in RECEIVED]
        assert {"editedMessage", "deletedMessage", "reactionMessage"} <= set(kinds)
        for each in messages:
            assert list(each["senderData"]) == SENDER
            assert each["senderData"]["chatId"] == ANN, each
        picture = messages[1]["messageData"]["fileMessageData"]
        assert (picture["downloadUrl"][:13], picture["caption"]) == ("https://ours/", "Look")
        assert "authorized" in [each.get("stateInstance") for each in found]
