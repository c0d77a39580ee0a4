"""Chats and their messages."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from app.gateway.schemas import Body
from app.providers import answers
from app.typed.schemas.common import MessageRef


class ChatView(answers.Chat, frozen=True, kw_only=True):
    """A chat of the instance's account."""

    object: Annotated[str, Meta(extra_json_schema={"const": "chat"})] = "chat"


class ChatList(Struct):
    """Chats, newest activity first."""

    data: list[ChatView]
    object: Annotated[str, Meta(extra_json_schema={"const": "list"})] = "list"


class ChatChange(Struct, forbid_unknown_fields=True):
    """A merge patch: what is left out stays."""

    is_archived: bool | UnsetType = UNSET
    disappearing_seconds: (
        Annotated[
            Literal[0, 86_400, 604_800, 7_776_000],
            Meta(description="After how long new messages disappear: a day, a week, 90 days; 0 keeps them."),
        ]
        | UnsetType
    ) = UNSET


class ChatChanged(Struct):
    """What was changed of a chat; the list of chats shows it within a minute."""

    chat_id: answers.ChatId
    is_archived: Annotated[bool | None, Meta(description="Null when it was not asked for.")] = None
    disappearing_seconds: Annotated[int | None, Meta(description="Null when it was not asked for.")] = None
    object: Annotated[str, Meta(extra_json_schema={"const": "chat_change"})] = "chat_change"


class ChatRead(Struct, forbid_unknown_fields=True):
    """What to mark as read: everything, or one message."""

    message_id: MessageRef | UnsetType | None = UNSET


class Typing(Struct, forbid_unknown_fields=True):
    """What to seem to do."""

    seconds: Annotated[float, Meta(ge=1, le=20, description="For how long, 1 to 20.", examples=[5])] = 1.0
    recording: Annotated[bool, Meta(description="Record a voice message rather than type.")] = False


class ChatMessageView(answers.Message, frozen=True, kw_only=True):
    """A message as WhatsApp's journal of the account has it, whoever sent it and however."""

    object: Annotated[str, Meta(extra_json_schema={"const": "chat_message"})] = "chat_message"


class ChatMessageList(Struct):
    """Messages, newest first."""

    data: list[ChatMessageView]
    object: Annotated[str, Meta(extra_json_schema={"const": "list"})] = "list"


class NewText(Struct, forbid_unknown_fields=True):
    """The text that takes the place of the old one."""

    body: Body


class MessageChange(Struct, forbid_unknown_fields=True):
    """The new text of a message."""

    text: NewText


class MessageEdit(Struct):
    """An edit that the gateway has taken."""

    message_id: Annotated[str, Meta(description="The message that was edited.", examples=["BAE5F00D00000001"])]
    edit_message_id: Annotated[
        str, Meta(description="WhatsApp's id of the edit itself.", examples=["BAE5F00D00000030"])
    ]
    object: Annotated[str, Meta(extra_json_schema={"const": "message_edit"})] = "message_edit"


class MessageFile(answers.StoredFile, frozen=True, kw_only=True):
    """Where the file of a message is."""

    message_id: Annotated[str, Meta(examples=["BAE5F00D00000001"])]
    object: Annotated[str, Meta(extra_json_schema={"const": "message_file"})] = "message_file"
