"""The pause between two sends, kept here for a gateway that has no queue."""

import asyncio
import time
from datetime import datetime

from tests.routes.prepaid.conftest import ANN, Shop

DELAY = "delaySendMessagesMilliseconds"


async def sent_at(shop: Shop) -> list[float]:
    """When sends reached the gateway."""
    told = await shop.upstream.control("GET", "journal?provider=whapi&method=sendMessageText&kind=call")
    return [datetime.fromisoformat(entry["at"]).timestamp() for entry in told["entries"]]


async def say(shop: Shop, words: str) -> int:
    return (await shop.line.call("POST", "sendMessage", json={"chatId": ANN, "message": words})).status_code


async def test_a_pause_that_was_set_is_told_and_kept_between_sends_of_every_face(shop: Shop) -> None:
    assert (await shop.line.call("GET", "getSettings")).json()[DELAY] == 500
    set_ = await shop.line.call("POST", "setSettings", json={DELAY: 1200, "linkPreview": "yes"})
    assert (set_.status_code, set_.json()) == (200, {"saveSettings": True})
    assert (await shop.line.call("GET", "getSettings")).json()[DELAY] == 1200
    began = time.monotonic()
    typed = shop.call("POST", "messages", json={"to": ANN, "type": "text", "text": {"body": "typed"}})
    answers = await asyncio.gather(say(shop, "one"), typed, say(shop, "two"))
    assert [answers[0], answers[1].status_code, answers[2]] == [200, 202, 200]
    assert time.monotonic() - began >= 2.4
    first, second, third = sorted(await sent_at(shop))
    assert min(second - first, third - second) >= 0.8  # of 1.2, for one may be late at the gateway


async def test_a_send_whose_time_is_far_off_is_refused_with_when_to_come(shop: Shop) -> None:
    await shop.line.call("POST", "setSettings", json={DELAY: "60000"})
    assert await say(shop, "one") == 200
    late = await shop.line.call("POST", "sendMessage", json={"chatId": ANN, "message": "two"})
    assert late.status_code == 429
    typed = await shop.call("POST", "messages", json={"to": ANN, "type": "text", "text": {"body": "x"}})
    assert (typed.status_code, typed.json()["code"]) == (429, "send_rate_limited")
    assert 30 < int(typed.headers["Retry-After"]) <= 60
    assert len(await sent_at(shop)) == 1


async def test_a_pause_that_cannot_be_is_refused_and_nothing_changes(shop: Shop) -> None:
    for value in (499, 700_000, "soon"):
        refused = await shop.line.call("POST", "setSettings", json={DELAY: value})
        assert refused.status_code == 400, value
    assert (await shop.line.call("GET", "getSettings")).json()[DELAY] == 500
