"""Journeys of newcomers that touch several rooms in one transaction, and keys, whose making is an event."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.accounts import codes
from app.accounts import service as accounts
from app.accounts.addresses import Address
from app.accounts.auth import OrganizationClosed
from app.accounts.models import ApiKey, EmailCode, Tenant, User, UserSession
from app.accounts.principal import Principal
from app.accounts.scopes import TENANT_SCOPES
from app.accounts.service import KeyChange, KeyWish
from app.events import service as events
from app.instances import service as instances
from app.instances.models import Instance
from app.instances.options import Options
from app.kit import ids
from app.kit.db import UnitOfWork
from app.kit.errors import FieldError, InvalidParameter, NotFound
from app.operations.models import Operation
from app.plans import service as plans
from app.providers.registry import Registry
from app.suppliers import service as suppliers

FIRST_KEY: Final = "First key"
ENVIRONMENTS: Final = ("live", "test")


@dataclass(frozen=True)
class FirstThings:
    """What a finished sign-up leaves a newcomer with; no instance where no gateway is set up."""

    api_key: ApiKey
    secret: str
    instance: Instance | None
    operation: Operation | None

    def __repr__(self) -> str:
        return "FirstThings(…)"


@dataclass(frozen=True)
class SignedIn:
    """A session and whose it is; `first` when this sign-in finished a sign-up."""

    session: UserSession
    token: str
    user: User
    tenant: Tenant
    first: FirstThings | None

    def __repr__(self) -> str:
        return "SignedIn(…)"


async def sign_in(
    uow: UnitOfWork, address: Address, digits: str, *, registry: Registry, options: Options
) -> SignedIn | None:
    """Redeem a code: into the account of the address, or, if it has none, by finishing its sign-up.

    None means that the code is not good; the caller must then commit, since the try is counted.

    Raises:
        OrganizationClosed: the account's organization is not active.
    """
    code = await codes.redeem(uow, address, digits)
    if code is None:
        return None
    user = await accounts.find_user(uow, address.key)
    if user is None:
        return await complete_sign_up(uow, code, registry=registry, options=options)
    home = await accounts.home(uow, user)
    if home is None or home[0].status != "active":
        raise OrganizationClosed()
    tenant, membership = home
    session, token = await accounts.start_session(
        uow, tenant.id, user.id, role=membership.role, environment=first_environment(registry) or "live"
    )
    return SignedIn(session, token, user, tenant, None)


async def complete_sign_up(
    uow: UnitOfWork, code: EmailCode, *, registry: Registry, options: Options
) -> SignedIn | None:
    """Make all that a newcomer begins with, in this one transaction; the first instance is only asked for here."""
    if code.organization_name is None:
        return None
    environment = first_environment(registry)
    tenant = await accounts.open_tenant(uow, name=code.organization_name)
    user = await accounts.add_owner(uow, tenant.id, email=code.email, address_key=code.address_key)
    session, token = await accounts.start_session(
        uow, tenant.id, user.id, role=accounts.OWNER, environment=environment or "live"
    )
    wish = KeyWish(FIRST_KEY, environment or "live", TENANT_SCOPES)
    key, secret = await accounts.issue_api_key(uow, tenant.id, wish)
    instance = operation = None
    provider = None if environment is None else await _supplier(uow, registry, environment)
    if environment is not None and provider is not None:
        instance, operation = await instances.request_instance(
            uow,
            tenant_id=tenant.id,
            environment=environment,
            name=tenant.name,
            provider=provider,
            metadata={},
            options=options,
            is_ours_to_choose=True,
        )
    await _announce(uow, "api_key.created", key)
    return SignedIn(session, token, user, tenant, FirstThings(key, secret, instance, operation))


async def _supplier(uow: UnitOfWork, registry: Registry, environment: str) -> str | None:
    """The gateway of a newcomer's first instance; a pause of all of them keeps nobody from signing up."""
    try:
        return await suppliers.choose(uow, registry, environment, plan=plans.FIRST_PLAN)
    except suppliers.NoneTakes:
        return None


def first_environment(registry: Registry) -> str | None:
    """Where newcomers begin: live if a gateway is set up for it, else test, else nowhere."""
    served = {environment for _, environment, _ in registry.all()}
    return next((environment for environment in ENVIRONMENTS if environment in served), None)


async def create_api_key(uow: UnitOfWork, principal: Principal, wish: KeyWish) -> tuple[ApiKey, str]:
    """Make a key that can do no more than the caller; the secret is returned here and never again.

    Raises:
        Forbidden, InvalidRequest: see `accounts.service.check_reach`.
        InvalidParameter: an instance that the organization does not have in the key's environment.
    """
    await accounts.check_reach(uow, principal, wish)
    await _check_instances(uow, wish.instance_ids, wish.environment)
    key, secret = await accounts.issue_api_key(uow, principal.tenant, wish)
    await _announce(uow, "api_key.created", key)
    return key, secret


async def change_api_key(uow: UnitOfWork, principal: Principal, key: ApiKey, change: KeyChange) -> None:
    """Change a key to something that the caller could have made.

    Raises:
        Forbidden, InvalidRequest, InvalidParameter: as for `create_api_key`.
    """
    if change.fields - {"name"}:
        before = accounts.wish_of(key)
        after = KeyWish(
            name=before.name,
            environment=before.environment,
            scopes=change.scopes if "scopes" in change.fields else before.scopes,
            instance_ids=change.instance_ids if "instance_ids" in change.fields else before.instance_ids,
            expires_at=change.expires_at if "expires_at" in change.fields else before.expires_at,
        )
        await accounts.check_reach(uow, principal, after)
    if "instance_ids" in change.fields:
        await _check_instances(uow, change.instance_ids, key.environment)
    await accounts.change_api_key(uow, key, change)


async def rotate_api_key(uow: UnitOfWork, principal: Principal, key: ApiKey, *, keep_old_seconds: int) -> str:
    """Give a key a new secret, which is the same as being given a key: the caller must be able to do as much.

    Raises:
        Forbidden, InvalidRequest: see `accounts.service.check_reach`.
    """
    await accounts.check_reach(uow, principal, accounts.wish_of(key))
    secret = await accounts.replace_secret(uow, key, keep_old_seconds=keep_old_seconds)
    await _announce(uow, "api_key.rotated", key)
    return secret


async def revoke_api_key(uow: UnitOfWork, key: ApiKey) -> None:
    """End a key."""
    await accounts.revoke(uow, key)
    await _announce(uow, "api_key.revoked", key)


async def _check_instances(uow: UnitOfWork, wanted: frozenset[UUID] | None, environment: str) -> None:
    for instance_id in wanted or ():
        try:
            found = (await instances.find(uow, instance_id)).environment == environment
        except NotFound:
            found = False
        if not found:
            text = f"There is no instance {ids.to_wire(ids.INSTANCE, instance_id)} in the {environment} environment."
            raise InvalidParameter(text, errors=(FieldError("#/instance_ids", "not_found", text),))


async def _announce(uow: UnitOfWork, kind: str, key: ApiKey) -> None:
    await events.publish(
        uow,
        tenant_id=key.tenant_id,
        type=kind,
        environment=key.environment,
        data={"api_key_id": ids.to_wire(ids.API_KEY, key.id), "name": key.name},
    )
