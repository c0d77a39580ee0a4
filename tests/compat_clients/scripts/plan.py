"""Every method of the Python client once or more, in an order in which a real account can answer it.

A step is `(method, arguments, name)`: later steps read what the named one was told as `$name.field`.
A `Cue` waits for the test to arrange the world.
"""

from dataclasses import dataclass, field
from typing import Any

FRIEND, OTHER, THIRD = "79990000001@c.us", "79990000002@c.us", "79990000003@c.us"
SWITCHES = {
    "incomingWebhook": "yes",
    "outgoingWebhook": "no",
    "outgoingMessageWebhook": "no",
    "outgoingAPIMessageWebhook": "yes",
    "stateWebhook": "no",
    "pollMessageWebhook": "yes",
    "incomingBlockWebhook": "no",
    "incomingCallWebhook": "no",
    "editedMessageWebhook": "no",
    "deletedMessageWebhook": "no",
    "deviceWebhook": "no",
}


@dataclass(frozen=True)
class Step:
    """One call of the client."""

    method: str
    arguments: dict[str, Any] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True)
class Cue:
    """Something the test does."""

    name: str
    needs: dict[str, Any] = field(default_factory=dict)


def call(method: str, name: str = "", /, **arguments: Any) -> Step:
    """One call of the client."""
    return Step(method, arguments, name)


def cue(name: str, **needs: Any) -> Cue:
    """Something the test does."""
    return Cue(name, needs)


def account(files: dict[str, str]) -> list[Step | Cue]:
    """Reading and setting."""
    return [
        call("account.getStateInstance"),
        call(
            "account.setSettings",
            requestBody={**SWITCHES, "webhookUrl": "", "webhookUrlToken": "", "markIncomingMessagesReaded": "no"},
        ),
        cue("settled"),
        call("account.getSettings"),
        call("account.getWaSettings"),
        call("account.getStatusInstance"),
        call("account.getStateInstanceHistory", count=1),
        call("account.setProfilePicture", path=files["picture"]),
        call("device.getDeviceInfo"),
    ]


def sending(files: dict[str, str], shop: str) -> list[Step | Cue]:
    """Everything that can be sent, the dead kinds too."""
    rows = [{"title": "One", "rows": [{"title": "First", "rowId": "1"}]}]
    return [
        call("sending.sendMessage", "text", chatId=FRIEND, message="Good morning ☀"),
        call("sending.sendMessage", "answer", chatId=FRIEND, message="And more", quotedMessageId="$text.idMessage"),
        call("sending.sendMessage", chatId=FRIEND, message="https://example.com", linkPreview=False),
        call("sending.sendMessage", chatId="nobody", message="To nobody"),
        call("sending.sendMessage", chatId=FRIEND, message=""),
        call("sending.uploadFile", "upload", path=files["picture"]),
        call(
            "sending.sendFileByUrl",
            "by_upload",
            chatId=FRIEND,
            urlFile="$upload.urlFile",
            fileName="ours.png",
            caption="As uploaded",
        ),
        call("sending.sendFileByUrl", chatId=FRIEND, urlFile=f"{shop}/pixel.jpg", fileName="logo.jpg"),
        call("sending.sendFileByUpload", "uploaded", chatId=FRIEND, path=files["document"], fileName="terms.pdf",
             caption="Terms – please read"),
        call("sending.sendFileByUpload", chatId=FRIEND, path=files["picture"]),
        call("sending.sendLocation", chatId=FRIEND, latitude=52.52, longitude=13.405, nameLocation="Here",
             address="Some street 1"),
        call("sending.sendContact", chatId=FRIEND, contact={"phoneContact": 79990000002, "firstName": "Ann",
                                                            "lastName": "Other", "company": "Shop"}),
        call("sending.sendPoll", "poll", chatId=FRIEND, message="When?",
             options=[{"optionName": "Monday"}, {"optionName": "Tuesday"}], multipleAnswers=True),
        call("sending.forwardMessages", chatId=OTHER, chatIdFrom=FRIEND, messages=["$text.idMessage"]),
        call("sending.sendInteractiveButtons", chatId=FRIEND, body="Choose", header="Head", footer="Foot",
             buttons=[{"type": "copy", "buttonId": "1", "buttonText": "Copy", "copyCode": "3333"},
                      {"type": "url", "buttonId": "2", "buttonText": "Open", "url": "https://example.com"}]),
        call("sending.sendInteractiveButtonsReply", chatId=FRIEND, body="Choose", header="Head", footer="Foot",
             buttons=[{"buttonId": "1", "buttonText": "Yes"}, {"buttonId": "2", "buttonText": "No"}]),
        call("sending.sendButtons", chatId=FRIEND, message="Old", buttons=[{"buttonId": "1", "buttonText": "Yes"}]),
        call("sending.sendTemplateButtons", chatId=FRIEND, message="Old",
             templateButtons=[{"index": 1, "quickReplyButton": {"displayText": "Yes", "id": "1"}}]),
        call("sending.sendListMessage", chatId=FRIEND, message="Old", buttonText="Open", sections=rows),
        call("sending.sendLink", chatId=FRIEND, urlLink="https://example.com"),
        cue("flowed"),
        cue("fetched", link="$upload.urlFile", file="picture"),
        cue("fetched", link="$uploaded.urlFile", file="document"),
    ]  # fmt: skip


def chats() -> list[Step | Cue]:
    """Journals, and what can be done with a chat, a message and a contact."""
    return [
        call("journals.getChatHistory", chatId=FRIEND, count=4),
        call("journals.getMessage", chatId=FRIEND, idMessage="$text.idMessage"),
        call("journals.getMessage", chatId=FRIEND, idMessage="3EB0000000000000000000"),
        call("journals.lastOutgoingMessages", minutes=60),
        call("serviceMethods.editMessage", chatId=FRIEND, idMessage="$text.idMessage", message="Good evening"),
        call("serviceMethods.deleteMessage", chatId=FRIEND, idMessage="$answer.idMessage"),
        call("receiving.downloadFile", "download", chatId=FRIEND, idMessage="$uploaded.idMessage"),
        cue("fetched", link="$download.downloadUrl", file="document"),
        call("serviceMethods.checkWhatsapp", phoneNumber=79990000001),
        call("serviceMethods.checkWhatsapp", chatId=OTHER),
        call("serviceMethods.getAvatar", chatId=FRIEND),
        call("contacts.addContact", chatId=THIRD, firstName="Cleo", lastName="Third"),
        call("contacts.editContact", chatId=THIRD, firstName="Clio"),
        call("serviceMethods.getContactInfo", chatId=THIRD),
        call("serviceMethods.getContacts", group=False, count=5),
        call("contacts.deleteContact", chatId=THIRD),
        call("serviceMethods.getChats", count=5),
        call("serviceMethods.setDisappearingChat", chatId=FRIEND, ephemeralExpiration=86400),
        call("serviceMethods.sendTyping", chatId=FRIEND, typingTime=1000),
    ]


def groups(files: dict[str, str]) -> list[Step | Cue]:
    """A group from its making to the leaving."""
    group = "$group.chatId"
    return [
        call("groups.createGroup", "group", groupName="Family", chatIds=[FRIEND, OTHER]),
        call("groups.updateGroupName", groupId=group, groupName="Friends"),
        call("groups.addGroupParticipant", groupId=group, participantChatId=THIRD),
        call("groups.setGroupAdmin", groupId=group, participantChatId=OTHER),
        call("groups.removeAdmin", groupId=group, participantChatId=OTHER),
        call("groups.removeGroupParticipant", groupId=group, participantChatId=THIRD),
        call("groups.setGroupPicture", groupId=group, path=files["picture"]),
        call("groups.updateGroupSettings", groupId=group, allowParticipantsSendMessages=False),
        call("groups.getGroupData", groupId=group),
        call("sending.sendMessage", chatId=group, message="Hello all"),
        cue("flowed"),
        call("account.setSettings", requestBody={"outgoingAPIMessageWebhook": "no"}),
        cue("settled"),
        call("groups.leaveGroup", groupId=group),
    ]


def statuses(shop: str) -> list[Step | Cue]:
    """Stories."""
    return [
        call("account.setSettings", requestBody={"outgoingWebhook": "yes"}),  # without it stories are not kept
        cue("settled"),
        call("statuses.sendTextStatus", "story", message="Sale!", backgroundColor="#228B22", font="SERIF"),
        call("statuses.sendVoiceStatus", urlFile=f"{shop}/voice.ogg", fileName="voice.ogg"),
        call("statuses.sendMediaStatus", urlFile=f"{shop}/pixel.jpg", fileName="logo.jpg", caption="New"),
        cue("flowed"),
        cue("phone", act="view_status", body={"id_message": "$story.idMessage"}),
        cue("phone", act="contact", body={"contact_name": "Ann"}),
        cue("phone", act="post_status", body={"text": "Lovely day"}),
        call("statuses.getStatusStatistic", idMessage="$story.idMessage"),
        call("statuses.getOutgoingStatuses", minutes=60),
        call("statuses.getIncomingStatuses", minutes=60),
        call("statuses.deleteStatus", idMessage="$story.idMessage"),
        call("account.setSettings", requestBody={"outgoingWebhook": "no"}),
        cue("settled"),
    ]


def receiving() -> list[Step | Cue]:
    """Pulling, one by one and in a loop, and an empty queue."""
    return [
        cue("echoed"),
        call("queues.getWebhooksCount"),
        call("receiving.receiveNotification", "echo"),
        call("receiving.deleteNotification", receiptId="$echo.receiptId"),
        call("queues.clearWebhooksQueue"),
        call("queues.clearWebhooksQueue"),
        cue("incoming", text="Anyone there?", waiting=1),
        call("receiving.receiveNotification", "notice", receiveTimeout=5),
        call("receiving.receiveNotification", receiveTimeout=5),
        call("receiving.deleteNotification", receiptId="$notice.receiptId"),
        call("receiving.deleteNotification", receiptId="$notice.receiptId"),
        call("receiving.receiveNotification", receiveTimeout=5),
        call("marking.readChat", chatId=FRIEND, idMessage="$notice.body.idMessage"),
        call("marking.readChat", chatId=FRIEND),
        call("serviceMethods.archiveChat", chatId=FRIEND),
        call("serviceMethods.unarchiveChat", chatId=FRIEND),
        cue("incoming_file", waiting=1),
        call("receiving.receiveNotification", "with_file"),
        call("receiving.deleteNotification", receiptId="$with_file.receiptId"),
        call("receiving.downloadFile", "again", chatId=FRIEND, idMessage="$with_file.body.idMessage"),
        cue("fetched", link="$with_file.body.messageData.fileMessageData.downloadUrl", file="picture"),
        cue("fetched", link="$again.downloadUrl", file="picture"),
        call("journals.lastIncomingMessages", minutes=60),
        cue("incoming", text="First of the loop", waiting=1),
        cue("incoming", text="Second of the loop", waiting=2),
        call("webhooks.startReceivingNotifications", limit=2),
        cue("incoming", text="For the old loop", waiting=1),
        call("webhooks.job", limit=1),
    ]


ALL_SWITCHES = {
    **dict.fromkeys(SWITCHES, "yes"),
    "outgoingCallWebhook": "yes",
    "statusInstanceWebhook": "yes",
    "stateWebhook": "no",  # upstream restarts at a change and tells of it; ours changes nothing there
}
HEARD, CALL_IN, CALL_OUT = "3A00000000000000AA01", "CA110000000000000001", "CA110000000000000002"


def life() -> list[Step | Cue]:
    """Everything that people and phones do, told in its order and in its own shape."""
    acts = [
        ("receive", {"text": "First words", "id_message": HEARD}),
        ("receive", {"kind": "reactionMessage", "stanza_id": "$text.idMessage", "text": "👍"}),
        ("receive", {"kind": "pollUpdateMessage", "stanza_id": "$poll.idMessage", "options": ["Monday"]}),
        ("receive", {"kind": "quotedMessage", "quoted_message_id": "$text.idMessage", "text": "Indeed"}),
        ("receive", {"kind": "editedMessage", "stanza_id": HEARD, "text": "Better words"}),
        ("receive", {"kind": "deletedMessage", "stanza_id": HEARD}),
        ("receive", {"kind": "extendedTextMessage", "text": "https://example.com", "title": "Example"}),
        ("receive", {"kind": "stickerMessage", "is_animated": True}),
        ("receive", {"kind": "videoMessage", "caption": "Look"}),
        ("receive", {"kind": "audioMessage"}),
        ("receive", {"kind": "documentMessage", "file_name": "plan.pdf"}),
        ("receive", {"kind": "locationMessage", "latitude": 52.5, "longitude": 13.4}),
        ("receive", {"kind": "contactMessage", "display_name": "Cleo", "phone": "79990000003"}),
        ("receive", {"kind": "contactsArrayMessage", "contacts": [{"display_name": "Cleo"}, {"display_name": "Bo"}]}),
        ("receive", {"kind": "pollMessage", "name": "Tea?", "options": ["Yes", "No"]}),
        ("receive", {"kind": "groupInviteMessage"}),
        ("send_from_phone", {"text": "From the phone itself"}),
        ("status", {"id_message": "$text.idMessage", "status": "delivered"}),
        ("status", {"id_message": "$text.idMessage", "status": "read"}),
        ("call", {"id_message": CALL_IN, "statuses": ["offer"]}),
        ("call", {"id_message": CALL_IN, "statuses": ["pickUp"]}),
        ("call", {"id_message": CALL_OUT, "direction": "outgoing", "statuses": ["declined"]}),
        ("blocked_by", {}),
        ("device_info", {}),
        ("socket_status", {}),
        ("avatar_info", {}),
    ]
    return [
        call("account.setSettings", requestBody=ALL_SWITCHES),
        cue("settled"),
        *(cue("phone", act=act, body=body) for act, body in acts),
        cue("arrived", waiting=len(acts)),
        call("webhooks.startReceivingNotifications", limit=len(acts)),
        call("account.setSettings", requestBody=dict.fromkeys(ALL_SWITCHES, "no")),
        cue("settled"),
        call("journals.lastIncomingCalls", minutes=60),
        call("journals.lastOutgoingCalls", minutes=60),
        call("journals.getChatHistory", chatId=FRIEND, count=100),
        cue("phone", act="contact", body={"contact_name": "Ann", "name": "Ann", "avatar": True}),
        cue("phone", act="chat", body={"archived": False}),
        call("serviceMethods.getAvatar", chatId=FRIEND),
        call("serviceMethods.getContactInfo", chatId=FRIEND),
        call("serviceMethods.getContacts"),
        call("serviceMethods.getChats"),
    ]


def queues() -> list[Step | Cue]:
    """What waits to be sent."""
    return [
        call("account.setSettings", requestBody={"delaySendMessagesMilliseconds": 600000}),
        cue("held"),
        call("sending.sendMessage", chatId=FRIEND, message="Waits"),
        call("sending.sendPoll", chatId=FRIEND, message="Waits too?",
             options=[{"optionName": "Yes"}, {"optionName": "No"}]),
        call("queues.getMessagesCount"),
        call("queues.showMessagesQueue"),
        call("queues.clearMessagesQueue"),
        call("queues.getMessagesCount"),
    ]  # fmt: skip


def leaving() -> list[Step | Cue]:
    """Restart, another token, unlinking and linking again."""
    return [
        call("voip.getState"),
        call("voip.getIceServers"),
        call("voip.dial", target="79990000001"),
        call("voip.accept"),
        call("voip.reject"),
        call("voip.hangUp"),
        call("account.reboot"),
        cue("settled"),
        call("account.updateApiToken", "token"),
        call("account.getStateInstance"),
        cue("new_token", token="$token.apiTokenInstance"),
        call("account.getStateInstance"),
        call("account.logout"),
        cue("unlinked"),
        call("account.qr"),
        call("account.getAuthorizationCode", phoneNumber=79990009999),
        call("sending.sendMessage", chatId=FRIEND, message="Without a phone"),
    ]


def whole(files: dict[str, str], shop: str) -> list[Step | Cue]:
    """All of it."""
    return [
        *account(files),
        *sending(files, shop),
        *chats(),
        *groups(files),
        *statuses(shop),
        *receiving(),
        *life(),
        *queues(),
        *leaving(),
    ]
