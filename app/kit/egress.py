"""Calls to addresses that a tenant chose. The address that is dialled is the one that is checked.

The check stands in the socket factory, below name resolution and connection reuse, so neither a literal, a rebinding
name nor an odd spelling passes it. The table is ours: Python's `is_global` counts multicast, NAT64 and 6to4 as global.
"""

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType

from app.kit.errors import FieldError, InvalidRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

TOTAL_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
READ_CAP_BYTES: Final = 64 * 1024
EXCERPT_BYTES: Final = 1024
MAX_CONNECTIONS: Final = 100
RESOLVING_AT_ONCE: Final = 64
IDLE_SECONDS: Final = 4.0
DENIED_PORTS: Final = frozenset({2049, 3306, 5432, 6379, 9200, 11211, 27017})

NOT_PUBLIC_V4: Final = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
PUBLIC_V6: Final = ipaddress.IPv6Network("2000::/3")
NOT_PUBLIC_V6: Final = tuple(
    ipaddress.IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
LOCAL_NAMES: Final = re.compile(r"(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|arpa)\.?$")
NUMERIC_NAME: Final = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$")
HOST: Final = re.compile(r"[0-9a-z_]([0-9a-z_-]{0,62})(\.[0-9a-z_-]{1,63})*\.?")


class AddressBlocked(OSError):
    """The name leads to an address that is not public."""


class UrlRefused(InvalidRequest):
    """The URL cannot be used as a webhook endpoint."""

    code = "invalid_parameter"


@dataclass(frozen=True)
class Reply:
    """What came back; `error` is set when there was no usable answer. The body is cut to 1 KiB."""

    status: int | None
    excerpt: str
    duration_ms: int
    error: str | None = None
    retry_after: str | None = None


def is_public(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether a literal address is global unicast by our table, or in a network the operator allows."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if any(parsed in network for network in allowed if network.version == parsed.version):
        return True
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in NOT_PUBLIC_V4)
    return parsed in PUBLIC_V6 and not any(parsed in network for network in NOT_PUBLIC_V6)


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks from `10.0.0.0/8,fd00::/8`."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


class Egress:
    """One pooled client for everything that goes to addresses of tenants' choosing."""

    def __init__(
        self,
        allowed: tuple[Network, ...] = (),
        *,
        total_seconds: float = TOTAL_SECONDS,
        per_host: int = 8,
        most: int = MAX_CONNECTIONS,
        agent: str = "Sublet-Webhooks/1",
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._allowed = allowed
        self._total_seconds = total_seconds
        self._per_host = per_host
        self._most = most
        self._agent = agent
        self._resolver = resolver or _Resolver()
        self._session: aiohttp.ClientSession | None = None

    def check_url(self, url: str, pointer: str = "#/url") -> None:
        """Refuse what can never be delivered to: courtesy, the dial decides.

        Raises:
            UrlRefused: not https (http only into allowed networks), credentials, fragment, odd port, private literal.
        """
        problem = self._problem(url)
        if problem:
            raise UrlRefused(problem, errors=(FieldError(pointer, "invalid_url", problem),))

    async def get(self, url: str, headers: dict[str, str], timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        """Begin a GET, without redirects; the caller reads the body within the time limits, and closes the answer.

        Raises:
            UrlRefused, AddressBlocked, TimeoutError, aiohttp.ClientError, OSError, ValueError: there is no answer.
        """
        self.check_url(url)
        return await self._client().get(url, headers=headers, timeout=timeout, allow_redirects=False)

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        """A `send` by POST."""
        return await self.send("POST", url, body, headers)

    async def send(self, verb: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Send without redirects, cookies, proxies or compression; never raises for what the other side does."""
        started = time.monotonic()
        try:
            self.check_url(url)
            async with (
                asyncio.timeout(self._total_seconds),
                self._client().request(verb, url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                excerpt = await _read_capped(response)
                return Reply(response.status, excerpt, _since(started), retry_after=response.headers.get("Retry-After"))
        except UrlRefused:
            error = "blocked"
        except AddressBlocked:
            error = "blocked"
        except TimeoutError:
            error = "timeout"
        except aiohttp.ClientSSLError:
            error = "tls_failed"
        except aiohttp.ClientConnectorError as failure:
            error = "blocked" if isinstance(failure.os_error, AddressBlocked) else "connect_failed"
        except (aiohttp.ClientError, OSError, ValueError):
            error = "broken_answer"
        return Reply(None, "", _since(started), error=error)

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    def _problem(self, url: str) -> str | None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "The URL cannot be read."
        if len(url) > 2000 or not url.isprintable() or " " in url:
            return "The URL is too long or has characters that a URL cannot have."
        if parts.scheme not in ("https", "http") or not parts.hostname:
            return "The URL must be absolute and use https."
        if parts.username is not None or parts.password is not None or parts.fragment:
            return "The URL must have no user name, password or fragment."
        literal = _literal(parts.hostname)
        if literal and not is_public(literal, self._allowed):
            return "The URL leads to an address that is not public."
        if not literal and (
            "[" in parts.netloc or not (_is_name(parts.hostname) and (self._allowed or _is_public_name(parts.hostname)))
        ):
            return "The URL must name a public host; write names beyond ASCII in their xn-- form."
        if parts.scheme == "http" and not (literal and self._inside(literal)):
            return "The URL must use https."
        if port is not None and port not in (80, 443) and (port <= 1024 or port in DENIED_PORTS):
            return "The port is not allowed: use 443 or one above 1024."
        return None

    def _inside(self, literal: str) -> bool:
        address = ipaddress.ip_address(literal)
        return any(address in network for network in self._allowed if network.version == address.version)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._most,
                    limit_per_host=self._per_host,
                    socket_factory=self._dial,
                    resolver=self._resolver,
                    ttl_dns_cache=10,
                    keepalive_timeout=IDLE_SECONDS,
                ),
                timeout=aiohttp.ClientTimeout(total=self._total_seconds, sock_connect=CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                headers={"Accept-Encoding": "identity", "User-Agent": self._agent},
            )
        return self._session

    def _dial(self, info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not is_public(str(address[0]), self._allowed):
            raise AddressBlocked("address is not public")
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """The system's resolver with threads of its own: names that hang must not stop whatever else needs a thread."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING_AT_ONCE, thread_name_prefix="egress-resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Every address of a name; which of them may be dialled is decided in the socket factory."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads,
            lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG),
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Let go of the threads; one that still waits for an answer ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _read_capped(response: aiohttp.ClientResponse) -> str:
    body = b""
    while len(body) < READ_CAP_BYTES:
        chunk = await response.content.read(READ_CAP_BYTES - len(body))
        if not chunk:
            break
        body += chunk
    if len(body) >= READ_CAP_BYTES:
        response.close()
    return body[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\x00", "")


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    """A name in ASCII that is no number in an odd spelling, such as `0x7f.1`."""
    return len(host) <= 253 and HOST.fullmatch(host) is not None and not NUMERIC_NAME.search(host)


def _is_public_name(host: str) -> bool:
    """Courtesy to whoever mistypes: names of one label or of private zones; where they lead is seen at the dial."""
    return "." in host.rstrip(".") and not LOCAL_NAMES.search(host)


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


__all__ = ["AddressBlocked", "Egress", "Network", "Reply", "UrlRefused", "is_public", "parse_networks"]
