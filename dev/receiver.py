"""A customer's own webhook receiver: real HTTP, and every signature checked with the `standardwebhooks` library."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


class Receiver:
    """Listens on loopback; keeps what verified, counts what did not."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.refused = 0
        self.secret = ""
        self._arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Where to send events."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hooks/sublet"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(
        self, kind: str, seconds: float = 30, such: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """The first verified event of a type that fits.

        Raises:
            TimeoutError: none came; the message names what did.
        """
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                for event in self.events:
                    if event["type"] == kind and such(event):
                        return event
                left = deadline - time.monotonic()
                if left <= 0:
                    seen = ", ".join(event["type"] for event in self.events) or "nothing"
                    raise TimeoutError(f"no {kind} came within {seconds:.0f} s, but {seen}")
                self._arrived.wait(left)

    def _take(self, body: bytes, headers: dict[str, str]) -> int:
        try:
            Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.refused += 1
            return 401
        with self._arrived:
            self.events.append(json.loads(body))
            self._arrived.notify_all()
        return 204

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.send_response(take(body, {name.lower(): value for name, value in self.headers.items()}))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
