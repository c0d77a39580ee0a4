"""What events leave behind: when their instance is deleted, that they were, in their order, without what they told.

And when messages' contents have been kept long enough, what they told of messages without those contents.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import array

from app.events.models import Event
from app.kit.db import UnitOfWork

PORTION: Final = 5000
ERASED: Final = {"erased": True}
CONTENTS: Final = ("text", "content", "raw")


async def erase(uow: UnitOfWork, tenant_id: UUID, instance_id: UUID) -> int:
    """Erase what a portion of an instance's events told; how many they were, 0 when none is left.

    The ends of operations are kept: they name nobody, and the receipt of the deletion is one of them.
    """
    mine = (
        Event.tenant_id == tenant_id,
        Event.instance_id == instance_id,
        Event.type.not_like("operation.%"),
        Event.data != ERASED,
    )
    portion = select(Event.id).where(*mine).limit(PORTION)
    statement = update(Event).where(Event.tenant_id == tenant_id, Event.id.in_(portion)).values(data=ERASED)
    return len((await uow.session.execute(statement.returning(Event.id))).all())


async def forget_contents(uow: UnitOfWork, before: datetime, limit: int) -> int:
    """Take the contents of messages out of a batch of older events; how many. Needs the system's scope."""
    old = (
        select(Event.tenant_id, Event.id)
        .where(Event.created_at < before, Event.data.has_any(array(CONTENTS)))
        .limit(limit)
        .subquery()
    )
    kept = Event.data.op("-")(array(CONTENTS))
    statement = update(Event).where(Event.tenant_id == old.c.tenant_id, Event.id == old.c.id).values(data=kept)
    result = await uow.session.execute(statement.execution_options(synchronize_session=False))
    return int(getattr(result, "rowcount", 0))
