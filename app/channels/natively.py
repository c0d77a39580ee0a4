"""Calls passed on in Whapi's own words, and its answers made the tenant's own.

What people wrote is theirs and stays. Of the machine's words nothing leaves that names the gateway, its channel or its
token: refusals are worded by us, addresses of files become links of ours, and keys that describe the channel are left
out or replaced. Source: schemas of the Whapi gate reference (read 2026-11-21).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from app.channels import files, refusals
from app.channels.answer import JSON, Answer, refused
from app.channels.auth import Channel
from app.channels.parts import Call
from app.gateway.catalogue import METHODS
from app.lines.channel_words import values
from app.providers.errors import Outcome, Unreachable
from app.providers.port import Native, NativeReply

if TYPE_CHECKING:
    from app.channels.asking import Asking

FILE_LINKS: Final = frozenset(
    {"link", "icon", "icon_full", "chat_pic", "chat_pic_full", "profile_pic", "profile_pic_full", "preview_url"}
)
HIDDEN: Final = frozenset({"token", "apiUrl", "api_url", "ip", "server", "ownerId", "projectId", "proxy"})
READS: Final = ("GET", "HEAD")
CHATS: Final = ("ChatID", "to")
OURS: Final = "channel_id"
PROFILE: Final = "/users/profile"
"""Where a file is called `icon`; everywhere else it is `media`."""
OF_PEOPLE: Final = frozenset(
    {"body", "caption", "text", "title", "name", "pushname", "about", "description", "comment"}
)
FILE_TYPES: Final = ("image/", "video/", "audio/", "application/")
DETAILS: Final = {
    400: refusals.REFUSED,
    401: refusals.UNLINKED,
    404: refusals.UNKNOWN_THING,
}
Seal = Callable[[str, str], str]


async def passed(asking: "Asking", call: Call) -> Answer:
    """The answer to a call as the gateway gives it, cleaned; 504 where it does not tell whether a change was made.

    Raises:
        AppError: it was not admitted. ProviderError: there was no answer.
    """
    channel, raw = call.channel, call.raw
    to = call.said.given.get("to")
    changed = {"to": _theirs("to", to)} if isinstance(to, str) else {}
    if call.route.takes == "file":
        name = "icon" if call.route.path == PROFILE else "media"
        media = await files.media_of(asking, call, name)
        told = {} if media is None else {name: media.url or await media.inline()}
        # of a form all is known once its file has been read
        raw = msgspec.json.encode({**call.said.given, **changed, **told})
    elif changed and changed["to"] != to:
        raw = msgspec.json.encode({**call.said.given, **changed})
    kind = JSON if raw else ""
    native = Native(path_of(call), call.route.verb, call.query_string.decode("ascii", "ignore"), raw, kind)
    reply = await asking.native(channel, call.route.method, native)
    ending = asking.provider(channel).conclude(native.method, reply)
    if ending is not None and (
        reply.status < 300 or (ending.outcome is Outcome.UNKNOWN and call.route.verb not in READS)
    ):
        return refusals.of_ending(ending)  # 503 would say that nothing was done
    return await cleaned(asking, channel, reply)


async def chat_of(asking: "Asking", channel: Channel, message_id: str) -> str | None:
    """The chat of a message, in our words.

    Raises:
        ProviderError: nobody knows it, or the gateway did not say; nothing was done.
    """
    native = Native(f"/messages/{quote(message_id, safe='')}", "GET")
    reply: NativeReply = await asking.native(channel, METHODS["getmessage"], native)
    ending = asking.provider(channel).conclude(native.method, reply)
    if ending is not None and ending.outcome is Outcome.UNKNOWN:
        raise Unreachable("the gateway did not say of which chat the message is", status=reply.status)
    if ending is not None:
        raise ending
    found = _decoded(reply.body)
    chat_id = found.get("chat_id") if isinstance(found, dict) else None
    return values.ours(chat_id) if isinstance(chat_id, str) else None


async def cleaned(asking: "Asking", channel: Channel, reply: NativeReply) -> Answer:
    """A reply of the gateway's as the tenant's own."""
    if not 200 <= reply.status < 300:
        return of_refusal(reply)
    if not reply.body:
        return Answer(reply.status)
    if not reply.content_type.startswith(JSON):
        is_file = reply.content_type.startswith(FILE_TYPES)
        return Answer(reply.status, reply.body, reply.content_type) if is_file else refused(502)
    value = _decoded(reply.body)
    if value is None:
        return refused(502)
    seal: Seal = await asking.sealer(channel) if b"http" in reply.body else _no_link
    hosts = (*asking.provider(channel).hosts(), channel.instance.upstream_account or "")
    shown = Cleaner(values.channel_id(channel.line.number), tuple(filter(None, hosts)), seal).clean(value)
    return Answer(reply.status, msgspec.json.encode(shown))


def of_refusal(reply: NativeReply) -> Answer:
    """What is told of a refusal: its status, in our words. That our own credential is refused is no matter of his."""
    status = reply.status if 400 <= reply.status < 600 else 502
    wait = reply.retry_after if reply.retry_after.isdecimal() else "5"
    headers = ((b"retry-after", wait.encode()),) if status in (429, 503) else ()
    return refused(504 if status == 500 else status, DETAILS.get(status, ""), headers=headers)


class Cleaner:
    """Puts what is ours in place of what is the gateway's."""

    def __init__(self, channel_id: str, marks: tuple[str, ...], seal: Seal) -> None:
        self._channel_id = channel_id
        self._marks = marks
        self._seal = seal

    def clean(self, value: Any) -> Any:
        """The value, cleaned."""
        if isinstance(value, list):
            return [self.clean(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {key: self._member(key, each, value) for key, each in value.items() if key not in HIDDEN}

    def _member(self, key: str, value: Any, beside: dict[str, Any]) -> Any:
        if key == OURS:
            return self._channel_id
        if not isinstance(value, str):
            return self.clean(value)
        if key in FILE_LINKS and value.lower().startswith(("http://", "https://")):
            name = beside.get("filename") or beside.get("file_name")
            return self._seal(value, name if isinstance(name, str) else "")
        return "" if key not in OF_PEOPLE and any(mark in value for mark in self._marks) else value


def path_of(call: Call) -> str:
    """The path of a call with its parameters, each quoted."""
    path = call.route.path
    for name, value in call.params.given.items():
        path = path.replace(f"{{{name}}}", quote(_theirs(name, value), safe="@"))
    return path


def _theirs(name: str, value: str) -> str:
    """An id in any spelling that we take, as Whapi writes it."""
    if name in CHATS:
        return values.chat(values.ours(value))
    return values.person(values.ours(value)) if name == "ContactID" else value


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _no_link(_: str, __: str) -> str:
    return ""
