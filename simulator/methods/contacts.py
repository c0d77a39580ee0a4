"""Contact methods: the address book, who has an account, avatars and the device.

Source: GREEN-API service and contacts pages, read 2026-11-21.
"""

from typing import Any

from simulator import people
from simulator.asked import flag_of, has_account, is_chat, optional_text, person_of
from simulator.instance import Instance
from simulator.people import ChatMarks, Contact
from simulator.wire import Call, Reply, answer, number_of, plain, text_of
from simulator.world import World

BAD_NUMBER = "Bad phone number"
XOR_FAILED = "XOR Validation failed"
DEVICE = {
    "platform": "android",
    "deviceManufacturer": "Acme",
    "deviceModel": "A1",
    "osVersion": "13",
    "waVersion": "2.25.1",
    "battery": 80,
}


def get_contacts(world: World, call: Call) -> Reply:
    """People and groups, as far as the phone's past has been seen."""
    instance = call.here
    wants_groups = flag_of(world, call, "group")
    count = number_of(world, call, "count", default=0, least=1)
    known = people.known_contacts(instance)
    percent = people.sync_progress(instance, world.clock.now(), world.config.history_sync_seconds)
    known = known[: len(known) * percent // people.FULL_SYNC]
    if wants_groups is not None:
        known = [chat_id for chat_id in known if (people.kind_of(chat_id) == "group") == wants_groups]
    return answer([_row(instance, chat_id) for chat_id in (known[:count] if count else known)])


def get_contact_info(world: World, call: Call) -> Reply:
    """All about a person; about a stranger nothing is known and nothing is wrong."""
    instance = call.here
    chat_id = person_of(world, call)
    person = people.contact_of(instance, chat_id)
    marks = instance.marks.get(chat_id, ChatMarks(since=0.0))
    return answer(
        {
            "avatar": person.avatar,
            "name": person.name,
            "contactName": person.contact_name,
            "email": person.email,
            "category": person.category,
            "description": person.description,
            "products": person.products,
            "chatId": chat_id,
            "lastSeen": person.last_seen,
            "isArchive": marks.archived,
            "isDisappearing": marks.ephemeral_expiration > 0,
            "isMute": marks.mute_expiration is not None,
            "messageExpiration": marks.ephemeral_expiration,
            "muteExpiration": marks.mute_expiration,
            "isBusiness": person.is_business,
        }
    )


def get_avatar(world: World, call: Call) -> Reply:
    """Where a picture is; an id that is none is refused inside HTTP 200."""
    chat_id = text_of(world, call, "chatId")
    instance = call.here
    if not is_chat(chat_id) or not has_account(world, instance, chat_id):
        return answer({"urlAvatar": "", "available": False, "reason": "bad request data"}, real="refused")
    group = instance.groups.get(chat_id)
    avatar = instance.avatar if chat_id == instance.wid else people.contact_of(instance, chat_id).avatar
    if group is not None:
        avatar = group.avatar
    return answer({"urlAvatar": avatar, "available": bool(avatar)})


def check_whatsapp(world: World, call: Call) -> Reply:
    """Whether a number has an account; told from memory the second time unless forced."""
    instance = call.here
    params = call.params
    if (params.get("phoneNumber") is None) == (params.get("chatId") is None):
        return plain(400, XOR_FAILED)
    force = flag_of(world, call, "force") or False
    if params.get("chatId") is not None:
        chat_id = person_of(world, call)
    else:
        chat_id = f"{number_of(world, call, 'phoneNumber')}@c.us"
    digits, _, host = chat_id.partition("@")
    if host == "c.us" and (not 11 <= len(digits) <= 16 or not digits.isdecimal()):
        return plain(400, BAD_NUMBER)
    cached = chat_id in instance.checked and not force
    if not cached:
        instance.checked[chat_id] = has_account(world, instance, chat_id)
    exists = instance.checked[chat_id]
    told: dict[str, Any] = {"existsWhatsapp": exists, "chatId": "", "fromCache": cached}
    if exists:
        told["chatId"] = _sendable(instance, chat_id)
    if host == "c.us":
        told["phoneNumber"] = int(digits)
    return answer(told)


def add_contact(world: World, call: Call) -> Reply:
    """Write somebody into the address book, over what stood there."""
    chat_id, name = _entry(world, call)
    if not has_account(world, call.here, chat_id):
        return _told("addContact", "the number has no account")
    call.here.contacts.setdefault(chat_id, Contact(chat_id)).contact_name = name
    return _told("addContact")


def edit_contact(world: World, call: Call) -> Reply:
    """Give somebody of the address book another name."""
    chat_id, name = _entry(world, call)
    person = call.here.contacts.get(chat_id)
    if person is None or not person.contact_name:
        return _told("editContact", "contact not found")
    person.contact_name = name
    return _told("editContact")


def delete_contact(world: World, call: Call) -> Reply:
    """Strike somebody out of the address book; the chat with him stays."""
    person = call.here.contacts.get(person_of(world, call))
    if person is None or not person.contact_name:
        return _told("deleteContact", "contact not found")
    person.contact_name = ""
    if person.chat_id not in call.here.chats:
        del call.here.contacts[person.chat_id]
    return _told("deleteContact")


def get_device_info(world: World, call: Call) -> Reply:
    """The phone, as far as an old method still tells."""
    return answer(DEVICE)


def _entry(world: World, call: Call) -> tuple[str, str]:
    chat_id = person_of(world, call)
    first = text_of(world, call, "firstName", longest=256)
    last = optional_text(world, call, "lastName", longest=256)
    flag_of(world, call, "saveInAddressbook")
    return chat_id, f"{first} {last}".strip()


def _sendable(instance: Instance, chat_id: str) -> str:
    """The id to send to: the hidden one where the instance works with those."""
    person = instance.contacts.get(chat_id)
    hides = instance.settings["enableLidMode"] == "yes"
    return person.lid if hides and person is not None and person.lid else chat_id


def _row(instance: Instance, chat_id: str) -> dict[str, Any]:
    if people.kind_of(chat_id) == "group":
        return {"id": chat_id, "name": people.name_of(instance, chat_id), "type": "group"}
    person = people.contact_of(instance, chat_id)
    row = {"id": chat_id, "name": person.name, "contactName": person.contact_name, "type": "user"}
    return {**row, "newChatId": person.lid} if person.lid else row


def _told(name: str, complaint: str = "") -> Reply:
    if complaint:
        return answer({name: False, "message": complaint}, real="refused")
    return answer({name: True})
