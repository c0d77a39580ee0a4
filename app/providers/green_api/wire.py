"""The calls of GREEN-API as they go over the wire: the token is part of the address."""

from typing import Final
from urllib.parse import quote

from app.kit.crypto import Secret
from app.providers.http.wire import ANSWER_BYTES, JSON, Body, Request

PARTNER: Final = "partner"


def request(
    base_url: str,
    verb: str,
    prefix: str,
    method: str,
    token: Secret,
    *,
    body: Body | None = None,
    content_type: str = JSON,
    query: str = "",
    most_bytes: int = ANSWER_BYTES,
) -> Request:
    """A call of a method; `query` is already encoded. Its address is made when it is written, since it is a secret."""

    def address() -> str:
        path = f"{base_url}/{prefix}/{_quoted(method)}/{_quoted(token.reveal())}"
        return f"{path}?{query}" if query else path

    return Request(verb, address, None, body, content_type, most_bytes)


def _quoted(part: str) -> str:
    return part if part.isascii() and part.isalnum() else quote(part, safe="")
