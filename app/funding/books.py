"""The books of a partner account, beside those of the customers, in the same ledger.

Accounts of each partner account, all in whole days, `upstream:<provider>:<environment>:` and then: `pool`, what can
be put on accounts; `prepaid:<account>`, what was put on one and has not begun; `used`, days that have begun;
`forfeited`, what went with an account, or from it; `outside`, where the pool's days come from; `granted`, gifts.
A day that has begun is used, so at any time `prepaid` is what is left, rounded down, and the pool is upstream's own.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from app.kit.clock import billing_day
from app.kit.db import UnitOfWork
from app.kit.ids import new_id
from app.ledger import service as ledger

POOL: Final = "pool"
USED: Final = "used"
FORFEITED: Final = "forfeited"
OUTSIDE: Final = "outside"
GRANTED: Final = "granted"


class Books:
    """Books the movements of one partner account, each once; all need the system's scope."""

    def __init__(self, uow: UnitOfWork, provider: str, environment: str) -> None:
        self._uow = uow
        self._prefix = prefix(provider, environment)

    async def gift(self, account: str, days: int) -> bool:
        """An account was made and came with days; False when they are booked already."""
        return await self._post("gift", account, {self._name(GRANTED): -days, self._prepaid(account): days})

    async def extension(self, account: str, days: int, comment: str) -> bool:
        """Days were moved from the pool to an account; False when they are booked already."""
        moved = {self._name(POOL): -days, self._prepaid(account): days}
        return await self._post("extension", comment, moved, comment)

    async def use(self, days: Mapping[str, int]) -> None:
        """Days of accounts have begun; what makes it happen once is the caller's row."""
        taken = {self._prepaid(account): -count for account, count in days.items()}
        await self._post("use", str(new_id()), taken | {self._name(USED): sum(days.values())})

    async def loss(self, account: str, days: int) -> None:
        """Days of an account are gone that had not begun."""
        await self._post("loss", str(new_id()), {self._prepaid(account): -days, self._name(FORFEITED): days})

    async def end(self, account: str, back: int, rest: int) -> None:
        """An account is gone: so many days went back to the pool, the rest is forfeited."""
        gone = {self._prepaid(account): -back - rest, self._name(POOL): back, self._name(FORFEITED): rest}
        await self._post("end", account, gone)

    async def reading(self, change: int, reading_id: UUID, note: str) -> None:
        """The pool holds more, or less, than all that is booked: days were bought, or nobody knows."""
        await self._post("reading", str(reading_id), {self._name(OUTSIDE): -change, self._name(POOL): change}, note)

    async def pool(self) -> int:
        """The days that the pool holds by the books."""
        return await ledger.balance(self._uow, self._name(POOL))

    async def _post(self, kind: str, source: str, movements: dict[str, int], note: str | None = None) -> bool:
        return await ledger.post(
            self._uow,
            kind=f"upstream_{kind}",
            source=f"{self._prefix}{source}",
            movements=movements,
            tenant_id=None,
            instance_id=None,
            day=billing_day(self._uow.now),
            note=note,
        )

    def _name(self, name: str) -> str:
        return self._prefix + name

    def _prepaid(self, account: str) -> str:
        return f"{self._prefix}prepaid:{account}"


def prefix(provider: str, environment: str) -> str:
    """What the names of a partner account's accounts begin with."""
    return f"upstream:{provider}:{environment}:"
