"""Contacts and number checks."""

from typing import Annotated

from msgspec import Meta, Struct

from app.kit.wire import LINE, TITLE
from app.providers import answers
from app.typed.schemas.common import Person

FirstName = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=TITLE, description="The first name.", examples=["Ann"])
]
LastName = Annotated[str, Meta(max_length=100, pattern=LINE, description="The last name.", examples=["Lee"])]


class ContactView(answers.Contact, frozen=True, kw_only=True):
    """A person or a group that the account knows."""

    object: Annotated[str, Meta(extra_json_schema={"const": "contact"})] = "contact"


class ContactList(Struct):
    """Contacts."""

    data: list[ContactView]
    object: Annotated[str, Meta(extra_json_schema={"const": "list"})] = "list"


class ContactProfile(answers.ContactInfo, frozen=True, kw_only=True):
    """What is known about one person or business."""

    object: Annotated[str, Meta(extra_json_schema={"const": "contact_profile"})] = "contact_profile"


class ContactNames(Struct, forbid_unknown_fields=True):
    """How a person stands in the address book."""

    first_name: FirstName
    last_name: LastName = ""
    on_phone: Annotated[bool, Meta(description="Write it into the address book of the phone, too.")] = True


class AvatarView(answers.Avatar, frozen=True, kw_only=True):
    """The picture of a person or a group."""

    object: Annotated[str, Meta(extra_json_schema={"const": "avatar"})] = "avatar"


class NumberCheckCreate(Struct, forbid_unknown_fields=True):
    """Whom to look for."""

    to: Person
    fresh: Annotated[bool, Meta(description="Ask WhatsApp again even if the answer is known.")] = False


class NumberCheckView(answers.NumberCheck, frozen=True, kw_only=True):
    """Whether somebody has WhatsApp."""

    object: Annotated[str, Meta(extra_json_schema={"const": "number_check"})] = "number_check"
