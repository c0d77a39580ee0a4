"""What every route of the typed face begins with: one caller, one instance, one gateway."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from app.accounts.principal import Principal
from app.files import links as files
from app.files.replacing import has_links, with_links
from app.gateway.calls import Gateway
from app.gateway.catalogue import METHODS
from app.instances import service as instances
from app.instances.models import Instance
from app.instances.options import Options
from app.kit import ids
from app.kit.db import Database, UnitOfWork
from app.providers.asks import Ask
from app.typed.once import once

A = TypeVar("A")


@dataclass(frozen=True)
class Asking:
    """Asks the gateway of one instance for one request."""

    request: Request[Any, Any, Any]
    principal: Principal
    instance_id: UUID
    database: Database
    gateway: Gateway
    public_url: str

    async def ask(self, ask: Ask[A]) -> A:
        """The gateway's answer, with links of ours to its files.

        Raises:
            AppError: it was not admitted, was refused, or what became of it is not known.
        """
        answer = await self.gateway.perform(self.principal, self.instance_id, ask)
        return await self.ours(answer)

    async def once(self, ask: Ask[A], show: Callable[[A], Response[Any]]) -> Response[Any]:
        """As `ask`, once for each `Idempotency-Key`.

        Raises:
            AppError: as `ask`; KeyReused, InFlight.
        """

        async def act() -> Response[Any]:
            return show(await self.ask(ask))

        retry = METHODS[ask.method.lower()].retry
        return await once(self.request, self.database, self.principal, retry, act)

    async def ours(self, answer: A) -> A:
        """An answer of the gateway's as it may leave the house."""
        if not has_links(answer):
            return answer
        async with self.database.begin(self.principal.tenant) as uow:
            instance = await self.instance(uow)
            sealer = await files.sealer(
                uow,
                instance.tenant_id,
                instance.id,
                provider=instance.provider,
                environment=instance.environment,
                public_url=self.public_url,
            )

        def seal(address: str, name: str) -> str | None:
            try:
                return sealer.link(address, name)
            except files.NoLink:
                return None

        return with_links(answer, seal)

    async def instance(self, uow: UnitOfWork) -> Instance:
        """The instance, if the caller may use it.

        Raises:
            NotFound: see `instances.find`.
        """
        return await instances.find(uow, self.instance_id, self.principal)


async def provide_asking(
    request: Request[Any, Any, Any],
    instance_id: FromPath[str],
    principal: NamedDependency[Principal],
    database: NamedDependency[Database],
    gateway: NamedDependency[Gateway],
    instance_options: NamedDependency[Options],
) -> Asking:
    """The dependency `asking`.

    Raises:
        NotFound: the path names no instance.
    """
    wanted = ids.from_wire(ids.INSTANCE, instance_id)
    return Asking(request, principal, wanted, database, gateway, instance_options.public_url)


ASKING: Final = {"asking": Provide(provide_asking)}


def done(_: Any) -> Response[None]:
    """204: it was done and there is nothing to tell."""
    return Response(None, status_code=204)
