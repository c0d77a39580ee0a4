"""From what a caller asks to send to what the gateway is handed."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from msgspec import UNSET, UnsetType

from app.accounts.principal import Principal
from app.files import links, uploads
from app.gateway.catalogue import METHODS
from app.gateway.recipients import chat_of
from app.gateway.relay import Answered, Draft
from app.gateway.schemas import TYPES, LinkButton, MediaContent, MessageCreate
from app.instances import service as instances
from app.kit import ids
from app.kit.db import Database
from app.kit.errors import FieldError, InvalidRequest
from app.messages import service as messages
from app.providers import asks
from app.providers.likeness import describe
from app.providers.port import Credentials, Provider

FILES: Final = frozenset({"image", "video", "audio", "document"})
NAMES: Final = {"image": "image.jpg", "video": "video.mp4", "audio": "audio.ogg", "document": "document.bin"}


@dataclass(frozen=True)
class Place:
    """Who asks, for which instance."""

    database: Database
    principal: Principal
    instance_id: UUID
    public_url: str


async def draft(
    database: Database, principal: Principal, instance_id: UUID, data: MessageCreate, *, public_url: str
) -> Draft:
    """The message that a request asks to send; what it names of ours is looked up.

    Raises:
        InvalidRequest, InvalidPhoneNumber: with a pointer to the field.
        NotFound: the instance is none of the caller's, where something had to be looked up.
    """
    chat_id = chat_of(data.to)
    content = await _content(Place(database, principal, instance_id, public_url), data)
    return of(
        chat_id,
        content,
        typing_seconds=None if isinstance(data.typing_seconds, UnsetType) else data.typing_seconds,
        reply_to=ids.from_wire(ids.MESSAGE, data.reply_to) if data.reply_to else None,
        client_reference=data.client_reference or None,
    )


def of(
    chat_id: str,
    content: asks.Content,
    *,
    typing_seconds: float | None = None,
    reply_to: UUID | None = None,
    client_reference: str | None = None,
) -> Draft:
    """A message of ours, and how it is handed to a gateway."""
    kind, shown = describe(content)

    async def dispatch(provider: Provider, credentials: Credentials, quoted: str | None) -> Answered:
        return Answered(await provider.send(credentials, asks.Send(chat_id, content, quoted, typing_seconds)))

    method = METHODS[content.method.lower()]
    # What names a message by the gateway's id means nothing to another gateway.
    stands_alone = reply_to is None and not isinstance(content, asks.Forward)
    send = asks.Send(chat_id, content, None, typing_seconds) if stands_alone else None
    return Draft(chat_id, kind, shown, dispatch, reply_to, client_reference, paced_by=method, send=send)


async def _content(place: Place, data: MessageCreate) -> asks.Content:
    given = _given(data)
    if isinstance(given, MediaContent):
        return await _file(place, data.type, given)
    if data.type == "text":
        return asks.Text(given.body, _or(given.link_preview, None))
    if data.type == "location":
        return asks.Location(given.latitude, given.longitude, _or(given.name), _or(given.address))
    if data.type == "contact":
        names = (_or(given.first_name), _or(given.middle_name), _or(given.last_name), _or(given.company))
        if not any(names):
            raise _wrong("#/contact", "required", "One of the names is needed.")
        return asks.Contact(given.phone.removeprefix("+"), *names)
    if data.type == "poll":
        if len(set(given.options)) < len(given.options):
            raise _wrong("#/poll/options", "invalid_value", "The options must be different.")
        return asks.Poll(given.question, tuple(given.options), given.multiple)
    if data.type == "buttons":
        made = tuple(_button(button, place) for place, button in enumerate(given.buttons))
        return asks.Buttons(given.body, made, _or(given.header), _or(given.footer))
    if data.type == "reply_buttons":
        replies = tuple(asks.ReplyButton(button.id, button.text) for button in given.buttons)
        return asks.ReplyButtons(given.body, replies, _or(given.header), _or(given.footer))
    return await _forward(place, given.message_ids)


def _given(data: MessageCreate) -> Any:
    """The one field that says what is sent."""
    if data.type not in TYPES:
        text = f"One of {', '.join(TYPES)}."
        raise _wrong("#/type", "unsupported", text)
    name = "media" if data.type in FILES else data.type
    given = getattr(data, name)
    if isinstance(given, UnsetType):
        raise _wrong(f"#/{name}", "required", f"The field `{name}` is required for the type `{data.type}`.")
    for other in ("text", "media", "location", "contact", "poll", "buttons", "reply_buttons", "forward"):
        if other != name and getattr(data, other) is not UNSET:
            raise _wrong(f"#/{other}", "invalid_value", f"The type `{data.type}` has no field `{other}`.")
    return given


async def _file(place: Place, kind: str, given: MediaContent) -> asks.FileByUrl:
    url, upload_id = _or(given.url, None), _or(given.upload_id, None)
    if (url is None) == (upload_id is None):
        raise _wrong("#/media", "invalid_value", "Give either `url` or `upload_id`.")
    name = _or(given.filename)
    if upload_id is not None or (url is not None and links.is_ours(url, place.public_url)):
        async with place.database.begin(place.principal.tenant) as uow:
            await instances.find(uow, place.instance_id, place.principal)
            if upload_id is not None:
                stored = await uploads.find(uow, place.instance_id, ids.from_wire(ids.UPLOAD, upload_id))
                url, name = stored.link, name or stored.file_name
            elif url is not None:
                link = await links.open_url(uow, url, place.principal.tenant)
                url, name = link.url, name or link.name
    assert url is not None
    return asks.FileByUrl(url, name or NAMES[kind], _or(given.caption))


async def _forward(place: Place, message_ids: list[str]) -> asks.Forward:
    async with place.database.begin(place.principal.tenant) as uow:
        instance = await instances.find(uow, place.instance_id, place.principal)
        rows = [await messages.find(uow, instance, ids.from_wire(ids.MESSAGE, each)) for each in message_ids]
    chats = {row.chat_id for row in rows}
    upstream_ids = tuple(row.upstream_message_id for row in rows if row.upstream_message_id is not None)
    if len(chats) != 1 or len(upstream_ids) != len(rows):
        raise _wrong("#/forward/message_ids", "invalid_value", "They must be messages of one chat that were sent.")
    return asks.Forward(chats.pop(), upstream_ids)


def _button(button: LinkButton, place: int) -> asks.Button:
    given = [value for value in (button.code, button.phone, button.url) if value is not UNSET]
    if len(given) != 1:
        raise _wrong(f"#/buttons/buttons/{place}", "invalid_value", "Give exactly one of `code`, `phone` and `url`.")
    phone = _or(button.phone, None)
    return asks.Button(
        button.id,
        button.text,
        _or(button.code, None),
        phone.removeprefix("+") if phone else None,
        _or(button.url, None),
    )


def _or(value: Any, default: Any = "") -> Any:
    return default if isinstance(value, UnsetType) else value


def _wrong(pointer: str, code: str, text: str) -> InvalidRequest:
    return InvalidRequest(text, errors=(FieldError(pointer, code, text),))
