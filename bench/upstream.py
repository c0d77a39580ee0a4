"""The upstream at no cost: answers any request at once with an id that no other has. Its port is its first argument.

It reads no more of a request than where it ends, so that what is measured before it is never waiting for it.
"""

import asyncio
import itertools
import secrets
import sys
from typing import cast

import uvloop

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n{"idMessage":"%s%08X"}'


class Answering(asyncio.Protocol):
    """One connection."""

    run = secrets.token_hex(6).upper().encode()
    numbers = itertools.count()

    def __init__(self) -> None:
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        data = self._rest + data if self._rest else data
        while data:
            end = whole(data)
            if end == 0:
                break
            self._transport.write(ANSWER % (self.run, next(self.numbers) & 0xFFFFFFFF))
            data = data[end:]
        self._rest = data


def whole(data: bytes) -> int:
    """Where the first message in the bytes ends; 0 when it has not come whole. Bodies without a length are empty."""
    head_end = data.find(HEAD_END)
    if head_end < 0:
        return 0
    head = data[:head_end].lower()
    place = head.find(LENGTH)
    size = 0
    if place >= 0:
        line_end = head.find(b"\r", place)
        size = int(head[place + len(LENGTH) : line_end if line_end >= 0 else head_end])
    end = head_end + len(HEAD_END) + size
    return end if len(data) >= end else 0


async def serve(port: int) -> None:
    """Until it is ended."""
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
