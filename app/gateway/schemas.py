"""What a caller sends."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from app.gateway.recipients import CHAT
from app.kit.wire import PROSE, Reference
from app.messages.view import MessageId

Body = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=20_000,
        pattern=PROSE,
        description="1 to 20,000 characters; line feeds and tabs are the only control characters.",
        examples=["Your tulips are on their way"],
    ),
]


class TextContent(Struct, forbid_unknown_fields=True):
    """The text to send."""

    body: Body


class MessageCreate(Struct, forbid_unknown_fields=True):
    """A message to be sent. `text` is the one type that can be sent so far."""

    to: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=64,
            description="A phone number in E.164, or a chat id that ends in @c.us, @g.us or @lid.",
            examples=["+79990001122"],
            extra_json_schema={"pattern": rf"^(\+[1-9][0-9]{{6,14}}|{CHAT.pattern})$"},
        ),
    ]
    type: Annotated[
        str,
        Meta(
            min_length=1, max_length=40, description="`text`.", examples=["text"], extra_json_schema={"enum": ["text"]}
        ),
    ]
    text: TextContent | UnsetType = UNSET
    reply_to: MessageId | UnsetType | None = UNSET
    client_reference: Reference | UnsetType | None = UNSET
