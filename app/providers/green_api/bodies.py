"""A body on its way to the gateway, piece by piece."""

from collections.abc import AsyncIterator

from app.providers.port import Upload


class Cut(Exception):
    """The body did not come as it was told."""


class Source:
    """The bytes of an upload, counted: aiohttp would cut silently what is longer than its told length.

    The last piece leaves when the body has proved whole: the gateway may do what it says as soon as it has all of it,
    and answer before we have seen the end ourselves.
    """

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._is_begun = self._is_whole = False
        self.is_broken = False
        """Whether it ended early, was longer than told, or failed: the gateway never had all of it."""

    @property
    def is_cut(self) -> bool:
        """Whether some of it may have left, and surely not all."""
        return self._is_begun and not self._is_whole

    async def read(self) -> AsyncIterator[bytes]:
        """Every piece, once."""
        self._is_begun = True
        left, held = self._upload.size, b""
        try:
            async for chunk in self._upload.chunks:
                if left is not None:
                    left -= len(chunk)
                    if left < 0:
                        break
                if held:
                    yield held
                held = chunk
        except Exception:  # whatever the source's trouble is, told as `BrokenOff`
            left = -1
        if left:
            self.is_broken = True
            raise Cut
        self._is_whole = True
        if held:
            yield held
