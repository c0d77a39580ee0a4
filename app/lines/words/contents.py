"""A message's kind and content as `messageData`, which notifications have, and as the flat fields of journals."""

from collections.abc import Callable, Mapping
from typing import Any, Final

Said = Mapping[str, Any]
Data = dict[str, Any]

UNREADABLE: Final = "{{SWE003}}"
"""Stands for a text that cannot be told; for what we have no word for as well, so that nothing comes in silence."""
TOO_LARGE: Final = "{{SWE002}}"
NOT_FORWARDED: Final[Data] = {"isForwarded": False, "forwardingScore": 0}
FLAT_NAMES: Final = {"locationMessageData": "location", "contactMessageData": "contact"}
"""Objects that journals call by another name."""
BUTTON_DETAILS: Final = {"code": "copyCode", "phone": "phoneNumber", "url": "url"}


def data_of(kind: str, content: Said, *, link: str = "", by_api: bool = False, own: bool = False) -> Data:
    """The messageData of a message. `link` is where its file is; texts that a call sent have a shape of their own.

    `own`: it comes from the account's side, which names the press of a button otherwise.
    """
    quoted = content.get("quoted")
    if kind == "text" and isinstance(quoted, dict):
        return _quoting(_text(content, "text"), quoted)
    if kind == "text" and by_api:
        data = _extended(_text(content, "text"))
    elif kind in FILES:
        data = _file(kind, content, link)
    elif kind == "button_reply" and own:
        data = {**_button_reply(content), "typeMessage": "interactiveButtonsResponse"}
        data["interactiveButtonsResponse"] = data.pop("templateButtonReplyMessage")
    else:
        data = WRITERS.get(kind, _unreadable)(content)
    return {**data, "quotedMessage": _quoted(quoted)} if isinstance(quoted, dict) else data


def flat(data: Data) -> Data:
    """A messageData as a journal has it, without its typeMessage."""
    kind = data["typeMessage"]
    name, about = next((name, about) for name, about in data.items() if name not in ("typeMessage", "quotedMessage"))
    found: Data
    if name == "fileMessageData":
        found = dict(about)
    elif kind in ("textMessage", "editedMessage"):
        found = {"textMessage": about.get("textMessage", "")}
    elif kind in ("extendedTextMessage", "quotedMessage"):
        found = {"textMessage": about["text"], "extendedTextMessage": about}
    elif kind == "contactsArrayMessage":
        found = {"contacts": about["contacts"]}
    elif kind == "deletedMessage":
        found = {}
    else:
        found = {FLAT_NAMES.get(name, name): about}
    return {**found, "quotedMessage": data["quotedMessage"]} if "quotedMessage" in data else found


def reaction(emoji: str, message_id: str, participant: str) -> Data:
    """A reaction; an empty one takes an earlier one back."""
    quote = {"stanzaId": message_id, "participant": participant}
    return {"typeMessage": "reactionMessage", "extendedTextMessageData": {"text": emoji}, "quotedMessage": quote}


def edited(message_id: str, content: Said) -> Data:
    """The new words of a message; those of a file are its caption."""
    said = _text(content, "text") or _text(content, "caption")
    return {"typeMessage": "editedMessage", "editedMessageData": {"textMessage": said, "stanzaId": message_id}}


def deleted(message_id: str) -> Data:
    """A message was taken back."""
    return {"typeMessage": "deletedMessage", "deletedMessageData": {"stanzaId": message_id}}


def votes(message_id: str, question: str, found: list[Any], *, multiple: bool) -> Data:
    """Where a poll stands."""
    tally = [
        {"optionName": _text(vote, "option"), "optionVoters": list(vote.get("voters") or [])}
        for vote in found
        if isinstance(vote, dict)
    ]
    about = {"stanzaId": message_id, "name": question, "votes": tally, "multipleAnswers": multiple}
    return {"typeMessage": "pollUpdateMessage", "pollMessageData": about}


def _text(said: Any, name: str) -> str:
    value = said.get(name) if isinstance(said, Mapping) else None
    return value if isinstance(value, str) else ""


def _list(said: Said, name: str) -> list[Any]:
    value = said.get(name)
    return list(value) if isinstance(value, list | tuple) else []


def _quote(quoted: Data) -> Data:
    return {"stanzaId": _text(quoted, "message_id"), "participant": _text(quoted, "sender")}


def _quoted(quoted: Data) -> Data:
    """Which message is cited and whose, and what it said where that is told; its fields stand beside its kind."""
    said, kind = quoted.get("content"), _text(quoted, "kind")
    if not kind or not isinstance(said, dict):
        return _quote(quoted)
    data = data_of(kind, said)
    return {**_quote(quoted), "typeMessage": data["typeMessage"], **flat(data)}


def _quoting(text: str, quoted: Data) -> Data:
    about = {"text": text, **_quote(quoted)}
    return {"typeMessage": "quotedMessage", "extendedTextMessageData": about, "quotedMessage": _quoted(quoted)}


def _plain(text: str) -> Data:
    return {"typeMessage": "textMessage", "textMessageData": {"textMessage": text}}


def _extended(text: str) -> Data:
    about = {"text": text, "description": "", "title": "", "previewType": "None", "jpegThumbnail": ""}
    score = {"forwardingScore": 0, "isForwarded": False}
    return {"typeMessage": "extendedTextMessage", "extendedTextMessageData": {**about, **score}}


def _file(kind: str, content: Said, link: str) -> Data:
    about: Data = {
        "downloadUrl": TOO_LARGE if content.get("too_large") else link,
        "caption": _text(content, "caption"),
        "fileName": _text(content, "file_name"),
        "jpegThumbnail": "",
        "mimeType": _text(content, "mime_type"),
        **NOT_FORWARDED,
    }
    if kind == "sticker":
        about["isAnimated"] = content.get("animated") is True
    return {"typeMessage": FILES[kind], "fileMessageData": about}


def _location(content: Said) -> Data:
    about = {
        "nameLocation": _text(content, "name"),
        "address": _text(content, "address"),
        "latitude": content.get("latitude", 0),
        "longitude": content.get("longitude", 0),
        "jpegThumbnail": "",
        **NOT_FORWARDED,
    }
    return {"typeMessage": "locationMessage", "locationMessageData": about}


def _card(content: Any) -> Data:
    return {"displayName": _text(content, "name"), "vcard": _text(content, "vcard")}


def _contact(content: Said) -> Data:
    return {"typeMessage": "contactMessage", "contactMessageData": {**_card(content), **NOT_FORWARDED}}


def _contacts(content: Said) -> Data:
    cards = [_card(card) for card in _list(content, "contacts")]
    return {"typeMessage": "contactsArrayMessage", "messageData": {"contacts": cards, **NOT_FORWARDED}}


def _poll(content: Said) -> Data:
    options = [{"optionName": option} for option in _list(content, "options")]
    about = {"name": _text(content, "question"), "options": options, "multipleAnswers": content.get("multiple") is True}
    return {"typeMessage": "pollMessage", "pollMessageData": about}


def _votes(content: Said) -> Data:
    return votes(_text(content, "message_id"), _text(content, "question"), _list(content, "votes"), multiple=False)


def _reaction(content: Said) -> Data:
    return reaction(_text(content, "emoji"), _text(content, "message_id"), _text(content, "sender"))


def _edited(content: Said) -> Data:
    return edited(_text(content, "message_id"), content)


def _deleted(content: Said) -> Data:
    return deleted(_text(content, "message_id"))


def _invite(content: Said) -> Data:
    about = {
        "groupJid": _text(content, "group_id"),
        "inviteCode": _text(content, "invite_code"),
        "groupName": _text(content, "group_name"),
        "caption": _text(content, "caption"),
        "jpegThumbnail": "",
    }
    return {"typeMessage": "groupInviteMessage", "groupInviteMessageData": about}


def _buttons(content: Said) -> Data:
    shown = [_button(button) for button in _list(content, "buttons")]
    kind = "interactiveButtonsReply" if {"reply"} == {each["type"] for each in shown} else "interactiveButtons"
    about = {
        "titleText": _text(content, "title"),
        "contentText": _text(content, "text"),
        "footerText": _text(content, "footer"),
        "buttons": shown,
    }
    return {"typeMessage": kind, kind: about}


def _button(button: Any) -> Data:
    details = {theirs: _text(button, ours) for ours, theirs in BUTTON_DETAILS.items() if _text(button, ours)}
    return {
        "type": _text(button, "type") or "reply",
        "buttonId": _text(button, "id"),
        "buttonText": _text(button, "text"),
        **details,
    }


def _button_reply(content: Said) -> Data:
    about = {
        "stanzaId": _text(content, "message_id"),
        "selectedIndex": content.get("index", 0),
        "selectedId": _text(content, "button_id"),
        "selectedDisplayText": _text(content, "text"),
    }
    return {"typeMessage": "templateButtonsReplyMessage", "templateButtonReplyMessage": about}


def _menu(content: Said) -> Data:
    sections = [
        {
            "title": _text(section, "title"),
            "rows": [
                {name: _text(row, ours) for name, ours in (("rowId", "id"), ("title", "title"), ("description",) * 2)}
                for row in _list(section, "rows")
            ],
        }
        for section in _list(content, "sections")
    ]
    about = {
        "contentText": _text(content, "text"),
        "title": _text(content, "title"),
        "footer": _text(content, "footer"),
        "buttonText": _text(content, "button"),
        "sections": sections,
    }
    return {"typeMessage": "listMessage", "listMessage": about}


def _menu_reply(content: Said) -> Data:
    about = {
        "stanzaId": _text(content, "message_id"),
        "title": _text(content, "title"),
        "singleSelectReply": {"selectedRowId": _text(content, "row_id")},
    }
    return {"typeMessage": "listResponseMessage", "listResponseMessage": about}


def _unreadable(_: Said) -> Data:
    return _plain(UNREADABLE)


FILES: Final = {
    "image": "imageMessage",
    "video": "videoMessage",
    "audio": "audioMessage",
    "document": "documentMessage",
    "sticker": "stickerMessage",
}
WRITERS: Final[Mapping[str, Callable[[Said], Data]]] = {
    "text": lambda content: _plain(_text(content, "text")),
    "location": _location,
    "contact": _contact,
    "contacts": _contacts,
    "poll": _poll,
    "poll_vote": _votes,
    "reaction": _reaction,
    "edited": _edited,
    "deleted": _deleted,
    "group_invite": _invite,
    "buttons": _buttons,
    "button_reply": _button_reply,
    "list": _menu,
    "list_reply": _menu_reply,
}
