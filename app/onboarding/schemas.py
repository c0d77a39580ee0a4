"""Signing up and in, on the wire."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.accounts import schemas as accounts
from app.accounts.schemas import ApiKeySecretView, OrganizationView, UserView
from app.kit import ids
from app.kit.clock import to_wire
from app.kit.wire import Email, Name, Timestamp
from app.onboarding.service import SignedIn

Locale = Annotated[
    str,
    Meta(
        max_length=35,
        pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,4}$(?!\n)",
        description="The language of the mail: en, ru, es or pt; others are written to in English.",
        examples=["en"],
    ),
]
Digits = Annotated[
    str, Meta(pattern=r"^[0-9]{6}$(?!\n)", description="The six digits from the mail.", examples=["042137"])
]


class SignUp(Struct, forbid_unknown_fields=True):
    """A wish for an account."""

    email: Email
    organization_name: Name
    accept_terms: Annotated[bool, Meta(description="Must be true.", examples=[True])]
    locale: Locale = "en"


class EmailCodeCreate(Struct, forbid_unknown_fields=True):
    """A wish for a code to sign in with."""

    email: Email
    locale: Locale = "en"


class EmailCodeSent(Struct):
    """The same for every address, whether it has an account or not."""

    object: Literal["email_code"]
    expires_in_seconds: Annotated[int, Meta(examples=[600])]


class SessionCreate(Struct, forbid_unknown_fields=True):
    """An address and the code that was mailed to it."""

    email: Email
    code: Digits


class SessionView(Struct):
    """A session, with what a finished sign-up has made; `token` and `api_key.secret` are shown this once."""

    id: Annotated[str, Meta(pattern=ids.pattern(ids.SESSION), examples=["ses_01m7zpzh3pekgt8zb1y8xg42jx"])]
    object: Literal["session"]
    token: Annotated[str, Meta(description="`slt_cst_…`: send it as `Authorization: Bearer …`.")]
    created_at: Timestamp
    expires_at: Timestamp
    user: UserView
    organization: OrganizationView
    api_key: Annotated[ApiKeySecretView | None, Meta(description="The first key, when this finished a sign-up.")]
    instance_id: Annotated[str | None, Meta(description="The first instance, when this finished a sign-up.")]
    operation_id: Annotated[str | None, Meta(description="The operation that makes the first instance ready.")]


def session_view(signed_in: SignedIn) -> SessionView:
    """A new session."""
    session, first = signed_in.session, signed_in.first
    now = session.created_at
    instance = None if first is None else first.instance
    operation = None if first is None else first.operation
    return SessionView(
        id=ids.to_wire(ids.SESSION, session.id),
        object="session",
        token=signed_in.token,
        created_at=to_wire(now),
        expires_at=to_wire(session.expires_at),
        user=accounts.user_view(signed_in.user),
        organization=accounts.organization_view(signed_in.tenant),
        api_key=None if first is None else accounts.api_key_secret_view(first.api_key, first.secret, now),
        instance_id=None if instance is None else ids.to_wire(ids.INSTANCE, instance.id),
        operation_id=None if operation is None else ids.to_wire(ids.OPERATION, operation.id),
    )
