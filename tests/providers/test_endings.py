"""Endings that are this gateway's own way to say no; those that all share stand in `contract`."""

from collections.abc import Awaitable, Callable

import pytest

from app.providers.errors import (
    NotReady,
    OutcomeUnknown,
    ProviderError,
    QuotaReached,
    Refused,
)
from app.providers.port import Credentials, Provider
from tests.providers.conftest import WISH, Upstream, account, text

Fault = tuple[str, dict[str, object], type[ProviderError], bool]
FAULTS: list[Fault] = [
    ("stall", {}, OutcomeUnknown, False),
    ("status", {"status": 499}, OutcomeUnknown, False),
    ("status", {"status": 403}, Refused, False),
    ("status", {"status": 404}, Refused, False),
]
OF_CREATION: list[Fault] = [
    *FAULTS,
    ("refuse", {"status": 400, "body": {"code": 100, "description": "none"}}, Refused, False),
    ("done_then_status", {"status": 400, "body": {"code": 200, "description": "not saved"}}, OutcomeUnknown, True),
]
OF_SEND: list[Fault] = [
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


def _names(rows: list[Fault]) -> list[str]:
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
