"""Token buckets: one per instance and method, refilled in virtual time."""

Buckets = dict[str, tuple[float, float]]


def take(buckets: Buckets, method: str, rate: float, burst: float, now: float) -> tuple[bool, int]:
    """Take one token; tells whether there was one and how many whole tokens are left."""
    tokens, since = buckets.get(method, (burst, now))
    tokens = min(burst, tokens + max(0.0, now - since) * rate)
    allowed = tokens >= 1.0 - 1e-9
    if allowed:
        tokens = max(0.0, tokens - 1.0)
    buckets[method] = (tokens, now)
    return allowed, int(tokens)
