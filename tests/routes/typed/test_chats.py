"""Chats and the messages in them, with the phone as the truth."""

import httpx2

from tests.routes.typed.phone import CHAT, FRIEND, OTHER_CHAT, Phone


async def test_chats_are_listed_found_archived_and_made_forgetful(phone: Phone) -> None:
    await phone.act("receive", chat_id=CHAT, text="Hello", sender_name="Ann")
    await phone.act("receive", chat_id=OTHER_CHAT, text="Hi", sender_name="Bo")
    listed = await phone.good("GET", "chats")
    assert listed["object"] == "list"
    assert [(chat["object"], chat["chat_id"], chat["name"]) for chat in listed["data"]] == [
        ("chat", OTHER_CHAT, "Bo"),
        ("chat", CHAT, "Ann"),
    ]
    assert len((await phone.good("GET", "chats?limit=1"))["data"]) == 1
    found = await phone.good("GET", f"chats/{FRIEND}")
    assert (found["chat_id"], found["kind"], found["is_archived"], found["unread"]) == (CHAT, "user", False, 1)
    missing = await phone.call("GET", "chats/+79990005599")
    assert (missing.status_code, missing.json()["code"]) == (404, "resource_not_found")

    changed = await phone.good("PATCH", f"chats/{CHAT}", {"is_archived": True, "disappearing_seconds": 86400})
    assert (changed["is_archived"], changed["disappearing_seconds"]) == (True, 86400)
    found = await phone.good("GET", f"chats/{CHAT}")
    assert (found["is_archived"], found["disappearing_seconds"]) == (True, 86400)
    changed = await phone.good("PATCH", f"chats/{CHAT}", {"is_archived": False})
    assert (changed["is_archived"], changed["disappearing_seconds"]) == (False, None)
    assert (await phone.good("GET", f"chats/{CHAT}"))["is_archived"] is False


async def test_a_chat_is_marked_read_and_seems_to_be_typed_in(phone: Phone) -> None:
    told = await phone.act("receive", chat_id=CHAT, text="Hello")
    await phone.act("receive", chat_id=CHAT, text="Again")
    reply = await phone.call("POST", f"chats/{FRIEND}/read", {"message_id": told["id_message"]})
    assert (reply.status_code, reply.content) == (204, b"")
    await phone.good("POST", f"chats/{CHAT}/read", {})
    assert (await phone.good("GET", f"chats/{CHAT}"))["unread"] == 0
    await phone.good("POST", f"chats/{CHAT}/typing", {"seconds": 1.5, "recording": True})
    [asked] = await phone.asked("sendTyping")
    assert asked["real"] == "done"


async def test_the_history_of_a_chat_has_links_of_ours(phone: Phone, http: httpx2.AsyncClient) -> None:
    await phone.act("receive", chat_id=CHAT, text="Hello", sender_name="Ann")
    told = await phone.act("receive", chat_id=CHAT, kind="imageMessage", file_name="hall.jpg", caption="The hall")
    listed = await phone.good("GET", f"chats/{CHAT}/messages")
    image, text = listed["data"]
    assert (text["object"], text["kind"], text["content"]["text"]) == ("chat_message", "text", "Hello")
    assert (text["direction"], text["sender"], text["sender_name"]) == ("incoming", CHAT, "Ann")
    assert (image["kind"], image["content"]["caption"], image["message_id"]) == (
        "image",
        "The hall",
        told["id_message"],
    )
    assert image["file_link"].startswith(f"{phone.sender.client.base_url}/files/")
    assert image["file_link"].endswith(".jpg")
    assert len((await phone.good("GET", f"chats/{CHAT}/messages?limit=1"))["data"]) == 1

    one = await phone.good("GET", f"chats/{CHAT}/messages/{told['id_message']}")
    assert (one["message_id"], one["content"]["caption"]) == (told["id_message"], "The hall")
    file = await phone.good("GET", f"chats/{CHAT}/messages/{told['id_message']}/file")
    assert (file["object"], file["message_id"]) == ("message_file", told["id_message"])
    bytes_seen = [(await http.get(link)).content for link in (image["file_link"], file["file_link"])]
    assert bytes_seen[0] == bytes_seen[1] != b""
    assert (await phone.call("GET", f"chats/{CHAT}/messages/{'A' * 129}")).status_code == 404

    recent = await phone.good("GET", "recent_messages?direction=incoming&minutes=5")
    assert [message["message_id"] for message in recent["data"]] == [image["message_id"], text["message_id"]]
    assert (await phone.good("GET", "recent_messages?direction=outgoing"))["data"] == []


async def test_a_message_typed_on_the_phone_is_edited_and_deleted(phone: Phone) -> None:
    told = await phone.act("send_from_phone", chat_id=CHAT, text="Helo")
    path = f"chats/{CHAT}/messages/{told['id_message']}"
    edit = await phone.good("PATCH", path, {"text": {"body": "Hello"}})
    assert (edit["object"], edit["message_id"]) == ("message_edit", told["id_message"])
    assert edit["edit_message_id"]
    assert await phone.good("DELETE", f"{path}?for=me") is None
    assert [(entry["verb"], entry["real"]) for entry in await phone.asked("deleteMessage")] == [("POST", "done")]


async def test_calls_are_told(phone: Phone) -> None:
    await phone.act("call", chat_id=CHAT, statuses=["offer", "pickUp", "hungUp"], duration=12)
    [call] = (await phone.good("GET", "calls"))["data"]
    assert (call["object"], call["chat_id"], call["direction"]) == ("call", CHAT, "incoming")
    assert (call["status"], call["duration_seconds"], call["is_video"]) == ("ended", 12, False)
    assert (await phone.good("GET", "calls?direction=outgoing&minutes=60"))["data"] == []
