"""Channels of a partner: creation, lists, changes, days, mode, deletion."""

import re
from typing import Any

from simulator.whapi import days, life
from simulator.whapi.channel import DAY, Channel
from simulator.whapi.dispatch import too_many
from simulator.whapi.errors import Problem
from simulator.whapi.partner import Partner
from simulator.whapi.wire import Call, answer, flag_of, page, success, text_of
from simulator.whapi.world import Whapi
from simulator.wire import Reply

USER_ID = re.compile("[a-zA-Z0-9]{28}|me")
CHANNEL_ID = re.compile("[A-Z]{6}-[A-Z0-9]{5}|[A-Z0-9]{12}")
PAYMENT_IDS = ("recurrentPaymentId", "prevRecurrentPaymentId")
MODES = ("trial", "dev", "dev_archive", "live")


def create_channel(whapi: Whapi, call: Call) -> Reply:
    """A new channel in mode trial; the reply holds its token. Not idempotent."""
    partner, fields = call.account, call.fields
    name, project_id, phone = _described(partner, fields)
    _take_creation(whapi, partner)
    channel = whapi.create(partner, name, project_id, phone)
    channel.payment_ids = _payment_ids(fields)
    call.channel = channel
    return answer(channel.row(whapi.gate_url))


def get_channels(whapi: Whapi, call: Call) -> Reply:
    """Every channel, a page at a time; of another owner's there are none."""
    return _listed(whapi, call, _of_owner(call.account, call.query.get("uid", "")))


def get_channels_of_project(whapi: Whapi, call: Call) -> Reply:
    """The channels of one project."""
    project_id = project_of(call.account, call.params["ProjectID"])
    rows = [channel for channel in known(call.account) if channel.project_id == project_id]
    return _listed(whapi, call, rows)


def get_channel(whapi: Whapi, call: Call) -> Reply:
    """One channel, with its token."""
    return answer(_of(call).row(whapi.gate_url))


def update_channel(whapi: Whapi, call: Call) -> Reply:
    """Another name, phone or project; name and projectId are needed either way."""
    channel, fields = _of(call), call.fields
    name, project_id, phone = _described(call.account, fields)
    if name != channel.name:
        whapi.by_name[channel.name].remove(channel)
        whapi.by_name.setdefault(name, []).append(channel)
        channel.name = name
    channel.project_id = project_id
    channel.phone = phone or channel.phone
    channel.payment_ids |= _payment_ids(fields)
    return success()


def delete_channel(whapi: Whapi, call: Call) -> Reply:
    """The channel is gone; unspent days come back by the rules, of which the reply tells nothing."""
    life.delete(whapi, _of(call))
    return success()


def start_channel(whapi: Whapi, call: Call) -> Reply:
    """Take a stopped channel into service; one without days is refused (choice)."""
    channel = _settled(whapi, call)
    if days.left(whapi, channel) <= 0:
        raise Problem(400, "the channel has no days")
    days.thaw(whapi, channel)
    life.arm(whapi, channel)
    if channel.stopped or channel.state in ("NOT_INIT", "ERROR"):
        channel.stopped = channel.expired = False
        life.launch(whapi, channel)
    return success()


def stop_channel(whapi: Whapi, call: Call) -> Reply:
    """Take a channel out of service; with saveDays its days are taken off it."""
    saves = flag_of(call.fields, "saveDays", False)
    channel = _settled(whapi, call)
    if saves and whapi.config.saved_days_go == "pool":
        days.take_back(whapi, channel, "stop")
    elif (saves or not whapi.config.stopped_days_run) and channel.frozen is None:
        days.freeze(whapi, channel)
    # First stopped, then armed: days that end now find a channel that was stopped by the partner.
    life.halt(whapi, channel)
    life.arm(whapi, channel)
    return success()


def restart_channel(whapi: Whapi, call: Call) -> Reply:
    """Launch the channel anew; a stopped one is refused (choice)."""
    channel = _settled(whapi, call)
    if channel.stopped:
        raise Problem(400, "the channel is stopped")
    life.launch(whapi, channel)
    return success()


def extend_channel(whapi: Whapi, call: Call) -> Reply:
    """Days from the pool to the channel. The reference knows no key against doubles: twice is twice."""
    channel, fields, config = _of(call), call.fields, whapi.config
    amount = _days(fields, whole=config.whole_days)
    comment = text_of(fields, "comment")
    currency = fields.get("currency")
    if currency is not None and config.currencies is not None and currency not in config.currencies:
        raise Problem(400, "unknown currency")
    if amount > call.account.pool:
        raise Problem(config.extend_short_status, "not enough days on the balance")
    days.fund(whapi, channel, amount, "pool", "extension", comment)
    life.revive(whapi, channel)
    return success()


def change_mode(whapi: Whapi, call: Call) -> Reply:
    """Another mode, live when none is named; the channel is away for the time that the knob says."""
    channel = _of(call)
    mode = call.fields.get("mode", "live")
    if mode not in MODES:
        raise Problem(400, "unknown mode")
    if channel.blocked:
        raise Problem(403, "the channel is blocked")
    if channel.mode == "live" and mode != "live" and not whapi.config.back_to_trial:
        raise Problem(403, "a live channel stays live")
    channel.mode = mode
    if not channel.stopped:
        away = whapi.config.mode_change_seconds
        channel.busy_until = whapi.world.clock.now() + away
        life.launch(whapi, channel, away_seconds=away)
    return success()


def project_of(partner: Partner, wanted: Any) -> str:
    """The id of a project of the partner; `default` is one of its names.

    Raises:
        Problem: 404, there is none.
    """
    project_id = partner.default_project if wanted == "default" else wanted
    if project_id not in partner.projects:
        raise Problem(404, "project not found")
    return str(project_id)


def known(partner: Partner) -> list[Channel]:
    """Every channel a list could show; whether the deleted ones are is a knob."""
    return [*partner.channels.values(), *partner.gone]


def check_user(wanted: str) -> None:
    """A `uid` of the query.

    Raises:
        Problem: 400, it is no id.
    """
    if wanted and not USER_ID.fullmatch(wanted):
        raise Problem(400, "uid must have 28 letters and digits, or be me")


def _of_owner(partner: Partner, wanted: str) -> list[Channel]:
    check_user(wanted)
    return known(partner) if wanted in ("", "me", partner.owner_id) else []


def _listed(whapi: Whapi, call: Call, channels: list[Channel]) -> Reply:
    now, rng = whapi.world.clock.now(), whapi.world.faults.rng
    chance = whapi.config.listing_partial_probability
    kept = whapi.config.listing_deleted_seconds
    seen = [
        row for row in channels if row.visible_at <= now and (row.deleted_at is None or now < row.deleted_at + kept)
    ]
    if chance > 0 and rng.random() < chance:
        seen = [channel for channel in seen if rng.random() < 0.5]
    found, figures = page(call, seen)
    return answer({"channels": [channel.row(whapi.gate_url) for channel in found], **figures})


def _of(call: Call) -> Channel:
    if not CHANNEL_ID.fullmatch(call.params["ChannelID"]):
        raise Problem(400, "the channel id has not the form of one")
    channel = call.account.channels.get(call.params["ChannelID"])
    if channel is None:
        raise Problem(404, "channel not found")
    call.channel = channel
    return channel


def _settled(whapi: Whapi, call: Call) -> Channel:
    """The channel, if it is not in transition."""
    channel = _of(call)
    if channel.state in ("INIT", "LAUNCH") or whapi.world.clock.now() < channel.busy_until:
        raise Problem(whapi.config.busy_status, "the channel is in transition")
    return channel


def _described(partner: Partner, fields: dict[str, Any]) -> tuple[str, str, str]:
    name = text_of(fields, "name")
    project_id = project_of(partner, text_of(fields, "projectId"))
    phone = fields.get("phone", "")
    if not isinstance(phone, str) or not re.fullmatch("([0-9]{7,15})?", phone):
        raise Problem(400, "phone must have 7 to 15 digits")
    return name, project_id, phone


def _payment_ids(fields: dict[str, Any]) -> dict[str, str]:
    return {name: text_of(fields, name) for name in PAYMENT_IDS if fields.get(name)}


def _take_creation(whapi: Whapi, partner: Partner) -> None:
    config, now = whapi.config, whapi.world.clock.now()
    if config.creations is None:
        return
    seconds, made = config.creation_window_seconds, partner.creations
    if config.creation_window == "fixed":
        if now - partner.window_since >= seconds:
            partner.window_since = now
            made.clear()
        again = partner.window_since + seconds
    else:
        while made and now - made[0] >= seconds:
            made.popleft()
        again = made[0] + seconds if made else now
    if len(made) >= config.creations:
        raise too_many(whapi, again - now)
    made.append(now)


def _days(fields: dict[str, Any], *, whole: bool) -> int:
    wanted = fields.get("days")
    if isinstance(wanted, bool) or not isinstance(wanted, int | float) or not 0 < wanted < 1e6:
        raise Problem(400, "days must be a positive number")
    if whole and wanted != int(wanted):
        raise Problem(400, "days must be a whole number")
    return round(wanted * DAY)
