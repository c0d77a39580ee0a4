"""Statuses (stories)."""

from typing import ClassVar

from app.providers import answers
from app.providers.asks.base import Ask


class PostTextStatus(Ask[answers.Posted], frozen=True):
    """A text of up to 500 characters on a colour (#RRGGBB, not white); an empty audience is everybody."""

    method: ClassVar[str] = "sendTextStatus"

    text: str
    background: str | None = None
    font: str | None = None
    audience: tuple[str, ...] = ()


class PostVoiceStatus(Ask[answers.Posted], frozen=True):
    """A sound of up to a minute that the gateway fetches."""

    method: ClassVar[str] = "sendVoiceStatus"

    url: str
    file_name: str
    background: str | None = None
    audience: tuple[str, ...] = ()


class PostMediaStatus(Ask[answers.Posted], frozen=True):
    """An image or a video that the gateway fetches."""

    method: ClassVar[str] = "sendMediaStatus"

    url: str
    file_name: str
    caption: str = ""
    audience: tuple[str, ...] = ()


class DeleteStatus(Ask[None], frozen=True):
    """Take back a status."""

    method: ClassVar[str] = "deleteStatus"

    message_id: str


class StatusViews(Ask[list[answers.StatusView]], frozen=True):
    """Whom a status has reached, and who has seen it."""

    method: ClassVar[str] = "getStatusStatistic"

    message_id: str


class ListStatuses(Ask[list[answers.Status]], frozen=True):
    """Statuses of contacts (incoming) or of the account, within so many minutes; kept for 30 days."""

    incoming: bool
    minutes: int = 1440

    @property
    def method(self) -> str:  # type: ignore[override]
        return "getIncomingStatuses" if self.incoming else "getOutgoingStatuses"
