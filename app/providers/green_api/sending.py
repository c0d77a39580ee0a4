"""Sending, storing files, and calls in GREEN-API's own words."""

from collections.abc import Mapping
from typing import Any, Final

from app.providers.asks import Send
from app.providers.errors import OutcomeUnknown, ProviderError
from app.providers.green_api import verdicts
from app.providers.green_api.client import Client
from app.providers.green_api.drafts import body_of
from app.providers.http.natives import answer_of, header_text, reply_of
from app.providers.http.wire import UNREADABLE, decode
from app.providers.port import Credentials, Native, NativeReply, Sent, Upload
from app.providers.reading import text_in, texts_in

FILE_NAME: Final = "GA-Filename"
ON_MEDIA: Final = frozenset({"sendfilebyupload", "uploadfile"})


async def send(client: Client, credentials: Credentials, message: Send) -> Sent:
    """Put a message into the account's queue, where it waits 24 hours for a linked phone.

    Whether the recipient has WhatsApp shows later, as a status; so does a link that leads to no file. Forwards of ids
    that nobody knows are taken and never delivered.
    Source: SendMessage, SendFileByUrl, ForwardMessages pages (read 2026-11-21).

    Raises:
        OutcomeUnknown: it may be sent; look with `waiting` and `sent_since` before the next try.
        TooLarge: the file is over 100 MB, or the message over 100 KB.
        ProviderError: any other ending.
    """
    value = await client.instance("POST", message.method, credentials, lambda: body_of(message))
    sent = _ids(value)
    if sent is None:
        raise OutcomeUnknown(UNREADABLE)
    return sent


async def upload(client: Client, credentials: Credentials, file: Upload) -> str:
    """Store a file of up to 100 MB for 15 days; the link to it. Nothing is kept in memory but the chunk on its way.

    Source: UploadFile page: raw bytes, the name in a header (read 2026-11-21).

    Raises:
        BrokenOff: the body ended early; nothing was stored.
        ProviderError: any other ending.
    """
    headers = {FILE_NAME: header_text(file.file_name)} if file.file_name else {}
    value = await client.streamed(credentials, "uploadFile", file, headers, media=True)
    return text_in(value, "urlFile")


async def native(client: Client, credentials: Credentials, call: Native) -> NativeReply:
    """Any HTTP answer, as it is.

    Raises:
        Unreachable, OutcomeUnknown: there was none.
    """
    body = (lambda: call.body) if call.body or call.content_type else None
    return reply_of(await client.answer(credentials, call.verb, call.method, body, call.content_type or "", call.query))


async def native_stream(
    client: Client, credentials: Credentials, method: str, file: Upload, headers: Mapping[str, str]
) -> NativeReply:
    """Any HTTP answer to a body that is passed on as it comes; the methods for files go to their host.

    Raises:
        BrokenOff: the body ended early; the call was never complete.
        Unreachable, OutcomeUnknown: there was no answer.
    """
    clean = {name: header_text(value) for name, value in headers.items()}
    return reply_of(await client.stream(credentials, method, file, clean, media=method.lower() in ON_MEDIA))


def conclude(method: str, reply: NativeReply) -> ProviderError | None:
    """What a native reply means; None is success."""
    verdict = verdicts.verdict(method, answer_of(reply))
    return verdict if isinstance(verdict, ProviderError) else None


def sent_by(method: str, reply: NativeReply) -> Sent | ProviderError:
    """The ids in a reply to a native send, or how it ended."""
    if reply.status == 200 and method.lower() in verdicts.IDS:
        _, value = decode(reply.body)
        if message_id := text_in(value, "idMessage"):
            return Sent(message_id)
    verdict = verdicts.verdict(method, answer_of(reply))
    if isinstance(verdict, ProviderError):
        return verdict
    return _ids(verdict.value) or OutcomeUnknown(UNREADABLE, status=reply.status)


def _ids(value: Any) -> Sent | None:
    message_id = text_in(value, "idMessage")
    if message_id:
        return Sent(message_id)
    first, *more = texts_in(value, "messages") or [""]
    return Sent(first, tuple(more)) if first else None
