"""Sending methods: they check, give an id and leave the rest to the queue."""

from typing import Any

from simulator import checks, kinds, outgoing
from simulator.asked import flag_of, optional_text
from simulator.instance import Message
from simulator.wire import Call, Reply, answer, invalid, plain, text_of
from simulator.world import World

LONGEST_TEXT = 20_000
LONGEST_QUESTION = 255
LONGEST_OPTION = 100
LONGEST_BUTTON = 25
NAMES = ("firstName", "middleName", "lastName", "company")
DETAILS = {"copy": "copyCode", "call": "phoneNumber", "url": "url"}


def send_message(world: World, call: Call) -> Reply:
    """Queue a text; the number is not looked at before it leaves the queue."""
    chat_id_of(world, call)
    text = text_of(world, call, "message", longest=LONGEST_TEXT)
    flag_of(world, call, "linkPreview")
    checks.one_of(world, call, "typePreview", ("small", "large"))
    preview = _preview(world, call) if "customPreview" in call.params else {}
    return accepted(world, call, text, kinds.extended(text, **preview))


def send_poll(world: World, call: Call) -> Reply:
    """Queue a poll of two to twelve different answers."""
    chat_id_of(world, call)
    question = text_of(world, call, "message", longest=LONGEST_QUESTION)
    found = checks.objects(world, call, "options", 2, 12)
    names: list[str] = []
    for place, option in enumerate(found):
        name = checks.text_in(world, call, option, f"options[{place}]", "optionName", LONGEST_OPTION)
        if name in names:
            raise invalid(world, call, f"'options[{place}]' contains a duplicate value")
        names.append(name)
    multiple = bool(flag_of(world, call, "multipleAnswers"))
    return accepted(world, call, question, kinds.poll(question, names, multiple=multiple))


def send_location(world: World, call: Call) -> Reply:
    """Queue a place."""
    chat_id_of(world, call)
    latitude = checks.fraction(world, call, "latitude")
    longitude = checks.fraction(world, call, "longitude")
    name = optional_text(world, call, "nameLocation")
    address = optional_text(world, call, "address")
    return accepted(world, call, name, kinds.location(latitude, longitude, name, address))


def send_contact(world: World, call: Call) -> Reply:
    """Queue a contact card; a number and one of four names are needed."""
    chat_id_of(world, call)
    contact = checks.structure(world, call, "contact")
    phone = contact.get("phoneContact")
    if phone is None:
        raise invalid(world, call, "'contact.phoneContact' is required")
    if isinstance(phone, str) and phone.isdecimal():
        phone = int(phone)
    if isinstance(phone, bool) or not isinstance(phone, int) or phone < 1:
        raise invalid(world, call, "'contact.phoneContact' must be a number")
    given = {
        name: checks.fit_text(world, call, f"contact.{name}", contact[name])
        for name in NAMES
        if contact.get(name) is not None
    }
    if not any(given.values()):
        raise invalid(world, call, f"'contact' must contain at least one of [{', '.join(NAMES)}]")
    person = " ".join(given[name] for name in NAMES[:3] if given.get(name))
    company = given.get("company", "")
    shown = person or company
    return accepted(world, call, shown, kinds.contact(shown, kinds.vcard(shown, str(phone), company)))


def send_link(world: World, call: Call) -> Reply:
    """Queue a link; the method is old but answers."""
    chat_id_of(world, call)
    url = text_of(world, call, "urlLink")
    return accepted(world, call, url, kinds.extended(url))


def send_buttons(world: World, call: Call) -> Reply:
    """Queue a message whose buttons copy, call or open."""
    return _buttons(world, call, "interactiveButtons")


def send_reply_buttons(world: World, call: Call) -> Reply:
    """Queue a message whose buttons answer."""
    return _buttons(world, call, "interactiveButtonsReply")


def dead(world: World, call: Call) -> Reply:
    """A method that is listed and forbidden, whatever is asked of it."""
    return plain(403, "Forbidden")


def forward(world: World, call: Call) -> Reply:
    """Hand messages on; ids that nobody knows are taken as well, and nothing comes of them."""
    chat_id = chat_id_of(world, call)
    source = chat_id_of(world, call, "chatIdFrom")
    wanted = checks.items(world, call, "messages", 1)
    for place, id_message in enumerate(wanted):
        checks.fit_text(world, call, f"messages[{place}]", id_message)
    typing = checks.typing_ms(world, call)
    ids = [outgoing.new_id() for _ in wanted]
    for id_message, new_id in zip(wanted, ids, strict=True):
        original = call.here.messages.get(id_message)
        if original is None or original.chat_id != source or not original.journaled:
            continue
        message = drafted(world, call, original.text, kinds.forwarded(original.message_data), typing)
        message.chat_id, message.id_message, message.batch = chat_id, new_id, ids[0]
        message.blob, message.url = original.blob, original.url
        outgoing.accept(world, call.here, message)
    return answer({"messages": ids})


def chat_id_of(world: World, call: Call, name: str = "chatId") -> str:
    """The chat to send to.

    Raises:
        Refusal: it is missing or has none of the known endings.
    """
    chat_id = text_of(world, call, name)
    digits, _, host = chat_id.partition("@")
    if host not in ("c.us", "g.us", "lid") or not digits.replace("-", "").isdecimal():
        raise invalid(world, call, f"'{name}' must be in the format phone@c.us, group@g.us or id@lid")
    return chat_id


def accepted(world: World, call: Call, text: str, data: dict[str, Any]) -> Reply:
    """Queue what the call asks to send and tell its id; `data` is its messageData in notifications."""
    typing = checks.typing_ms(world, call)
    quote = quoted(world, call)
    message = drafted(world, call, text, kinds.with_quote(data, quote), typing)
    outgoing.accept(world, call.here, message)
    return answer({"idMessage": message.id_message})


def drafted(world: World, call: Call, text: str, data: dict[str, Any], typing_ms: int) -> Message:
    """A message that is ready for the queue."""
    body = call.params
    if call.method.name == "sendMessage":
        body.setdefault("linkPreview", True)
    return Message(
        id_message=outgoing.new_id(),
        id_instance=call.here.id_instance,
        chat_id=str(body["chatId"]),
        text=text,
        accepted_at=world.clock.now(),
        direction="outgoing",
        status="queued",
        kind=call.method.name,
        body=body,
        message_data=data,
        typing_ms=typing_ms,
    )


def quoted(world: World, call: Call) -> dict[str, Any] | None:
    """The message that is answered, as quotes show it; one of another chat is passed over.

    Raises:
        Refusal: its id is no string.
    """
    id_message = optional_text(world, call, "quotedMessageId")
    original = call.here.messages.get(id_message) if id_message else None
    if original is None or original.chat_id != call.params["chatId"]:
        return None
    return kinds.quote(original.message_data, id_message, outgoing.author(call.here, original))


def _preview(world: World, call: Call) -> dict[str, str]:
    found = checks.structure(world, call, "customPreview")
    title = checks.text_in(world, call, found, "customPreview", "title")
    for name in ("description", "link", "urlFile", "jpegThumbnail"):
        checks.fit_text(world, call, f"customPreview.{name}", found.get(name) or "")
    return {
        "title": title,
        "description": found.get("description") or "",
        "thumbnail": found.get("jpegThumbnail") or "",
    }


def _buttons(world: World, call: Call, kind: str) -> Reply:
    chat_id_of(world, call)
    header = optional_text(world, call, "header", longest=LONGEST_TEXT)
    body = text_of(world, call, "body", longest=LONGEST_TEXT)
    footer = optional_text(world, call, "footer", longest=LONGEST_TEXT)
    shown = []
    for place, button in enumerate(checks.objects(world, call, "buttons", 1, 3)):
        where = f"buttons[{place}]"
        made: dict[str, str] = {"type": "reply"}
        if kind == "interactiveButtons":
            made["type"] = checks.text_in(world, call, button, where, "type")
            if made["type"] not in DETAILS:
                raise invalid(world, call, f"'{where}.type' must be one of [copy, call, url]")
        made["buttonId"] = checks.text_in(world, call, button, where, "buttonId")
        made["buttonText"] = checks.text_in(world, call, button, where, "buttonText", LONGEST_BUTTON)
        if detail := DETAILS.get(made["type"]):
            made[detail] = checks.text_in(world, call, button, where, detail)
        shown.append(made)
    return accepted(world, call, body, kinds.buttons(kind, header, body, footer, shown))
