"""A stage for each test."""

from collections.abc import AsyncIterator

import pytest

from app.runtime import Runtime
from tests.conftest import Upstream
from tests.routes.compat.conftest import LineClient
from tests.routes.compat.speaking.stage import Stage


@pytest.fixture
async def stage(runtime: Runtime, line: LineClient, upstream: Upstream) -> AsyncIterator[Stage]:
    """Ada's line, both ways; nothing is fetched from where links lead."""
    await upstream.control("POST", "config", {"fetch_files": False, "min_delay_ms_override": 0})
    yield Stage(runtime, line, upstream)
