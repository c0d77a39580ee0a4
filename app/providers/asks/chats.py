"""Chats, their messages and calls."""

from typing import ClassVar

from app.providers import answers
from app.providers.asks.base import Ask


class ListChats(Ask[list[answers.Chat]], frozen=True):
    """Chats, newest activity first; refreshed once a minute."""

    method: ClassVar[str] = "getChats"

    count: int | None = None


class ChatHistory(Ask[list[answers.Message]], frozen=True):
    """The messages of a chat, newest first."""

    method: ClassVar[str] = "getChatHistory"

    chat_id: str
    count: int = 100


class ReadMessage(Ask[answers.Message], frozen=True):
    """One message of a chat."""

    method: ClassVar[str] = "getMessage"

    chat_id: str
    message_id: str


class MarkRead(Ask[None], frozen=True):
    """Mark a chat as read, or one message of it."""

    method: ClassVar[str] = "readChat"

    chat_id: str
    message_id: str | None = None


class Archive(Ask[None], frozen=True):
    """Put a chat into the archive."""

    method: ClassVar[str] = "archiveChat"

    chat_id: str


class Unarchive(Ask[None], frozen=True):
    """Take a chat out of the archive."""

    method: ClassVar[str] = "unarchiveChat"

    chat_id: str


class SetDisappearing(Ask[answers.Disappearing], frozen=True):
    """Let messages of a chat disappear after 86400, 604800 or 7776000 seconds; 0 keeps them."""

    method: ClassVar[str] = "setDisappearingChat"

    chat_id: str
    seconds: int


class ShowTyping(Ask[None], frozen=True):
    """Seem to type, or to record, for 1 to 20 seconds."""

    method: ClassVar[str] = "sendTyping"

    chat_id: str
    seconds: float = 1.0
    recording: bool = False


class EditMessage(Ask[answers.Edited], frozen=True):
    """Change an own text that is not older than 15 minutes."""

    method: ClassVar[str] = "editMessage"

    chat_id: str
    message_id: str
    text: str


class DeleteMessage(Ask[None], frozen=True):
    """Delete a message, for all or on the own side only."""

    method: ClassVar[str] = "deleteMessage"

    chat_id: str
    message_id: str
    only_for_sender: bool = False


class FileOf(Ask[answers.StoredFile], frozen=True):
    """A fresh link to the file of a message."""

    method: ClassVar[str] = "downloadFile"

    chat_id: str
    message_id: str


class RecentMessages(Ask[list[answers.Message]], frozen=True):
    """What came in, or went out, within so many minutes."""

    incoming: bool
    minutes: int = 1440

    @property
    def method(self) -> str:  # type: ignore[override]
        return "lastIncomingMessages" if self.incoming else "lastOutgoingMessages"


class RecentCalls(Ask[list[answers.Call]], frozen=True):
    """Calls that came in, or went out, within so many minutes."""

    incoming: bool
    minutes: int = 1440

    @property
    def method(self) -> str:  # type: ignore[override]
        return "lastIncomingCalls" if self.incoming else "lastOutgoingCalls"
