"""People: contacts, their pictures, and who has WhatsApp."""

from typing import Any, Final

from app.providers import asks
from app.providers.answers import Avatar, Contact, ContactInfo, NumberCheck, Product
from app.providers.errors import NoSuchThing, OutcomeUnknown, ProviderError, Refused, TryLater, Unsupported
from app.providers.http.wire import UNREADABLE
from app.providers.port import Credentials
from app.providers.reading import flag_in, link_in, list_in, object_of, text_in, texts_in
from app.providers.whapi.client import Client, path_of
from app.providers.whapi.ids import HIDDEN, contact, is_number, ours
from app.providers.whapi.shapes import do, listed

GROUP: Final = "@g.us"
PROFILE_NAMES: Final = ("push_name", "verified_name", "name")
CONFLICT: Final = 409
SHORTEST, LONGEST = 7, 16  # the reference has 7 to 15 digits, WhatsApp knows numbers of 16


async def contacts(client: Client, credentials: Credentials, ask: asks.ListContacts) -> list[Contact]:
    """People, then groups: two lists upstream. Source: getContacts and getGroups pages."""
    found: list[Contact] = []
    if ask.groups is not True:
        rows = await listed(client, credentials, "/contacts", "contacts", count=ask.count)
        found = [_person(row) for row in rows]
    left = None if ask.count is None else ask.count - len(found)
    if ask.groups is False or left == 0:
        return found
    rows = await listed(client, credentials, "/groups", "groups", count=left)
    return [*found, *(Contact(chat_id=text_in(row, "id"), kind="group", name=_name(row)) for row in rows)]


async def info(client: Client, credentials: Credentials, ask: asks.ReadContact) -> ContactInfo:
    """What the account knows of a person and what he shows; a business shows products, which cost a call more.

    Source: getContact, getContactProfile and getContactProducts pages.

    Raises:
        NoSuchThing: nobody of this number is on WhatsApp.
        ProviderError: any other ending.
    """
    path = path_of("contacts", contact(ask.chat_id))
    profile = object_of(await client.call(credentials, "GET", f"{path}/profile"))
    try:
        known = object_of(await client.call(credentials, "GET", path))
    except NoSuchThing:  # somebody may have WhatsApp and be unknown to the account
        known = {}
    is_business = known.get("is_business") is True
    return ContactInfo(
        chat_id=ask.chat_id,
        name=_first(text_in(known, "pushname"), *(text_in(profile, name) for name in PROFILE_NAMES)),
        contact_name=_saved(known),
        is_business=is_business,
        description=text_in(profile, "about") or text_in(known, "status") or None,
        products=await _products(client, credentials, contact(ask.chat_id)) if is_business else [],
        picture_link=_picture(profile) or _picture(known),
    )


async def add(client: Client, credentials: Credentials, ask: asks.AddContact) -> None:
    """Into the phone's address book; somebody who is there gets the new name. Source: addContact page of 2026.

    Raises:
        Unsupported: it is not to be on the phone.
        ProviderError: any other ending.
    """
    body = {"phone": contact(ask.chat_id), "name": _full_name(ask)}
    if await _is_new(client, credentials, body):
        return
    await do(client, credentials, "PATCH", path_of("contacts", contact(ask.chat_id)), body={"name": body["name"]})


async def edit(client: Client, credentials: Credentials, ask: asks.EditContact) -> None:
    """Source: editContact page of 2026.

    Raises:
        Unsupported: it is not to be on the phone.
        NoSuchThing: nobody of this number is known.
        ProviderError: any other ending.
    """
    await do(client, credentials, "PATCH", path_of("contacts", contact(ask.chat_id)), body={"name": _full_name(ask)})


async def delete(client: Client, credentials: Credentials, ask: asks.DeleteContact) -> None:
    """Source: deleteContact page of 2026."""
    await do(client, credentials, "DELETE", path_of("contacts", contact(ask.chat_id)))


async def avatar(client: Client, credentials: Credentials, ask: asks.ReadAvatar) -> Avatar:
    """No link: no picture, or a hidden one. Source: getContactProfile and getGroup pages."""
    is_group = ask.chat_id.endswith(GROUP)
    path = path_of("groups", ask.chat_id) if is_group else f"{path_of('contacts', contact(ask.chat_id))}/profile"
    return Avatar(chat_id=ask.chat_id, picture_link=_picture(object_of(await client.call(credentials, "GET", path))))


async def check(client: Client, credentials: Credentials, ask: asks.CheckNumber) -> NumberCheck:
    """Whether somebody has WhatsApp; the answer names the id to write to. Source: checkPhones page.

    Raises:
        Refused: not exactly one of phone and chat is given, or it is no number.
        TryLater: Whapi has not found out yet.
        ProviderError: any other ending.
    """
    if (ask.phone is None) is (ask.chat_id is None):
        raise Refused("exactly one of phone and chat is needed")
    number = contact(ask.phone or ask.chat_id or "")
    if not is_number(number) or not SHORTEST <= len(number) <= LONGEST:
        raise Refused("the phone number is not digits, or not as many as a number has")
    body = {"contacts": [number], "force_check": ask.fresh}
    rows = list_in(object_of(await client.call(credentials, "POST", "/contacts", body=body)), "contacts")
    if len(rows) != 1:
        raise OutcomeUnknown(UNREADABLE)
    status, found = text_in(rows[0], "status"), ours(text_in(rows[0], "wa_id"))
    if status not in ("valid", "invalid"):
        raise TryLater("the gateway has not found out yet")
    if status == "invalid":
        return NumberCheck(exists=False, phone=number)
    return NumberCheck(exists=True, chat_id=found or ours(number), phone=number)


async def _products(client: Client, credentials: Credentials, who: str) -> list[Product]:
    """The first page of a catalogue; nothing when it cannot be had."""
    try:
        value = await client.call(credentials, "GET", path_of("business", who, "products"))
    except ProviderError:
        return []
    return [_product(row) for row in list_in(value, "products") if text_in(row, "id")]


async def _is_new(client: Client, credentials: Credentials, body: dict[str, str]) -> bool:
    try:
        await do(client, credentials, "PUT", "/contacts", body=body)
    except Refused as refusal:
        if refusal.status != CONFLICT:
            raise
        return False
    return True


def _full_name(ask: asks.AddContact | asks.EditContact) -> str:
    if not ask.on_phone:
        raise Unsupported("the gateway saves contacts on the phone as well")
    return f"{ask.first_name} {ask.last_name}".strip()


def _person(row: Any) -> Contact:
    """Of a person with a hidden number the text of 2026 tells the number beside the id, when it is known."""
    chat_id, number = ours(text_in(row, "id")), contact(ours(text_in(row, "phone")))
    is_known = chat_id.endswith(HIDDEN) and is_number(number)
    return Contact(
        chat_id=ours(number) if is_known else chat_id,
        kind="user",
        name=text_in(row, "pushname") or None,
        contact_name=_saved(row),
        hidden_id=chat_id if is_known else None,
    )


def _saved(row: Any) -> str | None:
    """The name in the address book; of those who are not in it, Whapi tells another name in its place.

    Source: Contact schema, `saved` in 2025, `phonebook` in 2026.
    """
    is_saved = flag_in(row, "phonebook") if flag_in(row, "phonebook") is not None else flag_in(row, "saved")
    return None if is_saved is False else _name(row)


def _product(row: Any) -> Product:
    price = row.get("price")
    amount = str(price).removesuffix(".0") if isinstance(price, float) else text_in(row, "price")
    images = (each for each in texts_in(row, "images") if each.startswith(("http://", "https://")))
    return Product(
        id=text_in(row, "id"),
        name=text_in(row, "name") or None,
        description=text_in(row, "description") or None,
        price=f"{amount} {text_in(row, 'currency')}".strip() or None if amount else None,
        availability=text_in(row, "availability") or None,
        is_hidden=row.get("is_hidden") is True,
        picture_link=next(images, None),
    )


def _first(*texts: str) -> str | None:
    return next((text for text in texts if text), None)


def _name(row: Any) -> str | None:
    return text_in(row, "name") or None


def _picture(row: Any) -> str | None:
    names = ("icon_full", "icon", "profile_pic_full", "profile_pic", "chat_pic_full", "chat_pic")
    return next((link for name in names if (link := link_in(row, name))), None)
