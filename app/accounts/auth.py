"""From a request to its principal, and from the principal to the unit of work."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from sqlalchemy import select

from app.accounts import store
from app.accounts.models import Membership, OperatorKey, Tenant, UserSession
from app.accounts.principal import InsufficientScope, Principal
from app.accounts.scopes import ROLES, Scope, known_scopes
from app.accounts.tokens import kind_of
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.errors import AppError, Forbidden, InvalidRequest, Unauthenticated
from app.kit.fresh import Fresh
from app.kit.trust import Kept

TOUCH_SECONDS: Final = 60
LONGEST_HEADER: Final = 200
IN_URL: Final = re.compile(rb"slt_(?:sk_(?:live|test)|op|cst|lnk)_")


class KeyNotFound(Unauthenticated):
    """No such credential exists."""

    code = "key_not_found"


class KeyDisabled(Unauthenticated):
    """The key was revoked."""

    code = "key_disabled"


class KeyExpired(Unauthenticated):
    """The key has expired."""

    code = "key_expired"


class SessionExpired(Unauthenticated):
    """The session has ended; sign in again."""

    code = "session_expired"


class OrganizationClosed(Forbidden):
    """The organization is suspended or closed."""

    code = "organization_suspended"


class CredentialInUrl(InvalidRequest):
    """A credential must never stand in a URL: send it in the Authorization header."""

    code = "credential_in_url"


class requires:  # noqa: N801  # reads as a claim where it stands: guards=[requires(Scope.…)]
    """Lets in callers with a scope, operators only where it is theirs; without one, every credential of a tenant."""

    def __init__(self, scope: Scope | None = None) -> None:
        self.scope = scope

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Find the principal and check it.

        Raises:
            Unauthenticated: no valid credential.
            InsufficientScope: a valid one that may not do this.
        """
        authenticator: Authenticator = connection.app.state.authenticator
        if IN_URL.search(unquote_to_bytes(_target(connection))):
            raise CredentialInUrl()
        principal = await authenticator.authenticate(connection.headers.get("authorization"))
        connection.scope["state"]["principal"] = principal
        if self.scope is not None:
            principal.require(self.scope)
        elif principal.kind == "operator":
            raise InsufficientScope("Operators have routes of their own.")


async def provide_principal(request: Request[Any, Any, Any]) -> Principal:
    """The caller, as the guard found it."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


async def provide_uow(
    request: Request[Any, Any, Any], database: NamedDependency[Database]
) -> AsyncGenerator[UnitOfWork, None]:
    """The request's one transaction in the caller's scope: committed before the answer leaves, else rolled back.

    The body is waited for first: a client that never sends it must not hold a connection to the database.
    """
    await request.body()
    principal: Principal = request.scope["state"]["principal"]
    async with database.begin(SYSTEM if principal.kind == "operator" else principal.tenant) as uow:
        yield uow


class Authenticator:
    """Looks credentials up by their keyed hash; one found good is trusted for half a second longer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: Kept[Principal] = Kept()
        self._keys: Fresh[bytes, Principal] = Fresh(self._read_keys)

    def forget(self) -> None:
        """Trust no credential without looking it up again."""
        self._seen.forget()
        self._keys.forget()

    def peek(self, token: str) -> Principal | None:
        """The principal of an API key that is being used, without asking anybody; else None."""
        return self._keys.peek(self._database.keyring.fingerprint(token))

    async def get(self, token: str, seconds: float) -> Principal | None:
        """The principal of an API key, read now if need be, if that takes no more than so many seconds."""
        if kind_of(token) != "api_key":
            return None
        return await self._keys.get(self._database.keyring.fingerprint(token), seconds)

    async def close(self) -> None:
        """Read no key any more."""
        await self._keys.close()

    async def _read_keys(self, fingerprints: Sequence[bytes]) -> Mapping[bytes, Principal]:
        wanted, found = frozenset(fingerprints), dict[bytes, Principal]()
        async with self._database.begin(SYSTEM) as uow:
            good = []
            for row in await store.keys_of(uow, fingerprints):
                for fingerprint in wanted.intersection((row["secret_hash"], row["previous_hash"])):
                    try:
                        found[fingerprint] = _let_in(row, fingerprint, uow.now)
                    except AppError:
                        continue
                    good.append(row)
            await _touch(uow, good)
        return found

    async def authenticate(self, header: str | None) -> Principal:
        """The principal of an `Authorization: Bearer …` header.

        Raises:
            Unauthenticated: missing or malformed, or KeyNotFound, KeyExpired, KeyDisabled, SessionExpired.
            OrganizationClosed: a good one, of a tenant that is not active.
        """
        if header is not None and len(header) > LONGEST_HEADER:
            raise KeyNotFound()
        scheme, _, token = (header or "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send `Authorization: Bearer …`.")
        kind = kind_of(token)
        if kind is None:
            raise KeyNotFound()
        fingerprint = self._database.keyring.fingerprint(token)
        _, known = self._seen.get(fingerprint)
        if known is not None:
            return known
        async with self._database.begin(SYSTEM) as uow:
            principal = await _FINDERS[kind](uow, fingerprint)
        self._seen.put(fingerprint, principal)
        return principal


def _target(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    path: bytes = connection.scope.get("raw_path") or b""
    return path + b"?" + connection.scope.get("query_string", b"")


async def _api_key(uow: UnitOfWork, fingerprint: bytes) -> Principal:
    rows = await store.keys_of(uow, [fingerprint])
    if not rows:
        raise KeyNotFound()
    principal = _let_in(rows[0], fingerprint, uow.now)
    await _touch(uow, rows[:1])
    return principal


def _let_in(row: Mapping[str, Any], fingerprint: bytes, now: datetime) -> Principal:
    if row["revoked_at"] is not None:
        raise KeyDisabled()
    if _over(row["expires_at"], now) or (row["secret_hash"] != fingerprint and _over(row["previous_until"], now)):
        raise KeyExpired()
    _open(row["status"])
    listed = row["instance_ids"]
    return Principal(
        kind="api_key",
        id=row["id"],
        tenant_id=row["tenant_id"],
        environment=row["environment"],
        scopes=_scopes(tuple(row["scopes"])),
        instance_ids=None if listed is None else frozenset(map(UUID, listed)),
    )


@lru_cache(maxsize=1024)
def _scopes(names: tuple[str, ...]) -> frozenset[Scope]:
    return known_scopes(names)


async def _touch(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note that keys are in use, once a minute."""
    before = uow.now - timedelta(seconds=TOUCH_SECONDS)
    old = [row for row in rows if row["last_used_at"] is None or row["last_used_at"] < before]
    if old:
        await store.touch_keys(uow, [row["tenant_id"] for row in old], [row["id"] for row in old])


async def _session(uow: UnitOfWork, fingerprint: bytes) -> Principal:
    row = (
        await uow.session.execute(
            select(UserSession, Tenant.status, Membership.role)
            .join(Tenant, Tenant.id == UserSession.tenant_id)
            .join(
                Membership,
                (Membership.tenant_id == UserSession.tenant_id) & (Membership.user_id == UserSession.user_id),
            )
            .where(UserSession.token_hash == fingerprint)
        )
    ).first()
    if row is None or row.UserSession.revoked_at is not None or _over(row.UserSession.expires_at, uow.now):
        raise SessionExpired()
    _open(row.status)
    session: UserSession = row.UserSession
    return Principal(
        kind="session",
        id=session.id,
        tenant_id=session.tenant_id,
        environment=session.environment,
        scopes=ROLES.get(row.role, frozenset()),
    )


async def _operator(uow: UnitOfWork, fingerprint: bytes) -> Principal:
    key = await uow.session.scalar(select(OperatorKey).where(OperatorKey.secret_hash == fingerprint))
    if key is None or key.revoked_at is not None:
        raise KeyNotFound() if key is None else KeyDisabled()
    return Principal(kind="operator", id=key.id, tenant_id=None, environment="live", scopes=frozenset({Scope.OPERATOR}))


def _over(instant: datetime | None, now: datetime) -> bool:
    return instant is not None and instant <= now


def _open(status: str) -> None:
    if status != "active":
        raise OrganizationClosed()


_FINDERS: Final = {"api_key": _api_key, "session": _session, "operator": _operator}
