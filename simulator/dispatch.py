"""From an understood call to a reply: who may call, how often, in which phase, and the journal of it."""

import json
from typing import Any

import msgspec

from simulator import quota, wire
from simulator.instance import LINKED, Instance, Phase
from simulator.journal import Entry
from simulator.limits import take
from simulator.methods.partner import UNAUTHORIZED
from simulator.wire import Call, Needs, Refusal, Reply
from simulator.world import World

LONGEST_JOURNALED = 4000
Headers = dict[str, str]


def decode(call: Call) -> Reply | None:
    """Read the JSON body into the call; the reply to give when it is none."""
    if not call.raw:
        return None
    try:
        call.body = msgspec.json.decode(call.raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return wire.plain(400, _complaint(call.raw))
    except RecursionError:
        return wire.plain(400, "bad request data")
    if call.verb == "POST" and call.body and not isinstance(call.body, dict):
        return wire.plain(400, "bad request data")
    return None


def gate(world: World, call: Call) -> tuple[Reply | None, Headers]:
    """Address, rate and token, in the order of the real gateway; a reply ends the call here."""
    if call.id_instance is None:
        if call.token not in world.partner_tokens:
            return UNAUTHORIZED, {}
        buckets = world.partner_buckets.setdefault(call.token, {})
        return _limited(world, call, buckets)
    instance = call.instance
    if instance is None:
        return wire.plain(403, "Forbidden"), {}
    if instance.vanished_at is not None:
        status = instance.vanished_answer
        return wire.plain(status, "Not Found" if status == 404 else "Forbidden"), {}
    refused, headers = _limited(world, call, instance.buckets)
    if refused is None and call.token != instance.token:
        refused = wire.empty(401)
    if refused is None and instance.deleted_at is not None:
        refused = _of_deleted(world, call, instance.deleted_at)
    return refused, headers


def admit(world: World, call: Call) -> Reply | None:
    """The refusal that the instance's phase calls for, or None when the method may answer."""
    instance = call.instance
    if instance is None:
        return None
    if instance.phase is Phase.CREATING:
        return wire.empty(401)
    needs = call.method.needs
    if instance.phase is Phase.EMPTY and needs is not Needs.EXISTENCE:
        return wire.plain(400, wire.STARTING_TEXT)
    if needs is Needs.SESSION and not (instance.phase is Phase.RUNNING and instance.base in LINKED):
        return wire.plain(400, wire.SESSION_TEXT)
    if needs is Needs.READINESS and instance.phase is not Phase.RUNNING:
        return wire.plain(400, wire.STARTING_TEXT)
    return None


def perform(world: World, call: Call, entry: Entry) -> Reply:
    """Do what the call asks, at once and wholly, and journal what came of it."""
    try:
        reply = admit(world, call) or call.flaw
        if reply is None and call.instance is not None:
            reply = quota.refusal(world, call)
        if reply is None:
            assert call.method.handler is not None
            reply = call.method.handler(world, call)
            if reply.real == "done" and call.instance is not None:
                quota.count(world, call)
    except Refusal as refusal:
        reply = refusal.reply
    if call.method.effect and reply.real == "done":
        _journal_effect(world, call, entry, reply)
    close(entry, reply)
    return reply


async def perform_waiting(world: World, call: Call, entry: Entry) -> Reply:
    """As `perform`, for methods that may take their time as well."""
    if call.method.waits is None:
        if call.method.first is not None:
            refused = await _ask_first(world, call, call.method.first)
            if refused is not None:
                close(entry, refused)
                return refused
        return perform(world, call, entry)
    try:
        reply = admit(world, call) or call.flaw
        if reply is None:
            reply = await call.method.waits(world, call)
    except Refusal as refusal:
        reply = refusal.reply
    close(entry, reply)
    return reply


async def _ask_first(world: World, call: Call, first: wire.First) -> Reply | None:
    if admit(world, call) is not None or call.flaw is not None:
        return None
    try:
        await first(world, call)
    except Refusal as refusal:
        return refusal.reply
    return None


def perform_late(world: World, call: Call, entry: Entry) -> None:
    """The effect of a call whose caller is not told; that it came to nothing is journaled as well."""
    shadow = Entry(entry.seq, entry.at, entry.kind, entry.method, entry.id_instance, entry.name)
    shadow.real = "refused"
    if call.method.handler is not None and (call.instance is None or call.instance.is_alive):
        perform(world, call, shadow)
    entry.id_instance, entry.name = shadow.id_instance, shadow.name
    if shadow.real != "done":
        effect = world.journal.add("effect", call.method.name, entry.id_instance, entry.name, call.body)
        effect.real = "refused"
        effect.more["call"] = entry.seq


def close(entry: Entry, reply: Reply) -> None:
    """Write into the call's line what happened and what the caller is told."""
    entry.real = reply.real
    entry.http_status = reply.status
    if reply.status != 200:
        entry.told = f"status:{reply.status}"
    else:
        entry.told = "ok" if reply.real == "done" else "refused"
    if reply.instance is not None:
        entry.id_instance = reply.instance.id_instance
        entry.name = reply.instance.name


def open_entry(world: World, call: Call) -> Entry:
    """Begin the call's line; until it is closed it says that nothing happened and nothing was told."""
    request: Any = call.body
    if request is None and call.query:
        request = call.query
    elif len(call.raw) > LONGEST_JOURNALED or (request is None and call.raw):
        request = call.raw[:LONGEST_JOURNALED].decode("utf-8", "replace")
    id_instance, name = call.id_instance, None
    if call.instance is not None:
        name = call.instance.name
    elif isinstance(call.body, dict):
        id_instance, name = _meant(world, call.body)
    entry = world.journal.add("call", call.method.name, id_instance, name, request)
    entry.real = "lost"
    entry.more["verb"] = call.verb
    return entry


def _meant(world: World, body: dict[str, Any]) -> tuple[int | None, str | None]:
    """The instance a partner call is about: by id when deleting, by name when creating."""
    wanted = body.get("idInstance")
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        target: Instance | None = world.instances.get(wanted)
        return wanted, None if target is None else target.name
    name = body.get("name")
    return None, name if isinstance(name, str) else None


def _limited(world: World, call: Call, buckets: dict[str, tuple[float, float]]) -> tuple[Reply | None, Headers]:
    method = call.method
    if not world.config.rate_limits or method.rate is None:
        return None, {}
    burst = max(1.0, method.rate, method.burst)
    allowed, left = take(buckets, method.name, method.rate, burst, world.clock.now())
    headers = {"X-RateLimit-Replenish-Rate": f"{method.rate:g}", "X-RateLimit-Remaining": str(left)}
    if method.burst:
        headers |= {
            "X-RateLimit-Burst-Capacity": f"{method.burst:g}",
            "X-RateLimit-Requested-Tokens": "1",
        }
    return (None if allowed else wire.empty(429)), headers


def _of_deleted(world: World, call: Call, deleted_at: float) -> Reply:
    until = deleted_at + world.config.deleted_answers_starting_seconds
    if call.method.name == "getStateInstance" and world.clock.now() < until:
        return wire.answer({"stateInstance": "starting"}, real="refused")
    return wire.plain(400, wire.DEAD_TEXT)


def _journal_effect(world: World, call: Call, entry: Entry, reply: Reply) -> None:
    instance = reply.instance or call.instance
    assert instance is not None
    effect = world.journal.add("effect", call.method.name, instance.id_instance, instance.name, call.body)
    effect.more["call"] = entry.seq


def _complaint(raw: bytes) -> str:
    try:
        json.loads(raw)
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc):
            return "Unexpected end of JSON input"
        return f"Unexpected token {error.doc[error.pos]} in JSON at position {error.pos}"
    except (ValueError, RecursionError):
        pass
    return "bad request data"
