"""Files: uploaded in both styles, sent by their address, handed out with Range, never held in memory."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from aiohttp import web

from simulator.main import start

from .conftest import Caller, Rented, eventually

CHAT = "79990003344@c.us"
PICTURE = b"\x89PNG" + bytes(range(256)) * 40
LARGEST = 100 * 1024 * 1024


def _form(file: Any = PICTURE, name: str = "cat.png", **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for key, value in fields.items():
        form.add_field(key, value)
    form.add_field("file", file, filename=name, content_type="image/png")
    return form


async def _echo(sim: Caller, instance: Rented) -> dict[str, Any]:
    await sim.advance(1)
    return next(b for b in await instance.pull_all() if b["typeWebhook"] == "outgoingAPIMessageReceived")


async def _bytes(sim: Caller, url: str, **headers: str) -> tuple[int, bytes, Any]:
    async with sim.session.get(url, headers=headers) as answer:
        return answer.status, await answer.read(), answer.headers


async def _upload(sim: Caller, instance: Rented, method: str = "uploadFile", **options: Any) -> tuple[int, Any]:
    async with sim.session.post(sim.url + instance.path(method), **options) as answer:
        text = await answer.text()
        return answer.status, await answer.json() if answer.status == 200 else text


async def test_a_raw_upload_is_kept_under_its_name_and_type(sim: Caller) -> None:
    instance = await sim.linked()
    headers = {"Content-Type": "image/png", "GA-Filename": "cat.png"}
    status, made = await _upload(sim, instance, data=PICTURE, headers=headers)
    assert (status, list(made)) == (200, ["urlFile"])
    assert made["urlFile"].startswith(f"{sim.url}/_files/{instance.id}/")
    assert made["urlFile"].endswith(".png")
    status, body, answered = await _bytes(sim, made["urlFile"])
    assert (status, body, answered["Content-Type"]) == (200, PICTURE, "image/png")


async def test_a_raw_upload_needs_no_name_and_a_form_is_taken_as_well(sim: Caller) -> None:
    instance = await sim.linked()
    nameless = await _upload(sim, instance, data=PICTURE, headers={"Content-Type": "image/png"})
    in_form = await _upload(sim, instance, data=_form())
    for status, made in (nameless, in_form):
        assert status == 200
        assert (await _bytes(sim, made["urlFile"]))[1] == PICTURE


async def test_a_stored_file_is_handed_out_in_ranges(sim: Caller) -> None:
    instance = await sim.linked()
    _, made = await _upload(sim, instance, data=PICTURE, headers={"Content-Type": "image/png"})
    status, body, headers = await _bytes(sim, made["urlFile"], Range="bytes=4-9")
    assert (status, body) == (206, PICTURE[4:10])
    assert headers["Content-Range"] == f"bytes 4-9/{len(PICTURE)}"
    assert (await _bytes(sim, made["urlFile"], Range=f"bytes={len(PICTURE)}-"))[0] == 416


async def test_a_link_ends_and_a_strange_one_leads_nowhere(sim: Caller) -> None:
    instance = await sim.linked()
    _, made = await _upload(sim, instance, data=PICTURE)
    assert (await _bytes(sim, made["urlFile"].replace(str(instance.id), "7103999999")))[0] == 404
    await sim.advance(15 * 86400 + 1)
    assert (await _bytes(sim, made["urlFile"]))[0] == 404


async def test_an_uploaded_send_answers_its_link_and_waits_as_one_by_url(sim: Caller) -> None:
    instance = await sim.create(outgoingAPIMessageWebhook="yes")
    await instance.until("notAuthorized")
    status, made = await _upload(sim, instance, "sendFileByUpload", data=_form(chatId=CHAT, caption="my cat"))
    assert (status, sorted(made)) == (200, ["idMessage", "urlFile"])
    (item,) = await instance.call("showMessagesQueue")
    assert item == {
        "messageID": made["idMessage"],
        "type": "sendFileByUrl",
        "body": {
            "chatId": CHAT,
            "urlFile": made["urlFile"],
            "fileName": "cat.png",
            "caption": "my cat",
            "archive": False,
        },
    }
    await instance.phone("scan", {})
    told = (await _echo(sim, instance))["messageData"]
    data = told["fileMessageData"]
    assert (told["typeMessage"], data["fileName"], data["caption"]) == ("imageMessage", "cat.png", "my cat")
    assert (data["mimeType"], data["isForwarded"]) == ("image/png", False)
    assert (await _bytes(sim, data["downloadUrl"]))[1] == PICTURE
    row = await instance.call("getMessage", {"chatId": CHAT, "idMessage": made["idMessage"]})
    assert (row["caption"], row["downloadUrl"]) == ("my cat", data["downloadUrl"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jpg", "imageMessage"),
        ("a.MP4", "videoMessage"),
        ("a.mp3", "audioMessage"),
        ("a.pdf", "documentMessage"),
        ("a.unheard-of", "documentMessage"),
    ],
)
async def test_the_extension_decides_the_kind(sim: Caller, name: str, kind: str) -> None:
    instance = await sim.linked(outgoingAPIMessageWebhook="yes")
    await _upload(sim, instance, "sendFileByUpload", data=_form(b"x", "other", chatId=CHAT, fileName=name))
    assert (await _echo(sim, instance))["messageData"]["typeMessage"] == (
        "imageMessage" if name == "a.unheard-of" else kind
    )


async def test_unfit_uploads_are_refused_and_leave_nothing_on_disk(sim: Caller) -> None:
    instance = await sim.linked()
    storage = sim.running.world.storage
    no_chat = await _upload(sim, instance, "sendFileByUpload", data=_form())
    long = await _upload(sim, instance, "sendFileByUpload", data=_form(chatId=CHAT, caption="x" * 1025))
    bad = await _upload(sim, instance, "sendFileByUpload", data=_form(chatId=CHAT, typingTime="5"))
    empty = await _upload(sim, instance, "uploadFile")
    assert [status for status, _ in (no_chat, long, bad, empty)] == [400] * 4
    assert "'chatId' is required" in no_chat[1]
    assert "'caption' length must be less than or equal to 1024" in long[1]
    assert "'typingTime' must be larger than or equal to 1000" in bad[1]
    assert "'file' is required" in empty[1]
    assert storage._blobs == {}


async def test_a_broken_form_is_refused(sim: Caller) -> None:
    instance = await sim.linked()
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await _upload(sim, instance, data=b"--x\r\nnonsense", headers=headers))[0] == 400
    assert (await _upload(sim, instance, data=b"", headers={"Content-Type": "multipart/form-data"}))[0] == 400
    assert (await _upload(sim, instance, "sendFileByUpload", data=PICTURE))[0] == 400


async def test_a_wrong_token_is_refused_and_its_file_thrown_away(sim: Caller) -> None:
    instance = await sim.linked()
    path = f"/waInstance{instance.id}/uploadFile/wrong"
    assert (await sim.raw("POST", path, data=PICTURE))[:2] == (401, "")
    assert sim.running.world.storage._blobs == {}


async def _zeros(size: int) -> AsyncIterator[bytes]:
    block = bytes(1024 * 1024)
    for _ in range(size // len(block)):
        yield block


async def test_a_hundred_megabytes_come_and_go_without_being_held(sim: Caller) -> None:
    instance = await sim.linked()
    process = psutil.Process()
    headers = {"Content-Type": "application/zip", "GA-Filename": "big.zip"}
    await _upload(sim, instance, data=bytes(1024), headers=headers)
    before = process.memory_info().rss
    status, made = await _upload(sim, instance, data=_zeros(LARGEST), headers=headers)
    assert status == 200
    got = 0
    async with sim.session.get(made["urlFile"]) as answer:
        async for chunk in answer.content.iter_chunked(1024 * 1024):
            got += len(chunk)
    assert got == LARGEST
    assert process.memory_info().rss - before < 50 * 1024 * 1024


async def test_more_than_a_hundred_megabytes_are_refused_told_or_not(sim: Caller) -> None:
    instance = await sim.linked()
    told = {"Content-Length": str(LARGEST * 2)}
    path = sim.url + instance.path("uploadFile")
    try:
        async with sim.session.post(path, data=_zeros(LARGEST * 2), headers=told) as answer:
            assert answer.status == 413
    except aiohttp.ClientConnectionError:
        # The refusal may overtake the body, and the connection is closed under it.
        pass
    try:
        async with sim.session.post(path, data=_zeros(LARGEST + 1024 * 1024)) as answer:
            assert answer.status == 413
    except aiohttp.ClientConnectionError:
        pass
    assert sim.running.world.storage._blobs == {}


@pytest.fixture
async def elsewhere() -> AsyncIterator[str]:
    """Somebody's web server with a few files."""

    async def file(request: web.Request) -> web.StreamResponse:
        return web.Response(body=PICTURE, content_type="image/png")

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(150 * 1024 * 1024)})
        await response.prepare(request)
        return response

    async def moved(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/cat.png")

    app = web.Application()
    app.router.add_get("/cat.png", file)
    app.router.add_get("/moved", moved)
    app.router.add_get("/large.zip", large)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def _send_url(instance: Rented, url: str, name: str = "cat.png") -> Any:
    return await instance.raw("sendFileByUrl", {"chatId": CHAT, "urlFile": url, "fileName": name})


@pytest.mark.parametrize("path", ["/cat.png", "/moved"])
async def test_a_file_by_url_is_fetched_when_its_turn_comes(sim: Caller, elsewhere: str, path: str) -> None:
    instance = await sim.linked(outgoingAPIMessageWebhook="yes")
    assert (await _send_url(instance, elsewhere + path))[0] == 200
    data = (await _echo(sim, instance))["messageData"]["fileMessageData"]
    assert data["downloadUrl"].startswith(f"{sim.url}/_files/{instance.id}/")
    assert (await _bytes(sim, data["downloadUrl"]))[1] == PICTURE


async def test_a_file_too_large_is_refused_when_it_is_queued(sim: Caller, elsewhere: str) -> None:
    instance = await sim.linked()
    url = f"{elsewhere}/large.zip"
    status, text, _ = await _send_url(instance, url, "large.zip")
    assert status == 500
    assert text == f"File from url exceeded max upload size. Size: 150mb Limit: 100mb Url: {url}"
    assert (await instance.truth())["outgoing_queue"] == []


async def test_a_file_that_cannot_be_had_fails_later_and_holds_nobody_up(sim: Caller, elsewhere: str) -> None:
    instance = await sim.linked(outgoingWebhook="yes")
    lost = await _send_url(instance, f"{elsewhere}/gone.png")
    dead = await _send_url(instance, "http://127.0.0.1:1/cat.png")
    assert (lost[0], dead[0]) == (200, 200)
    await instance.send()
    await sim.advance(2)
    told = await instance.pull_all()
    assert [body["status"] for body in told] == ["failed", "failed", "sent"]
    assert told[0]["description"] == "file from url answered 404"


async def test_an_own_link_is_sent_without_going_out(sim: Caller) -> None:
    instance = await sim.linked(outgoingAPIMessageWebhook="yes")
    _, made = await _upload(sim, instance, data=PICTURE, headers={"Content-Type": "image/png"})
    await _send_url(instance, made["urlFile"])
    data = (await _echo(sim, instance))["messageData"]["fileMessageData"]
    assert (await _bytes(sim, data["downloadUrl"]))[1] == PICTURE
    assert [e for e in await sim.journal(method="_files") if e["verb"] != "GET"] == []


async def test_fetching_can_be_switched_off(sim: Caller) -> None:
    await sim.sim("config", {"fetch_files": False})
    instance = await sim.linked(outgoingAPIMessageWebhook="yes")
    await _send_url(instance, "http://127.0.0.1:1/cat.png")
    data = (await _echo(sim, instance))["messageData"]["fileMessageData"]
    assert data["downloadUrl"] == "http://127.0.0.1:1/cat.png"


async def test_a_received_file_has_real_bytes_and_a_fresh_link_on_demand(sim: Caller) -> None:
    await sim.sim("config", {"download_link_seconds": 60})
    instance = await sim.linked(incomingWebhook="yes")
    body = {"chat_id": CHAT, "kind": "file", "file_name": "cat.png", "base64": base64.b64encode(PICTURE).decode()}
    came = await instance.phone("receive", body)
    (told,) = await instance.pull_all()
    assert told["messageData"]["typeMessage"] == "imageMessage"
    old = told["messageData"]["fileMessageData"]["downloadUrl"]
    assert (await _bytes(sim, old))[1] == PICTURE
    await sim.advance(61)
    assert (await _bytes(sim, old))[0] == 404
    wanted = {"chatId": CHAT, "idMessage": came["id_message"]}
    fresh = (await instance.call("downloadFile", wanted))["downloadUrl"]
    assert fresh != old
    assert (await _bytes(sim, fresh))[1] == PICTURE
    text = await instance.phone("receive", {"chat_id": CHAT, "text": "no file"})
    for id_message in (text["id_message"], "NONE"):
        assert (await instance.raw("downloadFile", {**wanted, "idMessage": id_message}))[0] == 400


async def test_received_sounds_are_documents_and_large_files_are_marked(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes")
    await instance.phone("receive", {"chat_id": CHAT, "kind": "file", "file_name": "song.mp3", "size": 3_000_000})
    await instance.phone("receive", {"chat_id": CHAT, "kind": "audioMessage"})
    await instance.phone("receive", {"chat_id": CHAT, "kind": "videoMessage", "size": LARGEST + 1})
    song, voice, film = [body["messageData"] for body in await instance.pull_all()]
    assert [data["typeMessage"] for data in (song, voice)] == ["documentMessage", "audioMessage"]
    assert len((await _bytes(sim, song["fileMessageData"]["downloadUrl"]))[1]) == 3_000_000
    assert film["fileMessageData"]["downloadUrl"] == "{{SWE002}}"


async def test_a_forwarded_file_is_the_same_file(sim: Caller) -> None:
    instance = await sim.linked(incomingWebhook="yes", outgoingAPIMessageWebhook="yes")
    body = {"chat_id": CHAT, "kind": "file", "file_name": "cat.png", "base64": base64.b64encode(PICTURE).decode()}
    came = (await instance.phone("receive", body))["id_message"]
    await instance.call("forwardMessages", {"chatId": "7001@c.us", "chatIdFrom": CHAT, "messages": [came]})
    data = (await _echo(sim, instance))["messageData"]["fileMessageData"]
    assert (data["isForwarded"], data["forwardingScore"]) == (True, 1)
    assert (await _bytes(sim, data["downloadUrl"]))[1] == PICTURE


@pytest.mark.parametrize(("kind", "status"), [("status", 502), ("half_body", None), ("lose_request", None)])
async def test_the_storage_can_fail_too(sim: Caller, kind: str, status: int | None) -> None:
    instance = await sim.linked()
    _, made = await _upload(sim, instance, data=PICTURE)
    await sim.faults({"method": "_files", "kind": kind})
    if status is not None:
        assert (await _bytes(sim, made["urlFile"]))[0] == status
    else:
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await _bytes(sim, made["urlFile"])
    await sim.faults()
    assert (await _bytes(sim, made["urlFile"]))[1] == PICTURE


async def test_the_oldest_files_make_room_and_a_closed_simulator_leaves_none() -> None:
    running = await start(["gac.aaa"], {"files_kept_bytes": 2500})
    storage = running.world.storage
    for number in range(4):
        storage.keep(f"{number}", "", [bytes(1000)])
    assert len(storage._blobs) <= 4
    storage.make_room()
    assert [blob.name for blob in storage._blobs] == ["2", "3"]
    folder = Path(next(iter(storage._blobs)).path).parent
    assert len(await asyncio.to_thread(lambda: list(folder.iterdir()))) == 2
    await running.close()
    assert not folder.exists()


async def test_a_caller_that_hangs_up_in_the_middle_leaves_nothing(sim: Caller) -> None:
    instance = await sim.linked()
    began = asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        yield bytes(1024 * 1024)
        began.set()
        await asyncio.sleep(60)

    storage = sim.running.world.storage
    path = sim.url + instance.path("uploadFile")
    call = asyncio.create_task(sim.session.post(path, data=drip()))
    await began.wait()

    async def arrived() -> bool:
        return any(blob.size for blob in storage._blobs)

    async def gone() -> bool:
        return storage._blobs == {}

    await eventually(arrived)
    call.cancel()
    await eventually(gone)


async def test_an_upload_that_is_done_late_still_has_its_file(sim: Caller) -> None:
    instance = await sim.linked(outgoingAPIMessageWebhook="yes")
    await sim.faults({"method": "sendFileByUpload", "kind": "late", "delay_seconds": 30})
    timeout = aiohttp.ClientTimeout(total=0.3)
    with pytest.raises(TimeoutError):
        await _upload(sim, instance, "sendFileByUpload", data=_form(chatId=CHAT), timeout=timeout)
    await sim.advance(60)
    data = (await _echo(sim, instance))["messageData"]["fileMessageData"]
    assert (await _bytes(sim, data["downloadUrl"]))[1] == PICTURE


async def test_clearing_the_queue_while_a_file_is_fetched_sends_nothing_of_it(sim: Caller) -> None:
    asked, told = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            asked.set()
            await told.wait()
        return web.Response(body=PICTURE)

    app = web.Application()
    app.router.add_get("/slow.png", slow)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    instance = await sim.linked(outgoingAPIMessageWebhook="yes")
    await _send_url(instance, f"http://127.0.0.1:{runner.addresses[0][1]}/slow.png")
    await asked.wait()
    assert await instance.call("getMessagesCount") == {"count": 1}
    await instance.call("clearMessagesQueue")
    await instance.send("after")
    told.set()

    async def sent() -> bool:
        return bool((await instance.call("getWebhooksCount"))["count"])

    await eventually(sent)
    (echo,) = await instance.pull_all()
    assert echo["messageData"]["extendedTextMessageData"]["text"] == "after"
    await runner.cleanup()
