"""The account."""

from typing import ClassVar

from app.providers import answers
from app.providers.asks.base import Ask
from app.providers.port import Upload


class ReadSettings(Ask[answers.Settings], frozen=True):
    """How the account behaves."""

    method: ClassVar[str] = "getSettings"


class WriteSettings(Ask[None], frozen=True, kw_only=True):
    """Change how it behaves; None leaves a setting as it is. The account restarts, which takes up to five minutes."""

    method: ClassVar[str] = "setSettings"

    send_delay_ms: int | None = None
    mark_incoming_read: bool | None = None
    mark_incoming_read_on_reply: bool | None = None
    keep_online: bool | None = None
    typing_speed: int | None = None
    link_preview: bool | None = None
    hidden_ids: bool | None = None


class ReadAccount(Ask[answers.Account], frozen=True):
    """Who is linked."""

    method: ClassVar[str] = "getWaSettings"


class ReadDevice(Ask[answers.Device], frozen=True):
    """The phone behind it."""

    method: ClassVar[str] = "getDeviceInfo"


class StateHistory(Ask[list[answers.LinkRecord]], frozen=True):
    """When the link changed, newest first."""

    method: ClassVar[str] = "getStateInstanceHistory"

    count: int = 100


class SetProfilePicture(Ask[answers.Picture], frozen=True):
    """Set the account's own picture, a JPEG."""

    method: ClassVar[str] = "setProfilePicture"

    upload: Upload
