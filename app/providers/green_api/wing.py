"""GREEN-API as one of the gateways: its settings, and how it is opened."""

from typing import Final

from app.kit.crypto import Secret
from app.providers.green_api.adapter import GreenApi
from app.providers.port import Provider
from app.providers.wings import Setting, Values, Wing

PLACES: Final = {
    "live": ("green_api_url", "green_api_partner_token"),
    "test": ("green_api_test_url", "green_api_test_partner_token"),
}


def _open(values: Values, environment: str, timeout_seconds: float) -> Provider | None:
    url, token = (values[name] for name in PLACES[environment])
    return GreenApi(url, Secret(token), timeout_seconds=timeout_seconds) if url and token else None


def _files(values: Values, environment: str) -> str:
    return values[PLACES[environment][0]]


WING: Final = Wing(
    name="green_api",
    traits=GreenApi.traits,
    settings=(
        Setting("green_api_url", "GREEN-API for live instances", "https://api.green-api.com"),
        Setting("green_api_partner_token", "GREEN-API partner token, live; empty: no live instances", is_secret=True),
        Setting("green_api_test_url", "GREEN-API (or a simulator) for test instances"),
        Setting("green_api_test_partner_token", "partner token for test instances", is_secret=True),
    ),
    open=_open,
    files=_files,
)
