"""What every wing promises, run against the upstream that is played for it."""

import pytest

from app.kit.crypto import Secret
from app.providers.errors import CredentialRefused, NotReady, NotThere, Refused
from app.providers.green_api.adapter import GreenApi
from app.providers.port import AccountWish, AlreadyLinked, Credentials, Link, PhoneCode, Provider, QrImage
from tests.providers.conftest import CHAT, HOOK_TOKEN, WISH, Upstream, account, linked, text, until


async def test_a_creation_carries_tag_and_settings_in_its_one_call(wing: Provider, upstream: Upstream) -> None:
    made = await wing.create(WISH)
    truth = await upstream.truth(made.account)
    assert truth["name"] == WISH.tag
    assert truth["token"] == made.token.reveal()
    assert truth["settings"]["webhookUrl"] == WISH.hook_url
    assert truth["settings"]["webhookUrlToken"] == HOOK_TOKEN
    assert len(await upstream.calls("createInstance")) == 1
    assert await upstream.calls("setSettings") == []


async def test_the_listing_shows_the_living_with_tag_token_and_time(wing: Provider, upstream: Upstream) -> None:
    dead, alive = await wing.create(WISH), await wing.create(WISH)
    await wing.delete(dead.account)
    (row,) = await wing.listing()
    assert (row.account, row.tag, row.token) == (alive.account, WISH.tag, alive.token)
    assert row.created_at is not None
    assert row.created_at.utcoffset() is not None


async def test_deleting_twice_or_what_never_was_is_no_error(wing: Provider) -> None:
    made = await wing.create(WISH)
    await wing.delete(made.account)
    await wing.delete(made.account)
    await wing.delete("4242")


async def test_a_wrong_partner_credential_is_told_apart(upstream: Upstream) -> None:
    wing = GreenApi(upstream.url, Secret("gac.wrong"))
    for call in (wing.create(WISH), wing.listing(), wing.delete("1")):
        with pytest.raises(CredentialRefused):
            await call
    await wing.close()


async def test_a_young_account_goes_from_not_ready_to_unpaired(wing: Provider, upstream: Upstream) -> None:
    await upstream.sim("config", {"warmup_401_seconds": 10, "warmup_null_seconds": 10, "starting_seconds": 10})
    made = await wing.create(WISH)
    credentials = Credentials(made.account, made.token)
    seen = []
    for _ in range(4):
        seen.append(await wing.link(credentials))
        await upstream.advance(10)
    assert seen == [Link.NOT_READY, Link.NOT_READY, Link.STARTING, Link.UNPAIRED]


async def test_calls_on_a_young_account_are_not_ready(wing: Provider, upstream: Upstream) -> None:
    await upstream.sim("config", {"warmup_401_seconds": 60})
    made = await wing.create(WISH)
    with pytest.raises(NotReady):
        await wing.send(Credentials(made.account, made.token), text("hello"))


@pytest.mark.parametrize(("act", "link"), [("block", Link.BLOCKED), ("yellow_card", Link.CONNECTED)])
async def test_links_after_acts_of_whatsapp(wing: Provider, upstream: Upstream, act: str, link: Link) -> None:
    credentials = await linked(wing, upstream)
    assert await wing.link(credentials) is Link.CONNECTED
    await upstream.phone(credentials, act)
    assert await wing.link(credentials) is link


async def test_pairing_by_picture(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    assert (await wing.profile(credentials)).phone is None
    picture = await wing.qr(credentials)
    assert isinstance(picture, QrImage)
    assert picture.png_base64.startswith("iVBOR")
    await upstream.phone(credentials, "scan", wid="79990001122@c.us")
    assert isinstance(await wing.qr(credentials), AlreadyLinked)
    assert (await wing.profile(credentials)).phone == "79990001122"
    await wing.logout(credentials)
    assert await wing.link(credentials) is Link.UNPAIRED


async def test_pairing_by_code(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    code = await wing.phone_code(credentials, "79990001122")
    assert isinstance(code, PhoneCode)
    await upstream.phone(credentials, "enter_code", code=code.value)
    assert await wing.link(credentials) is Link.CONNECTED
    with pytest.raises(Refused):
        await wing.phone_code(credentials, "79990001122")
    with pytest.raises(Refused):
        await wing.phone_code(credentials, "+7 999")


async def test_settings_that_drifted_are_seen_and_set_again(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    moved = AccountWish(WISH.tag, "https://hooks.example.org/in/2", Secret("another"))
    assert await wing.configured(credentials, WISH)
    assert not await wing.configured(credentials, moved)
    await wing.configure(credentials, moved)
    assert await wing.configured(credentials, moved)


async def test_a_reboot_restarts(wing: Provider) -> None:
    credentials = await account(wing)
    await wing.reboot(credentials)
    assert await wing.link(credentials) is Link.STARTING


async def test_a_text_waits_without_a_phone_and_is_in_the_journal_after(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    sent = await wing.send(credentials, text("grüße 👋"))
    (seen,) = await wing.waiting(credentials)
    assert (seen.message_id, seen.chat_id, seen.likeness, seen.sent_at) == (sent.message_id, CHAT, "grüße 👋", None)
    await upstream.phone(credentials, "scan")

    async def gone() -> bool:
        return not await wing.waiting(credentials)

    await until(gone)
    (seen,) = await wing.sent_since(credentials, 10)
    assert (seen.message_id, seen.likeness) == (sent.message_id, "grüße 👋")
    assert seen.sent_at is not None


async def test_what_the_owner_typed_is_no_trace_of_a_call(wing: Provider, upstream: Upstream) -> None:
    credentials = await linked(wing, upstream)
    await upstream.phone(credentials, "send_from_phone", chat_id=CHAT, text="typed")
    assert await wing.sent_since(credentials, 10) == []


async def test_cleared_queues_send_nothing(wing: Provider, upstream: Upstream) -> None:
    credentials = await account(wing)
    await wing.send(credentials, text("never"))
    await wing.clear_queues(credentials)
    assert await wing.waiting(credentials) == []


async def test_a_deleted_account_is_not_there(wing: Provider) -> None:
    credentials = await account(wing)
    await wing.delete(credentials.account)
    with pytest.raises(NotThere):
        await wing.link(credentials)
    with pytest.raises(NotThere):
        await wing.send(credentials, text("hello"))
