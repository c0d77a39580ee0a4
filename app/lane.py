"""The fast path of live sends: what the gate asks is in memory, what was done is written in batches.

A send takes it when nothing about it needs the database: a key or line that is in use, a live instance that is paid
for and in no doubt, no `Idempotency-Key`, no rate to wait for, units of its limit at hand. Everything else, refusals
included, goes the ordinary way, which knows every reason and its words: what upstream surely refused is asked there
again. So this is a shorter way to the same answers, never another set of rules.
"""

import asyncio
import time
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import Counter

from app.accounts.auth import LONGEST_HEADER, Authenticator
from app.accounts.principal import Principal
from app.accounts.scopes import Scope as Permission
from app.compat import address
from app.gateway import recipients
from app.gateway.calls import CALL_SECONDS, Gateway
from app.gateway.catalogue import METHODS, Method
from app.gateway.endings import OutcomeNotKnown
from app.gateway.records import Records, SendRecord, answer_of
from app.gateway.schemas import MessageCreate, TextContent
from app.gateway.snapshots import Snapshot, Snapshots
from app.gateway.turns import HELD, Turn
from app.kit import ids, problem
from app.kit.crypto import Keyring
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.lines import service as lines
from app.messages.service import plain
from app.plans.leases import Leases
from app.providers.errors import OutcomeUnknown, ProviderError
from app.providers.port import Native, Sent

FAST: Final = {name: METHODS[name.lower()] for name in ("sendMessage", "sendPoll", "sendLocation", "sendContact")}
BY_NAME: Final = {name.lower(): method for name, method in FAST.items()}
MOST_BYTES: Final = 100_000
MOST_PATHS: Final = 50_000
WRITTEN_SECONDS: Final = 2.0
READ_SECONDS: Final = 0.5
RECENT_SECONDS: Final = 0.1
SENDS: Final = Counter("sublet_lane_sends", "Live sends on the fast path by how they ended.", ["outcome"])
ACCEPTED, UNKNOWN = SENDS.labels("accepted"), SENDS.labels("unknown")
GATEWAY_JSON: Final = b"application/json; charset=utf-8"
CORS: Final = ((b"access-control-allow-origin", b"*"),)
KEPT: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may take the lane: for which instance, by which method; the typed face has no method's name."""

    key: UUID | int
    method: Method
    is_typed: bool = False
    token: str = ""


class Entry:
    """A request that was let in, when that was looked at, and its place among the messages to its chat."""

    __slots__ = ("asked", "at", "scope", "snapshot", "turn")

    def __init__(self, asked: Asked, scope: Scope, snapshot: Snapshot) -> None:
        self.asked, self.scope, self.snapshot = asked, scope, snapshot
        self.at = time.monotonic()
        self.turn: Turn | None = None

    def leave(self) -> None:
        """Let the next one come, if this is in a row."""
        if self.turn is not None:
            self.turn.leave()


class Lane:
    """ASGI middleware in front of the door."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        authenticator: Authenticator,
        keyring: Keyring,
        snapshots: Snapshots,
        gateway: Gateway,
        records: Records,
        leases: Leases,
        docs_url: str,
    ) -> None:
        self.app = app
        self._authenticator = authenticator
        self._keyring = keyring
        self._snapshots = snapshots
        self._gateway = gateway
        self._records = records
        self._leases = leases
        self._docs_url = docs_url
        self._paths: dict[str, Asked] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a send; whatever is not for the lane is handed on as it came."""
        if scope["type"] == ScopeType.HTTP and scope["method"] == "POST" and not scope["query_string"]:
            asked = self._asked(scope["path"])
            if asked is not None and not self._records.is_full:
                snapshot = await self._let_in(asked, scope)
                if snapshot is not None:
                    entry = Entry(asked, scope, snapshot)
                    body, receive = await _read(receive)
                    if body and await self._serve(entry, body, send):
                        return
                    try:
                        await self.app(scope, receive, send)
                    finally:
                        entry.leave()
                    return
        await self.app(scope, receive, send)

    def _asked(self, path: str) -> Asked | None:
        if path.startswith("/v1/instances/"):
            if path in self._paths:
                return self._paths[path]
            asked = _of_ours(path)
            if asked is not None:
                if len(self._paths) >= MOST_PATHS:
                    self._paths.clear()
                self._paths[path] = asked
            return asked
        if "waInstance" not in path[:18]:
            return None
        found = address.read(path)
        if found is None or not found.number or found.tail or not found.is_whole:
            return None
        method = BY_NAME.get(found.name.lower())
        return None if method is None else Asked(found.number, method, token=found.token)

    async def _let_in(self, asked: Asked, scope: Scope) -> Snapshot | None:
        """The instance's snapshot if the credential is good for it, as the ordinary way would find.

        What is not at hand is read, together with what others wait for; for a credential that nobody has made nothing
        is looked up.
        """
        if asked.token:
            snapshot = self._snapshots.peek(asked.key)
            if snapshot is None and lines.well_formed(asked.token):
                snapshot = await self._snapshots.get(asked.key, READ_SECONDS)
            known = None if snapshot is None else snapshot.token_hash
            is_good = known is not None and compare_digest(self._keyring.fingerprint(asked.token), known)
            return snapshot if is_good else None
        token = _bearer(scope)
        if token is None:
            return None
        principal = self._authenticator.peek(token) or await self._authenticator.get(token, READ_SECONDS)
        if principal is None or not _may(principal, asked):
            return None
        snapshot = self._snapshots.peek(asked.key) or await self._snapshots.get(asked.key, READ_SECONDS)
        return snapshot if snapshot is not None and _is_his(principal, snapshot) else None

    async def _holds(self, entry: Entry) -> bool:
        """Whether what let a request in still holds: it may have been long on its way, or stood in a row since."""
        now = time.monotonic()
        if now - entry.at > RECENT_SECONDS:
            if await self._let_in(entry.asked, entry.scope) is not entry.snapshot:
                return False
            entry.at = now = time.monotonic()
        return entry.snapshot.clock.seconds(now) < entry.snapshot.paid_until

    async def _serve(self, entry: Entry, body: bytes, send: Send) -> bool:
        """Send it and answer; False when it is to go the ordinary way, and nothing was done that must not be twice."""
        if not await self._holds(entry):
            return False
        asked, snapshot, now = entry.asked, entry.snapshot, time.monotonic()
        provider, create = snapshot.provider, None
        if asked.is_typed:
            create = _typed(body)
            if create is None:
                return False
            body = msgspec.json.encode({"chatId": create.to, "message": create.text.body})
        drafted = provider.drafted(asked.method.name, body)
        if drafted is None or not recipients.CHAT.fullmatch(drafted.chat_id):
            return False
        at = snapshot.clock.now(now)
        day_on, month_on, holder = snapshot.clock.day_on, snapshot.clock.month_on, None
        if snapshot.limit is not None:
            holder = self._leases.take(snapshot.tenant_id, snapshot.instance_id, day_on, snapshot.limit)
            if holder is None:
                return False
        if not self._gateway.pace.take(snapshot.instance_id, asked.method):
            self._give_back(snapshot.instance_id, holder)
            return False
        content = plain(drafted.content)
        record = SendRecord(
            tenant_id=snapshot.tenant_id,
            instance_id=snapshot.instance_id,
            environment=snapshot.principal.environment,
            id=new_id(),
            kind=drafted.kind,
            chat_id=drafted.chat_id,
            content=content,
            likeness=provider.likeness(drafted.kind, content),
            upstream_message_id=None,
            client_reference=create.client_reference or None if create is not None else None,
            at=at,
            day_on=day_on,
            month_on=month_on,
            holder=holder,
            leased=holder is not None,
        )
        return await self._carry(entry, record, body, send)

    async def _carry(self, entry: Entry, record: SendRecord, body: bytes, send: Send) -> bool:
        """Send it in its turn, which is kept for the ordinary way if that has to do it."""
        asked, turn = entry.asked, self._gateway.turns.enter(record.instance_id, record.chat_id)
        ended: tuple[Sent, bytes] | ProviderError | None = None
        ends = time.monotonic() + CALL_SECONDS
        entry.turn, is_asked = turn, False
        try:
            await turn.come()
            if await self._holds(entry):
                is_asked = True
                ended = await self._forward(entry, body, ends - time.monotonic())
        except BaseException:  # the process ends, or there is a fault: whether it was taken is to be found out
            if is_asked:
                self._records.add(record)
            else:
                self._give_back(record.instance_id, record.holder)
            turn.leave()
            raise
        if isinstance(ended, tuple):
            turn.leave()
            sent, raw = ended
            record = msgspec.structs.replace(record, upstream_message_id=sent.message_id)
            self._records.add(record)
            ACCEPTED.inc()
            if asked.is_typed:
                await _answer(send, 202, answer_of(record))
            else:
                await _answer(send, 200, raw, content_type=GATEWAY_JSON, more=CORS if asked.token else ())
            return True
        if isinstance(ended, OutcomeUnknown):
            turn.leave()
            UNKNOWN.inc()
            await self._in_doubt(asked, record, send)
            return True
        self._give_back(record.instance_id, record.holder)
        HELD.set(turn)
        return False

    def _give_back(self, instance_id: UUID, holder: UUID | None) -> None:
        if holder is not None:
            self._leases.give_back(instance_id, holder)

    async def _forward(self, entry: Entry, body: bytes, seconds: float) -> tuple[Sent, bytes] | ProviderError:
        provider, name = entry.snapshot.provider, entry.asked.method.name
        try:
            async with asyncio.timeout(seconds):
                reply = await provider.native(
                    entry.snapshot.credentials, Native(name, "POST", "", body, "application/json")
                )
        except ProviderError as error:
            return error
        except TimeoutError:
            return OutcomeUnknown("the gateway gave no answer in time")
        sent = provider.sent_by(name, reply)
        if isinstance(sent, ProviderError):
            return sent
        return sent, msgspec.json.encode({"idMessage": sent.message_id})

    async def _in_doubt(self, asked: Asked, record: SendRecord, send: Send) -> None:
        """Write it down at once, to be found out; while it is in doubt the instance's sends go the ordinary way."""
        self._snapshots.forget()
        self._records.add(record)
        try:
            async with asyncio.timeout(WRITTEN_SECONDS):
                await self._records.settle()
        except TimeoutError:
            pass
        self._snapshots.forget()  # what was read before that was written
        if asked.token:
            await _answer(send, 504, b"Gateway Timeout", content_type=b"text/plain; charset=utf-8", more=CORS)
            return
        message_id, instance_id = ids.to_wire(ids.MESSAGE, record.id), ids.to_wire(ids.INSTANCE, record.instance_id)
        extra = {"message_id": message_id, "status_url": f"/v1/instances/{instance_id}/messages/{message_id}"}
        error = OutcomeNotKnown("Look at the message's status; it is settled within minutes.", extra=extra)
        request_id = ids.to_wire("req", new_id())
        told = msgspec.json.encode(problem.document(error, docs_url=self._docs_url, request_id=request_id))
        await _answer(send, 504, told, content_type=b"application/problem+json", request_id=request_id)


def _bearer(scope: Scope) -> str | None:
    """The key of a plain request with JSON; None for what the ordinary way must look at."""
    bearer = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            bearer = value
        elif name == b"idempotency-key" or (name == b"content-type" and not value.startswith(b"application/json")):
            return None
    if bearer is None or bearer[:7].lower() != b"bearer " or len(bearer) > LONGEST_HEADER:
        return None
    return str(bearer[7:].strip().decode("latin-1"))


def _of_ours(path: str) -> Asked | None:
    parts = path.split("/")
    try:
        if len(parts) == 5 and parts[4] == "messages":
            return Asked(ids.from_wire(ids.INSTANCE, parts[3]), FAST["sendMessage"], is_typed=True)
        if len(parts) == 6 and parts[4] == "gateway" and parts[5].lower() in BY_NAME:
            return Asked(ids.from_wire(ids.INSTANCE, parts[3]), BY_NAME[parts[5].lower()])
    except NotFound:
        pass
    return None


def _may(principal: Principal, asked: Asked) -> bool:
    scopes = principal.scopes
    return Permission.MESSAGES_SEND in scopes and (asked.is_typed or Permission.GATEWAY_CALL in scopes)


def _is_his(principal: Principal, snapshot: Snapshot) -> bool:
    return (
        principal.tenant_id == snapshot.tenant_id
        and principal.environment == snapshot.principal.environment
        and principal.may_use(snapshot.instance_id)
    )


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    """The one shape of a typed send that takes the lane: a text with nothing else."""

    to: str
    type: str
    text: TextContent
    client_reference: Any = None


def _typed(body: bytes) -> Any:
    try:
        plain = msgspec.json.decode(body, type=_Plain)
        create = msgspec.json.decode(body, type=MessageCreate)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if plain.type != "text" or plain.text.link_preview is not msgspec.UNSET or not recipients.CHAT.fullmatch(plain.to):
        return None
    return create


async def _read(receive: Any) -> tuple[bytes, Any]:
    """A body that is there, and a way to read it again; empty when it is too long for the lane, or ended early."""
    read: list[Any] = []
    size = 0
    while True:
        message = await receive()
        read.append(message)
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or size > MOST_BYTES or not message.get("more_body"):
            break
    again = iter(read)

    async def replay() -> Any:
        for message in again:
            return message
        return await receive()

    is_whole = message["type"] == "http.request" and not message.get("more_body") and size <= MOST_BYTES
    return b"".join(each.get("body", b"") for each in read) if is_whole else b"", replay


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    *,
    content_type: bytes = b"application/json",
    request_id: str | None = None,
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", (request_id or ids.to_wire("req", new_id())).encode()),
        *KEPT,
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
