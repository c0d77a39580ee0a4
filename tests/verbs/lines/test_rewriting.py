"""What a tenant is told has our number and our links; what people wrote is theirs."""

import json
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.lines.rewriting import HIDDEN_KEYS, linked, public
from tests.verbs.lines.lines import UPSTREAM, incoming, links

OURS = 7_700_000_042


@dataclass(frozen=True)
class Numbered:
    """All that is asked of a line."""

    number: int = OURS


def told(body: dict[str, Any]) -> dict[str, Any]:
    """The body as the tenant gets it."""
    return public(body, Numbered(), links=links, account=str(UPSTREAM))


FILE = f"https://sw-media-7103.storage.example/{UPSTREAM}/3f2a.jpg"
KINDS: list[dict[str, Any]] = [
    {"typeMessage": "imageMessage", "fileMessageData": {"downloadUrl": FILE, "fileName": "a.jpg", "caption": "c"}},
    {"typeMessage": "stickerMessage", "fileMessageData": {"downloadUrl": FILE, "isAnimated": False}},
    {"typeMessage": "quotedMessage", "extendedTextMessageData": {"text": "so"},
     "quotedMessage": {"stanzaId": "A", "typeMessage": "documentMessage", "downloadUrl": FILE, "fileName": "a.pdf"}},
    {"typeMessage": "documentMessage", "fileMessageData": {"urlFile": "HTTPS://api.green-api.com/x", "fileName": 5}},
]  # fmt: skip


@pytest.mark.parametrize("message", KINDS, ids=lambda value: value["typeMessage"])
def test_links_to_files_are_ours_and_nothing_else_of_a_message_changes(message: dict[str, Any]) -> None:
    before = json.dumps(message)
    text = json.dumps(told(incoming(messageData=message)))
    assert str(UPSTREAM) not in text
    assert "green-api" not in text
    assert "storage.example" not in text
    assert "https://ours.example/files/" in text
    assert json.dumps(message) == before, "what was parsed must stay what it was"


def test_a_files_name_is_given_to_whoever_makes_the_link() -> None:
    made = told(incoming(messageData=KINDS[0]))
    assert made["messageData"]["fileMessageData"]["downloadUrl"] == f"https://ours.example/files/{len(FILE)}-a.jpg"


@pytest.mark.parametrize("marker", ["{{SWE002}}", "", "{{SWE003}}"])
def test_a_marker_in_place_of_a_link_stays(marker: str) -> None:
    body = incoming(messageData={"typeMessage": "imageMessage", "fileMessageData": {"downloadUrl": marker}})
    assert told(body)["messageData"] == body["messageData"]


WRITTEN = f"See https://green-api.com/waInstance{UPSTREAM}/x and {UPSTREAM} with apiTokenInstance ok?"


@pytest.mark.parametrize(
    "message",
    [
        {"typeMessage": "textMessage", "textMessageData": {"textMessage": WRITTEN}},
        {"typeMessage": "extendedTextMessage", "extendedTextMessageData": {"text": WRITTEN, "title": WRITTEN,
                                                                          "description": WRITTEN}},
        {"typeMessage": "editedMessage", "editedMessageData": {"textMessage": WRITTEN, "stanzaId": "A"}},
        {"typeMessage": "pollMessage", "pollMessageData": {"name": WRITTEN, "options": [{"optionName": WRITTEN}]}},
        {"typeMessage": "contactMessage", "contactMessageData": {"displayName": WRITTEN, "vcard": WRITTEN}},
        {"typeMessage": "interactiveButtons", "interactiveButtons": {"buttons": [
            {"type": "url", "buttonText": WRITTEN, "url": "https://green-api.com/en/docs/"}]}},
        {"typeMessage": "imageMessage", "fileMessageData": {"caption": WRITTEN, "fileName": WRITTEN}},
        {"typeMessage": "textMessage", "textMessageData": {"textMessage": "x", "deep": [[[WRITTEN]]]}},
    ],
    ids=lambda value: value["typeMessage"],
)  # fmt: skip
def test_what_people_wrote_is_not_altered(message: dict[str, Any]) -> None:
    body = incoming(messageData=message)
    body["senderData"]["senderName"] = body["senderData"]["chatName"] = WRITTEN
    made = told(body)
    assert made["messageData"] == message
    assert made["senderData"] == body["senderData"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"description": f"see https://api.green-api.com/{UPSTREAM} now"}, {"description": "[removed]"}),
        ({"description": f"the token {'0f' * 25} is wrong"}, {"description": "[removed]"}),
        ({"account": str(UPSTREAM)}, {"account": str(OURS)}),
        ({"description": f"account {UPSTREAM} is limited"}, {"description": f"account {OURS} is limited"}),
        ({"apiTokenInstance": "secret", "webhookUrlToken": "secret"}, {}),
        ({"accountData": {"apiTokenInstance": "secret", "wid": "7@c.us"}}, {"accountData": {"wid": "7@c.us"}}),
        ({"new": [{"idInstance": UPSTREAM}, UPSTREAM]}, {"new": [{"idInstance": OURS}, OURS]}),
        ({"idInstance": str(UPSTREAM)}, {"idInstance": str(OURS)}),
        ({"chatId": f"{UPSTREAM}@c.us"}, {"chatId": f"{UPSTREAM}@c.us"}),
        ({"count": True, "ratio": 0.5, "none": None}, {"count": True, "ratio": 0.5, "none": None}),
        ({"downloadUrl": FILE}, {"downloadUrl": f"https://ours.example/files/{len(FILE)}-"}),
        ({"urlFile": "greenapi.com/x"}, {"urlFile": "[removed]"}),
        ({"previewUrl": "https://media.greenapi.com/x"}, {"previewUrl": "https://ours.example/files/28-"}),
    ],
    ids=str,
)
def test_what_the_machine_wrote_is_searched(more: dict[str, Any], expected: dict[str, Any]) -> None:
    assert told({"typeWebhook": "somethingNew", **more}) == {"typeWebhook": "somethingNew", **expected}


def test_upstreams_own_words_about_a_quota_are_not_passed_on() -> None:
    body = {
        "typeWebhook": "quotaExceeded",
        "instanceData": {"idInstance": UPSTREAM, "wid": "7@c.us", "typeInstance": "whatsapp"},
        "quotaData": {
            "method": "correspondents",
            "used": 3,
            "total": 3,
            "status": "CORRESPONDENTS_QUOTA_EXCEEDED",
            "description": "Buy more at console.green-api.com",
        },
    }
    made = told(body)
    assert made["quotaData"] == body["quotaData"] | {"description": "The gateway's limit for this method is used up."}
    assert made["instanceData"]["idInstance"] == OURS


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instanceData": None, "messageData": 5, "senderData": [], "quotaData": "x"},
        {"instanceData": [UPSTREAM], "messageData": {"fileMessageData": {"downloadUrl": {"a": 1}}}},
        {"messageData": [[{"downloadUrl": [FILE]}]], "downloadUrl": 5, "quotaData": []},
        {"typeWebhook": {"a": {}}, "": "", "idInstance": None},
    ],
    ids=str,
)
def test_a_strange_body_is_no_error(body: dict[str, Any]) -> None:
    msgspec.json.encode(told(body))


KEYS = st.sampled_from(
    ["idInstance", "downloadUrl", "urlFile", "fileName", "messageData", "x", "instanceData", *sorted(HIDDEN_KEYS)]
) | st.text(max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_any_object_is_told_in_the_order_of_its_keys(body: dict[str, Any]) -> None:
    made = told(body)
    assert list(made) == [key for key in body if key not in HIDDEN_KEYS]
    assert told(made) == made or "downloadUrl" in str(made)
    assert linked(body, lambda url, name: url) == body


def test_a_journals_texts_stay_and_its_links_change() -> None:
    entry = {"type": "incoming", "textMessage": WRITTEN, "downloadUrl": FILE, "fileName": "a.jpg"}
    made = linked([entry], links)
    assert made == [entry | {"downloadUrl": f"https://ours.example/files/{len(FILE)}-a.jpg"}]
