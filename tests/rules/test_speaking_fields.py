"""Whatever a request holds, it is read or refused as GREEN-API would: never an error of ours."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.compat.speaking.fields import Fields, Invalid, Plain, is_chat
from app.compat.speaking.sends import READERS, send_of
from app.compat.speaking.table import MOST_MINUTES, SPOKEN, minutes

NAMES = (
    "chatId", "chatIdFrom", "message", "messages", "idMessage", "options", "contact", "buttons", "body", "header",
    "footer", "urlFile", "urlLink", "fileName", "caption", "latitude", "longitude", "nameLocation", "linkPreview",
    "typePreview", "customPreview", "typingTime", "typingType", "quotedMessageId", "multipleAnswers", "groupId",
    "groupName", "chatIds", "participantChatId", "participants", "phoneNumber", "force", "count", "minutes", "group",
    "ephemeralExpiration", "firstName", "lastName", "saveInAddressbook", "onlySenderDelete", "backgroundColor", "font",
    "delaySendMessagesMilliseconds", "autoTyping", "keepOnlineStatus", "allowParticipantsSendMessages",
)  # fmt: skip
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64),
    st.floats(allow_nan=False),
    st.text(max_size=30),
    st.sampled_from(
        ["79990003344@c.us", "1203630001@g.us", "55@lid", "--5", "-5", "²", "1e999", "http://[", "#112233"]
    ),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
)
REQUESTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=len(NAMES))
SOUND = {"chatId": "79990003344@c.us", "groupId": "1203630001@g.us", "participantChatId": "79990003344@c.us"}


@pytest.mark.parametrize("method", [*SPOKEN, *READERS])
@settings(max_examples=20)
@given(request=REQUESTS)
def test_every_request_is_read_or_refused(method: str, request: dict[str, Any]) -> None:
    for given_fields in (request, request | SOUND):
        fields = Fields(given_fields)
        with suppress(Invalid, Plain):
            if method in READERS:
                send_of(method, fields)
            else:
                SPOKEN[method].ask(fields)


def test_chats_are_told_from_what_is_none() -> None:
    good = ["79990003344@c.us", "1203630001@g.us", "79990003344-1500000000@g.us", "55@lid"]
    assert all(map(is_chat, good))
    bad = ["", "@c.us", "79990003344", "x@c.us", "79990003344@s.whatsapp.net", "٣@c.us", "7@c.us@c.us", "7 @c.us"]
    assert not any(map(is_chat, bad))


def test_no_look_back_is_endless() -> None:
    assert minutes(Fields({"minutes": 10**18})) == MOST_MINUTES
    assert minutes(Fields({})) == 1440
