"""Routes of what can be done to a message of ours after it was sent or received."""

from litestar import delete, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.gateway.api import SendController
from app.kit import ids
from app.kit.errors import Conflict
from app.messages import service as messages
from app.providers import asks
from app.typed.asking import ASKING, Asking
from app.typed.chats import For, only_mine
from app.typed.schemas.chats import MessageChange, MessageEdit, MessageFile
from app.typed.schemas.common import shown


class MessageNotSent(Conflict):
    """The message is not at the gateway."""

    code = "message_not_sent"


class MessageLifeController(SendController):
    """The whole life of messages: one path is one controller."""

    dependencies = ASKING

    @patch(
        "/{message_id:str}",
        operation_id="editMessage",
        summary="Edit a message",
        guards=[requires(Scope.MESSAGES_SEND)],
    )
    async def edit_message(
        self, asking: NamedDependency[Asking], message_id: FromPath[str], data: JSONBody[MessageChange]
    ) -> MessageEdit:
        """Change a text that was sent less than 15 minutes ago."""
        chat_id, upstream_id = await _place(asking, message_id)
        edited = await asking.ask(asks.EditMessage(chat_id, upstream_id, data.text.body))
        return MessageEdit(message_id, edited.message_id)

    @delete(
        "/{message_id:str}",
        operation_id="deleteMessage",
        summary="Delete a message",
        guards=[requires(Scope.MESSAGES_SEND)],
    )
    async def delete_message(
        self, asking: NamedDependency[Asking], message_id: FromPath[str], whom: FromQuery[For] = "everyone"
    ) -> None:
        """Delete a message from the chat, for everyone or on the own side only; what is known of it stays here."""
        is_mine = only_mine(whom)
        chat_id, upstream_id = await _place(asking, message_id)
        await asking.ask(asks.DeleteMessage(chat_id, upstream_id, is_mine))

    @get(
        "/{message_id:str}/file",
        operation_id="getMessageFile",
        summary="Get a file link",
        guards=[requires(Scope.MESSAGES_READ)],
    )
    async def get_file(self, asking: NamedDependency[Asking], message_id: FromPath[str]) -> MessageFile:
        """A fresh link to the file of a message; whoever has the link has the file."""
        chat_id, upstream_id = await _place(asking, message_id)
        return shown(MessageFile, await asking.ask(asks.FileOf(chat_id, upstream_id)), message_id=message_id)


async def _place(asking: Asking, message_id: str) -> tuple[str, str]:
    """The chat and WhatsApp's id of a message of ours.

    Raises:
        NotFound: the instance has no such message. MessageNotSent: it was never taken by the gateway.
    """
    wanted = ids.from_wire(ids.MESSAGE, message_id)
    async with asking.database.begin(asking.principal.tenant) as uow:
        row = await messages.find(uow, await asking.instance(uow), wanted)
    if row.upstream_message_id is None:
        raise MessageNotSent(extra={"message_status": row.status})
    return row.chat_id, row.upstream_message_id
