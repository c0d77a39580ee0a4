"""Where the second way's answers differ from GREEN-API's own, and why each of them must, or may."""

from typing import Final

NOT_IN_OUR_WORDS: Final = "our words do not tell it, and nothing is made up"

NOT_OF_THE_QUEUE: Final = "a queued message is told in our words, which name what is sent, not how"

MESSAGES: Final[dict[str, str]] = {
    "jpegThumbnail": NOT_IN_OUR_WORDS,
    "typeMessage": "a text is one kind of ours: of those that came in, textMessage and extendedTextMessage are one",
    "extendedTextMessage": "see typeMessage",
    "quotedMessage.typeMessage": "of a quoted message our words tell which it is and whose, not what it said",
    "quotedMessage.textMessage": "see quotedMessage.typeMessage",
    "groupInviteMessageData.inviteExpiration": NOT_IN_OUR_WORDS,
}
"""Of messages, wherever they are told: by place in a row of a journal or in messageData."""
JOURNALS: Final = {
    "getChatHistory": "[].",
    "lastIncomingMessages": "[].",
    "lastOutgoingMessages": "[].",
    "getMessage": ".",
}
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
    ("getStateInstance", ".stateInstance"): "yellowCard is linked and suspended is not, which is all that we tell",
    **{(method, start + place): why for method, start in JOURNALS.items() for place, why in MESSAGES.items()},
}
"""By method and place."""


BESIDES: Final = (
    "A malformed call is refused before it is admitted: it uses nothing of a plan, and of two refusals (malformed, and "
    "not paid for) this one is told.",
    "A refused call is recorded as refused, not as done with the status 400.",
    "setSettings passes over what the gateway has no setting for; getSettings then shows the default.",
    "delaySendMessagesMilliseconds is kept by us where the gateway has no queue, once it was set: a send waits for its "
    "turn before it is answered, and one whose turn is more than 20 s off is refused with 429.",
    "customPreview, typePreview and typingType of a send are checked and left: our words have none for them.",
    "What a gateway cannot do is 403 Forbidden, as GREEN-API answers sendButtons: it has no word for it.",
    "A text to a gateway without a queue is refused while no phone is linked (400), and does not wait for a day.",
    "A picture that is no JPEG is refused before it is sent to the gateway.",
    "Figures of the gateway's own quota (466) are 0: our words do not tell them.",
)
"""Differences that no reply shows by itself."""


def allowed(method: str) -> set[str]:
    """Places in the answers of a method that may differ."""
    return {place for name, place in DIFFERENCES if name == method}
