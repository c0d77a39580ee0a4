"""Routes of partner tokens: our own face of what the partner's face is entered with."""

from typing import Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from app.accounts import partner_tokens
from app.accounts.auth import requires
from app.accounts.partner_tokens import PartnerToken
from app.accounts.principal import InstanceNotAllowed, Principal
from app.accounts.scopes import Scope
from app.compat.schemas import (
    PartnerTokenCreate,
    PartnerTokenPage,
    PartnerTokenSecretView,
    PartnerTokenView,
    partner_token_secret_view,
    partner_token_view,
)
from app.idempotency.once import Replay
from app.kit import ids, page, respond
from app.kit.db import UnitOfWork
from app.kit.errors import Forbidden
from app.kit.respond import Limit, PageCursor
from app.lines import reach


class OtherEnvironment(Forbidden):
    """A key can make tokens for its own environment only."""

    code = "live_key_required"


class PartnerTokenController(Controller):
    """Tokens `gac.…`. A key can never make one that can do more than itself."""

    path = "/v1/partner_tokens"
    tags = ("Partner tokens",)

    @get(
        "/",
        operation_id="listPartnerTokens",
        summary="List partner tokens",
        guards=[requires(Scope.KEYS_WRITE)],
    )
    async def list_partner_tokens(
        self,
        request: Request[Any, Any, Any],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        limit: Limit = respond.DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Response[PartnerTokenPage]:
        """Tokens that were not revoked, newest first. A key sees those of its own environment, a session all."""
        query = partner_tokens.listing(uow, principal)
        rows, following = await page.fetch(uow, query, PartnerToken, limit=limit, cursor=cursor)
        data = [partner_token_view(row) for row in rows]
        return respond.page(request, PartnerTokenPage("list", data, following is not None, following), following)

    @post(
        "/",
        status_code=201,
        operation_id="createPartnerToken",
        summary="Create a partner token",
        guards=[requires(Scope.KEYS_WRITE)],
    )
    async def create_partner_token(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        data: JSONBody[PartnerTokenCreate],
    ) -> Response[PartnerTokenSecretView]:
        """Make a token for tools that make and delete instances in GREEN-API's manner, below `/partner/`.

        It lists the tokens of instances, so the key needs the scopes for all that can be done with them, those of
        instances, messages, chats and groups, and must be for all instances.
        Its secret is in this answer and nowhere else; send an `Idempotency-Key` to be able to repeat.
        """
        environment = principal.environment if data.environment is UNSET else data.environment
        check_reach(principal, environment)

        async def make() -> Response[Any]:
            row, secret = await partner_tokens.issue(uow, principal.tenant, name=data.name, environment=environment)
            view = partner_token_secret_view(row, secret)
            return Response(view, status_code=201, headers={"Location": f"/v1/partner_tokens/{view.id}"})

        return await replay.once(uow, make)

    @get(
        "/{partner_token_id:str}",
        operation_id="getPartnerToken",
        summary="Get a partner token",
        guards=[requires(Scope.KEYS_WRITE)],
    )
    async def get_partner_token(
        self, partner_token_id: FromPath[str], uow: NamedDependency[UnitOfWork], principal: NamedDependency[Principal]
    ) -> Response[PartnerTokenView]:
        """A token without its secret."""
        wanted = ids.from_wire(ids.PARTNER_TOKEN, partner_token_id)
        return Response(partner_token_view(await partner_tokens.find(uow, principal, wanted)))

    @delete(
        "/{partner_token_id:str}",
        operation_id="deletePartnerToken",
        summary="Revoke a partner token",
        guards=[requires(Scope.KEYS_WRITE)],
    )
    async def delete_partner_token(
        self, partner_token_id: FromPath[str], uow: NamedDependency[UnitOfWork], principal: NamedDependency[Principal]
    ) -> None:
        """Revoke a token for good: within a second it is refused everywhere. Its instances stay."""
        wanted = ids.from_wire(ids.PARTNER_TOKEN, partner_token_id)
        await partner_tokens.revoke(uow, await partner_tokens.find(uow, principal, wanted))


def check_reach(principal: Principal, environment: str) -> None:
    """Refuse a caller that could do less than the token.

    Raises:
        InsufficientScope, InstanceNotAllowed, OtherEnvironment: 403.
    """
    reach.check(principal)
    if principal.instance_ids is not None:
        raise InstanceNotAllowed("The key is limited to some instances.")
    if principal.kind != "session" and environment != principal.environment:
        raise OtherEnvironment()
