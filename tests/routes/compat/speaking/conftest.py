"""A stage for each test."""

import pytest

from app.runtime import Runtime
from tests.conftest import Upstream
from tests.routes.compat.conftest import LineClient
from tests.routes.compat.speaking.stage import Stage


@pytest.fixture
async def stage(runtime: Runtime, line: LineClient, upstream: Upstream) -> Stage:
    """Ada's line, both ways; nothing is fetched from where links lead."""
    await upstream.control("POST", "config", {"fetch_files": False, "min_delay_ms_override": 0})
    return Stage(runtime, line, upstream)
