"""Pure rules: ids of chats and people, in our words and in Whapi's.

Ours are `digits@c.us`, theirs `digits@s.whatsapp.net`, or the digits alone where a person is meant; groups, hidden
numbers and whatever else has an `@` are the same on both sides. Message ids are opaque. Source: Whapi gate reference of
2025 and its text of 2026, which added `@lid` (read 2026-11-21).
"""

from typing import Final

OURS: Final = "@c.us"
THEIRS: Final = "@s.whatsapp.net"
HIDDEN: Final = "@lid"


def ours(told: str) -> str:
    """A chat or a person as tenants know it; empty stays empty. A device's number, `:8`, is left out."""
    user, at, server = told.partition("@")
    if not user or (at and server not in ("s.whatsapp.net", "c.us", "lid")):
        return told
    number = user.partition(":")[0].lstrip("+")
    return number + (HIDDEN if server == "lid" else OURS) if is_number(number) else told


def theirs(chat_id: str) -> str:
    """The id of a chat as Whapi takes it in bodies, and in the paths of chats."""
    user, at, server = chat_id.partition("@")
    return user + THEIRS if (at and server == "c.us") or (not at and is_number(user)) else chat_id


def contact(chat_id: str) -> str:
    """The id of a person as paths and lists of contacts want it: digits; a hidden number keeps its `@lid`."""
    user, _, server = chat_id.partition("@")
    return user if server in ("", "c.us", "s.whatsapp.net") else chat_id


def is_number(text: str) -> bool:
    """Whether these are digits, such as a phone's number without a plus sign."""
    return text.isascii() and text.isdecimal()
