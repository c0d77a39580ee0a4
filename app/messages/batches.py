"""The statements by which messages that were sent are written in batches, each once, however often its batch comes.

Of an instance that was deleted and erased meanwhile nothing is written any more.
"""

from typing import Final, NamedTuple
from uuid import UUID

from app.kit.db import UnitOfWork
from app.kit.hot import Statement

# Upstream may have told of a message before its record is here: the row of that becomes the message. A record that is
# here already, since the answer to its commit was lost, is left as it is. Ids are told where they are of use: all of
# them only when something of the batch was here before.
KEEP: Final = Statement(
    """
    with kept as (
        insert into messages as m (tenant_id, id, instance_id, direction, kind, chat_id, content, likeness, status,
            upstream_message_id, client_reference, created_at, forwarded_at, updated_at, looks, version)
        select r.tenant_id, r.id, r.instance_id, 'outbound', r.kind, r.chat_id, r.content, r.likeness,
            case when r.upstream_message_id is null then 'unknown' else 'queued' end, r.upstream_message_id,
            r.client_reference, r.at, r.at, r.at, 0, 1
        from jsonb_to_recordset(cast(cast(:rows as text) as jsonb)) as r (tenant_id uuid, id uuid, instance_id uuid,
            kind varchar, chat_id varchar, content jsonb, likeness varchar, upstream_message_id varchar,
            client_reference varchar, at timestamptz)
        where not exists (select from messages e where e.tenant_id = r.tenant_id and e.id = r.id)
            and not exists (
                select from instances i
                where i.tenant_id = r.tenant_id and i.id = r.instance_id and i.status = 'deleted'
            )
        order by r.tenant_id, r.instance_id, r.upstream_message_id
        on conflict on constraint uq_messages_upstream do update set id = excluded.id, direction = 'outbound',
            kind = excluded.kind, chat_id = excluded.chat_id, content = excluded.content, likeness = excluded.likeness,
            client_reference = excluded.client_reference, created_at = excluded.created_at,
            forwarded_at = excluded.forwarded_at, version = m.version + 1
        where m.direction = 'early'
        returning m.tenant_id, m.id, m.status
    ), total as (
        select count(*) = cast(:count as int) as is_whole from kept
    )
    select kept.tenant_id, kept.id, kept.status, total.is_whole
    from total left join kept on kept.status <> 'queued' or not total.is_whole
    """
)
# The echo of these was taken for them, and counted, when they were thought lost (`store.stray_echoes`): it has not been
# forwarded by us. Who sent it was told the record's id.
TAKE_BACK: Final = Statement(
    """
    update messages m set id = r.id, kind = r.kind, chat_id = r.chat_id, content = r.content, likeness = r.likeness,
        client_reference = r.client_reference, created_at = r.at, forwarded_at = r.at, version = m.version + 1
    from jsonb_to_recordset(cast(cast(:rows as text) as jsonb)) as r (tenant_id uuid, id uuid, instance_id uuid,
        kind varchar, chat_id varchar, content jsonb, likeness varchar, upstream_message_id varchar,
        client_reference varchar, at timestamptz)
    where m.tenant_id = r.tenant_id and m.instance_id = r.instance_id
        and m.upstream_message_id = r.upstream_message_id and m.direction = 'outbound' and m.forwarded_at is null
    """
)
# The upstream id of these is another message's by now, of unknown outcome and alike: which trace is whose is found out.
KEEP_REST: Final = Statement(
    """
    insert into messages (tenant_id, id, instance_id, direction, kind, chat_id, content, likeness, status,
        client_reference, created_at, forwarded_at, updated_at, looks, version)
    select r.tenant_id, r.id, r.instance_id, 'outbound', r.kind, r.chat_id, r.content, r.likeness, 'unknown',
        r.client_reference, r.at, r.at, r.at, 0, 1
    from jsonb_to_recordset(cast(cast(:rows as text) as jsonb)) as r (tenant_id uuid, id uuid, instance_id uuid,
        kind varchar, chat_id varchar, content jsonb, likeness varchar, client_reference varchar, at timestamptz)
    where not exists (select from messages e where e.tenant_id = r.tenant_id and e.id = r.id)
        and not exists (
            select from instances i where i.tenant_id = r.tenant_id and i.id = r.instance_id and i.status = 'deleted'
        )
    returning tenant_id, id, status
    """
)


class Kept(NamedTuple):
    """What became of a batch. `new` are the ids of what was not here before, None when that is all of it; `moved` are
    those whose status is another than `queued`, as tenant, id and status.
    """

    new: set[UUID] | None
    moved: list[tuple[UUID, UUID, str]]


async def keep(uow: UnitOfWork, rows: str, count: int) -> Kept:
    """Write so many messages that were sent, as JSON.

    What was here already, in whatever shape, has been counted.
    """
    kept = await KEEP.all(uow, {"rows": rows, "count": count})
    is_whole = kept[0]["is_whole"]
    found = [(row["tenant_id"], row["id"], row["status"]) for row in kept if row["id"] is not None]
    if not is_whole:
        await TAKE_BACK.all(uow, {"rows": rows})
        rest = await KEEP_REST.all(uow, {"rows": rows})
        found += [(row["tenant_id"], row["id"], row["status"]) for row in rest]
    new = None if is_whole else {message_id for _, message_id, _ in found}
    return Kept(new, [each for each in found if each[2] != "queued"])
