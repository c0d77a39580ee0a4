"""The shape of most typed sends, which one reading understands."""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from app.gateway.recipients import CHAT
from app.gateway.schemas import Recipient, TextContent
from app.kit.wire import Reference


class PlainText(Struct, forbid_unknown_fields=True):
    """A text to a chat and nothing else; whatever else a message may have, this is none."""

    to: Recipient
    type: Literal["text"]
    text: TextContent
    client_reference: Reference | UnsetType | None = None


_DECODER: Final = msgspec.json.Decoder(PlainText)


def read(body: bytes) -> PlainText | None:
    """The text in a body; None for what is another kind of message, or none."""
    try:
        found = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return found if found.text.link_preview is UNSET and CHAT.fullmatch(found.to) else None
