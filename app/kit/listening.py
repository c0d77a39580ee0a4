"""The server's side of a connection, with bounds that uvicorn has none for.

How long a head is and how slow, how slow a body, how many requests wait behind one another, and for how long we wait
for somebody to take an answer. A body may take as long as its bytes come: time counts only while we are reading, so a
client does not pay for a gateway that takes a file slowly.
"""

from asyncio import TimerHandle, Transport
from functools import partial
from typing import Any, Final, Literal
from weakref import ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.kit.asgi import WHOLE, Header

HEAD_BYTES: Final = 32 * 1024
HEAD_LINES: Final = 200
PIPELINED: Final = 8
HEAD_SECONDS: Final = 20.0
IDLE_SECONDS: Final = 45.0
BODY_SECONDS: Final = 60.0
BODY_RATE: Final = 8 * 1024
TAKE_SECONDS: Final = 60.0
LINGER_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 5.0

Awaited = Literal["head", "body", "rest"]


class HeadRefused(Exception):
    """A head has too many lines, or stands behind too many others; the parser makes a 400 of it."""


class Listening(HttpToolsProtocol):
    """Ends a connection whose other side is too slow, too long, or gone.

    Bodies may take `body_seconds` and a second more for each `body_rate` bytes, and pause for `idle_seconds`. Timers
    are set only for what has not come with the bytes at hand, so that ordinary requests need none.
    """

    head_seconds = HEAD_SECONDS
    idle_seconds = IDLE_SECONDS
    body_seconds = BODY_SECONDS
    body_rate = BODY_RATE
    take_seconds = TAKE_SECONDS
    linger_seconds = LINGER_SECONDS
    look_seconds = LOOK_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._awaited: Awaited | None = "head"
        self._timer: TimerHandle | None = None
        self._taking: TimerHandle | None = None
        self._ending: TimerHandle | None = None
        self._bytes = self._seen_bytes = self._head_bytes = 0
        self._begun = False
        self._spent = self._idle = 0.0
        self._is_ours = True

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """A connection on which nothing comes is ended too."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        for timer in (self._timer, self._taking, self._ending):
            if timer is not None:
                timer.cancel()
        self._timer = self._taking = self._ending = None
        self._is_ours = False
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """From here on the connection is another protocol's, with its own bounds."""
        self._stop()
        self._is_ours = False
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Take bytes in, and see what is still to come."""
        super().data_received(data)
        if not self._is_ours or self.transport.is_closing():
            return
        if self._begun:  # what of these bytes came before the head began is not known
            self._begun = False
        else:
            self._bytes += len(data)
        if self._awaited == "head" and self._bytes > HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")
        elif self._awaited is None and not self._is_idle():
            self._stop()
        elif self._timer is None:
            self._watch()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._await("head")
        self._begun = True
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A part of the first line."""
        self._head_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line of a head."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES or len(self.headers) >= HEAD_LINES:
            raise HeadRefused
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head has ended, the body begins."""
        if self._head_bytes > HEAD_BYTES or len(self.pipeline) >= PIPELINED:
            raise HeadRefused
        self._await("body")
        super().on_headers_complete()
        if self.cycle is not None and self.cycle.scope is self.scope:
            # Held weakly: a ring of references for each request costs more in searches for garbage than the answer.
            self.scope["extensions"] = {WHOLE: partial(_answer_whole, ref(self.cycle))}  # type: ignore[dict-item]

    def on_message_complete(self) -> None:
        """All has come; how long the answer takes is ours."""
        self._await(None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Who was answered before the body had come may send the rest of it for a moment, so as to read the answer."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._leave()
        elif self._awaited == "body" and self.cycle.response_complete:
            self._await("rest")
            self._watch()

    def pause_writing(self) -> None:
        """The other side does not take what was written."""
        super().pause_writing()
        if self._taking is None:
            self._taking = self.loop.call_later(self.take_seconds, self._abort)

    def resume_writing(self) -> None:
        """It has taken some."""
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, and do not wait for ever until that is taken."""
        self._stop()
        super().send_400_response(msg)
        self._leave()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more came."""
        self._end()

    def shutdown(self) -> None:
        """The server stops."""
        super().shutdown()
        if self.transport.is_closing():
            self._leave()

    def _await(self, what: Awaited | None) -> None:
        if self._timer is not None:
            self._stop()
        self._awaited = what
        self._bytes = self._seen_bytes = 0
        self._spent = self._idle = 0.0

    def _watch(self) -> None:
        if self._awaited == "body":
            self._timer = self.loop.call_later(self.look_seconds, self._look)
        else:
            seconds = self.linger_seconds if self._awaited == "rest" else self.head_seconds
            self._timer = self.loop.call_later(seconds, self._end)

    def _look(self) -> None:
        """Whether a body comes at all, and not too slowly; while it is us who do not read, no time passes."""
        if not self.flow.read_paused:
            self._spent += self.look_seconds
            self._idle = self._idle + self.look_seconds if self._bytes == self._seen_bytes else 0.0
            self._seen_bytes = self._bytes
        if self._idle >= self.idle_seconds or self._spent > self.body_seconds + self._bytes / self.body_rate:
            self._end()
        else:
            self._watch()

    def _is_idle(self) -> bool:
        """Bytes came that begin no request, such as empty lines, and ended the wait for the next one."""
        is_answered = self.cycle is None or self.cycle.response_complete
        return is_answered and not self.pipeline and self.timeout_keep_alive_task is None

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
        self._leave()

    def _leave(self) -> None:
        """A closed connection still waits until its last bytes are taken: not for ever."""
        if self._ending is None and self._is_ours:
            self._ending = self.loop.call_later(self.take_seconds, self._abort)

    def _abort(self) -> None:
        self._taking = self._ending = None
        self.transport.abort()


def _answer_whole(held: ref[RequestResponseCycle], status: int, headers: list[Header], body: bytes) -> bool:
    """Write an answer in one piece, its headers unchecked; False, and nothing done, when it must go the usual way."""
    cycle = held()
    if cycle is None or cycle.response_started or cycle.disconnected or cycle.flow.write_paused or not cycle.keep_alive:
        return False
    content = [STATUS_LINE[status]]
    for name, value in (*cycle.default_headers, *headers):
        content += (name, b": ", value, b"\r\n")
    content += (b"\r\n", body)
    cycle.waiting_for_100_continue = False
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"".join(content))
    cycle.message_event.set()
    cycle.on_response()
    return True
