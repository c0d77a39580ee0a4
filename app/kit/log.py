"""Structured logs, one JSON object a line, from which known shapes of secrets are cut out."""

import logging
import re
import sys
from typing import Any, Final

import structlog
from structlog.types import EventDict, WrappedLogger

SECRET_SHAPES: Final = re.compile(
    r"slt_(?:sk_(?:live|test)|op|cst|lnk)_[0-9A-Za-z]{8,}"  # our credentials
    r"|whsec_[0-9A-Za-z+/=]{8,}"
    r"|gac\.[0-9A-Za-z]{6,}"  # GREEN-API partner token
    r"|\b[0-9a-f]{40,64}\b"  # GREEN-API instance token
    r"|(?<=://)[^/@\s:]*:[^/@\s]*(?=@)"  # user:password in a URL
    r"|(?<=[Bb]earer )[^\s\"']{8,}"
)
MASK: Final = "***"


def configure(level: str = "info") -> None:
    """Send everything, the libraries' logging too, through one JSON renderer on stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "arq"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True


def mask_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Cut secrets out of every text of a log entry: the net below the rule that none is logged."""
    return {key: _masked(value) for key, value in event.items()}


def mask(text: str) -> str:
    """The text without anything that has the shape of a secret."""
    return SECRET_SHAPES.sub(MASK, text)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    if isinstance(value, int | float | bool | None):
        return value
    return mask(str(value))
