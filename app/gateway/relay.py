"""A message on its way: admit, forward, settle.

Admitting is one short transaction that decides and writes down; forwarding is the call, with nothing open; settling
is one short transaction that records the outcome. Forward and settle run in a task of the application, so that a
client that goes away leaves nothing half done. A process that dies between them leaves a row that says `sending`,
which the resolver takes over; nothing is ever sent twice by us.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter

from app.accounts.principal import Principal
from app.accounts.scopes import Scope
from app.accounts.vault import Vault, open_vault
from app.gateway import held
from app.gateway.catalogue import Method
from app.gateway.counting import units_of
from app.gateway.endings import InstanceNotConnected, OutcomeNotKnown, SendRateLimited, refusal
from app.gateway.options import Options
from app.gateway.pacing import Pace
from app.gateway.turns import MOST_SECONDS as TURN_SECONDS
from app.gateway.turns import Turn, Turns
from app.idempotency import service as idempotency
from app.idempotency.service import InFlight, Kept, Started, Use
from app.instances import service as instances
from app.instances.models import Instance
from app.jobs import ResolveMessage
from app.kit import ids
from app.kit.db import TROUBLE, Database, UnitOfWork, is_of_the_values
from app.kit.errors import AppError, NotFound
from app.messages import service as messages
from app.messages.models import Message
from app.messages.view import view
from app.plans import service as plans
from app.plans.service import Reservation
from app.providers.asks import Send
from app.providers.errors import Outcome, OutcomeUnknown, ProviderError, Unreachable
from app.providers.port import Credentials, NativeReply, Provider, Sent
from app.providers.registry import Registry

T = TypeVar("T")

log = structlog.get_logger()

SENDS: Final = Counter("sublet_sends", "Messages handed to a gateway by how it ended.", ["outcome"])
CANNOT_SEND: Final = frozenset({"unpaired", "pairing", "disconnected", "blocked"})
SETTLE_TRIES: Final = 3
LATER_TRIES: Final = 60
LATER_SECONDS: Final = 2.0
CLOSE_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Answered:
    """How a dispatch ended; the gateway's own words where they are to be passed on."""

    ending: Sent | ProviderError
    reply: NativeReply | None = None


Dispatch = Callable[[Provider, Credentials, str | None], Awaitable[Answered]]
"""Hands a message to the gateway, once; the last argument is the upstream id of the message that it cites."""


@dataclass(frozen=True)
class Draft:
    """A message as the caller wants it sent: what it is in our words, and how it is handed over."""

    chat_id: str
    kind: str
    content: dict[str, Any]
    dispatch: Dispatch
    reply_to: UUID | None = None
    client_reference: str | None = None
    seconds: float | None = None
    """How long handing it over may take, where it is a file."""
    needs_phone: bool = True
    """False where upstream's own manners are promised: without a phone it waits there for a day."""
    paced_by: Method | None = None
    """The method at whose rate it leaves, unless its pace was kept already."""
    send: Send | None = None
    """The same as data, so that it can wait while its instance is being moved."""


@dataclass(frozen=True)
class Asked:
    """One request to send. `problem` writes an error as the request's problem document; `use` is its key's."""

    principal: Principal
    instance_id: UUID
    draft: Draft
    use: Use | None
    problem: Callable[[AppError], Kept]


@dataclass(frozen=True)
class Admitted:
    """A message that may go now."""

    row: Message
    environment: str
    provider: Provider
    credentials: Credentials
    vault: Vault
    quoted: str | None
    reservation: Reservation
    use: Use | None
    at: float = field(default_factory=time.monotonic)


@dataclass
class Alive:
    """When a send was last said to be under way, on the monotonic clock."""

    said_at: float


class Relay:
    """Sends messages for requests; lives as long as the process."""

    def __init__(self, database: Database, registry: Registry, options: Options) -> None:
        self._database = database
        self._registry = registry
        self._options = options
        self._tasks: set[asyncio.Task[Any]] = set()
        self.turns = Turns()
        self.pace = Pace()

    async def send(self, asked: Asked) -> Kept:
        """The answer to a request: of this send, or of the first one with the same key.

        Raises:
            AppError: it was not admitted; nothing was sent.
        """
        ended = await self._in_turn(asked)
        return ended if isinstance(ended, Kept) else ended[0]

    async def pass_on(self, principal: Principal, instance_id: UUID, draft: Draft) -> Answered:
        """Send without a key, for faces that have none, and tell how it ended.

        Raises:
            AppError: it was not admitted; nothing was sent.
        """
        ended = await self._in_turn(Asked(principal, instance_id, draft, None, _nothing_said))
        assert not isinstance(ended, Kept)
        return ended[1]

    async def close(self) -> None:
        """Let what is under way come to its end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_SECONDS)

    async def _let_in(self, asked: Asked) -> Admitted | Kept:
        asked.principal.require(Scope.MESSAGES_SEND)
        if not asked.principal.may_use(asked.instance_id):
            raise NotFound()
        async with self._database.begin(asked.principal.tenant) as uow:
            return await self._admit(uow, asked)

    async def _in_turn(self, asked: Asked) -> Kept | tuple[Kept, Answered]:
        """Admit, and forward when those before in the chat have been."""
        turn = self.turns.enter(asked.instance_id, asked.draft.chat_id)
        try:
            admitted = await self._let_in(asked)
            if isinstance(admitted, Kept):
                return admitted
            return await self._carry(admitted, asked.draft, asked.problem, turn)
        finally:
            turn.leave()

    async def _carry(
        self, admitted: Admitted, draft: Draft, problem: Callable[[AppError], Kept], turn: Turn
    ) -> tuple[Kept, Answered]:
        """Forward and settle in a task of the application: a client that goes away leaves nothing half done."""
        return await asyncio.shield(self._begun(self._forward(admitted, draft, problem, turn)))

    def _begun(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _admit(self, uow: UnitOfWork, asked: Asked) -> Admitted | Kept:
        message_id, tenant_id, draft = ids.new_id(), asked.principal.tenant, asked.draft
        if asked.use is not None:
            known = await self._known(uow, asked.use, message_id, asked)
            if known is not None:
                return known
        instance = await instances.find(uow, asked.instance_id, asked.principal)
        overdue, provider = uow.now - self._options.lease, self._registry.get(instance.provider, instance.environment)
        if draft.send is not None and await held.waits(uow, instance):
            return await held.keep(
                uow, instance, message_id, draft, asked.use, overdue=overdue, alike=provider.likeness
            )
        instances.usable(instance)
        if draft.needs_phone:
            _linked(instance)
        if draft.paced_by is not None and not self.pace.take(instance.id, draft.paced_by):
            raise SendRateLimited(f"At most {draft.paced_by.rate:g} a second.", headers={"Retry-After": "1"})
        credentials = await instances.credentials(uow, instance)
        vault = await open_vault(uow, tenant_id)  # read with the credentials; the session still has it
        quoted = None
        content = draft.content
        if draft.reply_to is not None:
            quoted = await messages.quotable(uow, instance, draft.reply_to, draft.chat_id)
            content = {**content, "reply_to": ids.to_wire(ids.MESSAGE, draft.reply_to)}
        row = await messages.begin_send(
            uow,
            instance,
            message_id=message_id,
            chat_id=draft.chat_id,
            kind=draft.kind,
            content=content,
            client_reference=draft.client_reference,
            idempotency_key=asked.use.key if asked.use else None,
            overdue=overdue,
            alike=provider.likeness,
        )
        units = units_of(draft.kind, draft.content)
        reservation = await plans.reserve_send(uow, tenant_id, instance.id, draft.chat_id, units=units)
        return Admitted(row, instance.environment, provider, credentials, vault, quoted, reservation, asked.use)

    async def _known(self, uow: UnitOfWork, use: Use, message_id: UUID, asked: Asked) -> Kept | None:
        """What the key was answered before, or None: it is ours now."""
        known = await idempotency.claim(uow, use, ref=message_id, lease_seconds=self._options.lease_seconds)
        if isinstance(known, Kept):
            return Kept(known.status, {**known.headers, "Idempotent-Replayed": "true"}, known.body)
        return None if known is None else await _again(uow, known, asked.principal.tenant, use)

    async def _forward(
        self, admitted: Admitted, draft: Draft, problem: Callable[[AppError], Kept], turn: Turn
    ) -> tuple[Kept, Answered]:
        most_seconds = draft.seconds or self._options.upstream_timeout_seconds + 1
        async with self._alive(admitted, most_seconds + TURN_SECONDS) as alive:
            await turn.come()
            answered = await self._call(admitted, draft, most_seconds, alive)
        turn.leave()
        for left in reversed(range(SETTLE_TRIES)):
            kept = await self._try_settling(admitted, problem, answered, is_last=left == 0)
            if kept is not None:
                return kept, answered
            await asyncio.sleep(0.05 * (SETTLE_TRIES - left))
        self._begun(self._settle_later(admitted, problem, answered))
        return problem(_not_known(admitted.row)), answered

    @asynccontextmanager
    async def _alive(self, admitted: Admitted, most_seconds: float) -> AsyncIterator["Alive"]:
        """Say from time to time that a send is under way that may take longer than a send is waited for."""
        alive, row = Alive(admitted.at), admitted.row

        async def say() -> None:
            while True:
                await asyncio.sleep(self._options.lease_seconds / 4)
                began = time.monotonic()
                try:
                    async with self._database.begin(row.tenant_id) as uow:
                        await messages.still_sending(uow, row)
                    alive.said_at = began
                except TROUBLE as error:
                    log.warning("send_not_kept_alive", error=type(error).__name__)

        saying = asyncio.create_task(say()) if most_seconds > self._options.lease_seconds else None
        try:
            yield alive
        finally:
            if saying is not None:
                saying.cancel()
                await asyncio.wait([saying])

    async def _try_settling(
        self, admitted: Admitted, problem: Callable[[AppError], Kept], answered: Answered, *, is_last: bool = True
    ) -> Kept | None:
        """What is told of the send; None when it may be written down in a moment.

        Its upstream id may have been taken since this began: by the echo of it, of which it takes over what it told
        when it is tried again, or for good by an equal message of unknown outcome; then it is found out which is whose.
        """
        try:
            async with self._database.begin(admitted.row.tenant_id) as uow:
                return await self._settle(uow, admitted, problem, answered.ending)
        except TROUBLE as error:
            log.warning("send_not_settled", error=type(error).__name__)
            return problem(_not_known(admitted.row)) if is_last and is_of_the_values(error) else None

    async def _settle_later(self, admitted: Admitted, problem: Callable[[AppError], Kept], answered: Answered) -> None:
        """The database is away: what we know need not be found out again when it is back."""
        for _ in range(LATER_TRIES):
            await asyncio.sleep(LATER_SECONDS)
            if await self._try_settling(admitted, problem, answered) is not None:
                return

    async def _call(self, admitted: Admitted, draft: Draft, most_seconds: float, alive: "Alive") -> Answered:
        now = time.monotonic()
        if draft.seconds is not None:
            most_seconds -= now - admitted.at  # whoever gave a time of his own waits no longer, however long the row
        if most_seconds <= 0 or now - alive.said_at >= self._options.lease_seconds:
            # This process stood still, and the message may have been given up as lost meanwhile.
            return Answered(Unreachable("it was too late to ask the gateway"))
        try:
            async with asyncio.timeout(most_seconds):
                return await draft.dispatch(admitted.provider, admitted.credentials, admitted.quoted)
        except ProviderError as error:
            return Answered(error)
        except Exception as error:
            log.error("send_crashed", error=type(error).__name__)
        return Answered(OutcomeUnknown())

    async def _settle(
        self, uow: UnitOfWork, admitted: Admitted, problem: Callable[[AppError], Kept], ending: Sent | ProviderError
    ) -> Kept:
        row = admitted.row
        if isinstance(ending, Sent):
            SENDS.labels("accepted").inc()
            return await _accept(uow, admitted, ending)
        if ending.outcome is Outcome.UNKNOWN:
            SENDS.labels("unknown").inc()
            if await messages.lost(uow, row):
                job = ResolveMessage(ref=row.id, tenant_id=row.tenant_id)
                uow.defer(job, after_seconds=self._options.resolve_seconds)
            return problem(_not_known(row))
        SENDS.labels("refused").inc()
        verdict = refusal(ending)
        answer = problem(verdict.error)
        if await messages.not_sent(uow, row, verdict.error.code, ending.detail):
            await plans.give_back(uow, row.tenant_id, row.instance_id, admitted.reservation)
            if admitted.use is not None and verdict.may_repeat:
                await idempotency.release(uow, admitted.use)
            elif admitted.use is not None:
                await idempotency.finish(uow, admitted.use, answer)
        return answer


def answer_of(row: Message) -> Kept:
    """The answer to a send that upstream has accepted: the same however late it is written, and however far it came."""
    shown = view(row)
    shown.status, shown.updated_at, shown.error = "queued", shown.created_at, None
    return Kept(202, {}, msgspec.json.encode(shown))


async def _accept(uow: UnitOfWork, admitted: Admitted, sent: Sent) -> Kept:
    row = admitted.row
    status = await messages.accepted(uow, row, sent.message_id)
    row.upstream_message_id = sent.message_id
    answer = answer_of(row)
    if admitted.use is not None:
        await idempotency.finish(uow, admitted.use, answer, admitted.vault)
    if status is not None and status != "queued":
        await messages.tell_progress(uow, admitted.environment, row, status)
    return answer


def _nothing_said(_: AppError) -> Kept:
    """Faces without a key word their answers themselves."""
    return Kept(0, {}, b"")


async def _again(uow: UnitOfWork, known: Started, tenant_id: UUID, use: Use) -> Kept:
    """The answer to a second use of a key whose first has no final answer."""
    row = None if known.ref is None else await messages.peek(uow, tenant_id, known.ref)
    if row is None or (row.status == "sending" and known.leased):
        raise InFlight(headers={"Retry-After": "1"})
    if row.upstream_message_id is not None:
        answer = answer_of(row)
        await idempotency.finish(uow, use, answer)
        return Kept(answer.status, {"Idempotent-Replayed": "true"}, answer.body)
    body = msgspec.to_builtins(view(row)) | {"status_url": _status_url(row)}
    if row.status == "sending":
        body["status"] = "unknown"
    return Kept(202, {}, msgspec.json.encode(body))


def _linked(instance: Instance) -> None:
    """Refuse an instance without a phone: upstream would keep the message for a day and send it then.

    Raises:
        InstanceNotConnected: see above.
    """
    if instance.connection in CANNOT_SEND:
        raise InstanceNotConnected(extra={"connection": instance.connection})


def _not_known(row: Message) -> OutcomeNotKnown:
    message_id = ids.to_wire(ids.MESSAGE, row.id)
    return OutcomeNotKnown(
        "Look at the message's status; it is settled within minutes.",
        extra={"message_id": message_id, "status_url": _status_url(row)},
    )


def _status_url(row: Message) -> str:
    return f"/v1/instances/{ids.to_wire(ids.INSTANCE, row.instance_id)}/messages/{ids.to_wire(ids.MESSAGE, row.id)}"
