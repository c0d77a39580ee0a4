"""What a send needs is let go of with it: rings of references would wait for a search, which holds up everybody."""

import asyncio
import gc
import re
from collections import Counter
from urllib.parse import urlsplit

import msgspec

from tests.routes.lane.test_lane import fast, live, warm
from tests.senders import CHAT, Sender

__all__ = ["live"]
SENDS = 40


async def test_sends_leave_no_rings_of_references(live: Sender) -> None:
    await warm(live)
    at = urlsplit(str(live.client.base_url))
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    body = msgspec.json.encode({"to": CHAT, "type": "text", "text": {"body": "Hello"}})
    head = f"POST {live.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Authorization: {live.tenant.headers['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    gc.collect()
    gc.disable()
    before = fast()
    try:
        for _ in range(SENDS):
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 202")
            [size] = re.findall(rb"(?i)content-length: (\d+)", answer)
            await reader.readexactly(int(size))
            await asyncio.sleep(0.03)  # the pace of an instance is kept
        assert fast() > before + SENDS / 2
        await live.runtime.records.settle()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kinds = Counter(type(each).__name__ for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        writer.close()
    assert kinds["RequestResponseCycle"] == kinds["Task"] == kinds["Turn"] == 0, kinds
