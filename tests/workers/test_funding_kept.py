"""How long the rows of extensions are kept."""

from datetime import timedelta

from app.admin import retention
from app.kit.db import SYSTEM
from tests.workers.funds import Funds


async def test_extensions_that_ended_are_forgotten_after_400_days_and_the_books_stay(funds: Funds) -> None:
    await funds.instance(days=30)
    await funds.work()
    (extension,) = await funds.extensions()
    assert extension.state == "done"
    booked = await funds.booked()
    shift = funds.runtime.database.shift
    for days, left in ((399, 1), (401, 0)):
        funds.runtime.database.shift = shift + timedelta(days=days)
        async with funds.runtime.database.begin(SYSTEM) as uow:
            await retention.clean(uow, 100)
        assert len(await funds.extensions()) == left
    assert await funds.booked() == booked
