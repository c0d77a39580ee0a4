"""Whatever is asked of an instance's gateway, for every face: admit, ask, record.

Admitting is one short transaction; asking happens with nothing open; what was asked is recorded in batches. A call that
changes nothing, or nothing more when done twice, is asked once more when no answer came; any other never is.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeVar
from uuid import UUID

import structlog

from app.accounts.principal import Principal
from app.gateway.catalogue import METHODS, Method, Retry
from app.gateway.delays import Delays
from app.gateway.endings import call_refusal
from app.gateway.records import CallRecord, Records
from app.gateway.relay import Answered, Dispatch, Draft, Relay
from app.instances import service as instances
from app.instances.service import InstanceSuspended
from app.kit.db import Database
from app.kit.errors import NotFound
from app.messages import service as messages
from app.plans import service as plans
from app.providers.asks import Ask
from app.providers.errors import Outcome, OutcomeUnknown, ProviderError, Unreachable
from app.providers.port import Credentials, Drafted, Native, NativeReply, Provider, Sent, Upload
from app.providers.registry import Registry

A = TypeVar("A")
Face = Literal["typed", "native", "compatible"]

log = structlog.get_logger()

CALL_SECONDS: Final = 24.0
"""Some clients give up at 30 s; a call with its second try ends before."""
STREAM_SECONDS: Final = 600.0
AGAIN_AFTER_SECONDS: Final = 0.2
CHAT_CHARACTERS: Final = 100


@dataclass(frozen=True)
class Place:
    """An admitted call: whose, and on which account."""

    tenant_id: UUID
    instance_id: UUID
    environment: str
    provider: Provider
    credentials: Credentials


class Gateway:
    """What faces ask of gateways; lives as long as the process."""

    def __init__(self, database: Database, registry: Registry, relay: Relay, records: Records) -> None:
        self._database = database
        self._registry = registry
        self._relay = relay
        self._records = records
        self.pace = relay.pace
        self.turns = relay.turns
        self.delays = Delays(database, registry)

    async def perform(self, principal: Principal, instance_id: UUID, ask: Ask[A]) -> A:
        """Ask in our words, and tell the answer.

        Raises:
            AppError: it was not admitted, or upstream refused, or what became of it is not known (504).
        """
        method = METHODS[ask.method.lower()]
        if method.sends:
            raise TypeError("messages are sent through the relay")
        place = await self.admit(principal, instance_id, method)
        try:
            return await self._asked(place, method, "typed", lambda: place.provider.perform(place.credentials, ask))
        except ProviderError as error:
            refused = error
        raise call_refusal(refused, method)

    async def ask(
        self,
        principal: Principal,
        instance_id: UUID,
        method: Method,
        do: Callable[[Provider, Credentials], Awaitable[A]],
        *,
        face: Face = "compatible",
        seconds: float = CALL_SECONDS,
        tries: int = 2,
    ) -> A:
        """Ask in our words for a face that words endings itself; `method` is what it is admitted and recorded as.

        Raises:
            AppError: it was not admitted; nothing was asked.
            ProviderError: how it ended.
        """
        place = await self.admit(principal, instance_id, method)
        return await self._asked(
            place, method, face, lambda: do(place.provider, place.credentials), seconds=seconds, tries=tries
        )

    async def send(
        self,
        principal: Principal,
        instance_id: UUID,
        method: Method,
        drafted: Drafted,
        do: Callable[[Provider, Credentials], Awaitable[Sent]],
        *,
        seconds: float = CALL_SECONDS,
    ) -> Sent:
        """Send in our words for a face without keys; counted and recorded as a native send is.

        Raises:
            AppError: it was not admitted; nothing was sent.
            ProviderError: how it ended.
        """

        async def dispatch(provider: Provider, credentials: Credentials, _: str | None) -> Answered:
            return Answered(await do(provider, credentials))

        await self._provider(principal, instance_id)
        await self.delays.wait(principal, instance_id)
        await self.pace.wait(instance_id, method)
        ending = (await self._relay.pass_on(principal, instance_id, _draft(drafted, dispatch, seconds))).ending
        if isinstance(ending, ProviderError):
            raise ending
        return ending

    async def native(
        self, principal: Principal, instance_id: UUID, method: Method, call: Native, *, face: Face = "compatible"
    ) -> NativeReply:
        """Ask in the gateway's own words; the reply is upstream's and must be cleaned before it leaves the house.

        A message is counted and recorded as one of ours, whatever the face.

        Raises:
            AppError: it was not admitted; nothing was asked.
            ProviderError: `Unreachable` or `OutcomeUnknown`, there was no answer.
        """
        if method.sends:
            return await self._native_send(principal, instance_id, method, call)
        place = await self.admit(principal, instance_id, method)
        return await self._asked(place, method, face, lambda: place.provider.native(place.credentials, call))

    async def native_stream(
        self,
        principal: Principal,
        instance_id: UUID,
        method: Method,
        upload: Upload,
        *,
        drafted: Drafted | None = None,
        headers: Mapping[str, str] | None = None,
        face: Face = "compatible",
    ) -> NativeReply:
        """Post a body as it comes, asked once; a `drafted` message is recorded as one of ours.

        Raises:
            AppError: it was not admitted; nothing was asked.
            ProviderError: there was no answer.
        """
        if method.sends and drafted is not None:

            async def dispatch(provider: Provider, credentials: Credentials, _: str | None) -> Answered:
                reply = await provider.native_stream(credentials, method.name, upload, headers=headers or {})
                return _answered(provider, method, reply)

            await self._provider(principal, instance_id)
            await self.delays.wait(principal, instance_id)
            await self.pace.wait(instance_id, method)
            draft = _draft(drafted, dispatch, STREAM_SECONDS)
            return _reply(await self._relay.pass_on(principal, instance_id, draft))
        place = await self.admit(principal, instance_id, method)
        return await self._asked(
            place,
            method,
            face,
            lambda: place.provider.native_stream(place.credentials, method.name, upload, headers=headers or {}),
            seconds=STREAM_SECONDS,
            tries=1,
        )

    async def upload(self, principal: Principal, instance_id: UUID, upload: Upload) -> str:
        """Store a file with the gateway; the gateway's link to it, which is a secret of ours.

        Raises:
            AppError: it was not admitted, or upstream refused, or what became of it is not known (504).
        """
        method = METHODS["uploadfile"]
        place = await self.admit(principal, instance_id, method)
        try:
            return await self._asked(
                place,
                method,
                "typed",
                lambda: place.provider.upload(place.credentials, upload),
                seconds=STREAM_SECONDS,
                tries=1,
            )
        except ProviderError as error:
            refused = error
        raise call_refusal(refused, method)

    async def admit(self, principal: Principal, instance_id: UUID, method: Method) -> Place:
        """Let a call through the gate: scope, instance, terms, pace. What a plan counts is counted.

        Raises:
            InsufficientScope 403, NotFound 404, Gone 410, InstanceNotReady 409, InstanceSuspended 403, the plan's 402,
            CalledTooFast 429.
        """
        principal.require(method.scope)
        if not principal.may_use(instance_id):
            raise NotFound()
        async with self._database.begin(principal.tenant) as uow:
            instance = await instances.find(uow, instance_id, principal)
            try:
                instances.usable(instance)
            except InstanceSuspended:
                if method.counts is not None:
                    raise
            credentials = await instances.credentials(uow, instance)
            wait_seconds = self.pace.book(instance_id, method)  # before the count: what is too fast is not counted
            if method.counts is not None:
                await plans.reserve_call(uow, principal.tenant, instance.id)
        provider = self._registry.get(instance.provider, instance.environment)
        await asyncio.sleep(wait_seconds)
        return Place(principal.tenant, instance.id, instance.environment, provider, credentials)

    async def _native_send(self, principal: Principal, instance_id: UUID, method: Method, call: Native) -> NativeReply:
        async def dispatch(provider: Provider, credentials: Credentials, _: str | None) -> Answered:
            return _answered(provider, method, await provider.native(credentials, call))

        provider = await self._provider(principal, instance_id)
        # What we do not understand upstream might: it is counted like a message, and given back when refused.
        drafted = provider.drafted(method.name, call.body) or Drafted("unknown", "unknown", {}, None)
        await self.delays.wait(principal, instance_id)
        await self.pace.wait(instance_id, method)
        draft = _draft(drafted, dispatch, CALL_SECONDS)
        return _reply(await self._relay.pass_on(principal, instance_id, draft))

    async def _provider(self, principal: Principal, instance_id: UUID) -> Provider:
        """Whose gateway it is; nobody else's instance is made to wait.

        Raises:
            NotFound: it is none of the caller's.
        """
        if not principal.may_use(instance_id):
            raise NotFound()
        async with self._database.begin(principal.tenant) as uow:
            instance = await instances.find(uow, instance_id, principal)
        return self._registry.get(instance.provider, instance.environment)

    async def _asked(
        self,
        place: Place,
        method: Method,
        face: Face,
        ask: Callable[[], Awaitable[A]],
        *,
        seconds: float = CALL_SECONDS,
        tries: int = 2,
    ) -> A:
        began = time.monotonic()
        outcome, status = Outcome.UNKNOWN, 504
        try:
            answer = await _within(seconds, tries, method.retry is not Retry.AMBIGUOUS, ask)
            outcome, status = Outcome.DONE, answer.status if isinstance(answer, NativeReply) else 200
            return answer
        except ProviderError as error:
            outcome, status = error.outcome, error.status or status
            raise
        finally:
            ms = round((time.monotonic() - began) * 1000)
            self._records.add(
                CallRecord(
                    tenant_id=place.tenant_id,
                    instance_id=place.instance_id,
                    method=method.name,
                    face=face,
                    outcome=str(outcome),
                    status=status,
                    duration_ms=ms,
                )
            )


async def _within(seconds: float, tries: int, may_repeat: bool, ask: Callable[[], Awaitable[A]]) -> A:
    """The answer within so many seconds; a second try where nothing was written, or where it does no harm."""
    ends = time.monotonic() + seconds
    for left in reversed(range(tries)):
        share = (ends - time.monotonic()) / (2 if left and may_repeat else 1)
        try:
            async with asyncio.timeout(share):
                return await ask()
        except TimeoutError:
            error: ProviderError = OutcomeUnknown("the gateway gave no answer in time")
        except (Unreachable, OutcomeUnknown) as ended:
            error = ended
        if not left or not (may_repeat or isinstance(error, Unreachable)) or ends - time.monotonic() < 1:
            break
        await asyncio.sleep(AGAIN_AFTER_SECONDS)
    raise error


def _draft(drafted: Drafted, dispatch: Dispatch, seconds: float) -> Draft:
    """A message in the caller's own words, cut to what can be kept of it; upstream is given what the caller wrote."""
    chat_id = messages.plain(drafted.chat_id)[:CHAT_CHARACTERS]
    return Draft(chat_id, drafted.kind, messages.plain(drafted.content), dispatch, seconds=seconds, needs_phone=False)


def _answered(provider: Provider, method: Method, reply: NativeReply) -> Answered:
    return Answered(provider.sent_by(method.name, reply), reply)


def _reply(answered: Answered) -> NativeReply:
    """The gateway's words; without any, how it ended is raised.

    Raises:
        ProviderError: there was no answer, or none that says what became of the message.
    """
    if answered.reply is not None:
        return answered.reply
    assert isinstance(answered.ending, ProviderError)
    raise answered.ending
