"""Routes of chats and of the messages in them."""

from typing import Annotated, Any

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import UNSET

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.kit.errors import FieldError, InvalidParameter, InvalidRequest, NotFound
from app.providers import asks
from app.typed.addresses import chat_at, message_at
from app.typed.asking import ASKING, Asking, done
from app.typed.schemas.chats import (
    ChatChange,
    ChatChanged,
    ChatList,
    ChatMessageList,
    ChatMessageView,
    ChatRead,
    ChatView,
    MessageChange,
    MessageEdit,
    MessageFile,
    Typing,
)
from app.typed.schemas.common import ChatPath, MessagePath, shown

READ, WRITE = [requires(Scope.CHATS_READ)], [requires(Scope.CHATS_WRITE)]
Count = Annotated[int, QueryParameter(name="limit", ge=1, le=1000, description="How many at most.")]
For = Annotated[
    str,
    QueryParameter(
        name="for",
        description="For whom it goes away: `everyone`, or `me` (own side only).",
        schema_extra={"enum": ["everyone", "me"]},
    ),
]


class NothingToChange(InvalidRequest):
    """The request changes nothing."""


class ChatController(Controller):
    """Chats, as the phone shows them."""

    path = "/v1/instances/{instance_id:str}/chats"
    tags = ("Chats",)
    dependencies = ASKING

    @get("/", operation_id="listChats", summary="List chats", guards=READ)
    async def list_chats(self, asking: NamedDependency[Asking], limit: FromQuery[Count] = 100) -> ChatList:
        """Chats of the account, that with the newest activity first. The gateway refreshes its list once a minute."""
        found = await asking.ask(asks.ListChats(limit))
        return ChatList([shown(ChatView, chat) for chat in found])

    @get("/{chat_id:str}", operation_id="getChat", summary="Get a chat", guards=READ)
    async def get_chat(self, asking: NamedDependency[Asking], chat_id: FromPath[ChatPath]) -> ChatView:
        """One chat of the list, by its id or a phone number."""
        wanted = chat_at(chat_id)
        for chat in await asking.ask(asks.ListChats()):
            if wanted in (chat.chat_id, chat.hidden_id):
                return shown(ChatView, chat)
        raise NotFound("The account has no such chat.")

    @patch("/{chat_id:str}", operation_id="updateChat", summary="Update a chat", guards=WRITE)
    async def update_chat(
        self, asking: NamedDependency[Asking], chat_id: FromPath[ChatPath], data: JSONBody[ChatChange]
    ) -> ChatChanged:
        """Put a chat into the archive or take it out, and say how long its new messages live.

        A chat can be put into the archive once it has an incoming message. What is named is done one after the other;
        after an error repeat the request, which does no harm.
        """
        wanted = chat_at(chat_id)
        changed = ChatChanged(wanted)
        if data.is_archived is UNSET and data.disappearing_seconds is UNSET:
            raise nothing_to_change()
        if data.is_archived is not UNSET:
            await asking.ask(asks.Archive(wanted) if data.is_archived else asks.Unarchive(wanted))
            changed.is_archived = data.is_archived
        if data.disappearing_seconds is not UNSET:
            told = await asking.ask(asks.SetDisappearing(wanted, data.disappearing_seconds))
            changed.disappearing_seconds = told.seconds
        return changed

    @post("/{chat_id:str}/read", operation_id="markChatRead", summary="Mark as read", status_code=204, guards=WRITE)
    async def mark_read(
        self, asking: NamedDependency[Asking], chat_id: FromPath[ChatPath], data: JSONBody[ChatRead]
    ) -> Response[None]:
        """Mark a chat as read, or one message of it."""
        ask = asks.MarkRead(chat_at(chat_id), data.message_id or None)
        return await asking.once(ask, done)

    @post("/{chat_id:str}/typing", operation_id="showTyping", summary="Show typing", status_code=204, guards=WRITE)
    async def show_typing(
        self, asking: NamedDependency[Asking], chat_id: FromPath[ChatPath], data: JSONBody[Typing]
    ) -> Response[None]:
        """Seem to type, or to record, for a while; it goes through the queue of messages."""
        return await asking.once(asks.ShowTyping(chat_at(chat_id), data.seconds, data.recording), done)


class HistoryController(Controller):
    """Messages of a chat as WhatsApp's journal has them: whoever sent them, from the phone or by us."""

    path = "/v1/instances/{instance_id:str}/chats/{chat_id:str}/messages"
    tags = ("Chats",)
    dependencies = ASKING

    @get("/", operation_id="listChatMessages", summary="List a chat's messages", guards=[requires(Scope.MESSAGES_READ)])
    async def list_messages(
        self, asking: NamedDependency[Asking], chat_id: FromPath[ChatPath], limit: FromQuery[Count] = 100
    ) -> ChatMessageList:
        """The newest messages of a chat, newest first; the journal may lag by two minutes.

        Links to files are ours and end when the gateway forgets the file; get a fresh one from the message's `file`.
        """
        found = await asking.ask(asks.ChatHistory(chat_at(chat_id), limit))
        return ChatMessageList([shown(ChatMessageView, message) for message in found])

    @get(
        "/{upstream_message_id:str}",
        operation_id="getChatMessage",
        summary="Get a chat's message",
        guards=[requires(Scope.MESSAGES_READ)],
    )
    async def get_message(
        self, asking: NamedDependency[Asking], chat_id: FromPath[ChatPath], upstream_message_id: FromPath[MessagePath]
    ) -> ChatMessageView:
        """One message of a chat by WhatsApp's id."""
        ask = asks.ReadMessage(chat_at(chat_id), message_at(upstream_message_id))
        return shown(ChatMessageView, await asking.ask(ask))

    @patch(
        "/{upstream_message_id:str}",
        operation_id="editChatMessage",
        summary="Edit a chat's message",
        guards=[requires(Scope.MESSAGES_SEND)],
    )
    async def edit_message(
        self,
        asking: NamedDependency[Asking],
        chat_id: FromPath[ChatPath],
        upstream_message_id: FromPath[MessagePath],
        data: JSONBody[MessageChange],
    ) -> MessageEdit:
        """Change an own text within 15 minutes of its sending."""
        wanted = message_at(upstream_message_id)
        edited = await asking.ask(asks.EditMessage(chat_at(chat_id), wanted, data.text.body))
        return MessageEdit(wanted, edited.message_id)

    @delete(
        "/{upstream_message_id:str}",
        operation_id="deleteChatMessage",
        summary="Delete a chat's message",
        guards=[requires(Scope.MESSAGES_SEND)],
    )
    async def delete_message(
        self,
        asking: NamedDependency[Asking],
        chat_id: FromPath[ChatPath],
        upstream_message_id: FromPath[MessagePath],
        whom: FromQuery[For] = "everyone",
    ) -> None:
        """Delete a message for everyone, or on the own side only."""
        await asking.ask(asks.DeleteMessage(chat_at(chat_id), message_at(upstream_message_id), only_mine(whom)))

    @get(
        "/{upstream_message_id:str}/file",
        operation_id="getChatMessageFile",
        summary="Get a message's file link",
        guards=[requires(Scope.MESSAGES_READ)],
    )
    async def get_file(
        self, asking: NamedDependency[Asking], chat_id: FromPath[ChatPath], upstream_message_id: FromPath[MessagePath]
    ) -> MessageFile:
        """A fresh link to the file of a message; whoever has the link has the file."""
        wanted = message_at(upstream_message_id)
        found: Any = await asking.ask(asks.FileOf(chat_at(chat_id), wanted))
        return shown(MessageFile, found, message_id=wanted)


def only_mine(whom: str) -> bool:
    """Whether a message goes away on the own side only.

    Raises:
        InvalidParameter: for whom else?
    """
    if whom not in ("everyone", "me"):
        detail = "One of `everyone` and `me`."
        raise InvalidParameter(detail, errors=(FieldError("?for", "invalid_value", detail),))
    return whom == "me"


def nothing_to_change() -> NothingToChange:
    """Refuse a merge patch without a field."""
    detail = "Name at least one field."
    return NothingToChange(detail, errors=(FieldError("#", "required", detail),))
