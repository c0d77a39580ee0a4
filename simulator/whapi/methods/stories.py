"""Stories: text, voice, pictures and films for a day; lists, one, copies. Views are those of messages."""

from typing import Any

from simulator.whapi import content, files, ids, posting, state
from simulator.whapi.channel import Channel
from simulator.whapi.errors import Problem
from simulator.whapi.files import Found
from simulator.whapi.methods.messages import listed
from simulator.whapi.methods.sending import fields_of, sent
from simulator.whapi.state import talk_of
from simulator.whapi.talk import BROADCAST, Media, Message
from simulator.whapi.wire import Call, answer, text_of
from simulator.whapi.world import Whapi
from simulator.wire import Reply

FONTS = (
    "SYSTEM",
    "SYSTEM_TEXT",
    "FB_SCRIPT",
    "SYSTEM_BOLD",
    "MORNINGBREEZE_REGULAR",
    "CALISTOGA_REGULAR",
    "EXO2_EXTRABOLD",
    "COURIERPRIME_BOLD",
)


def send_text(whapi: Whapi, call: Call) -> Reply:
    """A text on a coloured ground."""
    fields = fields_of(call)
    font = fields.get("font_type", FONTS[0])
    if font not in FONTS:
        raise Problem(400, f"font_type must be one of {', '.join(FONTS)}")
    said = {
        "body": text_of(fields, "caption"),
        "background_color": content.colour_of(fields, "background_color", "#00000000"),
        "caption_color": content.colour_of(fields, "caption_color", "#FFFFFFFF"),
        "font_type": font,
    }
    return _post(whapi, call, "text", said, None)


def send_audio(whapi: Whapi, call: Call) -> Reply:
    """A voice note."""
    return _post(whapi, call, "voice", content.built("voice", fields_of(call)), _file(call))


def send_media(whapi: Whapi, call: Call) -> Reply:
    """A picture or a film, as the type of the file says; 415 for anything else."""
    file = _file(call)
    kind = file.mime.partition("/")[0]
    if kind not in ("image", "video"):
        raise Problem(415, f"{file.mime} cannot be a story")
    return _post(whapi, call, kind, content.built(kind, fields_of(call)), file)


def send_any(whapi: Whapi, call: Call) -> Reply:
    """A story of whatever kind the fields make it."""
    if call.kept.get("media") is None:
        return send_text(whapi, call)
    return send_audio(whapi, call) if _file(call).mime.startswith("audio/") else send_media(whapi, call)


def get_stories(whapi: Whapi, call: Call) -> Reply:
    """Own stories and those of others, newest first, as long as they live."""
    talk = talk_of(call.here)
    return listed(whapi, call, [story for story in talk.messages.values() if _lives(whapi, story)])


def get_story(whapi: Whapi, call: Call) -> Reply:
    """One story."""
    return answer(_story(whapi, call).row())


def copy_story(whapi: Whapi, call: Call) -> Reply:
    """The same story again, as an own one."""
    original = _story(whapi, call)
    story = posting.own(whapi, call.here, original.type, BROADCAST, dict(original.content))
    story.media = original.media
    story.audience = _audience(call.here, call.fields)
    posting.post(whapi, call.here, story)
    return answer({"success": True}, 201)


def _post(whapi: Whapi, call: Call, kind: str, said: dict[str, Any], file: Found | Media | None) -> Reply:
    channel = call.here
    story = posting.own(whapi, channel, kind, BROADCAST, said)
    story.audience = _audience(channel, fields_of(call))
    if file is not None:
        files.accept(kind, file)
        story.media = files.adopt(whapi, channel, file)
        files.publish(whapi, channel, story.media, kind)
    posting.post(whapi, channel, story)
    return sent(story)


def _file(call: Call) -> Found | Media:
    file: Found | Media | None = call.kept.get("media")
    if file is None:
        raise Problem(400, "media is required")
    return file


def _audience(channel: Channel, fields: dict[str, Any]) -> list[str]:
    talk = talk_of(channel)
    left_out = ids.numbers_of(talk, fields.get("exclude_contacts") or [], "exclude_contacts")
    wanted = fields.get("contacts")
    seen_by = (
        ids.numbers_of(talk, wanted, "contacts")
        if wanted
        else [person.number for person in talk.people.values() if person.is_saved]
    )
    return [number for number in seen_by if number not in left_out]


def _story(whapi: Whapi, call: Call) -> Message:
    found = state.message_of(call.here, call.params["MessageID"])
    if not _lives(whapi, found):
        raise Problem(404, "story not found")
    return found


def _lives(whapi: Whapi, message: Message) -> bool:
    return message.chat_id == BROADCAST and message.type != "action" and not state.is_over(whapi, message)
