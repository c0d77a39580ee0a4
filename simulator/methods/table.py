"""The one list of methods: to add one, write its function and a row here."""

from simulator.methods import (
    account,
    calls,
    chats,
    contacts,
    editing,
    files,
    groups,
    journals,
    pairing,
    partner,
    profile,
    queues,
    receiving,
    sending,
    statuses,
    uploading,
)
from simulator.wire import Handler, Method, Needs

GET = frozenset({"GET"})
POST = frozenset({"POST"})
DELETE = frozenset({"DELETE"})
EITHER = GET | POST
PARTNER_RATE = 10.0
PARTNER_BURST = 20.0
UNLISTED = 50
"""Calls per second where no page names a figure (a page of 2023 said so of everything not listed)."""


def _partner(name: str, verbs: frozenset[str], handler: Handler, *, effect: bool = False) -> Method:
    return Method(name, verbs, handler, PARTNER_RATE, effect=effect, burst=PARTNER_BURST)


PARTNER = (
    _partner("createInstance", POST, partner.create_instance, effect=True),
    _partner("getInstances", EITHER, partner.get_instances),
    _partner("deleteInstanceAccount", POST, partner.delete_instance, effect=True),
)

INSTANCE = (
    Method("getStateInstance", GET, account.get_state, 1, Needs.EXISTENCE),
    Method("getSettings", GET, account.get_settings, 1),
    Method("setSettings", POST, account.set_settings, 1, effect=True),
    Method("getWaSettings", GET, account.get_wa_settings, 1),
    Method("reboot", GET, account.reboot, 1, effect=True),
    Method("logout", GET, account.logout, 1, Needs.READINESS, effect=True),
    Method("qr", GET, pairing.get_qr, 3, Needs.READINESS),
    Method("scanqrcode", GET, None, 1, Needs.READINESS),
    Method("getAuthorizationCode", POST, pairing.get_code, 50, Needs.READINESS, effect=True),
    Method("sendMessage", POST, sending.send_message, 50, effect=True),
    Method("sendPoll", POST, sending.send_poll, 50, effect=True),
    Method("sendLocation", POST, sending.send_location, 50, effect=True),
    Method("sendContact", POST, sending.send_contact, 50, effect=True),
    Method("sendLink", POST, sending.send_link, 50, effect=True),
    Method("forwardMessages", POST, sending.forward, 50, effect=True),
    Method("sendInteractiveButtons", POST, sending.send_buttons, UNLISTED, effect=True),
    Method("sendInteractiveButtonsReply", POST, sending.send_reply_buttons, UNLISTED, effect=True),
    Method("sendButtons", POST, sending.dead, 50),
    Method("sendTemplateButtons", POST, sending.dead, 50),
    Method("sendListMessage", POST, sending.dead, 50),
    Method("uploadFile", POST, uploading.upload_file, UNLISTED, effect=True, upload=True),
    Method("sendFileByUpload", POST, uploading.send_upload, 50, effect=True, upload=True),
    Method("sendFileByUrl", POST, uploading.send_by_url, 50, effect=True, first=uploading.look_at_url),
    Method("downloadFile", POST, files.download, 5),
    Method("editMessage", POST, editing.edit, 1, Needs.SESSION, effect=True),
    Method("deleteMessage", POST, editing.delete, 10, Needs.SESSION, effect=True),
    Method("showMessagesQueue", GET, queues.show_messages, 1),
    Method("clearMessagesQueue", GET, queues.clear_messages, 1, effect=True),
    Method("getMessagesCount", GET, queues.count_messages, 1),
    Method("getWebhooksCount", GET, queues.count_webhooks, 1),
    Method("clearWebhooksQueue", DELETE, queues.clear_webhooks, 1, effect=True),
    Method("receiveNotification", GET, None, 100, waits=receiving.receive),
    Method("deleteNotification", DELETE, receiving.delete, 100, effect=True),
    Method("lastIncomingMessages", GET, journals.last_incoming, 1),
    Method("lastOutgoingMessages", GET, journals.last_outgoing, 1),
    Method("getChatHistory", POST, journals.chat_history, 1),
    Method("getMessage", POST, journals.get_message, 10),
)

SERVICE = (
    Method("setProfilePicture", POST, profile.set_picture, 0.1, Needs.SESSION, effect=True, upload=True),
    Method("updateApiToken", GET, profile.update_token, UNLISTED, effect=True),
    Method("getStateInstanceHistory", GET, profile.get_history, UNLISTED),
    Method("getStatusInstance", GET, profile.get_status, 1),
    Method("lastIncomingCalls", GET, calls.last_incoming, UNLISTED),
    Method("lastOutgoingCalls", GET, calls.last_outgoing, UNLISTED),
    Method("createGroup", POST, groups.create, 1, Needs.SESSION, effect=True),
    Method("updateGroupName", POST, groups.rename, 1, Needs.SESSION, effect=True),
    Method("getGroupData", POST, groups.data, 1, Needs.SESSION),
    Method("addGroupParticipant", POST, groups.add, 10, Needs.SESSION, effect=True),
    Method("removeGroupParticipant", POST, groups.remove, 10, Needs.SESSION, effect=True),
    Method("setGroupAdmin", POST, groups.set_admin, 10, Needs.SESSION, effect=True),
    Method("removeAdmin", POST, groups.remove_admin, 10, Needs.SESSION, effect=True),
    Method("setGroupPicture", POST, groups.set_picture, 1, Needs.SESSION, effect=True, upload=True),
    Method("leaveGroup", POST, groups.leave, 10, Needs.SESSION, effect=True),
    Method("updateGroupSettings", POST, groups.update_settings, UNLISTED, Needs.SESSION, effect=True),
    Method("sendTextStatus", POST, statuses.send_text, 5, effect=True),
    Method("sendVoiceStatus", POST, statuses.send_voice, 5, effect=True),
    Method("sendMediaStatus", POST, statuses.send_media, 5, effect=True),
    Method("deleteStatus", POST, statuses.delete, 10, Needs.SESSION, effect=True),
    Method("getStatusStatistic", GET, statuses.statistic, 1),
    Method("getIncomingStatuses", GET, statuses.incoming, 1),
    Method("getOutgoingStatuses", GET, statuses.outgoing_ones, 1),
    Method("readChat", POST, chats.read_chat, 10, Needs.SESSION, effect=True),
    Method("checkWhatsapp", POST, contacts.check_whatsapp, 10, Needs.SESSION),
    Method("getAvatar", POST, contacts.get_avatar, 10, Needs.SESSION),
    Method("getContacts", GET, contacts.get_contacts, 1, Needs.SESSION),
    Method("getContactInfo", POST, contacts.get_contact_info, 1, Needs.SESSION),
    Method("getChats", GET, chats.get_chats, UNLISTED, Needs.SESSION),
    Method("archiveChat", POST, chats.archive, 10, Needs.SESSION, effect=True),
    Method("unarchiveChat", POST, chats.unarchive, 10, Needs.SESSION, effect=True),
    Method("setDisappearingChat", POST, chats.set_disappearing, 1, Needs.SESSION, effect=True),
    Method("sendTyping", POST, chats.send_typing, UNLISTED, effect=True),
    Method("addContact", POST, contacts.add_contact, UNLISTED, Needs.SESSION, effect=True),
    Method("editContact", POST, contacts.edit_contact, UNLISTED, Needs.SESSION, effect=True),
    Method("deleteContact", POST, contacts.delete_contact, UNLISTED, Needs.SESSION, effect=True),
    Method("getDeviceInfo", GET, contacts.get_device_info, 1, Needs.SESSION),
)

PARTNER_METHODS = {method.name.lower(): method for method in PARTNER}
INSTANCE_METHODS = {method.name.lower(): method for method in (*INSTANCE, *SERVICE)}
