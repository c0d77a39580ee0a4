"""Reading what happened."""

from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromHeader, FromPath, FromQuery, QueryParameter
from msgspec import Meta

from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.events import schemas, service
from app.events.catalogue import CATALOGUE
from app.kit import ids, respond
from app.kit.db import UnitOfWork
from app.kit.errors import FieldError, InvalidParameter

Types = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-z_.]+$(?!\n)")]] | None,
    QueryParameter(name="type", max_items=50, description="Only these types; repeat for several."),
]
OfInstance = Annotated[
    str | None, QueryParameter(pattern=ids.pattern(ids.INSTANCE), description="Only events of this instance.")
]
FOREVER: Final = 1
After = Annotated[
    str | None,
    QueryParameter(
        pattern=ids.pattern(ids.EVENT),
        description="Oldest first, beginning after this event; continue with the id of the last one you got.",
    ),
]


class EventsController(Controller):
    """Events and their types."""

    path = "/v1"
    tags = ["Events"]  # noqa: RUF012  # Litestar reads it from the class

    @get("/events", operation_id="listEvents", summary="List events", guards=[requires(Scope.EVENTS_READ)])
    async def list_events(
        self,
        request: Request[Any, Any, Any],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        types: FromQuery[Types] = None,
        instance_id: FromQuery[OfInstance] = None,
        after: FromQuery[After] = None,
        cursor: FromQuery[respond.PageCursor] = None,
        limit: FromQuery[respond.Limit] = respond.DEFAULT_LIMIT,
    ) -> Response[schemas.EventPage]:
        """What happened in the last 30 days, newest first. What messages said is kept for 7 days.

        With `after`, oldest first from there on: the same stream that webhooks carry, in the order in which things
        were recorded, so that a reader who polls needs no public URL and misses nothing.
        """
        instance = None if instance_id is None else ids.from_wire(ids.INSTANCE, instance_id)
        if after is None:
            events, next_cursor = await service.newest(
                uow, principal, types=types or (), instance_id=instance, limit=limit, cursor=cursor
            )
            content = schemas.EventPage(
                data=[schemas.view(event) for event in events],
                has_more=next_cursor is not None,
                next_cursor=next_cursor,
            )
            return respond.page(request, content, next_cursor)
        if cursor is not None:
            text = "Use either `after` or `cursor`."
            raise InvalidParameter(text, errors=(FieldError("?after", "invalid_value", text),))
        events, more = await service.following(
            uow, principal, ids.from_wire(ids.EVENT, after), types=types or (), instance_id=instance, limit=limit
        )
        return Response(schemas.EventPage(data=[schemas.view(event) for event in events], has_more=more))

    @get(
        "/events/{event_id:str}", operation_id="getEvent", summary="Get an event", guards=[requires(Scope.EVENTS_READ)]
    )
    async def get_event(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        event_id: FromPath[str],
        if_none_match: FromHeader[respond.IfNoneMatch] = None,
    ) -> Response[schemas.EventView]:
        """One event, as webhooks carry it; it never changes."""
        event = await service.find(uow, principal, ids.from_wire(ids.EVENT, event_id))
        return respond.single(schemas.view(event), FOREVER, if_none_match=if_none_match)

    @get(
        "/event_types",
        operation_id="listEventTypes",
        summary="List event types",
        guards=[requires(Scope.EVENTS_READ)],
    )
    async def list_event_types(self) -> schemas.EventTypePage:
        """Every type that an endpoint may subscribe to, with an example of its data."""
        return schemas.EventTypePage(data=[schemas.type_view(item) for item in CATALOGUE])
