"""Methods that bring a file, both ways."""

from typing import Any

from tests.conftest import Upstream
from tests.routes.compat.speaking.stage import CHAT, Stage, shown, unlike
from tests.routes.compat.speaking.test_methods import records

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 20_000
PICTURE = {"file": ("x.jpg", JPEG, "image/jpeg")}


async def test_a_form_is_sent_and_recorded_the_same(stage: Stage) -> None:
    await stage.act("receive", chat_id=CHAT, text="Hi", id_message="3A01")
    form = {"chatId": CHAT, "caption": "Look", "fileName": "a.jpg", "quotedMessageId": "3A01"}
    replies = [await way("POST", "SendFileByUpload", data=form, files=PICTURE) for way in (stage.native, stage.spoken)]
    for reply in replies:
        assert (reply.status_code, list(reply.json())) == (200, ["idMessage", "urlFile"]), reply.text
        link = reply.json()["urlFile"]
        assert link.startswith(f"{str(stage.line.http.base_url).rstrip('/')}/files/")
        assert (await stage.line.http.get(link)).content == JPEG
    await stage.idle()
    one, other = await stage.history()
    assert unlike(one, other) <= {".idMessage", ".timestamp", ".downloadUrl"}
    assert [one["idMessage"], other["idMessage"]] == [reply.json()["idMessage"] for reply in replies]
    one, other = await records(stage)
    assert unlike(one, other) <= {".id", ".upstream_message_id", ".created_at", ".updated_at", ".status"}


async def test_a_form_whose_file_comes_first_is_understood_whole(stage: Stage) -> None:
    mark = "----edge"
    file = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n'.encode() + JPEG
    rest = "".join(
        f'\r\n--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'
        for name, value in (("chatId", CHAT), ("caption", "Late"))
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    body = file + f"{rest}\r\n--{mark}--\r\n".encode()
    reply = await stage.spoken("POST", "sendFileByUpload", content=body, headers=headers)
    assert reply.status_code == 200, reply.text
    sent = (await stage.messages())[-1]
    assert (sent["chat_id"], sent["text"]) == (CHAT, "Late")


async def test_files_are_stored_raw_and_as_a_form(stage: Stage) -> None:
    headers = {"Content-Type": "image/jpeg", "GA-Filename": "a.jpg"}
    raw = await stage.spoken("POST", "uploadFile", content=JPEG, headers=headers)
    form = await stage.spoken("POST", "UploadFile", files=PICTURE)
    native = await stage.native("POST", "uploadFile", content=JPEG, headers=headers)
    for reply in (raw, form, native):
        assert (reply.status_code, list(reply.json())) == (200, ["urlFile"]), reply.text
        assert (await stage.line.http.get(reply.json()["urlFile"])).content == JPEG
    stored = raw.json()["urlFile"]
    sent = await stage.spoken("POST", "sendFileByUrl", json={"chatId": CHAT, "urlFile": stored, "fileName": "a.jpg"})
    assert sent.status_code == 200, sent.text
    assert "/files/" not in str((await stage.messages())[-1]), "a link of ours is led back"


async def test_pictures_are_set_and_refused_the_same(stage: Stage) -> None:
    made: Any = await stage.act("group", subject="crew", group_id="1203630001@g.us", account="admin")
    group = {"groupId": made["group_id"]}
    for method, form in (("setProfilePicture", {}), ("setGroupPicture", group)):
        for file in (JPEG, b"no picture"):
            files = {"file": ("x.jpg", file, "image/jpeg")}
            one = await stage.native("POST", method, data=form, files=files)
            other = await stage.spoken("POST", method, data=form, files=files)
            unequal = unlike(shown(one), shown(other))
            assert unequal <= {".urlAvatar"}, f"{one.text} {other.text}"
            assert type(one.json()["urlAvatar"]) is type(other.json()["urlAvatar"])
            assert one.json()[method] is (file == JPEG)


async def test_bad_forms_are_refused_the_same(stage: Stage, upstream: Upstream) -> None:
    for form, files in (({"caption": "x"}, PICTURE), ({"chatId": "nobody"}, PICTURE), ({"chatId": CHAT}, None)):
        one = await stage.native("POST", "sendFileByUpload", data=form, files=files)
        other = await stage.spoken("POST", "sendFileByUpload", data=form, files=files)
        assert (one.status_code, one.json()["message"]) == (other.status_code, other.json()["message"]), form
    no_group = {"groupId": CHAT}
    one = await stage.native("POST", "setGroupPicture", data=no_group, files=PICTURE)
    other = await stage.spoken("POST", "setGroupPicture", data=no_group, files=PICTURE)
    assert (one.status_code, one.json()["message"]) == (other.status_code, other.json()["message"])


async def test_a_file_that_is_surely_not_stored_is_surely_not_sent(stage: Stage, upstream: Upstream) -> None:
    await upstream.faults({"method": "uploadFile", "kind": "status", "status": 500, "body": "oops"})
    reply = await stage.spoken("POST", "sendFileByUpload", data={"chatId": CHAT}, files=PICTURE)
    assert (reply.status_code, reply.text) == (502, "Bad Gateway")
    assert [row["status"] for row in await records(stage)] == ["not_sent"]


async def test_a_send_without_an_answer_is_not_repeated(stage: Stage, upstream: Upstream) -> None:
    await upstream.faults({"method": "sendFileByUrl", "kind": "lose_answer"})
    reply = await stage.spoken("POST", "sendFileByUpload", data={"chatId": CHAT}, files=PICTURE)
    await upstream.faults()
    assert (reply.status_code, reply.text) == (504, "Gateway Timeout")
    assert len(await stage.messages()) == 1


async def test_a_form_that_is_cut_sends_nothing(stage: Stage) -> None:
    mark = "x"
    part = f'--{mark}\r\nContent-Disposition: form-data; name="chatId"\r\n\r\n{CHAT}\r\n--{mark}\r\n'
    body = (part + 'Content-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n').encode() + JPEG
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    one = await stage.native("POST", "sendFileByUpload", content=body, headers=headers)
    other = await stage.spoken("POST", "sendFileByUpload", content=body, headers=headers)
    assert (one.status_code, one.text) == (other.status_code, other.text) == (400, "bad request data")
    assert await stage.messages() == []
    assert {row["status"] for row in await records(stage)} == {"not_sent"}
