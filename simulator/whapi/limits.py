"""What trial and sandbox may use: requests and chats of a month, messages and checks of a day, in UTC."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator.whapi import ids
from simulator.whapi.channel import Channel, Used
from simulator.whapi.errors import Problem
from simulator.whapi.wire import Call

if TYPE_CHECKING:
    from simulator.whapi.world import Whapi


def used(whapi: "Whapi", channel: Channel) -> Used:
    """The counters of the present day and month."""
    found = channel.used
    now = datetime.fromtimestamp(whapi.world.clock.now(), UTC)
    month, day = f"{now:%Y-%m}", f"{now:%Y-%m-%d}"
    if found.month != month:
        found.month, found.requests = month, 0
        found.chats.clear()
    if found.day != day:
        found.day, found.messages, found.checks = day, 0, 0
    return found


def is_limited(whapi: "Whapi", channel: Channel) -> bool:
    """The quotas hold for this channel. Source: Whapi help desk, read 2026-11-21."""
    return whapi.config.limits and channel.is_limited


def take_request(whapi: "Whapi", call: Call) -> None:
    """Count one request.

    Raises:
        Problem: 402, the month has no more; a refused one is not counted (choice).
    """
    if not is_limited(whapi, call.here) or call.method.name in whapi.config.uncounted:
        return
    found = used(whapi, call.here)
    if found.requests >= whapi.config.requests_a_month:
        raise Problem(402, "the requests of this month are used up")
    found.requests += 1


def check_message(whapi: "Whapi", channel: Channel, chat_id: str) -> None:
    """See whether a message to this chat is still free.

    Raises:
        Problem: 402, the messages of the day or the chats of the month are used up.
    """
    if not is_limited(whapi, channel):
        return
    found = used(whapi, channel)
    if found.messages >= whapi.config.messages_a_day:
        raise Problem(402, "the messages of today are used up")
    if chat_id and chat_id not in found.chats and len(found.chats) >= whapi.config.chats_a_month:
        raise Problem(402, "the chats of this month are used up")


def count_message(whapi: "Whapi", channel: Channel, chat_id: str) -> None:
    """A message was sent to this chat."""
    if is_limited(whapi, channel):
        found = used(whapi, channel)
        found.messages += 1
        if chat_id:
            found.chats[chat_id] = None


def take_checks(whapi: "Whapi", channel: Channel, number: int = 1) -> None:
    """Count so many number checks; for methods that make more than one.

    Raises:
        Problem: 402, there are not so many left today; none is counted then.
    """
    if not is_limited(whapi, channel):
        return
    found = used(whapi, channel)
    if found.checks + number > whapi.config.checks_a_day:
        raise Problem(402, "the checks of today are used up")
    found.checks += number


def before(whapi: "Whapi", call: Call) -> None:
    """Look at the quota that the row of the method names.

    Raises:
        Problem: 402.
    """
    if call.method.counts == "message":
        check_message(whapi, call.here, chat_of(call))
    elif call.method.counts == "check":
        take_checks(whapi, call.here)


def after(whapi: "Whapi", call: Call) -> None:
    """Count what was done."""
    if call.method.counts == "message":
        count_message(whapi, call.here, chat_of(call))


def chat_of(call: Call) -> str:
    """The chat that `to` of the body, or of the query beside a raw one, means; empty when there is none."""
    to = call.body.get("to") if isinstance(call.body, dict) else None
    if to is None and call.method.raw:
        to = call.query.get("to")
    try:
        return "" if to is None else ids.chat_of(call.here.talk, to)
    except Problem:
        return ""  # the method refuses it


def shown(whapi: "Whapi", channel: Channel) -> dict[str, Any]:
    """The figures of `getLimits`: what remains, what is used, or what the ceilings are (a knob)."""
    config, found = whapi.config, used(whapi, channel)
    ceilings = {
        "messages": config.messages_a_day,
        "checks": config.checks_a_day,
        "requests": config.requests_a_month,
    }
    spent = {"messages": found.messages, "checks": found.checks, "requests": found.requests}
    if config.limits_show == "used":
        figures = spent
    elif config.limits_show == "ceiling":
        figures = ceilings
    else:
        figures = {name: ceilings[name] - spent[name] for name in ceilings}
    return {**figures, "chats": list(found.chats)}
