"""Sees all that leaves the process: what is logged at DEBUG, answered and stored; and looks for secrets in it."""

import base64
import io
import logging
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import httpx2
import structlog
from redis.asyncio import Redis

from app.kit import log

# Those of the test's own client, of the simulator and of the mail server are no part of the product.
FOREIGN = ("httpx", "httpcore", "mail.log", "aiohttp.server", "aiohttp.access", "aiohttp.web")
# These answers may show the secret that they have just made, or that is theirs to show.
SHOWS_ONCE = re.compile(
    r"/v1/(auth/sessions|api_keys|partner_tokens|api_keys/[^/]+/rotate|webhook_endpoints/[^/]+/(rotate_)?secret)/?"
)


@dataclass
class Witness:
    """What was seen, by where, and the secrets by what they are."""

    secrets: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, str]] = field(default_factory=list)
    logs: io.StringIO = field(default_factory=io.StringIO)

    def hide(self, name: str, secret: str) -> None:
        """Something that must appear nowhere."""
        assert len(secret) >= 6, name
        self.secrets[secret] = name

    async def keep(self, response: httpx2.Response) -> None:
        """An event hook of the client: every answer, but for those that may show a secret."""
        await response.aread()
        request = response.request
        may_show = SHOWS_ONCE.fullmatch(request.url.path) and (
            request.method == "POST" or request.url.path.endswith("secret")
        )
        if may_show and response.is_success:
            return
        self.answers.append((f"{request.method} {request.url.path}", f"{response.headers!r} {response.text}"))

    def found(self, seen: list[tuple[str, str]]) -> set[str]:
        """Which secrets stand where: in plain, as hex, as base64, or as a part of a URL."""
        leaks = set()
        for secret, name in self.secrets.items():
            pattern = re.compile("|".join(re.escape(form) for form in _forms(secret)))
            if secret.isdecimal():
                pattern = re.compile(rf"(?<![\w.\-\\]){secret}(?![\w\-])")
            leaks |= {f"{name} in {place}" for place, text in seen if pattern.search(text)}
        return leaks

    def in_logs(self) -> set[str]:
        """Leaks into the log, by line."""
        return self.found([(f"log: {line[:200]}", line) for line in self.logs.getvalue().splitlines()])

    def in_answers(self) -> set[str]:
        """Leaks into answers."""
        return self.found(self.answers)


@asynccontextmanager
async def watching() -> AsyncIterator[Witness]:
    """Collect every log line at DEBUG as it is before the net that cuts secrets out; all is put back afterwards."""
    witness, stderr = Witness(), sys.stderr
    root = logging.getLogger()
    root_was = root.handlers, root.level
    sys.stderr = witness.logs
    try:
        log.configure("debug")
        handler = root.handlers[0]
        handler.addFilter(lambda record: not record.name.startswith(FOREIGN))
        root.setLevel(logging.DEBUG)
        formatter = handler.formatter
        assert isinstance(formatter, structlog.stdlib.ProcessorFormatter)
        chains: list[Any] = [structlog.get_config()["processors"], formatter.foreign_pre_chain]
        for chain in chains:
            chain.remove(log.mask_secrets)
        forget_loggers()
        yield witness
    finally:
        sys.stderr = stderr
        log.configure("error")
        root.handlers, root.level = root_was
        forget_loggers()


def forget_loggers() -> None:
    """Loggers keep how they were configured at their first use; have them look again."""
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()) if hasattr(module, "__dict__") else ():
            if type(value).__name__ == "BoundLoggerLazyProxy":
                vars(value).pop("bind", None)


async def stored(admin_dsn: str, name: str) -> list[tuple[str, str]]:
    """Every row of every table as text; bytes come as hex."""
    address = urlsplit(admin_dsn)._replace(path=f"/{name}").geturl()
    connection = await asyncpg.connect(address)
    try:
        tables = await connection.fetch(
            "select relname from pg_class where relkind in ('r', 'm') and relnamespace = 'public'::regnamespace"
        )
        rows = []
        for table in sorted(row["relname"] for row in tables):
            seen = await connection.fetch(f'select t::text as shown from public."{table}" t')  # noqa: S608  # a table's own name
            rows += [(f"table {table}", row["shown"]) for row in seen]
        return rows
    finally:
        await connection.close()


async def in_redis(url: str) -> list[tuple[str, str]]:
    """Every key with its value, whatever its type."""
    client = Redis.from_url(url)
    seen = []
    try:
        async for key in client.scan_iter():
            kind = (await client.type(key)).decode()
            if kind == "string":
                value: object = await client.get(key)
            elif kind == "zset":
                value = await client.zrange(key, 0, -1)
            elif kind == "hash":
                value = await client.hgetall(key)
            elif kind == "list":
                value = await client.lrange(key, 0, -1)
            else:
                value = await client.dump(key)
            seen.append((f"redis {key!r}", f"{key!r} {value!r}"))
    finally:
        await client.aclose()
    return seen


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    whole = base64.b64encode(raw).decode().rstrip("=")
    return {secret, quote(secret, safe=""), raw.hex(), whole[: len(whole) - 2] or whole}
