"""Routes about the caller: who it is, and its organization. Keys have theirs in `app.onboarding`."""

from litestar import Controller, Response, get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import UNSET

from app.accounts import schemas, service
from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.schemas import MeView, OrganizationPatch, OrganizationView
from app.accounts.scopes import Scope
from app.kit import respond
from app.kit.db import SYSTEM, Database, UnitOfWork
from app.kit.respond import IfMatch, IfNoneMatch
from app.kit.wire import merge_metadata


class AccountController(Controller):
    """The caller and its organization."""

    path = "/v1"
    tags = ("Account",)

    @get("/me", operation_id="getMe", summary="Get the caller", guards=[requires()])
    async def get_me(self, database: NamedDependency[Database], principal: NamedDependency[Principal]) -> MeView:
        """Who the credential belongs to and what it may do. Any key or session may ask."""
        async with database.begin(principal.tenant) as uow:
            tenant = await service.organization(uow)
        async with database.begin(SYSTEM) as uow:  # users are no tenant's
            found = await service.signed_in(uow, principal)
        return schemas.me_view(principal, tenant, found)

    @get(
        "/organization",
        operation_id="getOrganization",
        summary="Get the organization",
        guards=[requires(Scope.ORGANIZATION_READ)],
    )
    async def get_organization(
        self, uow: NamedDependency[UnitOfWork], if_none_match: IfNoneMatch = None
    ) -> Response[OrganizationView]:
        """The organization of the credential."""
        tenant = await service.organization(uow)
        return respond.single(schemas.organization_view(tenant), tenant.version, if_none_match=if_none_match)

    @patch(
        "/organization",
        operation_id="updateOrganization",
        summary="Update the organization",
        guards=[requires(Scope.ORGANIZATION_WRITE)],
    )
    async def update_organization(
        self, uow: NamedDependency[UnitOfWork], data: JSONBody[OrganizationPatch], if_match: IfMatch = None
    ) -> Response[OrganizationView]:
        """Change the name or the metadata (RFC 7396: what is not named stays, `null` clears)."""
        tenant = await service.organization(uow, lock=True)
        respond.check_match(if_match, tenant.version)
        name = None if data.name is UNSET else data.name
        metadata = None if data.metadata is UNSET else merge_metadata(tenant.details, data.metadata)
        await service.change_organization(uow, tenant, name=name, metadata=metadata)
        return respond.single(schemas.organization_view(tenant), tenant.version)
