"""Pure rules: whom a message goes to."""

import re
from typing import Final

import phonenumbers

from app.kit.errors import FieldError, InvalidRequest

CHAT: Final = re.compile(r"[1-9][0-9]{4,19}@c\.us|[0-9]{5,25}(-[0-9]{5,20})?@g\.us|[0-9]{5,25}@lid")
POINTER: Final = "#/to"


class InvalidPhoneNumber(InvalidRequest):
    """The recipient is not a phone number or chat."""

    code = "invalid_phone_number"


def chat_of(to: str) -> str:
    """The chat that a recipient stands for: `+79990001122` or a chat id `79990001122@c.us`, `…@g.us`, `…@lid`.

    Raises:
        InvalidPhoneNumber: it is neither.
    """
    if CHAT.fullmatch(to):
        return to
    if not to.startswith("+"):
        raise _invalid("Write a phone number like `+79990001122`, or a chat id that ends in @c.us, @g.us or @lid.")
    try:
        number = phonenumbers.parse(to, None)
    except phonenumbers.NumberParseException:
        raise _invalid("This is no phone number in E.164.") from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if written != to or not phonenumbers.is_possible_number(number):
        raise _invalid("This is no phone number in E.164: a plus sign, the country code and the number, digits only.")
    return f"{written[1:]}@c.us"


def _invalid(text: str) -> InvalidPhoneNumber:
    return InvalidPhoneNumber(text, errors=(FieldError(POINTER, "invalid_phone_number", text),))
