"""Routes of statuses (stories)."""

from typing import Any

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, UnsetType

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.gateway.catalogue import Retry
from app.kit.errors import FieldError, InvalidRequest
from app.providers import answers, asks
from app.providers.asks import Ask
from app.typed.addresses import message_at, people_at
from app.typed.asking import ASKING, Asking
from app.typed.media import media_of
from app.typed.once import once
from app.typed.schemas.common import DirectionFilter, MessagePath, Minutes, shown
from app.typed.schemas.statuses import StatusCreate, StatusList, StatusPosted, StatusStory, StatusViewList

READ, SEND = [requires(Scope.MESSAGES_READ)], [requires(Scope.MESSAGES_SEND)]


class StatusController(Controller):
    """What the account and its contacts show for a day."""

    path = "/v1/instances/{instance_id:str}/statuses"
    tags = ("Statuses",)
    dependencies = ASKING

    @post("/", operation_id="postStatus", summary="Post a status", status_code=202, guards=SEND)
    async def post_status(
        self, asking: NamedDependency[Asking], data: JSONBody[StatusCreate]
    ) -> Response[StatusPosted]:
        """Show a text, a voice message, an image or a video to contacts.

        It waits in the queue of messages until it is published. Send an `Idempotency-Key`, so that a repeated request
        posts it once. Both sides must have each other among their contacts.
        """
        audience = people_at(data.audience, "#/audience")

        async def act() -> Response[Any]:
            posted = await asking.ask(await _wish(asking, data, audience))
            return Response(shown(StatusPosted, posted), status_code=202)

        _complete(data)
        return await once(asking.request, asking.database, asking.principal, Retry.AMBIGUOUS, act)

    @get("/", operation_id="listStatuses", summary="List statuses", guards=READ)
    async def list_statuses(
        self,
        asking: NamedDependency[Asking],
        direction: FromQuery[DirectionFilter] = "outgoing",
        minutes: FromQuery[Minutes] = 1440,
    ) -> StatusList:
        """Statuses of the account (`outgoing`) or of its contacts (`incoming`) within so many minutes."""
        found = await asking.ask(asks.ListStatuses(direction == "incoming", minutes))
        return StatusList([_story(status) for status in found])

    @get("/{status_id:str}/views", operation_id="listStatusViews", summary="List a status's views", guards=READ)
    async def list_views(self, asking: NamedDependency[Asking], status_id: FromPath[MessagePath]) -> StatusViewList:
        """Whom a status of the account has reached, and who has seen it."""
        return StatusViewList(await asking.ask(asks.StatusViews(message_at(status_id))))

    @delete("/{status_id:str}", operation_id="deleteStatus", summary="Delete a status", guards=SEND)
    async def delete_status(self, asking: NamedDependency[Asking], status_id: FromPath[MessagePath]) -> None:
        """Take a status of the account back."""
        await asking.ask(asks.DeleteStatus(message_at(status_id)))


def _complete(data: StatusCreate) -> None:
    """Refuse a status whose fields do not fit its type.

    Raises:
        InvalidRequest: with a pointer to the field.
    """
    wanted, other = ("text", "media") if data.type == "text" else ("media", "text")
    if getattr(data, wanted) is UNSET:
        raise _refused(f"The field `{wanted}` is required for the type `{data.type}`.", f"#/{wanted}", "required")
    if getattr(data, other) is not UNSET:
        raise _refused(f"The type `{data.type}` has no field `{other}`.", f"#/{other}")
    background = None if isinstance(data.background, UnsetType) else data.background
    if data.type == "media" and background is not None:
        raise _refused("An image or a video has no background.", "#/background")
    if background is not None and background.upper() == "#FFFFFF":
        raise _refused("The background cannot be white.", "#/background")
    if data.type == "voice" and not isinstance(data.media, UnsetType) and data.media.caption:
        raise _refused("A voice message has no caption.", "#/media/caption")


async def _wish(asking: Asking, data: StatusCreate, audience: tuple[str, ...]) -> Ask[answers.Posted]:
    background = None if isinstance(data.background, UnsetType) else data.background
    if not isinstance(data.text, UnsetType):
        font = None if isinstance(data.text.font, UnsetType) else data.text.font.upper()
        return asks.PostTextStatus(data.text.body, background, font, audience)
    assert not isinstance(data.media, UnsetType)
    url, name = await media_of(asking, data.media)
    if data.type == "voice":
        return asks.PostVoiceStatus(url, name, background, audience)
    caption = "" if isinstance(data.media.caption, UnsetType) else data.media.caption
    return asks.PostMediaStatus(url, name, caption, audience)


def _story(status: answers.Status) -> StatusStory:
    return shown(StatusStory, status, font=None if status.font is None else status.font.lower())


def _refused(detail: str, pointer: str, code: str = "invalid_value") -> InvalidRequest:
    return InvalidRequest(detail, errors=(FieldError(pointer, code, detail),))
