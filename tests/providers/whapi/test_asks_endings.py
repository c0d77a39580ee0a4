"""What must hold of every ask: how it ends when the upstream errs, refuses, or cannot do it."""

import pytest

from app.kit.crypto import Secret
from app.providers import asks
from app.providers.errors import (
    CredentialRefused,
    NoSuchThing,
    NotAllowed,
    NotLinked,
    Refused,
    TooFast,
)
from app.providers.port import Credentials
from app.providers.whapi.handlers import HANDLERS, UNSUPPORTED
from tests.providers.samples import NAMES, sample, samples
from tests.providers.whapi.conftest import WHAPI_TOKEN, Line, assert_silent

WITHOUT = {"ReadDevice", "StateHistory", "RecentCalls", "ListQueue", "ClearQueue", "CountQueue"}
SUPPORTED = [name for name in NAMES if name not in WITHOUT]
UNPAIRED_WILL_DO = {"ReadSettings", "WriteSettings", "ReadAccount"}


def test_every_ask_has_a_function_or_is_declared_unsupported() -> None:
    for each in samples():
        assert (type(each) in HANDLERS) is (each.method not in UNSUPPORTED), each
    assert {type(each).__name__ for each in samples() if type(each) not in HANDLERS} == WITHOUT
    names = {each.method for each in samples()} | {"lastIncomingCalls"}
    assert names >= UNSUPPORTED


@pytest.mark.parametrize("name", SUPPORTED)
async def test_refusals_are_told_apart(line: Line, name: str) -> None:
    for status, kind in ((429, TooFast), (400, Refused), (403, NotAllowed), (404, NoSuchThing)):
        await line.upstream.fault("*", "status", status=status, body={"error": {"code": status, "message": "no"}})
        with pytest.raises(Refused) as caught:
            await line.perform(sample(name))
        assert (type(caught.value), caught.value.status) == (kind, status)
        assert_silent(caught.value, WHAPI_TOKEN, line.credentials.token.reveal())


@pytest.mark.parametrize("name", [name for name in SUPPORTED if name not in UNPAIRED_WILL_DO])
async def test_what_needs_a_phone_says_so(unpaired: Line, name: str) -> None:
    with pytest.raises(NotLinked) as caught:
        await unpaired.perform(sample(name))
    assert_silent(caught.value, unpaired.credentials.token.reveal())


@pytest.mark.parametrize("name", sorted(UNPAIRED_WILL_DO))
async def test_what_needs_none_is_answered_without_a_phone(unpaired: Line, name: str) -> None:
    await unpaired.perform(sample(name))


@pytest.mark.parametrize("name", SUPPORTED)
async def test_a_wrong_token_is_told_apart_from_a_missing_phone(line: Line, name: str) -> None:
    wrong = Credentials(line.credentials.account, Secret("f" * 32), line.credentials.base_url)
    with pytest.raises(CredentialRefused):
        await line.wing.perform(wrong, sample(name))


@pytest.mark.parametrize("odd", ["../../settings", "..", "", "a/b", "a?b", "a b", "é", "%2e%2e"])
async def test_odd_ids_lead_nowhere_else(line: Line, odd: str) -> None:
    wanted: list[asks.Ask[None]] = [
        asks.DeleteMessage("79990003344@c.us", odd),
        asks.LeaveGroup(odd),
        asks.Archive(odd),
        asks.DeleteContact(odd),
    ]
    for ask in wanted:
        with pytest.raises(Refused):
            await line.perform(ask)
    seen = await line.upstream.sim("journal?provider=whapi&kind=effect")
    assert not {"resetChannelSettings", "deleteMessage", "leaveGroup"} & {each["method"] for each in seen["entries"]}
