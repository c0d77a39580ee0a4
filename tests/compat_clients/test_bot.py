"""PyPI whatsapp-chatbot-python, unmodified, with nothing changed but the host."""

from datetime import timedelta
from pathlib import Path

import httpx2
from sqlalchemy import select

from app.kit.db import SYSTEM
from app.plans import service as plans
from app.plans.models import Subscription
from app.runtime import Runtime
from tests.compat_clients.both import nothing_of_upstream, run_both
from tests.compat_clients.conftest import shown
from tests.compat_clients.stage import Scene, Target, play
from tests.compat_clients.toolbox import Toolbox
from tests.conftest import Drain, Upstream
from tests.factories import make_ready_instance, make_tenant


async def test_a_bot_answers(
    toolbox: Toolbox, direct: Target, ours: Target, world: Upstream, files: dict[str, Path]
) -> None:
    await run_both("bot", "bot.py", (direct, ours), toolbox, world, files)


async def test_a_bot_outlives_its_trial_and_its_paid_time_and_does_not_spin(
    toolbox: Toolbox,
    runtime: Runtime,
    client: httpx2.AsyncClient,
    drain: Drain,
    world: Upstream,
    worker: None,
    files: dict[str, Path],
) -> None:
    tenant = await make_tenant(runtime)
    instance = await make_ready_instance(runtime, drain, world, tenant)

    async def trial_over(scene: Scene) -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            row = (await uow.session.scalars(select(Subscription))).one()
            assert row.trial_ends_at is not None
            runtime.database.shift += row.trial_ends_at - uow.now + timedelta(seconds=1)

    async def unpaid(scene: Scene) -> None:
        async with runtime.database.begin(SYSTEM) as uow:
            row = await plans.go_live(uow, tenant.tenant_id, instance.id, days=1, source="test", note=None)
            assert row.paid_through_at is not None
            left = row.paid_through_at - uow.now
        runtime.database.shift += left + timedelta(seconds=1)

    target = await shown(runtime, client, tenant, instance)
    cues = {"trial_over": trial_over, "unpaid": unpaid}
    played = await play(toolbox, "bot_at_the_end.py", target, world, files, cues=cues)
    steps = {step["step"]: step for step in played.transcript}
    assert [step["code"] for step in played.transcript if step["step"] == "answer"] == [200, 466]
    assert "QUOTE_EXCEEDED" in steps["answer"]["error"]
    later = [exchange["request"] for exchange in steps["run_forever"]["exchanges"]]
    polls = [request for request in later if "receiveNotification" in request]
    assert 1 <= len(polls) <= 4, later  # one that ends with the notice of it, and those of six seconds
    assert "GreenAPIBot" in steps
    await nothing_of_upstream(played, world)
