"""Notifications of GREEN-API in our words; pure, so no server."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.providers.events import (
    CallChanged,
    Happening,
    MessageDeleted,
    MessageEchoed,
    MessageEdited,
    MessageProgressed,
    MessageReceived,
    Notification,
    PollVoted,
    ReactionReceived,
    StateChanged,
    Unmapped,
)
from app.providers.green_api.notices import read_notice
from app.providers.reading import instant
from tests.providers.conftest import CHAT

INSTANCE = {"idInstance": 7103000123, "wid": "79990001122@c.us", "typeInstance": "whatsapp"}
LINK = "https://7103.media.greenapi.com/f/1"
FILE = {"downloadUrl": LINK, "fileName": "a.pdf", "mimeType": "application/pdf", "caption": "see", "jpegThumbnail": "x"}


def _notice(kind: str, **fields: Any) -> dict[str, Any]:
    return {"typeWebhook": kind, "instanceData": INSTANCE, "timestamp": 1795000005, **fields}


def _incoming(data: dict[str, Any], kind: str = "incomingMessageReceived", **more: Any) -> dict[str, Any]:
    sender = {"chatId": CHAT, "sender": CHAT, "senderName": "Ann", "chatName": "Ann", "senderContactName": ""}
    return _notice(kind, **{"idMessage": "ID1", "senderData": sender, "messageData": data, **more})


def _status(status: str, **more: Any) -> dict[str, Any]:
    return _notice("outgoingMessageStatus", idMessage="ID1", chatId=CHAT, status=status, sendByApi=True, **more)


MESSAGES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("textMessage", {"textMessageData": {"textMessage": "hi"}}, "text", {"text": "hi"}),
    ("textMessage", {}, "text", {"text": ""}),
    ("textMessage", {"textMessageData": {"textMessage": "a\x00b\ud800"}}, "text", {"text": "a\ufffdb?"}),
    ("textMessage", {"textMessageData": {"textMessage": "{{SWE001}}"}}, "unreadable", {}),
    (
        "extendedTextMessage",
        {"extendedTextMessageData": {"text": "see", "jpegThumbnail": "x"}},
        "text",
        {"text": "see"},
    ),
    (
        "quotedMessage",
        {"extendedTextMessageData": {"text": "yes"}, "quotedMessage": {"stanzaId": "Q1", "participant": CHAT}},
        "text",
        {"text": "yes", "quoted": {"message_id": "Q1", "sender": CHAT}},
    ),
    *(
        (
            f"{kind}Message",
            {"fileMessageData": FILE},
            kind,
            {"file_name": "a.pdf", "mime_type": "application/pdf", "caption": "see"},
        )
        for kind in ("image", "video", "audio", "document")
    ),
    ("documentMessage", {"fileMessageData": {"downloadUrl": "{{SWE002}}"}}, "document", {"too_large": True}),
    (
        "stickerMessage",
        {"fileMessageData": {"downloadUrl": LINK, "mimeType": "image/webp", "isAnimated": True}},
        "sticker",
        {"mime_type": "image/webp", "animated": True},
    ),
    (
        "locationMessage",
        {"locationMessageData": {"nameLocation": "Home", "latitude": 1.5, "longitude": -2, "jpegThumbnail": "x"}},
        "location",
        {"name": "Home", "latitude": 1.5, "longitude": -2},
    ),
    (
        "contactMessage",
        {"contactMessageData": {"displayName": "Bob", "vcard": "BEGIN:VCARD"}},
        "contact",
        {"name": "Bob", "vcard": "BEGIN:VCARD"},
    ),
    (
        "contactsArrayMessage",
        {"messageData": {"contacts": [{"displayName": "Bob", "vcard": "V"}]}},
        "contacts",
        {"contacts": [{"name": "Bob", "vcard": "V"}]},
    ),
    (
        "pollMessage",
        {"pollMessageData": {"name": "Tea?", "options": [{"optionName": "yes"}], "multipleAnswers": False}},
        "poll",
        {"question": "Tea?", "options": ["yes"], "multiple": False},
    ),
    (
        "groupInviteMessage",
        {"groupInviteMessageData": {"groupJid": "1@g.us", "inviteCode": "C", "groupName": "G"}},
        "group_invite",
        {"group_id": "1@g.us", "invite_code": "C", "group_name": "G"},
    ),
    (
        "interactiveButtons",
        {
            "interactiveButtons": {
                "titleText": "T",
                "contentText": "B",
                "footerText": "F",
                "buttons": [{"type": "reply", "buttonId": "1", "buttonText": "ok"}],
            }
        },
        "buttons",
        {"title": "T", "text": "B", "footer": "F", "buttons": [{"type": "reply", "id": "1", "text": "ok"}]},
    ),
    (
        "templateButtonsReplyMessage",
        {"templateButtonReplyMessage": {"stanzaId": "Q1", "selectedIndex": 0, "selectedId": "1"}},
        "button_reply",
        {"message_id": "Q1", "button_id": "1", "index": 0},
    ),
    (
        "listMessage",
        {"listMessage": {"title": "T", "sections": [{"title": "S", "rows": [{"rowId": "1", "title": "R"}]}]}},
        "list",
        {"title": "T", "sections": [{"title": "S", "rows": [{"id": "1", "title": "R"}]}]},
    ),
    (
        "listResponseMessage",
        {"listResponseMessage": {"stanzaId": "Q1", "title": "R", "singleSelectReply": {"selectedRowId": "1"}}},
        "list_reply",
        {"message_id": "Q1", "title": "R", "row_id": "1"},
    ),
    ("hologramMessage", {"hologramMessageData": {"downloadUrl": LINK}}, "other", {}),
]


@pytest.mark.parametrize(("upstream_kind", "data", "kind", "content"), MESSAGES, ids=[row[0] for row in MESSAGES])
def test_messages(upstream_kind: str, data: dict[str, Any], kind: str, content: dict[str, Any]) -> None:
    notice = read_notice(_incoming({"typeMessage": upstream_kind, **data}))
    assert notice.what == MessageReceived("ID1", CHAT, CHAT, "Ann", kind, content)
    assert "greenapi" not in repr(notice)
    assert notice.kind == "message_received"
    assert notice.account == "7103000123"
    assert notice.happened_at == datetime.fromtimestamp(1795000005, UTC)


VOTES = {
    "pollMessageData": {"stanzaId": "P1", "name": "Tea?", "votes": [{"optionName": "yes", "optionVoters": [CHAT]}]}
}
EDITED = {"editedMessageData": {"textMessage": "new", "stanzaId": "Q1"}}
DELETED = {"deletedMessageData": {"stanzaId": "Q1"}}
LIKED = {"extendedTextMessageData": {"text": "👍"}, "quotedMessage": {"stanzaId": "Q1"}}
CHANGES: list[tuple[str, dict[str, Any], Happening]] = [
    ("pollUpdateMessage", VOTES, PollVoted("P1", CHAT, CHAT, "Tea?", [{"option": "yes", "voters": [CHAT]}])),
    ("editedMessage", EDITED, MessageEdited("Q1", CHAT, CHAT, {"text": "new"}, False)),
    ("deletedMessage", DELETED, MessageDeleted("Q1", CHAT, CHAT, False)),
    ("reactionMessage", LIKED, ReactionReceived("Q1", CHAT, CHAT, "Ann", "👍")),
    ("reactionMessage", {"quotedMessage": {"stanzaId": "Q1"}}, ReactionReceived("Q1", CHAT, CHAT, "Ann", None)),
]


@pytest.mark.parametrize(("upstream_kind", "data", "expected"), CHANGES)
def test_what_changes_an_earlier_message_names_it(
    upstream_kind: str, data: dict[str, Any], expected: Happening
) -> None:
    assert read_notice(_incoming({"typeMessage": upstream_kind, **data})).what == expected


@pytest.mark.parametrize("upstream_kind", [row[0] for row in CHANGES])
def test_what_does_not_name_the_earlier_message_is_a_message_of_its_own(upstream_kind: str) -> None:
    assert isinstance(read_notice(_incoming({"typeMessage": upstream_kind})).what, MessageReceived)


@pytest.mark.parametrize("kind", ["outgoingMessageReceived", "outgoingAPIMessageReceived"])
def test_changes_by_the_account_itself_are_its_own(kind: str) -> None:
    edited = read_notice(_incoming({"typeMessage": "editedMessage", **EDITED}, kind)).what
    assert edited == MessageEdited("Q1", CHAT, CHAT, {"text": "new"}, True)
    deleted = read_notice(_incoming({"typeMessage": "deletedMessage", **DELETED}, kind)).what
    assert deleted == MessageDeleted("Q1", CHAT, CHAT, True)
    reaction = read_notice(_incoming({"typeMessage": "reactionMessage", **LIKED}, kind)).what
    assert isinstance(reaction, MessageEchoed)
    assert reaction.kind == "reaction"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("offer", "ringing"),
        ("pickUp", "answered"),
        ("hungUp", "ended"),
        ("hangUp", "ended"),
        ("declined", "declined"),
        ("missed", "missed"),
        ("invalid", "unknown"),
    ],
)
def test_calls(status: str, told: str) -> None:
    fields: dict[str, Any] = {"from": CHAT, "idMessage": "C1", "status": status}
    incoming = read_notice(_notice("incomingCall", **fields)).what
    assert incoming == CallChanged("C1", CHAT, "incoming", told, False, None)
    others = [{"id": CHAT, "status": status}, {"id": "79990007788@c.us", "status": status}]
    fields |= {"from": INSTANCE["wid"], "isVideo": True, "duration": 12}
    outgoing = read_notice(_notice("outgoingCall", **fields, participants=others)).what
    assert outgoing == CallChanged("C1", CHAT, "outgoing", told, True, 12)
    assert isinstance(read_notice(_notice("outgoingCall", **fields)).what, Unmapped), "whom it was to is not told"
    sentence = [{"id": "Renew your instance"}]
    assert isinstance(read_notice(_notice("outgoingCall", **fields, participants=sentence)).what, Unmapped), "no chat"
    older = read_notice(_notice("outgoingCall", **fields | {"from": CHAT})).what
    assert older == CallChanged("C1", CHAT, "outgoing", told, True, 12)


@pytest.mark.parametrize(("kind", "by_api"), [("outgoingMessageReceived", False), ("outgoingAPIMessageReceived", True)])
@pytest.mark.parametrize(
    "data",
    [
        {"typeMessage": "textMessage", "textMessageData": {"textMessage": "hi"}},
        {"typeMessage": "textMessage", "extendedTextMessageData": {"text": "hi"}},
        {"typeMessage": "extendedTextMessage", "extendedTextMessageData": {"text": "hi"}},
        {"typeMessage": "extendedTextMessage", "textMessageData": {"textMessage": "hi"}},
    ],
)
def test_echoes(kind: str, by_api: bool, data: dict[str, Any]) -> None:
    assert read_notice(_incoming(data, kind)).what == MessageEchoed("ID1", CHAT, "text", {"text": "hi"}, by_api)


@pytest.mark.parametrize(
    ("status", "more", "told", "reason"),
    [
        ("sent", {}, "sent", None),
        ("delivered", {}, "delivered", None),
        ("read", {}, "read", None),
        ("failed", {}, "failed", "rejected_by_whatsapp"),
        ("failed", {"description": "SWE004: too many"}, "failed", "group_too_large"),
        ("noAccount", {}, "failed", "recipient_not_on_whatsapp"),
        ("notInGroup", {}, "failed", "recipient_not_in_group"),
        ("yellowCard", {}, "failed", "account_limited"),
    ],
)
def test_progress(status: str, more: dict[str, str], told: str, reason: str | None) -> None:
    assert read_notice(_status(status, **more)).what == MessageProgressed("ID1", CHAT, told, reason)


@pytest.mark.parametrize(
    ("state", "wid", "expected"),
    [
        ("authorized", "79990001122@c.us", StateChanged("connected", "79990001122")),
        ("authorized", "123@lid", StateChanged("connected", None)),
        ("notAuthorized", "79990001122@c.us", StateChanged("unpaired", None)),
        ("starting", "", StateChanged("starting", None)),
        ("pendingPassword", "", StateChanged("unknown", None)),
    ],
)
def test_states(state: str, wid: str, expected: StateChanged) -> None:
    body = _notice("stateInstanceChanged", stateInstance=state)
    body["instanceData"] = {**INSTANCE, "wid": wid}
    assert read_notice(body).what == expected


@pytest.mark.parametrize(
    "body",
    [
        _notice("incomingCall", idMessage="C1", status="offer"),
        _notice("quotaExceeded"),
        _status("lost"),
        _incoming({}, idMessage=""),
        _incoming({}, senderData={}),
    ],
)
def test_what_has_no_word_is_passed_on_unmapped(body: dict[str, Any]) -> None:
    assert read_notice(body).what == Unmapped(body["typeWebhook"])


def test_the_same_notification_twice_is_known_by_its_key() -> None:
    bodies = [
        _incoming({"typeMessage": "textMessage"}),
        _incoming({"typeMessage": "textMessage"}, idMessage="ID2"),
        _incoming({"typeMessage": "textMessage"}, "outgoingMessageReceived"),
        _status("sent"),
        _status("delivered"),
        _notice("stateInstanceChanged", stateInstance="starting"),
        _notice("stateInstanceChanged", stateInstance="authorized"),
        _notice("stateInstanceChanged", stateInstance="authorized", timestamp=1795000006),
        {"typeWebhook": "quotaExceeded", "quotaData": {"used": 3}},
        {"typeWebhook": "quotaExceeded", "quotaData": {"used": 4}},
        _notice("quotaExceeded", quotaData={"method": "a"}),
        _notice("quotaExceeded", quotaData={"method": "b"}),
        _notice("incomingBlock", chatId=CHAT, chatState="blocked"),
        _notice("incomingBlock", chatId=CHAT, chatState="unblocked"),
        _notice("incomingBlock", chatId="1@c.us", chatState="blocked"),
        _notice("deviceInfo", deviceData={"battery": 1}),
        _notice("deviceInfo", deviceData={"battery": 2}),
        _notice("avatarInfo", avatarInfo={"chatId": CHAT}),
        _notice("avatarInfo", avatarInfo={"chatId": "1@c.us"}),
        _notice("incomingCall", **{"from": CHAT}, idMessage="C1", status="offer"),
        _notice("incomingCall", **{"from": CHAT}, idMessage="C1", status="pickUp"),
        _incoming({"typeMessage": "pollUpdateMessage", **VOTES}),
        _incoming({"typeMessage": "pollUpdateMessage", "pollMessageData": {"stanzaId": "P1", "votes": []}}),
        _incoming({"typeMessage": "editedMessage", **EDITED}),
        _incoming({"typeMessage": "editedMessage", "editedMessageData": {"textMessage": "newer", "stanzaId": "Q1"}}),
    ]
    keys = [read_notice(body).dedupe for body in bodies]
    assert len(set(keys)) == len(bodies)
    assert {len(key) for key in keys} == {32}
    assert [read_notice(dict(reversed(body.items()))).dedupe for body in bodies] == keys
    late = {**_status("sent"), "timestamp": 1}
    assert read_notice(late).dedupe == read_notice(_status("sent")).dedupe


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    "typeWebhook", "instanceData", "idInstance", "wid", "timestamp", "idMessage", "senderData", "chatId", "sender",
    "messageData", "typeMessage", "status", "stateInstance", "quotedMessage", "stanzaId", "buttons", "sections",
]  # fmt: skip


@given(
    st.sampled_from(["incomingMessageReceived", "outgoingMessageStatus", "stateInstanceChanged", "x"]),
    st.dictionaries(st.sampled_from(NAMES), JSON),
    st.sampled_from([row[0] for row in MESSAGES]),
    st.dictionaries(st.sampled_from([*NAMES, *(name for row in MESSAGES for name in row[1])]), JSON),
)
def test_no_body_is_an_error(kind: str, fields: dict[str, Any], message: str, data: dict[str, Any]) -> None:
    body = {**_incoming({**data, "typeMessage": message}, kind), **fields}
    assert isinstance(read_notice(body), Notification)
    assert read_notice(body).dedupe == read_notice(body).dedupe


def test_no_body_at_all_is_an_error() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    for body in (None, [], "text", 1, {}, {"typeWebhook": None}, {"typeWebhook": "x", "deep": deep}):
        assert isinstance(read_notice(body).what, Unmapped)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2022-06-15T08:05:37.000Z", (2022, 6, 15, 8, 5, 37)),
        ("2022-06-15T08:05:37", (2022, 6, 15, 8, 5, 37)),
        ("2022-06-15 08:05:37", (2022, 6, 15, 8, 5, 37)),
        ("2022-06-15T11:05:37+03:00", (2022, 6, 15, 8, 5, 37)),
        ("2022-06-15T08:05:37.0000000Z", (2022, 6, 15, 8, 5, 37)),
        (1655280337, (2022, 6, 15, 8, 5, 37)),
        ("1655280337", (2022, 6, 15, 8, 5, 37)),
        (1655280337000, (2022, 6, 15, 8, 5, 37)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        (0, None),
        (float("nan"), None),
        (10**30, None),
    ],
)
def test_instants(written: Any, read: tuple[int, ...] | None) -> None:
    assert instant(written) == (datetime(*read, tzinfo=UTC) if read else None)  # type: ignore[arg-type,misc]
