"""Files of a gateway that keeps them elsewhere or behind an account's token: tenants see links of ours alone."""

import base64

from aiohttp import web

from app.files.fetching import Fetcher
from app.files.links import FileLink
from app.kit.crypto import Secret
from app.kit.egress import parse_networks
from app.kit.ids import new_id
from app.providers.port import Credentials
from tests.routes.files.test_downloads import stranger
from tests.routes.prepaid.conftest import ANN, THEIR_ANN, WHAPI_TOKEN, Shop

PICTURE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8
SECRETS = ("whapi", "wasabisys", "/_files/", WHAPI_TOKEN)


async def receive_picture(shop: Shop) -> str:
    """Ann sends a picture; the link that the tenant is told."""
    data = base64.b64encode(PICTURE).decode()
    await shop.phone("receive", chat_id=THEIR_ANN, kind="image", data=data, file_name="a.jpg", mime_type="image/jpeg")
    body = await shop.told()
    assert body["messageData"]["typeMessage"] == "imageMessage"
    assert not [secret for secret in SECRETS if secret in str(body)]
    link: str = body["messageData"]["fileMessageData"]["downloadUrl"]
    assert link.startswith(shop.runtime.settings.public_url)
    return link


async def test_a_received_file_is_read_through_us(shop: Shop) -> None:
    link = await receive_picture(shop)
    got = await shop.client.get(link)
    assert (got.status_code, got.content) == (200, PICTURE)
    listed = (await shop.call("GET", "messages")).json()["data"]
    file = await shop.call("GET", f"messages/{listed[0]['id']}/file")
    assert file.status_code == 200, file.text
    assert not [secret for secret in SECRETS if secret in file.text]
    assert (await shop.client.get(file.json()["file_link"])).content == PICTURE


async def test_a_file_behind_the_accounts_token_is_read_with_it(shop: Shop) -> None:
    await shop.upstream.control("POST", "config", {"whapi": {"files_at_gate": True}})
    link = await receive_picture(shop)
    got = await shop.client.get(link)
    assert (got.status_code, got.content) == (200, PICTURE)


async def test_what_was_received_can_be_sent_on(shop: Shop) -> None:
    for at_gate in (False, True):
        await shop.upstream.control("POST", "config", {"whapi": {"files_at_gate": at_gate}})
        link = await receive_picture(shop)
        sent = await shop.call("POST", "messages", json={"to": ANN, "type": "image", "media": {"url": link}})
        assert sent.status_code == 202, sent.text
        assert (await shop.told())["messageData"]["typeMessage"] == "imageMessage"


async def test_an_upload_is_sent_by_its_id_and_read_back(shop: Shop) -> None:
    made = await shop.call("POST", "uploads", files={"file": ("menu.pdf", PICTURE, "application/pdf")})
    assert made.status_code == 201, made.text
    media = {"upload_id": made.json()["id"]}
    sent = await shop.call("POST", "messages", json={"to": ANN, "type": "document", "media": media})
    assert sent.status_code == 202, sent.text
    body = await shop.told()
    assert body["messageData"]["typeMessage"] == "documentMessage"
    assert not [secret for secret in SECRETS if secret in str(body)]
    assert (await shop.client.get(body["messageData"]["fileMessageData"]["downloadUrl"])).content == PICTURE


async def test_the_drop_in_face_uploads_and_sends(shop: Shop) -> None:
    stored = await shop.line.call("POST", "uploadFile", content=PICTURE, headers={"Content-Type": "image/jpeg"})
    assert stored.status_code == 200, stored.text
    link = stored.json()["urlFile"]
    assert link.startswith(shop.runtime.settings.public_url)
    assert (await shop.client.get(link)).content == PICTURE
    said = {"chatId": ANN, "urlFile": link, "fileName": "a.jpg", "caption": "Look"}
    sent = await shop.line.call("POST", "sendFileByUrl", json=said)
    assert sent.status_code == 200, sent.text
    form = {"chatId": ANN, "fileName": "b.jpg"}
    sent = await shop.line.call("POST", "sendFileByUpload", data=form, files={"file": ("b.jpg", PICTURE, "image/jpeg")})
    assert sent.status_code == 200, sent.text
    assert not [secret for secret in SECRETS if secret in stored.text + sent.text]
    for _ in range(2):
        body = await shop.told()
        assert (await shop.client.get(body["messageData"]["fileMessageData"]["downloadUrl"])).content == PICTURE


async def test_the_accounts_token_goes_to_the_accounts_host_alone() -> None:
    seen: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.Response(body=b"here")

    async def gate(request: web.Request) -> web.StreamResponse:
        assert request.headers.get("Authorization") == "Bearer canary0token"
        raise web.HTTPFound(f"{other}/b")

    async with stranger(elsewhere) as other, stranger(gate) as account:

        async def key(_: FileLink) -> Credentials:
            return Credentials("RAVENX-7Q2LM", Secret("canary0token"), account)

        fetcher = Fetcher(parse_networks("127.0.0.0/8"), {}, key)
        for url in (f"{account}/a#stored", f"{other}/a"):
            fetched = await fetcher.open(FileLink(new_id(), new_id(), "whapi", "live", "", url))
            assert b"".join([piece async for piece in fetched.pieces()]) == b"here"
            fetched.close()
        await fetcher.close()
    assert seen == [None, None]
