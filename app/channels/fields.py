"""Parameters of a call, read as Whapi reads them; unknown ones are passed over."""

import re
from collections.abc import Mapping
from typing import Any, Final

from app.kit.errors import FieldError, InvalidRequest
from app.lines.channel_words import values

CHAT: Final = re.compile(r"[0-9]{5,31}(-[0-9]{5,20})?@(c\.us|g\.us|lid)")
PERSON: Final = re.compile(r"[0-9]{5,31}@(c\.us|lid)")
MESSAGE_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
LONGEST: Final = 4096


class Fields:
    """Parameters by name. Every method raises `InvalidRequest` for what cannot be read."""

    def __init__(self, given: Mapping[str, Any], place: str = "") -> None:
        self.given = given
        self._place = place

    def has(self, name: str) -> bool:
        """Whether it was given, and not as null."""
        return self.given.get(name) is not None

    def text(self, name: str, *, longest: int = LONGEST) -> str:
        """A text that must be there."""
        found = self.maybe(name, longest=longest)
        if not found:
            raise self.wrong(name, "is required")
        return found

    def maybe(self, name: str, *, longest: int = LONGEST) -> str:
        """A text that may be missing, then empty."""
        value = self.given.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(name, "must be a string")
        if len(value) > longest:
            raise self.wrong(name, f"must have at most {longest} characters")
        return value

    def number(self, name: str, default: float = 0, *, least: float = 0, most: float = 2**53) -> float:
        """A number within its bounds, also as digits."""
        value = self.given.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "must be a number")
        if not least <= value <= most:  # nor what is no number, or beyond all
            raise self.wrong(name, f"must be between {least:g} and {most:g}")
        return value

    def needed_number(self, name: str, *, least: float, most: float) -> float:
        """A number that must be there."""
        if not self.has(name):
            raise self.wrong(name, "is required")
        return self.number(name, least=least, most=most)

    def flag(self, name: str) -> bool | None:
        """Yes or no, also as a word; None when it is not given."""
        value = self.given.get(name)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(name, "must be a boolean")

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of a few texts; empty when it was left out."""
        value = self.maybe(name)
        if value and value not in choices:
            raise self.wrong(name, f"must be one of {', '.join(choices)}")
        return value

    def texts(self, name: str, least: int, most: int) -> tuple[str, ...]:
        """A list of texts."""
        value = self.given.get(name)
        if value is None and not least:
            return ()
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self.wrong(name, f"must be an array of {least} to {most} strings")
        if not all(isinstance(each, str) and each for each in value):
            raise self.wrong(name, "must be an array of strings")
        return tuple(value)

    def object(self, name: str) -> "Fields":
        """An object; an empty one when it was left out."""
        value = self.given.get(name)
        if value is None:
            return Fields({}, f"{self._place}{name}/")
        if not isinstance(value, dict):
            raise self.wrong(name, "must be an object")
        return Fields(value, f"{self._place}{name}/")

    def objects(self, name: str, least: int, most: int) -> list["Fields"]:
        """A list of objects."""
        value = self.given.get(name)
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise self.wrong(name, f"must be an array of {least} to {most} objects")
        if not all(isinstance(each, dict) for each in value):
            raise self.wrong(name, "must be an array of objects")
        return [Fields(each, f"{self._place}{name}/{place}/") for place, each in enumerate(value)]

    def chat(self, name: str) -> str:
        """A chat in our words, from digits or an id."""
        found = values.ours(self.text(name))
        if not CHAT.fullmatch(found):
            raise self.wrong(name, "must be a phone number or the id of a chat")
        return found

    def person(self, name: str) -> str:
        """A person in our words."""
        return self._is_person(name, self.text(name))

    def people(self, name: str, least: int = 1, most: int = 1024) -> tuple[str, ...]:
        """People in our words, each once."""
        return tuple(dict.fromkeys(self._is_person(name, each) for each in self.texts(name, least, most)))

    def group(self, name: str) -> str:
        """A group."""
        found = self.chat(name)
        if not found.endswith("@g.us"):
            raise self.wrong(name, "must be the id of a group")
        return found

    def message_id(self, name: str) -> str:
        """The id of a message, which is opaque."""
        found = self.text(name, longest=128)
        if not MESSAGE_ID.fullmatch(found):
            raise self.wrong(name, "must be the id of a message")
        return found

    def quoted(self) -> str | None:
        """The message that is cited."""
        return self.message_id("quoted") if self.maybe("quoted") else None

    def wrong(self, name: str, complaint: str) -> InvalidRequest:
        """A refusal of one parameter."""
        text = f"{self._place}{name} {complaint}"
        return InvalidRequest(text, errors=(FieldError(f"#/{self._place}{name}", "invalid_value", complaint),))

    def _is_person(self, name: str, told: str) -> str:
        found = values.ours(told)
        if not PERSON.fullmatch(found):
            raise self.wrong(name, "must be a phone number or the id of a contact")
        return found
