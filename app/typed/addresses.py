"""Pure rules: who and what a path or a body means."""

import re
from typing import Final

from app.gateway.recipients import InvalidPhoneNumber, chat_of
from app.kit.errors import FieldError, InvalidRequest, NotFound

MESSAGE: Final = re.compile(r"[0-9A-Za-z._-]{1,128}")
GROUP: Final = "@g.us"


class WrongKindOfChat(InvalidRequest):
    """This takes another kind of chat."""

    code = "invalid_parameter"


def chat_at(text: str, pointer: str = "path:chat_id") -> str:
    """The chat that a recipient stands for, at a place of the request.

    Raises:
        InvalidPhoneNumber: it is neither a number nor a chat; with the pointer.
    """
    try:
        return chat_of(text)
    except InvalidPhoneNumber as error:
        detail = error.detail or error.title()
        raise InvalidPhoneNumber(detail, errors=(FieldError(pointer, error.code, detail),)) from None


def person_at(text: str, pointer: str = "path:chat_id") -> str:
    """The chat of a person.

    Raises:
        InvalidPhoneNumber, WrongKindOfChat: it is a group.
    """
    chat_id = chat_at(text, pointer)
    if chat_id.endswith(GROUP):
        detail = "A person is wanted here, and this is a group."
        raise WrongKindOfChat(detail, errors=(FieldError(pointer, "invalid_value", detail),))
    return chat_id


def people_at(texts: list[str], pointer: str) -> tuple[str, ...]:
    """The chats of several people, each once.

    Raises:
        InvalidPhoneNumber, WrongKindOfChat: with a pointer to the one that is wrong.
    """
    return tuple(dict.fromkeys(person_at(text, f"{pointer}/{place}") for place, text in enumerate(texts)))


def group_at(text: str, pointer: str = "path:group_id") -> str:
    """The chat of a group.

    Raises:
        InvalidPhoneNumber, WrongKindOfChat: it is a person.
    """
    chat_id = chat_at(text, pointer)
    if not chat_id.endswith(GROUP):
        detail = "A group is wanted here, and this is a person."
        raise WrongKindOfChat(detail, errors=(FieldError(pointer, "invalid_value", detail),))
    return chat_id


def message_at(text: str) -> str:
    """WhatsApp's id of a message.

    Raises:
        NotFound: no message has such an id.
    """
    if not MESSAGE.fullmatch(text):
        raise NotFound("This is no id of a message.")
    return text
