"""Cursor pages: newest first, the cursor is the signed keyset of the last row and lives a day."""

import base64
import hmac
import struct
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import Select

from app.kit.crypto import Keyring
from app.kit.db import TenantOwned, UnitOfWork
from app.kit.errors import InvalidRequest

LIFE: Final = timedelta(hours=24)
Row = TypeVar("Row", bound=TenantOwned)


class CursorExpired(InvalidRequest):
    """The cursor is not valid any more; begin again without one."""

    code = "cursor_expired"


async def fetch(
    uow: UnitOfWork, query: Select[Row], model: type[Row], *, limit: int, cursor: str | None
) -> tuple[list[Row], str | None]:
    """One page of rows, newest first by id, and the cursor of the next page if there is one.

    Raises:
        CursorExpired: the cursor is older than a day, was changed, or was never ours.
    """
    if cursor is not None:
        query = query.where(model.id < read_cursor(uow.keyring, cursor, uow.now))
    rows: list[Any] = list((await uow.session.scalars(query.order_by(model.id.desc()).limit(limit + 1))).all())
    if len(rows) <= limit:
        return rows, None
    rows = rows[:limit]
    return rows, make_cursor(uow.keyring, rows[-1].id, uow.now)


def make_cursor(keyring: Keyring, last_id: UUID, now: datetime) -> str:
    """The opaque text that continues after a row."""
    payload = last_id.bytes + struct.pack(">I", int(now.timestamp()))
    return base64.urlsafe_b64encode(payload + _signature(keyring, payload)).decode().rstrip("=")


def read_cursor(keyring: Keyring, cursor: str, now: datetime) -> UUID:
    """The id after which a page begins.

    Raises:
        CursorExpired: see `fetch`.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raw = b""
    payload, signature = raw[:20], raw[20:]
    if len(raw) != 36 or not hmac.compare_digest(_signature(keyring, payload), signature):
        raise CursorExpired("The cursor is not one of ours.")
    made = datetime.fromtimestamp(struct.unpack(">I", payload[16:])[0], tz=now.tzinfo)
    if now - made > LIFE:
        raise CursorExpired("A cursor lives for 24 hours.")
    return UUID(bytes=payload[:16])


def _signature(keyring: Keyring, payload: bytes) -> bytes:
    return keyring.fingerprint("cursor|" + payload.hex())[:16]
