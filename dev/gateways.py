"""What `PROVIDER=` may be, and what share of new instances each gateway is given for it."""

from collections.abc import Mapping
from typing import Final

from dev.outside import Outside

WEIGHTS: Final[Mapping[str, Mapping[str, int]]] = {
    "green_api": {"green_api": 100, "whapi": 0},
    "whapi": {"green_api": 0, "whapi": 100},
    "mixed": {"green_api": 100, "whapi": 100},
}
PROVIDERS: Final = tuple(WEIGHTS)
GATEWAYS: Final = tuple(WEIGHTS["mixed"])


def weigh(outside: Outside, weights: Mapping[str, int], environment: str = "live") -> None:
    """Set each gateway's share, as an operator does; one that weighs nothing is still there for whoever names it."""
    for name, weight in weights.items():
        outside.operator("PUT", f"/providers/{name}/{environment}/weight", {"weight": weight})
