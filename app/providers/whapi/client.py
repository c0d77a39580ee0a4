"""Calls to Whapi: to the manager's host with the partner token, to the gate of a channel with the channel's.

Each is written to the wire once at most. Tokens go into a header, never into an address.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode, urlsplit

from app.kit.crypto import Secret
from app.providers.errors import CredentialRefused, NotLinked, NotReady, ProviderError, Refused, TryLater
from app.providers.http.quick import Quick
from app.providers.http.single import Single
from app.providers.http.wire import ANSWER_BYTES, JSON, LISTING_BYTES, Answer, Body, Done, Request, json_of
from app.providers.port import Credentials, Upload
from app.providers.whapi import verdicts

GATE: Final = "https://gate.whapi.cloud"
STARTING: Final = frozenset({"NOT_INIT", "INIT", "LAUNCH"})
LINKED: Final = frozenset({"AUTH", "SYNC_ERROR"})
_PATH: Final = re.compile(r"(/[A-Za-z0-9@._~%+:=,-]+)+/?")

Fields = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
Query = Mapping[str, str | int | bool | None] | str


class Client:
    """One partner account and its channels; opens its connections on first use."""

    def __init__(
        self, manager_url: str, partner_token: Secret, *, timeout_seconds: float, connect_seconds: float
    ) -> None:
        self.timeout_seconds = timeout_seconds
        """Within which a call ends."""
        self._manager_url = manager_url.rstrip("/")
        self._partner_token = partner_token
        self._quick = Quick(timeout_seconds=timeout_seconds, connect_seconds=connect_seconds)
        self._single = Single(timeout_seconds=timeout_seconds, connect_seconds=connect_seconds)
        self._gates: set[str] = set()

    @property
    def gates(self) -> frozenset[str]:
        """The hosts of the gates that were called, with their ports."""
        return frozenset(self._gates)

    @property
    def manager_url(self) -> str:
        """Where partner calls go, without a slash at its end."""
        return self._manager_url

    async def manager(self, verb: str, path: str, *, query: Query = "", body: Fields | None = None) -> Any:
        """The JSON value of a partner call, over a connection of its own.

        Raises:
            ProviderError: classified as `verdicts.of_manager` and the module say.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        request = _request(verb, self._manager_url, path, self._partner_token, query, _written(body))
        if isinstance(request, ProviderError):
            raise request
        ending = await self._single.exchange(request)
        if not isinstance(ending, Answer):
            raise ending
        return _value(verdicts.of_manager(path, ending))

    async def call(
        self, credentials: Credentials, verb: str, path: str, *, query: Query | None = None, body: Fields | None = None
    ) -> Any:
        """The JSON value of a call on a channel, None for 204.

        `path` is encoded (see `path_of`) and begins with a slash. Of the query and of a body that is a mapping,
        fields that are None are left out; a body with secrets is given as a function that makes it.

        Raises:
            ProviderError: classified as `verdicts.of_gate` and the module say; a 401 is told apart by one more call.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        answer = await self.answer(credentials, verb, path, query=query or "", body=_written(body))
        verdict = verdicts.of_gate(path, answer)
        if isinstance(verdict, NotLinked):
            verdict = await self._unlinked(credentials)
        return _value(verdict)

    async def health(self, credentials: Credentials, *, wakeup: bool) -> Any:
        """The channel's state; `wakeup` launches a sleeping one. A trial has 1,000 calls a month, these among them.

        Raises:
            CredentialRefused: the token is wrong.
            ProviderError: any other ending.
        """
        answer = await self.answer(credentials, "GET", "/health", query={"wakeup": wakeup})
        return _value(verdicts.of_health(answer))

    async def answer(
        self,
        credentials: Credentials,
        verb: str,
        path: str,
        *,
        query: Query = "",
        body: Body | None = None,
        content_type: str = JSON,
    ) -> Answer:
        """The answer to a call on a channel, whatever it says.

        Raises:
            Refused: the path is none.
            Unreachable, OutcomeUnknown: there was no answer.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        request = _request(verb, self._gate(credentials), path, credentials.token, query, body, content_type)
        if isinstance(request, ProviderError):
            raise request
        ending = await self._quick.exchange(request)
        if not isinstance(ending, Answer):
            raise ending
        return ending

    async def stream(
        self,
        credentials: Credentials,
        verb: str,
        path: str,
        upload: Upload,
        *,
        headers: Mapping[str, str] | None = None,
        query: Query = "",
    ) -> Answer:
        """The answer to a body that is passed on as it comes, of the upload's type, over a connection of its own.

        Raises:
            BrokenOff: the body ended early, was longer than told, or its source failed.
            Refused: the path is none.
            Unreachable, OutcomeUnknown: there was no answer.
            asyncio.CancelledError: the caller gave up; the outcome is unknown.
        """
        request = _request(verb, self._gate(credentials), path, credentials.token, query, None)
        if isinstance(request, ProviderError):
            raise request
        ending = await self._single.stream(request, upload, headers or {})
        if not isinstance(ending, Answer):
            raise ending
        return ending

    async def streamed(
        self,
        credentials: Credentials,
        verb: str,
        path: str,
        upload: Upload,
        *,
        headers: Mapping[str, str] | None = None,
        query: Query = "",
    ) -> Any:
        """The JSON value of a streamed call.

        Raises:
            ProviderError: as `stream`, and classified as in `call`.
        """
        answer = await self.stream(credentials, verb, path, upload, headers=headers, query=query)
        verdict = verdicts.of_gate(path, answer)
        if isinstance(verdict, NotLinked):
            verdict = await self._unlinked(credentials)
        return _value(verdict)

    async def close(self) -> None:
        """Let go of every connection; later calls are `Unreachable`."""
        await self._single.close()
        await self._quick.close()

    def _gate(self, credentials: Credentials) -> str:
        base_url = (credentials.base_url or GATE).rstrip("/")
        self._gates.add(urlsplit(base_url).netloc)
        return base_url

    async def _unlinked(self, credentials: Credentials) -> ProviderError:
        """Why a call was answered with 401: health needs no phone, so its answer tells the token from the phone."""
        try:
            state = state_of(await self.health(credentials, wakeup=False))
        except CredentialRefused:
            return CredentialRefused("the gateway refused the channel's token", status=401)
        except ProviderError:
            return NotLinked("the gateway says that the channel has no linked phone", status=401)
        if state in STARTING:
            return NotReady("the channel is starting", status=401)
        if state in LINKED:
            return TryLater("the channel was away for a moment", status=401)
        return NotLinked("the call needs a linked phone", status=401)


def path_of(*parts: str) -> str:
    """The path of these parts, encoded."""
    return "".join(f"/{quote(part, safe='@')}" for part in parts)


def state_of(health: Any) -> str:
    """The state that an answer of health, or its notification, tells; empty when it tells none."""
    status = health.get("status") if isinstance(health, dict) else None
    text = status.get("text") if isinstance(status, dict) else None
    return text if isinstance(text, str) else ""


def is_base_url(text: str) -> bool:
    """Whether calls can go there: an http address of a host without a user, query or fragment."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.username is None
            and not parts.query
            and not parts.fragment
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        return False


def _request(
    verb: str,
    base_url: str,
    path: str,
    token: Secret,
    query: Query,
    body: Body | None,
    content_type: str = JSON,
) -> Request | Refused:
    # Clients resolve dots in a path, even encoded ones, which would let an id lead elsewhere.
    if not _PATH.fullmatch(path) or any(unquote(part) in (".", "..") for part in path.split("/")):
        return Refused("the address cannot be called")
    told = query if isinstance(query, str) else urlencode(_plain(query))
    address = f"{base_url}{path}?{told}" if told else f"{base_url}{path}"
    most = LISTING_BYTES if verb == "GET" else ANSWER_BYTES
    return Request(verb, lambda: address, token, body, content_type, most)


def _plain(query: Mapping[str, str | int | bool | None]) -> dict[str, str | int]:
    """Flags as words: 1 and 0 are refused, as clients report."""
    told = {name: value for name, value in query.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in told.items()}


def _written(fields: Fields | None) -> Body | None:
    if fields is None:
        return None
    if callable(fields):
        return json_of(fields)
    told = {name: value for name, value in fields.items() if value is not None}
    return json_of(lambda: told)


def _value(verdict: Done | ProviderError) -> Any:
    if isinstance(verdict, ProviderError):
        raise verdict
    return verdict.value
