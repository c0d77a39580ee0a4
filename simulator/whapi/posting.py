"""The life of a message: it is kept, told, delivered, read, edited, reacted to, voted on, deleted."""

from typing import Any

from simulator.whapi import ids, state
from simulator.whapi.channel import Channel
from simulator.whapi.state import talk_of
from simulator.whapi.talk import BROADCAST, GROUP, PERSON, Message
from simulator.whapi.world import Whapi

RANKS = {"pending": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4}
FAILURE = {"code": 131026, "message": "the message could not be delivered"}


def post(whapi: Whapi, channel: Channel, message: Message) -> None:
    """A message is there: into its chat, to the webhooks, and on its way when it is an own one."""
    talk = talk_of(channel)
    talk.messages[message.id] = message
    if message.chat_id != BROADCAST:
        chat = state.chat(whapi, channel, message.chat_id)
        chat.messages.append(message)
        if message.from_me:
            chat.at = message.at
        else:
            message.is_unread = not channel.settings.get("auto_read_messages")
            unread = chat.unread + message.is_unread
            state.change_chat(whapi, channel, chat, at=message.at, archive=False, unread=unread)
    whapi.tell(channel, "messages", "post", {"messages": [message.row()]})
    if message.from_me:
        _deliver(whapi, channel, message)


def own(
    whapi: Whapi,
    channel: Channel,
    type_: str,
    chat_id: str,
    content: dict[str, Any],
    *,
    source: str = "api",
    context: dict[str, Any] | None = None,
) -> Message:
    """A message of the channel's own phone, not yet posted."""
    user = channel.user or {}
    return Message(
        id=ids.new_message_id(from_me=True),
        type=type_,
        chat_id=chat_id,
        at=whapi.world.clock.now(),
        from_me=True,
        source=source,
        author=state.own_number(channel),
        content=content,
        author_name=str(user.get("name", "")),
        status="pending",
        device_id=channel.device_id if source == "api" else None,
        context=context or {},
    )


def recipients(channel: Channel, message: Message) -> list[str]:
    """The numbers an own message goes to."""
    talk = talk_of(channel)
    if message.chat_id == BROADCAST:
        if message.audience is not None:
            return message.audience
        return [person.number for person in talk.people.values() if person.is_saved]
    if message.chat_id.endswith(GROUP):
        group = talk.groups.get(message.chat_id)
        return [number for number in (group.ranks if group else ()) if number != talk.owner]
    return [message.chat_id.removesuffix(PERSON)]


def advance(whapi: Whapi, channel: Channel, message: Message, status: str, by: str = "") -> bool:
    """An own message came further, with everybody or with one recipient; false: it had come so far before."""
    rank, now = RANKS[status], whapi.world.clock.now()
    everybody = recipients(channel, message)
    reached = [by] if by else everybody
    moved = False
    for number in reached:
        if RANKS[message.views.get(number, ("pending", 0.0))[0]] < rank:
            message.views[number] = (status, now)
            moved = True
    is_behind = message.status == "failed" or RANKS[message.status] >= rank
    if is_behind and not moved:
        return False
    if not is_behind:
        message.status = status
    whapi.tell(channel, "statuses", "post", {"statuses": [_status(whapi, message, status, by)]})
    return True


def fail(whapi: Whapi, channel: Channel, message: Message) -> None:
    """An own message cannot be delivered."""
    message.status = "failed"
    row = {**_status(whapi, message, "failed"), "errors": [FAILURE]}
    whapi.tell(channel, "statuses", "post", {"statuses": [row]})


def view_rows(whapi: Whapi, message: Message) -> list[dict[str, Any]]:
    """The Status of each recipient, as `getMessageViewStatuses` tells it."""
    return [
        {
            "id": message.id,
            "code": whapi.config.status_codes.get(status, 0),
            "status": status,
            "recipient_id": message.chat_id,
            "viewer_id": number,
            "timestamp": str(int(at)),
        }
        for number, (status, at) in message.views.items()
    ]


def mark_read(whapi: Whapi, channel: Channel, message: Message) -> None:
    """An incoming message is read, and with it those before it in its chat."""
    chat = talk_of(channel).chats.get(message.chat_id)
    if chat is None:
        return
    for other in chat.messages:
        if other.at <= message.at:
            other.is_unread = False
    left = sum(other.is_unread for other in chat.messages)
    state.change_chat(whapi, channel, chat, unread=left, is_marked=False)


def edit(whapi: Whapi, channel: Channel, message: Message, type_: str, content: dict[str, Any], *, by: Message) -> None:
    """New content for a message; told as an action and as a patch. `by` carries who did it, and from where."""
    before = message.row()
    message.type, message.content = type_, content
    message.edited_at = by.at
    about = {"edited_type": type_, "edited_content": message.said()}
    _act(whapi, channel, message, before, by, {"type": "edit", **about})


def react(whapi: Whapi, channel: Channel, message: Message, emoji: str, *, by: Message) -> None:
    """A reaction is set, or taken back when it is empty."""
    before = message.row()
    if emoji:
        message.reactions[by.author] = (emoji, by.at)
    else:
        message.reactions.pop(by.author, None)
    _act(whapi, channel, message, before, by, {"type": "reaction", "emoji": emoji})


def vote(whapi: Whapi, channel: Channel, message: Message, chosen: list[str], *, by: Message) -> None:
    """Somebody votes anew on a poll; nothing chosen takes the vote back."""
    before = message.row()
    message.votes.pop(by.author, None)
    if chosen:
        message.votes[by.author] = chosen
    if whapi.config.vote_form == "poll_update":
        by.type, by.content = "poll_update", {**message.said(), "target": message.id, "votes": chosen}
        _tell_action(whapi, channel, by)
        _tell_update(whapi, channel, message, before, by)
        return
    _act(whapi, channel, message, before, by, {"type": "vote", "votes": chosen})


def remove(whapi: Whapi, channel: Channel, message: Message) -> None:
    """A message is gone, by whomever it was deleted."""
    talk = talk_of(channel)
    talk.messages.pop(message.id, None)
    chat = talk.chats.get(message.chat_id)
    if chat is not None and message in chat.messages:
        chat.messages.remove(message)
        state.change_chat(whapi, channel, chat, unread=sum(other.is_unread for other in chat.messages))
    whapi.tell(channel, "messages", "delete", {"messages_removed": [message.id]})


def _act(
    whapi: Whapi,
    channel: Channel,
    message: Message,
    before: dict[str, Any],
    by: Message,
    action: dict[str, Any],
) -> None:
    by.type, by.content = "action", {"target": message.id, **action}
    _tell_action(whapi, channel, by)
    _tell_update(whapi, channel, message, before, by)


def _tell_action(whapi: Whapi, channel: Channel, by: Message) -> None:
    talk = talk_of(channel)
    talk.messages[by.id] = by
    whapi.tell(channel, "messages", whapi.config.action_event, {"messages": [by.row()]})


def _tell_update(whapi: Whapi, channel: Channel, message: Message, before: dict[str, Any], by: Message) -> None:
    state.tell_change(whapi, channel, "messages", message.id, before, message.row(), trigger=by.row())


def _status(whapi: Whapi, message: Message, status: str, by: str = "") -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": message.id,
        "code": whapi.config.status_codes.get(status, 0),
        "status": status,
        "recipient_id": message.row()["chat_id"],
        "timestamp": str(int(whapi.world.clock.now())),
    }
    if by:
        row["viewer_id"] = by
    return row


def _deliver(whapi: Whapi, channel: Channel, message: Message) -> None:
    config = whapi.config
    numbers = recipients(channel, message)
    is_lost = len(numbers) == 1 and message.chat_id.endswith(PERSON) and not state.has_account(whapi, numbers[0])
    steps = [("sent", config.sent_seconds), ("delivered", config.delivered_seconds), ("read", config.read_seconds)]
    if is_lost:
        steps = [("sent", config.sent_seconds), ("failed", config.delivered_seconds)]
    for status, seconds in steps:
        if seconds is None:
            break
        whapi.world.clock.after(seconds, lambda status=status: _step(whapi, channel, message, status))  # type: ignore[misc]


def _step(whapi: Whapi, channel: Channel, message: Message, status: str) -> None:
    if not channel.is_alive or message.id not in channel.talk.messages or message.status == "failed":
        return
    if status == "failed":
        fail(whapi, channel, message)
    else:
        advance(whapi, channel, message, status)
