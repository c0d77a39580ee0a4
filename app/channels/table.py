"""Every route of Whapi's gate: who answers it, and as what it is admitted when it is passed on.

Source: the inventory of the Whapi gate reference, 1.8.7 (read 2026-11-21). Scopes, rates and what counts are ours.
"""

import re
from collections.abc import Mapping
from typing import Final

from app.accounts.scopes import Scope
from app.channels import account, chats, groups, people, sends, settings, stories
from app.channels.parts import Route, Serve, Takes
from app.gateway.catalogue import Counts, Method, Retry
from app.gateway.catalogue import Takes as Body
from app.providers import asks

RATE: Final = 10.0
PARAMETER: Final = re.compile(r"(?!\.+$)[A-Za-z0-9@._:+=-]{1,600}")
"""What may stand in a path for an id; dots alone would lead a call that is passed on to another path."""
READS: Final = ("GET", "HEAD")
WRITES: Final[Mapping[str, tuple[Scope, Scope]]] = {
    "messages": (Scope.MESSAGES_READ, Scope.MESSAGES_SEND),
    "stories": (Scope.MESSAGES_READ, Scope.MESSAGES_SEND),
    "media": (Scope.MESSAGES_READ, Scope.MESSAGES_SEND),
    "groups": (Scope.CHATS_READ, Scope.GROUPS_WRITE),
    "communities": (Scope.CHATS_READ, Scope.GROUPS_WRITE),
    "users": (Scope.INSTANCES_READ, Scope.INSTANCES_WRITE),
    "business": (Scope.INSTANCES_READ, Scope.INSTANCES_WRITE),
    "status": (Scope.INSTANCES_READ, Scope.INSTANCES_WRITE),
}
"""The scopes of reading and of changing, by the first part of a path; all others are of chats."""
OTHERS: Final = (Scope.CHATS_READ, Scope.CHATS_WRITE)


def _route(
    name: str, verb: str, path: str, serve: Serve | None = None, takes: Takes = "nothing", *, is_open: bool = False
) -> Route:
    is_send = verb == "POST" and name.startswith("send")
    counts: Counts = "messages" if is_send else "calls"
    read, write = WRITES.get(path.split("/")[1], OTHERS)
    is_read = verb in READS
    method = Method(
        name=path,
        group="channel",
        verb=verb,
        scope=read if is_read else write,
        rate=RATE,
        retry=Retry.SAFE if is_read else Retry.AMBIGUOUS,
        takes=Body.NOTHING if takes == "nothing" else Body.JSON,
        counts=counts,
    )
    return Route(name, verb, path, method, serve, takes, is_open)


_o = _route
FIELDS: Final[Takes] = "fields"
FILE: Final[Takes] = "file"
# fmt: off
SERVED: Final = (
    _o("checkHealth", "GET", "/health", account.health, is_open=True),
    _o("getChannelSettings", "GET", "/settings", settings.read, is_open=True),
    _o("updateChannelSettings", "PATCH", "/settings", settings.change, FIELDS),
    _o("resetChannelSettings", "DELETE", "/settings", settings.reset),
    _o("getAllowedEvents", "GET", "/settings/events", settings.events, is_open=True),
    _o("webhookTest", "POST", "/settings/webhook_test", settings.test, FIELDS),
    _o("loginUser", "GET", "/users/login", account.login),
    _o("loginUserImage", "GET", "/users/login/image", account.login_image),
    _o("loginUserViaAuthCode", "GET", "/users/login/{PhoneNumber}", account.login_code),
    _o("logoutUser", "POST", "/users/logout", account.logout, is_open=True),
    _o("getUserProfile", "GET", "/users/profile", account.profile),
    _o("updateUserProfile", "PATCH", "/users/profile", account.change_profile, FILE),
    _o("getLimits", "GET", "/limits", account.limits, is_open=True),
    _o("sendMessageText", "POST", "/messages/text", sends.text, FIELDS),
    _o("sendMessageImage", "POST", "/messages/image", sends.file("image"), FILE),
    _o("sendMessageVideo", "POST", "/messages/video", sends.file("video"), FILE),
    _o("sendMessageAudio", "POST", "/messages/audio", sends.file("audio"), FILE),
    _o("sendMessageVoice", "POST", "/messages/voice", sends.file("voice"), FILE),
    _o("sendMessageDocument", "POST", "/messages/document", sends.file("document"), FILE),
    _o("sendMediaMessage", "POST", "/messages/media/{MediaMessageType}", sends.media, FILE),
    _o("sendMessageLocation", "POST", "/messages/location", sends.plain(sends.location_of), FIELDS),
    _o("sendMessageContact", "POST", "/messages/contact", sends.plain(sends.contact_of), FIELDS),
    _o("sendMessagePoll", "POST", "/messages/poll", sends.plain(sends.poll_of), FIELDS),
    _o("sendMessageInteractive", "POST", "/messages/interactive", sends.interactive, FILE),
    _o("getMessages", "GET", "/messages/list", chats.messages),
    _o("getMessagesByChatID", "GET", "/messages/list/{ChatID}", chats.history),
    _o("getMessage", "GET", "/messages/{MessageID}", chats.message),
    _o("forwardMessage", "POST", "/messages/{MessageID}", sends.forward, FIELDS),
    _o("markMessageAsRead", "PUT", "/messages/{MessageID}", chats.read),
    _o("deleteMessage", "DELETE", "/messages/{MessageID}", chats.delete),
    _o("getChats", "GET", "/chats", chats.chats),
    _o("getChat", "GET", "/chats/{ChatID}", chats.chat),
    _o("archiveChat", "POST", "/chats/{ChatID}", chats.archive, FIELDS),
    _o("patchChat", "PATCH", "/chats/{ChatID}", chats.change, FIELDS),
    _o("sendPresence", "PUT", "/presences/{EntryID}", chats.presence, FIELDS),
    _o("getContacts", "GET", "/contacts", people.contacts),
    _o("checkPhones", "POST", "/contacts", people.check, FIELDS),
    _o("addContact", "PUT", "/contacts", people.add, FIELDS),
    _o("getContact", "GET", "/contacts/{ContactID}", people.contact),
    _o("checkExist", "HEAD", "/contacts/{ContactID}", people.exists),
    _o("editContact", "PATCH", "/contacts/{ContactID}", people.edit, FIELDS),
    _o("deleteContact", "DELETE", "/contacts/{ContactID}", people.delete),
    _o("getContactProfile", "GET", "/contacts/{ContactID}/profile", people.profile),
    _o("getGroups", "GET", "/groups", groups.listed),
    _o("createGroup", "POST", "/groups", groups.create, FIELDS),
    _o("getGroup", "GET", "/groups/{GroupID}", groups.one),
    _o("updateGroupInfo", "PUT", "/groups/{GroupID}", groups.rename, FIELDS),
    _o("updateGroupSetting", "PATCH", "/groups/{GroupID}", groups.settle, FIELDS),
    _o("leaveGroup", "DELETE", "/groups/{GroupID}", groups.leave),
    _o("addGroupParticipant", "POST", "/groups/{GroupID}/participants",
       groups.each_member(asks.AddParticipant, tells=True), FIELDS),
    _o("removeGroupParticipant", "DELETE", "/groups/{GroupID}/participants",
       groups.each_member(asks.RemoveParticipant, tells=True), FIELDS),
    _o("promoteToGroupAdmin", "PATCH", "/groups/{GroupID}/admins",
       groups.each_member(asks.MakeAdmin, tells=False), FIELDS),
    _o("demoteGroupAdmin", "DELETE", "/groups/{GroupID}/admins",
       groups.each_member(asks.DismissAdmin, tells=False), FIELDS),
    _o("getGroupInvite", "GET", "/groups/{GroupID}/invite", groups.invite),
    _o("getGroupIcon", "GET", "/groups/{GroupID}/icon", groups.icon),
    _o("setGroupIcon", "PUT", "/groups/{GroupID}/icon", groups.set_icon, FILE),
    _o("getStories", "GET", "/stories", stories.listed),
    _o("createStoryText", "POST", "/stories/send/text", stories.text, FIELDS),
    _o("createStoryMedia", "POST", "/stories/send/media", stories.media, FILE),
    _o("createStoryAudio", "POST", "/stories/send/audio", stories.audio, FILE),
    _o("getStory", "GET", "/stories/{MessageID}", stories.one),
    _o("getMessageViewStatuses", "GET", "/statuses/{MessageID}", stories.views),
    _o("uploadMedia", "POST", "/media", chats.upload, FILE),
    _o("getMedia", "GET", "/media/{MediaID}", chats.media),
)
"""What is asked in our words, so that it works over any gateway."""
PASSED: Final = (
    _o("loginUserRowData", "GET", "/users/login/rowdata"),
    _o("changeStatus", "PUT", "/status", None, FIELDS),
    _o("sendMessageShort", "POST", "/messages/short", None, FILE),
    _o("sendMessageGif", "POST", "/messages/gif", None, FILE),
    _o("sendMessageSticker", "POST", "/messages/sticker", None, FILE),
    _o("sendMessageLinkPreview", "POST", "/messages/link_preview", None, FILE),
    _o("sendMessageLiveLocation", "POST", "/messages/live_location", None, FIELDS),
    _o("sendMessageContactList", "POST", "/messages/contact_list", None, FIELDS),
    _o("sendMessageCarousel", "POST", "/messages/carousel", None, FIELDS),
    _o("sendMessageStory", "POST", "/messages/story", None, FILE),
    _o("sendMessageStoryAudio", "POST", "/messages/story/audio", None, FILE),
    _o("sendMessageStoryMedia", "POST", "/messages/story/media", None, FILE),
    _o("sendMessageStoryText", "POST", "/messages/story/text", None, FIELDS),
    _o("reactToMessage", "PUT", "/messages/{MessageID}/reaction", None, FIELDS),
    _o("removeReactFromMessage", "DELETE", "/messages/{MessageID}/reaction"),
    _o("starMessage", "PUT", "/messages/{MessageID}/star", None, FIELDS),
    _o("pinMessage", "POST", "/messages/{MessageID}/pin", None, FIELDS),
    _o("unpinMessage", "DELETE", "/messages/{MessageID}/pin"),
    _o("deleteChat", "DELETE", "/chats/{ChatID}"),
    _o("getLidByIds", "GET", "/contacts/lids"),
    _o("getLidById", "GET", "/contacts/lids/{ContactID}"),
    _o("sendMePresence", "PUT", "/presences/me", None, FIELDS),
    _o("getPresence", "GET", "/presences/{EntryID}"),
    _o("subscribePresence", "POST", "/presences/{EntryID}", None, FIELDS),
    _o("acceptGroupInvite", "PUT", "/groups", None, FIELDS),
    _o("revokeGroupInvite", "DELETE", "/groups/{GroupID}/invite"),
    _o("deleteGroupIcon", "DELETE", "/groups/{GroupID}/icon"),
    _o("getGroupMetadataByInviteCode", "GET", "/groups/link/{InviteCode}"),
    _o("getGroupApplicationsList", "GET", "/groups/{GroupID}/applications"),
    _o("approveGroupApplicationsList", "POST", "/groups/{GroupID}/applications", None, FIELDS),
    _o("rejectGroupApplicationsList", "DELETE", "/groups/{GroupID}/applications", None, FIELDS),
    _o("copyStory", "PUT", "/stories/{MessageID}", None, FIELDS),
    _o("blacklistAdd", "PUT", "/blacklist/{ContactID}"),
    _o("blacklistRemove", "DELETE", "/blacklist/{ContactID}"),
    _o("getBlackList", "GET", "/blacklist"),
    _o("getBusinessProfile", "GET", "/business"),
    _o("editBusinessProfile", "POST", "/business", None, FIELDS),
    _o("getProducts", "GET", "/business/products"),
    _o("getContactProducts", "GET", "/business/{ContactID}/products"),
    _o("getProduct", "GET", "/business/products/{ProductID}"),
    _o("getLabels", "GET", "/labels"),
    _o("createLabel", "POST", "/labels", None, FIELDS),
    _o("getLabelAssociations", "GET", "/labels/{LabelID}"),
    _o("addLabelAssociation", "POST", "/labels/{LabelID}/{AssociationID}", None, FIELDS),
    _o("deleteLabelAssociation", "DELETE", "/labels/{LabelID}/{AssociationID}"),
    _o("getNewsletters", "GET", "/newsletters"),
    _o("getNewsletter", "GET", "/newsletters/{NewsletterID}"),
    _o("getCommunities", "GET", "/communities"),
    _o("getCommunity", "GET", "/communities/{CommunityID}"),
    _o("sendContact", "POST", "/contacts/{ContactID}", None, FIELDS),
    _o("sendGroupInvite", "POST", "/groups/link/{InviteCode}", None, FIELDS),
    _o("createStory", "POST", "/stories", None, FILE),
    _o("createNewsletter", "POST", "/newsletters", None, FIELDS),
    _o("findNewsletter", "GET", "/newsletters/find"),
    _o("recommendedNewsletter", "GET", "/newsletters/recommended"),
    _o("deleteNewsletter", "DELETE", "/newsletters/{NewsletterID}", None, FIELDS),
    _o("editNewsletter", "PATCH", "/newsletters/{NewsletterID}", None, FIELDS),
    _o("subscribeNewsletter", "POST", "/newsletters/{NewsletterID}/subscription", None, FIELDS),
    _o("unsubscribeNewsletter", "DELETE", "/newsletters/{NewsletterID}/subscription", None, FIELDS),
    _o("subscribeNewsletterInvite", "POST", "/newsletters/invite/{NewsletterInviteCode}/subscription", None, FIELDS),
    _o("unsubscribeNewsletterInvite", "DELETE", "/newsletters/invite/{NewsletterInviteCode}/subscription", None,
       FIELDS),
    _o("trackingNewsletter", "POST", "/newsletters/{NewsletterID}/tracking", None, FIELDS),
    _o("getMessagesNewsletter", "GET", "/newsletters/{NewsletterID}/messages"),
    _o("createNewsletterAdminInvite", "POST", "/newsletters/{NewsletterID}/invite/{ContactID}", None, FIELDS),
    _o("revokeNewsletterAdminInvite", "DELETE", "/newsletters/{NewsletterID}/invite/{ContactID}", None, FIELDS),
    _o("acceptNewsletterAdminRequest", "PUT", "/newsletters/{NewsletterID}/admins/{ContactID}", None, FIELDS),
    _o("demoteNewsletterAdmin", "DELETE", "/newsletters/{NewsletterID}/admins/{ContactID}", None, FIELDS),
    _o("sendNewsletterInvite", "POST", "/newsletters/link/{NewsletterInviteCode}", None, FIELDS),
    _o("getNewsletterByInviteCode", "GET", "/newsletters/link/{NewsletterInviteCode}"),
    _o("createProduct", "POST", "/business/products", None, FIELDS),
    _o("sendProduct", "POST", "/business/products/{ProductID}", None, FIELDS),
    _o("updateProduct", "PATCH", "/business/products/{ProductID}", None, FIELDS),
    _o("deleteProduct", "DELETE", "/business/products/{ProductID}", None, FIELDS),
    _o("getOrderItems", "GET", "/business/orders/{OrderID}"),
    _o("sendCatalog", "POST", "/business/catalogs/{ContactID}", None, FIELDS),
    _o("createCollection", "POST", "/business/collections", None, FIELDS),
    _o("getCollectionsList", "GET", "/business/collections"),
    _o("getCollectionsProductsList", "GET", "/business/collections/products"),
    _o("getCollection", "GET", "/business/collections/{CollectionID}"),
    _o("editCollection", "PATCH", "/business/collections/{CollectionID}", None, FIELDS),
    _o("deleteCollection", "DELETE", "/business/collections/{CollectionID}", None, FIELDS),
    _o("getCollectionProductList", "GET", "/business/collections/{CollectionID}/products"),
    _o("createCommunity", "POST", "/communities", None, FIELDS),
    _o("createGroupInCommunity", "POST", "/communities/{CommunityID}", None, FIELDS),
    _o("deactivateCommunity", "DELETE", "/communities/{CommunityID}", None, FIELDS),
    _o("revokeCommunityInvite", "DELETE", "/communities/{CommunityID}/link", None, FIELDS),
    _o("linkGroupToCommunity", "PUT", "/communities/{CommunityID}/{GroupID}", None, FIELDS),
    _o("unlinkGroupFromCommunity", "DELETE", "/communities/{CommunityID}/{GroupID}", None, FIELDS),
    _o("joinInCommunityGroup", "POST", "/communities/{CommunityID}/{GroupID}/join", None, FIELDS),
    _o("changeCommunitySettings", "PATCH", "/communities/{CommunityID}/settings", None, FIELDS),
    _o("addCommunityParticipant", "POST", "/communities/{CommunityID}/participants", None, FIELDS),
    _o("removeCommunityParticipant", "DELETE", "/communities/{CommunityID}/participants", None, FIELDS),
    _o("promoteCommunityParticipant", "PATCH", "/communities/{CommunityID}/admins", None, FIELDS),
    _o("demoteCommunityParticipant", "DELETE", "/communities/{CommunityID}/admins", None, FIELDS),
    _o("getCommunitySubGroups", "GET", "/communities/{CommunityID}/subgroups"),
    _o("createEvent", "POST", "/communities/event", None, FIELDS),
    _o("createGroupInCommunityDeprecated", "POST", "/communities/{CommunityID}/createGroup", None, FIELDS),
    _o("createCallEvent", "POST", "/calls", None, FIELDS),
    _o("rejectCallDeprecated", "POST", "/calls/{CallID}/reject", None, FIELDS),
    _o("createGroupCallLink", "POST", "/calls/group_link", None, FIELDS),
    _o("sendEvent", "POST", "/messages/event", None, FIELDS),
    _o("rejectCall", "DELETE", "/calls/{CallID}", None, FIELDS),
)
"""What only a gateway of Whapi's words can do: passed on there, 501 elsewhere."""
# fmt: on
ABSENT: Final = (
    _o("getMediaFiles", "GET", "/media", chats.absent),
    _o("deleteMedia", "DELETE", "/media/{MediaID}", chats.absent),
)
"""What is not offered: files of the gateway have other ids than ours, and end by themselves."""
ROUTES: Final = (*SERVED, *PASSED, *ABSENT)


def find(verb: str, path: str) -> tuple[Route, dict[str, str]] | tuple[None, tuple[str, ...]]:
    """The route of a path with its parameters; None, and the verbs that the path has, none if there is no such path.

    A part that is written out is never a parameter, whatever the verb. What can be got has a head.
    """
    parts = [part for part in path.split("/") if part]
    matched = [(route, _match(route, parts)) for route in BY_LENGTH.get(len(parts), ())]
    known = [(route, params) for route, params in matched if params is not None]
    fewest = min((len(params) for _, params in known), default=0)
    found = {route.verb: (route, params) for route, params in reversed(known) if len(params) == fewest}
    if "GET" in found:
        found.setdefault("HEAD", found["GET"])
    return found.get(verb) or (None, tuple(sorted(found)))


def _match(route: Route, parts: list[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for wanted, part in zip(route.path.split("/")[1:], parts, strict=True):
        if wanted.startswith("{"):
            if not PARAMETER.fullmatch(part):
                return None
            params[wanted.strip("{}")] = part
        elif wanted != part:
            return None
    return params


def _by_length() -> dict[int, list[Route]]:
    found: dict[int, list[Route]] = {}
    for route in ROUTES:
        found.setdefault(route.path.count("/"), []).append(route)
    return found


BY_LENGTH: Final = _by_length()
