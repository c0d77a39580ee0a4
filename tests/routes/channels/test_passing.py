"""Routes without a word of ours: passed on where the gateway speaks Whapi's, refused with 501 elsewhere."""

import re
from typing import Any

from app.channels import natively
from app.channels.table import PASSED
from app.lines.channel_words import values
from tests.routes.channels.conftest import ANN, Opened
from tests.routes.channels.test_calls import JPEG
from tests.routes.channels.test_refusals import check

PERSON = "79990003344"
PARAMS = {"ContactID": PERSON, "EntryID": PERSON, "ChatID": ANN, "GroupID": "120363000000000000@g.us"}
BODIES: dict[str, dict[str, Any]] = {
    "sendMessageGif": {"to": ANN, "media": "https://files.example.org/a.mp4"},
    "sendMessageShort": {"to": ANN, "media": "https://files.example.org/a.mp4"},
    "sendMessageSticker": {"to": ANN, "media": "https://files.example.org/a.webp"},
    "sendMessageLinkPreview": {"to": ANN, "body": "See https://example.org", "title": "Example"},
    "sendMessageLiveLocation": {"to": ANN, "latitude": 1, "longitude": 2, "accuracy": 1, "caption": "here"},
    "sendMessageContactList": {"to": ANN, "list": [{"name": "Ann", "vcard": "BEGIN:VCARD\nEND:VCARD"}]},
    "reactToMessage": {"emoji": "👍"},
    "sendMePresence": {"presence": "online"},
}
WORKS = frozenset(
    {"sendMessageGif", "sendMessageShort", "sendMessageSticker", "sendMessageLinkPreview", "sendMessageContactList",
     "reactToMessage", "removeReactFromMessage", "getLidById", "blacklistAdd", "getBlackList", "blacklistRemove",
     "subscribePresence", "sendMePresence", "deleteChat"}
)  # fmt: skip
"""What a played Whapi does, so that an answer of it is seen."""


def path_of(path: str, message_id: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: PARAMS.get(found[1], message_id), path)


async def test_what_has_no_word_of_ours_depends_on_the_gateway(opened: Opened) -> None:
    async with opened() as client:
        message_id = await client.receive("Hello")
        done: set[str] = set()
        for route in PASSED:
            body = BODIES.get(route.name, {})
            more: dict[str, Any] = {} if route.takes == "nothing" else {"json": body}
            reply = await client.call(route.verb, path_of(route.path, message_id), **more)
            if client.away is None:
                assert "cannot do this" in check(reply, 501), route.name
            elif reply.status_code < 300:
                done.add(route.name)
            else:
                check(reply, reply.status_code)
                assert reply.status_code != 501, route.name
        if client.away is not None:
            assert done >= WORKS, WORKS - done
        for said in client.said:
            assert not [each for each in client.secrets if each in said], said


async def test_messages_that_are_passed_on_are_counted_and_their_files_are_ours_to_give(opened: Opened) -> None:
    async with opened() as client:
        left = (await client.ok("GET", "/limits"))["messages"]
        body = {"to": ANN, "media": "https://files.example.org/a.webp"}
        if client.away is None:
            check(await client.call("POST", "/messages/sticker", json=body), 501)
            assert (await client.ok("GET", "/limits"))["messages"] == left
            return
        sent = await client.ok("POST", "/messages/sticker", json=body)
        assert (await client.ok("GET", "/limits"))["messages"] == left - 1
        assert await client.ok("GET", f"/messages/{sent['message']['id']}")
        form = {"media": ("a.webp", JPEG, "image/webp")}
        assert (await client.ok("POST", "/messages/sticker", data={"to": ANN}, files=form))["sent"]
        check(await client.call("POST", "/messages/sticker", json={"to": ANN, "media": "upload-" + "0" * 32}), 404)


def test_nothing_of_the_gateway_leaves_with_an_answer() -> None:
    told = {
        "channel_id": "RAVENX-7Q2LM",
        "token": "secret",
        "apiUrl": "https://gate.example/",
        "image": {"link": "https://gate.example/a.jpg", "filename": "a.jpg", "caption": "gate.example is theirs"},
        "href": "see https://gate.example/docs",
        "items": [{"text": "RAVENX-7Q2LM"}, {"owner": "RAVENX-7Q2LM"}],
    }
    cleaner = natively.Cleaner(values.channel_id(7), ("gate.example", "RAVENX-7Q2LM"), lambda url, name: f"ours/{name}")
    assert cleaner.clean(told) == {
        "channel_id": values.channel_id(7),
        "image": {"link": "ours/a.jpg", "filename": "a.jpg", "caption": "gate.example is theirs"},
        "href": "",
        "items": [{"text": "RAVENX-7Q2LM"}, {"owner": ""}],
    }


async def test_a_file_of_a_message_is_under_a_link_of_ours(opened: Opened) -> None:
    async with opened() as client:
        if client.away is None:
            file = {"kind": "imageMessage", "file_name": "a.jpg", "caption": "c"}
            await client.stage.act("receive", chat_id="79990003344@c.us", id_message="3A77", **file)
            message_id = "3A77"
        else:
            form = {"media": ("x.jpg", JPEG, "image/jpeg")}
            message_id = (await client.ok("POST", "/messages/image", data={"to": ANN}, files=form))["message"]["id"]
        row = await client.ok("GET", f"/messages/{message_id}")
        ours = f"{client.stage.runtime.settings.public_url}/files/"
        assert row["image"]["link"].startswith(ours)
        reply = await client.call("GET", f"/media/{row['image']['id']}")
        assert reply.status_code == 302, reply.text
        assert reply.headers["location"].startswith(ours)
        assert not [each for each in client.secrets if each in client.said[-1]]
        unknown = values.media_id("image", "79990003344@c.us", "NONE0000")
        check(await client.call("GET", f"/media/{unknown}"), 404)


async def test_a_change_of_unknown_end_is_504_and_its_key_does_it_no_second_time(opened: Opened) -> None:
    async with opened() as client:
        if client.away is None:
            return
        upstream, message_id = client.away.channel.upstream, await client.receive("Hello")
        for number, status in enumerate((502, 503, 408)):
            body = {"to": f"7999000334{number}", "media": "https://files.example.org/a.webp"}
            await upstream.fault("sendMessageSticker", "status", status=status, times=1)
            key: dict[str, Any] = {"headers": {"Idempotency-Key": f"k{number}"}}
            for _ in range(2):
                reply = await client.call("POST", "/messages/sticker", json=body, **key)
                assert "before you ask again" in check(reply, 504), status
        assert len(await upstream.calls("sendMessageSticker")) == 3
        await upstream.fault("reactToMessage", "status", status=503, times=1)
        check(await client.call("PUT", f"/messages/{message_id}/reaction", json={"emoji": "x"}), 504)
        await upstream.fault("getBlackList", "status", status=503)
        check(await client.call("GET", "/blacklist"), 503)


async def test_a_gateway_that_cannot_say_where_a_message_is_does_not_make_it_unknown(opened: Opened) -> None:
    async with opened() as client:
        if client.away is None:
            return
        upstream, message_id = client.away.channel.upstream, await client.receive("Hello")
        for verb, body in (("PUT", None), ("DELETE", None), ("POST", {"to": PERSON})):
            await upstream.fault("getMessage", "status", status=503, times=1)
            refused = await client.call(verb, f"/messages/{message_id}", json=body)
            assert "nothing was done" in check(refused, 503), verb
            assert refused.headers["retry-after"]
        await upstream.fault("getMessage", "status", status=429, times=1)
        check(await client.call("PUT", f"/messages/{message_id}"), 429)
        assert await client.ok("PUT", f"/messages/{message_id}") == {"success": True}
        check(await client.call("PUT", "/messages/NONE00000000-NONE000000"), 404)


async def test_an_id_is_passed_on_as_whapi_writes_it_whatever_its_spelling(opened: Opened) -> None:
    async with opened() as client:
        if client.away is None:
            return
        upstream = client.away.channel.upstream
        await client.receive("Hello")
        for spelling in (PERSON, f"{PERSON}@c.us", ANN):
            assert await client.ok("PATCH", f"/chats/{spelling}", json={"pin": True}) == {"success": True}
            assert await client.ok("PUT", f"/blacklist/{spelling}") == {"success": True}
            assert await client.ok("GET", "/blacklist") == [PERSON]
            assert await client.ok("DELETE", f"/blacklist/{spelling}") == {"success": True}
        for spelling in (f"+{PERSON}", f"{PERSON}@c.us", ANN):
            body = {"to": spelling, "body": "See https://example.org", "title": "Example"}
            assert (await client.ok("POST", "/messages/link_preview", json=body))["message"]["chat_id"] == ANN
            assert (await upstream.asked("sendMessageLinkPreview"))["to"] == ANN
        assert check(await client.call("PATCH", "/chats/xyz", json={"pin": True}), 400)


async def test_a_font_that_one_gateway_lacks_is_the_others(opened: Opened) -> None:
    async with opened() as client:
        for font, status in (("SYSTEM", 200), ("SYSTEM_BOLD", 501 if client.away is None else 200), ("NONE", 400)):
            reply = await client.call("POST", "/stories/send/text", json={"caption": "Open", "font_type": font})
            assert reply.status_code == status, (font, reply.text)
