"""Latencies and what is told of them; percentiles are exact, over every single sample."""

import math
from collections.abc import Sequence

from msgspec import Struct


class Spread(Struct, frozen=True):
    """How a set of latencies lies, in milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest sample that at least this share of all samples does not exceed (nearest rank).

    Raises:
        ValueError: there are no samples.
    """
    if not ordered:
        raise ValueError("no samples")
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


def spread(latencies_ms: Sequence[float]) -> Spread:
    """The spread of some latencies, in any order.

    Raises:
        ValueError: there are none.
    """
    ordered = sorted(latencies_ms)
    p50, p95, p99 = (round(percentile(ordered, share), 3) for share in (0.50, 0.95, 0.99))
    return Spread(len(ordered), p50, p95, p99, round(ordered[-1], 3))
