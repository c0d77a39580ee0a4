"""From a number and a token in a path to a line, and from a partner's token to its tenant."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from app.accounts import partner_tokens
from app.accounts.principal import Principal
from app.gateway.known import KnownLine, look_up
from app.kit import clock
from app.kit.crypto import Keyring
from app.kit.db import Database
from app.kit.trust import Failures, Kept, Lookups
from app.lines import service as lines
from app.lines import tokens
from app.lines.models import Line

LONGEST_TOKEN: Final = 100


@dataclass(frozen=True, slots=True)
class Known(KnownLine):
    """A line with its instance and its tenant, as they were when they were read."""

    @property
    def time(self) -> str:
        """The present time as texts show it, counted on from the database's."""
        return clock.to_wire(self.now)


class LineAuthenticator:
    """Finds lines and partners; what was found is trusted for half a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines: Kept[Known | None] = Kept()
        self._partners: Kept[Principal | None] = Kept()
        self._lookups = Lookups()
        self.failures = Failures()

    def forget(self, number: int | None = None) -> None:
        """Trust no line, or one no more, without looking it up again."""
        self._lines.forget(number)
        self._partners.forget()

    @property
    def keyring(self) -> Keyring:
        """The deployment's keys."""
        return self._database.keyring

    async def line(self, number: int, token: str, address: str) -> Known | None:
        """The line of a number and its token, or None: which of them is wrong is not told.

        A token without our checksum is refused without a query.
        """
        if number > 0 and tokens.well_formed(token):
            look = partial(look_up, self._database, Known, Line.number == number)
            known = await self._lookups.found(self._lines, number, look)
            if known is not None and lines.token_is(known.line, self.keyring, token):
                return known
        await self.failures.failed(address, number)
        return None

    async def partner(self, token: str, address: str) -> Principal | None:
        """The tenant of a partner token, or None."""
        if len(token) <= LONGEST_TOKEN and partner_tokens.is_well_formed(token):
            key = self.keyring.fingerprint(token)
            found = await self._lookups.found(
                self._partners, key, partial(partner_tokens.principal_of, self._database, key)
            )
            if found is not None:
                return found
        await self.failures.failed(address)
        return None
