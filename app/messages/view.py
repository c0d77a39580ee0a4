"""A message as others see it: on the wire and in events, built by name so that no upstream host or token leaks."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from app.kit import ids
from app.kit.clock import to_wire
from app.kit.wire import Timestamp
from app.messages.models import Message

MessageId = Annotated[str, Meta(pattern=ids.pattern(ids.MESSAGE), examples=["msg_01m7zq0f5tf3m8a4h2c6k9w1ye"])]


class TextView(Struct):
    """The text of a message."""

    body: str


class MessageError(Struct):
    """Why a message was not sent or not delivered."""

    code: Annotated[str, Meta(examples=["recipient_not_on_whatsapp"])]
    detail: str | None = None


class MessageView(Struct):
    """A message to or from a chat. Contents are kept for 7 days; after that `text` and `content` are null."""

    id: MessageId
    instance_id: str
    direction: Annotated[str, Meta(description="outbound or inbound.", examples=["outbound"])]
    type: Annotated[str, Meta(description="text, image, document and others.", examples=["text"])]
    chat_id: Annotated[str, Meta(examples=["79990001122@c.us"])]
    sender: Annotated[str | None, Meta(description="Who wrote an inbound message.")]
    text: TextView | None
    content: Annotated[dict[str, Any] | None, Meta(description="What is known of a message of another type than text.")]
    status: Annotated[
        str,
        Meta(
            description="Outbound: held (waits for its instance, which is being moved), sending, queued, sent,"
            " delivered, read, failed, not_sent (surely never accepted) or"
            " unknown (being found out; do not send it again). Inbound: received.",
            examples=["queued"],
        ),
    ]
    error: MessageError | None
    reply_to: Annotated[str | None, Meta(description="The message that this one answers, if it is one of ours.")]
    upstream_message_id: Annotated[str | None, Meta(examples=["BAE5F4886F6F2D05"])]
    client_reference: str | None
    created_at: Timestamp
    updated_at: Timestamp
    object: Annotated[str, Meta(extra_json_schema={"const": "message"})] = "message"


def view(row: Message) -> MessageView:
    """A row as the API shows it."""
    body = row.content.get("text") if row.kind == "text" else None
    return MessageView(
        id=ids.to_wire(ids.MESSAGE, row.id),
        instance_id=ids.to_wire(ids.INSTANCE, row.instance_id),
        direction=row.direction,
        type=row.kind,
        chat_id=row.chat_id,
        sender=row.sender,
        text=TextView(body) if isinstance(body, str) else None,
        content=(row.content or None) if row.kind != "text" else None,
        status=row.status,
        error=None if row.error is None else msgspec.convert(row.error, MessageError),
        reply_to=row.content.get("reply_to"),
        upstream_message_id=row.upstream_message_id,
        client_reference=row.client_reference,
        created_at=to_wire(row.created_at),
        updated_at=to_wire(row.updated_at),
    )


def told(row: Message) -> dict[str, Any]:
    """A message as events tell it."""
    return {
        "message_id": ids.to_wire(ids.MESSAGE, row.id),
        "instance_id": ids.to_wire(ids.INSTANCE, row.instance_id),
        "chat_id": row.chat_id,
        "kind": row.kind,
        "text": row.content.get("text"),
        "content": row.content,
        "status": row.status,
        "upstream_message_id": row.upstream_message_id,
        "client_reference": row.client_reference,
        "created_at": to_wire(row.created_at),
        "updated_at": to_wire(row.updated_at),
    }
