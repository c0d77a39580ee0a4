"""Tenants, their people and their keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select

from app.accounts import store, tokens
from app.accounts.models import ApiKey, Membership, OperatorKey, Tenant, User, UserSession
from app.accounts.principal import InstanceNotAllowed, InsufficientScope, Principal
from app.accounts.scopes import Scope, known_scopes
from app.accounts.vault import new_vault
from app.kit.db import UnitOfWork, on_violation
from app.kit.errors import Conflict, FieldError, Forbidden, InvalidRequest, NotFound
from app.kit.ids import new_id

SESSION_LIFE: Final = timedelta(days=30)
LONGEST_KEY_LIFE: Final = timedelta(days=3653)
KEEP_CODES: Final = timedelta(days=1)
KEEP_ENDED: Final = timedelta(days=30)
OWNER: Final = "owner"


class AddressTaken(Conflict):
    """The address, or an alias of it, has an account already."""

    code = "name_taken"


class SessionNeeded(Forbidden):
    """Only a signed-in user may do this."""

    code = "role_forbidden"


class EnvironmentNotAllowed(Forbidden):
    """A key reaches its own environment only."""


@dataclass(frozen=True)
class KeyWish:
    """What a new key should be able to do; `instance_ids` None means every instance."""

    name: str
    environment: str
    scopes: frozenset[Scope]
    instance_ids: frozenset[UUID] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class KeyChange:
    """What to change of a key; only the named fields are."""

    fields: frozenset[str]
    name: str = ""
    scopes: frozenset[Scope] = frozenset()
    instance_ids: frozenset[UUID] | None = None
    expires_at: datetime | None = None


async def open_tenant(uow: UnitOfWork, *, name: str) -> Tenant:
    """Make a tenant and its sealing key."""
    tenant = Tenant(id=new_id(), name=name, details={}, created_at=uow.now)
    uow.session.add(tenant)
    await uow.session.flush()
    await new_vault(uow, tenant.id)
    return tenant


async def add_owner(uow: UnitOfWork, tenant_id: UUID, *, email: str, address_key: str) -> User:
    """Make a user of a verified address, who owns the tenant.

    Raises:
        AddressTaken: the person has an account already.
    """
    user = User(id=new_id(), email=email, address_key=address_key, created_at=uow.now)
    uow.session.add(user)
    with on_violation("uq_users_address_key", AddressTaken()):
        await uow.session.flush()
    uow.session.add(
        Membership(tenant_id=tenant_id, id=new_id(), user_id=user.id, role=OWNER, created_at=uow.now),
    )
    await uow.session.flush()
    return user


async def find_user(uow: UnitOfWork, address_key: str) -> User | None:
    """The person behind an address or any alias of it."""
    return await store.user_by_address(uow, address_key)


async def home(uow: UnitOfWork, user: User) -> tuple[Tenant, Membership] | None:
    """The tenant that a user joined first, and the membership there; None when it was erased."""
    return await store.home(uow, user.id)


async def signed_in(uow: UnitOfWork, principal: Principal) -> tuple[User, str] | None:
    """The user of the caller's session and the role; None for a key. It needs the system's scope."""
    return await store.signed_in(uow, principal.tenant, principal.id) if principal.kind == "session" else None


async def start_session(
    uow: UnitOfWork, tenant_id: UUID, user_id: UUID, *, role: str, environment: str
) -> tuple[UserSession, str]:
    """Sign a user in; the token is returned here and never again."""
    token = tokens.new_session_token()
    session = UserSession(
        tenant_id=tenant_id,
        id=new_id(),
        user_id=user_id,
        role=role,
        environment=environment,
        token_hash=uow.keyring.fingerprint(token),
        created_at=uow.now,
        expires_at=uow.now + SESSION_LIFE,
    )
    uow.session.add(session)
    await uow.session.flush()
    return session, token


async def end_session(uow: UnitOfWork, principal: Principal) -> None:
    """Sign the caller out.

    Raises:
        SessionNeeded: the caller is a key.
    """
    session = await store.session(uow, principal.id) if principal.kind == "session" else None
    if session is None:
        raise SessionNeeded("Delete the key itself to end its use.")
    session.revoked_at = session.revoked_at or uow.now
    await uow.session.flush()


async def organization(uow: UnitOfWork, *, lock: bool = False) -> Tenant:
    """The scope's tenant.

    Raises:
        NotFound: it was erased.
    """
    tenant = await store.tenant(uow, uow.tenant_id, lock=lock)
    if tenant is None:
        raise NotFound()
    return tenant


async def change_organization(
    uow: UnitOfWork, tenant: Tenant, *, name: str | None, metadata: dict[str, Any] | None
) -> None:
    """Rename the tenant and replace its metadata; None leaves either as it is."""
    tenant.name = tenant.name if name is None else name
    tenant.details = tenant.details if metadata is None else metadata
    tenant.version += 1
    await uow.session.flush()


def api_keys(uow: UnitOfWork, principal: Principal) -> Select[ApiKey]:
    """The keys that a caller may see: a key sees those of its own environment, a user all."""
    return store.live_keys(uow, _environment_seen(principal))


async def find_api_key(uow: UnitOfWork, principal: Principal, key_id: UUID, *, lock: bool = False) -> ApiKey:
    """One of the keys that a caller may see.

    Raises:
        NotFound: no such key, another tenant's, another environment's, or revoked.
    """
    key = await store.api_key(uow, key_id, _environment_seen(principal), lock=lock)
    if key is None:
        raise NotFound()
    return key


async def issue_api_key(uow: UnitOfWork, tenant_id: UUID, wish: KeyWish) -> tuple[ApiKey, str]:
    """Make a key; the secret is returned here and never again.

    Raises:
        InvalidRequest: the time of its end is past or too far.
    """
    _check_expiry(wish.expires_at, uow.now)
    secret = tokens.new_api_key(wish.environment)
    key = ApiKey(
        tenant_id=tenant_id,
        id=new_id(),
        name=wish.name,
        environment=wish.environment,
        scopes=sorted(wish.scopes),
        instance_ids=_stored(wish.instance_ids),
        secret_hash=uow.keyring.fingerprint(secret),
        last4=secret[-4:],
        created_at=uow.now,
        expires_at=wish.expires_at,
    )
    uow.session.add(key)
    await uow.session.flush()
    return key, secret


async def change_api_key(uow: UnitOfWork, key: ApiKey, change: KeyChange) -> None:
    """Change the named fields of a key.

    Raises:
        InvalidRequest: the time of its end is past or too far.
    """
    if "name" in change.fields:
        key.name = change.name
    if "scopes" in change.fields:
        key.scopes = sorted(change.scopes)
    if "instance_ids" in change.fields:
        key.instance_ids = _stored(change.instance_ids)
    if "expires_at" in change.fields:
        _check_expiry(change.expires_at, uow.now)
        key.expires_at = change.expires_at
    key.version += 1
    await uow.session.flush()


async def replace_secret(uow: UnitOfWork, key: ApiKey, *, keep_old_seconds: int) -> str:
    """Give a key a new secret; the one before works for some seconds more, an older one ends now."""
    secret = tokens.new_api_key(key.environment)
    key.previous_hash = key.secret_hash
    key.previous_until = uow.now + timedelta(seconds=keep_old_seconds)
    key.secret_hash, key.last4 = uow.keyring.fingerprint(secret), secret[-4:]
    key.version += 1
    await uow.session.flush()
    return secret


async def revoke(uow: UnitOfWork, key: ApiKey) -> None:
    """End a key; within a second no process takes it any more."""
    key.revoked_at = uow.now
    key.version += 1
    await uow.session.flush()


async def check_reach(uow: UnitOfWork, principal: Principal, wish: KeyWish) -> None:
    """Refuse a key that could do more, elsewhere or for longer than the caller that asks for it.

    Raises:
        InsufficientScope: a scope that the caller lacks.
        InstanceNotAllowed: an instance that the caller may not use.
        EnvironmentNotAllowed: a key asks for the other environment.
        InvalidRequest: it would outlive the key that asks.
    """
    if lacking := sorted(wish.scopes - principal.scopes):
        raise InsufficientScope(
            "A key cannot be given scopes that the caller lacks.", extra={"required_scopes": lacking}
        )
    if principal.instance_ids is not None and not (
        wish.instance_ids is not None and wish.instance_ids <= principal.instance_ids
    ):
        raise InstanceNotAllowed("A key cannot be given instances that the caller may not use.")
    if principal.kind != "api_key":
        return
    if wish.environment != principal.environment:
        raise EnvironmentNotAllowed(f"This key is for the {principal.environment} environment.")
    caller = await store.api_key(uow, principal.id, None)
    end = None if caller is None else caller.expires_at
    if end is not None and (wish.expires_at is None or wish.expires_at > end):
        raise _bad_expiry("A key cannot be given a longer life than the key that asks for it.")


def wish_of(key: ApiKey) -> KeyWish:
    """What an existing key can do, for asking whether a caller could have made it."""
    return KeyWish(
        name=key.name,
        environment=key.environment,
        scopes=known_scopes(key.scopes),
        instance_ids=None if key.instance_ids is None else frozenset(UUID(item) for item in key.instance_ids),
        expires_at=key.expires_at,
    )


async def create_operator_key(uow: UnitOfWork, name: str) -> tuple[OperatorKey, str]:
    """Make an operator's key; the secret is returned here and never again."""
    secret = tokens.new_operator_key()
    key = OperatorKey(
        id=new_id(), name=name, secret_hash=uow.keyring.fingerprint(secret), last4=secret[-4:], created_at=uow.now
    )
    uow.session.add(key)
    await uow.session.flush()
    return key, secret


async def list_operator_keys(uow: UnitOfWork) -> Sequence[OperatorKey]:
    """Every operator key, revoked ones too, newest first."""
    return await store.operator_keys(uow)


async def revoke_operator_key(uow: UnitOfWork, key_id: UUID) -> OperatorKey:
    """End an operator's key; ending it again changes nothing.

    Raises:
        NotFound: no such key.
    """
    key = await store.operator_key(uow, key_id)
    if key is None:
        raise NotFound()
    key.revoked_at = key.revoked_at or uow.now
    await uow.session.flush()
    return key


async def clean(uow: UnitOfWork) -> None:
    """Delete codes of yesterday, sessions that ended a month ago, and rotated secrets of then."""
    await store.delete_codes_before(uow, uow.now - KEEP_CODES)
    await store.delete_sessions_ended_before(uow, uow.now - KEEP_ENDED)
    await store.forget_previous_before(uow, uow.now - KEEP_ENDED)


def _environment_seen(principal: Principal) -> str | None:
    return principal.environment if principal.kind == "api_key" else None


def _stored(instance_ids: frozenset[UUID] | None) -> list[str] | None:
    return None if instance_ids is None else sorted(str(item) for item in instance_ids)


def _check_expiry(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and not now < expires_at <= now + LONGEST_KEY_LIFE:
        raise _bad_expiry("The time must be in the future, within ten years.")


def _bad_expiry(text: str) -> InvalidRequest:
    return InvalidRequest(text, errors=(FieldError("#/expires_at", "invalid_value", text),))
