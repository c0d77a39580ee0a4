"""From trial to live: the channel restarts, and what is sent meanwhile waits, in order, and is handed over once."""

import asyncio
import time
from datetime import timedelta

import httpx2
from sqlalchemy import select, update

from app.funding.extending import ref_of
from app.funding.models import PrepaidAccount
from app.jobs import FundGateway
from app.kit.db import SYSTEM
from app.kit.work import Work
from app.plans import service as plans
from tests.routes.prepaid.conftest import ANN, Shop
from workers.main import HANDLERS
from workers.task import do_work

AWAY_SECONDS = 2.0


async def go_live(shop: Shop) -> None:
    """The customer pays, and a worker has its round."""
    runtime, ref = shop.runtime, ref_of("whapi", "live")
    async with runtime.database.begin(SYSTEM) as uow:
        await plans.go_live(uow, shop.tenant.tenant_id, shop.instance.id, days=30, source="test", note=None)
        uow.defer(FundGateway(ref=ref))
    async with runtime.database.begin(SYSTEM) as uow:
        work_id = (await uow.session.scalars(select(Work.id).where(Work.ref == ref))).one()
    assert await do_work(runtime, HANDLERS, work_id)


async def say(shop: Shop, number: int) -> httpx2.Response:
    """The even ones by the drop-in face, the odd ones by the typed one."""
    if number % 2:
        return await shop.call("POST", "messages", json={"to": ANN, "type": "text", "text": {"body": f"m{number}"}})
    return await shop.line.call("POST", "sendMessage", json={"chatId": ANN, "message": f"m{number}"})


async def test_sends_during_the_restart_wait_and_go_in_order_each_once(shop: Shop) -> None:
    await shop.upstream.control("POST", "config", {"whapi": {"mode_change_seconds": AWAY_SECONDS}})
    for number in (8, 9):  # the first of each face takes long to be let in
        assert (await say(shop, number)).status_code < 300
    await go_live(shop)
    async with shop.runtime.database.begin(SYSTEM) as uow:
        account = (await uow.session.scalars(select(PrepaidAccount))).one()
        assert account.live_at is not None
        assert account.busy_until is not None
        assert timedelta(seconds=20) < account.busy_until - uow.now <= timedelta(seconds=30)
        soon = uow.now + timedelta(seconds=AWAY_SECONDS + 0.3)  # the thirty seconds of the real one are long for a test
        await uow.session.execute(update(PrepaidAccount).values(busy_until=soon))
    assert (await shop.now()).connection == "connected"
    began, sends = time.monotonic(), []
    for number in range(6):
        sends.append(asyncio.ensure_future(say(shop, number)))
        await asyncio.sleep(0.2)
    answers = await asyncio.gather(*sends)
    assert [answer.status_code for answer in answers] == [200, 202] * 3, [answer.text for answer in answers]
    assert time.monotonic() - began >= AWAY_SECONDS
    told = await shop.upstream.control("GET", "journal?provider=whapi&method=sendMessageText&kind=call")
    came = [entry["request"]["body"] for entry in told["entries"]]
    assert came == ["m8", "m9", *(f"m{number}" for number in range(6))]
