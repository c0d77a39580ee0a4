"""A line as it was when it was read, for the faces that know their callers by its token."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.sql.elements import ColumnElement

from app.accounts.models import Tenant
from app.accounts.principal import Principal
from app.gateway.catalogue import LINE_SCOPES
from app.instances.models import Instance
from app.kit.db import SYSTEM, Database
from app.lines.models import Line


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A line with its instance and its tenant, as they were when they were read."""

    line: Line
    instance: Instance
    tenant_status: str
    read_at: datetime
    read_mark: float

    @property
    def tenant_id(self) -> UUID:
        """Whose line it is."""
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


K = TypeVar("K", bound=KnownLine)


async def look_up(database: Database, kind: type[K], which: ColumnElement[bool]) -> K | None:
    """The one line that a condition names, as the face's own kind of it."""
    async with database.begin(SYSTEM) as uow:
        query = (
            select(Line, Instance, Tenant.status)
            .join(Instance, (Instance.tenant_id == Line.tenant_id) & (Instance.id == Line.instance_id))
            .join(Tenant, Tenant.id == Line.tenant_id)
            .where(which)
        )
        row = (await uow.session.execute(query)).first()
        return None if row is None else kind(row.Line, row.Instance, row.status, uow.now, time.monotonic())
