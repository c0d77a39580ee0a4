"""Routes to send."""

from typing import Any
from uuid import uuid4

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.gateway import drafting
from app.gateway.calls import Gateway
from app.gateway.relay import Asked, Relay
from app.gateway.schemas import MessageCreate
from app.idempotency import service as idempotency
from app.idempotency.once import use_of
from app.idempotency.service import HEADER, Kept
from app.instances.options import Options as InstanceOptions
from app.kit import ids, problem
from app.kit.db import Database
from app.kit.errors import AppError
from app.messages.api import MessageController
from app.messages.view import MessageView


class SendController(MessageController):
    """Sending, beside the routes to read: one path is one controller."""

    @post(
        "/",
        operation_id="sendMessage",
        summary="Send a message",
        status_code=202,
        guards=[requires(Scope.MESSAGES_SEND)],
    )
    async def send_message(
        self,
        request: Request[Any, Any, Any],
        database: NamedDependency[Database],
        principal: NamedDependency[Principal],
        relay: NamedDependency[Relay],
        gateway: NamedDependency[Gateway],
        instance_options: NamedDependency[InstanceOptions],
        data: JSONBody[MessageCreate],
        instance_id: FromPath[str],
    ) -> Response[MessageView]:
        """Hand a message to the gateway. Send an `Idempotency-Key`: with the same key it is sent once.

        202: the gateway has it; its status follows as events. 504: the gateway did not answer and whether it took
        the message is being found out; do not send it again, look at `status_url`. The same key then answers 202
        with the status `unknown` until it is known.
        """
        instance = ids.from_wire(ids.INSTANCE, instance_id)
        draft = await drafting.draft(database, principal, instance, data, public_url=instance_options.public_url)
        given = request.headers.get(HEADER)
        key = f"auto-{uuid4()}" if given is None else idempotency.check_key(given)
        use = await use_of(request, principal, key)
        asked = Asked(
            principal,
            instance,
            draft,
            use,
            lambda error: _kept(request, error),
        )
        try:
            await gateway.delays.wait(principal, instance)
            answer = await relay.send(asked)
        except AppError as error:
            error.headers.setdefault(HEADER, key)
            raise
        return _response(answer, key)


def _kept(request: Request[Any, Any, Any], error: AppError) -> Kept:
    made = problem.on_app_error(request, error)
    headers = {name: value for name, value in error.headers.items() if name.lower() == "retry-after"}
    return Kept(error.status, headers, made.content)


def _response(kept: Kept, key: str) -> Response[Any]:
    return Response(
        kept.body,
        status_code=kept.status,
        headers={**kept.headers, HEADER: key},
        media_type=problem.PROBLEM_JSON if kept.status >= 400 else "application/json",
    )
