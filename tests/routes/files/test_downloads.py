"""A link of ours leads to the gateway's file, and tells nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from app.files import links
from app.files.fetching import Fetcher
from app.files.links import FileGone, NoLink
from app.kit import ids
from app.kit.db import SYSTEM
from app.kit.errors import UpstreamError
from tests.conftest import free_socket
from tests.factories import make_tenant
from tests.routes.files.conftest import Shop

PICTURE = b"\xff\xd8\xff" + bytes(range(256)) * 800


@asynccontextmanager
async def stranger(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A server that is not the gateway's own, where gateways keep files too."""
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    listening = free_socket()
    await web.SockSite(runner, listening).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        await runner.cleanup()


async def test_a_file_comes_whole_with_its_name_and_type_and_nothing_of_upstream(shop: Shop) -> None:
    url = await shop.upload(PICTURE, "image/jpeg", "tea pot.jpg")
    link = await shop.link(url, "tea pöt.jpg")
    assert link.startswith(shop.runtime.settings.public_url + "/files/")
    assert link.endswith(".jpg")
    got = await shop.client.get(link)
    assert got.status_code == 200
    assert got.content == PICTURE
    assert got.headers["content-type"] == "image/jpeg"
    assert got.headers["content-length"] == str(len(PICTURE))
    assert got.headers["content-disposition"] == "inline; filename=\"tea p_t.jpg\"; filename*=UTF-8''tea%20p%C3%B6t.jpg"
    assert got.headers["content-security-policy"].startswith("sandbox")
    assert got.headers.get_list("x-content-type-options") == ["nosniff"]
    assert {"server", "etag", "last-modified"}.isdisjoint(got.headers)
    assert url.rpartition("/")[2] not in str(got.headers)
    head = await shop.client.head(link)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "content-disposition", "accept-ranges"):
        assert head.headers[name] == got.headers[name]


async def test_a_part_of_a_file_can_be_asked_for(shop: Shop) -> None:
    link = await shop.link(await shop.upload(PICTURE, "image/jpeg", "a.jpg"))
    part = await shop.client.get(link, headers={"Range": "bytes=3-102"})
    assert part.status_code == 206
    assert part.content == PICTURE[3:103]
    assert part.headers["content-range"] == f"bytes 3-102/{len(PICTURE)}"
    beyond = await shop.client.get(link, headers={"Range": "bytes=9999999-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range_not_satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(PICTURE)}"
    odd = await shop.client.get(link, headers={"Range": "bytes=0-1,5-9\tx"})
    assert (odd.status_code, len(odd.content)) == (200, len(PICTURE))


async def test_pages_and_drawings_are_saved_and_never_shown(shop: Shop) -> None:
    for media_type, name in (("text/html", "a.html"), ("image/svg+xml", "a.svg"), ("application/pdf", "a.pdf")):
        got = await shop.client.get(await shop.link(await shop.upload(b"<script>", media_type, name), name))
        assert got.status_code == 200
        assert got.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize("spoil", ["short", "changed", "version", "none", "not ours"])
async def test_what_is_no_link_of_ours_is_not_there(shop: Shop, spoil: str) -> None:
    link = await shop.link("https://files.example/a.jpg")
    base, _, token = link.rpartition("/")
    token = token.removesuffix(".jpg")
    spoilt = {
        "short": token[:60],
        "changed": token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:],
        "version": "C" + token[1:],
        "none": "x",
        "not ours": "A" * 200,
    }[spoil]
    got = await shop.client.get(f"{base}/{spoilt}")
    assert (got.status_code, got.json()["code"]) == (404, "resource_not_found")


async def test_a_link_ends_with_the_file_the_instance_and_the_tenant(shop: Shop) -> None:
    url = await shop.upload(PICTURE, "image/jpeg", "a.jpg")
    gone = await shop.client.get(await shop.link(url.rpartition("/")[0] + "/0000.jpg"))
    assert (gone.status_code, gone.headers["content-type"]) == (404, "application/problem+json")
    deleted = await shop.client.get(await shop.link(url, instance_id=ids.new_id()))
    assert deleted.status_code == 404


async def test_only_its_tenant_may_send_what_a_link_leads_to(shop: Shop) -> None:
    bo = await make_tenant(shop.runtime, name="Bo")
    link = await shop.link("https://files.example/secret/a.jpg?sig=1", "menu.jpg")
    assert links.is_ours(link, shop.runtime.settings.public_url)
    async with shop.runtime.database.begin(shop.tenant.tenant_id) as uow:
        found = await links.open_url(uow, link, shop.tenant.tenant_id)
        assert (found.url, found.name) == ("https://files.example/secret/a.jpg?sig=1", "menu.jpg")
        assert "files.example" not in repr(found)
    for scope in (bo.tenant_id, SYSTEM):
        async with shop.runtime.database.begin(scope) as uow:
            with pytest.raises(FileGone):
                await links.open_url(uow, link, bo.tenant_id)


async def test_what_is_no_address_is_not_sealed_and_a_link_of_ours_stays(shop: Shop) -> None:
    for text in (
        "",
        "{{SWE002}}",
        "ftp://a/b",
        "javascript:alert(1)",
        "https://",
        "https://a/\n",
        "https://a/" + "b" * 3000,
    ):
        with pytest.raises(NoLink):
            await shop.link(text)
    link = await shop.link("https://files.example/a.jpg")
    assert await shop.link(link) == link


@pytest.mark.parametrize("path", ["redirect-inside", "metadata", "literal"])
async def test_a_file_inside_the_house_is_never_fetched(shop: Shop, path: str) -> None:
    """What may be dialled in tests is loopback; the rest of what is not public stays closed."""

    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data")

    async with stranger(answer) as url:
        where = {"redirect-inside": url, "metadata": "http://169.254.169.254/x", "literal": "https://10.0.0.1/x"}[path]
        got = await shop.client.get(await shop.link(where))
    assert (got.status_code, got.json()["code"]) == (502, "upstream_error")
    assert "169.254" not in got.text


async def test_redirects_end_and_lead_to_the_file(shop: Shop) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        left = int(request.path.rpartition("/")[2])
        if left:
            raise web.HTTPFound(f"/{left - 1}")
        return web.Response(body=b"here", content_type="text/plain", headers={"Server": "secret", "Set-Cookie": "a=b"})

    async with stranger(answer) as url:
        found = await shop.client.get(await shop.link(f"{url}/2"))
        endless = await shop.client.get(await shop.link(f"{url}/9"))
    assert (found.status_code, found.content) == (200, b"here")
    assert "set-cookie" not in found.headers
    assert endless.status_code == 502


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"status": 500}, 502),
        ({"status": 403}, 404),
        ({"status": 410}, 404),
        ({"headers": {"Content-Length": str(101 * 1024 * 1024)}}, 502),
        ({"headers": {"Content-Encoding": "gzip"}, "body": b"x"}, 502),
    ],
    ids=str,
)
async def test_what_upstream_answers_is_told_in_our_words(shop: Shop, told: dict[str, object], status: int) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "Content-Length" in told.get("headers", {}):  # type: ignore[operator]
            made = web.StreamResponse(**told)  # type: ignore[arg-type]
            await made.prepare(request)
            return made
        return web.Response(**{"body": b"secret words", **told})  # type: ignore[arg-type]

    async with stranger(answer) as url:
        got = await shop.client.get(await shop.link(url + "/a.jpg"))
    assert got.status_code == status
    assert got.headers["content-type"] == "application/problem+json"
    assert "secret" not in got.text


async def test_a_file_that_breaks_off_is_cut_and_not_completed(shop: Shop) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        made = web.StreamResponse(headers={"Content-Length": "1000000"})
        await made.prepare(request)
        await made.write(b"x" * 200_000)
        assert request.transport is not None
        request.transport.close()
        return made

    async with stranger(answer) as url:
        link = await shop.link(url + "/a.jpg")
        with pytest.raises(Exception, match=r"(?i)peer|incomplete|closed|eof"):
            await shop.client.get(link)


async def test_a_client_that_goes_away_ends_the_reading(shop: Shop) -> None:
    ended, begun = asyncio.Event(), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        made = web.StreamResponse(headers={"Content-Length": str(50 * 1024 * 1024)})
        await made.prepare(request)
        try:
            for _ in range(800):
                await made.write(b"x" * 65536)
                begun.set()
        finally:
            ended.set()
        return made

    async with stranger(answer) as url:
        link = await shop.link(url + "/a.mp4")
        host, _, port = shop.runtime.settings.public_url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {link.partition(port)[2]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await begun.wait()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        async with asyncio.timeout(30):
            await ended.wait()


async def test_who_finds_every_connection_taken_is_told_soon(shop: Shop) -> None:
    """Slow readers of other tenants hold the one connection there is."""
    url = await shop.upload(PICTURE * 40, "image/jpeg", "a.jpg")
    async with shop.runtime.database.begin(SYSTEM) as uow:
        link = await links.read(uow, await shop.link(url))
    assert link is not None
    settings = shop.runtime.settings
    bases = {(link.provider, link.environment): settings.gateway()["green_api_url"]}
    fetcher = Fetcher(settings.networks(), bases, most=1, wait_seconds=0.2)
    try:
        held = await fetcher.open(link)
        async with asyncio.timeout(30):
            with pytest.raises(UpstreamError):
                await fetcher.open(link)
        held.close()
        (await fetcher.open(link)).close()
    finally:
        await fetcher.close()
