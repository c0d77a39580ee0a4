"""Methods that are served by us: a tenant's settings, its queue of notifications, its token.

Upstream's settings and queue are ours alone; what a tenant sets and fetches is its own. Sources: GREEN-API pages of
the methods and of receiving by HTTP API (read 2026-11-21).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from app.compat import wording
from app.compat.answer import NOTHING, Answer, plain, told
from app.compat.asking import Asking
from app.compat.parts import Call, Parts
from app.gateway.catalogue import METHODS
from app.kit.errors import InvalidRequest
from app.kit.places import Places
from app.lines import reach, switches
from app.lines import service as lines
from app.providers.port import Native

LEAST_POLL_SECONDS: Final = 5.0
MOST_POLL_SECONDS: Final = 60.0
LOOK_AGAIN_SECONDS: Final = 0.2
POLLS_OF_LINE: Final = 50
"""Polls of one line that one process holds at once, for each face."""
ENDED_SECONDS: Final = 1.0
"""After it no process trusts what it read of a line before (`app.kit.fresh`, `app.compat.auth`)."""
LONGEST_RECEIPT: Final = 18
"""Beyond it some clients cannot count."""
SAVED: Final = told({"saveSettings": True})
Closed = Callable[[Call], Awaitable[Answer | None]]


class Own:
    """Answers the methods that upstream is not asked for, or not as it is."""

    def __init__(self, parts: Parts, asking: Asking) -> None:
        self._parts = parts
        self._asking = asking
        self._polls = Places(POLLS_OF_LINE)
        self._served: dict[str, Callable[[Call], Awaitable[Answer]]] = {
            "getSettings": self._get_settings,
            "setSettings": self._set_settings,
            "getStateInstance": self._get_state,
            "deleteNotification": self._delete_notification,
            "getWebhooksCount": self._count,
            "clearWebhooksQueue": self._clear,
            "updateApiToken": self._update_token,
        }

    def server(self, call: Call) -> Callable[[Call], Awaitable[Answer]] | None:
        """Who answers a call, when it is not upstream; polls are `poll`'s."""
        return self._served.get(call.method.name)

    async def keep_pace(self, call: Call) -> None:
        """Let a call that is ours to answer go on when its time has come; calls of upstream's are paced where asked.

        Raises:
            CalledTooFast: 429.
        """
        if call.method.served == "us":
            await self._parts.gateway.pace.wait(call.known.instance.id, call.method)

    @property
    def polls(self) -> int:
        """How many polls are held."""
        return self._polls.held

    @contextmanager
    def polling(self, call: Call) -> Iterator[None]:
        """Hold a place for a poll.

        Raises:
            TooManyAtOnce: the line has too many.
        """
        with self._polls.hold(call.known.line.number):
            yield

    async def poll(self, call: Call, closed: Closed) -> Answer:
        """The oldest notification, within the time that the client asked for; then the literal null.

        `closed` is asked before each look why the call may not be served: what was so when a poll began, such as its
        token, may have ended while it was held.

        Raises:
            AppError: that of `closed`. Gone: the line was erased meanwhile.
        """
        ends = time.monotonic() + poll_seconds(call)
        while True:
            found = await closed(call) or await self._look(call)
            left = ends - time.monotonic()
            if found is None and left > 0 and not call.gone.is_set():
                await self._wait(call, left)
                continue
            if isinstance(found, Answer):
                await hold(call, left)
                return found
            if found is None:
                return NOTHING
            receipt, body = found
            return Answer(200, b'{"receiptId":%d,"body":%s}' % (receipt, body.encode()))

    async def _look(self, call: Call) -> tuple[int, str] | Answer | None:
        known = call.known
        async with self._parts.database.begin(known.tenant_id) as uow:
            line = await lines.of(uow, known.tenant_id, known.instance.id)
            if line is None:
                return NOTHING
            if line.webhook_url:
                return plain(
                    400,
                    "Message cannot be received because custom webhook url is set. Go to cabinet, clear webhook "
                    f"url for instance: {line.number} and wait for about 1 minute for another attempt",
                )
            if await lines.is_withheld(uow, line):
                return NOTHING
            notice = await lines.next_notice(uow, line)
            return None if notice is None else (notice.receipt, notice.body)

    async def _wait(self, call: Call, seconds: float) -> None:
        began = time.monotonic()
        waiting = asyncio.ensure_future(self._parts.waiters.wait(call.known.tenant_id, call.known.instance.id, seconds))
        gone = asyncio.ensure_future(call.gone.wait())
        try:
            await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waiting, gone):
                task.cancel()
            await asyncio.gather(waiting, gone, return_exceptions=True)
        if time.monotonic() - began < LOOK_AGAIN_SECONDS and not call.gone.is_set():
            await asyncio.sleep(min(LOOK_AGAIN_SECONDS, seconds))

    async def _get_settings(self, call: Call) -> Answer:
        answer = await self._asking.serve(call)
        if answer.status != 200:
            return answer
        found = msgspec.json.decode(answer.body) if answer.body else None
        if not isinstance(found, dict):
            return answer
        async with self._parts.database.begin(call.known.tenant_id) as uow:
            own = await lines.settings(uow, call.known.line)
        if self._has_queue(call):
            own.pop(switches.DELAY, None)
        return told(merged(found, own))

    async def _set_settings(self, call: Call) -> Answer:
        """At once: what is the tenant's own; what is not goes upstream first, and only if it changes anything there."""
        changes = call.params
        try:
            mine, theirs = switches.split(changes)
            if url := mine.get(switches.URL):
                self._parts.egress.check_url(url, f"#/{switches.URL}")
        except InvalidRequest as error:
            return wording.invalid(call.scene, _complaint(error))
        theirs |= {
            name: "yes"
            for name in switches.ASKED_UPSTREAM
            if mine.get(name) == "yes" != call.known.line.settings.get(name)
        }
        if theirs:
            refused = await self._set_upstream(call, theirs)
            if refused is not None:
                return refused
        # Upstream's form of a number was looked at with the rest of theirs.
        delay = None if self._has_queue(call) else changes.get(switches.DELAY)
        async with self._parts.database.begin(call.known.tenant_id) as uow:
            if delay is not None:
                await lines.set_send_delay(uow, call.known.line, int(delay))
            if mine:
                await lines.change(uow, call.known.line, mine)
        if mine:
            self._parts.authenticator.forget(call.address.number)
        return SAVED

    def _has_queue(self, call: Call) -> bool:
        instance = call.known.instance
        return self._parts.registry.get(instance.provider, instance.environment).traits.has_queue

    async def _set_upstream(self, call: Call, changes: dict[str, Any]) -> Answer | None:
        """Set what differs there: each change restarts the account. A refusal is returned."""
        native = Native("setSettings", "POST", "", msgspec.json.encode(changes), "application/json")

        async def change() -> Answer:
            if await self._is_set(call, changes):
                return SAVED
            return await self._asking.ask(call, native)

        answer = await self._asking.within(change)
        return None if answer.status == 200 and b"true" in answer.body else answer

    async def _is_set(self, call: Call, changes: dict[str, Any]) -> bool:
        reading = Call(METHODS["getsettings"], b"", call.address, call.known, call.scene, {}, call.gone)
        now = await self._asking.ask(reading, Native("getSettings", "GET"))
        found = msgspec.json.decode(now.body) if now.status == 200 and now.body else None
        return isinstance(found, dict) and all(found.get(name, changes) == value for name, value in changes.items())

    async def _get_state(self, call: Call) -> Answer:
        instance = call.known.instance
        if instance.upstream_account is not None and instance.status == "provisioning":
            return told({"stateInstance": "starting"})
        return await self._asking.serve(call)

    async def _delete_notification(self, call: Call) -> Answer:
        receipt = receipt_of(call)
        if receipt is None:
            return plain(400, "Parameter receiptId must be a Number!")
        async with self._parts.database.begin(call.known.tenant_id) as uow:
            is_there = await lines.acknowledge(uow, call.known.line, receipt)
        return told({"result": is_there, "reason": "" if is_there else f"receipt {receipt} not found"})

    async def _count(self, call: Call) -> Answer:
        async with self._parts.database.begin(call.known.tenant_id) as uow:
            return told({"count": await lines.count(uow, call.known.line)})

    async def _clear(self, call: Call) -> Answer:
        async with self._parts.database.begin(call.known.tenant_id) as uow:
            line = await lines.of(uow, call.known.tenant_id, call.known.instance.id)
            if line is not None and line.webhook_url:
                return plain(400, "Webhooks cannot be cleared because custom webhook url is set")
            cleared = await lines.clear(uow, call.known.line)
        if cleared.is_cleared:
            return told({"isCleared": True, "reason": ""})
        return told({"isCleared": False, "reason": "Too many requests", "leftTime": cleared.left_seconds})

    async def _update_token(self, call: Call) -> Answer:
        """A new token, told when the old one has ended in every process.

        Raises:
            InsufficientScope: the caller has a key that could do less than the token.
        """
        reach.check(call.known.principal)
        async with self._parts.database.begin(call.known.tenant_id) as uow:
            token = await lines.rotate(uow, call.known.line)
        self._parts.authenticator.forget(call.address.number)
        await asyncio.sleep(ENDED_SECONDS)
        return told({"apiTokenInstance": token})


def poll_seconds(call: Call) -> float:
    """How long a poll waits: 5 to 60 s, 5 if nothing usable was said."""
    said = call.params.get("receiveTimeout")
    try:
        seconds = float(said) if isinstance(said, int | float | str) else LEAST_POLL_SECONDS
    except (ValueError, OverflowError):
        seconds = LEAST_POLL_SECONDS
    return min(max(seconds, LEAST_POLL_SECONDS), MOST_POLL_SECONDS) if seconds == seconds else LEAST_POLL_SECONDS


async def hold(call: Call, seconds: float) -> None:
    """Keep a refusal back, for bots ask again at once; whoever hangs up is not waited for."""
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                await call.gone.wait()
        except TimeoutError:
            return


def receipt_of(call: Call) -> int | None:
    """The receipt, from the path, from a body that is a number, or from a parameter."""
    is_bare = call.value is not None and not isinstance(call.value, dict)
    said: Any = call.address.tail or (call.value if is_bare else call.params.get("receiptId"))
    if isinstance(said, str) and said.isascii() and said.isdecimal() and len(said) <= LONGEST_RECEIPT:
        return int(said)
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def merged(found: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Upstream's settings with the tenant's own in their places; what only we know comes last."""
    return {name: own.get(name, value) for name, value in found.items()} | own


def _complaint(error: InvalidRequest) -> str:
    at = error.errors[0] if error.errors else None
    if at is not None and at.pointer == f"#/{switches.URL}" and not (error.detail or "").startswith("'"):
        return f"'{switches.URL}' must be a valid uri"
    return error.detail or ""
