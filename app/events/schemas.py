"""Events on the wire: the same envelope in the API and in webhooks."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from app.events.catalogue import EventType
from app.events.models import Event
from app.kit import clock, ids
from app.kit.wire import Cursor, Timestamp

EventName = Annotated[
    str, Meta(description="`GET /v1/event_types` lists the types; more are added.", examples=["message.received"])
]


class EventView(Struct, kw_only=True):
    """Something that happened; a webhook's body is this object."""

    id: Annotated[str, Meta(pattern=ids.pattern(ids.EVENT), examples=["evt_01m7zpzh3pekgt8zb1y8xg42jx"])]
    object: Literal["event"] = "event"
    type: EventName
    timestamp: Timestamp
    environment: Annotated[str, Meta(description="`test` or `live`.", examples=["test"])]
    org_id: Annotated[str, Meta(pattern=ids.pattern(ids.ORGANIZATION))]
    instance_id: Annotated[
        str | None, Meta(description="The instance concerned; null where the organization is.", examples=[None])
    ]
    sequence: Annotated[
        int, Meta(description="Counts from 1 without gaps, per instance (or for the organization's own events).")
    ]
    data: Annotated[
        dict[str, Any], Meta(description="What happened, by the type; see its example.", examples=[{"text": "Hello"}])
    ]


class EventPage(Struct, kw_only=True):
    """A page of events."""

    object: Literal["list"] = "list"
    data: list[EventView]
    has_more: bool
    next_cursor: Cursor | None = None


class EventTypeView(Struct, kw_only=True):
    """A type of event that an endpoint may subscribe to."""

    object: Literal["event_type"] = "event_type"
    name: EventName
    description: str
    example: Annotated[dict[str, Any], Meta(description="What `data` of such an event may look like.")]


class EventTypePage(Struct, kw_only=True):
    """All types of events, on one page."""

    object: Literal["list"] = "list"
    data: list[EventTypeView]
    has_more: bool = False
    next_cursor: Cursor | None = None


def view(event: Event) -> EventView:
    """The envelope of an event."""
    return EventView(
        id=ids.to_wire(ids.EVENT, event.id),
        type=event.type,
        timestamp=clock.to_wire(event.created_at),
        environment=event.environment,
        org_id=ids.to_wire(ids.ORGANIZATION, event.tenant_id),
        instance_id=None if event.instance_id is None else ids.to_wire(ids.INSTANCE, event.instance_id),
        sequence=event.sequence,
        data=event.data,
    )


def type_view(item: EventType) -> EventTypeView:
    """One entry of the catalogue."""
    return EventTypeView(name=item.name, description=item.description, example=item.example)
