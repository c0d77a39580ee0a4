"""The books of a partner account: each movement once, both sides of it, and no customer's days among them."""

from sqlalchemy import text

from app.funding.books import Books
from app.kit.db import SYSTEM
from app.kit.ids import new_id
from app.ledger import service as ledger
from app.runtime import Runtime

MINE = "upstream:whapi:live:"


async def totals(runtime: Runtime) -> dict[str, int]:
    """The balances; those of accounts together."""
    async with runtime.database.begin(SYSTEM) as uow:
        found = await ledger.totals(uow)
    assert sum(found.values()) == 0
    return {name.removeprefix(MINE): days for name, days in found.items()}


async def test_days_go_from_outside_to_what_is_used(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        books = Books(uow, "whapi", "live")
        await books.reading(100, new_id(), "bought")
        await books.gift("A", 6)
        assert await books.extension("A", 7, "one")
        await books.use({"A": 8})
        await books.end("A", 4, 1)
        assert await books.pool() == 97
    assert await totals(runtime) == {
        "outside": -100,
        "granted": -6,
        "pool": 97,
        "used": 8,
        "forfeited": 1,
        "prepaid": 0,
    }


async def test_an_extension_and_an_end_are_booked_once(runtime: Runtime) -> None:
    for booked in (True, False):
        async with runtime.database.begin(SYSTEM) as uow:
            assert await Books(uow, "whapi", "live").extension("A", 7, "one") is booked
            await Books(uow, "whapi", "live").end("A", 2, 5)
    assert await totals(runtime) == {"pool": -5, "prepaid": 0, "forfeited": 5}


async def test_partner_accounts_have_books_of_their_own(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        for place in (("whapi", "live"), ("whapi", "test"), ("other", "live")):
            assert await Books(uow, *place).extension("A", 7, "one")
            assert await Books(uow, *place).pool() == -7


async def test_no_movement_of_them_is_a_tenants(runtime: Runtime) -> None:
    async with runtime.database.begin(SYSTEM) as uow:
        await Books(uow, "whapi", "live").extension("A", 7, "one")
    async with runtime.database.begin(new_id()) as uow:
        assert await uow.session.scalar(text("select count(*) from ledger_transactions")) == 0
