"""The second way: GREEN-API's calls, asked of a gateway in our words, and its replies made of the answers."""

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from app.compat.answer import JSON
from app.compat.auth import Known
from app.compat.speaking import endings, files
from app.compat.speaking.fields import Fields, Invalid, Plain
from app.compat.speaking.sends import READERS, send_of
from app.compat.speaking.table import EMPTY, OF_QUEUE, SPOKEN
from app.compat.wording import NEVER_WORKS
from app.files.incoming import Incoming
from app.gateway.calls import STREAM_SECONDS, Face, Gateway
from app.gateway.catalogue import Method
from app.lines.words.values import wid
from app.providers.asks import Forward, Send
from app.providers.errors import ProviderError, Unsupported
from app.providers.likeness import describe
from app.providers.port import Credentials, Drafted, Native, NativeReply, Provider, Sent
from app.providers.registry import Registry

WORDS: Final = "green_api"


class Speaker:
    """Answers for gateways of other words; lives as long as the process.

    A call that GREEN-API would refuse as malformed is refused before it is admitted, and uses nothing of a plan.
    """

    def __init__(self, gateway: Gateway, registry: Registry) -> None:
        self._gateway = gateway
        self._registry = registry

    def is_needed(self, known: Known) -> bool:
        """Whether an instance's gateway has other words than GREEN-API's."""
        return self._provider(known).traits.words != WORDS

    async def ask(self, known: Known, method: Method, native: Native, face: Face) -> NativeReply:
        """The reply to a call in GREEN-API's words.

        Raises:
            AppError: it was not admitted; nothing was asked.
            ProviderError: `Unsupported`; or there was no answer.
        """
        self._check(known, method)
        try:
            fields = Fields(_given(native))
            if method.name in READERS:
                return await self._send(known, method, send_of(method.name, fields))
            spoken = SPOKEN[method.name]
            do = spoken.ask(fields)
        except Invalid as error:
            return endings.invalid(error.details)
        except Plain as error:
            return endings.plain(400, error.text)
        try:
            answer = await self._gateway.ask(known.principal, known.instance.id, method, do, face=face)
        except ProviderError as error:
            refused = error
        else:
            told = spoken.tell(answer)
            if method.name == "getSettings":  # not every gateway tells it there
                told["wid"] = told["wid"] or wid(known.instance.phone)
            return endings.reply(200, b"", JSON) if told is EMPTY else endings.told(told)
        return endings.refusal(method.name, refused)

    async def ask_with_file(self, known: Known, method: Method, body: Incoming, face: Face) -> NativeReply:
        """The reply to a call that brings a file.

        Raises:
            AppError, ProviderError: as `ask`.
        """
        self._check(known, method)
        try:
            if method.sends:
                return await self._send_file(known, method, files.Sending(body))
            return await self._take_file(known, method, body, face)
        except Invalid as error:
            return endings.invalid(error.details)

    async def _send(self, known: Known, method: Method, send: Send) -> NativeReply:
        async def do(provider: Provider, credentials: Credentials) -> Sent:
            return await provider.send(credentials, send)

        try:
            sent = await self._gateway.send(known.principal, known.instance.id, method, _drafted(send), do)
        except ProviderError as error:
            refused = error
        else:
            is_many = isinstance(send.content, Forward)
            ids = [sent.message_id, *sent.more_ids]
            return endings.told({"messages": ids} if is_many else {"idMessage": sent.message_id})
        return endings.refusal(method.name, refused)

    async def _send_file(self, known: Known, method: Method, sending: files.Sending) -> NativeReply:
        drafted = _drafted(sending.message("https://file.invalid/upload"))
        principal, instance_id = known.principal, known.instance.id
        try:
            sent = await self._gateway.send(principal, instance_id, method, drafted, sending.do, seconds=STREAM_SECONDS)
        except ProviderError as error:
            refused = error
        else:
            return endings.told({"idMessage": sent.message_id, "urlFile": sending.link})
        return endings.refusal(method.name, refused)

    async def _take_file(self, known: Known, method: Method, body: Incoming, face: Face) -> NativeReply:
        """Store a file, or make it the picture of the account or of a group."""
        picture = None
        if method.name != "uploadFile":
            picture = await files.picture_of(method.name, body)
            if picture is None:
                return endings.told({method.name: False, "urlAvatar": None, "reason": "bad request data"})

        async def do(provider: Provider, credentials: Credentials) -> Any:
            if picture is None:
                return {"urlFile": await provider.upload(credentials, files.upload_of(body))}
            found = await provider.perform(credentials, picture)
            return files.picture_told(method.name, found.picture_link)

        principal, instance_id = known.principal, known.instance.id
        try:
            told = await self._gateway.ask(
                principal, instance_id, method, do, face=face, seconds=STREAM_SECONDS, tries=1
            )
        except ProviderError as error:
            refused = error
        else:
            return endings.told(told)
        return endings.refusal(method.name, refused)

    def _check(self, known: Known, method: Method) -> None:
        """Refuse what the gateway cannot do, and what GREEN-API lists and forbids.

        Raises:
            Unsupported: told as GREEN-API tells of its methods that are listed and do not work: 403.
        """
        traits = self._provider(known).traits
        is_ours = method.name in OF_QUEUE and not traits.has_queue
        if method.name in NEVER_WORKS or (method.name in traits.unsupported and not is_ours):
            raise Unsupported()

    def _provider(self, known: Known) -> Provider:
        return self._registry.get(known.instance.provider, known.instance.environment)


def _given(native: Native) -> dict[str, Any]:
    if native.verb != "POST":
        return dict(parse_qsl(native.query, keep_blank_values=True))
    value = msgspec.json.decode(native.body) if native.body.strip() else {}
    return value if isinstance(value, dict) else {}


def _drafted(send: Send) -> Drafted:
    kind, content = describe(send.content)
    return Drafted(send.chat_id, kind, content, send.quoted_message_id)
