"""The truth about messages, chats and people under /_sim/whapi."""

from aiohttp import web

from simulator.clock import rfc3339
from simulator.control import refused, told
from simulator.whapi.talk import BROADCAST
from simulator.world import World


def routes(world: World) -> list[web.RouteDef]:
    """Every address of it; all want `?channel_id=`."""

    async def messages(request: web.Request) -> web.Response:
        """Those that `chat_id`, `from_me` and `id` ask for, in the order in which they came to be."""
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

    async def talk(request: web.Request) -> web.Response:
        """Everything else: chats, contacts, groups, block list, calls and files."""
        channel = world.whapi.channels.get(request.query.get("channel_id", ""))
        if channel is None:
            return refused(404, "no such channel")
        known = channel.talk
        chats = [
            {
                "id": chat.id,
                "messages": [message.id for message in chat.messages],
                "unread": chat.unread,
                "marked": chat.is_marked,
                "archive": chat.archive,
                "pin": chat.pin,
                "mute_until": chat.mute_until,
                "ephemeral": chat.ephemeral,
            }
            for chat in known.chats.values()
        ]
        groups = [
            {**group.row(), "invite_code": group.invite_code, "policies": group.policies}
            for group in known.groups.values()
        ]
        return told(
            {
                "owner": known.owner,
                "chats": chats,
                "contacts": [person.row() for person in known.people.values()],
                "groups": groups,
                "blocked": list(known.blocked),
                "calls": [ring.row(ring.at) for ring in known.calls.values()],
                "media": [media.row() for media in known.media.values()],
                "lids": known.lids,
            }
        )

    return [web.get("/_sim/whapi/messages", messages), web.get("/_sim/whapi/talk", talk)]
