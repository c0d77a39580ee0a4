"""A pool that runs low is told to the operator once, with how long it lasts, and again when it is low again."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from app.jobs import MailPoolAlert
from app.kit.db import SYSTEM
from app.kit.mail import Mailer
from app.kit.work import Work
from dev.mailbox import Mailbox
from tests.workers.funds import WHAPI_TOKEN, Funds


async def _told(funds: Funds, days: int) -> list[tuple[str, Any, Any]]:
    """What is said when the pool holds so many days and its balance is read anew, twice."""
    await funds.upstream.control("POST", "whapi/partners", {"token": WHAPI_TOKEN, "days": days})
    with capture_logs() as lines:
        for _ in range(2):
            await funds.later(seconds=3700)
            await funds.work()
    return [
        (line["event"], line["log_level"], (line["days"], line["days_to_empty"]))
        for line in lines
        if line["event"] == "pool_low"
    ]


async def test_each_crossing_is_told_once_with_days_to_empty(funds: Funds) -> None:
    await funds.instance(days=30)
    await funds.work()  # a step of seven days leaves the pool
    await funds.later(days=3)
    await funds.work()
    assert await _told(funds, 100) == []
    (low,) = await _told(funds, 20)
    assert low[:2] == ("pool_low", "error")
    days, left = low[2]
    assert days == 20
    assert left is not None
    assert left > 0
    assert await _told(funds, 10) == []
    assert (await funds.pool()).low_since is not None
    assert await _told(funds, 200) == []
    assert (await funds.pool()).low_since is None
    assert [line[0] for line in await _told(funds, 20)] == ["pool_low"]


async def test_a_pool_nothing_leaves_is_low_without_a_forecast(funds: Funds) -> None:
    await funds.work()
    (low,) = await _told(funds, 20)
    assert low == ("pool_low", "error", (20, None))


@pytest.fixture
def told_by_mail(funds: Funds, mailbox: Mailbox) -> Funds:
    """The same, where the operator is told by mail too."""
    options = replace(funds.runtime.funding_options, alert_mail="operator@example.com")
    mailer = Mailer(mailbox.smtp_url, "us@example.com")
    return Funds(replace(funds.runtime, funding_options=options, mailer=mailer), funds.upstream)


async def test_the_operator_is_mailed_once_for_each_crossing(told_by_mail: Funds, mailbox: Mailbox) -> None:
    funds = told_by_mail
    before = len(mailbox.to("operator@example.com"))
    await funds.instance(days=30)
    await funds.work()
    await funds.later(days=3)
    assert [days for *_, (days, _) in await _told(funds, 20)] == [20]
    await funds.do(MailPoolAlert.kind)
    (letter,) = mailbox.to("operator@example.com")[before:]
    assert letter.subject == "20 days are left at whapi"
    assert "it is empty in " in letter.text
    await _told(funds, 10)
    async with funds.runtime.database.begin(SYSTEM) as uow:
        waits = await uow.session.scalar(select(Work.run_at <= uow.now).where(Work.kind == MailPoolAlert.kind))
    assert not waits


async def test_a_pool_that_is_filled_before_the_mail_goes_is_no_news(told_by_mail: Funds, mailbox: Mailbox) -> None:
    funds = told_by_mail
    before = len(mailbox.to("operator@example.com"))
    await funds.work()
    await _told(funds, 20)
    await _told(funds, 200)
    await funds.do(MailPoolAlert.kind)
    assert len(mailbox.to("operator@example.com")) == before
