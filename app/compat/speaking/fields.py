"""Parameters of a method, read and refused as GREEN-API reads and refuses them."""

import math
from typing import Any, Final
from urllib.parse import urlsplit

PEOPLE: Final = ("c.us", "lid")
CHATS: Final = ("c.us", "g.us", "lid")
GROUPS: Final = ("g.us",)
LONGEST: Final = 1024


class Invalid(Exception):
    """A parameter that GREEN-API would refuse; `details` is what stands behind "Validation failed. Details:"."""

    def __init__(self, details: str) -> None:
        super().__init__(details)
        self.details = details


class Plain(Exception):
    """A refusal that GREEN-API words as a plain text of its own."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Fields:
    """The parameters of one call, by name. Every method raises `Invalid`."""

    def __init__(self, given: dict[str, Any], place: str = "") -> None:
        self.given = given
        self._place = place

    def has(self, name: str) -> bool:
        """Whether it was given, and not as null."""
        return self.given.get(name) is not None

    def text(self, name: str, *, longest: int | None = None) -> str:
        """A text that must be there."""
        if self.given.get(name) in (None, ""):
            raise self._wrong(name, "is required")
        return self._fit(name, longest)

    def maybe(self, name: str, *, longest: int = LONGEST) -> str:
        """A text that may be missing, then empty."""
        return "" if self.given.get(name) in (None, "") else self._fit(name, longest)

    def number(
        self, name: str, *, default: int | None = None, least: int | None = None, most: int | None = None
    ) -> int:
        """A whole number, also as digits; without a default it must be there."""
        value = self.given.get(name)
        if value is None:
            if default is None:
                raise self._wrong(name, "is required")
            return default
        if isinstance(value, str) and value.removeprefix("-").isdecimal() and value.isascii() and len(value) < 20:
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(name, "must be a number")
        if least is not None and value < least:
            raise self._wrong(name, f"must be larger than or equal to {least}")
        if most is not None and value > most:
            raise self._wrong(name, f"must be less than or equal to {most}")
        return value

    def maybe_number(self, name: str, *, least: int | None = None, most: int | None = None) -> int | None:
        """A whole number that may be missing."""
        return self.number(name, least=least, most=most) if self.has(name) else None

    def fraction(self, name: str) -> float:
        """A number that must be there."""
        value = self.given.get(name)
        if value is None:
            raise self._wrong(name, "is required")
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                value = None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._wrong(name, "must be a number")
        return value

    def flag(self, name: str) -> bool | None:
        """Yes or no, also as a word; None when it is not given."""
        value = self.given.get(name)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is None or isinstance(value, bool):
            return value
        raise self._wrong(name, "must be a boolean")

    def switch(self, name: str) -> bool | None:
        """A setting of `yes` or `no`; None when it is not given."""
        if name not in self.given:
            return None
        return self.choice(name, ("yes", "no")) == "yes"

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """A text out of a few, or an empty one when it was left out."""
        value = self.given.get(name)
        if value is None:
            return ""
        if value not in choices:
            raise self._wrong(name, f"must be one of [{', '.join(choices)}]")
        return str(value)

    def chat(self, name: str = "chatId", hosts: tuple[str, ...] = CHATS, *, form: str = "") -> str:
        """A chat's id of one of these kinds."""
        value = self.text(name)
        if not is_chat(value, hosts):
            forms = form or " or ".join(f"id@{host}" for host in hosts)
            raise self._wrong(name, f"must be in the format {forms}")
        return value

    def people(self, name: str, hosts: tuple[str, ...] = PEOPLE) -> tuple[str, ...]:
        """Ids of people, each once; none when it is missing."""
        value = self.given.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._wrong(name, "must be an array")
        for index, each in enumerate(value):
            if not isinstance(each, str) or not is_chat(each, hosts):
                raise self._wrong(f"{name}[{index}]", "must be in the format id@c.us or id@lid")
        return tuple(dict.fromkeys(value))

    def items(self, name: str, least: int, most: int | None = None) -> list[Any]:
        """A list that must be there, within its bounds."""
        value = self.given.get(name)
        if value is None:
            raise self._wrong(name, "is required")
        if not isinstance(value, list):
            raise self._wrong(name, "must be an array")
        if len(value) < least:
            raise self._wrong(name, f"must contain at least {least} items")
        if most is not None and len(value) > most:
            raise self._wrong(name, f"must contain less than or equal to {most} items")
        return value

    def texts(self, name: str, least: int) -> tuple[str, ...]:
        """A list of texts that must be there."""
        return tuple(self._is_text(f"{name}[{place}]", each) for place, each in enumerate(self.items(name, least)))

    def objects(self, name: str, least: int, most: int) -> list["Fields"]:
        """A list of objects that must be there."""
        found = []
        for place, item in enumerate(self.items(name, least, most)):
            if not isinstance(item, dict):
                raise self._wrong(f"{name}[{place}]", "must be of type object")
            found.append(Fields(item, f"{self._place}{name}[{place}]."))
        return found

    def object(self, name: str) -> "Fields":
        """An object that must be there."""
        value = self.given.get(name)
        if value is None:
            raise self._wrong(name, "is required")
        if not isinstance(value, dict):
            raise self._wrong(name, "must be of type object")
        return Fields(value, f"{self._place}{name}.")

    def address(self, name: str = "urlFile", *, longest: int | None = None) -> str:
        """An address of the web that must be there."""
        value = self.text(name, longest=longest)
        try:
            parts = urlsplit(value)
            is_one = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            is_one = False
        if not is_one:
            raise self._wrong(name, "must be a valid uri")
        return value

    def wrong(self, details: str) -> Invalid:
        """A refusal of something that is told of as a whole."""
        return Invalid(details)

    def _fit(self, name: str, longest: int | None) -> str:
        value = self._is_text(name, self.given[name])
        if longest is not None and len(value) > longest:
            raise self._wrong(name, f"length must be less than or equal to {longest} characters long")
        return value

    def _is_text(self, name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise self._wrong(name, "must be a string")
        return value

    def _wrong(self, name: str, complaint: str) -> Invalid:
        return Invalid(f"'{self._place}{name}' {complaint}")


def is_chat(value: str, hosts: tuple[str, ...] = CHATS) -> bool:
    """Whether it is a chat's id of one of these kinds."""
    digits, _, host = value.partition("@")
    return host in hosts and digits.replace("-", "").isdecimal() and digits.isascii()
