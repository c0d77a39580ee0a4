"""The floor: the least Python that can pass a send on. A key in a dictionary, one pooled client, no framework.

It knows no tenant, counts nothing, keeps nothing and refuses nothing. The address of the upstream comes in the
variable `FLOOR`, so that any ASGI server can run it: `bench.floor:app`.
"""

import os
from typing import Any

from pyreqwest.client import Client, ClientBuilder

KEY = "floor-key"
CONNECTIONS = 512
_bearers = {f"Bearer {KEY}".encode(): f"{os.environ.get('FLOOR', '')}/waInstance1101000001/sendMessage/token"}
_client: list[Client] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """One request, or the life of the server."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    address = _bearers[dict(scope["headers"])[b"authorization"]]
    request = _client[0].post(address).header("content-type", "application/json").body_bytes(body).build()
    reply = await request.send()
    answer = bytes(await reply.bytes())
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _live(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _client.append(ClientBuilder().max_connections(CONNECTIONS).build())
            await send({"type": "lifespan.startup.complete"})
        else:
            await _client.pop().close()
            await send({"type": "lifespan.shutdown.complete"})
            return
