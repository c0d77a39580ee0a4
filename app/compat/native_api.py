"""Every method of the gateway in its own words, for callers with a key of ours: `…/gateway/{method}`.

The same gates, settings and queue of notifications as the drop-in face has, by the same code. What the gateway says
comes as it says it; what we refuse, or cannot tell, is a problem document as everywhere below `/v1`.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath

from app.accounts.auth import requires
from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.compat import address, uploads
from app.compat.address import SOCKET, Address
from app.compat.answer import BAD_GATEWAY, NO_ANSWER, TOO_FAST, UNAUTHORIZED, Answer
from app.compat.asking import Asking
from app.compat.auth import Known
from app.compat.own import Own
from app.compat.parts import Call, Parts
from app.compat.wording import Scene
from app.gateway.catalogue import METHODS, Method, Retry, Takes
from app.gateway.endings import CallOutcomeNotKnown, CallTimedOut, OutcomeNotKnown, SendRateLimited
from app.instances import service as instances
from app.instances.service import InstanceNotReady, InstanceSuspended
from app.kit import ids
from app.kit.errors import AppError, InvalidRequest, MethodNotAllowed, NotFound, UpstreamUnavailable
from app.lines import service as lines

POLL: Final = "receiveNotification"
SOON: Final = {"Retry-After": "1"}


class NoMethod(NotFound):
    """The gateway has no such method."""


class SocketElsewhere(InvalidRequest):
    """This method is a socket; watch pairing by `/pairing/stream`."""

    code = "unsupported_by_provider"


@dataclass(frozen=True, slots=True)
class Guest(Known):
    """An instance under its line, called by a key and not by the line's own token."""

    caller: Principal

    @property
    def principal(self) -> Principal:
        """Who calls: the key, with what it may do."""
        return self.caller


@dataclass(frozen=True, slots=True)
class Refusal(Answer):
    """What we refuse ourselves, kept until it can be told as a problem."""

    error: AppError | None = None


class NativeAsking(Asking):
    """As for lines, but refusals of ours stay what they are."""

    face = "native"

    async def refused(self, call: Call, error: AppError) -> Answer:
        """The refusal, to be raised by the route."""
        return Refusal(error.status, error=error)


@dataclass
class NativeOperation(Operation):
    """Tells of bodies that the framework does not read for the handler."""

    def __post_init__(self) -> None:
        binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        fields = Schema(type=OpenAPIType.OBJECT, additional_properties=True)
        self.request_body = RequestBody(
            description="What the method takes, in the gateway's own words.",
            content={
                "application/json": OpenAPIMediaType(schema=fields),
                "multipart/form-data": OpenAPIMediaType(schema=fields),
                "application/octet-stream": OpenAPIMediaType(schema=binary),
            },
        )


class NativeFace:
    """What serves these routes; lives as long as the process."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.asking = NativeAsking(parts)
        self.own = Own(parts, self.asking)

    async def close(self) -> None:
        """Let what is under way come to its end."""
        await self.asking.close()


def provide_native(state: State) -> NativeFace:
    """The dependency `native`; `create_server_app` makes it."""
    native: NativeFace = state.native
    return native


class NativeController(Controller):
    """One path for all methods; names are matched without case."""

    path = "/v1/instances/{instance_id:str}/gateway/{method:str}"
    tags = ("Gateway",)
    guards = (requires(Scope.GATEWAY_CALL),)
    dependencies = {"native": Provide(provide_native, sync_to_thread=False)}  # noqa: RUF012  # Litestar reads it

    @get("/", operation_id="readFromGateway", summary="Call a reading method")
    async def read(
        self,
        request: Request[Any, Any, Any],
        principal: NamedDependency[Principal],
        native: NamedDependency[NativeFace],
        instance_id: FromPath[str],
        method: FromPath[str],
    ) -> Response[Any]:
        """Call a method of the gateway that is called by GET, such as `getSettings` or `receiveNotification`.

        Needs the scope of the method besides `gateway:call`. Parameters go into the query. The answer is the gateway's
        own, with our number and links of ours in place of its; refusals of ours are problem documents.
        """
        return await _served(request, principal, native, instance_id, method)

    @post(
        "/",
        operation_id="callGateway",
        summary="Call a method",
        status_code=200,
        operation_class=NativeOperation,
        opt={"streams": True},
    )
    async def call(
        self,
        request: Request[Any, Any, Any],
        principal: NamedDependency[Principal],
        native: NamedDependency[NativeFace],
        instance_id: FromPath[str],
        method: FromPath[str],
    ) -> Response[Any]:
        """Call a method of the gateway in its own words, such as `sendMessage` or `sendFileByUpload`.

        Needs the scope of the method besides `gateway:call`. Sends are counted and recorded like any other message.
        An `Idempotency-Key` is not heeded here: the gateway knows none. After a 504 look whether it was done.
        """
        return await _served(request, principal, native, instance_id, method)

    @delete("/", operation_id="deleteAtGateway", summary="Call a deleting method", status_code=200)
    async def remove(
        self,
        request: Request[Any, Any, Any],
        principal: NamedDependency[Principal],
        native: NamedDependency[NativeFace],
        instance_id: FromPath[str],
        method: FromPath[str],
    ) -> Response[Any]:
        """Call a method that is called by DELETE: `deleteNotification` with `?receiptId=`, or `clearWebhooksQueue`.

        Needs the scope of the method besides `gateway:call`.
        """
        return await _served(request, principal, native, instance_id, method)


async def _served(
    request: Request[Any, Any, Any], principal: Principal, native: NativeFace, instance_id: str, name: str
) -> Response[Any]:
    wanted = ids.from_wire(ids.INSTANCE, instance_id)
    method = _method(name)
    principal.require(method.scope)
    known = await _known(native.parts, principal, wanted, method)
    if not address.takes(method, request.method):
        raise MethodNotAllowed(headers={"Allow": method.verb})
    call = _call(request, native.parts, method, known)
    if method.takes in (Takes.MULTIPART, Takes.RAW):
        answer = await uploads.serve(native.parts, native.asking, call, request.receive)
    else:
        refused = call.read(await request.body())
        answer = refused or await _asked(request, native, call)
    _raise(answer, method)
    return Response(answer.body, status_code=answer.status, media_type=answer.content_type)


def _method(name: str) -> Method:
    method = METHODS.get(name.lower())
    if method is None or method.group == address.PARTNER:
        raise NoMethod()
    if method.name == SOCKET:
        raise SocketElsewhere()
    return method


async def _known(parts: Parts, principal: Principal, instance_id: UUID, method: Method) -> Guest:
    """The instance under its line.

    Raises:
        NotFound 404, Gone 410, InstanceNotReady 409, InstanceSuspended 403.
    """
    async with parts.database.begin(principal.tenant) as uow:
        instance = await instances.find(uow, instance_id, principal)
        try:
            instances.usable(instance)
        except InstanceSuspended:
            if method.counts is not None or method.served == "us":
                raise
        line = await lines.ensure(uow, instance)
        return Guest(line, instance, "active", uow.now, time.monotonic(), principal)


def _call(request: Request[Any, Any, Any], parts: Parts, method: Method, known: Known) -> Call:
    place = Address("instance", known.line.number, method.name, "")
    scene = Scene(method, place.shown, known.time, parts.public_url, known.line.number)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(method, request.scope["query_string"], place, known, scene, headers, asyncio.Event())


async def _asked(request: Request[Any, Any, Any], native: NativeFace, call: Call) -> Answer:
    if call.method.name != POLL:
        serve = native.own.server(call)
        await native.own.keep_pace(call)
        return await (native.asking.serve(call) if serve is None else serve(call))
    known = call.known

    async def closed(_: Call) -> Answer | None:
        await _known(native.parts, known.principal, known.instance.id, call.method)
        return None

    await native.own.keep_pace(call)
    with native.own.polling(call):
        watching = asyncio.ensure_future(_watch_leaving(request, call))
        try:
            return await native.own.poll(call, closed)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def _watch_leaving(request: Request[Any, Any, Any], call: Call) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    call.gone.set()


def _raise(answer: Answer, method: Method) -> None:
    """Tell as a problem what is not the gateway's own word.

    Raises:
        AppError: see above.
    """
    if isinstance(answer, Refusal) and answer.error is not None:
        raise answer.error
    if answer == BAD_GATEWAY:
        raise UpstreamUnavailable("Nothing was done.", headers=SOON)
    if answer == NO_ANSWER:
        if method.retry is Retry.AMBIGUOUS:
            raise OutcomeNotKnown() if method.sends else CallOutcomeNotKnown()
        raise CallTimedOut()
    if answer == TOO_FAST:
        raise SendRateLimited("Nothing was done.", headers=SOON)
    if answer == UNAUTHORIZED:
        raise InstanceNotReady(headers={"Retry-After": "5"})
