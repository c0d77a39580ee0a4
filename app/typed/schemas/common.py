"""Parts that several resources share."""

from typing import Annotated, Any, TypeVar

import msgspec
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta, Struct

from app.gateway.schemas import RECIPIENT

V = TypeVar("V", bound=Struct)
S = TypeVar("S", bound=Struct)

Person = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="A phone number in E.164, or a person's chat id that ends in @c.us or @lid.",
        examples=["+79990001122"],
        extra_json_schema={"pattern": RECIPIENT},
    ),
]
MessageRef = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        pattern=r"^[0-9A-Za-z._-]+$(?!\n)",
        description="WhatsApp's id of a message, as the history tells it.",
        examples=["BAE5F00D00000001"],
    ),
]
ChatPath = Annotated[
    str,
    PathParameter(
        description="A phone number in E.164, or a chat id that ends in @c.us, @g.us or @lid.",
        schema_extra={"pattern": RECIPIENT, "examples": ["79990001122@c.us"]},
    ),
]
PersonPath = Annotated[
    str,
    PathParameter(
        description="A phone number in E.164, or a person's chat id that ends in @c.us or @lid.",
        schema_extra={"pattern": RECIPIENT, "examples": ["79990001122@c.us"]},
    ),
]
GroupPath = Annotated[
    str,
    PathParameter(
        description="A group's chat id, which ends in @g.us.",
        schema_extra={"pattern": r"^[0-9]{5,25}(-[0-9]{5,20})?@g\.us$", "examples": ["120363043968066561@g.us"]},
    ),
]
MessagePath = Annotated[
    str,
    PathParameter(
        description="WhatsApp's id of a message or status.",
        schema_extra={"pattern": "^[0-9A-Za-z._-]{1,128}$", "examples": ["BAE5F00D00000001"]},
    ),
]
DirectionFilter = Annotated[
    str,
    QueryParameter(
        name="direction", pattern="^(incoming|outgoing)$", description="Which way: `incoming` or `outgoing`."
    ),
]
Minutes = Annotated[
    int,
    QueryParameter(name="minutes", ge=1, le=43_200, description="How far back to look, in minutes; 30 days at most."),
]


def shown(view: type[V], answer: S, **changes: Any) -> V:
    """An answer of the gateway as a resource: the same fields, with its mark."""
    return view(**{**msgspec.structs.asdict(answer), **changes})
