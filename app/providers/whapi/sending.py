"""Sending messages, and looking for what was sent. Whapi has no queue: a message leaves when it is taken."""

import time
from typing import Any, Final

from msgspec.structs import replace

from app.providers.asks import (
    Button,
    Buttons,
    Contact,
    Content,
    FileByUrl,
    Forward,
    Location,
    Poll,
    ReplyButton,
    ReplyButtons,
    Send,
    Text,
)
from app.providers.errors import NoSuchThing, OutcomeUnknown, ProviderError, Refused, TryLater
from app.providers.http.wire import UNREADABLE
from app.providers.likeness import display_name, file_kind
from app.providers.port import Credentials, Seen, Sent
from app.providers.reading import text_in
from app.providers.whapi.client import Client, path_of, state_of
from app.providers.whapi.ids import HIDDEN, contact, is_number, ours, theirs
from app.providers.whapi.journal import by_api, seen_of
from app.providers.whapi.native import stored_in
from app.providers.whapi.shapes import Filters, listed
from app.providers.whapi.verdicts import message_id

Fields = dict[str, Any]
VOICES: Final = frozenset({"ogg", "oga", "opus"})
MOST_TYPING_SECONDS: Final = 20.0  # Whapi takes 60, within the one call
# Callers hold a send for as long as one call may take, and somewhat longer.
FORWARD_SECONDS: Final = 20.0
IN_STEP: Final = "AUTH"


async def send(client: Client, credentials: Credentials, message: Send) -> Sent:
    """Send a message; its id is told at once, whether it arrives shows later, as a status.

    Only texts can be preceded by typing, and voice notes by recording; other kinds leave at once. A sound has no
    caption and only a document a name of its own. Source: sending pages of the gate reference (read 2026-11-21).

    Raises:
        OutcomeUnknown: it may be sent, or of a forward of several only some are; look with `sent_since`.
        NotAllowed: the account may not write there.
        NoSuchThing: the cited, forwarded or stored thing is not known.
        ProviderError: any other ending.
    """
    if isinstance(message.content, Forward):
        return await _forward(client, credentials, theirs(message.chat_id), message.content)
    path, fields = body_of(message)
    value = await client.call(credentials, "POST", path, body=fields)
    return Sent(_id_in(value))


async def waiting(_: Client, __: Credentials) -> list[Seen]:
    """Nothing ever waits upstream."""
    return []


async def sent_since(client: Client, credentials: Credentials, minutes: int) -> list[Seen]:
    """What left within so many minutes, without what was typed on the phone or in a browser.

    A message to a number may be listed under the person's hidden id: it is then told under both. The list is what the
    channel has kept, and its page knows no refusal for a phone that is away: so it counts while one is linked and in
    step only, which is asked afterwards. Source: getMessages and getContact pages, help desk on SYNC_ERROR (read
    2026-11-21).

    Raises:
        OutcomeUnknown: the list cannot be read whole, or no phone is in step; nothing may be concluded.
        ProviderError: any other ending.
    """
    query: Filters = {"from_me": True, "time_from": since(minutes), "sort": "desc"}
    rows = await listed(client, credentials, "/messages/list", "messages", query=query)
    if state_of(await client.health(credentials, wakeup=False)) != IN_STEP:
        raise OutcomeUnknown("the channel has no phone whose messages it could list")
    found = [seen_of(row) for row in rows if row.get("from_me") is not False and by_api(row) is not False]
    numbers = {chat: await _number_of(client, credentials, chat) for chat in _hidden(found)}
    told = [replace(seen, chat_id=numbers[seen.chat_id]) for seen in found if numbers.get(seen.chat_id)]
    return [*found, *told]


def _hidden(found: list[Seen]) -> set[str]:
    return {seen.chat_id for seen in found if seen.chat_id.endswith(HIDDEN)}


async def _number_of(client: Client, credentials: Credentials, hidden_id: str) -> str:
    """The chat of a hidden number under its number; empty when it is not known."""
    try:
        row = await client.call(credentials, "GET", path_of("contacts", hidden_id))
    except NoSuchThing:
        return ""
    number = contact(ours(text_in(row, "phone") or text_in(row, "id")))
    return ours(number) if is_number(number) else ""


def since(minutes: int) -> int:
    """The moment so many minutes ago, in seconds since 1970, by our clock."""
    return max(0, int(time.time()) - int(minutes) * 60)


def body_of(message: Send) -> tuple[str, Fields]:
    """The path and the JSON body that send a message which is no forward."""
    kind, fields = _said(message.content)
    seconds = None if message.typing_seconds is None else min(message.typing_seconds, MOST_TYPING_SECONDS)
    typing = {"text": "typing_time", "voice": "recording_time"}.get(kind)
    fields = {"to": theirs(message.chat_id), **fields, "quoted": message.quoted_message_id}
    return path_of("messages", kind), fields if typing is None else {**fields, typing: seconds}


def media_of(url: str, **more: Any) -> Fields:
    """A file that was stored, or one to be fetched anew: what is at an address may have changed since last time."""
    stored = stored_in(url)
    return {"media": stored or url, "no_cache": None if stored else True, **more}


def is_voice(file_name: str) -> bool:
    """Whether a sound is shown as a voice note: WhatsApp wants those in OGG."""
    return file_name.rpartition(".")[2].lower() in VOICES


def vcard(contact: Contact) -> str:
    """The card of a contact, as RFC 2426 has it, with WhatsApp's own id of the number."""
    names = (contact.last_name, contact.first_name, contact.middle_name, "", "")
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:{';'.join(_escaped(name) for name in names)}"]
    lines.append(f"FN:{_escaped(display_name(contact))}")
    if contact.company:
        lines.append(f"ORG:{_escaped(contact.company)};")
    lines.append(f"TEL;type=CELL;waid={contact.phone}:+{contact.phone}")
    return "\n".join([*lines, "END:VCARD"])


async def _forward(client: Client, credentials: Credentials, to: str, forward: Forward) -> Sent:
    """One call for each message, in their order, up to the first that fails or that would begin too late."""
    if not forward.message_ids:
        raise Refused("there is nothing to forward")
    sent: list[str] = []
    failure: ProviderError | None = None
    began_at = time.monotonic()
    for one in forward.message_ids:
        if sent and time.monotonic() - began_at >= FORWARD_SECONDS:
            failure = TryLater("there were too many messages for the time")
            break
        try:
            value = await client.call(credentials, "POST", path_of("messages", one), body={"to": to})
            sent.append(_id_in(value))
        except ProviderError as error:
            failure = error
            break
    if failure is not None:
        if not sent:
            raise failure
        raise OutcomeUnknown("some of the messages were forwarded, others were not", status=failure.status)
    return Sent(sent[0], tuple(sent[1:]))


def _id_in(value: Any) -> str:
    found = message_id(value)
    if not found:
        raise OutcomeUnknown(UNREADABLE)
    return found


def _said(content: Content) -> tuple[str, Fields]:
    match content:
        case Text():
            preview = None if content.link_preview is None else not content.link_preview
            return "text", {"body": content.text, "no_link_preview": preview}
        case FileByUrl():
            return _file(content)
        case Location():
            place = {"latitude": content.latitude, "longitude": content.longitude}
            return "location", {**place, "name": content.name or None, "address": content.address or None}
        case Contact():
            return "contact", {"name": display_name(content), "vcard": vcard(content)}
        case Poll():
            options = list(content.options)
            return "poll", {"title": content.question, "options": options, "count": 0 if content.multiple else 1}
        case Buttons() | ReplyButtons():
            return "interactive", _interactive(content)
        case Forward():
            raise AssertionError("a forward has no body of its own")


def _file(content: FileByUrl) -> tuple[str, Fields]:
    kind = file_kind(content.file_name)
    caption = content.caption or None
    if kind == "audio":
        return "voice" if is_voice(content.file_name) else "audio", media_of(content.url)
    if kind == "document":
        return kind, media_of(content.url, filename=content.file_name or None, caption=caption)
    return kind, media_of(content.url, caption=caption)


def _interactive(content: Buttons | ReplyButtons) -> Fields:
    parts = {"header": content.header, "body": content.body, "footer": content.footer}
    frame = {name: {"text": text} for name, text in parts.items() if text}
    return {"type": "button", **frame, "action": {"buttons": [_button(button) for button in content.buttons]}}


def _button(button: Button | ReplyButton) -> Fields:
    about: Fields = {"type": "quick_reply"}
    if isinstance(button, Button):
        if button.code is not None:
            about = {"type": "copy", "copy_code": button.code}
        elif button.phone is not None:
            about = {"type": "call", "phone_number": button.phone}
        else:
            about = {"type": "url", "url": button.url or ""}
    return {**about, "id": button.id, "title": button.text}


def _escaped(text: str) -> str:
    for char in ("\\", ";", ","):
        text = text.replace(char, f"\\{char}")
    return " ".join(text.split())
