"""What becomes of messages that went through an account which their instance has left."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from app.instances import service as instances
from app.instances.models import Instance
from app.kit.db import UnitOfWork
from app.messages import service as messages
from app.messages import store

LATE: Final = timedelta(seconds=30)
"""So long after a move a send may still be written down that was admitted before it."""


class Mailroom:
    """See `app.instances.trips.Mailroom`; both need the system's scope."""

    async def is_searched(self, uow: UnitOfWork, remains: Instance) -> bool:
        """Whether a message is still looked for there, or may be soon; a day at most."""
        assert remains.remains_of is not None
        return await store.is_searched(uow, remains.remains_of, remains.created_at + LATE)

    async def drop(self, uow: UnitOfWork, remains: Instance, upstream_ids: Sequence[str]) -> int:
        """They have waited there for their phone, and it did not come: they have failed, as is told."""
        assert remains.remains_of is not None
        instance = await instances.find(uow, remains.remains_of)
        rows = await store.fail_waiting(uow, instance.tenant_id, instance.id, upstream_ids)
        for row in rows:
            await messages.tell(uow, instance.environment, row, "message.failed", {"error": row.error})
        return len(rows)
