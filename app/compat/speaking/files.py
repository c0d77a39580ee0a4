"""Methods that bring a file: stored with the gateway, sent, or made a picture."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.compat.speaking.fields import GROUPS, Fields, Invalid
from app.compat.speaking.sends import LONGEST_TEXT, to_chat, typing_seconds
from app.files.incoming import Incoming
from app.providers.asks import FileByUrl, Send, SetGroupPicture, SetProfilePicture
from app.providers.errors import OutcomeUnknown, Refused, Unreachable
from app.providers.port import Credentials, Provider, Sent, Upload

KNOWN: Final = ("chatId", "groupId", "fileName", "caption", "quotedMessageId", "typingTime", "typingType")
JPEG: Final = b"\xff\xd8\xff"
LONGEST_NAME: Final = 1024


def fields_of(body: Incoming) -> Fields:
    """The texts beside the file, as far as they are known, under the documented spelling of their names."""
    lower = {name.lower(): value for name, value in body.fields.items()}
    return Fields({name: lower[name.lower()] for name in KNOWN if name.lower() in lower})


def upload_of(body: Incoming) -> Upload:
    """The file alone."""
    return Upload(body.file(), body.file_size, body.media_type, body.file_name)


@dataclass
class Sending:
    """A file that is stored and then sent. `link` is the gateway's own, once it is stored."""

    body: Incoming
    link: str = field(default="", repr=False)

    def message(self, link: str) -> Send:
        """The message, of the fields that are known by now.

        Raises:
            Invalid: GREEN-API would refuse it.
        """
        fields = fields_of(self.body)
        chat_id = to_chat(fields)
        name = fields.maybe("fileName", longest=LONGEST_NAME) or self.body.file_name
        content = FileByUrl(link, name, fields.maybe("caption", longest=LONGEST_TEXT))
        return Send(chat_id, content, fields.maybe("quotedMessageId") or None, typing_seconds(fields))

    async def do(self, provider: Provider, credentials: Credentials) -> Sent:
        """Store it and send it; until it is stored nothing is surely sent."""
        try:
            self.link = await provider.upload(credentials, upload_of(self.body))
        except OutcomeUnknown as error:
            status = error.status
        else:
            return await provider.send(credentials, self._whole())
        raise Unreachable("the gateway did not say whether it has the file", status=status)

    def _whole(self) -> Send:
        """The message, now that fields behind the file are known too."""
        try:
            return self.message(self.link)
        except Invalid as error:
            details = error.details
        raise Refused(details, status=400)


async def picture_of(method: str, body: Incoming) -> SetProfilePicture | SetGroupPicture | None:
    """The ask that sets a picture; None for what is no JPEG.

    Raises:
        Invalid: GREEN-API would refuse it.
    """
    group_id = fields_of(body).chat("groupId", GROUPS) if method == "setGroupPicture" else ""
    pieces = body.file()
    first = b""
    while len(first) < len(JPEG) and (piece := await anext(pieces, b"")):
        first += piece
    if not first.startswith(JPEG):
        return None
    upload = Upload(_with(first, pieces), body.file_size, "image/jpeg", body.file_name)
    return SetGroupPicture(group_id, upload) if group_id else SetProfilePicture(upload)


def picture_told(method: str, link: str | None) -> Mapping[str, Any]:
    """The picture is set."""
    return {method: True, "urlAvatar": link, "reason": "" if method == "setGroupPicture" else None}


async def _with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
