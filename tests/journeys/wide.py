"""Whapi.Cloud for a partner whose creations are not limited, so that hundreds can sign up in a minute: the wing of the
house under another name.
"""

from msgspec.structs import replace

from app.kit.crypto import Secret
from app.providers.port import Provider
from app.providers.whapi.adapter import WhapiCloud
from app.providers.wings import Setting, Values, Wing

NAME = "wide"


class Wide(WhapiCloud):
    """The same in everything but the limit."""

    name = NAME
    traits = replace(WhapiCloud.traits, hook=NAME, creations=0, creation_seconds=0.0)


def _open(values: Values, environment: str, timeout_seconds: float) -> Provider | None:
    url, token = values["wide_url"], values["wide_partner_token"]
    if environment != "live" or not url or not token:
        return None
    return Wide(url, Secret(token), timeout_seconds=timeout_seconds)


WING = Wing(
    name=NAME,
    traits=Wide.traits,
    settings=(
        Setting("wide_url", "its manager"),
        Setting("wide_partner_token", "its partner token", is_secret=True),
    ),
    open=_open,
)
