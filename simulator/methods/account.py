"""Account methods: state, settings, restarts and logout."""

from simulator import life, outgoing, people, pictures
from simulator.clock import wake
from simulator.instance import LINKED, Phase
from simulator.methods.partner import min_delay_ms
from simulator.settings import Unfit, chosen
from simulator.wire import Call, Reply, answer, invalid
from simulator.world import World


def get_state(world: World, call: Call) -> Reply:
    """The state, or the literal null while there is none yet."""
    if call.here.phase is Phase.EMPTY:
        return Reply(b"null")
    return answer({"stateInstance": call.here.state})


def get_settings(world: World, call: Call) -> Reply:
    """All settings, with the own number first."""
    return answer({"wid": call.here.wid, **call.here.settings})


def set_settings(world: World, call: Call) -> Reply:
    """Change the keys that were sent, then restart."""
    instance = call.here
    try:
        changes = chosen(call.params, min_delay_ms(world))
    except Unfit as unfit:
        raise invalid(world, call, str(unfit)) from None
    if not changes:
        raise invalid(world, call, "at least one setting is required")
    instance.settings.update(changes)
    life.restart(world, instance)
    if instance.settings["webhookUrl"]:
        # Long polls under way must learn that pulling is over.
        for waiter in instance.waiters:
            wake(waiter)
        world.push.wake(instance)
    return answer({"saveSettings": True})


def get_wa_settings(world: World, call: Call) -> Reply:
    """The linked account; empty strings while none is linked."""
    instance, now = call.here, world.clock.now()
    phone = instance.wid.partition("@")[0] if instance.state in LINKED else ""
    avatar = instance.avatar if phone else ""
    synced = people.sync_progress(instance, now, world.config.history_sync_seconds)
    until = {"suspendedUntil": int(instance.suspended_until)} if instance.state == "suspended" else {}
    return answer(
        {
            "avatar": avatar,
            "phone": phone,
            "stateInstance": instance.state,
            "deviceId": f"{phone}:8@s.whatsapp.net" if phone else "",
            "chatId": instance.wid if phone else "",
            "base64Avatar": pictures.in_base64(world, avatar),
            "historySyncProgress": synced if phone else 0,
            "logoutProcess": False,
            **until,
        }
    )


def reboot(world: World, call: Call) -> Reply:
    """Restart; frees an instance that is stuck in `starting`."""
    life.restart(world, call.here, forced=True)
    return answer({"isReboot": True})


def logout(world: World, call: Call) -> Reply:
    """Take the linked device off the phone; queued sends wait for the next pairing."""
    life.unlink(world, call.here)
    outgoing.expire(world, call.here)
    return answer({"isLogout": True})
