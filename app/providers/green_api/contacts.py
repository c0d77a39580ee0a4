"""People: contacts, their pictures, and who has WhatsApp."""

from typing import Any

from app.providers import asks
from app.providers.answers import Avatar, Contact, ContactInfo, NumberCheck, Product
from app.providers.errors import OutcomeUnknown, Refused
from app.providers.green_api.client import Client
from app.providers.green_api.journal import link_in
from app.providers.http.wire import UNREADABLE
from app.providers.port import Credentials
from app.providers.reading import flag_in, list_in, number_in, object_in, rows_of, text_in, told_at


async def listed(client: Client, credentials: Credentials, ask: asks.ListContacts) -> list[Contact]:
    """People and groups, incomplete for minutes after pairing. Source: GetContacts page."""
    group = None if ask.groups is None else str(ask.groups).lower()
    rows = rows_of(await client.get(credentials, "getContacts", group=group, count=ask.count))
    return [
        Contact(
            chat_id=text_in(row, "id"),
            kind=text_in(row, "type") or "user",
            name=text_in(row, "name") or None,
            contact_name=text_in(row, "contactName") or None,
            hidden_id=text_in(row, "newChatId") or None,
        )
        for row in rows
        if text_in(row, "id")
    ]


async def info(client: Client, credentials: Credentials, ask: asks.ReadContact) -> ContactInfo:
    """One person or business. Source: GetContactInfo page; POST, as every client does."""
    value = await client.post(credentials, "getContactInfo", chatId=ask.chat_id)
    if not isinstance(value, dict):
        raise OutcomeUnknown(UNREADABLE)
    return ContactInfo(
        chat_id=text_in(value, "chatId") or ask.chat_id,
        name=text_in(value, "name") or None,
        contact_name=text_in(value, "contactName") or None,
        is_business=value.get("isBusiness") is True,
        email=text_in(value, "email") or None,
        category=text_in(value, "category") or None,
        description=text_in(value, "description") or None,
        products=[_product(product) for product in list_in(value, "products")],
        last_seen_at=told_at(value.get("lastSeen")),
        is_archived=value.get("isArchive") is True,
        is_muted=value.get("isMute") is True,
        muted_until=told_at(value.get("muteExpiration")),
        disappearing_seconds=max(0, number_in(value, "messageExpiration") or 0),
        picture_link=link_in(value, "avatar"),
    )


async def add(client: Client, credentials: Credentials, ask: asks.AddContact) -> None:
    """A no comes as `addContact: false` with a message. Source: AddContact page."""
    await _named(client, credentials, "addContact", ask)


async def edit(client: Client, credentials: Credentials, ask: asks.EditContact) -> None:
    """A no comes as `editContact: false` with a message. Source: EditContact page."""
    await _named(client, credentials, "editContact", ask)


async def delete(client: Client, credentials: Credentials, ask: asks.DeleteContact) -> None:
    """A no comes as `deleteContact: false` with a message. Source: DeleteContact page."""
    await client.post(credentials, "deleteContact", chatId=ask.chat_id)


async def avatar(client: Client, credentials: Credentials, ask: asks.ReadAvatar) -> Avatar:
    """No link: no picture, or a hidden one. Source: GetAvatar page.

    Raises:
        TryLater: WhatsApp took too long.
        ProviderError: any other ending.
    """
    value = await client.post(credentials, "getAvatar", chatId=ask.chat_id)
    if not isinstance(value, dict):
        raise OutcomeUnknown(UNREADABLE)
    return Avatar(chat_id=ask.chat_id, picture_link=link_in(value, "urlAvatar"))


async def check(client: Client, credentials: Credentials, ask: asks.CheckNumber) -> NumberCheck:
    """Whether somebody has WhatsApp; the answer names the id to write to. Source: CheckWhatsapp page.

    Raises:
        Refused: not exactly one of phone and chat is given, or the phone is not 11 to 16 digits.
        TryLater: WhatsApp took too long.
        ProviderError: any other ending.
    """
    phone = ask.phone
    if (phone is None) is (ask.chat_id is None):
        raise Refused("exactly one of phone and chat is needed")
    if phone is not None and not (phone.isascii() and phone.isdecimal() and len(phone) <= 18):
        raise Refused("the phone number is not digits")
    value = await client.post(
        credentials,
        "checkWhatsapp",
        phoneNumber=None if phone is None else int(phone),
        chatId=ask.chat_id,
        force=True if ask.fresh else None,
    )
    exists = flag_in(value, "existsWhatsapp")
    if exists is None:
        raise OutcomeUnknown(UNREADABLE)
    return NumberCheck(
        exists=exists,
        chat_id=text_in(value, "chatId") or None,
        phone=text_in(value, "phoneNumber") or phone,
        username=text_in(value, "username") or None,
        from_cache=flag_in(value, "fromCache"),
    )


async def _named(
    client: Client, credentials: Credentials, method: str, ask: asks.AddContact | asks.EditContact
) -> None:
    await client.post(
        credentials,
        method,
        chatId=ask.chat_id,
        firstName=ask.first_name,
        lastName=ask.last_name or None,
        saveInAddressbook=ask.on_phone,
    )


def _product(product: Any) -> Product:
    images = object_in(product, "imageUrls")
    return Product(
        id=text_in(product, "id"),
        name=text_in(product, "name") or None,
        description=text_in(product, "description") or None,
        price=text_in(product, "price") or None,
        availability=text_in(product, "availability") or None,
        is_hidden=object_in({"product": product}, "product").get("isHidden") is True,
        picture_link=link_in(images, "original") or link_in(images, "requested"),
    )
