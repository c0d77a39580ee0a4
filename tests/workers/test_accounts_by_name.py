"""Accounts are named by texts; processes that number them may still run, and see and write the same."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import func, select

from app.instances import findings, service
from app.instances.models import Finding
from app.kit.db import SYSTEM
from dev import database as databases
from tests.factories import make_tenant
from tests.workers.funds import Funds


@pytest.mark.parametrize(
    ("written", "account", "number"),
    [
        ({"upstream_id": 1101}, "1101", 1101),
        ({"upstream_account": "1101"}, "1101", 1101),
        ({"upstream_account": "CAT-1"}, "CAT-1", None),
        ({"upstream_account": "007"}, "007", None),
        ({"upstream_account": "9" * 19}, "9" * 19, None),
        ({"upstream_account": None}, None, None),
        ({"upstream_id": None}, None, None),
    ],
)
async def test_both_writings_say_the_same(
    funds: Funds, dsns: databases.Dsns, written: dict[str, Any], account: str | None, number: int | None
) -> None:
    instance = await funds.instance(provider="green_api")
    ((name, value),) = written.items()
    connection = await asyncpg.connect(databases.plain(dsns.system))
    try:
        for other in ("555", None):
            await connection.execute("update instances set upstream_account = $1", other)
            row = await connection.fetchrow(
                f"update instances set {name} = $1 where id = $2 returning upstream_account, upstream_id",  # noqa: S608
                value,
                instance.id,
            )
            assert (row["upstream_account"], row["upstream_id"]) == (account, number)
        await connection.execute("update instances set upstream_account = '555'")
        await insert_as_written(connection, name, value)
        row = await connection.fetchrow("select upstream_account, upstream_id from findings")
        assert (row["upstream_account"], row["upstream_id"]) == (account, number)
    finally:
        await connection.close()


async def insert_as_written(connection: Any, name: str, value: Any) -> None:
    """A finding as one kind of process writes it."""
    await connection.execute(
        "insert into findings(id, environment, provider, kind, subject, policy, first_seen_at, last_seen_at,"  # noqa: S608
        f" sightings, {name}) values ($1, 'live', 'green_api', 'orphan', 's', 'report', now(), now(), 1, $2)",
        UUID(int=1),
        value,
    )


async def test_findings_of_two_gateways_may_name_the_same_account(funds: Funds) -> None:
    tenant = await make_tenant(funds.runtime)
    for provider in ("green_api", "whapi"):
        instance = await funds.instance(provider=provider, name=provider, tenant=tenant)
        async with funds.runtime.database.begin(SYSTEM) as uow:
            row = await service.find(uow, instance.id)
            row.provider = provider
            await findings.note(uow, row, "surplus", "1101", policy="report")
            await findings.note(uow, row, "surplus", "1101", policy="report")
    async with funds.runtime.database.begin(SYSTEM) as uow:
        assert await uow.session.scalar(select(func.count()).select_from(Finding)) == 2
