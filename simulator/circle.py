"""The people around a phone under /_sim/instances/{id}: who is known, which groups there are, what they post."""

import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from simulator import groups, people, pictures, stories
from simulator.control import refused, told
from simulator.instance import Instance
from simulator.people import Contact
from simulator.phone import Act, NotNow, door
from simulator.stories import Story, View
from simulator.world import World

ChatId = Annotated[str, Meta(pattern=r"^[0-9-]+@(c\.us|g\.us|lid)$")]
PersonId = Annotated[str, Meta(pattern=r"^[0-9]+@(c\.us|lid)$")]
GroupId = Annotated[str, Meta(pattern=r"^[0-9-]+@g\.us$")]
Read = TypeVar("Read", bound=Struct)


class ContactBody(Struct, forbid_unknown_fields=True):
    """What is to be known of a person; what is left out stays as it was. `avatar` true invents a picture."""

    chat_id: PersonId
    name: str | None = None
    contact_name: str | None = None
    avatar: str | bool | None = None
    lid: Annotated[str, Meta(pattern=r"^([0-9]+@lid)?$")] | None = None
    email: str | None = None
    category: str | None = None
    description: str | None = None
    products: list[dict[str, Any]] | None = None
    last_seen: str | None = None
    is_business: bool | None = None
    refuses_groups: bool | None = None


class ChatBody(Struct, forbid_unknown_fields=True):
    """A chat the phone has, with or without messages; what is left out stays as it was."""

    chat_id: ChatId
    archived: bool | None = None
    ephemeral_expiration: Literal[0, 86400, 604800, 7776000] | None = None
    mute_expiration: int | None = None


class GroupBody(Struct, forbid_unknown_fields=True):
    """A group that somebody made; replaces one with the same id. `account` is what we are in it."""

    subject: str
    group_id: GroupId | None = None
    owner: PersonId | None = None
    members: list[PersonId] = []
    admins: list[PersonId] = []
    account: Literal["admin", "member", "outside"] = "member"
    members_may_edit: bool = True
    members_may_send: bool = True


class MemberBody(Struct, forbid_unknown_fields=True):
    """Somebody of a group; without a chat id the account itself."""

    group_id: GroupId
    chat_id: PersonId | None = None
    admin: bool = False


class StatusBody(Struct, forbid_unknown_fields=True):
    """A story somebody posted; with a `download_url` (true invents a picture) it is a file, else a text."""

    chat_id: PersonId
    text: str = ""
    name: str = ""
    id_message: str | None = None
    background_color: str = "#000000"
    font: str = "SERIF"
    type_message: Literal["imageMessage", "videoMessage", "audioMessage"] = "imageMessage"
    download_url: str | bool = ""
    file_name: str = ""
    mime_type: str = ""
    caption: str = ""


class ViewBody(Struct, forbid_unknown_fields=True):
    """How far an own story came with somebody."""

    id_message: str
    chat_id: PersonId
    status: Literal["delivered", "read"] = "read"


def routes(world: World) -> list[web.RouteDef]:
    """One address per act, and one per truth."""
    acts = [web.post(f"/_sim/instances/{{id}}/{name}", door(world, name, act)) for name, act in ACTS.items()]
    truths = [web.get(f"/_sim/instances/{{id}}/{name}", _window(world, tell)) for name, tell in TRUTHS.items()]
    return [*acts, *truths]


def contact(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody becomes known; in the address book if he has a contact name there."""
    wanted = _read(body, ContactBody)
    person = instance.contacts.setdefault(wanted.chat_id, Contact(wanted.chat_id))
    fields = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    if isinstance(wanted.avatar, bool):
        fields["avatar"] = pictures.invent(world, instance.id_instance) if wanted.avatar else ""
    for name, value in fields.items():
        setattr(person, name, value)
    return {"avatar": person.avatar}


def forget_contact(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """Nothing is known of somebody any more."""
    if instance.contacts.pop(_read(body, ContactBody).chat_id, None) is None:
        raise NotNow("no such contact")
    return {}


def chat(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """The owner does something to a chat on the phone itself."""
    wanted, now = _read(body, ChatBody), world.clock.now()
    marks = people.marks_of(instance, wanted.chat_id, now)
    if wanted.archived is not None:
        marks.archived = wanted.archived
    if wanted.ephemeral_expiration is not None:
        marks.ephemeral_expiration = wanted.ephemeral_expiration
        marks.ephemeral_at = now if wanted.ephemeral_expiration else 0.0
    if "mute_expiration" in body:
        marks.mute_expiration = wanted.mute_expiration
    return {}


def group(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody else has made a group."""
    wanted = _read(body, GroupBody)
    people_in = [*wanted.admins, *wanted.members]
    if not instance.wid:
        raise NotNow("the account has no number")
    owner = wanted.owner or next(iter(people_in), instance.wid)
    made = groups.found(instance, wanted.group_id or groups.new_id(), wanted.subject, owner, world.clock.now())
    made.members_may_edit, made.members_may_send = wanted.members_may_edit, wanted.members_may_send
    for chat_id in people_in:
        made.members.setdefault(chat_id, chat_id in wanted.admins)
    if wanted.account == "outside":
        made.dismiss(instance.wid)
    else:
        made.members[instance.wid] = wanted.account == "admin" or owner == instance.wid
    return {"group_id": made.group_id, "invite_link": made.invite_link}


def join_group(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody, or the account, comes into a group or gets another rank there."""
    found, chat_id, admin = _member(instance, body)
    found.members[chat_id] = admin
    return {}


def quit_group(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody, or the account, leaves a group or is put out of it."""
    found, chat_id, _ = _member(instance, body)
    if not found.has(chat_id):
        raise NotNow("no such member")
    found.dismiss(chat_id)
    return {}


def post_status(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """Somebody posts a story; the lists show it if he is in the address book and incomingWebhook is on."""
    wanted = _read(body, StatusBody)
    person = people.contact_of(instance, wanted.chat_id)
    address = wanted.download_url
    if isinstance(address, bool):
        address = pictures.invent(world, instance.id_instance) if address else ""
    if address:
        kind: str = wanted.type_message
        content: dict[str, Any] = {
            "downloadUrl": address,
            "caption": wanted.caption,
            "fileName": wanted.file_name,
            "jpegThumbnail": "",
            "mimeType": wanted.mime_type,
        }
    else:
        kind = "extendedTextMessage"
        look = {"text": wanted.text, "backgroundColor": wanted.background_color, "font": wanted.font}
        content = {"textMessage": wanted.text, "extendedTextMessage": look}
    id_message = wanted.id_message or "3A" + secrets.token_hex(9).upper()
    if id_message in instance.stories:
        raise NotNow("the id is taken")
    instance.stories[id_message] = Story(
        id_message=id_message,
        direction="incoming",
        type_message=kind,
        at=world.clock.now(),
        author=wanted.chat_id,
        content=content,
        author_name=wanted.name or person.name,
        author_contact=person.contact_name,
        journaled=instance.settings["incomingWebhook"] == "yes" and bool(person.contact_name),
    )
    return {"id_message": id_message}


def view_status(world: World, instance: Instance, body: dict[str, Any]) -> dict[str, Any]:
    """A story reaches somebody, or he looks at it."""
    wanted = _read(body, ViewBody)
    story = instance.stories.get(wanted.id_message)
    if story is None or story.direction != "outgoing" or story.deleted or story.status == "pending":
        raise NotNow("no such posted story")
    before = story.views.get(wanted.chat_id)
    if before is not None and stories.RANKS[before.status] >= stories.RANKS[wanted.status]:
        raise NotNow(f"the story is {before.status}")
    story.views[wanted.chat_id] = View(wanted.status, world.clock.now())
    return {}


def _window(
    world: World, tell: Callable[[Instance], dict[str, Any]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        digits = request.match_info["id"]
        instance = world.instances.get(int(digits)) if digits.isdecimal() and len(digits) < 19 else None
        return refused(404, "no such instance") if instance is None else told(tell(instance))

    return handle


def _member(instance: Instance, body: dict[str, Any]) -> tuple[groups.Group, str, bool]:
    wanted = _read(body, MemberBody)
    found = instance.groups.get(wanted.group_id)
    chat_id = wanted.chat_id or instance.wid
    if found is None or not chat_id:
        raise NotNow("no such group, or the account has no number")
    return found, chat_id, wanted.admin


def _read(body: dict[str, Any], shape: type[Read]) -> Read:
    try:
        return msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


ACTS: dict[str, Act] = {
    "contact": contact,
    "forget_contact": forget_contact,
    "chat": chat,
    "group": group,
    "join_group": join_group,
    "quit_group": quit_group,
    "post_status": post_status,
    "view_status": view_status,
}
TRUTHS: dict[str, Callable[[Instance], dict[str, Any]]] = {
    "people": people.shown,
    "groups": lambda instance: {"groups": [found.shown() for found in instance.groups.values()]},
    "statuses": lambda instance: {"statuses": [story.shown() for story in instance.stories.values()]},
}
