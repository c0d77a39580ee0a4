"""The queue of messages to be sent, and what is put into it."""

from typing import ClassVar

from app.providers import answers
from app.providers.asks.base import Ask
from app.providers.asks.contents import Content
from app.providers.port import Sent


class Send(Ask[Sent], frozen=True):
    """A message to be sent; it cites a message of the same chat, after a while of seeming to type (1 to 20 s)."""

    chat_id: str
    content: Content
    quoted_message_id: str | None = None
    typing_seconds: float | None = None

    @property
    def method(self) -> str:  # type: ignore[override]
        return self.content.method


class ListQueue(Ask[list[answers.Queued]], frozen=True):
    """What waits to be sent, in its order."""

    method: ClassVar[str] = "showMessagesQueue"


class ClearQueue(Ask[None], frozen=True):
    """Drop what waits to be sent."""

    method: ClassVar[str] = "clearMessagesQueue"


class CountQueue(Ask[answers.Count], frozen=True):
    """How much waits to be sent."""

    method: ClassVar[str] = "getMessagesCount"
