"""The peer: the two hot routes as people write them by hand, without any of the promises that ours keep.

A send is one look-up of the lease by its key and one call upstream: no limit, no idempotency key, no record of what
was sent. A notice is one row in one transaction, as it came. Its settings are JSON in the variable `PEER`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
import msgspec
import uvicorn
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from sqlalchemy import BigInteger, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Config(Struct):
    """Where it listens, what it stands on, and the one lease it knows."""

    port: int
    database_url: str
    upstream_url: str
    key: str
    upstream_id: int
    upstream_token: str


class Base(DeclarativeBase):
    """The peer's two tables."""


class Lease(Base):
    """Who may send through which upstream instance."""

    __tablename__ = "leases"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    upstream_id: Mapped[int] = mapped_column(BigInteger)
    upstream_token: Mapped[str]


class Notice(Base):
    """What upstream told."""

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(primary_key=True)
    lease_id: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Text(Struct):
    """The words of a message."""

    body: Annotated[str, Meta(min_length=1, max_length=20_000)]


class Message(Struct):
    """A text to a chat, in the same words as our API's."""

    to: str
    type: str
    text: Text


@get("/health")
async def health() -> dict[str, str]:
    """Alive."""
    return {"status": "ok"}


@post("/instances/{lease_id:int}/messages", status_code=202)
async def send(
    lease_id: FromPath[int], request: Request[Any, Any, Any], state: State, data: JSONBody[Message]
) -> dict[str, str]:
    """Look the lease up, ask upstream, tell the id."""
    lease = await _lease(state, request, lease_id)
    reply = await state.upstream.post(
        f"/waInstance{lease.upstream_id}/sendMessage/{lease.upstream_token}",
        json={"chatId": data.to, "message": data.text.body},
    )
    reply.raise_for_status()
    return {"id": reply.json()["idMessage"], "status": "queued"}


@post("/hooks/{lease_id:int}", status_code=200)
async def notice(
    lease_id: FromPath[int], request: Request[Any, Any, Any], state: State, data: JSONBody[dict[str, Any]]
) -> dict[str, str]:
    """Keep what upstream tells; committed before the 200."""
    lease = await _lease(state, request, lease_id)
    async with state.sessions.begin() as session:
        session.add(Notice(lease_id=lease.id, body=data))
    return {"status": "ok"}


async def _lease(state: State, request: Request[Any, Any, Any], lease_id: int) -> Lease:
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    async with state.sessions() as session:
        lease: Lease | None = await session.scalar(select(Lease).where(Lease.id == lease_id, Lease.key == key))
    if lease is None:
        raise NotAuthorizedException()
    return lease


def create_app(config: Config) -> Litestar:
    """The peer over its database, with the lease of the bench in it."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        engine = create_async_engine(config.database_url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        app.state.sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
        async with app.state.sessions.begin() as session:
            session.add(
                Lease(id=1, key=config.key, upstream_id=config.upstream_id, upstream_token=config.upstream_token)
            )
        async with httpx2.AsyncClient(base_url=config.upstream_url, timeout=30) as upstream:
            app.state.upstream = upstream
            yield
        await engine.dispose()

    return Litestar(route_handlers=[health, send, notice], lifespan=[lifespan], openapi_config=None)


def main() -> None:
    """Serve until told to stop."""
    config = msgspec.json.decode(os.environ["PEER"], type=Config)
    uvicorn.run(create_app(config), host="127.0.0.1", port=config.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
