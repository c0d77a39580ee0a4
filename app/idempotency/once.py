"""`Idempotency-Key` for verbs that are one transaction."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency

from app.accounts.principal import Principal
from app.idempotency import service
from app.idempotency.service import HEADER, InFlight, Kept, Use
from app.kit.crypto import digest
from app.kit.db import UnitOfWork
from app.kit.errors import NotFound

KEPT_HEADERS: Final = ("location", "retry-after", "x-instance-id", "etag")
LONGEST_PATH: Final = 500
Reply = Response[Any]


class Replay:
    """The request's key, if it gave one."""

    def __init__(self, use: Use | None) -> None:
        self.use = use

    async def once(self, uow: UnitOfWork, make: Callable[[], Awaitable[Reply]]) -> Reply:
        """Run the verb, or answer as it was answered before; both in the request's own transaction.

        Raises:
            KeyReused: the key belongs to another request.
            InFlight: the first request is not committed yet.
        """
        if self.use is None:
            return await make()
        known = await service.claim(uow, self.use)
        if isinstance(known, Kept):
            return replayed(known)
        if known is not None:
            raise InFlight(headers={"Retry-After": "1"})
        reply = await make()
        body = msgspec.json.encode(reply.content)
        headers = {name: value for name, value in reply.headers.items() if name.lower() in KEPT_HEADERS}
        await service.finish(uow, self.use, Kept(reply.status_code or 200, headers, body))
        return reply


async def provide_replay(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Replay:
    """The dependency `replay`.

    Raises:
        InvalidParameter: the key is not usable.
    """
    key = request.headers.get(HEADER)
    if key is None or principal.tenant_id is None:
        return Replay(None)
    return Replay(await use_of(request, principal, service.check_key(key)))


async def use_of(request: Request[Any, Any, Any], principal: Principal, key: str) -> Use:
    """The use of a key by a request.

    Raises:
        NotFound: no path of ours is so long.
    """
    if len(request.url.path) > LONGEST_PATH:
        raise NotFound()
    return bound(principal, key, request.method, request.url.path, await request.body())


def bound(principal: Principal, key: str, method: str, path: str, body: bytes) -> Use:
    """The use of a key, bound to tenant, environment, method, path, body and credential.

    An answer may hold what another credential must not see, such as a secret, so it is kept for the one that got it
    and for what that one could do then.
    """
    route = f"{principal.environment} {method} {path}"
    asked = "\n".join((route, principal.kind, str(principal.id), *_reach(principal), ""))
    return Use(principal.tenant, key, route, digest(asked.encode() + body))


def replayed(kept: Kept) -> Response[bytes]:
    """The kept answer, marked."""
    return Response(
        kept.body,
        status_code=kept.status,
        headers={**kept.headers, "Idempotent-Replayed": "true"},
        media_type="application/problem+json" if kept.status >= 400 else "application/json",
    )


def _reach(principal: Principal) -> tuple[str, str]:
    limit = "*" if principal.instance_ids is None else ",".join(sorted(map(str, principal.instance_ids)))
    return ",".join(sorted(principal.scopes)), limit
