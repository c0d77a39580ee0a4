"""From an understood call to a reply: who may call, in which state, at whose cost, and the journal of it."""

from typing import Any

from simulator.journal import Entry
from simulator.limits import take
from simulator.whapi import errors, limits
from simulator.whapi.channel import Channel
from simulator.whapi.errors import Problem
from simulator.whapi.wire import Call, Needs
from simulator.whapi.world import Whapi
from simulator.wire import Reply

LONGEST_JOURNALED = 4000


def gate(whapi: Whapi, call: Call) -> None:
    """What is looked at before anything is done.

    Raises:
        Problem: 429, this caller calls too often (a knob; Whapi names no figure).
    """
    rate = whapi.config.manager_rate if call.method.host == "manager" else whapi.config.gate_rate
    if rate is None:
        return
    buckets = call.account.buckets if call.channel is None else call.channel.buckets
    allowed, _ = take(buckets, "", rate, max(1.0, rate), whapi.world.clock.now())
    if not allowed:
        raise too_many(whapi, 1)


def too_many(whapi: Whapi, seconds: float) -> Problem:
    """The 429, with Retry-After when the knob says so."""
    headers = {"Retry-After": str(max(1, round(seconds)))} if whapi.config.retry_after else {}
    return Problem(429, "too many requests", headers=headers)


def admit(whapi: Whapi, call: Call) -> None:
    """Whether the channel is in a state for this.

    Raises:
        Problem: 404 the channel is gone, 401 no phone is linked, or the knob's status when it is out of step.
    """
    channel = call.channel
    if channel is None:
        return
    if not channel.is_alive:
        raise Problem(404, "channel not found")
    needs = call.method.needs
    if needs is Needs.SYNC and whapi.config.reads_without_phone != "refused":
        return
    if needs is not Needs.TOKEN and not channel.is_linked:
        raise Problem(401, "the channel is not authorized in WhatsApp")
    if needs is Needs.SYNC and channel.state == "SYNC_ERROR":
        raise Problem(whapi.config.sync_error_status, "the channel is out of sync")


def perform(whapi: Whapi, call: Call, entry: Entry) -> Reply:
    """Do what the call asks, at once and wholly, and journal what came of it."""
    try:
        reply = _perform(whapi, call)
    except Problem as problem:
        reply = refuse(whapi, entry, problem)
    if call.method.effect and reply.real == "done":
        _journal_effect(whapi, call, entry)
    close(call, entry, reply)
    return reply


async def prepare(whapi: Whapi, call: Call) -> None:
    """Let the method take its time, such as typing or fetching; why it refused is kept for `perform`."""
    if call.method.first is None or call.flaw:
        return
    try:
        admit(whapi, call)
        await call.method.first(whapi, call)
    except Problem as problem:
        call.refusal = problem


async def perform_waiting(whapi: Whapi, call: Call, entry: Entry) -> Reply:
    """As `perform`, for methods that take their time first."""
    await prepare(whapi, call)
    return perform(whapi, call, entry)


def perform_late(whapi: Whapi, call: Call, entry: Entry) -> None:
    """The effect of a call whose caller is not told; that it came to nothing is journaled as well."""
    shadow = Entry(entry.seq, entry.at, entry.kind, entry.method, None, entry.name)
    shadow.more = dict(entry.more)
    perform(whapi, call, shadow)
    entry.name, entry.more["channel_id"] = shadow.name, shadow.more["channel_id"]
    if shadow.real != "done":
        effect = whapi.world.journal.add("effect", call.method.name, None, entry.name, entry.request)
        effect.real = "refused"
        effect.more |= {"provider": "whapi", "channel_id": entry.more["channel_id"], "call": entry.seq}
    for blob in call.files.values():
        whapi.world.storage.drop_unused(blob)


def refuse(whapi: Whapi, entry: Entry, problem: Problem) -> Reply:
    """The refusal as it is told; its headers wait in the entry for the server."""
    if problem.headers:
        entry.more["headers"] = problem.headers
    return errors.reply(whapi.config, problem)


def close(call: Call, entry: Entry, reply: Reply) -> None:
    """Write into the call's line what happened and what the caller is told."""
    entry.real = reply.real
    entry.http_status = reply.status
    entry.told = "ok" if reply.status < 300 else f"status:{reply.status}"
    if call.channel is not None:
        entry.name, entry.more["channel_id"] = call.channel.name, call.channel.id


def open_entry(whapi: Whapi, call: Call, verb: str) -> Entry:
    """Begin the call's line; until it is closed it says that nothing happened and nothing was told."""
    request: Any = call.body
    if len(call.raw) > LONGEST_JOURNALED or (request is None and call.raw):
        request = call.raw[:LONGEST_JOURNALED].decode("utf-8", "replace")
    elif request is None and call.query:
        request = {name: value for name, value in call.query.items() if name != "token"}
    channel_id, name = call.params.get("ChannelID"), None
    channel: Channel | None = call.channel
    if channel is None and channel_id is not None and call.partner is not None:
        channel = call.partner.channels.get(channel_id)
    if channel is not None:
        channel_id, name = channel.id, channel.name
    elif isinstance(call.body, dict) and call.method.name == "createChannel":
        name = call.body.get("name") if isinstance(call.body.get("name"), str) else None
    entry = whapi.world.journal.add("call", call.method.name, None, name, request)
    entry.real = "lost"
    entry.more |= {"provider": "whapi", "channel_id": channel_id, "verb": verb}
    return entry


def _perform(whapi: Whapi, call: Call) -> Reply:
    admitted = call.channel is not None
    if admitted:
        # A channel that is gone is not told of quotas; one that is not linked still pays for the request.
        if call.here.is_alive:
            limits.take_request(whapi, call)
        admit(whapi, call)
    if call.flaw:
        raise Problem(400, call.flaw)
    if call.refusal is not None:
        raise call.refusal
    if admitted:
        limits.before(whapi, call)
    reply = call.method.handler(whapi, call)
    if admitted and reply.real == "done":
        limits.after(whapi, call)
    return reply


def _journal_effect(whapi: Whapi, call: Call, entry: Entry) -> None:
    channel = call.channel
    name = entry.name if channel is None else channel.name
    effect = whapi.world.journal.add("effect", call.method.name, None, name, entry.request)
    channel_id = entry.more["channel_id"] if channel is None else channel.id
    effect.more |= {"provider": "whapi", "channel_id": channel_id, "call": entry.seq}
