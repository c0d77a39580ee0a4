"""Sends of every kind, edits by the field `edit` (a text for a file is its new caption), and forwarding."""

import re
from typing import Any

from simulator.whapi import content, files, ids, posting, state
from simulator.whapi.channel import Channel
from simulator.whapi.errors import Problem
from simulator.whapi.files import Found
from simulator.whapi.state import talk_of
from simulator.whapi.talk import GROUP, PERSON, Media, Message
from simulator.whapi.wire import Call, Handler, answer, flag_of, text_of
from simulator.whapi.world import Whapi
from simulator.wire import Reply

MIME = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
TYPING_MOST = 60
"""Seconds of typing_time. Source: gate reference, read 2026-11-21."""
EDITABLE = frozenset({"text", "link_preview", "image", "video", "gif", "document"})
"""Kinds that WhatsApp lets edit (choice; the reference allows the field everywhere)."""


def send(kind: str) -> Handler:
    """The method that sends this kind; answers with the message as it was accepted, `pending`."""

    def handle(whapi: Whapi, call: Call) -> Reply:
        return _send(whapi, call, kind)

    return handle


def send_raw(whapi: Whapi, call: Call) -> Reply:
    """A file as the body, its fields in the query; the path names the kind."""
    kind = call.params["MediaMessageType"]
    if kind not in files.TYPED or kind == "short":
        raise Problem(400, "unknown type of media")
    return _send(whapi, call, kind)


def forward(whapi: Whapi, call: Call) -> Reply:
    """The same content to another chat, marked as forwarded."""
    channel = call.here
    original = state.message_of(channel, call.params["MessageID"])
    chat_id = ids.chat_of(talk_of(channel), call.fields.get("to"))
    flag_of(call.fields, "force", default=False)
    permit(whapi, channel, chat_id)
    score = int(original.context.get("forwarding_score", 0)) + 1
    message = posting.own(
        whapi,
        channel,
        original.type,
        chat_id,
        dict(original.content),
        context={"forwarded": True, "forwarding_score": score},
    )
    message.media = original.media
    posting.post(whapi, channel, message)
    return sent(message)


async def before_text(whapi: Whapi, call: Call) -> None:
    """Type for as long as the call asks. Needs no more than the number: all else is looked at afterwards."""
    fields = fields_of(call)
    await _wait(whapi, content.seconds_of(fields, "typing_time", TYPING_MOST))


async def before_file(whapi: Whapi, call: Call) -> None:
    """Fetch or decode the file, then record for as long as the call asks."""
    fields = fields_of(call)
    call.kept["media"] = await _obtain(whapi, call, fields)
    await _wait(whapi, content.seconds_of(fields, "recording_time"))


async def before_optional_file(whapi: Whapi, call: Call) -> None:
    """Fetch or decode the file if there is one."""
    fields = fields_of(call)
    if fields.get("media") or call.files:
        call.kept["media"] = await _obtain(whapi, call, fields)


async def before_raw(whapi: Whapi, call: Call) -> None:
    """Take the body, or what its JSON or form names, as the file."""
    fields = fields_of(call)
    if isinstance(call.body, dict) or call.files:
        call.kept["media"] = await _obtain(whapi, call, fields)
    else:
        call.kept["media"] = files.raw(whapi, call, str(fields.get("filename") or ""))


def fields_of(call: Call) -> dict[str, Any]:
    """The fields of a send, wherever they stand: in JSON, in a form, or in the query beside a raw body.

    Raises:
        Problem: 400, they do not fit.
    """
    if "fields" not in call.kept:
        fields = call.fields
        is_json = call.headers.get("Content-Type", "").startswith("application/json")
        fields = dict(fields) if is_json else content.typed(fields)
        if call.method.raw:
            fields = {**content.typed({k: v for k, v in call.query.items() if k != "token"}), **fields}
        call.kept["fields"] = fields
    found: dict[str, Any] = call.kept["fields"]
    return found


def permit(whapi: Whapi, channel: Channel, chat_id: str) -> None:
    """See whether the phone may write there.

    Raises:
        Problem: 403, not to this recipient or group; or what the knob says of numbers without WhatsApp.
    """
    talk = talk_of(channel)
    if chat_id.endswith(GROUP):
        group = talk.groups.get(chat_id)
        rank = None if group is None else group.ranks.get(talk.owner)
        if group is None or rank is None:
            raise Problem(403, "not a participant of this group")
        if group.policies.get("send_messages") == "admins" and rank == "member":
            raise Problem(403, "only admins may write to this group")
    elif chat_id.endswith(PERSON):
        number = chat_id.removesuffix(PERSON)
        if number in talk.blocked:
            raise Problem(403, "the recipient is on the block list")
        refusal = whapi.config.no_account_send
        if refusal != "failed" and not state.has_account(whapi, number):
            raise Problem(refusal, "the recipient has no WhatsApp account")
    else:
        raise Problem(403, "nobody may write there")


def quoted(channel: Channel, fields: dict[str, Any]) -> dict[str, Any]:
    """The context of a message that answers another one.

    Raises:
        Problem: 400 it is no id, 404 it is unknown.
    """
    if fields.get("quoted") is None:
        return {}
    other = state.message_of(channel, text_of(fields, "quoted"))
    row = other.row()
    return {
        "quoted_id": other.id,
        "quoted_type": other.type,
        "quoted_content": other.said(),
        "quoted_author": row["from"],
    }


def sent(message: Message) -> Reply:
    """The answer to a send."""
    return answer({"sent": True, "message": message.row()})


def _send(whapi: Whapi, call: Call, kind: str) -> Reply:
    channel, fields = call.here, fields_of(call)
    chat_id = ids.chat_of(talk_of(channel), fields.get("to"))
    said = content.built(kind, fields)
    context = {**content.context(fields), **quoted(channel, fields)}
    file: Found | Media | None = call.kept.get("media")
    if file is not None and kind in files.TYPED:
        files.accept(kind, file)
    permit(whapi, channel, chat_id)
    original = None
    if fields.get("edit") is not None:
        original = _editable(whapi, channel, text_of(fields, "edit"), chat_id)
    media = None
    if file is not None:
        media = files.adopt(whapi, channel, file, name=str(said.get("filename") or ""))
        files.publish(whapi, channel, media, kind)
    if original is not None:
        if kind == "text" and original.media is not None:
            kind, said = original.type, {**original.content, "caption": said["body"]}
        else:
            original.media = media
        posting.edit(whapi, channel, original, kind, said, by=posting.own(whapi, channel, "action", chat_id, {}))
        return sent(original)
    message = posting.own(whapi, channel, kind, chat_id, said, context=context)
    message.media = media
    posting.post(whapi, channel, message)
    return sent(message)


def _editable(whapi: Whapi, channel: Channel, message_id: str, chat_id: str) -> Message:
    message = state.message_of(channel, message_id)
    window = whapi.config.edit_window_seconds
    if not message.from_me or message.type not in EDITABLE:
        raise Problem(403, "this message cannot be edited")
    if message.chat_id != chat_id:
        raise Problem(400, "the message is of another chat")
    if window is not None and whapi.world.clock.now() - message.at > window:
        raise Problem(403, "the message is too old to be edited")
    return message


async def _obtain(whapi: Whapi, call: Call, fields: dict[str, Any]) -> Found | Media:
    mime = fields.get("mime_type")
    if mime is not None and (not isinstance(mime, str) or not MIME.fullmatch(mime)):
        raise Problem(400, "mime_type must be a type such as image/jpeg")
    fresh = flag_of(fields, "no_cache", default=False)
    return await files.obtain(whapi, call, fields.get("media"), mime or "", fresh=fresh)


async def _wait(whapi: Whapi, seconds: float) -> None:
    if seconds > 0:
        await whapi.world.clock.sleep(seconds)
