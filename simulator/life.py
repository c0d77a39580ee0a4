"""The life of an instance: creation, warm-up, restarts, pairing, loss and deletion."""

import secrets
from typing import TYPE_CHECKING, Any

from simulator import billing, outgoing, people
from simulator.clock import wake
from simulator.instance import LINKED, Instance, Phase
from simulator.notices import emit
from simulator.settings import defaults

if TYPE_CHECKING:
    from simulator.world import World

END_OF_VIEW: dict[str, Any] = {}
"""Put into a viewer's queue to close its socket without a frame."""


def create(world: "World", partner_token: str, name: str, settings: dict[str, Any]) -> Instance:
    """Make an instance, charge it, and let its warm-up begin."""
    now = world.clock.now()
    lag = world.config.listing_lag_seconds
    seconds = world.faults.rng.uniform(lag[0], lag[1]) if isinstance(lag, list) else lag
    instance = Instance(
        id_instance=world.next_id(),
        token=secrets.token_hex(25),
        name=name,
        partner_token=partner_token,
        created_at=now,
        visible_at=now + seconds,
        settings={**defaults(), **settings},
    )
    world.add(instance)
    billing.charge(world, instance, "creation")
    instance.phase_timer = world.clock.after(world.config.warmup_401_seconds, lambda: _open_empty(world, instance))
    return instance


def restart(world: "World", instance: Instance, *, forced: bool = False) -> None:
    """Go through `starting` and come back as before; a forced one also frees an instance that is stuck."""
    until = world.clock.now() + world.config.restart_seconds
    if forced:
        instance.stuck_until = 0.0
        instance.code_stuck = False
        instance.code_calls = 0
        if instance.base == "yellowCard":
            instance.base = "authorized"
    elif instance.phase is Phase.STARTING and instance.phase_timer is not None:
        until = max(until, instance.phase_timer.due)
    _start(world, instance, until)


def stick(world: "World", instance: Instance, seconds: float) -> None:
    """Hold the instance in `starting` for so long, beginning with its warm-up if that still runs."""
    until = world.clock.now() + seconds
    instance.stuck_until = max(instance.stuck_until, until)
    if instance.phase in (Phase.STARTING, Phase.RUNNING):
        _start(world, instance, until)


def link(world: "World", instance: Instance, wid: str, push_name: str) -> None:
    """A phone was linked: authorized, told to whoever watches the code, and the queue flows."""
    instance.wid = wid
    instance.push_name = push_name
    instance.linked_at = world.clock.now()
    instance.code = ""
    instance.code_calls = 0
    if instance.viewer is not None:
        settings = instance.settings
        account = {"wid": wid, "pushname": push_name, "webhookUrl": settings["webhookUrl"]}
        instance.viewer.put_nowait({"type": "accountData", "message": account})
    become(world, instance, "authorized")


def unlink(world: "World", instance: Instance) -> None:
    """No phone is linked any more."""
    instance.wid = ""
    instance.push_name = ""
    instance.code = ""
    become(world, instance, "notAuthorized")


def become(world: "World", instance: Instance, base: str) -> None:
    """Change the state below any restart that is under way."""
    changed = instance.base != base
    instance.base = base
    if base == "notAuthorized":
        instance.qr_since = world.clock.now()
    if changed and instance.phase is Phase.RUNNING:
        _tell(world, instance)
        outgoing.pump(world, instance)


def delete(world: "World", instance: Instance) -> None:
    """The partner gave it up; the phone is not told, so its linked device stays."""
    instance.linked_device_left = instance.base in LINKED
    instance.deleted_at = world.clock.now()
    _end(world, instance)


def vanish(world: "World", instance: Instance, answer: int) -> None:
    """The upstream loses it: neither listed nor charged, every call answered with this status."""
    instance.vanished_at = world.clock.now()
    instance.vanished_answer = answer
    world.listed[instance.partner_token].pop(instance.id_instance, None)
    _end(world, instance)


def _open_empty(world: "World", instance: Instance) -> None:
    instance.phase = Phase.EMPTY
    until = world.clock.now() + world.config.warmup_null_seconds

    def begin() -> None:
        due = world.clock.now() + world.config.starting_seconds
        _start(world, instance, max(due, instance.stuck_until))

    instance.phase_timer = world.clock.at(until, begin)


def _start(world: "World", instance: Instance, until: float) -> None:
    if instance.phase_timer is not None:
        instance.phase_timer.cancel()
    instance.phase_timer = world.clock.at(max(until, instance.stuck_until), lambda: _run(world, instance))
    if instance.phase is not Phase.STARTING:
        instance.phase = Phase.STARTING
        _tell(world, instance)


def _run(world: "World", instance: Instance) -> None:
    instance.phase = Phase.RUNNING
    instance.phase_timer = None
    instance.qr_since = world.clock.now()
    _tell(world, instance)
    outgoing.pump(world, instance)


def _tell(world: "World", instance: Instance) -> None:
    people.note_state(instance, world.clock.now())
    emit(world, instance, "stateInstanceChanged", {"stateInstance": instance.state})


def _end(world: "World", instance: Instance) -> None:
    world.alive.pop(instance.id_instance, None)
    for timer in (instance.phase_timer, instance.outgoing_timer):
        if timer is not None:
            timer.cancel()
    instance.phase_timer = instance.outgoing_timer = None
    if instance.viewer is not None:
        instance.viewer.put_nowait(END_OF_VIEW)
    for waiter in instance.waiters:
        wake(waiter)
