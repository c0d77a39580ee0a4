"""Pure rules: what an answer of one method means, refusals inside HTTP 200 included.

Sources: GREEN-API's page of each method, read 2026-11-21. Method names are compared without case.
"""

from typing import Any, Final

from app.providers.errors import (
    NoSuchThing,
    NotAllowed,
    OutcomeUnknown,
    ProviderError,
    Refused,
    TooFast,
    TryLater,
)
from app.providers.green_api import outcomes
from app.providers.http.wire import UNREADABLE, Answer, Done
from app.providers.reading import list_in, number_in, text_in

# Methods that change nothing; their `null` says that the account is not ready.
READS: Final = frozenset(
    {
        "getsettings", "getstateinstance", "getstateinstancehistory", "getstatusinstance", "getwasettings",
        "getdeviceinfo", "qr", "getchathistory", "getmessage", "lastincomingmessages", "lastoutgoingmessages",
        "lastincomingcalls", "lastoutgoingcalls", "getmessagescount", "showmessagesqueue", "getwebhookscount",
        "getgroupdata", "getstatusstatistic", "getincomingstatuses", "getoutgoingstatuses", "checkwhatsapp",
        "getavatar", "getcontacts", "getcontactinfo", "getchats", "downloadfile",
    }
)  # fmt: skip

# Answers that may be long: whole journals and lists.
LISTINGS: Final = frozenset(
    {
        "getchathistory", "lastincomingmessages", "lastoutgoingmessages", "lastincomingcalls", "lastoutgoingcalls",
        "showmessagesqueue", "getstatusstatistic", "getincomingstatuses", "getoutgoingstatuses", "getcontacts",
        "getchats", "getstateinstancehistory", "getgroupdata",
    }
)  # fmt: skip

# Methods that say yes with an empty body; sendTyping once answered with an id.
MAY_BE_EMPTY: Final = frozenset({"deletemessage", "archivechat", "unarchivechat", "deletestatus", "sendtyping"})

# Which key of a 200 says yes or no. An older page of leaveGroup has `removeAdmin: false` for its no.
FLAGS: Final[dict[str, tuple[str, ...]]] = {
    "setsettings": ("saveSettings",),
    "reboot": ("isReboot",),
    "logout": ("isLogout",),
    "getauthorizationcode": ("status",),
    "setprofilepicture": ("setProfilePicture",),
    "deletenotification": ("result",),
    "clearmessagesqueue": ("isCleared",),
    "clearwebhooksqueue": ("isCleared",),
    "creategroup": ("created",),
    "updategroupname": ("updateGroupName",),
    "addgroupparticipant": ("addParticipant",),
    "removegroupparticipant": ("removeParticipant",),
    "setgroupadmin": ("setGroupAdmin",),
    "removeadmin": ("removeAdmin",),
    "setgrouppicture": ("setGroupPicture",),
    "leavegroup": ("leaveGroup", "removeAdmin"),
    "updategroupsettings": ("updateGroupSettings",),
    "readchat": ("setRead",),
    "addcontact": ("addContact",),
    "editcontact": ("editContact",),
    "deletecontact": ("deleteContact",),
}

# A refusal of these is about rights: the account is no admin, or the other person does not want it.
OF_RIGHTS: Final = frozenset(
    {"addgroupparticipant", "removegroupparticipant", "setgroupadmin", "removeadmin", "leavegroup", "updategroupname"}
)

# Methods that are done when they tell an id.
IDS: Final = frozenset(
    {
        "sendmessage", "sendpoll", "sendfilebyupload", "sendfilebyurl", "sendlocation", "sendcontact",
        "sendinteractivebuttons", "sendinteractivebuttonsreply", "sendbuttons", "sendtemplatebuttons",
        "sendlistmessage", "sendlink", "sendtextstatus", "sendvoicestatus", "sendmediastatus", "editmessage",
    }
)  # fmt: skip


def verdict(method: str, answer: Answer) -> Done | ProviderError:
    """What an answer to a method of an account means."""
    name = method.lower()
    said = outcomes.of_instance_call(answer, reads=name in READS, may_be_empty=name in MAY_BE_EMPTY)
    if isinstance(said, ProviderError):
        return said
    no = _refusal(name, said.value)
    return said if no is None else no


def _refusal(name: str, value: Any) -> ProviderError | None:
    if name in FLAGS:
        return _flagged(name, value)
    if name in IDS:
        return None if text_in(value, "idMessage") else OutcomeUnknown(UNREADABLE, status=200)
    if name in MAY_BE_EMPTY:
        return None if value is None or isinstance(value, dict) else OutcomeUnknown(UNREADABLE, status=200)
    if name == "forwardmessages":
        return None if list_in(value, "messages") else OutcomeUnknown(UNREADABLE, status=200)
    if name == "uploadfile":
        return None if text_in(value, "urlFile") else OutcomeUnknown(UNREADABLE, status=200)
    if name == "getgroupdata" and isinstance(value, str):
        return _no_group(value)
    if name == "getavatar":
        return _no_avatar(value)
    return None


def _flagged(name: str, value: Any) -> ProviderError | None:
    """None for yes; a missing flag says nothing, which `updateGroupSettings` once did with an id in its place."""
    said = [value.get(flag) for flag in FLAGS[name]] if isinstance(value, dict) else []
    if True in said or (name == "updategroupsettings" and text_in(value, "idMessage")):
        return None
    if False not in said:
        return OutcomeUnknown(UNREADABLE, status=200)
    left_seconds = number_in(value, "leftTime")
    if left_seconds is not None:
        return TooFast("it was done a moment ago", status=200, retry_after_seconds=min(float(left_seconds), 3600.0))
    reason = text_in(value, "reason").upper()
    if name in OF_RIGHTS or reason in ("NOT_ENOUGH_RIGHTS", "FORBIDDEN"):
        return NotAllowed("WhatsApp does not let this account do it", status=200)
    if name == "getauthorizationcode":
        return Refused("the gateway gives no code now", status=200)
    return Refused("the gateway answered that it did not do it", status=200)


def _no_group(said: str) -> ProviderError:
    """Source: GetGroupData page, whose refusals are bare JSON strings."""
    text = said.lower()
    if "item-not-found" in text:
        return NoSuchThing("there is no such group", status=200)
    if "forbidden" in text or "not-authorized" in text:
        return NotAllowed("the account is not in the group", status=200)
    return Refused("the gateway tells nothing of the group", status=200)


def _no_avatar(value: Any) -> ProviderError | None:
    """A reason is a refusal; no picture without a reason is an answer. Source: GetAvatar page."""
    reason = text_in(value, "reason").lower()
    if not reason or text_in(value, "urlAvatar"):
        return None
    if "timeout" in reason:
        return TryLater("WhatsApp took too long", status=200)
    return Refused("the gateway refused the id", status=200)
