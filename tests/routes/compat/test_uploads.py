"""Methods that take a file, in every style that clients have."""

from typing import Any

from tests.conftest import Upstream
from tests.routes.compat.conftest import LineClient, raw_request
from tests.routes.compat.test_passing import CHAT, calls

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 20_000
MEBIBYTE = 1024 * 1024


async def sent(upstream: Upstream, line: LineClient) -> list[dict[str, Any]]:
    """What upstream took."""
    found: list[dict[str, Any]] = (await upstream.control("GET", f"messages?id_instance={line.upstream_id}"))[
        "messages"
    ]
    return found


async def test_a_form_is_passed_on_and_is_a_message_of_ours(line: LineClient, upstream: Upstream) -> None:
    form = {"chatId": CHAT, "caption": "Look", "fileName": "a.jpg"}
    reply = await line.call("POST", "SendFileByUpload", data=form, files={"file": ("x.jpg", JPEG, "image/jpeg")})
    assert reply.status_code == 200, reply.text
    assert list(reply.json()) == ["idMessage", "urlFile"]
    link = reply.json()["urlFile"]
    assert link.startswith(f"{str(line.http.base_url).rstrip('/')}/files/")
    assert (await line.http.get(link)).content == JPEG
    assert [message["id_message"] for message in await sent(upstream, line)] == [reply.json()["idMessage"]]
    instance_id = (await line.http.get("/v1/instances", headers=line.tenant.headers)).json()["data"][0]["id"]
    rows = (await line.http.get(f"/v1/instances/{instance_id}/messages", headers=line.tenant.headers)).json()["data"]
    assert [row["upstream_message_id"] for row in rows] == [reply.json()["idMessage"]]
    assert "Look" in str(rows[0])


async def test_a_form_whose_file_comes_first_is_understood(line: LineClient, upstream: Upstream) -> None:
    mark = "----edge"
    body = (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    ).encode() + JPEG
    body += f'\r\n--{mark}\r\nContent-Disposition: form-data; name="chatId"\r\n\r\n{CHAT}\r\n--{mark}--\r\n'.encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    reply = await line.call("POST", "sendFileByUpload", content=body, headers=headers)
    assert reply.status_code == 200, reply.text
    assert [message["chat_id"] for message in await sent(upstream, line)] == [CHAT]


async def test_a_file_is_stored_raw_and_as_a_form(line: LineClient) -> None:
    headers = {b"Content-Type": b"image/jpeg", b"GA-Filename": "схема.jpg".encode()}
    raw = await line.http.request("POST", line.path("uploadFile"), content=JPEG, headers=headers)
    nameless = await line.call("POST", "uploadFile", content=JPEG, headers={"Content-Type": "image/jpeg"})
    form = await line.call("POST", "UploadFile", files={"file": ("x.jpg", JPEG, "image/jpeg")})
    for reply in (raw, nameless, form):
        assert reply.status_code == 200, reply.text
        assert list(reply.json()) == ["urlFile"]
        assert (await line.http.get(reply.json()["urlFile"])).content == JPEG


async def test_pictures_of_the_account_and_of_groups(line: LineClient, upstream: Upstream) -> None:
    own = await line.call("POST", "setProfilePicture", files={"file": ("x.jpg", JPEG, "image/jpeg")})
    assert own.status_code == 200, own.text
    assert own.json()["setProfilePicture"] is True
    assert upstream.url not in own.text
    made = await line.call("POST", "createGroup", json={"groupName": "Crew", "chatIds": [CHAT]})
    assert made.status_code == 200, made.text
    form = {"groupId": made.json()["chatId"]}
    group = await line.call("POST", "setGroupPicture", data=form, files={"file": ("x.jpg", JPEG, "image/jpeg")})
    assert group.status_code == 200, group.text
    assert group.json()["setGroupPicture"] is True


async def test_what_is_no_file_or_too_large_never_becomes_a_message(line: LineClient, upstream: Upstream) -> None:
    no_form = await line.call("POST", "sendFileByUpload", json={"chatId": CHAT})
    assert no_form.status_code == 400
    assert no_form.json()["message"] == "Validation failed. Details: 'file' is required"
    no_file = await line.call("POST", "sendFileByUpload", files={"chatId": (None, CHAT)})
    assert no_file.status_code == 400
    nobody = await line.call("POST", "sendFileByUpload", files={"file": ("x.jpg", JPEG, "image/jpeg")})
    assert nobody.status_code == 400
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await line.call("POST", "sendFileByUpload", content=b"--y\r\n", headers=broken)).status_code == 400
    head = (
        f"POST {line.path('sendFileByUpload')} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {102 * MEBIBYTE}\r\n\r\n--x\r\n"
    )
    status, _, body = await raw_request(line.http, head)
    assert (status, body) == (413, b"Request Entity Too Large")
    assert await sent(upstream, line) == []
    assert (await line.call("GET", "getStateInstance")).status_code == 200


FAULTS: list[tuple[dict[str, Any], int]] = [
    ({"kind": "lose_answer"}, 504),
    ({"kind": "status", "status": 502}, 504),
    ({"kind": "status", "status": 401, "body": ""}, 502),
    ({"kind": "status", "status": 429, "body": ""}, 429),
]


async def test_an_upload_that_upstream_fails_is_told_and_not_repeated(line: LineClient, upstream: Upstream) -> None:
    for number, (fault, status) in enumerate(FAULTS):
        await upstream.faults({"method": "sendFileByUpload", **fault})
        before = len(await calls(upstream, line, "sendFileByUpload"))
        reply = await line.call(
            "POST",
            "sendFileByUpload",
            data={"chatId": CHAT, "caption": str(number)},
            files={"file": ("x.jpg", JPEG, "image/jpeg")},
        )
        assert reply.status_code == status, (fault, reply.text)
        assert len(await calls(upstream, line, "sendFileByUpload")) == before + 1
