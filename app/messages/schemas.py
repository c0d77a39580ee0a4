"""Messages on the wire, beyond the one in `view`."""

from typing import Annotated

from msgspec import Meta, Struct

from app.messages.view import MessageView


class MessagePage(Struct):
    """One page of messages, newest first."""

    object: Annotated[str, Meta(extra_json_schema={"const": "list"})]
    data: list[MessageView]
    has_more: bool
    next_cursor: str | None
