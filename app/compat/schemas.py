"""Partner tokens on the wire."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.accounts.partner_tokens import PartnerToken
from app.kit import ids
from app.kit.clock import to_wire
from app.kit.wire import Name, Timestamp

PartnerTokenId = Annotated[
    str, Meta(pattern=ids.pattern(ids.PARTNER_TOKEN), examples=["ptk_01m7zpzh3pekgt8zb1y8xg42jx"])
]
Last4 = Annotated[str, Meta(description="The last four characters of the secret.", examples=["x8Qa"])]
Environment = Annotated[str, Meta(description="live or test.", examples=["live"])]


class PartnerTokenCreate(Struct, forbid_unknown_fields=True):
    """A partner token to be made."""

    name: Name
    environment: Annotated[
        Literal["live", "test"] | UnsetType, Meta(description="The caller's own when left out.", examples=["live"])
    ] = UNSET


class PartnerTokenView(Struct):
    """A token for tools that make instances in GREEN-API's manner, without its secret."""

    id: PartnerTokenId
    object: Literal["partner_token"]
    name: Annotated[str, Meta(examples=["CRM connector"])]
    environment: Environment
    last4: Last4
    created_at: Timestamp
    last_used_at: Timestamp | None


class PartnerTokenSecretView(Struct):
    """A new partner token; `secret` is shown this once."""

    id: PartnerTokenId
    object: Literal["partner_token"]
    name: Annotated[str, Meta(examples=["CRM connector"])]
    environment: Environment
    last4: Last4
    created_at: Timestamp
    last_used_at: Timestamp | None
    secret: Annotated[
        str,
        Meta(description="`gac.…`: the last part of the paths below `/partner/`.", examples=["gac.EXAMPLEKEY"]),
    ]


class PartnerTokenPage(Struct):
    """A page of partner tokens, newest first."""

    object: Annotated[str, Meta(extra_json_schema={"const": "list"})]
    data: list[PartnerTokenView]
    has_more: bool
    next_cursor: str | None


def partner_token_view(row: PartnerToken) -> PartnerTokenView:
    """A token as the API shows it."""
    return PartnerTokenView(
        id=ids.to_wire(ids.PARTNER_TOKEN, row.id),
        object="partner_token",
        name=row.name,
        environment=row.environment,
        last4=row.last4,
        created_at=to_wire(row.created_at),
        last_used_at=None if row.last_used_at is None else to_wire(row.last_used_at),
    )


def partner_token_secret_view(row: PartnerToken, secret: str) -> PartnerTokenSecretView:
    """A token as it is shown once."""
    shown = partner_token_view(row)
    return PartnerTokenSecretView(
        id=shown.id,
        object="partner_token",
        name=shown.name,
        environment=shown.environment,
        last4=shown.last4,
        created_at=shown.created_at,
        last_used_at=shown.last_used_at,
        secret=secret,
    )
