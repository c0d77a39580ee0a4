"""Calls in Whapi's own words, files that are stored with it, and what native bodies would send.

A method is the path of a call, such as `/messages/text`; a query may follow it. Verdicts are by path: a change of a
message has the path of its forward, and only the latter tells a message.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode

from app.providers.errors import OutcomeUnknown, ProviderError
from app.providers.http.natives import answer_of, header_text, reply_of
from app.providers.http.wire import JSON, UNREADABLE, decode, is_page
from app.providers.port import Credentials, Drafted, Native, NativeReply, Sent, Upload
from app.providers.reading import list_in, text_in
from app.providers.whapi import verdicts
from app.providers.whapi.client import GATE, Client
from app.providers.whapi.contents import STORED, read_content
from app.providers.whapi.ids import ours

IN_QUERY: Final = frozenset({"token"})
UNKNOWN_TYPE: Final = "application/octet-stream"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
KINDS: Final = frozenset(
    {
        "text", "link_preview", "poll", "image", "video", "gif", "short", "audio", "voice", "document", "sticker",
        "location", "live_location", "contact", "contact_list", "interactive",
    }
)  # fmt: skip
_STORED: Final = re.compile(r"https?://[^/?#]+(?:/[^?#]*)?/media/([A-Za-z0-9._-]{1,200})" + STORED)


async def native(client: Client, credentials: Credentials, call: Native) -> NativeReply:
    """Any HTTP answer, as it is. A token in the query is left out: the account's goes into a header.

    Raises:
        Refused: the path is none.
        Unreachable, OutcomeUnknown: there was no answer.
    """
    path, query = _addressed(call.method, call.query)
    body = (lambda: call.body) if call.body or call.content_type else None
    return reply_of(
        await client.answer(credentials, call.verb, path, query=query, body=body, content_type=call.content_type)
    )


async def native_stream(
    client: Client, credentials: Credentials, method: str, file: Upload, headers: Mapping[str, str] = NO_HEADERS
) -> NativeReply:
    """Any HTTP answer to a body that is posted as it comes, such as a file for `/messages/media/image?to=…`.

    Raises:
        BrokenOff: the body ended early; the call was never complete.
        Refused: the path is none.
        Unreachable, OutcomeUnknown: there was no answer.
    """
    path, query = _addressed(method, "")
    clean = {name: header_text(value) for name, value in headers.items()}
    return reply_of(await client.stream(credentials, "POST", path, file, headers=clean, query=query))


def conclude(method: str, reply: NativeReply) -> ProviderError | None:
    """What a native reply means; None is success. A 401 is told as `NotLinked`, though the token may be wrong.

    Files, pictures and answers without a body are successes where no message is owed.
    """
    path, answer = _addressed(method, "")[0], answer_of(reply)
    is_plain = not reply.body or not reply.content_type.startswith(JSON)
    if 200 <= reply.status < 300 and is_plain and not verdicts.sends(path) and not is_page(answer):
        return None
    verdict = verdicts.of_gate(path, answer)
    return verdict if isinstance(verdict, ProviderError) else None


def sent_by(method: str, reply: NativeReply) -> Sent | ProviderError:
    """The id in a reply to a native send, or how it ended."""
    verdict = verdicts.of_gate(_addressed(method, "")[0], answer_of(reply))
    if isinstance(verdict, ProviderError):
        return verdict
    found = verdicts.message_id(verdict.value)
    return Sent(found) if found else OutcomeUnknown(UNREADABLE, status=reply.status)


def drafted(method: str, body: bytes) -> Drafted | None:
    """What a call with a JSON body would send; None when it sends nothing, edits, or cannot be understood.

    Stories and forms are not looked into. Source: sending pages of the gate reference (read 2026-11-21).
    """
    understood, fields = decode(body)
    if not understood or not isinstance(fields, dict) or text_in(fields, "edit"):
        return None
    chat_id = ours(text_in(fields, "to"))
    parts = [unquote(part) for part in _addressed(method, "")[0].split("/") if part]
    if not chat_id or len(parts) < 2 or parts[0] != "messages":
        return None
    quoted = text_in(fields, "quoted") or None
    kind = parts[2] if parts[1] == "media" and len(parts) == 3 else parts[1]
    if len(parts) == 2 and kind not in KINDS and not verdicts.sends(f"/messages/{kind}"):
        return Drafted(chat_id, "forward", {"message_ids": [kind]}, None)
    if kind not in KINDS:
        return None
    kind, content = read_content({"type": kind, kind: _as_told(kind, fields)})
    return Drafted(chat_id, kind, content, quoted) if content else None


async def upload(client: Client, credentials: Credentials, file: Upload) -> str:
    """Store a file for 30 days; where it is, to be given to a send. Nothing is kept in memory but the chunk on its way.

    Whapi tells an id, which is good for sends through this channel. The address that is told holds it; to fetch the
    file from there takes the channel's token. Source: uploadMedia page (read 2026-11-21).

    Raises:
        BrokenOff: the body ended early; nothing was stored.
        ProviderError: any other ending.
    """
    typed = Upload(file.chunks, file.size, file.content_type or UNKNOWN_TYPE, file.file_name)
    value = await client.streamed(credentials, "POST", "/media", typed)
    rows = list_in(value, "media")
    found = text_in(rows[0], "id") if rows else ""
    if not found:
        raise OutcomeUnknown(UNREADABLE)
    return f"{(credentials.base_url or GATE).rstrip('/')}/media/{found}{STORED}"


def stored_in(address: str) -> str | None:
    """The id of a file that `upload` has stored at this address; None for any other address."""
    found = _STORED.fullmatch(address)
    return None if found is None else found[1]


def _as_told(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a send as a message tells them."""
    if kind == "poll":
        return {**fields, "vote_limit": fields.get("count")}
    return fields


def _addressed(method: str, query: str) -> tuple[str, str]:
    path, _, more = method.partition("?")
    told = "&".join(part for part in (more, query) if part)
    pairs = parse_qsl(told, keep_blank_values=True)
    if any(name in IN_QUERY for name, _ in pairs):
        told = urlencode([pair for pair in pairs if pair[0] not in IN_QUERY])
    return f"/{path.lstrip('/')}", told
