"""Who calls: a tenant's key or user, an instance's line, or the operator."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from app.accounts.scopes import Scope
from app.kit.errors import Forbidden

Kind = Literal["api_key", "session", "operator", "line", "partner"]


class InsufficientScope(Forbidden):
    """The credential lacks a scope that this needs."""


class InstanceNotAllowed(Forbidden):
    """The key is limited to other instances."""


@dataclass(frozen=True)
class Principal:
    """The caller of a request. `instance_ids` None means every instance of the tenant."""

    kind: Kind
    id: UUID
    tenant_id: UUID | None
    environment: str
    scopes: frozenset[Scope]
    instance_ids: frozenset[UUID] | None = None

    @property
    def tenant(self) -> UUID:
        """The caller's tenant; operators have none and never reach a tenant's route."""
        if self.tenant_id is None:
            raise RuntimeError("an operator is no tenant")
        return self.tenant_id

    def require(self, scope: Scope) -> None:
        """Refuse a caller without the scope.

        Raises:
            InsufficientScope: with the scope that is missing.
        """
        if scope not in self.scopes:
            raise InsufficientScope(f"The scope `{scope}` is needed.", extra={"required_scopes": [str(scope)]})

    def may_use(self, instance_id: UUID) -> bool:
        """Whether the key's instance list, if it has one, names the instance."""
        return self.instance_ids is None or instance_id in self.instance_ids
