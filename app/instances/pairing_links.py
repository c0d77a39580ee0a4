"""Pairing links: an address under which whoever has it may link a phone to one instance, for some hours.

A token is sealed by the deployment's key for this purpose alone, so it is no other sealed value and no other is it. It
says tenant, instance and end, and is stored nowhere. It opens nothing else, and it ends with the instance.
"""

import base64
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from app.accounts.models import Tenant
from app.instances import service
from app.instances.models import Instance
from app.instances.service import InstanceNotReady
from app.kit.crypto import Keyring, Unreadable
from app.kit.db import Database, UnitOfWork
from app.kit.errors import Gone, NotFound

PLACE: Final = "pairing.link.1"
MARK: Final = "/pair/"
DEFAULT_HOURS: Final = 24
TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{136}")
PLAIN: Final = re.compile(r"[0-9a-f]{72}")


class LinkExpired(Gone):
    """The pairing link has expired."""


@dataclass(frozen=True)
class PairingLink:
    """Whose phone may be linked to what, and until when, to the second."""

    tenant_id: UUID
    instance_id: UUID
    expires_at: datetime

    def address(self, keyring: Keyring, public_url: str) -> str:
        """The page's address. It is a secret: who has it may link a phone."""
        plain = f"{self.tenant_id.hex}{self.instance_id.hex}{int(self.expires_at.timestamp()):08x}"
        token = base64.urlsafe_b64encode(keyring.seal_system(plain, PLACE)).decode()
        return public_url.rstrip("/") + MARK + token


def make(uow: UnitOfWork, instance: Instance, *, hours: int = DEFAULT_HOURS) -> PairingLink:
    """A link to an instance, whatever its state: whether its gate is open is asked whenever the link is."""
    ends = (uow.now + timedelta(hours=hours)).replace(microsecond=0)
    return PairingLink(instance.tenant_id, instance.id, ends)


def read(keyring: Keyring, token: str) -> PairingLink:
    """What a token says, whether or not it has expired.

    Raises:
        NotFound: it is none of ours.
    """
    if not TOKEN.fullmatch(token):
        raise NotFound()
    try:
        plain = keyring.unseal_system(base64.urlsafe_b64decode(token), PLACE)
    except (Unreadable, ValueError):
        raise NotFound() from None
    if not PLAIN.fullmatch(plain):
        raise NotFound()
    ends = datetime.fromtimestamp(int(plain[64:], 16), UTC)
    return PairingLink(UUID(plain[:32]), UUID(plain[32:64]), ends)


def may_be_made(instance: Instance) -> None:
    """Refuse a link that would lead nowhere; to an instance that is not ready yet it leads, and the page waits.

    Raises:
        Gone: it is being deleted. InstanceSuspended, InstanceFailed: nothing can be linked to it.
    """
    with suppress(InstanceNotReady):
        service.usable(instance)


async def open_link(database: Database, link: PairingLink) -> Instance:
    """The instance, if the link still stands and its gate is open.

    Raises:
        NotFound: no such instance, or its organization was closed. LinkExpired, Gone: it is over.
        InstanceNotReady, InstanceFailed, InstanceSuspended: as for its tenant.
    """
    async with database.begin(link.tenant_id) as uow:
        if link.expires_at <= uow.now:
            raise LinkExpired()
        tenant = await uow.session.get(Tenant, link.tenant_id)
        if tenant is None or tenant.status != "active":
            raise NotFound()
        instance = await service.find(uow, link.instance_id)
        service.usable(instance)
        return instance
