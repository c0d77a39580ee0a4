"""Whatever Whapi may say, in a callback or in an answer: nothing but the declared errors, and JSON all the way."""

import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest
from aiohttp import web

from app.compat.speaking.table import EMPTY, SPOKEN
from app.kit.crypto import Secret
from app.lines.words import notices
from app.providers import asks
from app.providers.answers import Picture
from app.providers.errors import ProviderError
from app.providers.events import MessageReceived
from app.providers.port import Credentials
from app.providers.reading import instant
from app.providers.whapi.adapter import WhapiCloud
from app.providers.whapi.contents import ACTIONS, READERS
from app.providers.whapi.handlers import UNSUPPORTED
from app.providers.whapi.notices import ENTRIES
from tests.providers.samples import samples

NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)
ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, 1e308, 10**30, 10**400, "", "x", "\x00", "\ud800", "@", "@c.us", "1@lid", "true",
    "79990003344", "79990003344@s.whatsapp.net", "1795219290", 1795219290000, "http://x/y", "9" * 60, [], {}, [[]],
)  # fmt: skip
KEYS: Final = (
    "from", "status", "viewer_id", "recipient_id", "target", "body", "latitude", "link", "ephemeral", "unread", "price",
    "created_at", "expire", "activeTill", "creationTS", "pwr", "rank", "name", "phone", "voters", "options", "results",
    "wa_id", "code", "total", "timestamp", "emoji", "votes", "title", "caption", "context", "before_update",
    "after_update", "trigger", "errors", "participants", "rows", "sections", "buttons", "header", "quoted_id",
)  # fmt: skip
KINDS: Final = sorted({*READERS, "action", "reply", "poll_update", "system"})
LISTS: Final = ("messages", "chats", "contacts", "groups", "statuses", "media", "participants", "channels", "projects")


def anything(chance: random.Random, depth: int = 0) -> Any:
    """Something like a row of Whapi's, of which any part may be anything."""
    if depth > 3 or chance.random() < 0.3:
        return chance.choice(ODD)
    if chance.random() < 0.2:
        return [anything(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    kind = chance.choice(KINDS)
    row = {"id": "Qk2mid", "chat_id": "79990003344@s.whatsapp.net", "type": kind, kind: anything(chance, depth + 1)}
    row |= {key: anything(chance, depth + 1) for key in chance.sample(KEYS, 6)}
    row["action"] = {"type": chance.choice(sorted(ACTIONS)), "target": chance.choice(ODD)}
    for _ in range(chance.randint(0, 2)):
        del row[chance.choice(list(row))]
    return row


@pytest.mark.parametrize("seed", range(6))
def test_any_callback_is_read_and_told(seed: int) -> None:
    chance, wing = random.Random(seed), WhapiCloud("http://127.0.0.1:9", Secret("x"))
    for _ in range(60):
        keys = chance.sample(sorted({*ENTRIES, "health", "user", "event", "channel_id"}), 3)
        body = {key: [anything(chance)] if key in ENTRIES else anything(chance) for key in keys}
        for part in wing.apart(body):
            read = wing.read_notice(part)
            msgspec.json.encode(read.what)
            if isinstance(read.what, MessageReceived):
                wing.likeness(read.what.kind, read.what.content)
            told = notices.body_of(read, number=7, phone="79990001122", now=NOW, links=lambda link, _: link)
            assert told is None or (msgspec.json.encode(told) and type(told["timestamp"]) is int)


class Answering:
    """A manager and a gate that answer with anything."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        status = self.chance.choice((200, 200, 200, 200, 201, 204, 302, 400, 401, 404, 409, 422, 503))
        told = anything(self.chance)
        if isinstance(told, dict):
            told = {**told, **{key: [anything(self.chance)] for key in LISTS}}
        return web.Response(status=status, text=json.dumps(told), content_type="application/json")


@pytest.fixture(params=range(2))
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[tuple[WhapiCloud, Credentials]]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", Answering(request.param).take)
    runner = web.AppRunner(app, shutdown_timeout=0.05, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    wing = WhapiCloud(url, Secret("x"), timeout_seconds=5.0)
    yield wing, Credentials("RAVENX-7Q2LM", Secret("t"), url)
    await wing.close()
    await runner.cleanup()


async def test_any_answer_is_told_or_an_error_of_the_port(gateway: tuple[WhapiCloud, Credentials]) -> None:
    wing, credentials = gateway
    answered = 0
    for _ in range(4):
        for ask in samples():
            if ask.method not in UNSUPPORTED:
                answered += await _asked(wing, credentials, ask)
        calls = (wing.listing(), wing.balance(), wing.one("a"), wing.link(credentials), wing.profile(credentials))
        more = (wing.qr(credentials), wing.phone_code(credentials, "79990003344"), wing.sent_since(credentials, 5))
        for call in (*calls, *more, wing.fund("a", 1, "c"), wing.go_live("a"), wing.delete("a")):
            try:
                await call
            except ProviderError:
                continue
    assert answered > 20


async def _asked(wing: WhapiCloud, credentials: Credentials, ask: asks.Ask[Any]) -> bool:
    """Whether it was answered; then the answer can be told on every face."""
    try:
        found = await wing.perform(credentials, ask)
    except ProviderError:
        return False
    msgspec.json.encode(found)
    if ask.method in SPOKEN and not isinstance(found, Picture):
        told = SPOKEN[ask.method].tell(found)
        assert told is EMPTY or msgspec.json.encode(told)
    return True


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308, "9" * 20, float("nan"), float("inf"), True])
def test_a_moment_beyond_all_years_is_none(value: object) -> None:
    assert instant(value) is None
