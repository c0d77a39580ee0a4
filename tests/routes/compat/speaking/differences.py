"""Where the second way's answers differ from GREEN-API's own, and why each of them must, or may."""

from typing import Final

NOT_IN_OUR_WORDS: Final = "our words do not tell it, and nothing is made up"

NOT_OF_THE_QUEUE: Final = "a queued message is told in our words, which name what is sent, not how"

MESSAGES: Final[dict[str, str]] = {
    "jpegThumbnail": NOT_IN_OUR_WORDS,
    "typeMessage": "a text is one kind of ours: of those that came in, textMessage and extendedTextMessage are one",
    "textMessageData": "see typeMessage",
    "extendedTextMessageData": "see typeMessage",
    "extendedTextMessage": "see typeMessage",
    "quotedMessage.typeMessage": "of a quoted message our words tell which it is and whose, not what it said",
    "quotedMessage.textMessage": "see quotedMessage.typeMessage",
    "groupInviteMessageData.inviteExpiration": NOT_IN_OUR_WORDS,
}
"""Of messages, wherever they are told: by place in a row of a journal or in messageData."""
JOURNALS: Final = ("getChatHistory", "getMessage", "lastIncomingMessages", "lastOutgoingMessages")
DIFFERENCES: Final[dict[tuple[str, str], str]] = {
    ("getChats", "[].ephemeralSettingTimestamp"): NOT_IN_OUR_WORDS,
    ("getContactInfo", ".lastSeen"): "a moment is told in our form, since GREEN-API documents none but 'string'",
    ("getIncomingStatuses", "[].senderContactName"): NOT_IN_OUR_WORDS,
    (
        "updateGroupSettings",
        ".reason",
    ): "both documented reasons are one to us: WhatsApp does not let the account do it",
    ("showMessagesQueue", "[].body.linkPreview"): NOT_OF_THE_QUEUE,
    ("showMessagesQueue", "[].body.quotedMessageId"): NOT_OF_THE_QUEUE,
    ("showMessagesQueue", "[].body.typingTime"): NOT_OF_THE_QUEUE,
    ("showMessagesQueue", "[].body.contact.company"): "a card is told by the one name that heads it",
    **{(method, f"[].{place}"): why for method in JOURNALS for place, why in MESSAGES.items()},
    **{(method, f".{place}"): why for method in JOURNALS for place, why in MESSAGES.items()},
}
"""By method and place."""


def allowed(method: str) -> set[str]:
    """Places in the answers of a method that may differ."""
    return {place for name, place in DIFFERENCES if name == method}
