"""Each wing on its stage; a new wing adds its own to `STAGES`, which a test of the house asks for."""

from collections.abc import AsyncIterator, Callable
from typing import Final

import aiohttp
import pytest

from app.providers import wings
from app.providers.port import Traits
from simulator.main import start
from tests.providers.conftest import QUICK
from tests.providers.contract.green_api import GreenStage
from tests.providers.contract.stage import Stage
from tests.providers.contract.whapi import WhapiStage

STAGES: Final[dict[str, type[Stage]]] = {"green_api": GreenStage, "whapi": WhapiStage}
WORLD: Final = {**QUICK, "fetch_files": False, "whapi": {"init_seconds": 0, "launch_seconds": 0}}


@pytest.fixture(params=sorted(STAGES))
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A wing beside its upstream, whichever it is."""
    running = await start([GreenStage.partner_token], WORLD, whapi_tokens=[WhapiStage.partner_token])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        made = STAGES[request.param](running, session)
        yield made
        await made.wing.close()
    await running.close()


def having(asked: Callable[[Traits], bool]) -> pytest.MarkDecorator:
    """Run a test for the wings only whose traits answer yes."""
    names = sorted(name for name, wing in wings.find().items() if asked(wing.traits))
    return pytest.mark.parametrize("stage", names, indirect=True)
