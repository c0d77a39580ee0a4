"""The clients, files for them to send, and an account to call: the gateway's own and ours."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.compat_clients.stage import Target
from tests.compat_clients.toolbox import NotInstalled, Toolbox, prepare
from tests.conftest import PARTNER_LIVE, Upstream

PIXEL = (  # a JPEG of one point
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////"
    "////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)


@pytest.fixture(scope="session")
def toolbox() -> Toolbox:
    """The official clients, installed."""
    try:
        return prepare()
    except NotInstalled as reason:
        pytest.fail(str(reason), pytrace=False)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A picture, a document and a voice."""
    names = {"picture": "pixel.jpg", "document": "contract.pdf", "voice": "voice.ogg"}
    found = {name: tmp_path / file_name for name, file_name in names.items()}
    found["picture"].write_bytes(base64.b64decode(PIXEL))
    found["document"].write_bytes(b"%PDF-1.4\n" + bytes(range(256)) * 64)
    found["voice"].write_bytes(b"OggS" + bytes(2000))
    return found


@pytest.fixture
async def direct(upstream: Upstream) -> Target:
    """An account of the simulator, made and linked as a partner and a phone do it."""
    await upstream.control("POST", "config", STEADY)
    return await make_direct(upstream, "79990001122@c.us")


@pytest.fixture
async def reseller(upstream: Upstream) -> Target:
    """A partner of the simulator."""
    return Target(upstream.url, 0, "", 0, "", more={"partner_token": PARTNER_LIVE}, names={PARTNER_LIVE: "partner"})


STEADY: dict[str, Any] = {
    "min_delay_ms_override": 0,
    "deliver_after_seconds": None,
    "read_after_seconds": None,
    "warmup_401_seconds": 0,
    "warmup_null_seconds": 0,
    "starting_seconds": 0.01,
}
"""Nothing happens by itself at a time of its own, so that two runs see the same."""


async def make_direct(upstream: Upstream, wid: str) -> Target:
    """One more account of the simulator."""
    made = await upstream.http.post(f"{upstream.url}/partner/createInstance/{PARTNER_LIVE}", json={"name": "direct"})
    account = made.json()
    number = account["idInstance"]
    while (await upstream.control("GET", f"instances?id_instance={number}"))["instances"][0][
        "state"
    ] != "notAuthorized":
        pass
    await upstream.scan(number, wid)
    return Target(upstream.url, number, account["apiTokenInstance"], number, wid)


async def _state(upstream: Upstream, number: int) -> str:
    listed = await upstream.control("GET", f"instances?id_instance={number}")
    state: str = listed["instances"][0]["state"]
    return state
