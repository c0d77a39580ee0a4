"""The partner account: its balance of days and the webhook of a low one."""

from typing import Any

from simulator.whapi.channel import DAY
from simulator.whapi.errors import Problem
from simulator.whapi.settings import checked_hook
from simulator.whapi.wire import Call, answer, flag_of, success
from simulator.whapi.world import Whapi
from simulator.wire import Reply


def get_partner(whapi: Whapi, call: Call) -> Reply:
    """The balance; third parties have seen two shapes, of which a knob chooses."""
    partner = call.account
    days = _plain(partner.pool / DAY)
    if whapi.config.partner_shape == "pwr":
        return answer({"name": partner.name, "codename": partner.codename, "pwr": days})
    return answer({"id": partner.owner_id, "balance": 0, "currency": "USD", "liveDays": days, "trialDays": 0})


def get_settings(whapi: Whapi, call: Call) -> Reply:
    """What was set; another partner's name is 403."""
    _mine(call)
    return answer(call.account.settings)


def set_settings(whapi: Whapi, call: Call) -> Reply:
    """Change what is named; the list of webhooks is replaced as a whole."""
    _mine(call)
    fields = call.fields
    changes: dict[str, Any] = {}
    if "webhooks" in fields:
        if not isinstance(fields["webhooks"], list):
            raise Problem(400, "webhooks must be an array")
        changes["webhooks"] = [_hook(row) for row in fields["webhooks"]]
    if "days_limit" in fields:
        limit = fields["days_limit"]
        if isinstance(limit, bool) or not isinstance(limit, int | float) or limit < 0:
            raise Problem(400, "days_limit must be a number from 0 up")
        changes["days_limit"] = limit
    if "noChat" in fields:
        changes["noChat"] = flag_of(fields, "noChat", False)
    call.account.settings |= changes
    return success()


def _mine(call: Call) -> None:
    if call.params["PartnerName"] != call.account.codename:
        raise Problem(403, "not your account")


def _hook(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise Problem(400, "a webhook must be an object")
    events = row.get("events")
    known = ({"type": "days"}, {"type": "days", "method": "post"})
    if events is not None and (not isinstance(events, list) or any(event not in known for event in events)):
        raise Problem(400, "the only event is days, post")
    found = checked_hook({name: row[name] for name in ("url", "mode", "headers") if name in row})
    return found if events is None else {**found, "events": events}


def _plain(days: float) -> float:
    return int(days) if days.is_integer() else days
