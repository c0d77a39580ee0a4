"""Which gateway an instance is on."""

from collections.abc import Mapping

from app.kit.errors import InvalidRequest
from app.providers.port import Provider


class NoProvider(InvalidRequest):
    """No gateway is set up for this environment."""

    code = "unsupported_by_provider"


class Registry:
    """The gateways of this deployment by (provider name, environment); each is one partner account."""

    def __init__(self, providers: Mapping[tuple[str, str], Provider]) -> None:
        self._providers = dict(providers)

    def get(self, name: str, environment: str) -> Provider:
        """The gateway of an existing instance.

        Raises:
            NoProvider: the operator has removed it from the settings.
        """
        try:
            return self._providers[name, environment]
        except KeyError:
            raise NoProvider(f"No {name} account is set up for the {environment} environment.") from None

    def names(self, environment: str) -> list[str]:
        """The gateways of an environment.

        Raises:
            NoProvider: none is set up for it.
        """
        found = [name for name, where in sorted(self._providers) if where == environment]
        if not found:
            raise NoProvider(f"No gateway is set up for the {environment} environment.")
        return found

    def all(self) -> list[tuple[str, str, Provider]]:
        """Every (name, environment, gateway)."""
        return [(name, environment, provider) for (name, environment), provider in sorted(self._providers.items())]

    async def close(self) -> None:
        """Let go of every connection."""
        for provider in self._providers.values():
            await provider.close()
