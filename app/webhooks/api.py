"""Webhook endpoints and their deliveries."""

from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromHeader, FromPath, FromQuery, JSONBody, QueryParameter

from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.events import schemas as event_schemas
from app.events import service as events
from app.idempotency.once import Replay
from app.kit import clock, ids, respond
from app.kit.db import UnitOfWork
from app.kit.egress import Egress
from app.webhooks import schemas, service
from app.webhooks.models import WebhookEndpoint

READ = [requires(Scope.WEBHOOKS_READ)]
WRITE = [requires(Scope.WEBHOOKS_WRITE)]
Statuses = Annotated[
    list[Literal["pending", "delivered", "failed", "skipped"]] | None,
    QueryParameter(name="status", max_items=10, description="Only these; repeat for several."),
]


class WebhooksController(Controller):
    """Everything about a tenant's webhook endpoints."""

    path = "/v1"
    tags = ["Webhooks"]  # noqa: RUF012  # Litestar reads it from the class

    @get("/webhook_endpoints", operation_id="listWebhookEndpoints", summary="List webhook endpoints", guards=READ)
    async def list_endpoints(
        self,
        request: Request[Any, Any, Any],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        cursor: FromQuery[respond.PageCursor] = None,
        limit: FromQuery[respond.Limit] = respond.DEFAULT_LIMIT,
    ) -> Response[schemas.EndpointPage]:
        """Endpoints of the key's environment, newest first."""
        rows, next_cursor = await service.list_endpoints(uow, principal, limit=limit, cursor=cursor)
        content = schemas.EndpointPage(
            data=[schemas.view(row) for row in rows], has_more=next_cursor is not None, next_cursor=next_cursor
        )
        return respond.page(request, content, next_cursor)

    @post(
        "/webhook_endpoints",
        operation_id="createWebhookEndpoint",
        summary="Create a webhook endpoint",
        guards=WRITE,
    )
    async def create_endpoint(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        egress: NamedDependency[Egress],
        replay: NamedDependency[Replay],
        data: JSONBody[schemas.EndpointCreate],
    ) -> Response[schemas.EndpointView]:
        """Have events sent to a URL, from now on; read its signing secret next.

        The URL must use https and lead to a public address, which is checked again at each delivery.
        """

        async def make() -> Response[Any]:
            wish = service.Wish(data.url, data.description, data.event_types, data.instance_ids, data.metadata)
            endpoint = await service.create(uow, principal, egress, wish)
            made = schemas.view(endpoint)
            location = {"Location": f"/v1/webhook_endpoints/{made.id}"}
            return respond.single(made, endpoint.version, status_code=201, headers=location)

        return await replay.once(uow, make)

    @get(
        "/webhook_endpoints/{endpoint_id:str}",
        operation_id="getWebhookEndpoint",
        summary="Get a webhook endpoint",
        guards=READ,
    )
    async def get_endpoint(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        endpoint_id: FromPath[str],
        if_none_match: FromHeader[respond.IfNoneMatch] = None,
    ) -> Response[schemas.EndpointView]:
        """One endpoint, without its secret."""
        endpoint = await _find(uow, principal, endpoint_id)
        return respond.single(schemas.view(endpoint), endpoint.version, if_none_match=if_none_match)

    @patch(
        "/webhook_endpoints/{endpoint_id:str}",
        operation_id="updateWebhookEndpoint",
        summary="Change a webhook endpoint",
        guards=WRITE,
    )
    async def update_endpoint(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        egress: NamedDependency[Egress],
        endpoint_id: FromPath[str],
        data: JSONBody[schemas.EndpointUpdate],
        if_match: FromHeader[respond.IfMatch] = None,
    ) -> Response[schemas.EndpointView]:
        """Change what is named (RFC 7396). A disabled endpoint gets nothing; `recover` makes up for it later."""
        endpoint = await _find(uow, principal, endpoint_id, to_change=True)
        respond.check_match(if_match, endpoint.version)
        await service.change(uow, principal, egress, endpoint, schemas.given(data))
        return respond.single(schemas.view(endpoint), endpoint.version)

    @delete(
        "/webhook_endpoints/{endpoint_id:str}",
        status_code=204,
        operation_id="deleteWebhookEndpoint",
        summary="Delete a webhook endpoint",
        guards=WRITE,
    )
    async def delete_endpoint(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        endpoint_id: FromPath[str],
        if_match: FromHeader[respond.IfMatch] = None,
    ) -> None:
        """Send nothing more to an endpoint; deliveries that wait are skipped."""
        endpoint = await _find(uow, principal, endpoint_id, to_change=True)
        respond.check_match(if_match, endpoint.version)
        await service.delete(uow, endpoint)

    @get(
        "/webhook_endpoints/{endpoint_id:str}/secret",
        operation_id="getWebhookSecret",
        summary="Get a signing secret",
        guards=WRITE,
    )
    async def get_secret(
        self, uow: NamedDependency[UnitOfWork], principal: NamedDependency[Principal], endpoint_id: FromPath[str]
    ) -> schemas.SecretView:
        """The secret that verifies deliveries. Whoever has it can forge them, so this needs the right to write."""
        endpoint = await _find(uow, principal, endpoint_id)
        return schemas.secret_view(endpoint, await service.secret(uow, endpoint))

    @post(
        "/webhook_endpoints/{endpoint_id:str}/rotate_secret",
        status_code=200,
        operation_id="rotateWebhookSecret",
        summary="Rotate a signing secret",
        guards=WRITE,
    )
    async def rotate_secret(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        endpoint_id: FromPath[str],
        data: JSONBody[schemas.SecretRotation],
    ) -> Response[schemas.SecretView]:
        """A new secret; each delivery has two signatures until the old one expires."""

        async def make() -> Response[Any]:
            endpoint = await _find(uow, principal, endpoint_id, to_change=True)
            secret = await service.rotate_secret(uow, endpoint, data.expire_old_after_seconds)
            return Response(schemas.secret_view(endpoint, secret), status_code=200)

        return await replay.once(uow, make)

    @post(
        "/webhook_endpoints/{endpoint_id:str}/test",
        status_code=202,
        operation_id="testWebhookEndpoint",
        summary="Send a test event",
        guards=WRITE,
    )
    async def test_endpoint(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        endpoint_id: FromPath[str],
    ) -> Response[event_schemas.EventView]:
        """Send a `webhook_endpoint.test` event to this endpoint; its deliveries tell how it went."""

        async def make() -> Response[Any]:
            endpoint = await _find(uow, principal, endpoint_id)
            return Response(event_schemas.view(await service.send_test(uow, endpoint)), status_code=202)

        return await replay.once(uow, make)

    @get(
        "/webhook_endpoints/{endpoint_id:str}/deliveries",
        operation_id="listWebhookDeliveries",
        summary="List an endpoint's deliveries",
        guards=READ,
    )
    async def list_deliveries(
        self,
        request: Request[Any, Any, Any],
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        endpoint_id: FromPath[str],
        statuses: FromQuery[Statuses] = None,
        cursor: FromQuery[respond.PageCursor] = None,
        limit: FromQuery[respond.Limit] = respond.DEFAULT_LIMIT,
    ) -> Response[schemas.DeliveryPage]:
        """Deliveries with every attempt, newest first."""
        endpoint = await _find(uow, principal, endpoint_id)
        rows, next_cursor = await service.list_deliveries(
            uow, endpoint, statuses=statuses or (), limit=limit, cursor=cursor
        )
        content = schemas.DeliveryPage(
            data=[schemas.delivery_view(row, tries) for row, tries in rows],
            has_more=next_cursor is not None,
            next_cursor=next_cursor,
        )
        return respond.page(request, content, next_cursor)

    @post(
        "/webhook_endpoints/{endpoint_id:str}/recover",
        status_code=202,
        operation_id="recoverWebhookEndpoint",
        summary="Recover missed deliveries",
        guards=WRITE,
    )
    async def recover(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        endpoint_id: FromPath[str],
        data: JSONBody[schemas.Recovery],
    ) -> Response[schemas.RecoveryView]:
        """Try again all that failed, was skipped or was missed while disabled since an instant, oldest first."""

        async def make() -> Response[Any]:
            endpoint = await _find(uow, principal, endpoint_id, to_change=True)
            count, more = await service.recover(uow, endpoint, data.instant())
            content = schemas.RecoveryView(
                webhook_endpoint_id=endpoint_id,
                since=clock.to_wire(data.instant()),
                delivery_count=count,
                has_more=more,
            )
            return Response(content, status_code=202)

        return await replay.once(uow, make)

    @post(
        "/events/{event_id:str}/resend",
        status_code=202,
        operation_id="resendEvent",
        summary="Send an event again",
        guards=WRITE,
    )
    async def resend_event(
        self,
        uow: NamedDependency[UnitOfWork],
        principal: NamedDependency[Principal],
        replay: NamedDependency[Replay],
        event_id: FromPath[str],
    ) -> Response[event_schemas.EventView]:
        """Deliver an event once more to every enabled endpoint that wants it, with the same `webhook-id`."""

        async def make() -> Response[Any]:
            event = await events.find(uow, principal, ids.from_wire(ids.EVENT, event_id))
            await service.resend(uow, principal, event)
            return Response(event_schemas.view(event), status_code=202)

        return await replay.once(uow, make)


async def _find(uow: UnitOfWork, principal: Principal, endpoint_id: str, *, to_change: bool = False) -> WebhookEndpoint:
    wanted = ids.from_wire(ids.WEBHOOK_ENDPOINT, endpoint_id)
    return await service.find(uow, principal, wanted, to_change=to_change)
