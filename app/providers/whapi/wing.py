"""Whapi.Cloud as one of the gateways: its settings, and how it is opened."""

from typing import Final

from app.kit.crypto import Secret
from app.providers.port import Provider
from app.providers.whapi.adapter import WhapiCloud
from app.providers.wings import Setting, Values, Wing

PLACES: Final = {
    "live": ("whapi_url", "whapi_partner_token"),
    "test": ("whapi_test_url", "whapi_test_partner_token"),
}


def _open(values: Values, environment: str, timeout_seconds: float) -> Provider | None:
    url, token = (values[name] for name in PLACES[environment])
    if not url or not token:
        return None
    return WhapiCloud(url, Secret(token), project=values["whapi_project"], timeout_seconds=timeout_seconds)


def _files(values: Values, environment: str) -> str:
    """In development files lie with the manager that is played; Whapi's own lie at public addresses."""
    url, token = (values[name] for name in PLACES[environment])
    return url if token else ""


WING: Final = Wing(
    name="whapi",
    traits=WhapiCloud.traits,
    settings=(
        Setting("whapi_url", "Whapi.Cloud's manager for live instances", "https://manager.whapi.cloud"),
        Setting("whapi_partner_token", "Whapi.Cloud partner token, live; empty: none there", is_secret=True),
        Setting("whapi_project", "project of new channels at Whapi.Cloud; empty: the default one"),
        Setting("whapi_test_url", "manager of Whapi.Cloud (or a simulator) for test instances"),
        Setting("whapi_test_partner_token", "its partner token for test instances", is_secret=True),
    ),
    open=_open,
    files=_files,
)
