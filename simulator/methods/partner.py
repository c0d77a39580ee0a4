"""Partner methods: their refusals come inside HTTP 200."""

from typing import Any

import msgspec

from simulator import life
from simulator.billing import day_of, next_midnight
from simulator.clock import rfc3339
from simulator.instance import Instance
from simulator.settings import MIN_DELAY_MS, Unfit, chosen
from simulator.wire import Call, Reply, answer, invalid
from simulator.world import World

NEVER = "0001-01-01T00:00:00"
"""timeDeleted of a living instance."""
UNAUTHORIZED = answer({"code": 401, "description": "Unauthorized"}, real="refused")
NOT_FOUND = answer({"code": 404, "description": "Not found"}, real="refused")


def create_instance(world: World, call: Call) -> Reply:
    """Make and charge an instance; there is no idempotency key, so each call makes one more."""
    params = call.params
    name = params.get("name", "")
    if not isinstance(name, str):
        raise invalid(world, call, "'name' must be a string")
    try:
        settings = chosen(params, min_delay_ms(world))
    except Unfit as unfit:
        raise invalid(world, call, str(unfit)) from None
    instance = life.create(world, call.token, name, settings)
    made = {
        "idInstance": instance.id_instance,
        "apiTokenInstance": instance.token,
        "typeInstance": "whatsapp",
    }
    return answer(made, instance=instance)


def get_instances(world: World, call: Call) -> Reply:
    """All instances of the partner, oldest first, deleted ones too, as far as the listing has caught up."""
    now = world.clock.now()
    config, draw = world.config, world.faults.rng
    as_of = now
    if config.listing_stale_probability > 0 and draw.random() < config.listing_stale_probability:
        as_of = now - config.listing_stale_seconds
    shown = [row for row in world.listed[call.token].values() if row.visible_at <= as_of]
    if config.listing_partial_probability > 0 and draw.random() < config.listing_partial_probability:
        shown = [row for row in shown if draw.random() < 0.5]
    today = day_of(now)
    return Reply(b"[" + b",".join([_row(instance, today, as_of) for instance in shown]) + b"]")


def delete_instance(world: World, call: Call) -> Reply:
    """Give an instance up; unknown, foreign and already deleted ones are all not found."""
    wanted = call.params.get("idInstance")
    if isinstance(wanted, str) and wanted.isdecimal():
        wanted = int(wanted)
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise invalid(world, call, "'idInstance' must be a number")
    instance = world.alive.get(wanted)
    if instance is None or instance.partner_token != call.token:
        return NOT_FOUND
    life.delete(world, instance)
    return answer({"deleteInstanceAccount": True}, instance=instance)


def min_delay_ms(world: World) -> int:
    """The least pause between sends that settings may ask for."""
    override = world.config.min_delay_ms_override
    return MIN_DELAY_MS if override is None else min(MIN_DELAY_MS, override)


def _row(instance: Instance, today: str, as_of: float) -> bytes:
    deleted_at = instance.deleted_at
    if deleted_at is not None and deleted_at > as_of:
        return msgspec.json.encode(_fields(instance, None, as_of))
    # A row changes on deletion and at midnight only; a listing of thousands is asked for often.
    key = today if deleted_at is None else "deleted"
    if instance.row[0] != key:
        moment = as_of if deleted_at is None else deleted_at
        instance.row = (key, msgspec.json.encode(_fields(instance, deleted_at, moment)))
    return instance.row[1]


def _fields(instance: Instance, deleted_at: float | None, moment: float) -> dict[str, Any]:
    day = day_of(next_midnight(moment))
    return {
        "idInstance": instance.id_instance,
        "name": instance.name,
        "typeInstance": "whatsapp",
        "typeAccount": "",
        "partnerUserUiid": "",
        "timeCreated": rfc3339(instance.created_at),
        "timeDeleted": NEVER if deleted_at is None else rfc3339(deleted_at),
        "apiTokenInstance": instance.token,
        "deleted": deleted_at is not None,
        "tariff": "PARTNER_23",
        "isFree": False,
        "isPartner": True,
        "expirationDate": f"{day}T00:00:00",
        "isExpired": False,
    }
