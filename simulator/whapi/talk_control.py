"""The truth about messages under /_sim/whapi/messages."""

from aiohttp import web

from simulator.clock import rfc3339
from simulator.control import refused, told
from simulator.whapi.talk import BROADCAST
from simulator.world import World


def routes(world: World) -> list[web.RouteDef]:
    """`?channel_id=` and, besides it, `chat_id`, `from_me`, `id`: in the order in which they came to be."""

    async def messages(request: web.Request) -> web.Response:
        query = request.query
        channel = world.whapi.channels.get(query.get("channel_id", ""))
        if channel is None:
            return refused(404, "no such channel")
        found = [
            {
                **message.row(),
                "at": rfc3339(message.at),
                "unread": message.is_unread,
                "starred": message.is_starred,
                "story": message.chat_id == BROADCAST,
                "views": {number: status for number, (status, _) in message.views.items()},
            }
            for message in channel.talk.messages.values()
            if query.get("chat_id") in (None, message.chat_id)
            and query.get("id") in (None, message.id)
            and query.get("from_me") in (None, str(message.from_me).lower())
        ]
        return told({"messages": found})

    return [web.get("/_sim/whapi/messages", messages)]
