"""One channel: how it gets ready, its settings, its phone."""

import asyncio
import base64

import pytest

from app.kit.crypto import Secret
from app.providers.asks import ListQueue, Text
from app.providers.asks.queue import Send
from app.providers.errors import (
    CredentialRefused,
    NotLinked,
    NotReady,
    NotThere,
    QuotaReached,
    Refused,
    TryLater,
    Unsupported,
)
from app.providers.port import AccountWish, AlreadyLinked, Credentials, Link, PhoneCode, QrImage
from app.providers.whapi.adapter import WhapiCloud
from tests.providers.conftest import answering, raw_server, reply, until
from tests.providers.whapi.conftest import ANN, OWN, Upstream
from tests.providers.whapi.hooks import WISH, account, act, called, linked, truth, whapi

HELLO = Send(ANN, Text("hello"))


async def test_a_young_channel_is_woken_once_and_then_only_looked_at(wing: WhapiCloud, upstream: Upstream) -> None:
    await upstream.knobs(init_seconds=10, launch_seconds=5)
    credentials = called(await wing.create(WISH))
    seen = []
    for seconds in (0.0, 10.0, 5.0):
        await upstream.advance(seconds)
        seen.append(await wing.link(credentials))
        seen.append(await wing.link(credentials))
    assert seen == [Link.NOT_READY, *[Link.STARTING] * 3, *[Link.UNPAIRED] * 2]
    assert len(await upstream.calls("checkHealth")) == 7


async def test_asking_for_a_code_is_not_ready_while_the_channel_starts(wing: WhapiCloud, upstream: Upstream) -> None:
    await upstream.knobs(init_seconds=10)
    credentials = called(await wing.create(WISH))
    with pytest.raises(NotReady):
        await wing.qr(credentials)
    with pytest.raises(NotReady):
        await wing.phone_code(credentials, OWN)
    with pytest.raises(NotReady):
        await wing.send(credentials, HELLO)


@pytest.mark.parametrize("as_address", [True, False])
async def test_pairing_by_picture(wing: WhapiCloud, upstream: Upstream, as_address: bool) -> None:
    await upstream.knobs(qr_data_uri=as_address)
    credentials = await account(wing)
    assert (await wing.profile(credentials)).phone is None
    picture = await wing.qr(credentials)
    assert isinstance(picture, QrImage)
    assert base64.b64decode(picture.png_base64, validate=True).startswith(b"\x89PNG")
    assert 0 < picture.valid_seconds <= 20
    await act(upstream, credentials, "scan", phone=OWN, name="Shop")
    assert isinstance(await wing.qr(credentials), AlreadyLinked)
    profile = await wing.profile(credentials)
    assert (profile.phone, profile.name) == (OWN, "Shop")
    await wing.logout(credentials)
    await wing.logout(credentials)
    await upstream.advance(1)
    assert await wing.link(credentials) is Link.UNPAIRED


@pytest.mark.parametrize("form", ["3+3", "4+4", "8"])
async def test_pairing_by_code(wing: WhapiCloud, upstream: Upstream, form: str) -> None:
    await upstream.knobs(code_form=form)
    credentials = await account(wing)
    code = await wing.phone_code(credentials, OWN)
    assert isinstance(code, PhoneCode)
    assert code.value.isalnum()
    await act(upstream, credentials, "enter_code", code=code.value)
    assert await wing.link(credentials) is Link.CONNECTED
    with pytest.raises(Refused):
        await wing.phone_code(credentials, OWN)
    for phone in ("+7 999", "123", "../health", ""):
        with pytest.raises(Refused):
            await wing.phone_code(credentials, phone)


async def test_a_code_that_has_run_out_is_not_ready(wing: WhapiCloud, upstream: Upstream) -> None:
    await upstream.knobs(qr_codes=1)
    credentials = await account(wing)
    await upstream.advance(60)
    with pytest.raises(NotReady):
        await wing.qr(credentials)


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("break", Link.DISCONNECTED),
        ("block", Link.BLOCKED),
        ("sync_error", Link.CONNECTED),
        ("unlink", Link.UNPAIRED),
    ],
)
async def test_links_after_what_happens_to_a_channel(
    wing: WhapiCloud, upstream: Upstream, name: str, link: Link
) -> None:
    credentials = await linked(wing, upstream)
    assert await wing.link(credentials) is Link.CONNECTED
    await act(upstream, credentials, name)
    await upstream.advance(1)
    assert await wing.link(credentials) is link


async def test_a_channel_without_days_is_down_and_refuses_as_unlinked(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    await upstream.advance(7 * 86400)
    assert await wing.link(credentials) is Link.DISCONNECTED
    with pytest.raises(NotLinked):
        await wing.send(credentials, HELLO)
    await wing.fund(credentials.account, 1, "order")
    await upstream.advance(1)
    assert await wing.link(credentials) is Link.CONNECTED


async def test_a_wrong_token_is_told_from_a_missing_phone(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await account(wing)
    wrong = Credentials(credentials.account, Secret("w" * 32), credentials.base_url)
    with pytest.raises(NotLinked):
        await wing.send(credentials, HELLO)
    with pytest.raises(CredentialRefused):
        await wing.send(wrong, HELLO)
    with pytest.raises(CredentialRefused):
        await wing.link(wrong)
    await upstream.knobs(flat_401=True)
    with pytest.raises(NotLinked):
        await wing.send(credentials, HELLO)


async def test_a_channel_that_was_away_for_a_moment_may_be_tried_later() -> None:
    """401 to the send, and health says that the phone is linked."""
    answers = iter([reply(b'{"error":"no"}', 401), reply(b'{"status":{"text":"AUTH"}}')])
    async with raw_server(answering(b"")) as server:

        async def play(reader: object, writer: object) -> None:
            while True:
                await server.request(reader)  # type: ignore[arg-type]
                writer.write(next(answers))  # type: ignore[attr-defined]

        server.play = play
        wing = whapi("http://127.0.0.1:1")
        with pytest.raises(TryLater):
            await wing.send(Credentials("RAVENX-7Q2LM", Secret("t"), server.url), HELLO)
        await wing.close()
        assert b"wakeup=false" in server.requests[1]


@pytest.mark.parametrize("status", [401, 404])
async def test_the_token_of_a_deleted_channel(wing: WhapiCloud, upstream: Upstream, status: int) -> None:
    await upstream.knobs(dead_token_status=status)
    credentials = await account(wing)
    await wing.delete(credentials.account)
    error = NotThere if status == 404 else CredentialRefused
    with pytest.raises(error):
        await wing.link(credentials)
    with pytest.raises(error):
        await wing.send(credentials, HELLO)


async def test_the_limits_of_a_trial_are_told_apart(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    for flat in (True, False):
        await upstream.knobs(messages_a_day=0, flat_402=flat)
        with pytest.raises(QuotaReached):
            await wing.send(credentials, HELLO)


async def test_settings_that_drifted_are_seen_and_set_again(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await account(wing)
    assert await wing.configured(credentials, WISH)
    moved = AccountWish(WISH.tag, "https://elsewhere.example.org/in/1", WISH.hook_token)
    renewed = AccountWish(WISH.tag, WISH.hook_url, Secret("another"))
    for wish in (moved, renewed):
        assert not await wing.configured(credentials, wish)
        await wing.configure(credentials, wish)
        assert await wing.configured(credentials, wish)
    (hook,) = (await truth(upstream, credentials.account))["settings"]["webhooks"]
    assert hook["headers"] == {"Authorization": "Bearer another"}


@pytest.mark.parametrize(
    "change",
    [
        {"callback_persist": False},
        {"webhooks": []},
        {"media": {"auto_download": ["image"]}},
        {"webhooks": [{"url": "https://hooks.example.org/in/1", "events": [{"type": "messages", "method": "post"}]}]},
    ],
    ids=["persist", "no_webhook", "files", "events"],
)
async def test_any_drift_of_settings_is_seen(wing: WhapiCloud, upstream: Upstream, change: dict[str, object]) -> None:
    credentials = await account(wing)
    token = credentials.token.reveal()
    headers = {"Authorization": f"Bearer {token}"}
    async with upstream.session.patch(f"{credentials.base_url}/settings", json=change, headers=headers) as response:
        assert response.status == 200
    assert not await wing.configured(credentials, WISH)


FOREIGN = {"url": "https://panel.example.net/all", "mode": "path", "headers": {"X-Own": "1"}}


async def change(upstream: Upstream, credentials: Credentials, **settings: object) -> None:
    """Somebody else who knows the channel's token changes its settings."""
    headers = {"Authorization": f"Bearer {credentials.token.reveal()}"}
    async with upstream.session.patch(f"{credentials.base_url}/settings", json=settings, headers=headers) as response:
        assert response.status == 200


async def webhooks(upstream: Upstream, credentials: Credentials) -> list[str]:
    found = (await truth(upstream, credentials.account))["settings"]["webhooks"]
    assert all(hook == FOREIGN for hook in found if hook["url"] == FOREIGN["url"])
    return [hook["url"] for hook in found]


async def test_a_webhook_that_somebody_else_has_set_stays_beside_ours(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await account(wing)
    await change(upstream, credentials, webhooks=[FOREIGN])
    assert not await wing.configured(credentials, WISH)
    for _ in range(2):
        await wing.configure(credentials, WISH)
        assert await wing.configured(credentials, WISH)
        assert await webhooks(upstream, credentials) == [FOREIGN["url"], WISH.hook_url]


async def test_a_webhook_that_is_set_while_ours_is_being_set_stays(wing: WhapiCloud, upstream: Upstream) -> None:
    """It comes between our reading of the list and our change of it."""
    credentials = await account(wing)
    await upstream.fault("getChannelSettings", "slow_answer", times=1, delay_seconds=5)
    configuring = asyncio.create_task(wing.configure(credentials, WISH))

    async def is_read() -> bool:
        return bool(await upstream.calls("getChannelSettings"))

    await until(is_read)
    await change(upstream, credentials, webhooks=[FOREIGN])
    await upstream.advance(6)
    await configuring
    assert sorted(await webhooks(upstream, credentials)) == sorted([str(FOREIGN["url"]), WISH.hook_url])
    assert await wing.configured(credentials, WISH)


async def test_callbacks_that_were_not_kept_are_kept_after_a_configuration(
    wing: WhapiCloud, upstream: Upstream
) -> None:
    """Keeping takes effect at a launch, so the channel is restarted."""
    await upstream.fault("updateChannelSettings", "lose_request", times=1)
    credentials = await account(wing)
    assert not (await truth(upstream, credentials.account))["persists"]
    await wing.configure(credentials, WISH)
    assert (await truth(upstream, credentials.account))["persists"]
    await wing.configure(credentials, WISH)
    assert len(await upstream.calls("restartChannel")) == 1


async def test_a_reboot_restarts_and_is_not_ready_between_two_modes(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await account(wing)
    await upstream.knobs(init_seconds=5)
    await wing.reboot(credentials)
    assert await wing.link(credentials) is Link.STARTING
    await upstream.advance(10)
    await wing.go_live(credentials.account)
    with pytest.raises(NotReady):
        await wing.reboot(credentials)
    await upstream.advance(wing.traits.restart_seconds + 1)
    await wing.reboot(credentials)


async def test_what_it_has_not_is_said_and_nothing_is_called(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await account(wing)
    before = len((await upstream.sim("journal?kind=call"))["entries"])
    await wing.clear_queues(credentials)
    assert await wing.waiting(credentials) == []
    with pytest.raises(Unsupported):
        await wing.perform(credentials, ListQueue())
    with pytest.raises(Unsupported):
        async for _ in wing.scan(credentials):
            pass
    assert len((await upstream.sim("journal?kind=call"))["entries"]) == before
    assert "showMessagesQueue" in wing.traits.unsupported
    assert not any((wing.traits.has_queue, wing.traits.has_pull, wing.traits.has_scan_socket))
    assert wing.traits.is_prepaid


async def test_hosts_name_manager_gates_and_whapis_own(wing: WhapiCloud, upstream: Upstream) -> None:
    credentials = await account(wing)
    hosts = wing.hosts()
    assert hosts[0] == upstream.manager_url.removeprefix("http://")
    assert credentials.base_url.removeprefix("http://") in hosts
    assert "whapi.cloud" in hosts
