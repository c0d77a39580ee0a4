"""Six digits are not found by patience."""

from datetime import timedelta

from sqlalchemy import func, select

from app.accounts import addresses, codes
from app.accounts.models import EmailCode
from app.kit.db import SYSTEM
from app.runtime import Runtime

ADA = addresses.parse("ada@example.com")
BO = addresses.parse("bo@example.com")


async def ask(runtime: Runtime, address: addresses.Address = ADA) -> bool:
    """Ask for a code; whether one was made."""
    count = select(func.count()).select_from(EmailCode)
    async with runtime.database.begin(SYSTEM) as uow:
        before = await uow.session.scalar(count)
        await codes.request(uow, address, organization_name=None, locale="en")
        await uow.session.flush()
        return bool(await uow.session.scalar(count) != before)


async def guess(runtime: Runtime, times: int) -> None:
    """Try digits that are none."""
    for _ in range(times):
        async with runtime.database.begin(SYSTEM) as uow:
            assert await codes.redeem(uow, ADA, "no-no!") is None


async def redeem(runtime: Runtime) -> bool:
    """Redeem the newest code as its reader would."""
    async with runtime.database.begin(SYSTEM) as uow:
        row = (await uow.session.scalars(select(EmailCode).order_by(EmailCode.id.desc()).limit(1))).one()
        assert row.code_sealed is not None
        digits = uow.keyring.unseal_system(row.code_sealed, f"email_codes.code|{row.id}")
        return await codes.redeem(uow, ADA, digits) is not None


async def test_wrong_tries_of_a_day_end_the_codes_of_that_day(runtime: Runtime) -> None:
    made = 0
    for _ in range(10):
        while await ask(runtime):
            made += 1
            await guess(runtime, codes.MAX_TRIES)
        runtime.database.shift += timedelta(hours=1, seconds=1)
    assert made <= codes.MAX_CODES_AN_HOUR
    assert await ask(runtime, BO)
    runtime.database.shift += timedelta(days=1)
    assert await ask(runtime)


async def test_a_right_code_forgives_the_wrong_ones(runtime: Runtime) -> None:
    for _ in range(4):
        assert await ask(runtime)
        await guess(runtime, 4)
        runtime.database.shift += timedelta(hours=1, seconds=1)
    assert await ask(runtime)
    await guess(runtime, 4)
    assert await redeem(runtime)
    runtime.database.shift += timedelta(hours=1, seconds=1)
    assert await ask(runtime)


async def test_who_never_mistypes_is_not_held_up(runtime: Runtime) -> None:
    for _ in range(8):
        for _code in range(codes.MAX_CODES_AN_HOUR):
            assert await ask(runtime)
        assert not await ask(runtime)
        runtime.database.shift += timedelta(hours=1, seconds=1)
