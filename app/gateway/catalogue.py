"""Every method of the gateway as data: routes, scopes, rates, gates, documentation and tests are made from it.

Source of names, verbs, fields and rates: GREEN-API's pages by method, its rate limiter page, the partner pages and
the official Postman collections (read 2026-11-21). Which scope, gate and retry class a method has is ours.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from app.accounts.scopes import Scope

Counts = Literal["messages", "calls"]


class Retry(StrEnum):
    """What may be done when a call's outcome is unknown."""

    SAFE = "safe"
    """It changes nothing."""
    REPEATABLE = "repeatable"
    """Done twice it is as done once, with the same answer."""
    AMBIGUOUS = "ambiguous"
    """Never repeated by us."""


class Takes(StrEnum):
    """What a method's body is."""

    NOTHING = "nothing"
    JSON = "json"
    MULTIPART = "multipart"
    RAW = "raw"


@dataclass(frozen=True)
class Method:
    """One method. `rate` is calls per second and instance (`guessed` where no page says).

    `counts` is what it uses of a plan; None is open whatever the plan says, so that state and settings can be read
    when a trial is over. `served` by us: it is never asked upstream. `linked`: it needs a phone. `wanted`: it belongs
    to the functions that the product promises.
    """

    name: str
    group: str
    verb: str
    scope: Scope
    rate: float
    retry: Retry
    served: Literal["upstream", "us"] = "upstream"
    takes: Takes = Takes.NOTHING
    counts: Counts | None = "calls"
    linked: bool = False
    required: tuple[str, ...] = ()
    status: Literal["current", "beta", "deprecated"] = "current"
    wanted: bool = False
    guessed: bool = False

    @property
    def sends(self) -> bool:
        """Whether it puts a message on its way."""
        return self.counts == "messages"


_m = Method
CHATS_READ = Scope.CHATS_READ
CHATS_WRITE = Scope.CHATS_WRITE
GROUPS_WRITE = Scope.GROUPS_WRITE
INSTANCES_READ = Scope.INSTANCES_READ
INSTANCES_WRITE = Scope.INSTANCES_WRITE
KEYS_WRITE = Scope.KEYS_WRITE
MESSAGES_READ = Scope.MESSAGES_READ
MESSAGES_SEND = Scope.MESSAGES_SEND
SAFE, REPEATABLE, AMBIGUOUS = Retry.SAFE, Retry.REPEATABLE, Retry.AMBIGUOUS
# fmt: off
ALL: Final[tuple[Method, ...]] = (
    # partner
    _m("createInstance", "partner", "POST", INSTANCES_WRITE, 10, AMBIGUOUS, served="us", takes=Takes.JSON,
       counts=None),
    _m("getInstances", "partner", "GET", INSTANCES_READ, 10, SAFE, served="us", counts=None),
    _m("deleteInstanceAccount", "partner", "POST", INSTANCES_WRITE, 10, AMBIGUOUS, served="us",
       takes=Takes.JSON, counts=None, required=("idInstance",)),
    # account
    _m("getSettings", "account", "GET", INSTANCES_READ, 1, SAFE, counts=None, wanted=True),
    _m("setSettings", "account", "POST", INSTANCES_WRITE, 1, REPEATABLE, takes=Takes.JSON, counts=None, wanted=True),
    _m("getStateInstance", "account", "GET", INSTANCES_READ, 1, SAFE, counts=None, wanted=True),
    _m("getStateInstanceHistory", "account", "GET", INSTANCES_READ, 10, SAFE, takes=Takes.JSON, guessed=True),
    _m("getStatusInstance", "account", "GET", INSTANCES_READ, 1, SAFE, counts=None, status="deprecated"),
    _m("reboot", "account", "GET", INSTANCES_WRITE, 1, AMBIGUOUS, wanted=True),
    _m("logout", "account", "GET", INSTANCES_WRITE, 1, AMBIGUOUS, counts=None, wanted=True),
    _m("qr", "account", "GET", INSTANCES_WRITE, 3, SAFE, wanted=True),
    _m("scanqrcode", "account", "WSS", INSTANCES_WRITE, 1, SAFE, wanted=True),
    _m("getAuthorizationCode", "account", "POST", INSTANCES_WRITE, 10, AMBIGUOUS, takes=Takes.JSON,
       required=("phoneNumber",), wanted=True, guessed=True),
    _m("setProfilePicture", "account", "POST", INSTANCES_WRITE, 0.1, AMBIGUOUS, takes=Takes.MULTIPART,
       linked=True, required=("file",), wanted=True),
    _m("updateApiToken", "account", "GET", KEYS_WRITE, 10, AMBIGUOUS, served="us", counts=None, guessed=True),
    _m("getWaSettings", "account", "GET", INSTANCES_READ, 1, SAFE, counts=None, wanted=True),
    # sending
    _m("sendMessage", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON, counts="messages",
       required=("chatId", "message",), wanted=True),
    _m("sendPoll", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON, counts="messages",
       required=("chatId", "message", "options",), wanted=True),
    _m("sendFileByUpload", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.MULTIPART,
       counts="messages", required=("chatId", "file",), wanted=True),
    _m("sendFileByUrl", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON, counts="messages",
       required=("chatId", "urlFile", "fileName",), wanted=True),
    _m("uploadFile", "sending", "POST", MESSAGES_SEND, 10, AMBIGUOUS, takes=Takes.RAW, wanted=True, guessed=True),
    _m("sendLocation", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON, counts="messages",
       required=("chatId", "latitude", "longitude",), wanted=True),
    _m("sendContact", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON, counts="messages",
       required=("chatId", "contact",), wanted=True),
    _m("forwardMessages", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON, counts="messages",
       required=("chatId", "chatIdFrom", "messages",), wanted=True),
    _m("sendInteractiveButtons", "sending", "POST", MESSAGES_SEND, 10, AMBIGUOUS, takes=Takes.JSON,
       counts="messages", required=("chatId", "body", "buttons",), status="beta", guessed=True),
    _m("sendInteractiveButtonsReply", "sending", "POST", MESSAGES_SEND, 10, AMBIGUOUS, takes=Takes.JSON,
       counts="messages", required=("chatId", "body", "buttons",), status="beta", guessed=True),
    _m("sendButtons", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON, counts="messages",
       required=("chatId", "message", "buttons",), status="deprecated"),
    _m("sendTemplateButtons", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON,
       counts="messages", required=("chatId", "message", "templateButtons",), status="deprecated"),
    _m("sendListMessage", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON, counts="messages",
       required=("chatId", "message", "buttonText", "sections",), status="deprecated"),
    _m("sendLink", "sending", "POST", MESSAGES_SEND, 50, AMBIGUOUS, takes=Takes.JSON, counts="messages",
       required=("chatId", "urlLink",), status="deprecated"),
    # receiving
    _m("receiveNotification", "receiving", "GET", MESSAGES_READ, 100, SAFE, served="us", counts=None, wanted=True),
    _m("deleteNotification", "receiving", "DELETE", MESSAGES_READ, 100, AMBIGUOUS, served="us", counts=None,
       wanted=True),
    _m("downloadFile", "receiving", "POST", MESSAGES_READ, 5, SAFE, takes=Takes.JSON,
       required=("chatId", "idMessage",)),
    # journals
    _m("getChatHistory", "journals", "POST", MESSAGES_READ, 1, SAFE, takes=Takes.JSON, linked=True,
       required=("chatId",), wanted=True),
    _m("getMessage", "journals", "POST", MESSAGES_READ, 10, SAFE, takes=Takes.JSON, linked=True,
       required=("chatId", "idMessage",), wanted=True),
    _m("lastIncomingMessages", "journals", "GET", MESSAGES_READ, 1, SAFE, linked=True, wanted=True),
    _m("lastOutgoingMessages", "journals", "GET", MESSAGES_READ, 1, SAFE, linked=True, wanted=True),
    _m("lastIncomingCalls", "journals", "GET", MESSAGES_READ, 10, SAFE, linked=True, guessed=True),
    _m("lastOutgoingCalls", "journals", "GET", MESSAGES_READ, 10, SAFE, linked=True, guessed=True),
    # queues
    _m("getMessagesCount", "queues", "GET", MESSAGES_READ, 1, SAFE),
    _m("showMessagesQueue", "queues", "GET", MESSAGES_READ, 1, SAFE, wanted=True),
    _m("clearMessagesQueue", "queues", "GET", MESSAGES_SEND, 1, REPEATABLE, wanted=True),
    _m("getWebhooksCount", "queues", "GET", MESSAGES_READ, 1, SAFE, served="us", counts=None),
    _m("clearWebhooksQueue", "queues", "DELETE", MESSAGES_READ, 1, AMBIGUOUS, served="us", counts=None),
    # groups
    _m("createGroup", "groups", "POST", GROUPS_WRITE, 1, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("groupName", "chatIds",), wanted=True),
    _m("updateGroupName", "groups", "POST", GROUPS_WRITE, 1, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("groupId", "groupName",), wanted=True),
    _m("getGroupData", "groups", "POST", CHATS_READ, 1, SAFE, takes=Takes.JSON, linked=True,
       required=("groupId",), wanted=True),
    _m("addGroupParticipant", "groups", "POST", GROUPS_WRITE, 10, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("groupId", "participantChatId",), wanted=True),
    _m("removeGroupParticipant", "groups", "POST", GROUPS_WRITE, 10, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("groupId", "participantChatId",), wanted=True),
    _m("setGroupAdmin", "groups", "POST", GROUPS_WRITE, 10, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("groupId", "participantChatId",), wanted=True),
    _m("removeAdmin", "groups", "POST", GROUPS_WRITE, 10, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("groupId", "participantChatId",), wanted=True),
    _m("setGroupPicture", "groups", "POST", GROUPS_WRITE, 1, AMBIGUOUS, takes=Takes.MULTIPART, linked=True,
       required=("file", "groupId",), wanted=True),
    _m("leaveGroup", "groups", "POST", GROUPS_WRITE, 10, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("groupId",), wanted=True),
    _m("updateGroupSettings", "groups", "POST", GROUPS_WRITE, 10, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("groupId",), status="beta", guessed=True),
    # statuses
    _m("sendTextStatus", "statuses", "POST", MESSAGES_SEND, 5, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("message",), status="beta", wanted=True),
    _m("sendVoiceStatus", "statuses", "POST", MESSAGES_SEND, 5, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("urlFile", "fileName",), status="beta", wanted=True),
    _m("sendMediaStatus", "statuses", "POST", MESSAGES_SEND, 5, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("urlFile", "fileName",), status="beta", wanted=True),
    _m("deleteStatus", "statuses", "POST", MESSAGES_SEND, 10, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("idMessage",), status="beta", wanted=True),
    _m("getStatusStatistic", "statuses", "GET", MESSAGES_READ, 1, SAFE, linked=True, status="beta", wanted=True),
    _m("getIncomingStatuses", "statuses", "GET", MESSAGES_READ, 1, SAFE, linked=True, status="beta", wanted=True),
    _m("getOutgoingStatuses", "statuses", "GET", MESSAGES_READ, 1, SAFE, linked=True, status="beta", wanted=True),
    # marks
    _m("readChat", "marks", "POST", CHATS_WRITE, 10, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("chatId",), wanted=True),
    # service
    _m("checkWhatsapp", "service", "POST", CHATS_READ, 10, SAFE, takes=Takes.JSON, linked=True, wanted=True),
    _m("getAvatar", "service", "POST", CHATS_READ, 10, SAFE, takes=Takes.JSON, linked=True,
       required=("chatId",), wanted=True),
    _m("getContacts", "service", "GET", CHATS_READ, 1, SAFE, linked=True, wanted=True),
    _m("getContactInfo", "service", "POST", CHATS_READ, 1, SAFE, takes=Takes.JSON, linked=True,
       required=("chatId",), wanted=True),
    _m("getChats", "service", "GET", CHATS_READ, 10, SAFE, linked=True, guessed=True),
    _m("editMessage", "service", "POST", MESSAGES_SEND, 1, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("chatId", "idMessage", "message",), status="beta"),
    _m("deleteMessage", "service", "POST", MESSAGES_SEND, 10, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("chatId", "idMessage",), wanted=True),
    _m("archiveChat", "service", "POST", CHATS_WRITE, 10, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("chatId",), wanted=True),
    _m("unarchiveChat", "service", "POST", CHATS_WRITE, 10, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("chatId",), wanted=True),
    _m("setDisappearingChat", "service", "POST", CHATS_WRITE, 1, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("chatId",), wanted=True),
    _m("sendTyping", "service", "POST", CHATS_WRITE, 10, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("chatId",), status="beta", guessed=True),
    _m("addContact", "service", "POST", CHATS_WRITE, 10, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("chatId", "firstName",), status="beta", guessed=True),
    _m("editContact", "service", "POST", CHATS_WRITE, 10, REPEATABLE, takes=Takes.JSON, linked=True,
       required=("chatId", "firstName",), status="beta", guessed=True),
    _m("deleteContact", "service", "POST", CHATS_WRITE, 10, AMBIGUOUS, takes=Takes.JSON, linked=True,
       required=("chatId",), status="beta", guessed=True),
    _m("getDeviceInfo", "service", "GET", INSTANCES_READ, 1, SAFE, linked=True, status="deprecated"),
)
# fmt: on
METHODS: Final[dict[str, Method]] = {method.name.lower(): method for method in ALL}
"""By name in lower case: upstream matches names without case."""
LINE_SCOPES: Final = frozenset(method.scope for method in ALL if method.group != "partner")
"""What the token of a line may do: everything on its one instance."""
