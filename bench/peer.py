"""The peer: the two hot routes as people write them by hand, without any of the promises that ours keep.

FastAPI, httpx and SQLAlchemy. A send is one look-up of the lease by its key and one call upstream: no limit, no
idempotency key, no record of what was sent. A notice is one row in one transaction, as it came. Its settings are JSON
in the variable `PEER`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import msgspec
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from msgspec import Struct
from pydantic import BaseModel, Field
from sqlalchemy import BigInteger, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

CONNECTIONS = 512


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


class Text(BaseModel):
    """The words of a message."""

    body: str = Field(min_length=1, max_length=20_000)


class Message(BaseModel):
    """A text to a chat, in the same words as our API's."""

    to: str
    type: str
    text: Text


def create_app(config: Config) -> FastAPI:
    """The peer over its database, with the lease of the bench in it."""
    engine = create_async_engine(config.database_url, pool_size=20, max_overflow=20)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    upstream = httpx.AsyncClient(base_url=config.upstream_url, timeout=30, limits=limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with sessions.begin() as session:
            if await session.get(Lease, 1) is None:
                session.add(
                    Lease(id=1, key=config.key, upstream_id=config.upstream_id, upstream_token=config.upstream_token)
                )
        yield
        await upstream.aclose()
        await engine.dispose()

    async def database() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    session_of_request = Annotated[AsyncSession, Depends(database)]
    authorization = Annotated[str, Header()]

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/instances/{lease_id}/messages", status_code=202)
    async def send(
        lease_id: int, message: Message, authorization: authorization, session: session_of_request
    ) -> dict[str, str]:
        lease = await _lease(session, authorization, lease_id)
        reply = await upstream.post(
            f"/waInstance{lease.upstream_id}/sendMessage/{lease.upstream_token}",
            json={"chatId": message.to, "message": message.text.body},
        )
        reply.raise_for_status()
        return {"id": reply.json()["idMessage"], "status": "queued"}

    @app.post("/hooks/{lease_id}")
    async def notice(
        lease_id: int, request: Request, authorization: authorization, session: session_of_request
    ) -> dict[str, str]:
        lease = await _lease(session, authorization, lease_id)
        session.add(Notice(lease_id=lease.id, body=await request.json()))
        await session.commit()
        return {"status": "ok"}

    return app


async def _lease(session: AsyncSession, authorization: str, lease_id: int) -> Lease:
    key = authorization.removeprefix("Bearer ")
    lease: Lease | None = await session.scalar(select(Lease).where(Lease.id == lease_id, Lease.key == key))
    if lease is None:
        raise HTTPException(401)
    return lease


def main() -> None:
    """Serve until told to stop."""
    config = msgspec.json.decode(os.environ["PEER"], type=Config)
    uvicorn.run(
        create_app(config),
        host="127.0.0.1",
        port=config.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
