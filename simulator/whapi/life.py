"""The life of a channel on the gate: sleep, launch, QR, link, errors, stop, end of its days, deletion."""

from typing import TYPE_CHECKING, Any

from simulator.whapi import days, qr
from simulator.whapi.channel import Channel

if TYPE_CHECKING:
    from simulator.whapi.world import Whapi

UP = frozenset({"QR", "AUTH", "SYNC_ERROR", "ERROR"})


def wake(whapi: "Whapi", channel: Channel) -> None:
    """Launch a channel that sleeps; any other stays as it is."""
    if channel.state == "NOT_INIT":
        launch(whapi, channel)


def launch(whapi: "Whapi", channel: Channel, *, away_seconds: float | None = None) -> None:
    """Go through INIT and LAUNCH to QR, or to AUTH when a phone is linked.

    Source: order of states from the health samples of the help desk, read 2026-11-21; durations are knobs.
    """
    config = whapi.config
    init = config.init_seconds if away_seconds is None else max(0.0, away_seconds - config.launch_seconds)
    qr.end(channel)
    channel.start_at = whapi.world.clock.now()
    channel.persists = bool(channel.settings.get("callback_persist"))
    channel.device_id = whapi.world.faults.rng.randrange(1, 60)
    become(whapi, channel, "INIT")
    _later(whapi, channel, init, lambda: connect(whapi, channel))


def connect(whapi: "Whapi", channel: Channel) -> None:
    """Go through LAUNCH, which takes seconds."""
    qr.end(channel)
    become(whapi, channel, "LAUNCH")
    _later(whapi, channel, whapi.config.launch_seconds, lambda: _arrive(whapi, channel))


def fail(whapi: "Whapi", channel: Channel, state: str) -> None:
    """Whatever the channel was about to do, it is in this state now: ERROR, SYNC_ERROR or asleep."""
    _drop_timer(channel)
    qr.end(channel)
    become(whapi, channel, state)


def become(whapi: "Whapi", channel: Channel, state: str) -> None:
    """Change the state and tell of it."""
    if channel.state == state:
        return
    channel.state = state
    channel.state_since = whapi.world.clock.now()
    whapi.tell(channel, "channel", "post", {"health": health(whapi, channel)})
    if state == "QR":
        qr.begin(whapi, channel)


def link(whapi: "Whapi", channel: Channel, phone: str, name: str) -> None:
    """A phone was linked: `users` post, then AUTH."""
    _drop_timer(channel)
    qr.end(channel)
    channel.user = {"id": phone, "name": name, "pushname": name, "is_business": False, "saved": True}
    channel.phone = phone
    channel.session_broken = False
    channel.profile = {"name": name, "about": "", **channel.profile}
    whapi.tell(channel, "users", "post", {"user": dict(channel.user)})
    become(whapi, channel, "AUTH")


def unlink(whapi: "Whapi", channel: Channel) -> None:
    """The link is gone, by either side: `users` delete, then through LAUNCH to a new QR if the channel is up."""
    user, channel.user = channel.user, None
    channel.session_broken = False
    channel.profile = {}
    if user is not None:
        whapi.tell(channel, "users", "delete", {"user": user})
    if channel.state in UP:
        connect(whapi, channel)


def halt(whapi: "Whapi", channel: Channel) -> None:
    """The channel is down and stays down: STOP. The link outlives it (choice)."""
    _drop_timer(channel)
    qr.end(channel)
    channel.stopped = True
    channel.busy_until = 0.0
    become(whapi, channel, "STOP")


def arm(whapi: "Whapi", channel: Channel) -> None:
    """See to it that the channel stops itself when its days are over."""
    if channel.end_timer is not None:
        channel.end_timer.cancel()
        channel.end_timer = None
    if channel.frozen is None and channel.is_alive:
        channel.end_timer = whapi.world.clock.at(channel.active_till / 1000, lambda: _end_of_days(whapi, channel))


def revive(whapi: "Whapi", channel: Channel) -> None:
    """New days came: a channel that had stopped itself may come back, one that the partner stopped does not."""
    arm(whapi, channel)
    if channel.expired and days.left(whapi, channel) > 0:
        channel.expired = False
        if whapi.config.extend_wakes:
            channel.stopped = False
            launch(whapi, channel)


def delete(whapi: "Whapi", channel: Channel) -> None:
    """The partner gave it up: days come back by the rules, session and webhooks are gone."""
    days.take_back(whapi, channel, "deletion")
    channel.deleted_at = whapi.world.clock.now()
    channel.partner.gone.append(channel)
    _forget(whapi, channel)


def vanish(whapi: "Whapi", channel: Channel, reason: str = "vanished") -> None:
    """The upstream loses the channel, with its days."""
    days.lose(whapi, channel, reason)
    channel.vanished_at = whapi.world.clock.now()
    _forget(whapi, channel)


def health(whapi: "Whapi", channel: Channel) -> dict[str, Any]:
    """The answer of `checkHealth`; times in whole seconds."""
    now = whapi.world.clock.now()
    is_up = channel.state not in ("NOT_INIT", "STOP")
    told: dict[str, Any] = {
        "channel_id": channel.id,
        "start_at": int(channel.start_at) if is_up else 0,
        "uptime": int(now - channel.start_at) if is_up else 0,
        "version": "1.8.7",
        "status": {"code": channel.code(whapi.config), "text": channel.state},
    }
    if channel.is_linked and channel.user is not None:
        told |= {"device_id": channel.device_id, "user": dict(channel.user)}
    return told


def _arrive(whapi: "Whapi", channel: Channel) -> None:
    channel.life_timer = None
    config = whapi.config
    chance = config.launch_fails_probability
    if channel.blocked or (chance > 0 and whapi.world.faults.rng.random() < chance):
        become(whapi, channel, "ERROR")
    elif channel.user is None:
        become(whapi, channel, "QR")
        if config.sleep_after_seconds is not None:
            _later(whapi, channel, config.sleep_after_seconds, lambda: fail(whapi, channel, "NOT_INIT"))
    else:
        become(whapi, channel, "SYNC_ERROR" if channel.session_broken else "AUTH")


def _end_of_days(whapi: "Whapi", channel: Channel) -> None:
    channel.end_timer = None
    days.drain(whapi, channel)
    if not channel.stopped:
        channel.expired = True
        halt(whapi, channel)
    kept = whapi.config.expired_kept_seconds
    if kept is not None:
        ended = channel.active_till
        whapi.world.clock.after(kept, lambda: _too_late(whapi, channel, ended))


def _too_late(whapi: "Whapi", channel: Channel, ended: int) -> None:
    if channel.is_alive and channel.active_till == ended:
        vanish(whapi, channel, "kept no longer")


def _later(whapi: "Whapi", channel: Channel, seconds: float, callback: Any) -> None:
    _drop_timer(channel)
    channel.life_timer = whapi.world.clock.after(seconds, callback)


def _drop_timer(channel: Channel) -> None:
    if channel.life_timer is not None:
        channel.life_timer.cancel()
        channel.life_timer = None


def _forget(whapi: "Whapi", channel: Channel) -> None:
    _drop_timer(channel)
    qr.end(channel)
    if channel.end_timer is not None:
        channel.end_timer.cancel()
        channel.end_timer = None
    channel.partner.channels.pop(channel.id, None)
    whapi.webhooks.drop(channel)
