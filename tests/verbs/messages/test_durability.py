"""What upstream is told is kept is on the disk; what can be found again upstream need not wait for it."""

from sqlalchemy import text

from app.instances import service as instances
from app.kit.db import SYSTEM, UnitOfWork
from app.messages import service as messages
from app.providers.events import MessageEchoed
from app.runtime import Runtime
from tests.verbs.bare import make_bare
from tests.verbs.messages.test_messages import AT, CHAT, _sending


async def waits(uow: UnitOfWork) -> bool:
    """Whether the commit of this transaction waits for the disk."""
    return bool(await uow.session.scalar(text("show synchronous_commit")) == "on")


async def test_a_notification_that_settles_a_send_is_on_the_disk_before_the_answer(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    row = await _sending(runtime, bare)
    async with runtime.database.begin(SYSTEM) as uow:
        assert await messages.lost(uow, row)
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(text("set local synchronous_commit = on"))
        instance = await instances.find(uow, bare.instance_id)
        await messages.echoed(uow, instance, MessageEchoed("M1", CHAT, "text", {"text": "Hello"}, True), AT)
        assert await waits(uow)
    async with runtime.database.begin(SYSTEM) as uow:
        found = await messages.peek(uow, bare.tenant_id, row.id)
        assert found is not None
        assert found.status == "sent"


async def test_the_record_of_an_accepted_send_need_not_wait(runtime: Runtime) -> None:
    bare = await make_bare(runtime.database)
    row = await _sending(runtime, bare)
    async with runtime.database.begin(SYSTEM) as uow:
        await uow.session.execute(text("set local synchronous_commit = on"))
        assert await messages.accepted(uow, row, "M1") == "queued"
        assert not await waits(uow)
