"""A mail server for development: takes every letter, delivers none, and shows them over HTTP.

`python -m dev.mailbox` prints one line, `{"smtp": "smtp://127.0.0.1:P", "http": "http://127.0.0.1:Q"}`.
"""

import argparse
import asyncio
import itertools
import json
import signal
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler
from aiosmtpd.smtp import SMTP, Envelope, Session

KEEP = 2000
_LETTER_BYTES = 1024 * 1024
_TEXT_CHARACTERS = 32 * 1024  # with KEEP it bounds what the mailbox can ever hold, to some 100 MB


@dataclass(frozen=True)
class Letter:
    """One message as it arrived; `to` is whom the envelope named, not what the header says."""

    id: str
    sender: str
    to: list[str]
    subject: str
    text: str
    received_at: str


class Mailbox:
    """The letters, and the two faces they come and go by."""

    def __init__(self, keep: int = KEEP) -> None:
        self.letters: deque[Letter] = deque(maxlen=keep)
        self.smtp_url = ""
        self.http_url = ""
        self._numbers = itertools.count(1)
        self._smtp: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None

    @classmethod
    @asynccontextmanager
    async def running(cls, keep: int = KEEP) -> AsyncIterator[Self]:
        """A mailbox on free ports, for as long as the context lasts."""
        mailbox = cls(keep)
        await mailbox.start()
        try:
            yield mailbox
        finally:
            await mailbox.stop()

    async def start(self, smtp_port: int = 0, http_port: int = 0) -> None:
        """Listen on loopback; port 0 takes any that is free."""
        loop = asyncio.get_running_loop()
        self._smtp = await loop.create_server(self._converse, "127.0.0.1", smtp_port)
        self.smtp_url = f"smtp://127.0.0.1:{self._smtp.sockets[0].getsockname()[1]}"
        app = web.Application(middlewares=[_only_loopback])
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/messages", self._list),
                web.delete("/messages", self._empty),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", http_port).start()
        self.http_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening; the letters stay readable in this process."""
        if self._smtp:
            self._smtp.close()
        if self._runner:
            await self._runner.cleanup()

    def to(self, address: str) -> list[Letter]:
        """The letters to this address, newest first."""
        wanted = address.casefold()
        return [letter for letter in reversed(self.letters) if wanted in map(str.casefold, letter.to)]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep one letter."""
        raw = envelope.original_content or b""
        message = BytesParser(policy=policy.default).parsebytes(raw)
        self.letters.append(
            Letter(
                id=str(next(self._numbers)),
                sender=envelope.mail_from or "",
                to=list(envelope.rcpt_tos),
                subject=str(message.get("subject", "")),
                text=_text(message)[:_TEXT_CHARACTERS],
                received_at=datetime.now(UTC).isoformat(),
            )
        )
        return "250 Kept"

    def _converse(self) -> SMTP:
        return SMTP(self, hostname="localhost", ident="Sublet mailbox", data_size_limit=_LETTER_BYTES)

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "messages": len(self.letters)})

    async def _list(self, request: web.Request) -> web.Response:
        address = request.query.get("to")
        letters = self.to(address) if address else list(reversed(self.letters))
        return web.json_response({"messages": [_wire(letter) for letter in letters]})

    async def _empty(self, _request: web.Request) -> web.Response:
        self.letters.clear()
        return web.Response(status=204)


def _wire(letter: Letter) -> dict[str, object]:
    fields = asdict(letter)
    return {"id": fields.pop("id"), "from": fields.pop("sender"), **fields}


def _text(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        content = body.get_content()
    except (LookupError, UnicodeError):  # an unknown charset is no reason to lose the letter
        return bytes(body.get_payload(decode=True) or b"").decode(errors="replace")
    return content if isinstance(content, str) else ""


@web.middleware
async def _only_loopback(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a page that reaches us through a name of its own: sign-in codes are read here."""
    if (request.url.host or "") not in {"127.0.0.1", "localhost", "::1"}:
        raise web.HTTPForbidden(text="This mailbox answers to loopback addresses only.")
    answer: web.StreamResponse = await handler(request)
    return answer


async def _serve(smtp_port: int, http_port: int) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    mailbox = Mailbox()
    await mailbox.start(smtp_port, http_port)
    print(json.dumps({"smtp": mailbox.smtp_url, "http": mailbox.http_url}), flush=True)
    await over.wait()
    await mailbox.stop()


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m dev.mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--http-port", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(_serve(given.smtp_port, given.http_port))


if __name__ == "__main__":
    main()
