"""Whose instance was moved is told at once where to link the phone again: by an event, and by mail."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app.events.models import Event
from app.instances import moving, service
from app.instances.models import Instance
from app.jobs import MailPairingLink
from app.kit.db import SYSTEM
from app.kit.work import Work
from app.runtime import open_runtime
from dev import database as databases
from dev.mailbox import Letter, Mailbox
from simulator.main import Running
from tests.conftest import FAST_UPSTREAM, PARTNER_LIVE, KeptBell, Upstream, draining, free_socket, serving, settings_for
from tests.factories import make_tenant, make_user
from tests.witness import watching
from tests.workers.conftest import FAST_WHAPI
from tests.workers.funds import POOL_DAYS, WHAPI_TOKEN, Funds
from tests.workers.wishes import reached

OWNER = "Owner.of+shop@example.com"


@dataclass
class Moving:
    """Both gateways, a door, a mail server, and an instance with an owner."""

    funds: Funds
    mailbox: Mailbox
    instance: Instance

    async def move(self) -> None:
        """Move the instance and work until its new account is ready."""
        runtime = self.funds.runtime
        async with runtime.database.begin(SYSTEM) as uow:
            row = await service.find(uow, self.instance.id)
            await moving.move(uow, runtime.registry, runtime.instance_options, row, to=None, key=None)
        await draining(runtime)(until=reached(runtime, self.instance))

    async def told(self) -> Event:
        """The event that tells the link."""
        async with self.funds.runtime.database.begin(SYSTEM) as uow:
            return (await uow.session.scalars(select(Event).where(Event.type == "instance.pairing_required"))).one()

    async def waiting(self) -> list[Work]:
        """Mail that was not sent yet."""
        async with self.funds.runtime.database.begin(SYSTEM) as uow:
            return list(await uow.session.scalars(select(Work).where(Work.kind == MailPairingLink.kind)))

    async def letter(self, to: str = OWNER) -> Letter:
        """The letter, once it has come."""

        async def has_come() -> bool:
            return bool(self.mailbox.to(to))

        await draining(self.funds.runtime)(until=has_come)
        return self.mailbox.to(to)[0]


Begin = Callable[..., Awaitable[Moving]]


@pytest.fixture
async def begin(
    dsns: databases.Dsns,
    redis_url: str,
    both_simulators: Running,
    clean: None,
    http: httpx2.AsyncClient,
) -> AsyncIterator[Begin]:
    """Makes the world, with an instance whose owners have these addresses."""
    upstream = Upstream(both_simulators.url, http)
    await upstream.control("POST", "reset")
    await upstream.control("POST", "config", {**FAST_UPSTREAM, "whapi": FAST_WHAPI})
    await upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": POOL_DAYS})
    listening, mailbox = free_socket(), Mailbox()
    await mailbox.start()
    settings = settings_for(
        dsns,
        redis_url,
        both_simulators.url,
        mailbox.smtp_url,
        whapi_url=both_simulators.whapi_manager_url,
        whapi_partner_token=WHAPI_TOKEN,
        green_api_partner_token=PARTNER_LIVE,
        green_api_test_partner_token="",
        quiet_seconds=60.0,
        ready_poll_seconds=0.01,
        public_url=f"http://127.0.0.1:{listening.getsockname()[1]}",
    )
    async with open_runtime(settings, bell=KeptBell()) as runtime, serving(runtime, listening):
        funds = Funds(runtime, upstream)

        async def make(*owners: str, provider: str = "green_api", name: str = "Support") -> Moving:
            tenant = await make_tenant(runtime)
            for owner in owners:
                await make_user(runtime, tenant, email=owner)
            instance = await funds.instance(days=10, provider=provider, name=name, tenant=tenant)
            return Moving(funds, mailbox, instance)

        yield make
    await mailbox.stop()


def address_in(letter: Letter) -> str:
    """The link that a letter holds."""
    found = re.search(r"http://\S+/pair/\S+", letter.text)
    assert found is not None, letter.text
    return found.group()


@pytest.mark.parametrize("provider", ["green_api", "whapi"])
async def test_event_and_mail_hold_a_link_that_opens_seconds_after_the_account_is_ready(
    begin: Begin, http: httpx2.AsyncClient, provider: str
) -> None:
    world = await begin(OWNER, provider=provider, name="Flowers & <Sons>")
    async with watching() as witness:
        witness.hide("address", OWNER)
        await world.move()
        letter = await world.letter()
        witness.hide("token", address_in(letter).rpartition("/")[2])
        assert witness.in_logs() == set()
    event = await world.told()
    address: Any = event.data["pairing_url"]
    ready_at = (await reread(world)).ready_at
    assert ready_at is not None
    assert event.created_at - ready_at < timedelta(seconds=1)
    async with world.funds.runtime.database.begin(SYSTEM) as uow:
        assert uow.now - ready_at < timedelta(seconds=30)
    assert "“Flowers & <Sons>”" in letter.text
    assert letter.to == [OWNER]
    for link in (address, address_in(letter)):
        page = await http.get(link)
        assert page.status_code == 200, page.text
        assert 'src="data:image/png;base64,' in page.text
    assert not await world.waiting()
    assert len(world.mailbox.to(OWNER)) == 1
    world.funds.runtime.database.shift += timedelta(hours=24)
    assert [(await http.get(link)).status_code for link in (address, address_in(letter))] == [410, 410]


async def reread(world: Moving) -> Instance:
    """The instance as it is now."""
    async with world.funds.runtime.database.begin(SYSTEM) as uow:
        return await service.find(uow, world.instance.id)


async def test_the_owner_of_a_suspended_instance_is_told_when_it_is_resumed(begin: Begin) -> None:
    world = await begin(OWNER)
    runtime, instance = world.funds.runtime, world.instance
    async with runtime.database.begin(SYSTEM) as uow:
        await service.suspend(uow, await service.find(uow, instance.id), by="operator")
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, instance.id)
        await moving.move(uow, runtime.registry, runtime.instance_options, row, to=None, key=None)
    await draining(runtime)(until=reached(runtime, instance, status="suspended"))

    async def was_put_off() -> bool:
        async with runtime.database.begin(SYSTEM) as uow:
            return [row.run_at > uow.now + timedelta(seconds=30) for row in await world.waiting()] == [True]

    await draining(runtime)(until=was_put_off)
    assert not world.mailbox.letters
    async with runtime.database.begin(SYSTEM) as uow:
        await service.resume(uow, await service.find(uow, instance.id), by="operator")
    runtime.database.shift += timedelta(minutes=2)
    assert "/pair/" in (await world.letter()).text


async def test_every_owner_is_told_in_a_letter_of_its_own(begin: Begin) -> None:
    world = await begin("one@example.com", "two@example.com")
    await world.move()
    letters = [await world.letter("one@example.com"), await world.letter("two@example.com")]
    assert [letter.to for letter in letters] == [["one@example.com"], ["two@example.com"]]
    assert len(world.mailbox.letters) == 2


async def test_a_mail_server_that_was_away_is_asked_again(begin: Begin) -> None:
    world = await begin(OWNER)
    port = int(world.mailbox.smtp_url.rpartition(":")[2])
    await world.mailbox.stop()
    await world.move()

    async def has_failed() -> bool:
        return bool([row for row in await world.waiting() if row.last_error])

    await draining(world.funds.runtime)(until=has_failed)
    (row,) = await world.waiting()
    assert OWNER not in str(row.last_error)
    assert not world.mailbox.to(OWNER)
    await world.mailbox.start(smtp_port=port)
    world.funds.runtime.database.shift += timedelta(seconds=10)
    assert "/pair/" in (await world.letter()).text


async def test_nobody_is_told_of_a_phone_that_is_linked_by_now_or_of_a_move_of_yesterday(begin: Begin) -> None:
    world = await begin(OWNER)
    await world.move()
    await world.letter()
    world.mailbox.letters.clear()
    runtime = world.funds.runtime

    async def again() -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            uow.defer(MailPairingLink(ref=world.instance.id, tenant_id=world.instance.tenant_id))

        async def is_done() -> bool:
            return not await world.waiting()

        await draining(runtime)(until=is_done)

    async with runtime.database.begin(SYSTEM) as uow:
        (await service.find(uow, world.instance.id)).connection = "connected"
    await again()
    async with runtime.database.begin(SYSTEM) as uow:
        row = await service.find(uow, world.instance.id)
        row.connection, row.ready_at = "unpaired", uow.now - timedelta(hours=24)
    await again()
    assert not world.mailbox.letters
