"""The truth about messages, chats and people under /_sim/whapi."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from simulator.clock import rfc3339
from simulator.control import refused, told
from simulator.whapi.talk import BROADCAST, Chat, Message, Talk
from simulator.world import World


def routes(world: World) -> list[web.RouteDef]:
    """Every address of it; all want `?channel_id=`, and are 404 for one nobody knows."""

    def door(show: Callable[[Talk, web.Request], dict[str, Any]]) -> Any:
        async def handle(request: web.Request) -> web.Response:
            channel = world.whapi.channels.get(request.query.get("channel_id", ""))
            return refused(404, "no such channel") if channel is None else told(show(channel.talk, request))

        return handle

    return [web.get("/_sim/whapi/messages", door(_messages)), web.get("/_sim/whapi/talk", door(_everything_else))]


def _messages(talk: Talk, request: web.Request) -> dict[str, Any]:
    """Those that `chat_id`, `from_me` and `id` ask for, in the order in which they came to be."""
    query = request.query
    return {
        "messages": [
            _message(message)
            for message in talk.messages.values()
            if query.get("chat_id") in (None, message.chat_id)
            and query.get("id") in (None, message.id)
            and query.get("from_me") in (None, str(message.from_me).lower())
        ]
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        **message.row(),
        "at": rfc3339(message.at),
        "unread": message.is_unread,
        "starred": message.is_starred,
        "story": message.chat_id == BROADCAST,
        "views": {number: status for number, (status, _) in message.views.items()},
    }


def _everything_else(talk: Talk, request: web.Request) -> dict[str, Any]:
    return {
        "owner": talk.owner,
        "chats": [_chat(chat) for chat in talk.chats.values()],
        "contacts": [person.row() for person in talk.people.values()],
        "groups": [
            {**group.row(), "invite_code": group.invite_code, "policies": group.policies}
            for group in talk.groups.values()
        ],
        "blocked": list(talk.blocked),
        "calls": [ring.row(ring.at) for ring in talk.calls.values()],
        "media": [media.row() for media in talk.media.values()],
        "lids": talk.lids,
    }


def _chat(chat: Chat) -> dict[str, Any]:
    return {
        "id": chat.id,
        "messages": [message.id for message in chat.messages],
        "unread": chat.unread,
        "marked": chat.is_marked,
        "archive": chat.archive,
        "pin": chat.pin,
        "mute_until": chat.mute_until,
        "ephemeral": chat.ephemeral,
    }
