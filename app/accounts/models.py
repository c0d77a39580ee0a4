"""Who calls us, for which tenant."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.db import Base, TenantOwned


class Tenant(Base):
    """A customer of the operator; an organization on the wire."""

    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    details: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class TenantKey(Base):
    """The tenant's sealing key, wrapped; without this row nothing sealed for the tenant can be read again."""

    __tablename__ = "tenant_keys"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime]

    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),)


class User(Base):
    """A person, known by a verified address; `address_key` is the address without aliases, one person each."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    address_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class Membership(Base, TenantOwned):
    """A user's role in a tenant."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id"),
        Index("ix_memberships_user_id", "user_id"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
    )

    user_id: Mapped[UUID]
    role: Mapped[str]
    created_at: Mapped[datetime]


class EmailCode(Base):
    """Six digits sent to an address; `organization_name` is set when they finish a sign-up."""

    __tablename__ = "email_codes"
    __table_args__ = (Index("ix_email_codes_address_key", "address_key", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    address_key: Mapped[str]
    organization_name: Mapped[str | None]
    locale: Mapped[str] = mapped_column(default="en")
    code_hash: Mapped[bytes]
    code_sealed: Mapped[bytes | None]
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class UserSession(Base, TenantOwned):
    """A signed-in user, acting for one tenant."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
    )

    user_id: Mapped[UUID]
    role: Mapped[str]
    environment: Mapped[str]
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ApiKey(Base, TenantOwned):
    """A tenant's credential for its servers; only its keyed hash is stored."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("secret_hash"),
        Index("ix_api_keys_previous_hash", "previous_hash", postgresql_where=text("previous_hash is not null")),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
    )

    name: Mapped[str]
    environment: Mapped[str]
    scopes: Mapped[list[str]]
    instance_ids: Mapped[list[str] | None]
    secret_hash: Mapped[bytes]
    last4: Mapped[str]
    previous_hash: Mapped[bytes | None]
    previous_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class OperatorKey(Base):
    """A credential for the operator API. The command line needs none: it has the settings."""

    __tablename__ = "operator_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    last4: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
