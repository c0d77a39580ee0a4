"""Routes of the queue of messages, and of the journals of messages and calls."""

from litestar import Controller, delete, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from app.accounts.auth import requires
from app.accounts.scopes import Scope
from app.providers import asks
from app.typed.asking import ASKING, Asking
from app.typed.schemas.account import CallList, CallView, QueueCount, QueuedView, QueueList
from app.typed.schemas.chats import ChatMessageList, ChatMessageView
from app.typed.schemas.common import DirectionFilter, Minutes, shown

READ = [requires(Scope.MESSAGES_READ)]


class QueueController(Controller):
    """What the gateway has taken and not sent yet, at most a day."""

    path = "/v1/instances/{instance_id:str}/queue"
    tags = ("Queue",)
    dependencies = ASKING

    @get("/", operation_id="listQueue", summary="List the queue", guards=READ)
    async def list_queue(self, asking: NamedDependency[Asking]) -> QueueList:
        """What waits to be sent, in its order."""
        return QueueList([shown(QueuedView, each) for each in await asking.ask(asks.ListQueue())])

    @delete("/", operation_id="clearQueue", summary="Clear the queue", guards=[requires(Scope.MESSAGES_SEND)])
    async def clear_queue(self, asking: NamedDependency[Asking]) -> None:
        """Drop what waits to be sent; it is sent no more."""
        await asking.ask(asks.ClearQueue())

    @get("/count", operation_id="countQueue", summary="Count the queue", guards=READ)
    async def count_queue(self, asking: NamedDependency[Asking]) -> QueueCount:
        """How much waits to be sent; the gateway counts every ten seconds."""
        return shown(QueueCount, await asking.ask(asks.CountQueue()))


@get(
    "/v1/instances/{instance_id:str}/recent_messages",
    operation_id="listRecentMessages",
    summary="List recent messages",
    guards=READ,
    tags=["Messages"],
    dependencies=ASKING,
)
async def list_recent_messages(
    asking: NamedDependency[Asking],
    direction: FromQuery[DirectionFilter] = "incoming",
    minutes: FromQuery[Minutes] = 1440,
) -> ChatMessageList:
    """What came in or went out lately in all chats, as WhatsApp's journal has it, newest first."""
    found = await asking.ask(asks.RecentMessages(direction == "incoming", minutes))
    return ChatMessageList([shown(ChatMessageView, message) for message in found])


@get(
    "/v1/instances/{instance_id:str}/calls",
    operation_id="listCalls",
    summary="List calls",
    guards=READ,
    tags=["Calls"],
    dependencies=ASKING,
)
async def list_calls(
    asking: NamedDependency[Asking],
    direction: FromQuery[DirectionFilter] = "incoming",
    minutes: FromQuery[Minutes] = 1440,
) -> CallList:
    """Calls that came in or went out lately, newest first."""
    found = await asking.ask(asks.RecentCalls(direction == "incoming", minutes))
    return CallList([shown(CallView, call) for call in found])
