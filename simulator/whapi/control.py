"""The control face of the Whapi half, under /_sim/whapi."""

from typing import Any

from aiohttp import web

from simulator.control import json_body, refused, told
from simulator.whapi import acts, days, limits, talk_control
from simulator.whapi.channel import DAY, Channel
from simulator.whapi.partner import Partner
from simulator.whapi.world import Whapi
from simulator.world import World

OWN_ACCOUNTS = ("pool", "consumed", "forfeited", "outside", "granted")


def routes(world: World) -> list[web.RouteDef]:
    """Every address of it."""
    face = Control(world.whapi)
    return [
        web.get("/_sim/whapi/partners", face.partners),
        web.post("/_sim/whapi/partners", face.set_partner),
        web.get("/_sim/whapi/channels", face.channels),
        web.get("/_sim/whapi/books", face.books),
        *acts.routes(world),
        *talk_control.routes(world),
    ]


class Control:
    """Reads the truth and turns the pools."""

    def __init__(self, whapi: Whapi) -> None:
        self._whapi = whapi

    async def partners(self, request: web.Request) -> web.Response:
        """Every account, with its balances."""
        return told({"partners": [self._shown(partner) for partner in self._whapi.partners.values()]})

    async def set_partner(self, request: web.Request) -> web.Response:
        """`{token, days}` sets the pool, `{token, top_up}` adds to it; an unknown token opens an account."""
        whapi, body = self._whapi, await json_body(request)
        token, wanted, more = body.get("token"), body.get("days"), body.get("top_up")
        if not isinstance(token, str) or not token:
            return refused(400, "token is required")
        for value in (wanted, more):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
                return refused(400, "days and top_up are numbers from 0 up")
        partner = whapi.partners.get(token) or whapi.open_account(token)
        if wanted is not None:
            change = round(wanted * DAY) - partner.pool
            source, target = ("outside", "pool") if change > 0 else ("pool", "outside")
            days.move(whapi, partner, source, target, abs(change), "set")
        if more is not None:
            days.move(whapi, partner, "outside", "pool", round(more * DAY), "top-up")
        return told(self._shown(partner))

    async def channels(self, request: web.Request) -> web.Response:
        """The truth about all channels, or those of one name, id or partner, gone ones too."""
        whapi, query = self._whapi, request.query
        name, channel_id, token = query.get("name"), query.get("channel_id"), query.get("partner")
        found: list[Channel] = list(whapi.channels.values() if name is None else whapi.by_name.get(name, []))
        return told(
            {
                "channels": [
                    truth(whapi, channel)
                    for channel in found
                    if channel_id in (None, channel.id) and token in (None, channel.partner.token)
                ]
            }
        )

    async def books(self, request: web.Request) -> web.Response:
        """Every movement of days of one account, or of all, and the balances they sum up to."""
        whapi, token = self._whapi, request.query.get("partner")
        found = [partner for partner in whapi.partners.values() if token in (None, partner.token)]
        for partner in found:
            settle(whapi, partner)
        rows = [{"partner": partner.token, **line.shown()} for partner in found for line in partner.books]
        return told({"movements": rows, "balances": {partner.token: balances(partner) for partner in found}})

    def _shown(self, partner: Partner) -> dict[str, Any]:
        settle(self._whapi, partner)
        return {**partner.shown(), "balances": balances(partner)}


def truth(whapi: Whapi, channel: Channel) -> dict[str, Any]:
    """A channel as it really is."""
    days.drain(whapi, channel)
    used = limits.used(whapi, channel)
    alive = "deleted" if channel.deleted_at is not None else "vanished" if channel.vanished_at is not None else ""
    return {
        **channel.row(whapi.gate_url),
        "partner": channel.partner.token,
        "state": alive or channel.state,
        "days_left": days.left(whapi, channel) / DAY if channel.is_alive else 0,
        "days_frozen": channel.frozen is not None,
        "expired": channel.expired,
        "user": channel.user,
        "settings": channel.settings,
        "persists": channel.persists,
        "pairing_code": channel.pairing.code,
        "used": {
            "requests": used.requests,
            "messages": used.messages,
            "checks": used.checks,
            "chats": list(used.chats),
        },
    }


def settle(whapi: Whapi, partner: Partner) -> None:
    """Book what time has consumed up to now."""
    for channel in partner.channels.values():
        days.drain(whapi, channel)


def balances(partner: Partner) -> dict[str, Any]:
    """Days of each account, summed up from the movements; `outside` and `granted` are what came from there."""
    sums = dict.fromkeys((*OWN_ACCOUNTS, "channels"), 0)
    for line in partner.books:
        for account, amount in ((line.source, -line.amount), (line.target, line.amount)):
            sums["channels" if account == "channel" else account] += amount
    return {name: amount / DAY for name, amount in sums.items()}
