"""Sending methods: they check, give an id and leave the rest to the queue."""

from typing import Any

from simulator import outgoing
from simulator.instance import Message
from simulator.wire import Call, Reply, answer, invalid, number_of, text_of
from simulator.world import World

LONGEST_TEXT = 20_000


def send_message(world: World, call: Call) -> Reply:
    """Queue a text; the number is not looked at before it leaves the queue."""
    chat_id_of(world, call)
    text = text_of(world, call, "message", longest=LONGEST_TEXT)
    params = call.params
    if params.get("typingTime") is not None:
        number_of(world, call, "typingTime", least=1000, most=20000)
    if not isinstance(params.get("quotedMessageId", ""), str):
        raise invalid(world, call, "'quotedMessageId' must be a string")
    if not isinstance(params.get("linkPreview", True), bool):
        raise invalid(world, call, "'linkPreview' must be a boolean")
    data: dict[str, Any] = {
        "typeMessage": "extendedTextMessage",
        "extendedTextMessageData": {
            "text": text,
            "description": "",
            "title": "",
            "previewType": "None",
            "jpegThumbnail": "",
            "forwardingScore": 0,
            "isForwarded": False,
        },
    }
    return accepted(world, call, text, data)


def chat_id_of(world: World, call: Call) -> str:
    """The chat to send to.

    Raises:
        Refusal: it is missing or has none of the known endings.
    """
    chat_id = text_of(world, call, "chatId")
    digits, _, host = chat_id.partition("@")
    if host not in ("c.us", "g.us", "lid") or not digits.replace("-", "").isdecimal():
        raise invalid(world, call, "'chatId' must be in the format phone@c.us, group@g.us or id@lid")
    return chat_id


def accepted(world: World, call: Call, text: str, data: dict[str, Any]) -> Reply:
    """Queue what the call asks to send and tell its id; `data` is its messageData in notifications."""
    body = call.params
    if call.method.name == "sendMessage":
        body.setdefault("linkPreview", True)
    message = Message(
        id_message=outgoing.new_id(),
        id_instance=call.here.id_instance,
        chat_id=str(body["chatId"]),
        text=text,
        accepted_at=world.clock.now(),
        direction="outgoing",
        status="queued",
        kind=call.method.name,
        body=body,
        message_data=data,
    )
    outgoing.accept(world, call.here, message)
    return answer({"idMessage": message.id_message})
