"""Pure rules: GREEN-API's messageData as a kind and a content of ours.

No content holds a link to upstream: of a file only its name, type and caption are told.
Source: GREEN-API notification pages by message type, and the official Postman collection (read 2026-11-21).
"""

from collections.abc import Callable
from typing import Any, Final

from app.providers.reading import list_in, number_in, object_in, text_in

Content = dict[str, Any]
UNREADABLE_MARKS: Final = frozenset({"{{SWE001}}", "{{SWE003}}"})
TOO_LARGE_MARK: Final = "{{SWE002}}"


def read_content(data: dict[str, Any]) -> tuple[str, Content]:
    """The canonical kind and content of a message; kind `other` when we have no word for it.

    `unreadable` is a message that the gateway itself could not receive or decrypt. A reply to a message carries
    `quoted` with that message's id. Fields that upstream left out are left out.
    """
    upstream_kind = text_in(data, "typeMessage")
    kind, read = READERS.get(upstream_kind, ("other", _nothing))
    content = {name: value for name, value in read(data).items() if value is not None and value != ""}
    if kind == "text":
        content.setdefault("text", "")
        if content["text"] in UNREADABLE_MARKS:
            return "unreadable", {}
    quoted = object_in(data, "quotedMessage")
    if kind != "reaction" and text_in(quoted, "stanzaId"):
        content["quoted"] = _named(quoted, message_id="stanzaId", sender="participant")
    return kind, content


def _named(source: Any, **names: str) -> Content:
    """Texts of an object under names of ours, without those that are missing."""
    return {ours: text_in(source, theirs) for ours, theirs in names.items() if text_in(source, theirs)}


def _text(data: Content) -> Content:
    # The echo of a text sent by API comes in either shape.
    plain = text_in(object_in(data, "textMessageData"), "textMessage")
    return {"text": plain or text_in(object_in(data, "extendedTextMessageData"), "text")}


def _file(data: Content) -> Content:
    file = object_in(data, "fileMessageData")
    content = _named(file, file_name="fileName", mime_type="mimeType", caption="caption")
    if text_in(file, "downloadUrl") == TOO_LARGE_MARK:
        content["too_large"] = True
    return content


def _sticker(data: Content) -> Content:
    return {**_file(data), "animated": object_in(data, "fileMessageData").get("isAnimated") is True}


def _location(data: Content) -> Content:
    return place_of(object_in(data, "locationMessageData"))


def place_of(place: Content) -> Content:
    """A place with its degrees, which upstream names alike wherever it tells one."""
    content = _named(place, name="nameLocation", address="address")
    for name in ("latitude", "longitude"):
        value = place.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            content[name] = value
    return content


def _contact(data: Content) -> Content:
    return _card(object_in(data, "contactMessageData"))


def _contacts(data: Content) -> Content:
    holder = object_in(data, "messageData") or object_in(data, "contactsArrayMessageData")
    return {"contacts": [_card(card) for card in list_in(holder, "contacts")]}


def _card(card: Any) -> Content:
    return _named(card, name="displayName", vcard="vcard")


def _poll(data: Content) -> Content:
    poll = object_in(data, "pollMessageData")
    options = [text_in(option, "optionName") for option in list_in(poll, "options")]
    return {"question": text_in(poll, "name"), "options": options, "multiple": poll.get("multipleAnswers") is True}


def _poll_vote(data: Content) -> Content:
    poll = object_in(data, "pollMessageData")
    votes = [
        {
            "option": text_in(vote, "optionName"),
            "voters": [voter for voter in list_in(vote, "optionVoters") if isinstance(voter, str)],
        }
        for vote in list_in(poll, "votes")
    ]
    return {**_named(poll, message_id="stanzaId", question="name"), "votes": votes}


def _reaction(data: Content) -> Content:
    quoted = object_in(data, "quotedMessage")
    emoji = text_in(object_in(data, "extendedTextMessageData"), "text")
    return {**_named(quoted, message_id="stanzaId", sender="participant"), "emoji": emoji, "removed": not emoji}


def _edited(data: Content) -> Content:
    return _named(object_in(data, "editedMessageData"), message_id="stanzaId", text="textMessage", caption="caption")


def _deleted(data: Content) -> Content:
    return _named(object_in(data, "deletedMessageData"), message_id="stanzaId")


def _group_invite(data: Content) -> Content:
    invite = object_in(data, "groupInviteMessageData")
    return _named(invite, group_id="groupJid", invite_code="inviteCode", group_name="groupName", caption="caption")


def _buttons(data: Content) -> Content:
    for name in ("interactiveButtons", "interactiveButtonsReply", "templateMessage", "buttonsMessage"):
        holder = object_in(data, name)
        if holder:
            break
    return buttons_of(holder, text="contentText" if "contentText" in holder else "body")


def buttons_of(holder: Content, *, text: str) -> Content:
    """A text with buttons; the docs name its parts in two ways, `text` is the name of the main one."""
    shown = {
        "title": text_in(holder, "titleText") or text_in(holder, "header"),
        "text": text_in(holder, text),
        "footer": text_in(holder, "footerText") or text_in(holder, "footer"),
    }
    return {**shown, "buttons": [_button(button) for button in list_in(holder, "buttons")]}


def _button(button: Any) -> Content:
    for name in ("urlButton", "callButton", "quickReplyButton"):
        inner = object_in(button, name)
        if inner:
            return _named(inner, id="id", text="displayText", url="url", phone="phoneNumber")
    return _named(
        button, type="type", id="buttonId", text="buttonText", code="copyCode", phone="phoneNumber", url="url"
    )


def _button_reply(data: Content) -> Content:
    for name in ("interactiveButtonsResponse", "templateButtonReplyMessage", "buttonsResponseMessage"):
        reply = object_in(data, name)
        if reply:
            break
    return {
        "message_id": text_in(reply, "stanzaId"),
        "button_id": text_in(reply, "selectedId") or text_in(reply, "selectedButtonId"),
        "text": text_in(reply, "selectedDisplayText") or text_in(reply, "selectedButtonText"),
        "index": number_in(reply, "selectedIndex"),
    }


def _list(data: Content) -> Content:
    return menu_of(object_in(data, "listMessage"), text="contentText")


def menu_of(menu: Content, *, text: str) -> Content:
    """A list to choose from; `text` is the name of its main part."""
    sections = [
        {
            **_named(section, title="title"),
            "rows": [
                _named(row, id="rowId", title="title", description="description") for row in list_in(section, "rows")
            ],
        }
        for section in list_in(menu, "sections")
    ]
    head = _named(menu, title="title", text=text, footer="footer", button="buttonText")
    return {**head, "sections": sections}


def _list_reply(data: Content) -> Content:
    reply = object_in(data, "listResponseMessage")
    row_id = text_in(reply, "singleSelectReply") or text_in(object_in(reply, "singleSelectReply"), "selectedRowId")
    return {**_named(reply, message_id="stanzaId", title="title"), "row_id": row_id}


def _nothing(_: Content) -> Content:
    return {}


READERS: Final[dict[str, tuple[str, Callable[[Content], Content]]]] = {
    "textMessage": ("text", _text),
    "extendedTextMessage": ("text", _text),
    "quotedMessage": ("text", _text),
    "imageMessage": ("image", _file),
    "videoMessage": ("video", _file),
    "audioMessage": ("audio", _file),
    "documentMessage": ("document", _file),
    "stickerMessage": ("sticker", _sticker),
    "locationMessage": ("location", _location),
    "contactMessage": ("contact", _contact),
    "contactsArrayMessage": ("contacts", _contacts),
    "pollMessage": ("poll", _poll),
    "pollUpdateMessage": ("poll_vote", _poll_vote),
    "reactionMessage": ("reaction", _reaction),
    "editedMessage": ("edited", _edited),
    "deletedMessage": ("deleted", _deleted),
    "groupInviteMessage": ("group_invite", _group_invite),
    "interactiveButtons": ("buttons", _buttons),
    "interactiveButtonsReply": ("buttons", _buttons),
    "templateMessage": ("buttons", _buttons),
    "buttonsMessage": ("buttons", _buttons),
    "interactiveButtonsResponse": ("button_reply", _button_reply),
    "templateButtonsReplyMessage": ("button_reply", _button_reply),
    "buttonsResponseMessage": ("button_reply", _button_reply),
    "listMessage": ("list", _list),
    "listResponseMessage": ("list_reply", _list_reply),
}
