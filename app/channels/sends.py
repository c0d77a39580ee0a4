"""Sending operations: what a call asks to send, in our words; an edit is a call of the same path."""

import re
from typing import Any, Final

from app.channels import files
from app.channels.answer import Answer, told
from app.channels.asking import Asking, spoken
from app.channels.fields import Fields
from app.channels.parts import Call, Serve
from app.files import names
from app.kit.errors import InvalidRequest
from app.lines.channel_words import messages as words
from app.providers.asks import (
    Button,
    Buttons,
    Contact,
    Content,
    EditMessage,
    FileByUrl,
    Forward,
    Location,
    Poll,
    ReplyButton,
    ReplyButtons,
    Send,
    Text,
)
from app.providers.errors import Refused, Unsupported
from app.providers.port import Credentials, Provider, Sent

LONGEST_TEXT: Final = 20_000
LONGEST_CAPTION: Final = 4096
LONGEST_QUESTION: Final = 255
LONGEST_OPTION: Final = 100
LONGEST_NAME: Final = 1024
TYPING: Final = (1.0, 20.0)
WAID: Final = re.compile(r"waid=([0-9]{5,31})")
PHONE: Final = re.compile(r"^TEL[^:\r\n]*:([+0-9 ().-]{5,40})", re.MULTILINE | re.IGNORECASE)
NAMED: Final = {
    name: re.compile(rf"^{name}[^:\r\n]*:([^\r\n]*)", re.MULTILINE | re.IGNORECASE) for name in ("FN", "N", "ORG")
}
CAPTIONED: Final = frozenset({"image", "video", "document"})
NOWHERE: Final = "https://file.invalid/upload"
TARGETS: Final = {"url": "url", "call": "phone_number", "copy": "copy_code"}


async def text(asking: Asking, call: Call) -> Answer:
    """A text, or new words for an own one that is named by `edit`."""
    fields = call.fields
    chat_id, body = fields.chat("to"), fields.text("body", longest=LONGEST_TEXT)
    if fields.maybe("edit"):
        edited = await asking.ask(call.channel, EditMessage(chat_id, fields.message_id("edit"), body))
        said = spoken(call.channel, edited.message_id or fields.message_id("edit"), chat_id, "text", {"text": body})
        return told(words.sent(said))
    no_preview = fields.flag("no_link_preview")
    content = Text(body, None if no_preview is None else not no_preview)
    return await asking.send(call.channel, Send(chat_id, content, fields.quoted(), typing_seconds(fields)))


def plain(read: Any) -> Serve:
    """A send whose content is in its fields alone."""

    async def serve(asking: Asking, call: Call) -> Answer:
        fields = call.fields
        chat_id, content = fields.chat("to"), read(fields)
        _refuse_edit(fields)
        shown = {"vcard": fields.text("vcard", longest=LONGEST_TEXT)} if isinstance(content, Contact) else None
        return await asking.send(call.channel, Send(chat_id, content, fields.quoted()), shown=shown)

    return serve


def file(kind: str) -> Serve:
    """A send of a file of one kind."""

    async def serve(asking: Asking, call: Call) -> Answer:
        return await send_file(asking, call, kind)

    return serve


async def media(asking: Asking, call: Call) -> Answer:
    """A send of the file that the body is; its fields are in the address."""
    kind = call.params.text("MediaMessageType")
    if kind not in files.NAMES:
        return await asking.natively(call)
    return await send_file(asking, call, kind)


async def send_file(asking: Asking, call: Call, kind: str) -> Answer:
    """Send a file; one that comes with the call is stored with the gateway first."""
    found = await files.needed(asking, call)
    called = found.named(kind, call.said.maybe("filename", longest=LONGEST_NAME))
    shown = {"mime_type": names.plain_type(found.media_type, called)}

    def message(link: str) -> Send:
        fields = call.said  # of a form more is known once its file has been read
        _refuse_edit(fields)
        name = found.named(kind, fields.maybe("filename", longest=LONGEST_NAME))
        caption = fields.maybe("caption", longest=LONGEST_CAPTION) if kind in CAPTIONED else ""
        return Send(fields.chat("to"), FileByUrl(link, name, caption), fields.quoted())

    if found.url:
        return await asking.send(call.channel, message(found.url), shown=shown)

    async def do(provider: Provider, credentials: Credentials) -> Sent:
        link = await files.stored(provider, credentials, found, found.named(kind))
        try:
            send = message(link)
        except InvalidRequest:
            send = None
        if send is None:
            raise Refused("a field behind the file cannot be read", status=400)
        return await provider.send(credentials, send)

    return await asking.send(call.channel, message(NOWHERE), shown=shown, do=do)


async def forward(asking: Asking, call: Call) -> Answer:
    """Pass a message on."""
    chat_id, message_id = call.fields.chat("to"), call.params.message_id("MessageID")
    from_chat = await asking.chat_of(call.channel, message_id)
    return await asking.send(call.channel, Send(chat_id, Forward(from_chat, (message_id,))))


async def interactive(asking: Asking, call: Call) -> Answer:
    """Buttons of one family; lists, products and mixtures only where the gateway has Whapi's words."""
    fields = call.said
    chat_id = fields.chat("to")
    try:
        content = buttons_of(fields)
    except Unsupported:
        return await asking.natively(call)
    if call.file is not None or fields.has("media"):
        return await asking.natively(call)
    return await asking.send(call.channel, Send(chat_id, content, fields.quoted()))


def location_of(fields: Fields) -> Content:
    """A place."""
    latitude = fields.needed_number("latitude", least=-90, most=90)
    longitude = fields.needed_number("longitude", least=-180, most=180)
    return Location(latitude, longitude, fields.maybe("name"), fields.maybe("address"))


def poll_of(fields: Fields) -> Content:
    """A question; `count` 1 allows one answer."""
    options = fields.texts("options", 2, 12)
    if len(set(options)) < len(options) or any(len(each) > LONGEST_OPTION for each in options):
        raise fields.wrong("options", f"must be different texts of at most {LONGEST_OPTION} characters")
    question = fields.text("title", longest=LONGEST_QUESTION)
    return Poll(question, options, multiple=fields.number("count", 0, most=1) == 0)


def contact_of(fields: Fields) -> Content:
    """A card; of a vCard the first number, the name and the company are passed on."""
    card, name = fields.text("vcard", longest=LONGEST_TEXT), fields.text("name", longest=LONGEST_NAME)
    found = WAID.search(card) or PHONE.search(card)
    digits = re.sub(r"\D", "", found[1]) if found is not None else ""
    if not digits:
        raise fields.wrong("vcard", "must have a TEL with a phone number")
    last, first, middle = (*_names(card), "", "", "")[:3]
    company = _unescaped(_line(card, "ORG").partition(";")[0])
    if not (first or last):
        first, middle, last = _unescaped(_line(card, "FN")) or name, "", ""
    return Contact(digits, first, middle, last, company)


def buttons_of(fields: Fields) -> Buttons | ReplyButtons:
    """Buttons of one family.

    Raises:
        Unsupported: we have no word for it. InvalidRequest: it cannot be read.
    """
    if fields.choice("type", ("button", "list", "product")) not in ("", "button"):
        raise Unsupported()
    header, footer = (fields.object(name).maybe("text") for name in ("header", "footer"))
    body = fields.object("body").text("text", longest=LONGEST_TEXT)
    shown = fields.object("action").objects("buttons", 1, 3)
    kinds = {each.maybe("type") or "quick_reply" for each in shown}
    if kinds == {"quick_reply"}:
        replies = tuple(ReplyButton(each.text("id"), each.text("title")) for each in shown)
        return ReplyButtons(body, replies, header, footer)
    if not kinds <= TARGETS.keys():
        raise Unsupported()
    return Buttons(body, tuple(_button(each) for each in shown), header, footer)


def typing_seconds(fields: Fields) -> float | None:
    """How long to seem to type: 1 to 20 seconds, whatever of up to 60 was asked for."""
    wanted = fields.number("typing_time", most=60)
    return min(max(wanted, TYPING[0]), TYPING[1]) if wanted else None


def _button(each: Fields) -> Button:
    kind = each.text("type")
    target = each.text(TARGETS[kind], longest=2000)
    return Button(
        each.maybe("id") or each.text("title"),
        each.text("title"),
        code=target if kind == "copy" else None,
        phone=target.lstrip("+") if kind == "call" else None,
        url=target if kind == "url" else None,
    )


def _refuse_edit(fields: Fields) -> None:
    if fields.maybe("edit"):
        raise InvalidRequest("Only texts can be edited.")


def _line(card: str, name: str) -> str:
    found = NAMED[name].search(card)
    return found[1].strip() if found is not None else ""


def _names(card: str) -> tuple[str, ...]:
    return tuple(_unescaped(part) for part in re.split(r"(?<!\\);", _line(card, "N")))


def _unescaped(told: str) -> str:
    return re.sub(r"\\([;,\\])", r"\1", told).strip()
