"""Routes of API keys. They stand here, above `events` and `idempotency`, since to make a key is an event, done once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from app.accounts import schemas
from app.accounts import service as accounts
from app.accounts.auth import requires
from app.accounts.models import ApiKey
from app.accounts.principal import Principal
from app.accounts.schemas import ApiKeyCreate, ApiKeyPage, ApiKeyPatch, ApiKeyRotate, ApiKeySecretView, ApiKeyView
from app.accounts.scopes import Scope, asked_scopes
from app.accounts.service import KeyChange, KeyWish
from app.idempotency.once import Replay
from app.kit import ids, page, respond
from app.kit.db import UnitOfWork
from app.kit.respond import IfMatch, IfNoneMatch, Limit, PageCursor
from app.kit.wire import read_instant
from app.onboarding import service


class ApiKeyController(Controller):
    """Keys. A key can never make one that can do more than itself."""

    path = "/v1/api_keys"
    tags = ("API keys",)

    @get("/", operation_id="listApiKeys", summary="List API keys", guards=[requires(Scope.KEYS_WRITE)])
    async def list_api_keys(
        self,
        request: Request[Any, Any, Any],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        limit: Limit = respond.DEFAULT_LIMIT,
        cursor: PageCursor = None,
    ) -> Response[ApiKeyPage]:
        """Keys that were not revoked, newest first. A key sees those of its own environment, a session all."""
        query = accounts.api_keys(uow, principal)
        rows, following = await page.fetch(uow, query, ApiKey, limit=limit, cursor=cursor)
        data = [schemas.api_key_view(row, uow.now) for row in rows]
        return respond.page(request, ApiKeyPage("list", data, following is not None, following), following)

    @get("/current", operation_id="getCurrentApiKey", summary="Get the key in use", guards=[requires()])
    async def get_current_api_key(
        self, uow: NamedDependency[UnitOfWork], principal: NamedDependency[Principal], if_none_match: IfNoneMatch = None
    ) -> Response[ApiKeyView]:
        """The key of the request: the quickest test of a key. It needs no scope; a session gets 404."""
        key = await accounts.find_api_key(uow, principal, principal.id)
        return respond.single(schemas.api_key_view(key, uow.now), key.version, if_none_match=if_none_match)

    @get("/{key_id:str}", operation_id="getApiKey", summary="Get an API key", guards=[requires(Scope.KEYS_WRITE)])
    async def get_api_key(
        self,
        key_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        if_none_match: IfNoneMatch = None,
    ) -> Response[ApiKeyView]:
        """A key without its secret."""
        key = await accounts.find_api_key(uow, principal, ids.from_wire(ids.API_KEY, key_id))
        return respond.single(schemas.api_key_view(key, uow.now), key.version, if_none_match=if_none_match)

    @post(
        "/",
        status_code=201,
        operation_id="createApiKey",
        summary="Create an API key",
        guards=[requires(Scope.KEYS_WRITE)],
    )
    async def create_api_key(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        data: JSONBody[ApiKeyCreate],
    ) -> Response[ApiKeySecretView]:
        """Make a key. Its secret is in this answer and nowhere else; send an `Idempotency-Key` to be able to repeat."""
        wish = KeyWish(
            name=data.name,
            environment=principal.environment if data.environment is UNSET else data.environment,
            scopes=asked_scopes(data.scopes),
            instance_ids=_instance_ids(data.instance_ids),
            expires_at=_expiry(data.expires_at),
        )

        async def make() -> Response[Any]:
            key, secret = await service.create_api_key(uow, principal, wish)
            view = schemas.api_key_secret_view(key, secret, uow.now)
            return respond.single(view, key.version, status_code=201, headers={"Location": f"/v1/api_keys/{view.id}"})

        return await replay.once(uow, make)

    @patch(
        "/{key_id:str}", operation_id="updateApiKey", summary="Update an API key", guards=[requires(Scope.KEYS_WRITE)]
    )
    async def update_api_key(
        self,
        key_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        data: JSONBody[ApiKeyPatch],
        if_match: IfMatch = None,
    ) -> Response[ApiKeyView]:
        """Change what a key is called and may do (RFC 7396: what is not named stays, `null` clears)."""
        key = await accounts.find_api_key(uow, principal, ids.from_wire(ids.API_KEY, key_id), lock=True)
        respond.check_match(if_match, key.version)
        await service.change_api_key(uow, principal, key, _change(data))
        return respond.single(schemas.api_key_view(key, uow.now), key.version)

    @delete(
        "/{key_id:str}", operation_id="deleteApiKey", summary="Revoke an API key", guards=[requires(Scope.KEYS_WRITE)]
    )
    async def delete_api_key(
        self,
        key_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        if_match: IfMatch = None,
    ) -> None:
        """Revoke a key for good: within a second it is refused everywhere, its rotated secrets too."""
        key = await accounts.find_api_key(uow, principal, ids.from_wire(ids.API_KEY, key_id), lock=True)
        respond.check_match(if_match, key.version)
        await service.revoke_api_key(uow, key)

    @post(
        "/{key_id:str}/rotate",
        status_code=200,
        operation_id="rotateApiKey",
        summary="Rotate an API key",
        guards=[requires(Scope.KEYS_WRITE)],
    )
    async def rotate_api_key(
        self,
        key_id: FromPath[str],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        data: JSONBody[ApiKeyRotate],
    ) -> Response[ApiKeySecretView]:
        """Give a key a new secret, in this answer and nowhere else; the old one works on for as long as is asked."""

        async def make() -> Response[Any]:
            key = await accounts.find_api_key(uow, principal, ids.from_wire(ids.API_KEY, key_id), lock=True)
            secret = await service.rotate_api_key(uow, principal, key, keep_old_seconds=data.expire_old_after_seconds)
            return respond.single(schemas.api_key_secret_view(key, secret, uow.now), key.version)

        return await replay.once(uow, make)


def _change(data: ApiKeyPatch) -> KeyChange:
    named = frozenset(name for name in data.__struct_fields__ if getattr(data, name) is not UNSET)
    return KeyChange(
        fields=named,
        name="" if data.name is UNSET else data.name,
        scopes=frozenset() if data.scopes is UNSET else asked_scopes(data.scopes),
        instance_ids=None if data.instance_ids is UNSET else _instance_ids(data.instance_ids),
        expires_at=None if data.expires_at is UNSET else _expiry(data.expires_at),
    )


def _expiry(given: str | None) -> datetime | None:
    return None if given is None else read_instant(given, "#/expires_at")


def _instance_ids(given: list[str] | None) -> frozenset[UUID] | None:
    return None if given is None else frozenset(ids.from_wire(ids.INSTANCE, item) for item in given)
