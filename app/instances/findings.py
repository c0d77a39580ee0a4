"""Differences between upstream and our rows, written down as they are noticed; `listing` judges them."""

from sqlalchemy.dialects.postgresql import insert

from app.instances.models import Finding, Instance
from app.kit.db import UnitOfWork
from app.kit.ids import new_id


async def note(uow: UnitOfWork, instance: Instance, kind: str, upstream_account: str, *, policy: str) -> None:
    """Write down a difference about an instance once; a sighting is counted by the comparison of listings only."""
    await uow.session.execute(
        insert(Finding)
        .values(
            id=new_id(),
            environment=instance.environment,
            provider=instance.provider,
            kind=kind,
            subject=upstream_account,
            upstream_account=upstream_account,
            tag=instance.tag,
            instance_id=instance.id,
            policy=policy,
            first_seen_at=uow.now,
            last_seen_at=uow.now,
            sightings=0,
        )
        .on_conflict_do_nothing()
    )
