"""The ledger of days: a prepaid pool, days on each channel, and their way to consumption."""

from typing import TYPE_CHECKING

from simulator.whapi.channel import DAY, Channel
from simulator.whapi.partner import Movement, Partner

if TYPE_CHECKING:
    from simulator.whapi.world import Whapi


def move(
    whapi: "Whapi",
    partner: Partner,
    source: str,
    target: str,
    amount: int,
    reason: str,
    channel: Channel | None = None,
    comment: str = "",
) -> None:
    """Book an amount (milliseconds, nothing when 0) from one account to another, and tell of a low pool."""
    if amount <= 0:
        return
    before = partner.pool
    if source == "pool":
        partner.pool -= amount
    elif target == "pool":
        partner.pool += amount
    assert partner.pool >= 0
    channel_id, name = (None, None) if channel is None else (channel.id, channel.name)
    seq, now = len(partner.books) + 1, whapi.world.clock.now()
    partner.books.append(Movement(seq, now, source, target, amount, reason, channel_id, name, comment))
    if partner.pool < before:
        whapi.tell_low_days(partner, before)


def left(whapi: "Whapi", channel: Channel) -> int:
    """Milliseconds of days the channel still has."""
    if channel.frozen is not None:
        return channel.frozen[0]
    return max(0, channel.active_till - whapi.now_ms())


def drain(whapi: "Whapi", channel: Channel) -> None:
    """Book the time gone by since the last look as consumed."""
    if not channel.is_alive or channel.frozen is not None:
        return
    until = min(whapi.now_ms(), channel.active_till)
    if until > channel.drained:
        move(whapi, channel.partner, "channel", "consumed", until - channel.drained, "time", channel)
        channel.drained = until


def fund(whapi: "Whapi", channel: Channel, amount: int, source: str, reason: str, comment: str = "") -> None:
    """Put days on a channel from `pool` or `granted`; the caller saw to it that the pool covers them.

    Where they are added is a knob; by default to the later of now and activeTill (choice).
    """
    drain(whapi, channel)
    move(whapi, channel.partner, source, "channel", amount, reason, channel, comment)
    now = whapi.now_ms()
    if channel.frozen is not None:
        channel.frozen = (channel.frozen[0] + amount, channel.frozen[1])
        channel.active_till += amount
        return
    if channel.active_till <= now:
        channel.drained = now
    base = max(now, channel.active_till)
    chosen = whapi.config.extend_from
    if chosen == "now":
        _forfeit(whapi, channel, base - now, "overwritten")
        base = now
    elif chosen == "active_till" and channel.active_till < now:
        # The days are counted from a past end: what lies behind is lost at once.
        lost = min(amount, now - channel.active_till)
        _forfeit(whapi, channel, lost, "late")
        base = channel.active_till
    channel.active_till = base + amount


def take_back(whapi: "Whapi", channel: Channel, reason: str) -> int:
    """Return what the rules return to the pool, forfeit the rest, leave no day; milliseconds returned."""
    drain(whapi, channel)
    config = whapi.config
    total = left(whapi, channel)
    if channel.frozen is not None:
        gifted = channel.frozen[1]
    else:
        gifted = max(0, min(channel.gift_until, channel.active_till) - whapi.now_ms())
    paid = total if config.trial_refunded else max(0, total - gifted)
    if channel.blocked and not config.blocked_refunded:
        paid = 0
    back = _rounded(config.refund_rounding, paid)
    if back > total:
        move(whapi, channel.partner, "granted", "channel", back - total, "rounding", channel)
        total = back
    move(whapi, channel.partner, "channel", "pool", back, reason, channel)
    _forfeit(whapi, channel, total - back, "rest")
    now = whapi.now_ms()
    channel.active_till = min(channel.active_till, now)
    channel.drained = now
    channel.frozen = None
    channel.gift_until = 0
    return back


def freeze(whapi: "Whapi", channel: Channel) -> None:
    """Stop the days from running."""
    drain(whapi, channel)
    now = whapi.now_ms()
    gifted = max(0, min(channel.gift_until, channel.active_till) - now)
    channel.frozen = (max(0, channel.active_till - now), gifted)


def thaw(whapi: "Whapi", channel: Channel) -> None:
    """Let the days run again from now on."""
    if channel.frozen is None:
        return
    (total, gifted), channel.frozen = channel.frozen, None
    now = whapi.now_ms()
    channel.active_till = now + total
    channel.gift_until = now + gifted
    channel.drained = now


def lose(whapi: "Whapi", channel: Channel, reason: str) -> None:
    """The channel is gone and its days with it."""
    drain(whapi, channel)
    _forfeit(whapi, channel, left(whapi, channel), reason)


def _forfeit(whapi: "Whapi", channel: Channel, amount: int, reason: str) -> None:
    move(whapi, channel.partner, "channel", "forfeited", amount, reason, channel)


def _rounded(rule: str, amount: int) -> int:
    if rule == "exact":
        return amount
    if rule == "none":
        return 0
    return (amount + (DAY // 2 if rule == "nearest" else 0)) // DAY * DAY
