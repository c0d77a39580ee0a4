"""Links of ours that stand for a gateway's files: sealed, so that nothing of the gateway shows; no table.

A token is a version, the tenant, the instance and, sealed under the tenant's key for that instance, where the file
really is. Whoever has the link has the file, as with the gateway's own; it ends with the gateway's, with the instance
or with the tenant. What may be sealed: every http(s) address that a gateway told us, whatever its host, for gateways
keep files with others. That is safe because the address is checked when it is dialled (`app.files.fetching`).
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from app.accounts.vault import Vault, open_vault
from app.files import names, store
from app.kit.crypto import Unreadable
from app.kit.db import UnitOfWork
from app.kit.errors import NotFound

VERSION: Final = 1
HEAD_BYTES: Final = 1 + 16 + 16
LONGEST_URL: Final = 2000
LONGEST_NAME: Final = 255
TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{80,4000}")
EXTENSION: Final = re.compile(r"\.[0-9a-z]{1,5}")
MARK: Final = "/files/"


class FileGone(NotFound):
    """There is no such file, or no longer."""


class NoLink(ValueError):
    """A text that cannot be an address of a file, such as a gateway's note that there is none."""


@dataclass(frozen=True)
class FileLink:
    """Where a file really is; the address is a secret of ours."""

    tenant_id: UUID
    instance_id: UUID
    provider: str
    environment: str
    name: str
    url: str = field(repr=False)


class Sealer:
    """Makes links for the files of one instance; needs no database, so that a journal of hundreds is quickly told."""

    def __init__(
        self, vault: Vault, tenant_id: UUID, instance_id: UUID, *, provider: str, environment: str, public_url: str
    ) -> None:
        self._vault = vault
        self._head = bytes([VERSION]) + tenant_id.bytes + instance_id.bytes
        self._place = _place(instance_id)
        self._origin = (provider, environment)
        self._base = public_url.rstrip("/") + MARK

    def __call__(self, url: str, name: str = "") -> str:
        """As `link`, but empty where there is no address, for use on whatever a gateway wrote; never raises."""
        try:
            return self.link(url, name)
        except NoLink:
            return ""

    def link(self, url: str, name: str = "") -> str:
        """Our link in place of a gateway's; a link of ours stays what it is.

        It ends in the extension of the name or of the address, since programs look there for what a file is.

        Raises:
            NoLink: the text is no http(s) address of at most 2,000 characters.
        """
        if url.startswith(self._base):
            return url
        if not is_link(url):
            raise NoLink("no address of a file")
        name = names.one_line(name)[:LONGEST_NAME]
        sealed = self._vault.seal("\n".join((*self._origin, name, url)), self._place)
        return self._base + _encoded(self._head + sealed) + (extension_of(name) or extension_of(url))


async def sealer(
    uow: UnitOfWork, tenant_id: UUID, instance_id: UUID, *, provider: str, environment: str, public_url: str
) -> Sealer:
    """A sealer with the tenant's vault opened.

    Raises:
        Unreadable: the tenant was erased.
    """
    vault = await open_vault(uow, tenant_id)
    return Sealer(vault, tenant_id, instance_id, provider=provider, environment=environment, public_url=public_url)


async def seal(
    uow: UnitOfWork,
    tenant_id: UUID,
    instance_id: UUID,
    url: str,
    *,
    name: str = "",
    provider: str,
    environment: str,
    public_url: str,
) -> str:
    """Our absolute link for one address; see `Sealer.link`.

    Raises:
        NoLink: it is no address. Unreadable: the tenant was erased.
    """
    made = await sealer(uow, tenant_id, instance_id, provider=provider, environment=environment, public_url=public_url)
    return made.link(url, name)


def is_link(text: str) -> bool:
    """Whether a text is an absolute http(s) address that can be sealed."""
    if len(text) > LONGEST_URL or not text.isprintable() or not text.lower().startswith(("http://", "https://")):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False


def extension_of(text: str) -> str:
    """The extension of a name, or of an address's last part, with its dot; empty when there is none of the usual."""
    last = text.partition("?")[0].partition("#")[0].rpartition("/")[2]
    _, dot, ending = last.rpartition(".")
    return dot + ending.lower() if EXTENSION.fullmatch(dot + ending.lower()) else ""


def is_ours(url: str, public_url: str) -> bool:
    """Whether an address is a link of ours, which a gateway must not be given: it is opened first."""
    return url.startswith(public_url.rstrip("/") + MARK)


async def open_url(uow: UnitOfWork, link: str, tenant_id: UUID) -> FileLink:
    """Where the file behind a link (or its token) of this tenant's is; of any instance of the tenant's.

    Raises:
        FileGone: it is no link of ours, another tenant's, or its instance was deleted.
    """
    found = await read(uow, link, tenant_id)
    if found is None:
        raise FileGone()
    return found


async def read(uow: UnitOfWork, link: str, tenant_id: UUID | None = None) -> FileLink | None:
    """What a link says; None when it is not ours, not this tenant's, or ended. Without a tenant: the public door."""
    raw = _decoded(link.rpartition("/")[2].partition(".")[0])
    if raw is None:
        return None
    owner, instance_id = UUID(bytes=raw[1:17]), UUID(bytes=raw[17:33])
    if (tenant_id is not None and owner != tenant_id) or not await store.is_there(uow, owner, instance_id):
        return None
    try:
        vault = await open_vault(uow, owner)
        provider, environment, name, url = vault.open(raw[HEAD_BYTES:], _place(instance_id)).split("\n")
    except (Unreadable, ValueError):
        return None
    return FileLink(owner, instance_id, provider, environment, name, url)


def _place(instance_id: UUID) -> str:
    return f"files.link.{VERSION}|{instance_id}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(token: str) -> bytes | None:
    if not TOKEN.fullmatch(token):
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    return raw if raw[0] == VERSION and len(raw) > HEAD_BYTES else None
