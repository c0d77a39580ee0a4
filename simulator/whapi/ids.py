"""Ids of messages, chats, people and files: how they look, and what a caller may write for them."""

import hashlib
import re
from typing import Any

from simulator.whapi.errors import Problem
from simulator.whapi.partner import made_up
from simulator.whapi.talk import GROUP, LID, PERSON, Talk

CHAT = re.compile(r"[\d-]{9,31}@[\w.]+", re.ASCII)
BARE = re.compile(r"[\d-]{9,31}", re.ASCII)
CONTACT = re.compile(r"[0-9]{7,15}(@lid|@s\.whatsapp\.net)?")
MESSAGE = re.compile(r"[A-Za-z0-9._]{4,30}(-[A-Za-z0-9._]{2,30}){1,3}")
MEDIA = re.compile(r"[a-zA-Z0-9]+-[0-9a-fA-F-]+")
KNOWN = (PERSON, GROUP, LID, "@newsletter", "@broadcast")
"""Ends of ids. Source: Whapi gate reference, 2025 and 2026 texts, read 2026-11-21."""
GROUP_DIGITS = 18


def new_message_id(*, from_me: bool, chat_id: str = "") -> str:
    """An id of the widened pattern of 2026; those of groups have a third part."""
    tail = f"-{made_up(8)}" if chat_id.endswith(GROUP) and not from_me else ""
    return f"{made_up(16)}-{'g' if from_me else 'w'}{made_up(10)}{tail}"


def new_group_id() -> str:
    """A group nobody has."""
    return f"120363{made_up(12, '0123456789')}{GROUP}"


def lid_of(number: str) -> str:
    """The id under which a number hides; the same one always."""
    digits = int.from_bytes(hashlib.sha256(number.encode()).digest()[:8], "big") % (9 * 10**14)
    return f"{10**14 + digits}{LID}"


def chat_of(talk: Talk, value: Any, name: str = "to") -> str:
    """The chat that is meant: digits alone are a person, or a group when they are as long as one.

    A known @lid is the chat of its number. Ends that Whapi does not know, such as @c.us, are refused (choice).

    Raises:
        Problem: 400, it is no chat id.
    """
    if not isinstance(value, str):
        raise Problem(400, f"{name} is required and must be a string")
    found: str = value
    if BARE.fullmatch(found):
        found += GROUP if "-" in found or len(found) >= GROUP_DIGITS else PERSON
    if not CHAT.fullmatch(found) or not found.endswith(KNOWN):
        raise Problem(400, f"{name} is not a chat id")
    if found.endswith(LID) and found in talk.lids:
        return talk.lids[found] + PERSON
    return found


def number_of_contact(talk: Talk, value: Any, name: str = "ContactID") -> str:
    """The digits of a person who is named by number, with or without suffix, or by a known @lid.

    Raises:
        Problem: 400, it is no contact id; 404, nobody is known under this @lid.
    """
    if not isinstance(value, str) or not CONTACT.fullmatch(value):
        raise Problem(400, f"{name} is not a contact id")
    if value.endswith(LID):
        found = talk.lids.get(value)
        if found is None:
            raise Problem(404, "contact not found")
        return found
    return value.partition("@")[0]


def numbers_of(talk: Talk, value: Any, name: str, *, least: int = 0) -> list[str]:
    """A list of people, each once.

    Raises:
        Problem: 400, it is no list of contact ids, or too short.
    """
    if not isinstance(value, list) or len(value) < least:
        raise Problem(400, f"{name} must be an array" + (f" of at least {least}" if least else ""))
    return list(dict.fromkeys(number_of_contact(talk, item, name) for item in value))
