"""A sender for each test."""

import httpx2
import pytest

from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.senders import Sender, make_sender


@pytest.fixture
async def sender(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream) -> Sender:
    """A tenant with a linked instance."""
    return await make_sender(runtime, client, drain, upstream)
