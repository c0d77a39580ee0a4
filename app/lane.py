"""The fast path of live sends: what the gate asks is in memory, what was done is written in batches.

A send takes it when nothing about it needs the database: a key or line that is in use, a live instance that is paid
for and in no doubt, no `Idempotency-Key`, no rate to wait for, units of its limit at hand. Everything else, refusals
included, goes the ordinary way, which knows every reason and its words: what upstream surely refused is asked there
again. So this is a shorter way to the same answers, never another set of rules.
"""

import asyncio
import time
from hmac import compare_digest
from typing import Final
from uuid import UUID

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import Counter

from app.accounts.auth import LONGEST_HEADER, Authenticator
from app.accounts.principal import Principal
from app.accounts.scopes import Scope as Permission
from app.compat import address
from app.gateway import plain_text, recipients
from app.gateway.calls import CALL_SECONDS, Gateway
from app.gateway.catalogue import METHODS, Method
from app.gateway.endings import OutcomeNotKnown
from app.gateway.records import Records, SendRecord, answer_of
from app.gateway.snapshots import Snapshot, Snapshots
from app.gateway.turns import HELD, Turn
from app.kit import asgi, ids, problem
from app.kit.crypto import Keyring
from app.kit.deadlines import Deadlines
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.lines import service as lines
from app.messages.service import plain
from app.plans.leases import Leases
from app.providers.errors import OutcomeUnknown, ProviderError
from app.providers.port import Drafted, Native, Sent

FAST: Final = {name: METHODS[name.lower()] for name in ("sendMessage", "sendPoll", "sendLocation", "sendContact")}
BY_NAME: Final = {name.lower(): method for name, method in FAST.items()}
HEAD: Final = "waInstance"
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


class Asked(msgspec.Struct, frozen=True):
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

    def holds(self, now: float) -> bool:
        """Whether that is so recent that it holds, and the paid time goes on."""
        snapshot = self.snapshot
        return now - self.at <= RECENT_SECONDS and snapshot.clock.seconds(now) < snapshot.paid_until

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
        self._deadlines = Deadlines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a send; whatever is not for the lane is handed on as it came."""
        if scope["type"] == ScopeType.HTTP and scope["method"] == "POST" and not scope["query_string"]:
            asked = self._asked(scope["path"])
            if asked is not None and not self._records.is_full:
                snapshot = self._at_hand(asked, scope) or await self._let_in(asked, scope)
                if snapshot is not None:
                    entry = Entry(asked, scope, snapshot)
                    body, read = await asgi.read(receive, MOST_BYTES)
                    if body and await self._serve(entry, body, send):
                        return
                    receive = asgi.replaying(read, receive)
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
        parts = path.split("/")
        number = parts[1].removeprefix(HEAD) if len(parts) == 4 and not parts[0] and parts[3] else ""
        if number.isascii() and number.isdecimal() and len(number) <= address.LONGEST_NUMBER:
            method = BY_NAME.get(parts[2].lower())
            return None if method is None else Asked(int(number), method, False, parts[3])
        found = address.read(path)
        if found is None or not found.number or found.tail or not found.is_whole:
            return None
        method = BY_NAME.get(found.name.lower())
        return None if method is None else Asked(found.number, method, token=found.token)

    def _at_hand(self, asked: Asked, scope: Scope) -> Snapshot | None:
        """As `_let_in`, when nothing has to be read for it; else None."""
        snapshot = self._snapshots.peek(asked.key)
        if snapshot is None:
            return None
        if asked.token:
            known = snapshot.token_hash
            is_good = known is not None and compare_digest(self._keyring.fingerprint(asked.token), known)
            return snapshot if is_good else None
        token = _bearer(scope)
        principal = None if token is None else self._authenticator.peek(token)
        is_good = principal is not None and _may(principal, asked) and _is_his(principal, snapshot)
        return snapshot if is_good else None

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
        if await self._let_in(entry.asked, entry.scope) is not entry.snapshot:
            return False
        entry.at = time.monotonic()
        return entry.holds(entry.at)

    async def _serve(self, entry: Entry, body: bytes, send: Send) -> bool:
        """Send it and answer; False when it is to go the ordinary way, and nothing was done that must not be twice."""
        if not entry.holds(now := time.monotonic()) and not await self._holds(entry):
            return False
        client_reference, asked = None, entry.asked
        if asked.is_typed:
            create = plain_text.read(body)
            if create is None:
                return False
            client_reference = create.client_reference or None
            body = msgspec.json.encode({"chatId": create.to, "message": create.text.body})
            drafted: Drafted | None = Drafted(create.to, "text", {"text": create.text.body}, None)
        else:
            drafted = entry.snapshot.provider.drafted(asked.method.name, body)
        if drafted is None or not recipients.CHAT.fullmatch(drafted.chat_id):
            return False
        record = self._counted(entry, drafted, client_reference, now)
        return record is not None and await self._carry(entry, record, body, send)

    def _counted(self, entry: Entry, drafted: Drafted, client_reference: str | None, now: float) -> SendRecord | None:
        """The record of a message that may leave, its unit and its place in the pace taken; None if there is none."""
        snapshot = entry.snapshot
        at = snapshot.clock.now(now)
        day_on, month_on, holder = snapshot.clock.day_on, snapshot.clock.month_on, None
        if snapshot.limit is not None:
            holder = self._leases.take(snapshot.tenant_id, snapshot.instance_id, day_on, snapshot.limit)
            if holder is None:
                return None
        if not self._gateway.pace.take(snapshot.instance_id, entry.asked.method):
            self._give_back(snapshot.instance_id, holder)
            return None
        content = plain(drafted.content)
        return SendRecord(
            tenant_id=snapshot.tenant_id,
            instance_id=snapshot.instance_id,
            environment=snapshot.principal.environment,
            id=new_id(),
            kind=drafted.kind,
            chat_id=drafted.chat_id,
            content=content,
            likeness=snapshot.provider.likeness(drafted.kind, content),
            upstream_message_id=None,
            client_reference=client_reference,
            at=at,
            day_on=day_on,
            month_on=month_on,
            holder=holder,
        )

    async def _carry(self, entry: Entry, record: SendRecord, body: bytes, send: Send) -> bool:
        """Send it in its turn, which is kept for the ordinary way if that has to do it."""
        asked, turn = entry.asked, self._gateway.turns.enter(record.instance_id, record.chat_id)
        ended: Sent | ProviderError | None = None
        now = time.monotonic()
        ends = now + CALL_SECONDS
        entry.turn, is_asked = turn, False
        try:
            if not turn.is_first:
                await turn.come()
                now = time.monotonic()
            if entry.holds(now) or await self._holds(entry):
                is_asked = True
                ended = await self._forward(entry, body, ends)
        except BaseException:  # the process ends, or there is a fault: whether it was taken is to be found out
            if is_asked:
                self._records.add(record)
            else:
                self._give_back(record.instance_id, record.holder)
            turn.leave()
            raise
        if isinstance(ended, Sent):
            turn.leave()
            msgspec.structs.force_setattr(record, "upstream_message_id", ended.message_id)  # nobody else has it yet
            self._records.add(record)
            ACCEPTED.inc()
            if asked.is_typed:
                await _answer(entry.scope, send, 202, answer_of(record))
            else:
                told = msgspec.json.encode({"idMessage": ended.message_id})
                more = CORS if asked.token else ()
                await _answer(entry.scope, send, 200, told, content_type=GATEWAY_JSON, more=more)
            return True
        if isinstance(ended, OutcomeUnknown):
            turn.leave()
            UNKNOWN.inc()
            await self._in_doubt(entry, record, send)
            return True
        self._give_back(record.instance_id, record.holder)
        HELD.set(turn)
        return False

    def _give_back(self, instance_id: UUID, holder: UUID | None) -> None:
        if holder is not None:
            self._leases.give_back(instance_id, holder)

    async def _forward(self, entry: Entry, body: bytes, ends: float) -> Sent | ProviderError:
        provider, name = entry.snapshot.provider, entry.asked.method.name
        call = Native(name, "POST", "", body, "application/json")
        task = self._deadlines.enter(ends)
        try:
            reply = await provider.native(entry.snapshot.credentials, call)
        except ProviderError as error:
            return error
        except asyncio.CancelledError:
            if not self._deadlines.is_over(task):
                raise
            return OutcomeUnknown("the gateway gave no answer in time")
        finally:
            self._deadlines.leave(task)
        return provider.sent_by(name, reply)

    async def _in_doubt(self, entry: Entry, record: SendRecord, send: Send) -> None:
        """Write it down at once, to be found out; while it is in doubt the instance's sends go the ordinary way."""
        self._snapshots.forget()
        self._records.add(record)
        try:
            async with asyncio.timeout(WRITTEN_SECONDS):
                await self._records.settle()
        except TimeoutError:
            pass
        self._snapshots.forget()  # what was read before that was written
        if entry.asked.token:
            await _answer(
                entry.scope, send, 504, b"Gateway Timeout", content_type=b"text/plain; charset=utf-8", more=CORS
            )
            return
        message_id, instance_id = ids.to_wire(ids.MESSAGE, record.id), ids.to_wire(ids.INSTANCE, record.instance_id)
        extra = {"message_id": message_id, "status_url": f"/v1/instances/{instance_id}/messages/{message_id}"}
        error = OutcomeNotKnown("Look at the message's status; it is settled within minutes.", extra=extra)
        request_id = ids.new_wire("req")
        told = msgspec.json.encode(problem.document(error, docs_url=self._docs_url, request_id=request_id))
        await _answer(entry.scope, send, 504, told, content_type=b"application/problem+json", request_id=request_id)


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


async def _answer(
    scope: Scope,
    send: Send,
    status: int,
    body: bytes,
    *,
    content_type: bytes = b"application/json",
    request_id: str | None = None,
    more: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    shown = (request_id or ids.new_wire("req")).encode()
    headers = [(b"content-type", content_type), (b"x-request-id", shown), *KEPT, *more]
    await asgi.answer(scope, send, status, headers, body)
