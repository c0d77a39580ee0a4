"""Moving instances to other gateways: one, or all that a gateway has."""

from typing import Final

from app.admin import service, suppliers
from app.instances import moving, store
from app.instances.options import Options
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.errors import AppError, InvalidRequest
from app.kit.ids import INSTANCE, to_wire
from app.operations.schemas import OperationView, view
from app.providers.registry import Registry

MOST: Final = 10_000
MOVES: Final = "moves"


async def move(
    uow: UnitOfWork,
    registry: Registry,
    options: Options,
    instance_id: str,
    *,
    to: str | None = None,
    key: str | None = None,
) -> OperationView:
    """Begin to move one instance.

    Raises:
        NotFound: no such instance. What `moving.move` raises.
    """
    instance = await service.find(uow, instance_id)
    return view(await moving.move(uow, registry, options, instance, to=to, key=key), uow.now)


async def evacuate(
    database: Database,
    registry: Registry,
    options: Options,
    provider: str,
    environment: str,
    *,
    reason: str,
    to: str | None = None,
    limit: int | None = None,
) -> list[dict[str, str]]:
    """Pause a gateway and begin to move what it has, oldest first; each in a transaction of its own.

    How fast they are created anew is the other gateway's limit: they wait for their turns. Tells of each what became
    of it: `moves`, or the code of what stands in the way.

    Raises:
        NotFound: it, or the gateway to move to, is not set up. InvalidRequest: they are the same.
    """
    if to is not None:
        suppliers.known(registry, to, environment)
        if to == provider:
            raise InvalidRequest("A gateway cannot be evacuated to itself.")
    async with database.begin(SYSTEM) as uow:
        await suppliers.pause(uow, registry, options, provider, environment, reason)
        found = await store.at(uow, provider, environment, limit or MOST)
    told = []
    for instance_id in found:
        name = to_wire(INSTANCE, instance_id)
        try:
            async with database.begin(SYSTEM) as uow:
                await move(uow, registry, options, name, to=to)
            told.append({"id": name, "result": MOVES})
        except AppError as error:
            told.append({"id": name, "result": error.code})
    return told
