"""A hundred megabytes in each direction cost the API a few: a form, a body and a download, each through a process."""

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.apart import Apart, Peak, apart
from tests.routes.files.conftest import Shop

MEGABYTE = 1024 * 1024
SIZE = 100 * MEGABYTE
MOST_GROWTH = 30 * MEGABYTE
PIECE = os.urandom(MEGABYTE)
DIGEST = hashlib.sha256(PIECE * 100).hexdigest()


@pytest.fixture
async def api(shop: Shop, tmp_path: Path) -> AsyncIterator[Apart]:
    """The API in a process."""
    changes = {"upstream_timeout_seconds": 30.0, "lease_seconds": 60.0}
    async with apart(shop.runtime.settings, tmp_path, **changes) as running:
        yield running


async def pieces(count: int = 100) -> AsyncIterator[bytes]:
    """A large file."""
    for _ in range(count):
        yield PIECE


async def form() -> AsyncIterator[bytes]:
    """A large file in a form."""
    yield b'--cut\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n'
    yield b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
    async for piece in pieces():
        yield piece
    yield b"\r\n--cut--\r\n"


async def behind() -> AsyncIterator[bytes]:
    """A large file in a form, with the chat after it."""
    yield b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    async for piece in pieces():
        yield piece
    yield b'\r\n--cut\r\nContent-Disposition: form-data; name="chatId"\r\n\r\n79990003344@c.us\r\n--cut--\r\n'


async def link(api: Apart, shop: Shop, upload_id: str) -> str:
    """Where an upload can be read, at this process."""
    token = (await shop.link(await shop.kept_at(upload_id), "a.mp4")).rpartition("/")[2]
    return f"{api.url}/files/{token}"


async def download(client: httpx2.AsyncClient, link: str) -> tuple[int, str]:
    """How much came, and its digest."""
    size, digest = 0, hashlib.sha256()
    async with client.stream("GET", link) as got:
        assert got.status_code == 200
        async for piece in got.aiter_bytes(MEGABYTE):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()


@pytest.mark.timeout(240)
async def test_large_files_pass_through_in_both_directions(api: Apart, shop: Shop) -> None:
    raw = {**shop.tenant.headers, "Content-Type": "video/mp4"}
    async with httpx2.AsyncClient(base_url=api.url, timeout=120) as client:
        for _ in range(2):
            warm = await client.post(shop.path, headers=raw, content=pieces(2), params={"filename": "a.mp4"})
            assert warm.status_code == 201, warm.text
            await download(client, await link(api, shop, warm.json()["id"]))
        before = api.memory
        with Peak(api) as peak:
            told = {**raw, "Content-Length": str(SIZE)}
            made = await client.post(shop.path, headers=told, content=pieces(), params={"filename": "a.mp4"})
            assert made.status_code == 201, made.text
            assert made.json()["size_bytes"] == SIZE
        assert peak.bytes - before < MOST_GROWTH
        with Peak(api) as peak:
            headers = {**shop.tenant.headers, "Content-Type": "multipart/form-data; boundary=cut"}
            made = await client.post(shop.path, headers=headers, content=form())
            assert made.status_code == 201, made.text
            assert made.json()["size_bytes"] == SIZE
        assert peak.bytes - before < MOST_GROWTH
        large = await link(api, shop, made.json()["id"])
        with Peak(api) as peak:
            assert await download(client, large) == (SIZE, DIGEST)
        assert peak.bytes - before < MOST_GROWTH


@pytest.mark.timeout(240)
async def test_the_drop_in_face_passes_bodies_on_as_they_come(api: Apart, shop: Shop) -> None:
    credentials = shop.path.replace("uploads", "credentials")
    known = (await shop.client.get(credentials, headers=shop.tenant.headers)).json()["green_api"]
    where = f"{api.url}/waInstance{known['id_instance']}/%s/{known['api_token_instance']}"

    async def message() -> AsyncIterator[bytes]:
        yield b'--cut\r\nContent-Disposition: form-data; name="chatId"\r\n\r\n79990003344@c.us\r\n'
        async for piece in form():
            yield piece

    told = {"Content-Type": "multipart/form-data; boundary=cut"}
    raw = {"Content-Type": "video/mp4", "GA-Filename": "a.mp4"}
    async with httpx2.AsyncClient(timeout=120) as client:
        for _ in range(2):
            warm = await client.post(where % "uploadFile", headers=raw, content=pieces(2))
            assert warm.status_code == 200, warm.text
        before = api.memory
        with Peak(api) as peak:
            sent = await client.post(where % "sendFileByUpload", headers=told, content=message())
            assert (sent.status_code, set(sent.json())) == (200, {"idMessage", "urlFile"}), sent.text
            kept = await client.post(where % "uploadFile", headers=raw, content=pieces())
            assert kept.status_code == 200, kept.text
            assert await download(client, kept.json()["urlFile"]) == (SIZE, DIGEST)
        assert peak.bytes - before < MOST_GROWTH
        with Peak(api) as peak:  # what must be known stands behind the file: it waits on disk
            late = await client.post(where % "sendFileByUpload", headers=told, content=behind())
            assert late.status_code == 200, late.text
        assert peak.bytes - before < MOST_GROWTH


async def test_a_byte_too_many_is_refused_early_and_late(api: Apart, shop: Shop) -> None:
    raw = {**shop.tenant.headers, "Content-Type": "video/mp4"}

    async def too_many() -> AsyncIterator[bytes]:
        async for piece in pieces():
            yield piece
        yield b"x"

    async with httpx2.AsyncClient(base_url=api.url, timeout=120) as client:
        told = await client.post(shop.path, headers={**raw, "Content-Length": str(SIZE + 1)}, content=too_many())
        assert (told.status_code, told.json()["code"]) == (413, "body_too_large")
        late = await client.post(shop.path, headers=raw, content=too_many())
        assert (late.status_code, late.json()["code"]) == (413, "body_too_large")
