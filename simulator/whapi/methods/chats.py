"""Chats: list, one, archive, delete, pin, mute, unread, disappearing messages."""

from typing import Any

from simulator.whapi import ids, posting, state
from simulator.whapi.errors import Problem
from simulator.whapi.state import talk_of
from simulator.whapi.talk import Chat
from simulator.whapi.wire import Call, answer, flag_of, number_of, page, success
from simulator.whapi.world import Whapi
from simulator.wire import Reply

EPHEMERAL = ("none", "day", "week", "quarter")
"""Source: gate reference, read 2026-11-21."""


def get_chats(whapi: Whapi, call: Call) -> Reply:
    """Every chat, the last one written in first."""
    found = sorted(talk_of(call.here).chats.values(), key=lambda chat: chat.at, reverse=True)
    rows, figures = page(call, found)
    return answer({"chats": [state.chat_row(whapi, call.here, chat) for chat in rows], **figures})


def get_chat(whapi: Whapi, call: Call) -> Reply:
    """One chat."""
    return answer(state.chat_row(whapi, call.here, _chat(call)))


def archive_chat(whapi: Whapi, call: Call) -> Reply:
    """Into the archive, or out of it."""
    known = _chat(call)
    state.change_chat(whapi, call.here, known, archive=flag_of(call.fields, "archive", default=True))
    return success()


def delete_chat(whapi: Whapi, call: Call) -> Reply:
    """The chat is gone with its messages."""
    state.remove_chat(whapi, call.here, _chat(call))
    return success()


def patch_chat(whapi: Whapi, call: Call) -> Reply:
    """Pin, mute, mark as read or unread, disappearing messages; `mark_unread: false` reads the whole chat."""
    known, fields = _chat(call), call.fields
    changes: dict[str, Any] = {}
    if fields.get("pin") is not None:
        changes["pin"] = flag_of(fields, "pin", default=False)
    if fields.get("mute_until") is not None:
        changes["mute_until"] = number_of(fields, "mute_until", 0, 0)
    ephemeral = fields.get("ephemeral")
    if ephemeral is not None:
        if ephemeral not in EPHEMERAL:
            raise Problem(400, f"ephemeral must be one of {', '.join(EPHEMERAL)}")
        changes["ephemeral"] = ephemeral
    if fields.get("mark_unread") is not None:
        changes["is_marked"] = flag_of(fields, "mark_unread", default=False)
        if not changes["is_marked"] and known.messages:
            posting.mark_read(whapi, call.here, known.messages[-1])
    if not changes:
        raise Problem(400, "nothing to change")
    state.change_chat(whapi, call.here, known, **changes)
    return success()


def _chat(call: Call) -> Chat:
    talk, chat_id = talk_of(call.here), call.params["ChatID"]
    if not ids.CHAT.fullmatch(chat_id):
        raise Problem(400, "ChatID is not a chat id")
    found = talk.chats.get(ids.chat_of(talk, chat_id, "ChatID"))
    if found is None:
        raise Problem(404, "chat not found")
    return found
