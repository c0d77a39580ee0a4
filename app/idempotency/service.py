"""The same key gives the same answer (draft-ietf-httpapi-idempotency-key-header-07).

A row is claimed by `INSERT … ON CONFLICT DO NOTHING`. A verb that is one transaction claims and finishes inside it, so
a second request waits for the first and then sees its answer. A trip claims in its first transaction and finishes in
its last; until then a second request is told that the first is still under way.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select

from app.accounts.vault import Vault, open_vault
from app.idempotency.models import IdempotentRequest
from app.kit.db import UnitOfWork
from app.kit.errors import AppError, Conflict, FieldError, InvalidParameter
from app.kit.hot import Statement

KEEP: Final = timedelta(hours=72)
MAX_KEY_LENGTH: Final = 255
HEADER: Final = "Idempotency-Key"
CLAIM: Final = Statement(
    """
    insert into idempotent_requests (tenant_id, key, route, fingerprint, state, ref, created_at, lease_until)
    values (cast(:tenant_id as uuid), cast(:key as varchar), cast(:route as varchar), cast(:fingerprint as bytea),
        'started', cast(:ref as uuid), cast(:at as timestamptz), cast(:lease_until as timestamptz))
    on conflict do nothing
    returning key
    """
)
FINISH: Final = Statement(
    """
    update idempotent_requests set state = 'done', status = cast(:status as int),
        headers = cast(cast(:headers as text) as jsonb), body_sealed = cast(:sealed as bytea), lease_until = null
    where tenant_id = cast(:tenant_id as uuid) and key = cast(:key as varchar) and route = cast(:route as varchar)
    """
)


class KeyReused(AppError):
    """The Idempotency-Key was used with another request."""

    status = 422
    code = "idempotency_key_reused"


class InFlight(Conflict):
    """A request with this Idempotency-Key is still under way."""

    code = "idempotency_in_flight"
    retryable = True


@dataclass(frozen=True)
class Use:
    """One use of a key: whose, which, for what. `route` is method and path; `fingerprint` also covers the body."""

    tenant_id: UUID
    key: str
    route: str
    fingerprint: bytes

    @property
    def place(self) -> str:
        """Where the kept body is sealed for."""
        return f"idempotent_requests.body|{self.key}|{self.route}"


@dataclass(frozen=True)
class Kept:
    """The answer that the first request got."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Started:
    """The first request has begun and has no final answer; `ref` is the row that will tell."""

    ref: UUID | None
    leased: bool


def check_key(key: str) -> str:
    """A usable key.

    Raises:
        InvalidParameter: empty, too long, or not printable ASCII.
    """
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        text = "The key must be 1 to 255 printable ASCII characters."
        raise InvalidParameter(text, errors=(FieldError(f"header:{HEADER}", "invalid_value", text),))
    return key


async def claim(
    uow: UnitOfWork, use: Use, *, ref: UUID | None = None, lease_seconds: float = 0
) -> Kept | Started | None:
    """None when the key is ours now; else what is known of the first request.

    Raises:
        KeyReused: the key belongs to another request.
    """
    lease_until = uow.now + timedelta(seconds=lease_seconds)
    values = {**_place(use), "fingerprint": use.fingerprint, "ref": ref, "at": uow.now, "lease_until": lease_until}
    taken = await CLAIM.first(uow, values)
    if taken is not None:
        return None
    row = (await uow.session.execute(select(IdempotentRequest).where(*_is(use)))).scalar_one_or_none()
    if row is None:
        raise InFlight(headers={"Retry-After": "1"})
    if row.fingerprint != use.fingerprint:
        raise KeyReused()
    if row.state != "done" or row.body_sealed is None or row.status is None:
        return Started(row.ref, leased=row.lease_until is not None and row.lease_until > uow.now)
    vault = await open_vault(uow, use.tenant_id)
    return Kept(row.status, row.headers or {}, vault.open(row.body_sealed, use.place).encode())


async def finish(uow: UnitOfWork, use: Use, answer: Kept, vault: Vault | None = None) -> None:
    """Keep the answer for every later use of the key; whoever has the tenant's vault open hands it over."""
    vault = vault or await open_vault(uow, use.tenant_id)
    sealed = vault.seal(answer.body.decode(), use.place)
    values = {"status": answer.status, "headers": json.dumps(answer.headers), "sealed": sealed}
    await FINISH.first(uow, _place(use) | values)


async def release(uow: UnitOfWork, use: Use) -> None:
    """Forget the key: nothing was done under it, the next request may."""
    await uow.session.execute(delete(IdempotentRequest).where(*_is(use)))


async def use_of_ref(uow: UnitOfWork, tenant_id: UUID, key: str, ref: UUID) -> Use | None:
    """The use of a key that began a thing and has no final answer yet."""
    row = await uow.session.scalar(
        select(IdempotentRequest).where(
            IdempotentRequest.tenant_id == tenant_id,
            IdempotentRequest.key == key,
            IdempotentRequest.ref == ref,
            IdempotentRequest.state == "started",
        )
    )
    return None if row is None else Use(tenant_id, key, row.route, row.fingerprint)


async def clean(uow: UnitOfWork) -> None:
    """Delete answers that are past their keeping."""
    await uow.session.execute(delete(IdempotentRequest).where(IdempotentRequest.created_at < uow.now - KEEP))


def _place(use: Use) -> dict[str, Any]:
    return {"tenant_id": use.tenant_id, "key": use.key, "route": use.route}


def _is(use: Use) -> tuple[ColumnElement[bool], ...]:
    return (
        IdempotentRequest.tenant_id == use.tenant_id,
        IdempotentRequest.key == use.key,
        IdempotentRequest.route == use.route,
    )
