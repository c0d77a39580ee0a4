"""Bodies that are no JSON, files behind real addresses, and sends in a storm of faults."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from tests.simulator.whapi.conftest import Channel, Receiver, Told, Whapi, started

ADA = "15550001234@s.whatsapp.net"
PICTURE = b"\x89PNG of a server"


async def _post(
    channel: Channel, path: str, *fields: tuple[str, str], file: tuple[str, bytes, str] | None = None
) -> Told:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields:
        form.add_field(name, value)
    if file is not None:
        form.add_field("media", file[1], filename=file[0], content_type=file[2])
    return await channel.whapi.call(channel.row["apiUrl"] + path, "POST", channel.token, data=form)


@pytest.fixture
async def shop() -> AsyncIterator[str]:
    """A server of somebody else's with a picture, a page of unknown type and nothing more."""

    async def picture(request: web.Request) -> web.Response:
        return web.Response(body=PICTURE, content_type="image/png")

    app = web.Application()
    app.router.add_get("/a.png", picture)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_forms_say_what_json_says(whapi: Whapi) -> None:
    channel = await whapi.linked()
    text = (await _post(channel, "messages/text", ("to", ADA), ("body", "hi"), ("typing_time", "0"))).ok()
    assert text["message"]["text"] == {"body": "hi"}
    for options in (
        [("options", "now"), ("options", "later")],
        [("options", '["now", "later"]')],
        [("options", "now,later")],
    ):
        poll = await _post(channel, "messages/poll", ("to", ADA), ("title", "When?"), ("count", "1"), *options)
        said = poll.ok()["message"]["poll"]
        assert (said["options"], said["vote_limit"]) == (["now", "later"], 1)
    place = await _post(channel, "messages/location", ("to", ADA), ("latitude", "50.5"), ("longitude", "30"))
    assert place.ok()["message"]["location"] == {"latitude": 50.5, "longitude": 30}
    assert (await _post(channel, "messages/location", ("to", ADA), ("latitude", "north"))).status == 400


async def test_forms_and_json_carry_files_to_the_addresses_of_raw_bodies_too(whapi: Whapi) -> None:
    channel = await whapi.linked()
    uploaded = await _post(channel, "media", file=("a.png", PICTURE, "image/png"))
    media = uploaded.ok()["media"][0]["id"]
    assert media.startswith("png-")
    assert (await channel.gate("GET", f"media/{media}")).raw == PICTURE
    sent = await _post(channel, f"messages/media/image?to={ADA}&caption=c", file=("a.png", PICTURE, "image/png"))
    assert sent.ok()["message"]["image"]["caption"] == "c"
    body = {"media": f"data:application/pdf;base64,{base64.b64encode(b'%PDF').decode()}"}
    paper = await channel.gate("POST", f"messages/media/document?to={ADA}&filename=x.pdf", body)
    assert paper.ok()["message"]["document"]["file_name"] == "x.pdf"
    assert (await channel.gate("POST", f"messages/media/hologram?to={ADA}", body)).status == 400
    assert (await channel.gate("POST", "messages/media/document", body)).status == 400


async def test_a_file_is_fetched_from_its_server_and_what_is_not_there_is_refused(whapi: Whapi, shop: str) -> None:
    channel = await whapi.linked()
    body = {"to": ADA, "media": f"{shop}/a.png"}
    image = (await channel.gate("POST", "messages/image", body)).ok()["message"]["image"]
    assert (image["mime_type"], image["file_size"], image["file_name"]) == ("image/png", len(PICTURE), "a.png")
    assert (await channel.gate("GET", f"media/{image['id']}")).raw == PICTURE
    assert (await channel.gate("POST", "messages/image", {"to": ADA, "media": f"{shop}/b.png"})).status == 400
    assert (await channel.gate("POST", "messages/voice", body)).status == 415
    assert (await channel.gate("GET", "messages/list")).ok()["total"] == 1


async def test_in_a_storm_each_send_happened_as_often_as_the_journal_says(receiver: Receiver) -> None:
    async with started(limits=False) as whapi:
        channel = await whapi.linked()
        await channel.set(webhooks=[{"url": receiver.url, "events": [{"type": "messages", "method": "post"}]}])
        kinds = ("lose_request", "lose_answer", "done_then_status", "half_body", "status")
        await whapi.faults(*({"kind": kind, "method": "sendMessageText", "probability": 0.15} for kind in kinds))
        answered = await asyncio.gather(*(_try(channel, number) for number in range(60)))
        await whapi.faults()
        rows = (await whapi.sim(f"whapi/messages?channel_id={channel.id}"))["messages"]
        truth = sorted(row["id"] for row in rows)
        effects = [line for line in await whapi.journal(kind="effect") if line["method"] == "sendMessageText"]
        assert len(effects) == len(truth) < 60
        assert {id_ for id_ in answered if id_} < set(truth)
        await receiver.has(len(truth))
        assert sorted(body["messages"][0]["id"] for body in receiver.got) == truth


async def _try(channel: Channel, number: int) -> str:
    try:
        told = await channel.gate("POST", "messages/text", {"to": ADA, "body": str(number)})
    except (aiohttp.ClientError, OSError):
        return ""
    return str(told.body["message"]["id"]) if told.status == 200 else ""
