"""How calls end that were refused, as GREEN-API tells it: mostly by a flag inside 200, else by a text."""

from typing import Any, Final

import msgspec

from app.compat.answer import JSON, TEXT
from app.providers.errors import (
    CredentialRefused,
    NoSuchThing,
    NotAllowed,
    NotLinked,
    NotReady,
    NotThere,
    Outcome,
    ProviderError,
    QuotaReached,
    Refused,
    TooFast,
    TooLarge,
    TryLater,
    Unreachable,
    Unsupported,
)
from app.providers.port import NativeReply

FLAGS: Final = {
    "setSettings": "saveSettings",
    "updateGroupName": "updateGroupName",
    "addGroupParticipant": "addParticipant",
    "removeGroupParticipant": "removeParticipant",
    "setGroupAdmin": "setGroupAdmin",
    "removeAdmin": "removeAdmin",
    "leaveGroup": "leaveGroup",
    "readChat": "setRead",
}
"""Keys whose `false` is the whole of a no."""
CONTACTS: Final = frozenset({"addContact", "editContact", "deleteContact"})
OF_ONE_MESSAGE: Final = frozenset({"getMessage", "downloadFile"})
"""Nothing else about them can be refused."""
NO_CHAT: Final = "ArchiveChatError: cannot archive chat cause last message not found in chat"


def reply(status: int, body: bytes, content_type: str = JSON) -> NativeReply:
    """A reply as GREEN-API would give it."""
    return NativeReply(status, body, content_type)


def told(value: Any) -> NativeReply:
    """A success."""
    return reply(200, msgspec.json.encode(value))


def plain(status: int, text: str) -> NativeReply:
    """A refusal in plain text."""
    return reply(status, text.encode(), TEXT)


def invalid(details: str) -> NativeReply:
    """A refused parameter; path and time are put in where the reply leaves the house."""
    keys = {"statusCode": 400, "timestamp": "", "path": "", "message": f"Validation failed. Details: {details}"}
    return reply(400, msgspec.json.encode(keys))


def refusal(method: str, error: ProviderError) -> NativeReply:
    """What a method says of how it ended.

    Raises:
        ProviderError: the same, where there was no answer, or the gateway cannot do it at all.
    """
    if error.outcome is Outcome.UNKNOWN or isinstance(error, Unreachable | Unsupported):
        raise error
    for kind, answer in COMMON:
        if isinstance(error, kind):
            return answer
    return _of_method(method, error)


def _of_method(method: str, error: ProviderError) -> NativeReply:
    is_later, is_rights = isinstance(error, TryLater), isinstance(error, NotAllowed)
    if method in FLAGS:
        return told({FLAGS[method]: False})
    if method in CONTACTS:
        return told({method: False, "message": "contact not found"})
    if method == "getGroupData":
        return told("Error: forbidden" if is_rights else "Error: item-not-found")
    if method in ("setGroupPicture", "setProfilePicture"):
        return told({method: False, "urlAvatar": None, "reason": "FORBIDDEN" if is_rights else "bad request data"})
    if method == "updateGroupSettings":
        return told({method: False, "reason": "FORBIDDEN" if is_rights else "NOT_ENOUGH_RIGHTS"})
    if method == "getAvatar":
        reason = "get avatar timeout limit exceeded" if is_later else "bad request data"
        return told({"urlAvatar": "", "available": False, "reason": reason})
    if method == "getAuthorizationCode":
        return told({"status": False, "code": ""})
    if method == "checkWhatsapp":
        return plain(400, "check phone number timeout limit exceeded" if is_later else "Bad phone number")
    if method in ("archiveChat", "unarchiveChat"):
        return plain(400, NO_CHAT)
    if isinstance(error, NoSuchThing) or method in OF_ONE_MESSAGE:
        return plain(400, "message not found")
    return plain(502, "Bad Gateway") if is_later else plain(400, "bad request data")


COMMON: Final[tuple[tuple[type[Refused], NativeReply], ...]] = (
    (TooFast, reply(429, b"", TEXT)),
    (QuotaReached, reply(466, b"{}")),
    (CredentialRefused, reply(401, b"", TEXT)),
    (NotReady, plain(400, "instance in starting process try later")),
    (NotLinked, plain(400, "instance is starting or not authorized")),
    (NotThere, plain(400, "Instance is deleted")),
    (TooLarge, plain(500, "request entity too large")),
)
