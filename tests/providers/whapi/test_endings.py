"""Endings that are this gateway's own way to say no; those that all share stand in `contract`."""

from collections.abc import Awaitable, Callable

import pytest

from app.providers.asks import Send, Text
from app.providers.errors import (
    CredentialRefused,
    NoSuchThing,
    NotAllowed,
    OutcomeUnknown,
    PoolEmpty,
    ProviderError,
    QuotaReached,
    Refused,
    TooLarge,
)
from app.providers.port import Credentials
from app.providers.whapi.adapter import WhapiCloud
from tests.providers.whapi.conftest import ANN, Upstream
from tests.providers.whapi.hooks import WISH, account, linked, pool

HELLO = Send(ANN, Text("hello"))
Fault = tuple[str, dict[str, object], type[ProviderError], bool]
FAULTS: list[Fault] = [
    ("stall", {}, OutcomeUnknown, False),
    ("status", {"status": 503}, OutcomeUnknown, False),
    ("status", {"status": 302}, OutcomeUnknown, False),
    ("status", {"status": 418}, OutcomeUnknown, False),
    ("status", {"status": 400}, Refused, False),
    ("status", {"status": 409}, Refused, False),
    ("status", {"status": 402}, QuotaReached, False),
    ("status", {"status": 413}, TooLarge, False),
    ("status", {"status": 404}, NoSuchThing, False),
]
OF_MANAGER: list[Fault] = [
    *FAULTS,
    ("status", {"status": 401}, CredentialRefused, False),
    ("status", {"status": 403}, Refused, False),
]
OF_SEND: list[Fault] = [*FAULTS, ("status", {"status": 403}, NotAllowed, False)]


def _names(rows: list[Fault]) -> list[str]:
    return [f"{kind}-{more.get('status', '')}" for kind, more, *_ in rows]


async def _ending(call: Callable[[], Awaitable[object]], upstream: Upstream, method: str) -> ProviderError:
    before = len(await upstream.calls(method))
    with pytest.raises(ProviderError) as caught:
        await call()
    assert len(await upstream.calls(method)) == before + 1
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize(("kind", "more", "error", "done"), OF_MANAGER, ids=_names(OF_MANAGER))
async def test_a_creation_that_goes_wrong(
    wing: WhapiCloud, upstream: Upstream, kind: str, more: dict[str, object], error: type[ProviderError], done: bool
) -> None:
    await upstream.fault("createChannel", kind, **more)
    ending = await _ending(lambda: wing.create(WISH), upstream, "createChannel")
    assert type(ending) is error
    assert ((await upstream.sim("whapi/channels"))["channels"] != []) is done
    if done:
        assert ending.outcome == "unknown"


@pytest.mark.parametrize(("kind", "more", "error", "done"), OF_MANAGER, ids=_names(OF_MANAGER))
async def test_an_extension_that_goes_wrong(
    wing: WhapiCloud, upstream: Upstream, kind: str, more: dict[str, object], error: type[ProviderError], done: bool
) -> None:
    """Whether the days were moved shows in `funded_until`."""
    made = await wing.create(WISH)
    await pool(upstream, 10)
    await upstream.fault("extendChannel", kind, **more)
    ending = await _ending(lambda: wing.fund(made.account, 3, "order"), upstream, "extendChannel")
    assert ending.outcome == error.outcome
    assert not isinstance(ending, PoolEmpty)
    assert (await pool(upstream) == 7) is done
    found = await wing.one(made.account)
    assert found is not None
    assert (found.funded_until != made.funded_until) is done


@pytest.mark.parametrize(("kind", "more", "error", "done"), OF_SEND, ids=_names(OF_SEND))
async def test_a_send_that_goes_wrong(
    wing: WhapiCloud, upstream: Upstream, kind: str, more: dict[str, object], error: type[ProviderError], done: bool
) -> None:
    credentials = await linked(wing, upstream)
    await upstream.fault("sendMessageText", kind, **more)
    ending = await _ending(lambda: wing.send(credentials, HELLO), upstream, "sendMessageText")
    assert isinstance(ending, error)
    assert ending.outcome == error.outcome
    assert (await wing.sent_since(credentials, 10) != []) is done


@pytest.mark.parametrize("what", ["unlink", "sync_error", "break"])
@pytest.mark.parametrize("kept", ["none", "kept", "refused"])
async def test_a_list_without_a_linked_phone_proves_nothing(
    wing: WhapiCloud, upstream: Upstream, what: str, kept: str
) -> None:
    """It may be told as a success, and without what was sent: who concluded from it would send twice."""
    credentials = await linked(wing, upstream)
    await upstream.knobs(reads_without_phone=kept)
    assert await wing.sent_since(credentials, 10) == []
    await wing.send(credentials, HELLO)
    await upstream.sim(f"whapi/channels/{credentials.account}/{what}", {})
    await upstream.advance(1)
    with pytest.raises(ProviderError):
        await wing.sent_since(credentials, 10)


@pytest.mark.parametrize("kind", ["lose_request", "lose_answer", "half_body"])
@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("getChannels", lambda wing, _: wing.listing()),
        ("getChannel", lambda wing, credentials: wing.one(credentials.account)),
        ("getPartner", lambda wing, _: wing.balance()),
        ("checkHealth", lambda wing, credentials: wing.link(credentials)),
        ("loginUser", lambda wing, credentials: wing.qr(credentials)),
        ("loginUserViaAuthCode", lambda wing, credentials: wing.phone_code(credentials, "79990001122")),
        ("getChannelSettings", lambda wing, credentials: wing.configured(credentials, WISH)),
        ("updateChannelSettings", lambda wing, credentials: wing.configure(credentials, WISH)),
        ("logoutUser", lambda wing, credentials: wing.logout(credentials)),
        ("restartChannel", lambda wing, credentials: wing.reboot(credentials)),
        ("changeChannelMode", lambda wing, credentials: wing.go_live(credentials.account)),
        ("deleteChannel", lambda wing, credentials: wing.delete(credentials.account)),
    ],
)
async def test_nothing_is_called_again_behind_our_back(
    wing: WhapiCloud,
    upstream: Upstream,
    method: str,
    call: Callable[[WhapiCloud, Credentials], Awaitable[object]],
    kind: str,
) -> None:
    credentials = await account(wing)
    await wing.profile(credentials)  # a connection that will be used again
    await upstream.fault(method, kind)
    ending = await _ending(lambda: call(wing, credentials), upstream, method)
    assert type(ending) is OutcomeUnknown
