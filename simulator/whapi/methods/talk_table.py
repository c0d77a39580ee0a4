"""Operations of the gate about messages, chats and people; rows of the one list in `table.py`."""

from simulator.whapi.methods import calls, chats, contacts, groups, media, messages, sending, stories
from simulator.whapi.wire import LARGE, Counts, First, Handler, Method, Needs


def _send(name: str, path: str, handler: Handler, first: First | None = None, *, raw: bool = False) -> Method:
    """Works in SYNC_ERROR as well (help desk, read 2026-11-21)."""
    return Method(
        name,
        "gate",
        "POST",
        path,
        handler,
        Needs.SESSION,
        effect=True,
        counts="message",
        first=first,
        raw=raw,
        max_bytes=LARGE,
    )


def _read(name: str, path: str, handler: Handler) -> Method:
    return Method(name, "gate", "GET", path, handler, Needs.SYNC)


def _do(name: str, verb: str, path: str, handler: Handler, counts: Counts = "") -> Method:
    return Method(name, "gate", verb, path, handler, Needs.SESSION, effect=True, counts=counts)


TEXT, FILE, PERHAPS, RAW = (
    sending.before_text,
    sending.before_file,
    sending.before_optional_file,
    sending.before_raw,
)

SENDING = (
    _send("sendMessageText", "/messages/text", sending.send("text"), TEXT),
    _send("sendMessageLinkPreview", "/messages/link_preview", sending.send("link_preview"), PERHAPS),
    _send("sendMessageImage", "/messages/image", sending.send("image"), FILE),
    _send("sendMessageVideo", "/messages/video", sending.send("video"), FILE),
    _send("sendMessageShort", "/messages/short", sending.send("short"), FILE),
    _send("sendMessageGif", "/messages/gif", sending.send("gif"), FILE),
    _send("sendMessageAudio", "/messages/audio", sending.send("audio"), FILE),
    _send("sendMessageVoice", "/messages/voice", sending.send("voice"), FILE),
    _send("sendMessageDocument", "/messages/document", sending.send("document"), FILE),
    _send("sendMessageSticker", "/messages/sticker", sending.send("sticker"), FILE),
    _send("sendMediaMessage", "/messages/media/{MediaMessageType}", sending.send_raw, RAW, raw=True),
    _send("sendMessageLocation", "/messages/location", sending.send("location"), TEXT),
    _send("sendMessageLiveLocation", "/messages/live_location", sending.send("live_location"), TEXT),
    _send("sendMessageContact", "/messages/contact", sending.send("contact"), TEXT),
    _send("sendMessageContactList", "/messages/contact_list", sending.send("contact_list"), TEXT),
    _send("sendMessagePoll", "/messages/poll", sending.send("poll"), TEXT),
    _send("sendMessageInteractive", "/messages/interactive", sending.send("interactive"), PERHAPS),
    _send("forwardMessage", "/messages/{MessageID}", sending.forward),
)

STORIES = (
    _send("createStory", "/stories", stories.send_any, PERHAPS),
    _send("createStoryText", "/stories/send/text", stories.send_text),
    _send("createStoryAudio", "/stories/send/audio", stories.send_audio, FILE),
    _send("createStoryMedia", "/stories/send/media", stories.send_media, FILE),
    _send("sendMessageStory", "/messages/story", stories.send_any, PERHAPS),
    _send("sendMessageStoryText", "/messages/story/text", stories.send_text),
    _send("sendMessageStoryAudio", "/messages/story/audio", stories.send_audio, FILE),
    _send("sendMessageStoryMedia", "/messages/story/media", stories.send_media, FILE),
    _read("getStories", "/stories", stories.get_stories),
    _read("getStory", "/stories/{MessageID}", stories.get_story),
    _do("copyStory", "PUT", "/stories/{MessageID}", stories.copy_story, "message"),
)

MESSAGES = (
    _read("getMessages", "/messages/list", messages.get_messages),
    _read("getMessagesByChatID", "/messages/list/{ChatID}", messages.get_messages_of_chat),
    _read("getMessage", "/messages/{MessageID}", messages.get_message),
    _do("markMessageAsRead", "PUT", "/messages/{MessageID}", messages.mark_read),
    _do("deleteMessage", "DELETE", "/messages/{MessageID}", messages.delete_message),
    _do("reactToMessage", "PUT", "/messages/{MessageID}/reaction", messages.react),
    _do("removeReactFromMessage", "DELETE", "/messages/{MessageID}/reaction", messages.remove_reaction),
    _do("starMessage", "PUT", "/messages/{MessageID}/star", messages.star),
    _read("getMessageViewStatuses", "/statuses/{MessageID}", messages.get_views),
)

MEDIA = (
    Method(
        "uploadMedia",
        "gate",
        "POST",
        "/media",
        media.upload,
        Needs.SESSION,
        effect=True,
        first=sending.before_raw,
        raw=True,
        max_bytes=LARGE,
    ),
    _read("getMediaFiles", "/media", media.get_files),
    _read("getMedia", "/media/{MediaID}", media.get_file),
    _do("deleteMedia", "DELETE", "/media/{MediaID}", media.delete_file),
)

CHATS = (
    _read("getChats", "/chats", chats.get_chats),
    _read("getChat", "/chats/{ChatID}", chats.get_chat),
    _do("archiveChat", "POST", "/chats/{ChatID}", chats.archive_chat),
    _do("deleteChat", "DELETE", "/chats/{ChatID}", chats.delete_chat),
    _do("patchChat", "PATCH", "/chats/{ChatID}", chats.patch_chat),
)

CONTACTS = (
    _read("getContacts", "/contacts", contacts.get_contacts),
    Method("checkPhones", "gate", "POST", "/contacts", contacts.check_phones, Needs.SESSION),
    _do("addContact", "PUT", "/contacts", contacts.add_contact),
    _read("getContact", "/contacts/{ContactID}", contacts.get_contact),
    Method("checkExist", "gate", "HEAD", "/contacts/{ContactID}", contacts.check_exist, Needs.SESSION, counts="check"),
    _do("editContact", "PATCH", "/contacts/{ContactID}", contacts.edit_contact),
    _do("deleteContact", "DELETE", "/contacts/{ContactID}", contacts.delete_contact),
    _read("getContactProfile", "/contacts/{ContactID}/profile", contacts.get_profile),
    _read("getLidById", "/contacts/lids/{ContactID}", contacts.get_lid),
    _read("getBlackList", "/blacklist", contacts.get_blocked),
    _do("blacklistAdd", "PUT", "/blacklist/{ContactID}", contacts.block),
    _do("blacklistRemove", "DELETE", "/blacklist/{ContactID}", contacts.unblock),
    _do("sendMePresence", "PUT", "/presences/me", contacts.send_own_presence),
    _do("sendPresence", "PUT", "/presences/{EntryID}", contacts.send_presence),
    _do("subscribePresence", "POST", "/presences/{EntryID}", contacts.subscribe_presence),
    _read("getPresence", "/presences/{EntryID}", contacts.get_presence),
    _do("rejectCall", "DELETE", "/calls/{CallID}", calls.reject_call),
    _do("rejectCallDeprecated", "POST", "/calls/{CallID}/reject", calls.reject_call),
)

GROUPS = (
    _read("getGroups", "/groups", groups.get_groups),
    _do("createGroup", "POST", "/groups", groups.create_group),
    _do("acceptGroupInvite", "PUT", "/groups", groups.accept_invite),
    _read("getGroup", "/groups/{GroupID}", groups.get_group),
    _do("updateGroupInfo", "PUT", "/groups/{GroupID}", groups.update_info),
    _do("updateGroupSetting", "PATCH", "/groups/{GroupID}", groups.update_setting),
    _do("leaveGroup", "DELETE", "/groups/{GroupID}", groups.leave),
    _do("addGroupParticipant", "POST", "/groups/{GroupID}/participants", groups.add_participants),
    _do("removeGroupParticipant", "DELETE", "/groups/{GroupID}/participants", groups.remove_participants),
    _do("promoteToGroupAdmin", "PATCH", "/groups/{GroupID}/admins", groups.promote),
    _do("demoteGroupAdmin", "DELETE", "/groups/{GroupID}/admins", groups.demote),
    _read("getGroupInvite", "/groups/{GroupID}/invite", groups.get_invite),
    _do("revokeGroupInvite", "DELETE", "/groups/{GroupID}/invite", groups.revoke_invite),
    _read("getGroupMetadataByInviteCode", "/groups/link/{InviteCode}", groups.get_by_code),
    _read("getGroupIcon", "/groups/{GroupID}/icon", groups.get_icon),
    Method(
        "setGroupIcon",
        "gate",
        "PUT",
        "/groups/{GroupID}/icon",
        groups.set_icon,
        Needs.SESSION,
        effect=True,
        first=groups.before_icon,
        raw=True,
        max_bytes=LARGE,
    ),
    _do("deleteGroupIcon", "DELETE", "/groups/{GroupID}/icon", groups.delete_icon),
)

TALK = SENDING + STORIES + MESSAGES + MEDIA + CHATS + CONTACTS + GROUPS
