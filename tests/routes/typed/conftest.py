"""A tenant with a linked instance, and what is around the phone."""

import httpx2
import pytest

from app.runtime import Runtime
from tests.conftest import Drain, Upstream
from tests.routes.typed.phone import Phone
from tests.senders import make_sender


@pytest.fixture
async def phone(runtime: Runtime, client: httpx2.AsyncClient, drain: Drain, upstream: Upstream) -> Phone:
    """A linked instance of a tenant with every scope."""
    return Phone(await make_sender(runtime, client, drain, upstream))
