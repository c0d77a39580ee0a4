"""The pairing socket, relayed."""

import asyncio
import json
from contextlib import ExitStack

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.compat.socket import OF_LINE, OF_TENANT, VIEWERS, VIEWERS_OF_TENANT
from app.kit.listening import Listening
from app.lines.tokens import new_token
from app.main import create_server_app
from app.runtime import Runtime
from app.serve import SOCKET_FRAME_BYTES, SOCKETS
from tests.conftest import Drain, Upstream, free_socket
from tests.factories import make_ready_instance, make_tenant
from tests.routes.compat.conftest import LineClient, make_line


def address(line: LineClient, path: str | None = None) -> str:
    """The socket's address."""
    return str(line.http.base_url).rstrip("/").replace("http", "ws") + (path or line.path("scanqrcode"))


@pytest.fixture
async def unlinked(runtime: Runtime, client: object, drain: Drain, upstream: Upstream, line: LineClient) -> LineClient:
    """A line without a phone."""
    bo = await make_tenant(runtime, name="Bo")
    instance = await make_ready_instance(runtime, drain, upstream, bo, linked=False)
    return await make_line(runtime, line.http, bo, instance)


async def test_codes_are_shown_until_the_phone_is_linked(unlinked: LineClient, upstream: Upstream) -> None:
    await unlinked.call("POST", "setSettings", json={"webhookUrl": "http://127.0.0.1:9999/mine"})
    async with asyncio.timeout(60), connect(address(unlinked)) as socket:
        first = json.loads(await socket.recv())
        assert first["type"] == "qrCode"
        assert len(first["message"]) > 100
        await upstream.scan(unlinked.upstream_id)
        frame = json.loads(await socket.recv())
        while frame["type"] == "qrCode":
            frame = json.loads(await socket.recv())
        assert frame["type"] == "accountData"
        assert frame["message"]["wid"] == "79990001122@c.us"
        assert "/hooks/" not in json.dumps(frame)
        assert str(unlinked.upstream_id) not in json.dumps(frame)
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1000


async def test_a_linked_phone_ends_it_at_once(line: LineClient) -> None:
    async with asyncio.timeout(60), connect(address(line)) as socket:
        frame = json.loads(await socket.recv())
        assert frame == {"type": "alreadyLogged", "message": "instance account already authorized"}
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_a_viewer_that_leaves_makes_room_for_the_next(unlinked: LineClient) -> None:
    for _ in range(3):
        async with asyncio.timeout(60), connect(address(unlinked)) as socket:
            frame = json.loads(await socket.recv())
            for _ in range(20):
                if frame["type"] == "qrCode":
                    break
                await asyncio.sleep(0.1)
                async with connect(address(unlinked)) as other:
                    frame = json.loads(await other.recv())
            assert frame["type"] == "qrCode"


async def test_nobody_else_gets_in(line: LineClient) -> None:
    for path, status in (
        (f"/waInstance{line.number}/scanqrcode/{new_token()}", 401),
        (f"/waInstance{line.upstream_id}/scanqrcode/{line.token}", 401),
        (f"/waInstance{line.number}/qr/{line.token}", 404),
        (f"/partner/scanqrcode/{line.token}", 404),
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(address(line, path)):
                pass
        assert refused.value.response.status_code == status, path


async def test_a_gateway_that_fails_says_so_in_a_frame(unlinked: LineClient, upstream: Upstream) -> None:
    await upstream.faults({"method": "scanqrcode", "kind": "status", "status": 502})
    async with asyncio.timeout(60), connect(address(unlinked)) as socket:
        frame = json.loads(await socket.recv())
        assert frame == {"type": "error", "message": "instance is starting or not authorized"}
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def all_of(socket: ClientConnection) -> None:
    """Read to the end."""
    async for _ in socket:
        pass


class Hurried(Listening):
    """Waits less."""

    head_seconds = idle_seconds = body_seconds = 0.3
    look_seconds = 0.1


async def test_a_viewer_is_not_held_to_the_bounds_of_requests_and_can_say_little(
    unlinked: LineClient, runtime: Runtime
) -> None:
    listening = free_socket()
    config = uvicorn.Config(
        create_server_app(runtime), http=Hurried, ws=SOCKETS, ws_max_size=SOCKET_FRAME_BYTES, log_config=None
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        async with asyncio.timeout(60):
            while not server.started:
                await asyncio.sleep(0.01)
            port = listening.getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}{unlinked.path('scanqrcode')}") as socket:
                assert json.loads(await socket.recv())["type"] == "qrCode"
                await asyncio.sleep(1)  # what is tested: that no timer of the request's is left
                await socket.send("hello")
                assert socket.close_code is None
                await socket.send("x" * (SOCKET_FRAME_BYTES + 1))
                with pytest.raises(ConnectionClosed):
                    await all_of(socket)
                assert socket.close_code == 1009
    finally:
        server.should_exit = True
        await task


async def test_lines_and_tenants_have_a_few_viewers_at_once(unlinked: LineClient) -> None:
    """Held here by the test, for the gateway sends a second viewer away by itself."""
    line, tenant = (OF_LINE, unlinked.number, VIEWERS), (OF_TENANT, unlinked.tenant.tenant_id, VIEWERS_OF_TENANT)
    for places, owner, most in (line, tenant):
        with ExitStack() as held:
            for _ in range(most):
                held.enter_context(places.hold(owner))
            with pytest.raises(InvalidStatus) as refused:
                await connect(address(unlinked))
            assert refused.value.response.status_code == 429
        async with asyncio.timeout(60), connect(address(unlinked)) as socket:
            assert json.loads(await socket.recv())["type"] == "qrCode"
        async with asyncio.timeout(60):
            while OF_LINE.held or OF_TENANT.held:
                await asyncio.sleep(0.05)
