"""Every route of the typed face as data: what it asks of the gateway, and what it refuses by itself."""

from dataclasses import dataclass, field
from typing import Any

from app.accounts.scopes import Scope
from app.gateway.catalogue import METHODS, Method
from app.main import create_app
from app.openapi import handlers
from tests.routes.typed.phone import CHAT, FRIEND, JPEG

GROUP = "120363043968066561@g.us"
MESSAGE = "BAE5F00D00000001"


@dataclass(frozen=True)
class Case:
    """One route: a call that is well-formed, and calls that are not, each with the place of its fault."""

    operation: str
    verb: str
    tail: str
    method: str
    body: Any = None
    picture: bool = False
    bad: list[tuple[str, Any, str]] = field(default_factory=list)

    def __str__(self) -> str:
        return self.operation

    @property
    def asked(self) -> Method:
        return METHODS[self.method.lower()]

    @property
    def scope(self) -> Scope:
        return self.asked.scope

    @property
    def more(self) -> dict[str, Any]:
        return {"content": JPEG, "kind": "image/jpeg"} if self.picture else {}


def bodies(tail: str, *bad: tuple[Any, str]) -> list[tuple[str, Any, str]]:
    """Bad bodies of one path."""
    return [(tail, body, pointer) for body, pointer in bad]


NO_CHAT, NO_GROUP = "path:chat_id", "path:group_id"
CASES = [
    Case("listChats", "GET", "chats", "getChats", bad=[("chats?limit=0", None, "?limit")]),
    Case("getChat", "GET", f"chats/{CHAT}", "getChats", bad=[("chats/me", None, NO_CHAT)]),
    Case("updateChat", "PATCH", f"chats/{CHAT}", "archiveChat", {"is_archived": True}, bad=bodies(
        f"chats/{CHAT}", ({}, "#"), ({"is_archived": None}, "#/is_archived"), ({"is_archived": 1}, "#/is_archived"),
        ({"disappearing_seconds": 60}, "#/disappearing_seconds"), ({"name": "x"}, "#/name"))),
    Case("updateChat", "PATCH", f"chats/{CHAT}", "unarchiveChat", {"is_archived": False}),
    Case("updateChat", "PATCH", f"chats/{CHAT}", "setDisappearingChat", {"disappearing_seconds": 0}),
    Case("markChatRead", "POST", f"chats/{FRIEND}/read", "readChat", {}, bad=bodies(
        f"chats/{CHAT}/read", ({"message_id": "a b"}, "#/message_id"), ({"x": 1}, "#/x"))),
    Case("showTyping", "POST", f"chats/{CHAT}/typing", "sendTyping", {"seconds": 2}, bad=bodies(
        f"chats/{CHAT}/typing", ({"seconds": 21}, "#/seconds"), ({"seconds": "2"}, "#/seconds"),
        ({"recording": 1}, "#/recording"))),
    Case("listChatMessages", "GET", f"chats/{CHAT}/messages", "getChatHistory",
         bad=[(f"chats/{CHAT}/messages?limit=x", None, "?limit")]),
    Case("getChatMessage", "GET", f"chats/{CHAT}/messages/{MESSAGE}", "getMessage",
         bad=[(f"chats/+1/messages/{MESSAGE}", None, NO_CHAT)]),
    Case("editChatMessage", "PATCH", f"chats/{CHAT}/messages/{MESSAGE}", "editMessage", {"text": {"body": "new"}},
         bad=bodies(f"chats/{CHAT}/messages/{MESSAGE}", ({}, "#/text"), ({"text": {"body": ""}}, "#/text/body"))),
    Case("deleteChatMessage", "DELETE", f"chats/{CHAT}/messages/{MESSAGE}", "deleteMessage",
         bad=[(f"chats/{CHAT}/messages/{MESSAGE}?for=all", None, "?for")]),
    Case("getChatMessageFile", "GET", f"chats/{CHAT}/messages/{MESSAGE}/file", "downloadFile",
         bad=[(f"chats/x/messages/{MESSAGE}/file", None, NO_CHAT)]),
    Case("listContacts", "GET", "contacts", "getContacts", bad=[("contacts?kind=x", None, "?kind")]),
    Case("getContact", "GET", f"contacts/{FRIEND}", "getContactInfo", bad=[(f"contacts/{GROUP}", None, NO_CHAT)]),
    Case("putContact", "PUT", f"contacts/{CHAT}", "addContact", {"first_name": "Ann"}, bad=bodies(
        f"contacts/{CHAT}", ({}, "#/first_name"), ({"first_name": " "}, "#/first_name"),
        ({"first_name": "A", "on_phone": "no"}, "#/on_phone"))),
    Case("renameContact", "PATCH", f"contacts/{CHAT}", "editContact", {"first_name": "Ann", "last_name": "Lee"},
         bad=bodies(f"contacts/{CHAT}", ({"last_name": "Lee"}, "#/first_name"))),
    Case("deleteContact", "DELETE", f"contacts/{CHAT}", "deleteContact", bad=[("contacts/a@c.us", None, NO_CHAT)]),
    Case("getContactAvatar", "GET", f"contacts/{GROUP}/avatar", "getAvatar",
         bad=[("contacts/1/avatar", None, NO_CHAT)]),
    Case("checkNumber", "POST", "number_checks", "checkWhatsapp", {"to": FRIEND}, bad=bodies(
        "number_checks", ({"to": "79990005544"}, "#/to"), ({"to": GROUP}, "#/to"), ({}, "#/to"),
        ({"to": FRIEND, "fresh": 1}, "#/fresh"))),
    Case("createGroup", "POST", "groups", "createGroup", {"name": "Crew", "participants": [FRIEND]}, bad=bodies(
        "groups", ({"name": "Crew", "participants": []}, "#/participants"),
        ({"name": "Crew", "participants": [FRIEND, GROUP]}, "#/participants/1"),
        ({"name": "x" * 101, "participants": [FRIEND]}, "#/name"), ({"participants": [FRIEND]}, "#/name"))),
    Case("getGroup", "GET", f"groups/{GROUP}", "getGroupData", bad=[(f"groups/{CHAT}", None, NO_GROUP)]),
    Case("updateGroup", "PATCH", f"groups/{GROUP}", "updateGroupName", {"name": "Team"}, bad=bodies(
        f"groups/{GROUP}", ({}, "#"), ({"name": ""}, "#/name"), ({"members_may_send": "yes"}, "#/members_may_send"))),
    Case("updateGroup", "PATCH", f"groups/{GROUP}", "updateGroupSettings", {"members_may_edit": False}),
    Case("leaveGroup", "DELETE", f"groups/{GROUP}", "leaveGroup", bad=[(f"groups/{FRIEND}", None, NO_GROUP)]),
    Case("setGroupPicture", "PUT", f"groups/{GROUP}/picture", "setGroupPicture", picture=True),
    Case("addGroupParticipant", "POST", f"groups/{GROUP}/participants", "addGroupParticipant", {"participant": FRIEND},
         bad=bodies(f"groups/{GROUP}/participants", ({}, "#/participant"), ({"participant": GROUP}, "#/participant"))),
    Case("removeGroupParticipant", "DELETE", f"groups/{GROUP}/participants/{CHAT}", "removeGroupParticipant",
         bad=[(f"groups/{GROUP}/participants/{GROUP}", None, NO_CHAT)]),
    Case("makeGroupAdmin", "PUT", f"groups/{GROUP}/admins/{CHAT}", "setGroupAdmin",
         bad=[(f"groups/{GROUP}/admins/x", None, NO_CHAT)]),
    Case("dismissGroupAdmin", "DELETE", f"groups/{GROUP}/admins/{CHAT}", "removeAdmin",
         bad=[(f"groups/x/admins/{CHAT}", None, NO_GROUP)]),
    Case("postStatus", "POST", "statuses", "sendTextStatus", {"type": "text", "text": {"body": "Hi"}}, bad=bodies(
        "statuses", ({"type": "text"}, "#/text"), ({"type": "voice", "text": {"body": "Hi"}}, "#/media"),
        ({"type": "story"}, "#/type"), ({"type": "text", "text": {"body": "x" * 501}}, "#/text/body"),
        ({"type": "text", "text": {"body": "Hi"}, "background": "#FFFFFF"}, "#/background"),
        ({"type": "text", "text": {"body": "Hi"}, "background": "red"}, "#/background"),
        ({"type": "text", "text": {"body": "Hi", "font": "ARIAL"}}, "#/text/font"),
        ({"type": "text", "text": {"body": "Hi"}, "audience": ["x"]}, "#/audience/0"),
        ({"type": "text", "text": {"body": "Hi"}, "media": {"url": "https://a.example/a.jpg"}}, "#/media"),
        ({"type": "media", "media": {}}, "#/media"), ({"type": "media", "media": {"url": "ftp://a"}}, "#/media/url"),
        ({"type": "media", "media": {"url": "https://a.example/a"}}, "#/media/filename"),
        ({"type": "media", "media": {"url": "https://a.example/"}}, "#/media/filename"))),
    Case("postStatus", "POST", "statuses", "sendVoiceStatus",
         {"type": "voice", "media": {"url": "https://files.example/a.mp3"}, "background": "#112233"}),
    Case("postStatus", "POST", "statuses", "sendMediaStatus",
         {"type": "media", "media": {"url": "https://files.example/a.jpg", "caption": "Hi"}, "audience": [FRIEND]}),
    Case("listStatuses", "GET", "statuses", "getOutgoingStatuses", bad=[
        ("statuses?direction=in", None, "?direction"), ("statuses?minutes=0", None, "?minutes")]),
    Case("listStatuses", "GET", "statuses?direction=incoming&minutes=5", "getIncomingStatuses"),
    Case("listStatusViews", "GET", f"statuses/{MESSAGE}/views", "getStatusStatistic"),
    Case("deleteStatus", "DELETE", f"statuses/{MESSAGE}", "deleteStatus"),
    Case("listQueue", "GET", "queue", "showMessagesQueue"),
    Case("clearQueue", "DELETE", "queue", "clearMessagesQueue"),
    Case("countQueue", "GET", "queue/count", "getMessagesCount"),
    Case("listRecentMessages", "GET", "recent_messages", "lastIncomingMessages",
         bad=[("recent_messages?minutes=43201", None, "?minutes")]),
    Case("listRecentMessages", "GET", "recent_messages?direction=outgoing", "lastOutgoingMessages"),
    Case("listCalls", "GET", "calls", "lastIncomingCalls", bad=[("calls?direction=x", None, "?direction")]),
    Case("listCalls", "GET", "calls?direction=outgoing", "lastOutgoingCalls"),
    Case("getSettings", "GET", "settings", "getSettings"),
    Case("updateSettings", "PATCH", "settings", "setSettings", {"send_delay_ms": 600}, bad=bodies(
        "settings", ({}, "#"), ({"send_delay_ms": 499}, "#/send_delay_ms"), ({"typing_speed": 11}, "#/typing_speed"),
        ({"keep_online": "yes"}, "#/keep_online"), ({"webhookUrl": "https://a.example"}, "#/webhookUrl"))),
    Case("getLinkedAccount", "GET", "account", "getWaSettings"),
    Case("getLinkedDevice", "GET", "account/device", "getDeviceInfo"),
    Case("listLinkHistory", "GET", "account/history", "getStateInstanceHistory",
         bad=[("account/history?limit=1001", None, "?limit")]),
    Case("setAccountPicture", "PUT", "account/picture", "setProfilePicture", picture=True),
]  # fmt: skip
BY_OTHER_TESTS = {"editMessage", "deleteMessage", "getMessageFile"}
"""Routes of messages of ours: they need one."""


def typed_operations() -> set[str]:
    """The operations that `app.typed` adds, those of uploads left out: they stream."""
    return {
        str(handler.operation_id)
        for _, handler in handlers(create_app(None))
        if handler.fn.__module__.startswith("app.typed") and not handler.fn.__module__.endswith("uploads")
    }
