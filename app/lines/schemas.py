"""An instance's credentials for code that was written for GREEN-API or for Whapi."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

EXAMPLE_URL = "https://wa.brand.example"


class GreenApiCredentials(Struct, frozen=True):
    """What GREEN-API's own SDKs, bots and flows are given; the token may call this one instance."""

    api_url: Annotated[
        str,
        Meta(max_length=2000, description="The host for calls, in place of GREEN-API's.", examples=[EXAMPLE_URL]),
    ]
    media_url: Annotated[
        str, Meta(max_length=2000, description="The host for uploads; the same.", examples=[EXAMPLE_URL])
    ]
    id_instance: Annotated[
        int, Meta(ge=1, description="The instance's number; it stays for good.", examples=[7_700_000_001])
    ]
    api_token_instance: Annotated[
        str,
        Meta(
            min_length=50,
            max_length=50,
            pattern="^[0-9a-f]{50}$",
            description="The token: 50 hexadecimal characters.",
            examples=["0" * 50],
        ),
    ]


class WhapiCredentials(Struct, frozen=True):
    """What clients of Whapi.Cloud are given; the token is the same, whoever's gateway the instance has."""

    base_url: Annotated[
        str,
        Meta(
            max_length=2000,
            description="In place of Whapi's gate: paths such as `/messages/text` follow.",
            examples=[f"{EXAMPLE_URL}/whapi"],
        ),
    ]
    token: Annotated[
        str,
        Meta(
            min_length=50,
            max_length=50,
            pattern="^[0-9a-f]{50}$",
            description="To be sent as `Authorization: Bearer …`.",
            examples=["0" * 50],
        ),
    ]


class CredentialsView(Struct, frozen=True):
    """How existing code reaches an instance."""

    green_api: GreenApiCredentials
    whapi: WhapiCredentials
    object: Literal["instance_credentials"] = "instance_credentials"


def view(number: int, token: str, public_url: str) -> CredentialsView:
    """A line, as its tenant is shown it."""
    whapi = WhapiCredentials(f"{public_url.rstrip('/')}/whapi", token)
    return CredentialsView(GreenApiCredentials(public_url, public_url, number, token), whapi)
