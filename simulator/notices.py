"""Notifications: which are wanted, the queue they wait in, and what may befall them on the way."""

from typing import TYPE_CHECKING, Any

from simulator import kinds
from simulator.clock import wake
from simulator.instance import Instance, Notice

if TYPE_CHECKING:
    from simulator.faults import Fault
    from simulator.world import World

SWITCHES: dict[str, tuple[str, ...]] = {
    "incomingMessageReceived": ("incomingWebhook",),
    "outgoingMessageReceived": ("outgoingMessageWebhook",),
    "outgoingAPIMessageReceived": ("outgoingAPIMessageWebhook",),
    "outgoingMessageStatus": ("outgoingWebhook",),
    "stateInstanceChanged": ("stateWebhook",),
    "incomingCall": ("incomingCallWebhook", "incomingWebhook"),
    "outgoingCall": ("outgoingCallWebhook",),
    "incomingBlock": ("incomingBlockWebhook", "incomingWebhook"),
    "statusInstanceChanged": ("statusInstanceWebhook",),
    "deviceInfo": ("deviceWebhook",),
    "quotaExceeded": (),
    "avatarInfo": (),
}
"""Settings that must all be `yes` for a kind to be queued.

Source: GREEN-API notification pages, read 2026-11-21.
"""

UNSTAMPED = frozenset({"quotaExceeded"})
"""Kinds whose samples have no timestamp."""

ALWAYS_TOLD = frozenset({"noAccount", "failed"})
"""Statuses of a sent message that come even when outgoingWebhook is `no`."""

OUTCOMES = {
    "refused": "refused",
    "unreachable": "lost",
    "timeout": "lost",
    "expired": "lost",
    "cleared": "lost",
    "dropped": "lost",
    "held": "late",
}
"""What a step means for the truth, where it is not `done`."""


def is_wanted(instance: Instance, kind: str, data: dict[str, Any]) -> bool:
    """The settings want notifications of this kind, and of this typeMessage of its messageData."""
    of_kind = kinds.SWITCHES.get(str(data.get("typeMessage")))
    needed = SWITCHES[kind] if of_kind is None else (*SWITCHES[kind], of_kind)
    return all(instance.settings[name] == "yes" for name in needed)


def emit(world: "World", instance: Instance, kind: str, fields: dict[str, Any], *, unknown_too: bool = False) -> None:
    """Queue a notification if the instance's settings want it, through the notification faults.

    A kind that no setting is known for is queued when `unknown_too` says so.
    """
    wanted = is_wanted(instance, kind, fields.get("messageData") or {}) if kind in SWITCHES else unknown_too
    if not wanted and not (kind == "outgoingMessageStatus" and fields["status"] in ALWAYS_TOLD):
        return
    if not instance.is_alive:
        return
    body = {
        "typeWebhook": kind,
        "instanceData": {
            "idInstance": instance.id_instance,
            "wid": instance.wid,
            "typeInstance": "whatsapp",
        },
        "timestamp": int(world.clock.now()),
        **fields,
    }
    if kind in UNSTAMPED:
        del body["timestamp"]
    fault = world.faults.for_notice(kind, instance.id_instance, instance.name)
    if fault is None:
        _enqueue(world, instance, body)
    else:
        _befall(world, instance, body, fault)
    if instance.held_notice is not None and (fault is None or fault.kind != "reorder_notification"):
        _release_held(world, instance)


def head(world: "World", instance: Instance) -> Notice | None:
    """The oldest notification that is still within its age."""
    expire(world, instance)
    return instance.notices[0] if instance.notices else None


def expire(world: "World", instance: Instance) -> None:
    """Drop what has waited longer than the upstream keeps it."""
    oldest = world.clock.now() - world.config.notification_age_seconds
    while instance.notices and instance.notices[0].queued_at < oldest:
        notice = instance.notices.popleft()
        note(world, instance, notice, "expired")


def acknowledge(world: "World", instance: Instance, notice: Notice) -> bool:
    """Take a notification out for good; false when it is gone already."""
    if instance.notices and instance.notices[0] is notice:
        instance.notices.popleft()
        return True
    try:
        instance.notices.remove(notice)
    except ValueError:
        return False
    return True


def clear(world: "World", instance: Instance) -> None:
    """Empty the queue."""
    while instance.notices:
        note(world, instance, instance.notices.popleft(), "cleared")


def note(world: "World", instance: Instance, notice: Notice, event: str, *, http_status: int | None = None) -> None:
    """Write a step of a notification's way into the journal."""
    entry = world.journal.add("notification", notice.kind, instance.id_instance, instance.name, notice.body)
    entry.real = OUTCOMES.get(event, "done")
    entry.http_status = http_status
    if event in ("pulled", "acknowledged"):
        entry.told = "ok"
    elif http_status is not None:
        entry.told = f"status:{http_status}"
    entry.more = {"event": event, "receipt_id": notice.receipt_id, "attempt": notice.attempts}


def _enqueue(world: "World", instance: Instance, body: dict[str, Any]) -> None:
    instance.receipts += 1
    _append(world, instance, Notice(instance.receipts, body, world.clock.now()))


def _append(world: "World", instance: Instance, notice: Notice) -> None:
    if not instance.is_alive:
        note(world, instance, notice, "dropped")
        return
    notice.queued_at = world.clock.now()
    instance.notices.append(notice)
    note(world, instance, notice, "queued")
    for waiter in instance.waiters:
        wake(waiter)
    world.push.wake(instance)


def _befall(world: "World", instance: Instance, body: dict[str, Any], fault: "Fault") -> None:
    if fault.kind == "duplicate_notification":
        _enqueue(world, instance, body)
        _enqueue(world, instance, body)
        return
    instance.receipts += 1
    notice = Notice(instance.receipts, body, world.clock.now())
    if fault.kind == "drop_notification":
        note(world, instance, notice, "dropped")
    elif fault.kind == "late_notification":
        note(world, instance, notice, "held")
        world.clock.after(fault.delay_seconds, lambda: _append(world, instance, notice))
    else:
        # Held until the next one has overtaken it, but never longer than the rule's delay.
        if instance.held_notice is not None:
            _release_held(world, instance)
        instance.held_notice = notice
        note(world, instance, notice, "held")
        world.clock.after(fault.delay_seconds, lambda: _release_held(world, instance, notice))


def _release_held(world: "World", instance: Instance, only: Notice | None = None) -> None:
    notice = instance.held_notice
    if notice is None or (only is not None and notice is not only):
        return
    instance.held_notice = None
    _append(world, instance, notice)
