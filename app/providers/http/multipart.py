"""Pure rules: one file and a few fields as multipart/form-data, without holding the file."""

import secrets
from collections.abc import AsyncIterator

from app.providers.port import Upload


def form(upload: Upload, field: str = "file", /, **fields: str) -> Upload:
    """The form as a body to stream, fields before the file, which is the one called `field`."""
    boundary = secrets.token_hex(16)
    head = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value.encode() + b"\r\n"
        for name, value in fields.items()
    )
    named = f'Content-Disposition: form-data; name="{field}"; filename="{_quoted(upload.file_name) or "file"}"'
    head += f"--{boundary}\r\n{named}\r\nContent-Type: {_quoted(upload.content_type)}\r\n\r\n".encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    size = None if upload.size is None else len(head) + upload.size + len(tail)
    return Upload(_joined(head, upload.chunks, tail), size, f"multipart/form-data; boundary={boundary}", "")


async def _joined(head: bytes, chunks: AsyncIterator[bytes], tail: bytes) -> AsyncIterator[bytes]:
    yield head
    async for chunk in chunks:
        yield chunk
    yield tail


def _quoted(text: str) -> str:
    """A text for a header of a part, as browsers write it: quotes and line ends percent-encoded."""
    kept = text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return "".join(char for char in kept if char.isprintable())
