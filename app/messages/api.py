"""Routes to read messages."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.instances import service as instances
from app.kit import ids, respond
from app.kit.db import UnitOfWork
from app.kit.respond import IfNoneMatch, Limit, PageCursor
from app.messages import service
from app.messages.schemas import MessagePage
from app.messages.view import MessageView, view

ChatFilter = Annotated[
    str | None,
    QueryParameter(
        name="chat_id", max_length=64, pattern=r"^[0-9a-z@.-]+$", description="Only messages to or from this chat."
    ),
]
DirectionFilter = Annotated[
    str | None,
    QueryParameter(name="direction", pattern="^(inbound|outbound)$", description="Only `inbound` or `outbound`."),
]
StatusFilter = Annotated[
    list[str] | None,
    QueryParameter(name="status", max_items=10, description="Only messages in one of these statuses."),
]


class MessageController(Controller):
    """Reading."""

    path = "/v1/instances/{instance_id:str}/messages"
    tags = ("Messages",)

    @get(
        "/",
        operation_id="listMessages",
        summary="List messages",
        guards=[requires(Scope.MESSAGES_READ)],
    )
    async def list_messages(
        self,
        request: Request[Any, Any, Any],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        instance_id: FromPath[str],
        chat_id: ChatFilter = None,
        direction: DirectionFilter = None,
        status: StatusFilter = None,
        limit: Limit = respond.DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Response[MessagePage]:
        """An instance's messages, newest first. Contents are kept for 7 days."""
        instance = await instances.find(uow, ids.from_wire(ids.INSTANCE, instance_id), principal)
        rows, following = await service.listing(
            uow, instance, limit=limit, cursor=cursor, chat_id=chat_id, direction=direction, status=status
        )
        data = [view(row) for row in rows]
        return respond.page(request, MessagePage("list", data, following is not None, following), following)

    @get(
        "/{message_id:str}",
        operation_id="getMessage",
        summary="Get a message",
        guards=[requires(Scope.MESSAGES_READ)],
    )
    async def get_message(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        instance_id: FromPath[str],
        message_id: FromPath[str],
        if_none_match: IfNoneMatch = None,
    ) -> Response[MessageView]:
        """One message; poll it with its ETag to learn its status."""
        instance = await instances.find(uow, ids.from_wire(ids.INSTANCE, instance_id), principal)
        row = await service.find(uow, instance, ids.from_wire(ids.MESSAGE, message_id))
        return respond.single(view(row), row.version, if_none_match=if_none_match)
