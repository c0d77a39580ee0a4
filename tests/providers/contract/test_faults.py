"""How each misfortune ends: surely not done, or unknown; whatever was asked went out once at most."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from app.providers.errors import Outcome, OutcomeUnknown, ProviderError, Refused, TooFast, Unreachable
from app.providers.port import Credentials, Provider, Sent
from tests.providers.conftest import Play, RawServer, answering, raw_server, reply, reset, text
from tests.providers.contract.conftest import having
from tests.providers.contract.stage import BOB, OWN, WISH, Stage
from tests.providers.samples import JPEG, upload

Act = Callable[[Provider, Credentials], Awaitable[Any]]
Fault = tuple[str, dict[str, object], type[ProviderError], bool]

# Kind of fault, more about it, how it ends, whether the upstream truly did what was asked.
FAULTS: Final[list[Fault]] = [
    ("lose_request", {}, OutcomeUnknown, False),
    ("lose_answer", {}, OutcomeUnknown, True),
    ("late", {"delay_seconds": 0.7}, OutcomeUnknown, False),
    ("slow_answer", {"delay_seconds": 0.8}, OutcomeUnknown, True),
    ("half_body", {}, OutcomeUnknown, True),
    ("garbage", {}, OutcomeUnknown, True),
    ("done_then_status", {"status": 502, "body": "<html>bad gateway</html>"}, OutcomeUnknown, True),
    ("status", {"status": 500}, OutcomeUnknown, False),
    ("status", {"status": 502, "body": "<html>bad gateway</html>"}, OutcomeUnknown, False),
    ("status", {"status": 408}, OutcomeUnknown, False),
    ("status", {"status": 429}, TooFast, False),
    ("status", {"status": 422}, Refused, False),
    ("refuse", {}, Refused, False),
]
LOST: Final = [("lose_request", False), ("lose_answer", True), ("half_body", True)]
prepaid = having(lambda traits: traits.is_prepaid)


def _named(rows: list[Fault]) -> list[str]:
    return [f"{kind}-{more['status']}" if "status" in more else kind for kind, more, *_ in rows]


each_fault = pytest.mark.parametrize(("kind", "more", "error", "done"), FAULTS, ids=_named(FAULTS))


async def _ending(stage: Stage, operation: str, call: Awaitable[Any]) -> ProviderError:
    """How a call ends that reaches the upstream once."""
    before = await stage.count(operation)
    with pytest.raises(ProviderError) as caught:
        await call
    assert await stage.count(operation) == before + 1
    stage.silent(caught.value)
    return caught.value


@each_fault
async def test_a_creation_that_goes_wrong(
    stage: Stage, kind: str, more: dict[str, object], error: type[ProviderError], done: bool
) -> None:
    """One of unknown outcome is found by its tag when it was done."""
    await stage.wing.create(WISH)
    await stage.fault("create", kind, **more)
    ending = await _ending(stage, "create", stage.wing.create(WISH))
    assert isinstance(ending, error)
    assert ending.outcome == error.outcome
    await stage.mend()
    assert len(await stage.living()) == 1 + done
    assert len([row for row in await stage.wing.listing() if row.tag == WISH.tag]) == 1 + done


@each_fault
async def test_a_send_that_goes_wrong(
    stage: Stage, kind: str, more: dict[str, object], error: type[ProviderError], done: bool
) -> None:
    credentials = await stage.linked()
    await stage.fault("send", kind, **more)
    ending = await _ending(stage, "send", stage.wing.send(credentials, text("hello")))
    assert isinstance(ending, error)
    assert ending.outcome == error.outcome
    stage.silent(ending, credentials)
    await stage.mend()
    assert await stage.sent(credentials) == ["hello"] * done


@prepaid
@each_fault
async def test_days_whose_moving_goes_wrong(
    stage: Stage, kind: str, more: dict[str, object], error: type[ProviderError], done: bool
) -> None:
    """Whether they were moved shows in the account's end, and in the pool."""
    await stage.fill(10)
    made = await stage.wing.create(WISH)
    await stage.fault("fund", kind, **more)
    ending = await _ending(stage, "fund", stage.wing.fund(made.account, 3, "order"))
    assert ending.outcome == error.outcome
    await stage.mend()
    found, held = await stage.wing.one(made.account), await stage.wing.balance()
    assert found is not None
    assert held is not None
    assert (found.funded_until != made.funded_until, held.days == 7) == (done, done)


@pytest.mark.parametrize(("kind", "done"), LOST)
async def test_a_deletion_of_unknown_outcome_is_done_by_the_next(stage: Stage, kind: str, done: bool) -> None:
    credentials = await stage.account()
    await stage.fault("delete", kind)
    ending = await _ending(stage, "delete", stage.wing.delete(credentials.account))
    assert type(ending) is OutcomeUnknown
    assert (await stage.living() == []) is done
    await stage.mend()
    await stage.wing.delete(credentials.account)
    assert await stage.living() == []


@pytest.mark.parametrize(("kind", "done"), LOST)
async def test_settings_of_unknown_outcome_are_looked_at(stage: Stage, kind: str, done: bool) -> None:
    credentials = await stage.account()
    moved = type(WISH)(WISH.tag, "https://hooks.example.org/in/2", WISH.hook_token)
    await stage.fault("configure", kind)
    ending = await _ending(stage, "configure", stage.wing.configure(credentials, moved))
    assert type(ending) is OutcomeUnknown
    await stage.mend()
    assert await stage.wing.configured(credentials, moved) is done


@prepaid
@pytest.mark.parametrize(("kind", "done"), LOST)
async def test_going_live_is_safe_to_try_again(stage: Stage, kind: str, done: bool) -> None:
    credentials = await stage.account()
    await stage.fault("go_live", kind)
    ending = await _ending(stage, "go_live", stage.wing.go_live(credentials.account))
    assert type(ending) is OutcomeUnknown
    await stage.mend()
    await stage.wing.go_live(credentials.account)
    assert await stage.count("go_live") == 2 - done


# What may be asked of a wing, and whether an answer without words is no answer to it.
ACTS: Final[dict[str, tuple[Act, bool]]] = {
    "create": (lambda wing, _: wing.create(WISH), True),
    "listing": (lambda wing, _: wing.listing(), True),
    "one": (lambda wing, credentials: wing.one(credentials.account), True),
    "delete": (lambda wing, credentials: wing.delete(credentials.account), False),
    "fund": (lambda wing, credentials: wing.fund(credentials.account, 1, "order"), False),
    "go_live": (lambda wing, credentials: wing.go_live(credentials.account), True),
    "balance": (lambda wing, _: wing.balance(), False),
    "link": (lambda wing, credentials: wing.link(credentials), False),
    "profile": (lambda wing, credentials: wing.profile(credentials), False),
    "configured": (lambda wing, credentials: wing.configured(credentials, WISH), False),
    "configure": (lambda wing, credentials: wing.configure(credentials, WISH), False),
    "qr": (lambda wing, credentials: wing.qr(credentials), True),
    "phone_code": (lambda wing, credentials: wing.phone_code(credentials, OWN), True),
    "logout": (lambda wing, credentials: wing.logout(credentials), False),
    "reboot": (lambda wing, credentials: wing.reboot(credentials), False),
    "send": (lambda wing, credentials: wing.send(credentials, text("hello")), True),
    "upload": (lambda wing, credentials: wing.upload(credentials, upload(JPEG)), True),
    "waiting": (lambda wing, credentials: wing.waiting(credentials), True),
    "sent_since": (lambda wing, credentials: wing.sent_since(credentials, 5), True),
}
OF_PREPAID: Final = {"fund", "go_live", "balance"}
OF_QUEUE: Final = {"waiting"}
HTML: Final = b"<html><h1>502 Bad Gateway</h1></html>"


def _asked(stage: Stage, *, owing: bool = False) -> list[tuple[str, Act]]:
    """What goes upstream there; with `owing`, what owes an answer."""
    left_out = (set() if stage.traits.is_prepaid else OF_PREPAID) | (set() if stage.traits.has_queue else OF_QUEUE)
    return [(name, act) for name, (act, owes) in ACTS.items() if name not in left_out and (owes or not owing)]


def _dying(server: RawServer) -> Play:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.request(reader)
        reset(writer)

    return play


def _silent(server: RawServer) -> Play:
    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await server.request(reader)
        await asyncio.sleep(0.5)

    return play


async def _alone(stage: Stage, script: Callable[[RawServer], Play], act: Act) -> tuple[object, int]:
    """How an act ends at a server of bytes, and how many requests it wrote there."""
    async with raw_server(script) as server:
        wing = stage.opened(url=server.url, seconds=0.1 if script is _silent else 2.0)
        credentials = Credentials(stage.an_account, stage.a_token, server.url)
        ending: object
        try:
            ending = await act(wing, credentials)
        except ProviderError as error:
            stage.silent(error, credentials)
            ending = error
        await wing.close()
        return ending, len(server.requests)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (answering(reply(b"", 429, "Retry-After: 7\r\n")), TooFast),
        (answering(reply(HTML, 502, "Content-Type: text/html\r\n")), OutcomeUnknown),
        (answering(reply(b"", 500)), OutcomeUnknown),
        (_dying, OutcomeUnknown),
        (_silent, OutcomeUnknown),
    ],
    ids=["429", "502", "500", "reset", "silence"],
)
async def test_every_call_concludes_the_same_and_is_written_once(
    stage: Stage, script: Callable[[RawServer], Play], error: type[ProviderError]
) -> None:
    for name, act in _asked(stage):
        ending, written = await _alone(stage, script, act)
        assert type(ending) is error, name
        assert isinstance(ending, ProviderError)
        assert written == 1, name
        assert error is not TooFast or ending.retry_after_seconds == 7, name


@pytest.mark.parametrize("body", [b"", b"null", b"[[]", b"7", b'"ok"', HTML], ids=repr)
async def test_an_answer_that_says_nothing_is_never_taken_for_what_was_owed(stage: Stage, body: bytes) -> None:
    for name, act in _asked(stage, owing=True):
        ending, written = await _alone(stage, answering(reply(body)), act)
        assert isinstance(ending, ProviderError), name
        assert name not in ("create", "send") or (type(ending) is OutcomeUnknown and written == 1), name


async def test_nobody_listening_is_surely_not_done(stage: Stage) -> None:
    wing = stage.opened(url="http://127.0.0.1:1")
    credentials = Credentials(stage.an_account, stage.a_token, "http://127.0.0.1:1")
    for name, act in _asked(stage):
        with pytest.raises(Unreachable) as caught:
            await act(wing, credentials)
        assert caught.value.outcome is Outcome.REFUSED, name
        stage.silent(caught.value, credentials)
    await wing.close()


async def test_after_its_end_a_wing_writes_nothing(stage: Stage) -> None:
    credentials = await stage.linked()
    wing = stage.opened()
    await wing.close()
    before = await stage.count()
    for name, act in _asked(stage):
        with pytest.raises(ProviderError) as caught:
            await act(wing, credentials)
        assert caught.value.outcome is Outcome.REFUSED, name
    assert await stage.count() == before


@pytest.mark.parametrize("operation", ["create", "send"])
async def test_who_gives_up_is_told_so_and_nothing_is_written_again(stage: Stage, operation: str) -> None:
    credentials = await stage.linked()
    before = await stage.count(operation)
    await stage.fault(operation, "slow_answer", delay_seconds=0.5)
    act, _ = ACTS[operation]
    task = asyncio.ensure_future(act(stage.wing, credentials))
    while await stage.count(operation) == before:
        await asyncio.sleep(0.01)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await act(stage.wing, credentials)
    assert await stage.count(operation) <= before + 2


async def test_after_a_fault_the_wing_goes_on(stage: Stage) -> None:
    credentials = await stage.linked()
    await stage.fault("send", "lose_answer", times=1)
    with pytest.raises(OutcomeUnknown):
        await stage.wing.send(credentials, text("one"))
    await stage.wing.send(credentials, text("two"))
    assert await stage.sent(credentials) == ["one", "two"]


STORM: Final = ("lose_request", "lose_answer", "late", "refuse", "status", "done_then_status", "half_body", "garbage")
SENDS: Final = 60


async def test_in_a_storm_of_faults_every_conclusion_is_the_truth(stage: Stage) -> None:
    credentials = await stage.linked()
    rules = [
        {
            "method": stage.named["send"],
            "kind": kind,
            "probability": 0.1,
            "delay_seconds": 0.5,
            "provider": stage.theirs,
        }
        for kind in STORM
    ]
    await stage.sim("faults", {"rules": rules, "seed": 3})

    async def one(number: int) -> Sent | ProviderError:
        try:
            return await stage.wing.send(credentials, text(f"number {number}"))
        except ProviderError as error:
            return error

    endings: list[Sent | ProviderError] = []
    for start in range(0, SENDS, 20):
        endings += await asyncio.gather(*(one(number) for number in range(start, start + 20)))
    await stage.mend()
    await stage.advance(5)
    assert await stage.count("send") == SENDS
    truth = await stage.sent(credentials)
    assert len(truth) == len(set(truth))
    for number, ending in enumerate(endings):
        if isinstance(ending, Sent) or ending.outcome is Outcome.REFUSED:
            assert (f"number {number}" in truth) is isinstance(ending, Sent), ending
    assert {type(ending) for ending in endings} >= {Sent, OutcomeUnknown}
    await stage.advance(200)  # a journal may lag
    found = [seen.likeness for seen in await stage.wing.sent_since(credentials, 60)]
    assert sorted(map(str, found)) == sorted(str(stage.wing.likeness("text", {"text": words})) for words in truth)


async def test_what_is_asked_twice_is_done_twice(stage: Stage) -> None:
    """The wing keeps nothing by which it could take one for the other: who asks must know what he asked before."""
    credentials = await stage.linked()
    first = await stage.wing.send(credentials, text("same"))
    second = await stage.wing.send(credentials, text("same"))
    third = await stage.wing.send(credentials, type(text("same"))(BOB, text("same").content))
    assert len({first.message_id, second.message_id, third.message_id}) == 3
