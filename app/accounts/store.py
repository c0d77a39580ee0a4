"""The SQL about tenants, users, codes, sessions and keys; the look-ups of credentials stand in `auth`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, delete, func, or_, select, text, update

from app.accounts.models import ApiKey, EmailCode, Membership, OperatorKey, Tenant, User, UserSession
from app.kit.db import UnitOfWork
from app.kit.hot import Statement

# Two look-ups, each by its own index; a hash is one key's, whichever of its two it is.
KEYS_OF: Final = Statement(
    """
    select k.tenant_id, k.id, k.environment, k.scopes, k.instance_ids, k.secret_hash, k.previous_hash,
        k.previous_until, k.expires_at, k.revoked_at, k.last_used_at, t.status
    from (
        select * from api_keys where secret_hash = any(cast(:hashes as bytea[]))
        union all
        select * from api_keys where previous_hash is not null and previous_hash = any(cast(:hashes as bytea[]))
    ) k
    join tenants t on t.id = k.tenant_id
    """
)
TOUCH: Final = Statement(
    """
    update api_keys k set last_used_at = cast(:at as timestamptz)
    from (
        select tenant_id, id from api_keys
        where (tenant_id, id) in (select * from unnest(cast(:tenant_ids as uuid[]), cast(:ids as uuid[])))
        for no key update skip locked
    ) free
    where k.tenant_id = free.tenant_id and k.id = free.id
    """
)


async def hold_address(uow: UnitOfWork, address_key: str) -> None:
    """Wait for every other transaction about this address; until this one ends they wait for us."""
    await uow.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended('address|' || :key, 0))"), {"key": address_key}
    )


async def count_codes_since(uow: UnitOfWork, address_key: str, since: datetime) -> int:
    """How many codes were asked for this address since an instant."""
    query = select(func.count()).where(EmailCode.address_key == address_key, EmailCode.created_at > since)
    return await uow.session.scalar(query) or 0


async def count_wrong_since(uow: UnitOfWork, address_key: str, since: datetime) -> int:
    """How many tries on codes of this address came to nothing since an instant; a right one forgives those before."""
    query = select(func.coalesce(func.sum(EmailCode.tries), 0)).where(
        EmailCode.address_key == address_key, EmailCode.created_at > since, EmailCode.used_at.is_(None)
    )
    return int(await uow.session.scalar(query) or 0)


async def try_codes(uow: UnitOfWork, address_key: str, max_tries: int) -> Sequence[EmailCode]:
    """Count a try on every code that is still good for the address, and return them, newest first."""
    result = await uow.session.scalars(
        update(EmailCode)
        .where(
            EmailCode.address_key == address_key,
            EmailCode.used_at.is_(None),
            EmailCode.expires_at > uow.now,
            EmailCode.tries < max_tries,
        )
        .values(tries=EmailCode.tries + 1)
        .returning(EmailCode)
    )
    return sorted(result.all(), key=lambda code: code.id, reverse=True)


async def use_codes(uow: UnitOfWork, address_key: str) -> None:
    """Let no code of the address be used any more, and forget what it was."""
    await uow.session.execute(
        update(EmailCode)
        .where(EmailCode.address_key == address_key, EmailCode.used_at.is_(None))
        .values(used_at=uow.now, code_sealed=None)
        .execution_options(synchronize_session=False)
    )


async def erase_sealed(uow: UnitOfWork, code_id: UUID) -> None:
    """Forget the digits of a code; its hash stays."""
    await uow.session.execute(update(EmailCode).where(EmailCode.id == code_id).values(code_sealed=None))


async def user_by_address(uow: UnitOfWork, address_key: str) -> User | None:
    """The person behind an address or any alias of it."""
    return (await uow.session.scalars(select(User).where(User.address_key == address_key))).one_or_none()


async def home(uow: UnitOfWork, user_id: UUID) -> tuple[Tenant, Membership] | None:
    """The tenant that a user joined first, and the role there."""
    found = await uow.session.execute(
        select(Tenant, Membership)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == user_id)
        .order_by(Membership.created_at, Membership.id)
        .limit(1)
    )
    row = found.one_or_none()
    return None if row is None else (row.Tenant, row.Membership)


async def owners(uow: UnitOfWork, tenant_id: UUID) -> list[User]:
    """The users who own a tenant, longest first."""
    query = select(User).join(Membership, Membership.user_id == User.id)
    query = query.where(Membership.tenant_id == tenant_id, Membership.role == "owner")
    return list((await uow.session.scalars(query.order_by(Membership.created_at, Membership.id))).all())


async def signed_in(uow: UnitOfWork, tenant_id: UUID, session_id: UUID) -> tuple[User, str] | None:
    """The user of a session and the role in its tenant."""
    found = await uow.session.execute(
        select(User, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .join(UserSession, (UserSession.user_id == User.id) & (UserSession.tenant_id == Membership.tenant_id))
        .where(UserSession.tenant_id == tenant_id, UserSession.id == session_id)
    )
    row = found.one_or_none()
    return None if row is None else (row.User, row.role)


async def session(uow: UnitOfWork, session_id: UUID) -> UserSession | None:
    """A session of the scope's tenant."""
    query = uow.owned(UserSession).where(UserSession.id == session_id)
    return (await uow.session.scalars(query.with_for_update())).one_or_none()


async def tenant(uow: UnitOfWork, tenant_id: UUID, *, lock: bool = False) -> Tenant | None:
    """A tenant; with `lock`, held until the transaction ends."""
    query = select(Tenant).where(Tenant.id == tenant_id)
    return (await uow.session.scalars(query.with_for_update() if lock else query)).one_or_none()


def live_keys(uow: UnitOfWork, environment: str | None) -> Select[ApiKey]:
    """The keys that were not revoked, of one environment or of both."""
    query = uow.owned(ApiKey).where(ApiKey.revoked_at.is_(None))
    return query if environment is None else query.where(ApiKey.environment == environment)


async def api_key(uow: UnitOfWork, key_id: UUID, environment: str | None, *, lock: bool = False) -> ApiKey | None:
    """One key of the scope's tenant that was not revoked."""
    query = live_keys(uow, environment).where(ApiKey.id == key_id)
    return (await uow.session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def keys_of(uow: UnitOfWork, hashes: Sequence[bytes]) -> Sequence[Any]:
    """The keys with these hashes of their secrets, present or previous, and the status of their tenants."""
    rows: Sequence[Any] = await KEYS_OF.all(uow, {"hashes": list(hashes)})
    return rows


async def touch_keys(uow: UnitOfWork, tenant_ids: Sequence[UUID], key_ids: Sequence[UUID]) -> None:
    """Note that keys were used, but of those that another transaction has in hand: that one may well be long."""
    await TOUCH.all(uow, {"tenant_ids": list(tenant_ids), "ids": list(key_ids), "at": uow.now})


async def operator_keys(uow: UnitOfWork) -> Sequence[OperatorKey]:
    """Every operator key, revoked ones too, newest first."""
    return (await uow.session.scalars(select(OperatorKey).order_by(OperatorKey.id.desc()))).all()


async def operator_key(uow: UnitOfWork, key_id: UUID) -> OperatorKey | None:
    """One operator key, held until the transaction ends."""
    query = select(OperatorKey).where(OperatorKey.id == key_id).with_for_update()
    return (await uow.session.scalars(query)).one_or_none()


async def delete_codes_before(uow: UnitOfWork, instant: datetime) -> None:
    """Delete the codes that were made before an instant."""
    await uow.session.execute(delete(EmailCode).where(EmailCode.created_at < instant))


async def delete_sessions_ended_before(uow: UnitOfWork, instant: datetime) -> None:
    """Delete the sessions that ended before an instant, by time or by signing out."""
    await uow.session.execute(
        delete(UserSession).where(or_(UserSession.expires_at < instant, UserSession.revoked_at < instant))
    )


async def forget_previous_before(uow: UnitOfWork, instant: datetime) -> None:
    """Forget the rotated secrets whose time ended before an instant."""
    await uow.session.execute(
        update(ApiKey)
        .where(ApiKey.previous_hash.is_not(None), ApiKey.previous_until < instant)
        .values(previous_hash=None, previous_until=None)
    )
