"""From a bearer token to a channel: the line, its instance and its tenant."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from app.accounts.models import Tenant
from app.accounts.principal import Principal
from app.gateway.catalogue import LINE_SCOPES
from app.instances.models import Instance
from app.kit.db import SYSTEM, Database
from app.kit.trust import Failures, Kept
from app.lines import service as lines
from app.lines.models import Line

LOOKUPS: Final = 3
SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Channel:
    """What a token stands for, as it was when it was read."""

    line: Line
    instance: Instance
    tenant_status: str
    read_at: datetime
    read_mark: float

    @property
    def tenant_id(self) -> UUID:
        """Whose it is."""
        return self.instance.tenant_id

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
    def now(self) -> datetime:
        """The present time, counted on from the database's."""
        return self.read_at + timedelta(seconds=time.monotonic() - self.read_mark)

    @property
    def own_id(self) -> str:
        """The account's own chat id; empty when no phone is linked."""
        phone = self.instance.phone
        return f"{phone}@c.us" if phone else ""


class ChannelAuthenticator:
    """Finds channels by their tokens; what was found is trusted for half a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Kept[Channel | None] = Kept()
        self._lookups = asyncio.Semaphore(LOOKUPS)
        self.failures = Failures()

    def forget(self) -> None:
        """Look every channel up again."""
        self._kept.forget()

    async def channel(self, authorization: str, address: str) -> Channel | None:
        """The channel of an Authorization header, or None. A token without our checksum is refused without a query.

        A token in the query is not looked at: it would end up in logs.
        """
        token = authorization[len(SCHEME) :].strip() if authorization.lower().startswith(SCHEME) else ""
        if lines.well_formed(token):
            found = await self._found(self._database.keyring.fingerprint(token))
            if found is not None:
                return found
        await self.failures.failed(address)
        return None

    async def _found(self, fingerprint: bytes) -> Channel | None:
        is_known, known = self._kept.get(fingerprint)
        if is_known:
            return known
        async with self._lookups:  # a flood of strangers leaves connections for the tenants
            is_known, known = self._kept.get(fingerprint)
            if not is_known:
                known = await self._look_up(fingerprint)
                self._kept.put(fingerprint, known)
        return known

    async def _look_up(self, fingerprint: bytes) -> Channel | None:
        async with self._database.begin(SYSTEM) as uow:
            query = (
                select(Line, Instance, Tenant.status)
                .join(Instance, (Instance.tenant_id == Line.tenant_id) & (Instance.id == Line.instance_id))
                .join(Tenant, Tenant.id == Line.tenant_id)
                .where(Line.token_hash == fingerprint)
            )
            row = (await uow.session.execute(query)).first()
            if row is None:
                return None
            return Channel(row.Line, row.Instance, row.status, uow.now, time.monotonic())
