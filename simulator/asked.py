"""What service methods are asked: chat ids of each kind, flags, lists and pictures."""

from typing import Any

from simulator.instance import Instance
from simulator.wire import Call, invalid, text_of
from simulator.world import World

DAY_MINUTES = 1440
PERSON_HOSTS = ("c.us", "lid")
CHAT_HOSTS = ("c.us", "g.us", "lid")


def is_chat(value: object, hosts: tuple[str, ...] = CHAT_HOSTS) -> bool:
    """A chat id with one of these endings."""
    if not isinstance(value, str):
        return False
    digits, _, host = value.partition("@")
    return host in hosts and digits.replace("-", "").isdecimal() and digits.isascii()


def chat_of(world: World, call: Call, name: str = "chatId", hosts: tuple[str, ...] = CHAT_HOSTS) -> str:
    """A required chat id.

    Raises:
        Refusal: it is missing or has another ending.
    """
    chat_id = text_of(world, call, name)
    if not is_chat(chat_id, hosts):
        forms = " or ".join(f"id@{host}" for host in hosts)
        raise invalid(world, call, f"'{name}' must be in the format {forms}")
    return chat_id


def person_of(world: World, call: Call, name: str = "chatId") -> str:
    """A required chat id of a person.

    Raises:
        Refusal: it is missing or no person's.
    """
    return chat_of(world, call, name, PERSON_HOSTS)


def group_of(world: World, call: Call) -> str:
    """The required groupId.

    Raises:
        Refusal: it is missing or no group's.
    """
    return chat_of(world, call, "groupId", ("g.us",))


def flag_of(world: World, call: Call, name: str) -> bool | None:
    """A flag from the body or, as a word, from the query; None when it is not given.

    Raises:
        Refusal: it is no flag.
    """
    value: Any = call.params.get(name)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"
    if value is None or isinstance(value, bool):
        return value
    raise invalid(world, call, f"'{name}' must be a boolean")


def optional_text(world: World, call: Call, name: str, *, longest: int = 1024) -> str:
    """A text that may be missing, then empty.

    Raises:
        Refusal: it is no text or too long.
    """
    if call.params.get(name) in (None, ""):
        return ""
    return text_of(world, call, name, longest=longest)


def people_of(world: World, call: Call, name: str) -> list[str]:
    """A list of persons' chat ids; empty when it is missing.

    Raises:
        Refusal: it is no list, or something else stands in it.
    """
    value = call.params.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid(world, call, f"'{name}' must be an array")
    for index, chat_id in enumerate(value):
        if not is_chat(chat_id, PERSON_HOSTS):
            raise invalid(world, call, f"'{name}[{index}]' must be in the format id@c.us or id@lid")
    return list(dict.fromkeys(value))


def has_account(world: World, instance: Instance, chat_id: str) -> bool:
    """The number is on WhatsApp; a hidden id is when it belongs to somebody known."""
    digits, _, host = chat_id.partition("@")
    if host == "lid":
        return any(person.lid == chat_id for person in instance.contacts.values())
    return digits not in world.no_account
