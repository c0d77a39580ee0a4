"""Pure rules: a sending method's JSON body in our words, and our messages as such bodies.

The queue shows bodies of the same shape. Source: GREEN-API's pages of the sending methods (read 2026-11-21).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.providers.asks import (
    Button,
    Buttons,
    Contact,
    Content,
    FileByUrl,
    Forward,
    Location,
    Poll,
    ReplyButtons,
    Send,
    Text,
)
from app.providers.green_api import contents
from app.providers.http.wire import decode
from app.providers.likeness import file_kind
from app.providers.port import Drafted
from app.providers.reading import list_in, object_in, text_in, texts_in

Fields = dict[str, Any]


def drafted(method: str, body: bytes) -> Drafted | None:
    """What a call would send; None when its method sends nothing or the body cannot be understood."""
    understood, value = decode(body)
    return drafted_from(method, value) if understood else None


def drafted_from(method: str, value: Any) -> Drafted | None:
    """As `drafted`, of a body that is decoded. Nothing in the content is an address of a file."""
    found = READERS.get(method.lower())
    if found is None or not isinstance(value, dict):
        return None
    kind, read = found
    content = {name: told for name, told in read(value).items() if told is not None and told != ""}
    chat_id = text_in(value, "chatId")
    if not chat_id or not content:
        return None
    kind = file_kind(content.get("file_name", "")) if kind == "file" else kind
    return Drafted(chat_id, kind, content, text_in(value, "quotedMessageId") or None)


def body_of(send: Send) -> Fields:
    """The JSON body that sends a message."""
    quoted = {} if send.quoted_message_id is None else {"quotedMessageId": send.quoted_message_id}
    typing = {} if send.typing_seconds is None else {"typingTime": round(send.typing_seconds * 1000)}
    return {"chatId": send.chat_id, **_fields(send.content), **quoted, **typing}


def _fields(content: Content) -> Fields:
    match content:
        case Text():
            preview = {} if content.link_preview is None else {"linkPreview": content.link_preview}
            return {"message": content.text, **preview}
        case FileByUrl():
            return {"urlFile": content.url, "fileName": content.file_name, **_told(caption=content.caption)}
        case Location():
            place = {"latitude": content.latitude, "longitude": content.longitude}
            return {**place, **_told(nameLocation=content.name, address=content.address)}
        case Contact():
            return {"contact": _card(content)}
        case Poll():
            options = [{"optionName": option} for option in content.options]
            return {"message": content.question, "options": options, "multipleAnswers": content.multiple}
        case Buttons():
            return {**_frame(content), "buttons": [_button(button) for button in content.buttons]}
        case ReplyButtons():
            buttons = [{"buttonId": button.id, "buttonText": button.text} for button in content.buttons]
            return {**_frame(content), "buttons": buttons}
        case Forward():
            return {"chatIdFrom": content.from_chat_id, "messages": list(content.message_ids)}


def _card(contact: Contact) -> Fields:
    names = _told(firstName=contact.first_name, middleName=contact.middle_name, lastName=contact.last_name)
    phone = int(contact.phone) if contact.phone.isascii() and contact.phone.isdecimal() else contact.phone
    return {"phoneContact": phone, **names, **_told(company=contact.company)}


def _frame(content: Buttons | ReplyButtons) -> Fields:
    return {"body": content.body, **_told(header=content.header, footer=content.footer)}


def _button(button: Button) -> Fields:
    kind = "copy" if button.code is not None else "call" if button.phone is not None else "url"
    about = _told(copyCode=button.code, phoneNumber=button.phone, url=button.url)
    return {"type": kind, "buttonId": button.id, "buttonText": button.text, **about}


def _told(**fields: str | None) -> Fields:
    return {name: value for name, value in fields.items() if value}


def _text(body: Fields) -> Fields:
    return {"text": text_in(body, "message")}


def _link(body: Fields) -> Fields:
    return {"text": text_in(body, "urlLink")}


def _file(body: Fields) -> Fields:
    return {"file_name": text_in(body, "fileName"), "caption": text_in(body, "caption")}


def _location(body: Fields) -> Fields:
    return contents.place_of(body)


def _contact(body: Fields) -> Fields:
    card = object_in(body, "contact")
    names = [text_in(card, name) for name in ("firstName", "middleName", "lastName")]
    name = " ".join(each for each in names if each) or text_in(card, "company")
    return {"name": name, "phone": text_in(card, "phoneContact")}


def _poll(body: Fields) -> Fields:
    options = [text_in(option, "optionName") for option in list_in(body, "options")]
    return {
        "question": text_in(body, "message"),
        "options": options,
        "multiple": body.get("multipleAnswers") is True,
    }


def _buttons(body: Fields) -> Fields:
    return contents.buttons_of(body, text="body" if "body" in body else "message")


def _replies(body: Fields) -> Fields:
    found = _buttons(body)
    return {**found, "buttons": [{"type": "reply", **button} for button in found["buttons"]]}


def _template(body: Fields) -> Fields:
    return contents.buttons_of({**body, "buttons": list_in(body, "templateButtons")}, text="message")


def _list(body: Fields) -> Fields:
    return contents.menu_of(body, text="message")


def _forward(body: Fields) -> Fields:
    return {"from_chat_id": text_in(body, "chatIdFrom"), "message_ids": texts_in(body, "messages")}


READERS: Final[Mapping[str, tuple[str, Callable[[Fields], Fields]]]] = {
    "sendmessage": ("text", _text),
    "sendlink": ("text", _link),
    "sendfilebyurl": ("file", _file),
    "sendlocation": ("location", _location),
    "sendcontact": ("contact", _contact),
    "sendpoll": ("poll", _poll),
    "sendinteractivebuttons": ("buttons", _buttons),
    "sendinteractivebuttonsreply": ("buttons", _replies),
    "sendbuttons": ("buttons", _buttons),
    "sendtemplatebuttons": ("buttons", _template),
    "sendlistmessage": ("list", _list),
    "forwardmessages": ("forward", _forward),
}
