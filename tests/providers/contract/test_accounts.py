"""Accounts: made, listed, paid for, set up, linked, deleted."""

import base64
from datetime import timedelta

import pytest

from app.kit.crypto import Secret
from app.providers.errors import CredentialRefused, NotReady, NotThere, PoolEmpty, Refused, Unsupported
from app.providers.port import AccountWish, AlreadyLinked, Credentials, Link, QrImage
from tests.providers.conftest import text
from tests.providers.contract.conftest import having
from tests.providers.contract.stage import OWN, WISH, Stage

prepaid = having(lambda traits: traits.is_prepaid)
by_existence = having(lambda traits: not traits.is_prepaid)
MOVED = AccountWish(WISH.tag, "https://hooks.example.org/in/2", Secret("another"))


async def test_a_creation_is_one_call_that_carries_tag_and_hook(stage: Stage) -> None:
    made = await stage.wing.create(WISH)
    credentials = Credentials(made.account, made.token, made.base_url)
    assert await stage.count("create") == 1
    assert await stage.living() == [made.account]
    await stage.comes_to(credentials, Link.UNPAIRED)
    assert await stage.wing.configured(credentials, WISH)
    assert (made.funded_until is not None) is stage.traits.is_prepaid


async def test_what_was_created_can_be_adopted_by_its_tag(stage: Stage) -> None:
    other = AccountWish("slt1-test-two", WISH.hook_url, WISH.hook_token)
    made = [await stage.wing.create(wish) for wish in (WISH, other, WISH)]
    rows = [row for row in await stage.wing.listing() if row.tag == WISH.tag]
    assert {row.account for row in rows} == {made[0].account, made[2].account}
    row = next(row for row in rows if row.account == made[2].account)
    assert (row.token, row.base_url, row.funded_until) == (made[2].token, made[2].base_url, made[2].funded_until)
    assert row.created_at is not None
    assert row.created_at.utcoffset() == timedelta()
    assert await stage.wing.one(row.account) == row
    await stage.comes_to(Credentials(row.account, row.token, row.base_url), Link.UNPAIRED)


async def test_deleting_is_for_good_and_twice_is_as_once(stage: Stage) -> None:
    dead, alive = await stage.account(), await stage.account()
    for account in (dead.account, dead.account, "4242"):
        await stage.wing.delete(account)
    assert await stage.living() == [alive.account]
    assert [row.account for row in await stage.wing.listing()] == [alive.account]
    assert await stage.wing.one(dead.account) is None
    assert await stage.wing.one("4242") is None
    for call in (stage.wing.link(dead), stage.wing.send(dead, text("hello")), stage.wing.profile(dead)):
        with pytest.raises(NotThere) as caught:
            await call
        stage.silent(caught.value, dead)


async def test_an_account_that_the_gateway_lost_is_not_there(stage: Stage) -> None:
    lost = await stage.linked()
    await stage.act(lost, "vanish")
    assert await stage.wing.one(lost.account) is None
    with pytest.raises(NotThere):
        await stage.wing.link(lost)
    await stage.wing.delete(lost.account)


async def test_a_wrong_partner_token_is_told_apart_and_shown_nowhere(stage: Stage) -> None:
    wing = stage.opened(token="canary.wrong")
    for call in (wing.create(WISH), wing.listing(), wing.one("4242"), wing.delete("4242")):
        with pytest.raises(CredentialRefused) as caught:
            await call
        stage.silent(caught.value)
        assert "canary" not in repr(caught.value)
    await wing.close()
    assert await stage.living() == []


async def test_a_wrong_token_of_an_account_sends_nothing(stage: Stage) -> None:
    credentials = await stage.linked()
    wrong = Credentials(credentials.account, Secret("f" * 32), credentials.base_url)
    with pytest.raises(Refused) as caught:
        await stage.wing.send(wrong, text("hello"))
    stage.silent(caught.value, wrong)
    assert await stage.sent(credentials) == []


@by_existence
async def test_what_charges_by_existence_has_no_days_to_move(stage: Stage) -> None:
    credentials = await stage.account()
    before = await stage.count()
    with pytest.raises(Unsupported):
        await stage.wing.fund(credentials.account, 1, "order")
    await stage.wing.go_live(credentials.account)
    assert await stage.wing.balance() is None
    assert await stage.count() == before


@prepaid
async def test_days_move_from_the_pool_to_the_account(stage: Stage) -> None:
    await stage.fill(10)
    made = await stage.wing.create(WISH)
    await stage.wing.fund(made.account, 4, "order 1042")
    await stage.wing.fund(made.account, 1, "order 1043")
    found, held = await stage.wing.one(made.account), await stage.wing.balance()
    assert found is not None
    assert found.funded_until is not None
    assert made.funded_until is not None
    assert found.funded_until - made.funded_until == timedelta(days=5)
    assert held is not None
    assert held.days == 5
    with pytest.raises(PoolEmpty):
        await stage.wing.fund(made.account, 6, "order 1044")
    with pytest.raises(NotThere):
        await stage.wing.fund("NOSUCH-00000", 1, "order 1045")
    assert await stage.wing.balance() == held
    assert await stage.wing.one(made.account) == found


@prepaid
async def test_going_live_twice_is_as_once(stage: Stage) -> None:
    credentials = await stage.account()
    await stage.wing.go_live(credentials.account)
    await stage.wing.go_live(credentials.account)
    assert await stage.count("go_live") == 1
    with pytest.raises(NotThere):
        await stage.wing.go_live("NOSUCH-00000")
    await stage.advance(stage.traits.restart_seconds + 1)
    await stage.comes_to(credentials, Link.UNPAIRED)


@prepaid
async def test_an_account_ends_by_itself_and_a_deletion_gives_days_back(stage: Stage) -> None:
    await stage.fill(10)
    short, long = await stage.linked(), await stage.linked()
    await stage.wing.fund(long.account, 5, "order")
    row = await stage.wing.one(short.account)
    assert row is not None
    assert row.funded_until is not None
    assert row.created_at is not None
    await stage.advance((row.funded_until - row.created_at).total_seconds() + 60)
    assert await stage.wing.link(short) is Link.DISCONNECTED
    assert await stage.wing.link(long) is Link.CONNECTED
    await stage.wing.delete(long.account)
    held = await stage.wing.balance()
    assert held is not None
    assert (held.days > 5) is stage.traits.reclaims


async def test_a_young_account_is_not_ready_then_starts_then_waits_for_a_phone(stage: Stage) -> None:
    await stage.slow_start()
    made = await stage.wing.create(WISH)
    credentials = Credentials(made.account, made.token, made.base_url)
    with pytest.raises(NotReady):
        await stage.wing.send(credentials, text("hello"))
    seen: list[Link] = []
    for _ in range(8):
        seen.append(await stage.wing.link(credentials))
        await stage.advance(10)
    assert list(dict.fromkeys(seen)) == [Link.NOT_READY, Link.STARTING, Link.UNPAIRED]
    assert await stage.sent(credentials) == []


@pytest.mark.parametrize(("what", "link"), [("block", Link.BLOCKED), ("unlink", Link.UNPAIRED)])
async def test_links_after_what_befalls_an_account(stage: Stage, what: str, link: Link) -> None:
    credentials = await stage.linked()
    assert await stage.wing.link(credentials) is Link.CONNECTED
    await stage.act(credentials, what)
    await stage.comes_to(credentials, link)


async def test_pairing_by_picture_and_parting_twice(stage: Stage) -> None:
    credentials = await stage.account()
    nobody = await stage.wing.profile(credentials)
    assert (nobody.phone, nobody.name) == (None, None)
    picture = await stage.wing.qr(credentials)
    assert isinstance(picture, QrImage)
    assert base64.b64decode(picture.png_base64, validate=True).startswith(b"\x89PNG")
    assert 0 < picture.valid_seconds <= 60
    await stage.scan(credentials)
    assert isinstance(await stage.wing.qr(credentials), AlreadyLinked)
    assert (await stage.wing.profile(credentials)).phone == OWN
    await stage.wing.logout(credentials)
    await stage.comes_to(credentials, Link.UNPAIRED)


async def test_pairing_by_code(stage: Stage) -> None:
    credentials = await stage.account()
    before = await stage.count()
    for phone in ("+7 999", "../health", ""):
        with pytest.raises(Refused):
            await stage.wing.phone_code(credentials, phone)
    assert await stage.count() == before
    code = await stage.wing.phone_code(credentials, OWN)
    assert code.value.isalnum()
    await stage.enter(credentials, code.value)
    assert await stage.wing.link(credentials) is Link.CONNECTED
    assert (await stage.wing.profile(credentials)).phone == OWN
    with pytest.raises(Refused):
        await stage.wing.phone_code(credentials, OWN)


async def test_settings_that_drifted_are_seen_and_set_again(stage: Stage) -> None:
    credentials = await stage.account()
    assert await stage.wing.configured(credentials, WISH)
    assert not await stage.wing.configured(credentials, MOVED)
    await stage.wing.configure(credentials, MOVED)
    await stage.comes_to(credentials, Link.UNPAIRED)
    assert await stage.wing.configured(credentials, MOVED)


async def test_a_reboot_keeps_the_phone(stage: Stage) -> None:
    credentials = await stage.linked()
    await stage.wing.reboot(credentials)
    assert await stage.wing.link(credentials) is not Link.UNPAIRED
    await stage.comes_to(credentials, Link.CONNECTED)
