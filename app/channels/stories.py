"""Stories: texts, files and sounds for a day, who saw them, and lists."""

import re
from typing import Any, Final

from app.channels import files
from app.channels.answer import Answer, told
from app.channels.asking import Asking, spoken
from app.channels.chats import paged
from app.channels.fields import Fields
from app.channels.parts import Call
from app.files import names
from app.kit.errors import NotFound
from app.lines.channel_words import messages as words
from app.lines.channel_words import values
from app.lines.channel_words.messages import Spoken
from app.providers import asks
from app.providers.answers import Posted, Status
from app.providers.port import Credentials, Provider

BROADCAST: Final = "status@broadcast"
LONGEST_TEXT: Final = 500
LONGEST_CAPTION: Final = 1024
DAY_MINUTES: Final = 1440
COLOUR: Final = re.compile(r"#([0-9A-Fa-f]{2})?[0-9A-Fa-f]{6}")
FONTS: Final = {"SYSTEM": "SANS_SERIF", "SYSTEM_TEXT": "SERIF", "FB_SCRIPT": "NORICAN_REGULAR"}
"""Whapi's names of WhatsApp's fonts, and ours."""
OTHER_FONTS: Final = (
    "SYSTEM_BOLD",
    "MORNINGBREEZE_REGULAR",
    "CALISTOGA_REGULAR",
    "EXO2_EXTRABOLD",
    "COURIERPRIME_BOLD",
)
"""Those that have no name of ours. Source: Whapi gate reference, text stories (read 2026-11-21)."""


async def text(asking: Asking, call: Call) -> Answer:
    """A text on a coloured ground."""
    fields = call.fields
    font = fields.choice("font_type", (*FONTS, *OTHER_FONTS))
    if fields.has("exclude_contacts") or font in OTHER_FONTS:
        return await asking.natively(call)
    words_ = fields.text("caption", longest=LONGEST_TEXT)
    ask = asks.PostTextStatus(words_, _colour(fields), FONTS.get(font), _audience(fields))
    return _posted(call, await asking.ask(call.channel, ask), "text", {"text": words_})


async def audio(asking: Asking, call: Call) -> Answer:
    """A sound of up to a minute."""
    return await _file(asking, call, "voice")


async def media(asking: Asking, call: Call) -> Answer:
    """A picture or a film; which of them follows from the name or the type of the file."""
    return await _file(asking, call, "")


async def listed(asking: Asking, call: Call) -> Answer:
    """Stories of the account and of its contacts, newest first."""
    wanted = call.query.flag("from_me")
    rows = [row for row in await _stories(asking, call) if wanted is None or wanted is (row.direction == "outgoing")]
    return paged(call.query, "messages", [shown(call, row) for row in rows])


async def one(asking: Asking, call: Call) -> Answer:
    """One story that still lives."""
    message_id = call.params.message_id("MessageID")
    row = next((row for row in await _stories(asking, call) if row.message_id == message_id), None)
    if row is None:
        raise NotFound("story not found")
    return told(shown(call, row))


async def views(asking: Asking, call: Call) -> Answer:
    """How far an own story or message came, with whom."""
    message_id = call.params.message_id("MessageID")
    rows = await asking.ask(call.channel, asks.StatusViews(message_id))
    statuses = [
        {
            "id": message_id,
            "code": values.PROGRESS_CODES.get(row.status, 0),
            "status": row.status,
            "viewer_id": values.person(row.chat_id),
            "timestamp": str(values.seconds(row.at)),
        }
        for row in rows
    ]
    return told({"statuses": statuses})


def shown(call: Call, row: Status) -> dict[str, Any]:
    """A story as a message."""
    is_own = row.direction == "outgoing"
    said = {"text": row.text, "caption": row.caption, "file_name": row.file_name, "mime_type": row.mime_type}
    return words.message(
        Spoken(
            row.message_id,
            BROADCAST,
            row.kind,
            {name: value for name, value in said.items() if value},
            own=is_own,
            sender=call.channel.own_id if is_own else row.sender or "",
            sender_name=row.sender_name,
            by_api=is_own,
            at=values.seconds(row.at),
            status=row.progress,
            link=row.file_link or "",
        )
    )


async def _stories(asking: Asking, call: Call) -> list[Status]:
    found: list[Status] = []
    for incoming in (True, False):
        rows = await asking.ask(call.channel, asks.ListStatuses(incoming=incoming, minutes=DAY_MINUTES))
        found += rows
    return sorted(found, key=lambda row: values.seconds(row.at), reverse=True)


async def _file(asking: Asking, call: Call, kind: str) -> Answer:
    fields = call.said
    if fields.has("exclude_contacts"):
        return await asking.natively(call)
    found = await files.needed(asking, call)
    kind = kind or _kind(found)
    name, audience = found.named(kind), _audience(fields)
    caption = fields.maybe("caption", longest=LONGEST_CAPTION)
    background = _colour(fields)

    async def do(provider: Provider, credentials: Credentials) -> Posted:
        link = await files.stored(provider, credentials, found, name)
        if kind == "voice":
            return await provider.perform(credentials, asks.PostVoiceStatus(link, name, background, audience))
        return await provider.perform(credentials, asks.PostMediaStatus(link, name, caption, audience))

    method = "sendVoiceStatus" if kind == "voice" else "sendMediaStatus"
    posted = await asking.do(call.channel, method, do, streams=not found.url)
    about = {"mime_type": names.plain_type(found.media_type, name)} | ({"caption": caption} if caption else {})
    return _posted(call, posted, "audio" if kind == "voice" else kind, about)


def _posted(call: Call, posted: Posted, kind: str, content: dict[str, Any]) -> Answer:
    return told(words.sent(spoken(call.channel, posted.message_id, BROADCAST, kind, content)))


def _kind(media: files.Media) -> str:
    kind = media.media_type.partition("/")[0]
    if kind in ("image", "video"):
        return kind
    return "video" if media.named("video") != files.NAMES["video"] else "image"


def _audience(fields: Fields) -> tuple[str, ...]:
    return fields.people("contacts", least=0)


def _colour(fields: Fields) -> str | None:
    """Without how clear it is."""
    told_as = fields.maybe("background_color")
    if not told_as:
        return None
    if not COLOUR.fullmatch(told_as):
        raise fields.wrong("background_color", "must be #AARRGGBB")
    return f"#{told_as[-6:]}"
