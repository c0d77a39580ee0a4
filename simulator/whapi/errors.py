"""Refusals in the three shapes that clients have met: nested, flat with a code, flat without."""

from typing import Any

import msgspec

from simulator.whapi.config import WhapiConfig
from simulator.wire import JSON, Reply

TITLES = {
    400: "Bad request",
    401: "Need channel authorization",
    402: "Trial version limit exceeded",
    403: "Forbidden",
    404: "Not found",
    406: "Not acceptable for this channel",
    409: "Conflict",
    413: "Payload too large",
    415: "Unsupported media type",
    422: "Unprocessable",
    429: "Too many requests",
    500: "Internal error",
    503: "Service unavailable",
}


class Problem(Exception):
    """Raised by a method to refuse; `details` is for a person, `headers` go with the answer."""

    def __init__(self, status: int, details: str = "", *, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, details)
        self.status = status
        self.details = details
        self.headers = headers or {}


def reply(config: WhapiConfig, problem: Problem) -> Reply:
    """The refusal in the shape its status has under these knobs.

    Source: the nested form is of the 2025 text, the flat ones of the 2026 text, read 2026-11-21.
    """
    return Reply(msgspec.json.encode(body(config, problem.status, problem.details)), problem.status, JSON, "refused")


def body(config: WhapiConfig, status: int, details: str = "") -> dict[str, Any]:
    """The JSON of a refusal."""
    title = TITLES.get(status, "Error")
    if status == 402 and config.flat_402:
        return {"code": 402, "error": details or title}
    if status == 401 and config.flat_401:
        return {"error": details or title}
    told: dict[str, Any] = {"code": status, "message": title.lower()}
    if details:
        told["details"] = details
    return {"error": told}
