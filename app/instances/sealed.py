"""Where an instance's secrets are sealed, and how its account's token is opened."""

from uuid import UUID

from app.accounts.vault import Vault
from app.kit.crypto import Secret
from app.providers.port import Credentials


def place(column: str, instance_id: UUID) -> str:
    """The place of a column of an instance."""
    return f"instances.{column}|{instance_id}"


def open_credentials(vault: Vault, instance_id: UUID, account: str, sealed: bytes, base_url: str | None) -> Credentials:
    """How an upstream account is called.

    Raises:
        Unreadable: the tenant was erased.
    """
    return Credentials(account, Secret(vault.open(sealed, place("upstream_token", instance_id))), base_url or "")
