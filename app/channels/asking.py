"""Asks the gateway for calls of this face: in our words wherever there are any, else in Whapi's, if it speaks them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

import structlog

from app.channels import natively, refusals
from app.channels.answer import Answer, refused, told
from app.channels.auth import Channel
from app.channels.parts import Call, Parts
from app.files import links
from app.files.links import Sealer
from app.files.replacing import has_links, with_links
from app.gateway.calls import CALL_SECONDS, STREAM_SECONDS
from app.gateway.catalogue import METHODS, Method
from app.gateway.endings import InstanceNotConnected
from app.gateway.relay import CANNOT_SEND
from app.kit.errors import AppError
from app.lines.channel_words import messages as words
from app.lines.channel_words.messages import Spoken
from app.messages import service as messages
from app.providers.answers import Message
from app.providers.asks import Ask, ReadMessage, RecentMessages, Send
from app.providers.errors import NoSuchThing, ProviderError, TooFast, Unsupported
from app.providers.likeness import describe
from app.providers.port import Credentials, Drafted, Native, Provider, Sent

log = structlog.get_logger()

A = TypeVar("A")
WORDS: Final = "whapi"
ANSWER_SECONDS: Final = 28.0
PATIENCE_SECONDS: Final = 1.0
"""How long a gateway that was asked too fast is given: its rates are told by the second."""
LOOKED_BACK_MINUTES: Final = 7 * 1440
LATE: Final = refused(504, refusals.UNKNOWN)
Do = Callable[[Provider, Credentials], Awaitable[A]]


class Asking:
    """Lives as long as the process. What is under way when a client is answered goes on to its end."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._under_way: set[asyncio.Task[Answer]] = set()

    def provider(self, channel: Channel) -> Provider:
        """Whose gateway it is."""
        return self.parts.registry.get(channel.instance.provider, channel.instance.environment)

    def speaks(self, channel: Channel) -> bool:
        """Whether the gateway's own words are those of this face."""
        return self.provider(channel).traits.words == WORDS

    async def ask(self, channel: Channel, ask: Ask[A]) -> A:
        """The gateway's answer, with links of ours to its files.

        Raises:
            AppError: it was not admitted. ProviderError: how it ended.
        """
        return await self.do(channel, ask.method, lambda provider, credentials: provider.perform(credentials, ask))

    async def do(self, channel: Channel, method: str, do: Do[A], *, streams: bool = False) -> A:
        """As `ask`, for what is done in another way or takes a file with it; `method` is the catalogue's name.

        What the gateway refuses for its pace, which is not to be kept to the millisecond from here, is asked once more
        a second after it was asked first: nothing was done.
        """
        traits = self.provider(channel).traits
        if method in traits.unsupported:
            raise Unsupported()
        answer = await self.parts.gateway.ask(
            channel.principal,
            channel.instance.id,
            METHODS[method.lower()],
            do if streams else _patient(do),
            face="compatible",
            seconds=STREAM_SECONDS if streams else CALL_SECONDS,
            tries=1 if streams else 2,
        )
        return await self.ours(channel, answer)

    async def send(
        self, channel: Channel, send: Send, *, shown: dict[str, Any] | None = None, do: Do[Sent] | None = None
    ) -> Answer:
        """Send a message; `shown` is told of it beside what we keep, `do` hands it over where it needs its file first.

        Raises:
            InstanceNotConnected: there is no phone; with Whapi nothing waits for one.
            AppError: it was not admitted. ProviderError: how it ended.
        """
        if channel.instance.connection in CANNOT_SEND:
            raise InstanceNotConnected()
        if send.method in self.provider(channel).traits.unsupported:
            raise Unsupported()
        kind, content = describe(send.content)
        drafted = Drafted(send.chat_id, kind, content, send.quoted_message_id)

        async def hand_over(provider: Provider, credentials: Credentials) -> Sent:
            return await provider.send(credentials, send)

        sent = await self.parts.gateway.send(
            channel.principal,
            channel.instance.id,
            METHODS[send.method.lower()],
            drafted,
            do or hand_over,
            seconds=CALL_SECONDS if do is None else STREAM_SECONDS,
        )
        quoted = {"quoted": {"message_id": send.quoted_message_id}} if send.quoted_message_id else {}
        return told(words.sent(spoken(channel, sent.message_id, send.chat_id, kind, content | quoted | (shown or {}))))

    async def ours(self, channel: Channel, answer: A) -> A:
        """An answer of the gateway's as it may leave the house."""
        if not has_links(answer):
            return answer
        return with_links(answer, await self.sealer(channel))

    async def sealer(self, channel: Channel) -> Sealer:
        """Makes links of ours for a channel's files."""
        instance = channel.instance
        async with self.parts.database.begin(channel.tenant_id) as uow:
            return await links.sealer(
                uow,
                channel.tenant_id,
                instance.id,
                provider=instance.provider,
                environment=instance.environment,
                public_url=self.parts.public_url,
            )

    async def chat_of(self, channel: Channel, message_id: str) -> str:
        """The chat of a message, which Whapi's calls do not name: from our records, else from the gateway.

        Raises:
            NoSuchThing: nobody knows it.
            AppError, ProviderError: as `ask`.
        """
        async with self.parts.database.begin(channel.tenant_id) as uow:
            found = await messages.chat_of(uow, channel.tenant_id, channel.instance.id, message_id)
        if found is None and self.speaks(channel):
            found = await natively.chat_of(self, channel, message_id)
        elif found is None:
            found = next((row.chat_id for row in await self._recent(channel) if row.message_id == message_id), None)
        if found is None:
            raise NoSuchThing()
        return found

    async def message(self, channel: Channel, message_id: str) -> Message:
        """A message of the journal by its id alone.

        Raises:
            NoSuchThing, AppError, ProviderError: as `chat_of`.
        """
        return await self.ask(channel, ReadMessage(await self.chat_of(channel, message_id), message_id))

    async def natively(self, call: Call) -> Answer:
        """Pass a call on in Whapi's words, where the gateway speaks them; else it cannot be done.

        Raises:
            Unsupported: the gateway has other words.
            AppError: it was not admitted. ProviderError: there was no answer.
        """
        if not self.speaks(call.channel):
            raise Unsupported()
        return await natively.passed(self, call)

    async def native(self, channel: Channel, method: Method, native: Native) -> Any:
        """The reply to a call in the gateway's words, not yet cleaned."""
        return await self.parts.gateway.native(channel.principal, channel.instance.id, method, native)

    async def within(self, serve: Coroutine[Any, Any, Answer], seconds: float = ANSWER_SECONDS) -> Answer:
        """The answer if it comes in time; what was begun is not broken off."""
        task = asyncio.ensure_future(serve)
        self._under_way.add(task)
        task.add_done_callback(self._done)
        await asyncio.wait({task}, timeout=seconds)
        return task.result() if task.done() else LATE

    async def close(self) -> None:
        """Let what is under way come to its end."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=ANSWER_SECONDS)

    def _done(self, task: asyncio.Task[Answer]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, AppError | ProviderError):
            log.error("channel_call_crashed", error=type(error).__name__)

    async def _recent(self, channel: Channel) -> list[Message]:
        found: list[Message] = []
        for incoming in (True, False):
            try:
                rows = await self.ask(channel, RecentMessages(incoming=incoming, minutes=LOOKED_BACK_MINUTES))
            except ProviderError as error:
                if not isinstance(error, Unsupported):
                    raise
            else:
                found += rows
        return found


def _patient(do: Do[A]) -> Do[A]:
    async def once_more(provider: Provider, credentials: Credentials) -> A:
        began = time.monotonic()
        try:
            return await do(provider, credentials)
        except TooFast as error:
            left = PATIENCE_SECONDS - (time.monotonic() - began)
            if left <= 0 or (error.retry_after_seconds or 0) > PATIENCE_SECONDS:
                raise
        await asyncio.sleep(left)
        return await do(provider, credentials)

    return once_more


def spoken(channel: Channel, message_id: str, chat_id: str, kind: str, content: dict[str, Any]) -> Spoken:
    """A message that was just taken."""
    return Spoken(
        message_id,
        chat_id,
        kind,
        content,
        own=True,
        sender=channel.own_id,
        by_api=True,
        at=int(channel.now.timestamp()),
        status="pending",
    )
