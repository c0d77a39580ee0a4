"""From a number and a token in a path to a line, and from a partner's token to its tenant."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import select

from app.accounts import partner_tokens
from app.accounts.models import Tenant
from app.accounts.principal import Principal
from app.gateway.catalogue import LINE_SCOPES
from app.instances.models import Instance
from app.kit import clock
from app.kit.crypto import Keyring
from app.kit.db import SYSTEM, Database
from app.kit.trust import Failures, Kept
from app.lines import service as lines
from app.lines import tokens
from app.lines.models import Line

LONGEST_TOKEN: Final = 100
LOOKUPS: Final = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """A line with its instance and its tenant, as they were when they were read."""

    line: Line
    instance: Instance
    tenant_status: str
    read_at: datetime
    read_mark: float

    @property
    def principal(self) -> Principal:
        """Who calls: the line, which may do everything on its one instance."""
        return Principal(
            kind="line",
            id=self.instance.id,
            tenant_id=self.instance.tenant_id,
            environment=self.instance.environment,
            scopes=LINE_SCOPES,
            instance_ids=frozenset({self.instance.id}),
        )

    @property
    def tenant_id(self) -> UUID:
        """Whose line it is."""
        return self.instance.tenant_id

    @property
    def time(self) -> str:
        """The present time as texts show it, counted on from the database's."""
        return clock.to_wire(self.read_at + timedelta(seconds=time.monotonic() - self.read_mark))


class LineAuthenticator:
    """Finds lines and partners; what was found is trusted for half a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines: Kept[Known | None] = Kept()
        self._partners: Kept[Principal | None] = Kept()
        self._lookups = asyncio.Semaphore(LOOKUPS)
        self.failures = Failures()

    def forget(self, number: int | None = None) -> None:
        """Trust no line, or one no more, without looking it up again."""
        self._lines.forget(number)
        self._partners.forget()

    @property
    def keyring(self) -> Keyring:
        """The deployment's keys."""
        return self._database.keyring

    async def line(self, number: int, token: str, address: str) -> Known | None:
        """The line of a number and its token, or None: which of them is wrong is not told.

        A token without our checksum is refused without a query.
        """
        if number > 0 and tokens.well_formed(token):
            known = await self._found(self._lines, number, lambda: self._look_up(number))
            if known is not None and lines.token_is(known.line, self.keyring, token):
                return known
        await self.failures.failed(address, number)
        return None

    async def partner(self, token: str, address: str) -> Principal | None:
        """The tenant of a partner token, or None."""
        if len(token) <= LONGEST_TOKEN and partner_tokens.is_well_formed(token):
            key = self.keyring.fingerprint(token)
            found = await self._found(self._partners, key, lambda: partner_tokens.principal_of(self._database, key))
            if found is not None:
                return found
        await self.failures.failed(address)
        return None

    async def _found(self, kept: Kept[T], key: object, look: Callable[[], Awaitable[T]]) -> T | None:
        is_known, known = kept.get(key)
        if is_known:
            return known
        async with self._lookups:  # a flood of strangers leaves connections for the tenants
            is_known, known = kept.get(key)
            if not is_known:
                known = await look()
                kept.put(key, known)
        return known

    async def _look_up(self, number: int) -> Known | None:
        async with self._database.begin(SYSTEM) as uow:
            query = (
                select(Line, Instance, Tenant.status)
                .join(Instance, (Instance.tenant_id == Line.tenant_id) & (Instance.id == Line.instance_id))
                .join(Tenant, Tenant.id == Line.tenant_id)
                .where(Line.number == number)
            )
            row = (await uow.session.execute(query)).first()
            if row is None:
                return None
            return Known(row.Line, row.Instance, row.status, uow.now, time.monotonic())
