"""PyPI whatsapp-api-client-python, unmodified, with nothing changed but the host."""

import copy
from pathlib import Path

import pytest
from sqlalchemy import select

from app.instances.models import Instance
from app.kit.db import SYSTEM
from app.plans import service as plans
from app.runtime import Runtime
from tests.compat_clients.both import Step, run_both
from tests.compat_clients.stage import Act, Scene, Target
from tests.compat_clients.toolbox import Toolbox
from tests.conftest import Upstream

NOT_RUN = {
    "webhooks.stopReceivingNotifications",  # called by the handler, inside the loop
    "voip.connect",  # needs a package that the client does not ask for
    "voip.websocketUrl",
}


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_every_method_of_the_client(
    mode: str, toolbox: Toolbox, direct: Target, ours: Target, world: Upstream, files: dict[str, Path]
) -> None:
    stands = (direct, ours)
    played = await run_both(f"python-{mode}", "sdk.py", stands, toolbox, world, files, mode=mode)
    assert set(played.offered) - played.called <= NOT_RUN


async def test_the_partner_client(
    toolbox: Toolbox, partner: Target, reseller: Target, world: Upstream, runtime: Runtime, files: dict[str, Path]
) -> None:
    stands = (partner, reseller)
    cues = {"paid": all_paid(runtime)}
    played = await run_both("python-partner", "partner.py", stands, toolbox, world, files, meant=own_terms, cues=cues)
    assert set(played.offered) == played.called


def all_paid(runtime: Runtime) -> Act:
    """An organization of ours has one trial at a time, so ours goes live before the next is made."""

    async def act(scene: Scene) -> None:
        if scene.target.base == scene.upstream.url:
            return
        async with runtime.database.begin(SYSTEM) as uow:
            for instance in (await uow.session.scalars(select(Instance))).all():
                await plans.go_live(uow, instance.tenant_id, instance.id, days=1, source="test", note=None)

    return act


def own_terms(step: Step) -> Step:
    """Rows of getInstances tell our terms, and no token of what is deleted."""
    step = copy.deepcopy(step)
    for exchange in step.get("exchanges", []):
        found = exchange["reply"].get("json")
        for row in found if isinstance(found, list) else []:
            row.update(tariff="own", isFree="own", apiTokenInstance="own" if row["deleted"] else "<token>")
    return step
