"""Sending methods: what a request asks to send, in our words."""

from collections.abc import Callable, Mapping
from typing import Final

from app.compat.speaking.fields import Fields, Invalid
from app.providers.asks import (
    Button,
    Buttons,
    Contact,
    Content,
    FileByUrl,
    Forward,
    Location,
    Poll,
    ReplyButton,
    ReplyButtons,
    Send,
    Text,
)

LONGEST_TEXT: Final = 20_000
LONGEST_QUESTION: Final = 255
LONGEST_OPTION: Final = 100
LONGEST_BUTTON: Final = 25
TYPING: Final = (1000, 20_000)
NAMES: Final = ("firstName", "middleName", "lastName", "company")
ANY_CHAT: Final = "phone@c.us, group@g.us or id@lid"
BUTTONS: Final = {"copy": "copyCode", "call": "phoneNumber", "url": "url"}


def send_of(method: str, fields: Fields) -> Send:
    """The message that a call asks to send.

    What our words have none for is checked and left: a preview of one's own, and that a recording is shown.

    Raises:
        Invalid: GREEN-API would refuse it.
    """
    chat_id = to_chat(fields)
    content = READERS[method](fields)
    typing = typing_seconds(fields)
    return Send(chat_id, content, fields.maybe("quotedMessageId") or None, typing)


def to_chat(fields: Fields, name: str = "chatId") -> str:
    """The chat to send to."""
    return fields.chat(name, form=ANY_CHAT)


def typing_seconds(fields: Fields) -> float | None:
    """How long to seem to type; None when it is not asked for."""
    if not fields.has("typingTime"):
        return None
    fields.choice("typingType", ("recording",))
    return fields.number("typingTime", least=TYPING[0], most=TYPING[1]) / 1000


def _text(fields: Fields) -> Content:
    text = fields.text("message", longest=LONGEST_TEXT)
    preview = fields.flag("linkPreview")
    fields.choice("typePreview", ("small", "large"))
    if "customPreview" in fields.given:
        about = fields.object("customPreview")
        about.text("title")
        for name in ("description", "link", "urlFile", "jpegThumbnail"):
            about.maybe(name, longest=LONGEST_TEXT * 100)
    return Text(text, preview)


def _link(fields: Fields) -> Content:
    return Text(fields.text("urlLink"))


def _poll(fields: Fields) -> Content:
    question = fields.text("message", longest=LONGEST_QUESTION)
    names: list[str] = []
    for place, option in enumerate(fields.objects("options", 2, 12)):
        name = option.text("optionName", longest=LONGEST_OPTION)
        if name in names:
            raise Invalid(f"'options[{place}]' contains a duplicate value")
        names.append(name)
    return Poll(question, tuple(names), bool(fields.flag("multipleAnswers")))


def _file(fields: Fields) -> Content:
    url = fields.address()
    name = fields.text("fileName", longest=1024)
    return FileByUrl(url, name, fields.maybe("caption", longest=LONGEST_TEXT))


def _location(fields: Fields) -> Content:
    latitude, longitude = fields.fraction("latitude"), fields.fraction("longitude")
    return Location(latitude, longitude, fields.maybe("nameLocation"), fields.maybe("address"))


def _contact(fields: Fields) -> Content:
    card = fields.object("contact")
    phone = card.number("phoneContact")
    if phone < 1:
        raise Invalid("'contact.phoneContact' must be a number")
    names = [card.maybe(name, longest=LONGEST_TEXT) for name in NAMES]
    if not any(names):
        raise Invalid(f"'contact' must contain at least one of [{', '.join(NAMES)}]")
    return Contact(str(phone), *names)


def _buttons(fields: Fields) -> Content:
    header, body, footer = _frame(fields)
    made = []
    for place, button in enumerate(fields.objects("buttons", 1, 3)):
        kind = button.text("type")
        if kind not in BUTTONS:
            raise Invalid(f"'buttons[{place}].type' must be one of [copy, call, url]")
        button_id, text = button.text("buttonId"), button.text("buttonText", longest=LONGEST_BUTTON)
        detail = button.text(BUTTONS[kind])
        made.append(
            Button(
                button_id,
                text,
                code=detail if kind == "copy" else None,
                phone=detail if kind == "call" else None,
                url=detail if kind == "url" else None,
            )
        )
    return Buttons(body, tuple(made), header, footer)


def _replies(fields: Fields) -> Content:
    header, body, footer = _frame(fields)
    shown = fields.objects("buttons", 1, 3)
    made = [ReplyButton(each.text("buttonId"), each.text("buttonText", longest=LONGEST_BUTTON)) for each in shown]
    return ReplyButtons(body, tuple(made), header, footer)


def _frame(fields: Fields) -> tuple[str, str, str]:
    header = fields.maybe("header", longest=LONGEST_TEXT)
    body = fields.text("body", longest=LONGEST_TEXT)
    return header, body, fields.maybe("footer", longest=LONGEST_TEXT)


def _forward(fields: Fields) -> Content:
    return Forward(to_chat(fields, "chatIdFrom"), fields.texts("messages", 1))


READERS: Final[Mapping[str, Callable[[Fields], Content]]] = {
    "sendMessage": _text,
    "sendLink": _link,
    "sendPoll": _poll,
    "sendFileByUrl": _file,
    "sendLocation": _location,
    "sendContact": _contact,
    "sendInteractiveButtons": _buttons,
    "sendInteractiveButtonsReply": _replies,
    "forwardMessages": _forward,
}
