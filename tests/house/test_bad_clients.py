"""Many ways to be a bad client, on raw sockets: none is answered 5xx, none takes a worker or memory of the process.

While each is tried somebody else is served. Some ways are over at once and are repeated; others take as long as our
limits allow, and are tried side by side.
"""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from app.kit import ids
from app.runtime import Runtime
from tests.apart import Apart, apart
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant

MEGABYTE = 1024 * 1024
MOST_GROWTH = 12 * MEGABYTE
ROUNDS = 6
FAILED = re.compile(rb"HTTP/1\.[01] 5\d\d[^\r]*")


@dataclass(frozen=True)
class Target:
    """What a bad client knows: a credential that is good, and an instance of its own."""

    api: Apart
    key: str
    instance_id: str

    def head(self, line: str, *more: str) -> bytes:
        """The head of a request."""
        lines = [f"{line} HTTP/1.1", "Host: x", f"Authorization: {self.key}", *more, "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def create(self, body: bytes, *more: str) -> bytes:
        """A request with a JSON body."""
        told = ("Content-Type: application/json", f"Content-Length: {len(body)}", *more)
        return self.head("POST /v1/webhook_endpoints", *told) + body

    def upload(self, body: bytes, content_type: str, *more: str, length: int | None = None) -> bytes:
        """A request that uploads."""
        told = (f"Content-Type: {content_type}", f"Content-Length: {len(body) if length is None else length}", *more)
        return self.head(f"POST /v1/instances/{self.instance_id}/uploads", *told) + body


Way = Callable[[Target], bytes]
FORM = "multipart/form-data; boundary=cut"
PART = b'--cut\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
LIST = "GET /v1/instances"

WAYS: dict[str, Way] = {
    "an unknown verb": lambda to: to.head("BREW /v1/instances"),
    "a verb of a thousand letters": lambda to: to.head("A" * 1000 + " /v1/instances"),
    "trace": lambda to: to.head("TRACE /v1/instances"),
    "connect": lambda to: to.head("CONNECT example.com:443"),
    "options of everything": lambda to: to.head("OPTIONS *"),
    "http 0.9": lambda _: b"GET /livez\r\n",
    "http 3.7": lambda _: b"GET /livez HTTP/3.7\r\nHost: x\r\n\r\n",
    "the preface of http 2": lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "a handshake of tls": lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    "noise": lambda _: bytes(range(256)) * 20,
    "bare line feeds": lambda to: to.head(LIST).replace(b"\r\n", b"\n"),
    "bare carriage returns": lambda to: to.head(LIST).replace(b"\r\n", b"\r"),
    "a folded header": lambda to: to.head(LIST, "X-A: a\r\n b"),
    "no host": lambda _: b"GET /v1/instances HTTP/1.1\r\n\r\n",
    "two hosts": lambda to: to.head(LIST, "Host: y"),
    "a space before the colon": lambda to: to.head(LIST, "Content-Length : 5"),
    "a header without a name": lambda to: to.head(LIST, ": x"),
    "nul in a header": lambda to: to.head(LIST, "X-A: a\x00b"),
    "nul in the path": lambda to: to.head("GET /v1/instances/a\x00b"),
    "nul in the path, encoded": lambda to: to.head("GET /v1/instances/a%00b"),
    "nul in the query": lambda to: to.head("GET /v1/instances?cursor=%00"),
    "a path that is not utf-8": lambda to: to.head("GET /v1/instances/%ff%fe"),
    "a path of raw bytes": lambda to: to.head("GET /v1/instances/\xff\xfe"),
    "a query that is not utf-8": lambda to: to.head("GET /v1/instances?status=%ff&%ff=1"),
    "a header that is not utf-8": lambda to: to.head(LIST, "X-Request-Id: \xff\xfe", "If-None-Match: \xff"),
    "a key that is not utf-8": lambda to: to.head("GET /v1/api_keys", "Idempotency-Key: \xff").replace(
        b"slt_", b"\xff"
    ),
    "a type that is not utf-8": lambda to: to.create(b"{}").replace(b"application/json", b"application/\xff; a=\xff"),
    "one huge header": lambda to: to.head(LIST, "X-A: " + "a" * 200_000),
    "five thousand headers": lambda to: to.head(LIST, *(f"X-{place}: a" for place in range(5000))),
    "an absurd path": lambda to: to.head("GET /" + "a" * 60_000),
    "an absurd depth of path": lambda to: to.head("GET " + "/a" * 9000),
    "an absurd query": lambda to: to.head("GET /v1/instances?" + "&".join(["status=a"] * 3000)),
    "doubled slashes": lambda to: to.head("GET //v1///instances//"),
    "dots in the path": lambda to: to.head("GET /v1/../../../etc/passwd"),
    "dots in the assets": lambda to: to.head("GET /_assets/swagger/..%2f..%2f..%2fetc%2fpasswd"),
    "an absolute address": lambda to: to.head("GET http://169.254.169.254/v1/instances"),
    "an address in brackets": lambda to: to.head("GET http://[::1/v1/instances"),
    "length and chunks": lambda to: (
        to.create(b"{}", "Transfer-Encoding: chunked") + b"0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n"
    ),
    "chunks and length": lambda to: (
        to.head("POST /v1/webhook_endpoints", "Transfer-Encoding: chunked", "Content-Length: 4")
        + b"5c\r\nGPOST / HTTP/1.1\r\n"
    ),
    "chunked twice": lambda to: to.head("POST /v1/instances", "Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n",
    "almost chunked": lambda to: to.head("POST /v1/instances", "Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "two lengths": lambda to: to.create(b"{}", "Content-Length: 5"),
    "a negative length": lambda to: to.head("POST /v1/instances", "Content-Length: -1"),
    "a length with a sign": lambda to: to.head("POST /v1/instances", "Content-Length: +2") + b"{}",
    "a length beyond numbers": lambda to: to.head("POST /v1/instances", "Content-Length: " + "9" * 30),
    "a length beyond bounds": lambda to: to.head(
        "POST /v1/instances", "Content-Type: application/json", "Content-Length: 99999999999"
    ),
    "a length too short": lambda to: to.create(b'{"a":1}').replace(b"Content-Length: 7", b"Content-Length: 3"),
    "a chunk of no size": lambda to: to.head("POST /v1/instances", "Transfer-Encoding: chunked") + b"zz\r\nab\r\n",
    "a chunk beyond numbers": lambda to: (
        to.head("POST /v1/instances", "Transfer-Encoding: chunked") + b"f" * 40 + b"\r\n"
    ),
    "a chunk with a long note": lambda to: (
        to.head("POST /v1/instances", "Transfer-Encoding: chunked") + b"1;" + b"a" * 100_000 + b"\r\n{\r\n"
    ),
    "a chunk longer than told": lambda to: (
        to.head("POST /v1/instances", "Transfer-Encoding: chunked") + b"1\r\n{}}}\r\n"
    ),
    "endless trailers": lambda to: (
        to.head("POST /v1/instances", "Transfer-Encoding: chunked") + b"0\r\n" + b"X-A: b\r\n" * 20_000
    ),
    "garbage behind a request": lambda to: to.head(LIST) + b"\x00\x01garbage\r\n\r\n",
    "a thousand requests at once": lambda to: to.head("GET /livez") * 1000,
    "a body that is not utf-8": lambda to: to.create(b'{"url": "\xff\xfe"}'),
    "a body in utf-16": lambda to: to.create('{"url": "x"}'.encode("utf-16")),
    "half a surrogate": lambda to: to.create(b'{"url": "\\ud800", "description": "\\udfff"}'),
    "nul in a text": lambda to: to.create(b'{"url": "https://a.example/", "description": "\\u0000"}'),
    "depth of lists": lambda to: to.create(b"[" * 100_000),
    "depth of objects": lambda to: to.create(b'{"a":' * 40_000 + b"1" + b"}" * 40_000),
    "depth inside a known field": lambda to: to.create(b'{"url": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a number beyond floats": lambda to: to.create(b'{"url": 1e999999, "description": -1e-999999}'),
    "a number of many digits": lambda to: to.create(b'{"url": ' + b"9" * 200_000 + b"}"),
    "thousands of keys": lambda to: to.create(json.dumps({f"k{place}": place for place in range(15_000)}).encode()),
    "thousands of equal keys": lambda to: to.create(b"{" + b'"url":"x",' * 20_000 + b'"url":"x"}'),
    "not a number": lambda to: to.create(b'{"url": NaN, "description": Infinity}'),
    "json that says gzip": lambda to: to.create(b"\x1f\x8b\x08\x00" + b"\x00" * 100, "Content-Encoding: gzip"),
    "another type of body": lambda to: to.create(b"<a/>").replace(b"application/json", b"text/xml"),
    "no type of body": lambda to: to.create(b"{}").replace(b"Content-Type: application/json\r\n", b""),
    "a body too large": lambda to: to.create(b'"' + b"a" * 400_000 + b'"'),
    "a body where none is": lambda to: to.head(LIST, "Content-Length: 100000") + b"x" * 100_000,
    "an upgrade to nothing": lambda to: to.head(LIST, "Connection: Upgrade", "Upgrade: nothing") + b"noise" * 100,
    "an upgrade to http 2": lambda to: to.head(
        LIST, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: A"
    ),
    "an upgrade to a socket that is not there": lambda to: to.head(
        LIST, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA"
    ),
    "a form without a boundary": lambda to: to.upload(b"--x\r\n", "multipart/form-data"),
    "a form with an empty boundary": lambda to: to.upload(b"--\r\n\r\n----", "multipart/form-data; boundary="),
    "a form with a boundary of bytes": lambda to: to.upload(b"--\xff\r\n", "multipart/form-data; boundary=\xff"),
    "a form without an end": lambda to: to.upload(PART % b"file" + b"x" * 5000, FORM),
    "a form of ten thousand parts": lambda to: to.upload(
        b"".join(PART % b"p%d" % place + b"\r\n" for place in range(10_000)) + b"--cut--", FORM
    ),
    "a form with an endless head": lambda to: to.upload(b"--cut\r\n" + b"X-A: b\r\n" * 10_000, FORM),
    "a form of forms": lambda to: to.upload(PART % b"a" + b"--cut\r\n" * 5000, FORM),
    "a form of another kind": lambda to: to.upload(b"x", "multipart/byteranges; boundary=cut"),
    "an upload of nothing": lambda to: to.upload(b"", "image/png"),
    "an upload beyond bounds": lambda to: to.upload(b"x", "image/png", length=10**12),
    "an upload left alone": lambda to: to.upload(b"x" * 100_000, "image/png", length=50 * MEGABYTE),
    "an expectation left alone": lambda to: to.upload(b"", "image/png", "Expect: 100-continue", length=5000),
    "an odd expectation": lambda to: to.create(b"{}", "Expect: the-unexpected"),
    "a picture where a form belongs": lambda to: to.upload(b"\xff\xd8" * 5000, FORM),
    "a link of nobody": lambda to: to.head("GET /files/" + "A" * 4000, "Range: bytes=" + "0-1," * 1000),
    "a notice of nobody": lambda to: to.head("POST /hooks/green/x", "Content-Length: 2") + b"{}",
    "a notice of odd depth": lambda to: (
        to.head(f"POST /hooks/green/{to.instance_id}", "Content-Length: 90000") + b"[" * 90_000
    ),
    "an account of the other face": lambda to: to.head(
        "GET /waInstance99999999999999999999/getStateInstance/" + "a" * 9000
    ),
}


@pytest.fixture
async def target(runtime: Runtime, drain: Drain, upstream: Upstream, tmp_path: Path) -> AsyncIterator[Target]:
    """A process with one tenant, who has an instance."""
    ada = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, upstream, ada)
    async with apart(runtime.settings, tmp_path) as api:
        yield Target(api, ada.headers["Authorization"], ids.to_wire(ids.INSTANCE, instance.id))
        said = api.child.log_path.read_text()
        for word in ("request_crashed", "Exception in ASGI", "Traceback"):
            assert word not in said, said[said.index(word) - 500 :][:3000]


SILENT_SECONDS = 0.7
"""After which a server that says nothing is taken to wait for more."""


async def heard(reader: asyncio.StreamReader, first_seconds: float) -> bytes:
    """What comes until the other side closes, or is silent: before it says anything for so long, then for less."""
    came, seconds = bytearray(), first_seconds
    with contextlib.suppress(ConnectionError, TimeoutError):
        while piece := await asyncio.wait_for(reader.read(65536), seconds):
            came, seconds = came + piece, SILENT_SECONDS
    return bytes(came)


async def tried(
    target: Target,
    sent: bytes,
    *,
    half_close: bool = False,
    hang_up: int | None = None,
    first_seconds: float = SILENT_SECONDS,
) -> bytes:
    """What a client hears that sends this; one that hangs up does so after some of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.api.port)
    try:
        with contextlib.suppress(ConnectionError):
            writer.write(sent if hang_up is None else sent[:hang_up])
            await asyncio.wait_for(writer.drain(), 20)
            if hang_up is not None:
                writer.transport.abort()
                return b""
            if half_close:
                writer.write_eof()
        return await heard(reader, first_seconds)
    finally:
        writer.close()


async def served(target: Target, over: asyncio.Event) -> int:
    """A good client, who is answered as long as the others are bad; how often."""
    count = 0
    async with httpx2.AsyncClient(base_url=target.api.url, timeout=10) as client:
        while not over.is_set():
            got = await client.get("/v1/instances", headers={"Authorization": target.key})
            assert got.status_code == 200, got.text
            count += 1
            await asyncio.sleep(0.02)
    return count


async def settled(target: Target, most: int = 0) -> None:
    """Wait until the process holds no connection but ours."""
    async with asyncio.timeout(30):
        while target.api.sockets > most:
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def others_served(target: Target) -> AsyncIterator[None]:
    """Somebody is served meanwhile."""
    over = asyncio.Event()
    good = asyncio.create_task(served(target, over))
    try:
        yield
    finally:
        over.set()
        assert await good > 3


async def one_round(target: Target) -> dict[str, bytes]:
    """Every way at once, and each of them cut short and half closed too."""
    said: dict[str, bytes] = {}
    turn = asyncio.Semaphore(25)

    async def one(name: str, sent: bytes) -> None:
        async with turn:
            said[name] = await tried(target, sent)
            await tried(target, sent, half_close=True)
            for share in (0.01, 0.5, 0.99):
                await tried(target, sent, hang_up=int(len(sent) * share) + 1)

    async with asyncio.TaskGroup() as group:
        for name, way in WAYS.items():
            group.create_task(one(name, way(target)))
    return said


@pytest.mark.timeout(240)
async def test_no_way_is_answered_with_a_fault_or_leaves_anything(target: Target) -> None:
    async with others_served(target):
        said = await one_round(target)
    failed = {name: FAILED.findall(words) for name, words in said.items() if FAILED.search(words)}
    assert not failed
    await one_round(target)
    await settled(target)
    before = target.api.memory
    for _ in range(ROUNDS):
        async with others_served(target):
            await one_round(target)
    await settled(target)
    assert target.api.memory - before < MOST_GROWTH


ANSWERED = {
    "an unknown verb": b"400",
    "one huge header": b"400",
    "five thousand headers": b"400",
    "length and chunks": b"400",
    "two lengths": b"400",
    "a negative length": b"400",
    "the preface of http 2": b"400",
    "nul in a header": b"400",
    "depth of lists": b"400",
    "thousands of keys": b"400",
    "a body too large": b"413",
    "a length beyond bounds": b"413",
    "an upload beyond bounds": b"413",
    "a form of ten thousand parts": b"400",
    "a form without an end": b"400",
    "doubled slashes": b"200",
    "a link of nobody": b"404",
}


async def test_what_can_be_answered_is_answered_with_what_is_wrong(target: Target) -> None:
    for name, status in ANSWERED.items():
        words = await tried(target, WAYS[name](target), first_seconds=60)
        assert words.partition(b"\r\n")[0].split(b" ")[1:2] == [status], (name, words[:300])


async def until_ended(reader: asyncio.StreamReader) -> None:
    """Wait until the other side gives up."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass


async def still(target: Target, sent: bytes) -> None:
    """Say this and wait."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.api.port)
    writer.write(sent)
    await until_ended(reader)
    writer.close()


async def dripping(target: Target, sent: bytes, drop: bytes) -> None:
    """Say this, and then a little each second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", target.api.port)
    writer.write(sent)
    ended = asyncio.create_task(until_ended(reader))
    while not ended.done():
        writer.write(drop)
        await asyncio.wait((ended,), timeout=1)
    writer.close()


async def deaf(target: Target) -> None:
    """Ask for much and read nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(made, ("127.0.0.1", target.api.port))
        mine = made.getsockname()
        await loop.sock_sendall(made, target.head("GET /openapi.json") * 8)
        while any(each.raddr == mine for each in target.api.process.net_connections("tcp")):
            await asyncio.sleep(0.5)


@pytest.mark.timeout(240)
async def test_who_is_slow_is_not_waited_for(target: Target) -> None:
    """As long as our limits: 20 s for a head, 45 s without a byte of a body, 60 s and more for a whole one."""
    post = target.upload(b"", "image/png", length=100_000)
    ways = [
        *(still(target, b"") for _ in range(200)),
        still(target, b"GET /livez HT"),
        still(target, target.head("GET /livez") + b"\r\n"),
        still(target, target.head("GET /livez")[:-2] + b"X-A: "),
        still(target, target.head(LIST, "Connection: Upgrade", "Upgrade: nothing")),
        dripping(target, b"GET /livez HTTP/1.1\r\n", b"X-A: b\r\n"),
        dripping(target, b"", b"\r\n"),
        still(target, post + b"x" * 1000),
        still(target, target.upload(b"", "image/png", "Expect: 100-continue", length=5000)),
        still(target, target.upload(PART % b"file" + b"x", FORM, length=5000)),
        still(target, target.create(b"{}").replace(b"Content-Length: 2", b"Content-Length: 200")),
        dripping(target, post, b"x"),
        dripping(target, target.upload(PART % b"note", FORM, length=100_000), b"x"),
        dripping(target, target.create(b'{"a":"').replace(b"Content-Length: 6", b"Content-Length: 9999"), b"x"),
        dripping(target, target.head("POST /v1/instances", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        dripping(target, target.head(LIST, "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        deaf(target),
    ]
    async with others_served(target), asyncio.timeout(150):
        await asyncio.gather(*ways)
    await settled(target)
