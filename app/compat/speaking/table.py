"""Every method that upstream serves: how it is asked in our words, and how the answer is told."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.compat.speaking import journals, people, statuses
from app.compat.speaking.fields import GROUPS, Fields, Invalid, Plain
from app.compat.speaking.sends import LONGEST_TEXT, TYPING, to_chat
from app.lines.words.values import STATES
from app.providers import answers, asks
from app.providers.errors import NotReady, Unsupported
from app.providers.port import AlreadyLinked, Credentials, Link, Provider, QrImage

Do = Callable[[Provider, Credentials], Awaitable[Any]]
DAY_MINUTES: Final = 1440
MOST_MINUTES: Final = 10 * 365 * DAY_MINUTES
LONGEST_NAME: Final = 256
LONGEST_GROUP: Final = 100
SECONDS: Final = (0, 86_400, 604_800, 7_776_000)
DELAY_MS: Final = (500, 600_000)
PERSON: Final = ("c.us", "lid")
QR_ERROR: Final = "instance is starting"
OF_QUEUE: Final = frozenset({"getMessagesCount", "showMessagesQueue", "clearMessagesQueue"})
"""Methods that we answer ourselves where nothing waits to be sent."""
EMPTY: Final = object()
"""A yes without a body."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A method: `ask` reads the request, or refuses it (`Invalid`, `Plain`); `tell` is the answer's JSON."""

    ask: Callable[[Fields], Do]
    tell: Callable[[Any], Any]


def _spoken(read: Callable[[Fields], asks.Ask[Any]], tell: Callable[[Any], Any]) -> Spoken:
    def ask(fields: Fields) -> Do:
        asked = read(fields)
        return lambda provider, credentials: provider.perform(credentials, asked)

    return Spoken(ask, tell)


def _rows(row: Callable[[Any], dict[str, Any]]) -> Callable[[list[Any]], list[dict[str, Any]]]:
    return lambda found: [row(each) for each in found]


def _yes(key: str) -> Callable[[Any], Any]:
    return lambda _: {key: True}


def _empty(_: Any) -> Any:
    return EMPTY


def _settings(fields: Fields) -> Do:
    """What the gateway has not is passed over, as GREEN-API passes over names that it does not know."""
    ask = asks.WriteSettings(
        send_delay_ms=fields.maybe_number("delaySendMessagesMilliseconds", least=DELAY_MS[0], most=DELAY_MS[1]),
        mark_incoming_read=fields.switch("markIncomingMessagesReaded"),
        mark_incoming_read_on_reply=fields.switch("markIncomingMessagesReadedOnReply"),
        keep_online=fields.switch("keepOnlineStatus"),
        typing_speed=fields.maybe_number("autoTyping", least=0, most=10),
        link_preview=fields.switch("linkPreview"),
        hidden_ids=fields.switch("enableLidMode"),
    )

    async def do(provider: Provider, credentials: Credentials) -> None:
        if ask == asks.WriteSettings() or await _is_set(provider, credentials, ask):
            return
        for name in ask.__struct_fields__:
            one = asks.WriteSettings(**{name: getattr(ask, name)})
            if one != asks.WriteSettings():
                await _is_set(provider, credentials, one)

    return do


async def _is_set(provider: Provider, credentials: Credentials, ask: asks.WriteSettings) -> bool:
    """Set it; False when the gateway has no such setting, and nothing was changed."""
    try:
        await provider.perform(credentials, ask)
    except Unsupported:
        return False
    return True


async def _link(provider: Provider, credentials: Credentials) -> Link:
    return await provider.link(credentials)


async def _qr(provider: Provider, credentials: Credentials) -> QrImage | AlreadyLinked | None:
    try:
        return await provider.qr(credentials)
    except NotReady:
        return None


def _qr_told(found: QrImage | AlreadyLinked | None) -> dict[str, str]:
    if found is None:
        return {"type": "error", "message": QR_ERROR}
    if isinstance(found, QrImage):
        return {"type": "qrCode", "message": found.png_base64}
    return {"type": "alreadyLogged", "message": "instance account already authorized"}


def _code(fields: Fields) -> Do:
    phone = str(fields.number("phoneNumber", least=1))
    return lambda provider, credentials: provider.phone_code(credentials, phone)


def _check(fields: Fields) -> asks.CheckNumber:
    if fields.has("phoneNumber") is fields.has("chatId"):
        raise Plain("XOR Validation failed")
    fresh = fields.flag("force") or False
    if fields.has("chatId"):
        chat_id = fields.chat(hosts=PERSON)
        _sound(chat_id)
        return asks.CheckNumber(chat_id=chat_id, fresh=fresh)
    phone = str(fields.number("phoneNumber"))
    _sound(f"{phone}@c.us")
    return asks.CheckNumber(phone=phone, fresh=fresh)


def _sound(chat_id: str) -> None:
    digits, _, host = chat_id.partition("@")
    if host == "c.us" and not (11 <= len(digits) <= 16 and digits.isdecimal()):
        raise Plain("Bad phone number")


def _disappearing(fields: Fields) -> asks.SetDisappearing:
    chat_id, seconds = fields.chat(), fields.number("ephemeralExpiration", default=0)
    if seconds not in SECONDS:
        raise Invalid(f"'ephemeralExpiration' must be one of [{', '.join(map(str, SECONDS))}]")
    return asks.SetDisappearing(chat_id, seconds)


def _disappearing_told(found: answers.Disappearing) -> dict[str, Any]:
    is_on = found.seconds > 0
    return {"chatId": found.chat_id, "disappearingMessagesInChat": is_on, "ephemeralExpiration": found.seconds}


def _typing(fields: Fields) -> asks.ShowTyping:
    chat_id = fields.chat()
    milliseconds = fields.number("typingTime", default=TYPING[0], least=TYPING[0], most=TYPING[1])
    kind = fields.given.get("typingType")
    if kind not in (None, "", "recording"):
        raise Invalid("'typingType' must be one of [recording]")
    return asks.ShowTyping(chat_id, milliseconds / 1000, kind == "recording")


def _read(fields: Fields) -> asks.MarkRead:
    chat_id, message_id = fields.chat(), fields.given.get("idMessage")
    if message_id is not None and not isinstance(message_id, str):
        raise Invalid("'idMessage' must be a string")
    return asks.MarkRead(chat_id, message_id or None)


def _edit(fields: Fields) -> asks.EditMessage:
    return asks.EditMessage(to_chat(fields), fields.text("idMessage"), fields.text("message", longest=LONGEST_TEXT))


def _delete(fields: Fields) -> asks.DeleteMessage:
    chat_id, message_id = to_chat(fields), fields.text("idMessage")
    return asks.DeleteMessage(chat_id, message_id, bool(fields.flag("onlySenderDelete")))


def _named(kind: type[asks.AddContact | asks.EditContact]) -> Callable[[Fields], asks.Ask[Any]]:
    def read(fields: Fields) -> asks.Ask[Any]:
        chat_id, first = fields.chat(hosts=PERSON), fields.text("firstName", longest=LONGEST_NAME)
        last = fields.maybe("lastName", longest=LONGEST_NAME)
        on_phone = fields.flag("saveInAddressbook")
        return kind(chat_id, first, last, on_phone is not False)

    return read


def _new_group(fields: Fields) -> asks.CreateGroup:
    name = fields.text("groupName", longest=LONGEST_GROUP)
    fields.items("chatIds", 1)
    return asks.CreateGroup(name, fields.people("chatIds"))


def _new_group_told(found: answers.CreatedGroup) -> dict[str, Any]:
    return {"created": True, "chatId": found.group_id, "groupInviteLink": found.invite_url or ""}


def _group(fields: Fields) -> str:
    return fields.chat("groupId", GROUPS)


def _member(kind: Callable[[str, str], asks.Ask[Any]]) -> Callable[[Fields], asks.Ask[Any]]:
    return lambda fields: kind(_group(fields), fields.chat("participantChatId", PERSON))


def _rules(fields: Fields) -> asks.SetGroupRules:
    edit = fields.flag("allowParticipantsEditGroupSettings")
    return asks.SetGroupRules(_group(fields), edit, fields.flag("allowParticipantsSendMessages"))


def _recent(*, incoming: bool) -> Callable[[Fields], asks.Ask[Any]]:
    return lambda fields: asks.RecentMessages(incoming, minutes(fields))


def _calls(*, incoming: bool) -> Callable[[Fields], asks.Ask[Any]]:
    return lambda fields: asks.RecentCalls(incoming, minutes(fields))


def minutes(fields: Fields) -> int:
    """How far to look back; nobody keeps more than some years."""
    return min(fields.number("minutes", default=DAY_MINUTES, least=1), MOST_MINUTES)


def _of_queue(ask: asks.Ask[Any], otherwise: Any) -> Callable[[Fields], Do]:
    """Asked of a gateway that has a queue; one without has none that waits."""

    async def do(provider: Provider, credentials: Credentials) -> Any:
        return await provider.perform(credentials, ask) if provider.traits.has_queue else otherwise

    return lambda _: do


SPOKEN: Final[Mapping[str, Spoken]] = {
    "getSettings": _spoken(lambda _: asks.ReadSettings(), people.settings),
    "setSettings": Spoken(_settings, _yes("saveSettings")),
    "getStateInstance": Spoken(lambda _: _link, lambda link: {"stateInstance": STATES.get(link, "starting")}),
    "getStatusInstance": Spoken(
        lambda _: _link, lambda link: {"statusInstance": "online" if link is Link.CONNECTED else "offline"}
    ),
    "getStateInstanceHistory": _spoken(
        lambda fields: asks.StateHistory(fields.number("count", default=100, least=1)), _rows(people.record)
    ),
    "getWaSettings": _spoken(lambda _: asks.ReadAccount(), people.account),
    "getDeviceInfo": _spoken(lambda _: asks.ReadDevice(), people.device),
    "reboot": Spoken(lambda _: lambda provider, credentials: provider.reboot(credentials), _yes("isReboot")),
    "logout": Spoken(lambda _: lambda provider, credentials: provider.logout(credentials), _yes("isLogout")),
    "qr": Spoken(lambda _: _qr, _qr_told),
    "getAuthorizationCode": Spoken(_code, lambda code: {"status": True, "code": code.value}),
    "downloadFile": _spoken(
        lambda fields: asks.FileOf(to_chat(fields), fields.text("idMessage")),
        lambda found: {"downloadUrl": found.file_link or ""},
    ),
    "getChatHistory": _spoken(
        lambda fields: asks.ChatHistory(to_chat(fields), fields.number("count", default=100, least=1)),
        _rows(journals.message),
    ),
    "getMessage": _spoken(lambda fields: asks.ReadMessage(to_chat(fields), fields.text("idMessage")), journals.message),
    "lastIncomingMessages": _spoken(_recent(incoming=True), _rows(journals.message)),
    "lastOutgoingMessages": _spoken(_recent(incoming=False), _rows(journals.message)),
    "lastIncomingCalls": _spoken(_calls(incoming=True), _rows(journals.call)),
    "lastOutgoingCalls": _spoken(_calls(incoming=False), _rows(journals.call)),
    "getMessagesCount": Spoken(
        _of_queue(asks.CountQueue(), answers.Count(count=0)), lambda found: {"count": found.count}
    ),
    "showMessagesQueue": Spoken(_of_queue(asks.ListQueue(), []), _rows(journals.queued)),
    "clearMessagesQueue": Spoken(_of_queue(asks.ClearQueue(), None), _yes("isCleared")),
    "createGroup": _spoken(_new_group, _new_group_told),
    "updateGroupName": _spoken(
        lambda fields: asks.RenameGroup(_group(fields), fields.text("groupName", longest=LONGEST_GROUP)),
        _yes("updateGroupName"),
    ),
    "getGroupData": _spoken(lambda fields: asks.ReadGroup(_group(fields)), people.group),
    "addGroupParticipant": _spoken(_member(asks.AddParticipant), _yes("addParticipant")),
    "removeGroupParticipant": _spoken(_member(asks.RemoveParticipant), _yes("removeParticipant")),
    "setGroupAdmin": _spoken(_member(asks.MakeAdmin), _yes("setGroupAdmin")),
    "removeAdmin": _spoken(_member(asks.DismissAdmin), _yes("removeAdmin")),
    "leaveGroup": _spoken(lambda fields: asks.LeaveGroup(_group(fields)), _yes("leaveGroup")),
    "updateGroupSettings": _spoken(_rules, lambda _: {"updateGroupSettings": True, "reason": ""}),
    "sendTextStatus": _spoken(statuses.text, statuses.posted),
    "sendVoiceStatus": _spoken(statuses.voice, statuses.posted),
    "sendMediaStatus": _spoken(statuses.media, statuses.posted),
    "deleteStatus": _spoken(lambda fields: asks.DeleteStatus(fields.text("idMessage")), _empty),
    "getStatusStatistic": _spoken(lambda fields: asks.StatusViews(fields.text("idMessage")), _rows(journals.view)),
    "getIncomingStatuses": _spoken(
        lambda fields: asks.ListStatuses(incoming=True, minutes=minutes(fields)), _rows(journals.status)
    ),
    "getOutgoingStatuses": _spoken(
        lambda fields: asks.ListStatuses(incoming=False, minutes=minutes(fields)), _rows(journals.status)
    ),
    "readChat": _spoken(_read, _yes("setRead")),
    "checkWhatsapp": _spoken(_check, people.number_check),
    "getAvatar": _spoken(
        lambda fields: asks.ReadAvatar(fields.text("chatId")),
        lambda found: {"urlAvatar": found.picture_link or "", "available": bool(found.picture_link)},
    ),
    "getContacts": _spoken(
        lambda fields: asks.ListContacts(fields.flag("group"), fields.maybe_number("count", least=1)),
        _rows(people.contact),
    ),
    "getContactInfo": _spoken(lambda fields: asks.ReadContact(fields.chat(hosts=PERSON)), people.contact_info),
    "getChats": _spoken(lambda fields: asks.ListChats(fields.maybe_number("count", least=1)), _rows(people.chat)),
    "editMessage": _spoken(_edit, lambda found: {"idMessage": found.message_id}),
    "deleteMessage": _spoken(_delete, _empty),
    "archiveChat": _spoken(lambda fields: asks.Archive(fields.chat()), _empty),
    "unarchiveChat": _spoken(lambda fields: asks.Unarchive(fields.chat()), _empty),
    "setDisappearingChat": _spoken(_disappearing, _disappearing_told),
    "sendTyping": _spoken(_typing, _empty),
    "addContact": _spoken(_named(asks.AddContact), _yes("addContact")),
    "editContact": _spoken(_named(asks.EditContact), _yes("editContact")),
    "deleteContact": _spoken(lambda fields: asks.DeleteContact(fields.chat(hosts=PERSON)), _yes("deleteContact")),
}
