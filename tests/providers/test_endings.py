"""How each misfortune of the upstream ends for the caller, and that each call went out once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.providers.errors import (
    NotReady,
    OutcomeUnknown,
    ProviderError,
    QuotaReached,
    Refused,
    TooFast,
)
from app.providers.port import Credentials, Provider
from tests.providers.conftest import WISH, Upstream, account, text

FAULTS = [
    ("lose_request", {}, OutcomeUnknown, False),
    ("lose_answer", {}, OutcomeUnknown, True),
    ("late", {"delay_seconds": 0.9}, OutcomeUnknown, False),
    ("slow_answer", {"delay_seconds": 1.0}, OutcomeUnknown, True),
    ("stall", {}, OutcomeUnknown, False),
    ("half_body", {}, OutcomeUnknown, True),
    ("garbage", {}, OutcomeUnknown, True),
    ("done_then_status", {"status": 502}, OutcomeUnknown, True),
    ("status", {"status": 502}, OutcomeUnknown, False),
    ("status", {"status": 499}, OutcomeUnknown, False),
    ("status", {"status": 500}, OutcomeUnknown, False),
    ("status", {"status": 429}, TooFast, False),
    ("status", {"status": 403}, Refused, False),
    ("status", {"status": 404}, Refused, False),
    ("status", {"status": 422}, Refused, False),
    ("refuse", {}, Refused, False),
]
OF_CREATION = [
    *FAULTS,
    ("refuse", {"status": 400, "body": {"code": 100, "description": "none"}}, Refused, False),
    ("done_then_status", {"status": 400, "body": {"code": 200, "description": "not saved"}}, OutcomeUnknown, True),
]
OF_SEND = [
    *FAULTS,
    ("status", {"status": 466}, QuotaReached, False),
    ("plain_text_400", {}, NotReady, False),
]

Call = Callable[[], Awaitable[object]]


async def _ending(call: Call, upstream: Upstream, method: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await call()
    assert len(await upstream.calls(method)) == 1
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


def _names(rows: list[tuple[str, dict[str, object], type[ProviderError], bool]]) -> list[str]:
    return [f"{kind}-{more.get('status', '')}" for kind, more, *_ in rows]


@pytest.mark.parametrize(("kind", "more", "error", "done"), OF_CREATION, ids=_names(OF_CREATION))
async def test_a_creation_that_goes_wrong(
    wing: Provider, upstream: Upstream, kind: str, more: dict[str, object], error: type[ProviderError], done: bool
) -> None:
    await upstream.fault("createInstance", kind, **more)
    ending = await _ending(lambda: wing.create(WISH), upstream, "createInstance")
    assert type(ending) is error
    assert ((await upstream.sim("instances"))["instances"] != []) is done
    if done:
        assert ending.outcome == "unknown"


@pytest.mark.parametrize(("kind", "more", "error", "done"), OF_SEND, ids=_names(OF_SEND))
async def test_a_send_that_goes_wrong(
    wing: Provider, upstream: Upstream, kind: str, more: dict[str, object], error: type[ProviderError], done: bool
) -> None:
    credentials = await account(wing)
    await upstream.fault("sendMessage", kind, **more)
    ending = await _ending(lambda: wing.send(credentials, text("hello")), upstream, "sendMessage")
    assert isinstance(ending, error)
    assert ending.outcome == error.outcome
    messages = (await upstream.sim(f"messages?id_instance={credentials.account}"))["messages"]
    assert (messages != []) is done


@pytest.mark.parametrize("kind", ["lose_request", "lose_answer", "half_body"])
@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("getInstances", lambda wing, _: wing.listing()),
        ("getStateInstance", lambda wing, credentials: wing.link(credentials)),
        ("qr", lambda wing, credentials: wing.qr(credentials)),
        ("logout", lambda wing, credentials: wing.logout(credentials)),
        ("reboot", lambda wing, credentials: wing.reboot(credentials)),
        ("clearWebhooksQueue", lambda wing, credentials: wing.clear_queues(credentials)),
        ("deleteInstanceAccount", lambda wing, credentials: wing.delete(credentials.account)),
    ],
)
async def test_nothing_is_called_again_behind_our_back(
    wing: Provider,
    upstream: Upstream,
    method: str,
    call: Callable[[Provider, Credentials], Awaitable[object]],
    kind: str,
) -> None:
    credentials = await account(wing)
    await wing.waiting(credentials)  # a connection that will be used again
    before = len(await upstream.calls(method))
    await upstream.fault(method, kind)
    with pytest.raises(OutcomeUnknown):
        await call(wing, credentials)
    assert len(await upstream.calls(method)) == before + 1


async def test_a_cancelled_creation_stays_a_cancellation(wing: Provider, upstream: Upstream) -> None:
    await upstream.fault("createInstance", "slow_answer", delay_seconds=1.0)
    task = asyncio.create_task(wing.create(WISH))

    async def begun() -> None:
        while not await upstream.calls("createInstance"):
            await asyncio.sleep(0.01)

    await asyncio.wait_for(begun(), 2)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert caught.value.args == ("enough",)
    assert len((await upstream.sim("instances"))["instances"]) == 1


async def test_a_caller_may_set_his_own_deadline(wing: Provider, upstream: Upstream) -> None:
    await upstream.fault("createInstance", "stall")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await wing.create(WISH)


async def test_after_a_fault_the_wing_goes_on(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    await upstream.fault("sendMessage", "lose_answer", times=1)
    with pytest.raises(OutcomeUnknown):
        await wing.send(credentials, text("one"))
    await wing.send(credentials, text("two"))
    assert [seen.likeness for seen in await wing.waiting(credentials)] == ["one", "two"]
