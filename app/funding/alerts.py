"""The mail that a prepaid pool is low."""

from typing import Final

from app.funding import forecast, rounds, store
from app.funding.options import Options
from app.kit import work
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.mail import Mailer
from app.kit.work import Claim
from app.providers.registry import Registry

SUBJECT: Final = "{days} days are left at {name}"
TEXT: Final = (
    "The prepaid pool at {name} ({environment}) holds {days} days, fewer than the {low} that you want there.{forecast}"
    " Buy more before it is empty: then accounts whose customers have paid cannot be extended.\n\n"
    "`sublet providers check {name}` looks at it now; there is one mail for each time that it gets low.\n"
)
FORECAST: Final = " At the pace of the last week it is empty in {left:.1f} days."


async def send(database: Database, registry: Registry, mailer: Mailer, options: Options, claim: Claim) -> None:
    """Mail the operator what the pool holds now; nothing when it is low no more.

    Raises:
        MailFailed: the mail server did not take it; the work is tried again.
    """
    gateway = rounds.find(database, registry, options, claim.ref)
    if gateway is not None and options.alert_mail:
        async with database.begin(SYSTEM) as uow:
            letter = await _write(uow, gateway.name, gateway.environment, options)
        if letter is not None:
            await mailer.send(options.alert_mail, *letter)
    async with database.begin(SYSTEM) as uow:
        await work.settle(uow, claim)


async def _write(uow: UnitOfWork, name: str, environment: str, options: Options) -> tuple[str, str] | None:
    pool = await store.pool(uow, name, environment)
    if pool.low_since is None or pool.days is None:
        return None
    left = (await forecast.of(uow, name, environment, pool.days)).days_to_empty
    place = {"name": name, "environment": environment, "days": pool.days, "low": options.low_days}
    return SUBJECT.format(**place), TEXT.format(**place, forecast="" if left is None else FORECAST.format(left=left))
