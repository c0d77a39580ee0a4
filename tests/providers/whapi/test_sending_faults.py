"""A storm of faults over many sends: whatever is concluded of each is what truly happened."""

import asyncio
from typing import Any

import pytest

from app.kit.crypto import Secret
from app.providers import asks
from app.providers.errors import Outcome, OutcomeUnknown, ProviderError
from app.providers.port import Sent
from app.providers.whapi.adapter import WhapiCloud
from tests.providers.whapi.conftest import ANN, WHAPI_TOKEN, Line, Upstream

KINDS = (
    "lose_request",
    "lose_answer",
    "late",
    "refuse",
    "status",
    "done_then_status",
    "plain_text_400",
    "half_body",
    "garbage",
    "wrong_content_type",
)
SENDS = 80


@pytest.mark.parametrize("seed", [1, 2])
async def test_conclusions_agree_with_the_truth(line: Line, upstream: Upstream, seed: int) -> None:
    wing = WhapiCloud(upstream.manager_url, Secret(WHAPI_TOKEN), timeout_seconds=0.6, connect_seconds=0.5)
    rules = [{"method": "sendMessageText", "kind": kind, "probability": 0.09, "delay_seconds": 0.8} for kind in KINDS]
    await upstream.sim("faults", {"rules": rules, "seed": seed})

    async def one(number: int) -> Sent | ProviderError:
        try:
            return await wing.send(line.credentials, asks.Send(ANN, asks.Text(f"number {number}")))
        except ProviderError as error:
            return error

    endings: dict[str, Sent | ProviderError] = {}
    for start in range(0, SENDS, 20):
        told = await asyncio.gather(*(one(number) for number in range(start, start + 20)))
        endings |= {f"number {start + place}": ending for place, ending in enumerate(told)}
    await wing.close()
    await upstream.sim("faults", {"rules": []})
    await upstream.advance(5)
    assert len(await upstream.calls("sendMessageText")) == SENDS
    truth = await _truth(line)
    assert max(len(ids) for ids in truth.values()) == 1
    found = {seen.likeness: seen.message_id for seen in await line.sent()}
    for words, ending in endings.items():
        if isinstance(ending, Sent):
            assert truth[words] == [ending.message_id]
        elif ending.outcome is Outcome.REFUSED:
            assert words not in truth, ending
        else:
            assert type(ending) is OutcomeUnknown
            assert ([found[words]] if words in found else None) == truth.get(words)
    assert {type(ending) for ending in endings.values()} >= {Sent, OutcomeUnknown}


async def _truth(line: Line) -> dict[str, list[str]]:
    """The ids under which each text is truly there."""
    told: dict[str, Any] = await line.upstream.sim(f"whapi/messages?channel_id={line.credentials.account}")
    found: dict[str, list[str]] = {}
    for row in told["messages"]:
        found.setdefault(row["text"]["body"], []).append(row["id"])
    return found
