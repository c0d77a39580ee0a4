"""Reading and answering a request below the framework."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]
WHOLE: Final = "sublet.whole_answer"
"""The extension by which our server takes an answer in one piece, at a fifth of the usual cost."""


async def read(receive: Receive, most_bytes: int) -> tuple[bytes, list[Message]]:
    """A body, and the messages that it came in; empty when it is too long, or ended early."""
    message = await receive()
    messages, size = [message], len(message.get("body", b""))
    while message["type"] == "http.request" and size <= most_bytes and message.get("more_body"):
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
    if message["type"] != "http.request" or message.get("more_body") or size > most_bytes:
        return b"", messages
    body: bytes = message.get("body", b"")
    return body if len(messages) == 1 else b"".join(each.get("body", b"") for each in messages), messages


def replaying(messages: Iterable[Message], receive: Receive) -> Receive:
    """A way to read again what was read already, and on."""
    again = iter(messages)

    async def replay() -> Message:
        for message in again:
            return message
        return await receive()

    return replay


async def answer(scope: Mapping[str, Any], send: Send, status: int, headers: list[Header], body: bytes) -> None:
    """A whole answer; its length is added to the headers, where it may have any, and its body is kept back from a HEAD.

    Nothing that a client sent may stand in them: a server that can is made to write them as they are.
    """
    if status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    if scope["method"] == "HEAD":
        body = b""
    whole = scope.get("extensions", {}).get(WHOLE)
    if whole is not None and whole(status, headers, body):
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
