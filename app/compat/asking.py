"""Calls that upstream serves: passed on through the gate, and the answer made the tenant's own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import structlog

from app.compat import gates, replies, wording
from app.compat.answer import BAD_GATEWAY, NO_ANSWER, UNAUTHORIZED, Answer
from app.compat.auth import Known
from app.compat.parts import Call, Parts
from app.compat.replies import Cleaner, Links
from app.compat.speaking.speaker import Speaker
from app.files import links
from app.files.links import NoLink, Sealer
from app.gateway.calls import Face
from app.kit.errors import AppError, NotFound
from app.lines import service as lines
from app.providers.errors import ProviderError
from app.providers.port import Native, NativeReply

log = structlog.get_logger()

ANSWER_SECONDS: Final = 25.0
"""Clients give up at 30 s. Source: GREEN-API's PHP SDK (read 2026-11-21)."""
PATIENCE_SECONDS: Final = 1.0
TOLD_AGAIN_SECONDS: Final = 60.0
MOST_TOLD: Final = 10_000
LINK_FIELD: Final = "urlFile"
CORRESPONDENTS: Final = "correspondents"

Ask = Callable[[], Awaitable[NativeReply]]


class Asking:
    """Passes calls on, in GREEN-API's words or, to a gateway of others, in ours; `face` is what they are recorded as.

    What is under way when a client is answered goes on to its end.
    """

    face: Face = "compatible"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._under_way: set[asyncio.Task[Answer]] = set()
        self._told: dict[tuple[UUID, str], float] = {}
        self.speaker = Speaker(parts.gateway, parts.registry)

    async def serve(self, call: Call) -> Answer:
        """The answer to a call whose body is read: upstream's within 25 s, or how it ended."""
        prepared = await self.prepare(call)
        if isinstance(prepared, Answer):
            return prepared
        return await self.within(lambda: self.ask(call, prepared))

    async def prepare(self, call: Call) -> Native | Answer:
        """The call in upstream's words: parameters where it reads them, links of ours led back to its own."""
        method, value = call.method, call.params
        changed = bool(call.query)
        link = value.get(LINK_FIELD)
        if isinstance(link, str) and links.is_ours(link, self._parts.public_url):
            try:
                async with self._parts.database.begin(call.known.tenant_id) as uow:
                    value[LINK_FIELD] = (await links.open_url(uow, link, call.known.tenant_id)).url
            except NotFound:
                return wording.invalid(call.scene, f"'{LINK_FIELD}' must be a valid uri")
            changed = True
        if method.verb != "POST":
            flat = [(name, _flat(item)) for name, item in value.items() if not isinstance(item, dict | list)]
            return Native(method.name, method.verb, urlencode(flat))
        body = msgspec.json.encode(value) if changed else call.raw
        return Native(method.name, method.verb, "", body, "application/json" if body else "")

    async def ask(self, call: Call, native: Native) -> Answer:
        """Ask, and once more within a second when it was too fast: that is a refusal, so nothing is doubled."""
        known, gateway = call.known, self._parts.gateway

        async def once() -> NativeReply:
            if self.speaker.is_needed(known):
                return await self.speaker.ask(known, call.method, native, self.face)
            return await gateway.native(known.principal, known.instance.id, call.method, native, face=self.face)

        return await self.answer(call, once, may_repeat=True)

    async def answer(self, call: Call, ask: Ask, *, may_repeat: bool) -> Answer:
        """The tenant's answer to what upstream says, or to why it was not asked."""
        began = time.monotonic()
        while True:
            try:
                reply = await ask()
            except AppError as error:
                return await self.refused(call, error)
            except ProviderError as error:
                return gates.ending(error)
            left = PATIENCE_SECONDS - (time.monotonic() - began)
            if reply.status != 429 or not may_repeat or left <= 0:
                return await self.cleaned(call, reply)
            await asyncio.sleep(left)

    async def cleaned(self, call: Call, reply: NativeReply) -> Answer:
        """Upstream's reply as the tenant's own."""
        if reply.status == 401 and not _was_ready(call.known):
            return UNAUTHORIZED
        if not 200 <= reply.status < 300:
            told = wording.of_reply(call.scene, reply.status, reply.body)
            if told in (BAD_GATEWAY, NO_ANSWER):
                log.warning("compat_upstream_failed", method=call.method.name, status=reply.status)
            return told
        return replies.of_success(call.method, reply.body, await self.cleaner(call.known, reply.body))

    async def cleaner(self, known: Known, raw: bytes) -> Cleaner:
        """What is put in place of upstream's; the tenant's vault is opened only for a reply that may hold a link."""
        instance = known.instance
        provider = self._parts.registry.get(instance.provider, instance.environment)
        link: Links = _no_link
        if replies.needs_links(raw):
            async with self._parts.database.begin(known.tenant_id) as uow:
                link = _linking(
                    await links.sealer(
                        uow,
                        known.tenant_id,
                        instance.id,
                        provider=instance.provider,
                        environment=instance.environment,
                        public_url=self._parts.public_url,
                    )
                )
        return Cleaner(known.line.number, instance.upstream_account, provider.hosts(), link)

    async def refused(self, call: Call, error: AppError) -> Answer:
        """What a refusal of ours is to the client; a limit is told of by a notification as well."""
        if error.status >= 500:
            log.warning("compat_not_asked", method=call.method.name, code=error.code, **error.facts)
        if gates.is_gate(error):
            await self._tell(call, error)
        return gates.refusal(call.scene, error, has_account=call.known.instance.upstream_account is not None)

    async def within(self, serve: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer if it comes in time; what was begun is not broken off."""
        task = asyncio.ensure_future(serve())
        self._under_way.add(task)
        task.add_done_callback(self._done)
        await asyncio.wait({task}, timeout=ANSWER_SECONDS)
        return task.result() if task.done() else NO_ANSWER

    async def close(self) -> None:
        """Let what is under way come to its end."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=ANSWER_SECONDS)

    def _done(self, task: asyncio.Task[Answer]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("compat_call_crashed", error=type(task.exception()).__name__)

    async def _tell(self, call: Call, error: AppError) -> None:
        metric, used, total = gates.figures(error)
        name = CORRESPONDENTS if metric == "chats" else call.method.name.lower()
        key, now = (call.known.instance.id, name), time.monotonic()
        if self._told.get(key, 0.0) > now:
            return
        if len(self._told) > MOST_TOLD:
            self._told.clear()
        self._told[key] = now + TOLD_AGAIN_SECONDS
        until = error.extra.get("until")
        try:
            async with self._parts.database.begin(call.known.tenant_id) as uow:
                await lines.quota_exceeded(
                    uow,
                    call.known.line,
                    method=name,
                    used=used,
                    total=total,
                    description=f"{gates.LIMITS.get(metric, gates.LIMITS['calls'])} {call.scene.url}",
                    until=_instant(until, uow.now),
                )
        except Exception as failure:
            log.warning("quota_not_told", error=type(failure).__name__)


def _was_ready(known: Known) -> bool:
    return known.instance.status in ("active", "suspended")


def _linking(sealer: Sealer) -> Links:
    def link(url: str, name: str) -> str:
        try:
            return sealer.link(url, name)
        except NoLink:
            return ""

    return link


def _no_link(_: str, __: str) -> str:
    return ""


def _flat(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _instant(until: object, now: datetime) -> datetime | None:
    """When a limit begins anew; None for what has ended for good."""
    found = datetime.fromisoformat(until) if isinstance(until, str) else None
    return found if found is not None and found > now else None
