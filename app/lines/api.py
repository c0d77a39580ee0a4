"""Routes of lines: what to put into code that was written for GREEN-API or for Whapi."""

from typing import Any

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.idempotency.once import Replay
from app.instances import service as instances
from app.instances.options import Options
from app.kit import ids
from app.kit.db import UnitOfWork
from app.lines import reach, schemas, service
from app.lines.models import Line
from app.lines.schemas import CredentialsView

KEYS = [requires(Scope.KEYS_WRITE)]


class CredentialsController(Controller):
    """Credentials of instances."""

    path = "/v1/instances"
    tags = ["Instances"]  # noqa: RUF012  # Litestar reads it from the class

    @get(
        "/{instance_id:str}/credentials",
        operation_id="getInstanceCredentials",
        summary="Get credentials of existing code",
        guards=KEYS,
    )
    async def get_credentials(
        self,
        instance_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        instance_options: NamedDependency[Options],
    ) -> CredentialsView:
        """Host, number and token for code that was written for GREEN-API: change these three and nothing else.

        For code that was written for Whapi.Cloud the host and the token are enough.

        They are made at the first call and stay; the token can be changed with `rotateInstanceCredentials`. From the
        first call on, notifications are kept for the instance as its GREEN-API settings ask: at first they ask for
        none. The token may do with its instance whatever can be done, so the key needs the scopes for all of it:
        those of instances, messages, chats and groups.
        """
        line = await _line(uow, principal, instance_id)
        return schemas.view(*await service.shown(uow, line), instance_options.public_url)

    @post(
        "/{instance_id:str}/credentials/rotate",
        status_code=200,
        operation_id="rotateInstanceCredentials",
        summary="Rotate credentials of existing code",
        guards=KEYS,
    )
    async def rotate_credentials(
        self,
        instance_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        instance_options: NamedDependency[Options],
    ) -> Response[CredentialsView]:
        """A new token; the old one ends within a second. The number and the hosts stay.

        The key needs the scopes that the token has, as for `getInstanceCredentials`.
        """

        async def make() -> Response[Any]:
            line = await _line(uow, principal, instance_id)
            await service.rotate(uow, line)
            shown = await service.shown(uow, line)
            return Response(schemas.view(*shown, instance_options.public_url), status_code=200)

        return await replay.once(uow, make)


async def _line(uow: UnitOfWork, principal: Principal, instance_id: str) -> Line:
    reach.check(principal)
    wanted = ids.from_wire(ids.INSTANCE, instance_id)
    return await service.ensure(uow, await instances.find(uow, wanted, principal))
