"""Statuses (stories)."""

import pytest

from tests.routes.typed.phone import CHAT, FRIEND, JPEG, Phone


async def test_a_text_is_posted_seen_and_taken_back(phone: Phone) -> None:
    await phone.act("contact", chat_id=CHAT, contact_name="Ann")
    body = {"type": "text", "text": {"body": "Open!", "font": "oswald_heavy"}, "background": "#223344"}
    reply = await phone.call("POST", "statuses", {**body, "audience": [FRIEND]})
    assert reply.status_code == 202, reply.text
    posted = reply.json()
    assert posted["object"] == "status"

    async def published() -> bool:
        [story] = (await phone.truth("statuses"))["statuses"]
        return bool(story["status"] != "pending")

    await phone.sender.drain(until=published)
    await phone.act("view_status", id_message=posted["message_id"], chat_id=CHAT, status="read")
    [status] = (await phone.good("GET", "statuses"))["data"]
    assert (status["object"], status["message_id"], status["text"]) == ("status", posted["message_id"], "Open!")
    assert (status["background"], status["font"], status["audience"]) == ("#223344", "oswald_heavy", [CHAT])
    [view] = (await phone.good("GET", f"statuses/{posted['message_id']}/views"))["data"]
    assert (view["chat_id"], view["status"]) == (CHAT, "read")
    assert await phone.good("DELETE", f"statuses/{posted['message_id']}") is None
    assert (await phone.good("GET", "statuses?minutes=60"))["data"] == []


@pytest.mark.parametrize(
    ("body", "method", "asked"),
    [
        (
            {"type": "voice", "media": {"url": "https://files.example/a%20b.mp3"}},
            "sendVoiceStatus",
            {"urlFile": "https://files.example/a%20b.mp3", "fileName": "a b.mp3"},
        ),
        (
            {"type": "media", "media": {"url": "https://files.example/x", "filename": "hall.jpg", "caption": "Hi"}},
            "sendMediaStatus",
            {"urlFile": "https://files.example/x", "fileName": "hall.jpg", "caption": "Hi"},
        ),
    ],
)
async def test_files_are_named_to_the_gateway(
    phone: Phone, body: dict[str, object], method: str, asked: dict[str, str]
) -> None:
    assert (await phone.call("POST", "statuses", body)).status_code == 202
    [entry] = await phone.asked(method)
    assert {name: entry["request"].get(name) for name in asked} == asked


async def test_an_upload_and_a_link_of_ours_are_led_back_to_the_gateways(phone: Phone) -> None:
    upload = await phone.good("POST", "uploads?filename=hall.jpg", content=JPEG, kind="image/jpeg")
    posted = await phone.call("POST", "statuses", {"type": "media", "media": {"upload_id": upload["id"]}})
    assert posted.status_code == 202, posted.text
    await phone.act("receive", chat_id=CHAT, kind="imageMessage", file_name="door.jpg")
    [message] = (await phone.good("GET", f"chats/{CHAT}/messages"))["data"]
    again = await phone.call("POST", "statuses", {"type": "media", "media": {"url": message["file_link"]}})
    assert again.status_code == 202, again.text
    asked = [entry["request"] for entry in await phone.asked("sendMediaStatus")]
    assert [each["fileName"] for each in asked] == ["hall.jpg", "door.jpg"]
    assert all(each["urlFile"].startswith(phone.sender.upstream.url) for each in asked)


async def test_what_contacts_post_is_told_with_links_of_ours(phone: Phone) -> None:
    await phone.act("contact", chat_id=CHAT, contact_name="Ann")
    await phone.act("post_status", chat_id=CHAT, text="Good day", name="Ann")
    link = f"{phone.sender.upstream.url}/a.jpg"
    await phone.act("post_status", chat_id=CHAT, download_url=link, file_name="a.jpg", mime_type="image/jpeg")
    listed = (await phone.good("GET", "statuses?direction=incoming"))["data"]
    assert {status["kind"] for status in listed} == {"text", "image"}
    [image] = [status for status in listed if status["kind"] == "image"]
    assert image["file_link"].startswith(f"{phone.sender.client.base_url}/files/")


async def test_an_upload_of_another_instance_is_not_there(phone: Phone) -> None:
    media = {"upload_id": "upl_01m7zpzh3pekgt8zb1y8xg42jx"}
    reply = await phone.call("POST", "statuses", {"type": "media", "media": media})
    assert (reply.status_code, reply.json()["code"]) == (404, "resource_not_found")
