"""The unit of work: one transaction with its scope, its instant and the jobs to ring when it commits."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple, Protocol, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import DateTime, LargeBinary, MetaData, Select, event, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.kit.crypto import Keyring
from app.kit.errors import AppError


class Base(DeclarativeBase):
    """Every table of the house; constraints are named, so that a violation can be recognised."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        dict[str, str]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
        bytes: LargeBinary,
    }


class TenantOwned:
    """A table whose rows belong to one tenant; its primary key begins with the tenant."""

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-10)
    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-9)


class SystemScope:
    """No tenant's: the doors that do not yet know the tenant, the trips, the operator."""

    def __repr__(self) -> str:
        return "SYSTEM"


SYSTEM: Final = SystemScope()
TROUBLE: Final = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""What a unit of work raises when the database is away, has no connection left, or refuses a statement."""
OF_THE_VALUES: Final = frozenset({"21", "22", "23", "54"})
Scope = UUID | SystemScope

Owned = TypeVar("Owned", bound=TenantOwned)


class Deferrable(Protocol):
    """What `UnitOfWork.defer` takes: something that becomes a row of work; see `app.jobs`."""

    kind: ClassVar[str]

    @property
    def ref(self) -> UUID: ...

    @property
    def tenant_id(self) -> UUID | None: ...


class Ring(NamedTuple):
    """Which work to wake a worker for, and in how many seconds; `round` tells one round of it from the next."""

    work_id: UUID
    round: str
    delay_seconds: float


class Bell(Protocol):
    """Wakes the workers; a lost ring is harmless, the sweep rings again."""

    def ring(self, rings: list[Ring]) -> None: ...


class ScopeMissing(RuntimeError):
    """A tenant was asked of a unit of work that has none."""


class UnitOfWork:
    """One transaction. Verbs read and write through it and never commit."""

    def __init__(self, session: AsyncSession, scope: Scope, now: datetime, keyring: Keyring) -> None:
        self.session = session
        self.scope = scope
        self.now = now
        self.keyring = keyring
        self.deferred: list[tuple[Deferrable, datetime]] = []
        self.rings: list[Ring] = []

    @property
    def tenant_id(self) -> UUID:
        """The tenant whose rows this unit of work sees.

        Raises:
            ScopeMissing: it was begun for the system.
        """
        if isinstance(self.scope, SystemScope):
            raise ScopeMissing("this unit of work is no tenant's")
        return self.scope

    def owned(self, model: type[Owned]) -> Select[Owned]:
        """A query over the rows this scope may see; the filter stands beside the row policy, not in its place."""
        query: Select[Owned] = select(model)
        if isinstance(self.scope, SystemScope):
            return query
        return query.where(model.tenant_id == self.scope)

    def defer(self, job: Deferrable, *, after_seconds: float = 0) -> None:
        """Make work due when this transaction commits; rung again for the same thing it stays one row."""
        self.deferred.append((job, self.now + timedelta(seconds=after_seconds)))


class Recorder(Protocol):
    """Writes deferred jobs as rows of work inside the transaction; see `app.kit.work`."""

    async def __call__(self, uow: UnitOfWork) -> None: ...


class Database:
    """The two doors to PostgreSQL: one role per tenant scope (row policies apply), one for the system.

    `shift` moves the instant that every unit of work sees, for tests that travel in time.
    """

    def __init__(
        self,
        tenant_url: str,
        system_url: str,
        *,
        keyring: Keyring,
        bell: Bell,
        recorder: Recorder,
        pool_size: int = 10,
        application: str = "sublet",
    ) -> None:
        self.tenant_engine = _engine(tenant_url, pool_size, application)
        self.system_engine = _engine(system_url, pool_size, application)
        self.keyring = keyring
        self.bell = bell
        self.recorder = recorder
        self.shift = timedelta()

    @asynccontextmanager
    async def begin(self, scope: Scope) -> AsyncIterator[UnitOfWork]:
        """One transaction that sees only the scope's rows; its jobs are rung after the commit.

        The instant is the database's, so that processes with skewed clocks agree on what has expired.
        """
        system = isinstance(scope, SystemScope)
        engine = self.system_engine if system else self.tenant_engine
        value = "" if system else str(scope)
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            now = await session.scalar(
                text("select clock_timestamp() from set_config('app.tenant_id', :value, true)"),
                {"value": value},
            )
            uow = UnitOfWork(session, scope, now + self.shift, self.keyring)
            yield uow
            if uow.deferred:
                await self.recorder(uow)
        if uow.rings:
            self.bell.ring(uow.rings)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.tenant_engine.dispose()
        await self.system_engine.dispose()


@contextmanager
def on_violation(constraint: str, error: AppError) -> Iterator[None]:
    """Translate the violation of a named constraint into an error the caller can act on."""
    try:
        yield
    except IntegrityError as violation:
        if constraint in str(violation.orig):
            raise error from None
        raise


def is_of_the_values(error: BaseException) -> bool:
    """Whether the database refused what it was given, so that the same would be refused again."""
    state = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    return isinstance(state, str) and state[:2] in OF_THE_VALUES


def _engine(url: str, pool_size: int, application: str) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_recycle=1800,
        pool_pre_ping=False,
        hide_parameters=True,
        connect_args={
            "timeout": 10,
            "server_settings": {
                "application_name": application,
                "statement_timeout": "10000",
                "lock_timeout": "5000",
                "idle_in_transaction_session_timeout": "10000",
                "jit": "off",
                "timezone": "UTC",
            },
        },
    )
    event.listen(engine.sync_engine, "handle_error", _forget_broken_pool)
    return engine


def _forget_broken_pool(context: Any) -> None:
    """After a server restart every pooled connection is dead: drop them together instead of one failure each."""
    if context.is_disconnect:
        context.invalidate_pool_on_disconnect = True


__all__ = [
    "SYSTEM",
    "TROUBLE",
    "Base",
    "Bell",
    "Database",
    "Ring",
    "Scope",
    "SystemScope",
    "TenantOwned",
    "UnitOfWork",
    "is_of_the_values",
    "on_violation",
]
