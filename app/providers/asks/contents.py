"""What a message may be."""

from typing import ClassVar

from msgspec import Struct


class Text(Struct, frozen=True, tag="text"):
    """A text of up to 20,000 characters; `link_preview` None is as the account's settings say."""

    method: ClassVar[str] = "sendMessage"

    text: str
    link_preview: bool | None = None


class FileByUrl(Struct, frozen=True, tag="file"):
    """A file that the gateway fetches; how it is shown follows from the extension of its name."""

    method: ClassVar[str] = "sendFileByUrl"

    url: str
    file_name: str
    caption: str = ""


class Location(Struct, frozen=True, tag="location"):
    """A place, in degrees."""

    method: ClassVar[str] = "sendLocation"

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class Contact(Struct, frozen=True, tag="contact"):
    """A card of somebody with a number (digits) and at least one of the names."""

    method: ClassVar[str] = "sendContact"

    phone: str
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    company: str = ""


class Poll(Struct, frozen=True, tag="poll"):
    """A question with 2 to 12 different options."""

    method: ClassVar[str] = "sendPoll"

    question: str
    options: tuple[str, ...]
    multiple: bool = False


class Button(Struct, frozen=True):
    """A button that copies `code`, calls `phone` (digits) or opens `url`, whichever is given."""

    id: str
    text: str
    code: str | None = None
    phone: str | None = None
    url: str | None = None


class ReplyButton(Struct, frozen=True):
    """A button whose press comes back as a message."""

    id: str
    text: str


class Buttons(Struct, frozen=True, tag="buttons"):
    """A text with up to three buttons."""

    method: ClassVar[str] = "sendInteractiveButtons"

    body: str
    buttons: tuple[Button, ...]
    header: str = ""
    footer: str = ""


class ReplyButtons(Struct, frozen=True, tag="reply_buttons"):
    """A text with up to three answers to choose from."""

    method: ClassVar[str] = "sendInteractiveButtonsReply"

    body: str
    buttons: tuple[ReplyButton, ...]
    header: str = ""
    footer: str = ""


class Forward(Struct, frozen=True, tag="forward"):
    """Messages of another chat."""

    method: ClassVar[str] = "forwardMessages"

    from_chat_id: str
    message_ids: tuple[str, ...]


Content = Text | FileByUrl | Location | Contact | Poll | Buttons | ReplyButtons | Forward
