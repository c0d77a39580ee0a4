"""Methods that take a file: the body goes on to the gateway as it comes, with a few pieces in memory."""

from typing import Final

import msgspec
from litestar.types import Receive

from app.compat import wording
from app.compat.answer import BAD_DATA, BAD_GATEWAY, TOO_FAST, Answer, plain
from app.compat.asking import Asking
from app.compat.parts import Call, Parts
from app.files import incoming, names
from app.files.incoming import BodyTooSlow, Incoming, NoFile, NoRoom
from app.gateway.catalogue import Takes
from app.kit.errors import AppError, BodyTooLarge, InvalidRequest, RateLimited
from app.providers.port import Drafted, NativeReply, Provider, Upload

NAME_HEADER: Final = "ga-filename"
NEEDED: Final = {"sendFileByUpload": ("chatId",), "setGroupPicture": ("groupId",)}
OTHERS: Final = ("fileName", "caption", "quotedMessageId")
LIKE: Final = "sendFileByUrl"
"""A file that is uploaded is sent as one that is fetched would be."""
TOO_LARGE: Final = plain(413, "Request Entity Too Large")
TOO_SLOW: Final = plain(408, "Request Timeout")


async def serve(parts: Parts, asking: Asking, call: Call, receive: Receive) -> Answer:
    """The answer to a call that brings a file."""
    told = call.headers.get(NAME_HEADER, "")
    try:
        async with incoming.taking(
            receive,
            call.headers,
            named=names.from_header(told),
            needed=NEEDED.get(call.method.name, ()),
            owner=call.known.tenant_id,
        ) as body:
            if call.method.takes is Takes.MULTIPART and not body.is_form:
                return wording.invalid(call.scene, "'file' is required")
            return await _passed(parts, asking, call, body, told)
    except AppError as error:
        return _refused(call, error)


async def _passed(parts: Parts, asking: Asking, call: Call, body: Incoming, told: str) -> Answer:
    instance = call.known.instance
    if asking.speaker.is_needed(call.known):
        return await _spoken(asking, call, body)
    upload = Upload(body.whole(), body.size, body.content_type or names.UNKNOWN_TYPE, body.file_name)
    drafted = None
    if call.method.sends:
        drafted = _drafted(parts.registry.get(instance.provider, instance.environment), body)
    headers = {"GA-Filename": _as_sent(told)} if told else {}

    async def ask() -> NativeReply:
        return await parts.gateway.native_stream(
            call.known.principal, instance.id, call.method, upload, drafted=drafted, headers=headers
        )

    answer = await asking.answer(call, ask, may_repeat=False)
    if body.failure is not None:
        raise body.failure
    return answer


async def _spoken(asking: Asking, call: Call, body: Incoming) -> Answer:
    """To a gateway of other words the file goes alone."""
    answer = await asking.answer(
        call, lambda: asking.speaker.ask_with_file(call.known, call.method, body, asking.face), may_repeat=False
    )
    if body.failure is not None:
        raise body.failure
    return answer


def _drafted(provider: Provider, body: Incoming) -> Drafted:
    """The message that the form would send; one that cannot be understood is counted all the same."""
    lower = {name.lower(): value for name, value in body.fields.items()}
    said = {name: lower[name.lower()] for name in ("chatId", *OTHERS) if lower.get(name.lower())}
    said.setdefault("fileName", body.file_name)
    drafted = provider.drafted(LIKE, msgspec.json.encode(said | {"urlFile": "https://file.invalid/upload"}))
    return drafted or Drafted(said.get("chatId", "unknown"), "unknown", {}, None)


def _refused(call: Call, error: AppError) -> Answer:
    if isinstance(error, BodyTooLarge):
        return TOO_LARGE
    if isinstance(error, RateLimited):
        return TOO_FAST
    if isinstance(error, BodyTooSlow):
        return TOO_SLOW
    if isinstance(error, NoFile):
        return wording.invalid(call.scene, "'file' is required")
    if isinstance(error, NoRoom):
        return BAD_GATEWAY
    if isinstance(error, InvalidRequest) or error.status < 500:
        return BAD_DATA
    raise error


def _as_sent(header: str) -> str:
    """A header's value so that its bytes leave as they came: the server reads them as Latin-1, clients write UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except (UnicodeEncodeError, UnicodeDecodeError):
        return names.from_header(header).encode("ascii", "replace").decode()
