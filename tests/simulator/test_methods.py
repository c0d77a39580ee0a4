"""The names of the upstream's methods, as its pages list them, against the table."""

from __future__ import annotations

from simulator.methods.table import INSTANCE_METHODS, PARTNER_METHODS

LISTED = {
    "partner": "createInstance getInstances deleteInstanceAccount",
    "account": "getSettings setSettings getStateInstance getStateInstanceHistory getStatusInstance reboot logout qr"
    " scanqrcode getAuthorizationCode setProfilePicture updateApiToken getWaSettings",
    "sending": "sendMessage sendPoll sendFileByUpload sendFileByUrl uploadFile sendLocation sendContact"
    " forwardMessages sendInteractiveButtons sendInteractiveButtonsReply sendButtons sendTemplateButtons"
    " sendListMessage sendLink",
    "receiving": "receiveNotification deleteNotification downloadFile",
    "journals": "getChatHistory getMessage lastIncomingMessages lastOutgoingMessages lastIncomingCalls"
    " lastOutgoingCalls",
    "queues": "getMessagesCount showMessagesQueue clearMessagesQueue getWebhooksCount clearWebhooksQueue",
    "groups": "createGroup updateGroupName getGroupData addGroupParticipant removeGroupParticipant setGroupAdmin"
    " removeAdmin setGroupPicture leaveGroup updateGroupSettings",
    "statuses": "sendTextStatus sendVoiceStatus sendMediaStatus deleteStatus getStatusStatistic getIncomingStatuses"
    " getOutgoingStatuses",
    "marks": "readChat",
    "service": "checkWhatsapp getAvatar getContacts getContactInfo getChats editMessage deleteMessage archiveChat"
    " unarchiveChat setDisappearingChat sendTyping addContact editContact deleteContact getDeviceInfo",
}
COUNTS = {
    "partner": 3,
    "account": 13,
    "sending": 14,
    "receiving": 3,
    "journals": 6,
    "queues": 5,
    "groups": 10,
    "statuses": 7,
    "marks": 1,
    "service": 15,
}


def test_every_listed_method_is_played_and_no_other() -> None:
    names = {group: names.split() for group, names in LISTED.items()}
    assert {group: len(found) for group, found in names.items()} == COUNTS
    played = [method.name for method in (*PARTNER_METHODS.values(), *INSTANCE_METHODS.values())]
    assert sorted(played) == sorted(name for found in names.values() for name in found)
    assert len(played) == 77
