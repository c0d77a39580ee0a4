"""People."""

from typing import ClassVar

from app.providers import answers
from app.providers.asks.base import Ask


class ListContacts(Ask[list[answers.Contact]], frozen=True):
    """People and groups, or only one of both."""

    method: ClassVar[str] = "getContacts"

    groups: bool | None = None
    count: int | None = None


class ReadContact(Ask[answers.ContactInfo], frozen=True):
    """What is known about a person."""

    method: ClassVar[str] = "getContactInfo"

    chat_id: str


class AddContact(Ask[None], frozen=True):
    """Put a person into the contacts."""

    method: ClassVar[str] = "addContact"

    chat_id: str
    first_name: str
    last_name: str = ""
    on_phone: bool = True


class EditContact(Ask[None], frozen=True):
    """Name a contact anew."""

    method: ClassVar[str] = "editContact"

    chat_id: str
    first_name: str
    last_name: str = ""
    on_phone: bool = True


class DeleteContact(Ask[None], frozen=True):
    """Take a person out of the contacts."""

    method: ClassVar[str] = "deleteContact"

    chat_id: str


class ReadAvatar(Ask[answers.Avatar], frozen=True):
    """The picture of a person or a group."""

    method: ClassVar[str] = "getAvatar"

    chat_id: str


class CheckNumber(Ask[answers.NumberCheck], frozen=True):
    """Whether somebody has WhatsApp: exactly one of `phone` (11 to 16 digits) and `chat_id`; `fresh` skips caches."""

    method: ClassVar[str] = "checkWhatsapp"

    phone: str | None = None
    chat_id: str | None = None
    fresh: bool = False
