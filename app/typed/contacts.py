"""Routes of contacts, avatars and number checks."""

from typing import Annotated, Any, Final

from litestar import Controller, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.providers import answers, asks
from app.typed.addresses import chat_at, person_at
from app.typed.asking import ASKING, Asking
from app.typed.schemas.common import ChatPath, PersonPath, shown
from app.typed.schemas.contacts import (
    AvatarView,
    ContactList,
    ContactNames,
    ContactProfile,
    ContactView,
    NumberCheckCreate,
    NumberCheckView,
)

READ, WRITE = [requires(Scope.CHATS_READ)], [requires(Scope.CHATS_WRITE)]
SHORTEST_NUMBER: Final = 11
Kind = Annotated[
    str | None, QueryParameter(name="kind", pattern="^(user|group)$", description="Only people or only groups.")
]
Count = Annotated[int, QueryParameter(name="limit", ge=1, le=10_000, description="How many at most.")]


class ContactController(Controller):
    """Whom the account knows."""

    path = "/v1/instances/{instance_id:str}/contacts"
    tags = ("Contacts",)
    dependencies = ASKING

    @get("/", operation_id="listContacts", summary="List contacts", guards=READ)
    async def list_contacts(
        self, asking: NamedDependency[Asking], kind: FromQuery[Kind] = None, limit: FromQuery[Count] = 1000
    ) -> ContactList:
        """People and groups that the account knows; for some minutes after pairing not all of them."""
        groups = None if kind is None else kind == "group"
        found = await asking.ask(asks.ListContacts(groups, limit))
        return ContactList([shown(ContactView, contact) for contact in found])

    @get("/{chat_id:str}", operation_id="getContact", summary="Get a contact", guards=READ)
    async def get_contact(self, asking: NamedDependency[Asking], chat_id: FromPath[PersonPath]) -> ContactProfile:
        """What is known about a person or a business."""
        return shown(ContactProfile, await asking.ask(asks.ReadContact(person_at(chat_id))))

    @put("/{chat_id:str}", operation_id="putContact", summary="Add a contact", status_code=204, guards=WRITE)
    async def put_contact(
        self, asking: NamedDependency[Asking], chat_id: FromPath[PersonPath], data: JSONBody[ContactNames]
    ) -> None:
        """Write a person into the address book, over what stood there."""
        await asking.ask(asks.AddContact(person_at(chat_id), data.first_name, data.last_name, data.on_phone))

    @patch("/{chat_id:str}", operation_id="renameContact", summary="Rename a contact", status_code=204, guards=WRITE)
    async def rename_contact(
        self, asking: NamedDependency[Asking], chat_id: FromPath[PersonPath], data: JSONBody[ContactNames]
    ) -> None:
        """Give a person of the address book another name."""
        await asking.ask(asks.EditContact(person_at(chat_id), data.first_name, data.last_name, data.on_phone))

    @delete("/{chat_id:str}", operation_id="deleteContact", summary="Delete a contact", guards=WRITE)
    async def delete_contact(self, asking: NamedDependency[Asking], chat_id: FromPath[PersonPath]) -> None:
        """Strike a person out of the address book; the chat stays."""
        await asking.ask(asks.DeleteContact(person_at(chat_id)))

    @get("/{chat_id:str}/avatar", operation_id="getContactAvatar", summary="Get an avatar", guards=READ)
    async def get_avatar(self, asking: NamedDependency[Asking], chat_id: FromPath[ChatPath]) -> AvatarView:
        """Where the picture of a person or a group is; null when there is none or it is hidden."""
        return shown(AvatarView, await asking.ask(asks.ReadAvatar(chat_at(chat_id))))


@post(
    "/v1/instances/{instance_id:str}/number_checks",
    operation_id="checkNumber",
    summary="Check a number",
    status_code=200,
    guards=READ,
    tags=["Contacts"],
    dependencies=ASKING,
)
async def check_number(asking: NamedDependency[Asking], data: JSONBody[NumberCheckCreate]) -> Response[NumberCheckView]:
    """Whether somebody has WhatsApp, and under which chat id. WhatsApp dislikes many checks in a row."""
    chat_id = person_at(data.to, "#/to")
    digits, _, host = chat_id.partition("@")
    by_number = host == "c.us" and len(digits) >= SHORTEST_NUMBER
    ask = asks.CheckNumber(
        phone=digits if by_number else None, chat_id=None if by_number else chat_id, fresh=data.fresh
    )
    return await asking.once(ask, _checked)


def _checked(found: answers.NumberCheck) -> Response[Any]:
    return Response(shown(NumberCheckView, found), status_code=200)
