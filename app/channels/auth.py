"""From a bearer token to a channel: the line, its instance and its tenant."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from app.gateway.known import KnownLine, look_up
from app.kit.db import Database
from app.kit.trust import Failures, Kept, Lookups
from app.lines import service as lines
from app.lines.models import Line

SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Channel(KnownLine):
    """What a token stands for, as it was when it was read."""

    @property
    def own_id(self) -> str:
        """The account's own chat id; empty when no phone is linked."""
        phone = self.instance.phone
        return f"{phone}@c.us" if phone else ""


class ChannelAuthenticator:
    """Finds channels by their tokens; what was found is trusted for half a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: Kept[Channel | None] = Kept()
        self._lookups = Lookups()
        self.failures = Failures()

    def forget(self) -> None:
        """Look every channel up again."""
        self._kept.forget()

    async def channel(self, authorization: str, address: str) -> Channel | None:
        """The channel of an Authorization header, or None. A token without our checksum is refused without a query.

        A token in the query is not looked at: it would end up in logs.
        """
        token = authorization[len(SCHEME) :].strip() if authorization.lower().startswith(SCHEME) else ""
        if lines.well_formed(token):
            key = self._database.keyring.fingerprint(token)
            look = partial(look_up, self._database, Channel, Line.token_hash == key)
            found = await self._lookups.found(self._kept, key, look)
            if found is not None:
                return found
        await self.failures.failed(address)
        return None
