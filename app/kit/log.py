"""Structured logs, one JSON object a line, from which known shapes of secrets are cut out."""

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any, Final

import structlog
from sqlalchemy.exc import DBAPIError
from structlog.types import EventDict, WrappedLogger

ACCOUNT_TOKEN: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{40,64}(?![0-9a-f])")
"""What a token of a GREEN-API account looks like, in lower case."""
SECRET_SHAPES: Final = re.compile(
    r"slt_(?:sk_(?:live|test)|op|cst|lnk)_[0-9A-Za-z]{8,}"  # our credentials
    r"|whsec_[0-9A-Za-z+/=]{8,}"
    r"|gac\.[0-9A-Za-z]{6,}"  # GREEN-API partner token
    rf"|{ACCOUNT_TOKEN.pattern}"
    r"|(?<=://)[^/@\s:]*:[^/@\s]*(?=@)"  # user:password in a URL
    r"|(?<=[Bb]earer )[^\s\"']{8,}"
)
TOKEN_IN_PATH: Final = re.compile(
    r"((?:(?:waInstance\w{0,20}|/partner)/+\w{1,40}|/pair)/+)[^/?#\s\"'<>]+", re.IGNORECASE
)  # of the compatible face, also where it is none of ours or misspelt; of a pairing link
MASK: Final = "***"
Raised = tuple[type[BaseException], BaseException, TracebackType | None]
LONGEST_TEXT: Final = 500
DRIVERS: Final = ("asyncpg.", "sqlalchemy.dialects.")


def configure(level: str = "info") -> None:
    """Send everything, the libraries' logging too, through one JSON renderer on stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.ExceptionRenderer(show_exception),
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
        logging.getLogger(name).propagate = name != "uvicorn.access"  # the door tells of requests, tokens masked


def mask_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Cut secrets out of every text of a log entry: the net below the rule that none is logged."""
    return {key: _masked(value) for key, value in event.items()}


def mask(text: str) -> str:
    """The text without anything that has the shape of a secret."""
    return TOKEN_IN_PATH.sub(rf"\1{MASK}", SECRET_SHAPES.sub(MASK, text))


def describe(error: BaseException) -> str:
    """An exception in one line. The database's own text is left out: it quotes the values of whole rows."""
    name = type(error).__name__
    if not isinstance(error, DBAPIError) and not type(error).__module__.startswith(DRIVERS):
        text = mask(str(error))[:LONGEST_TEXT]
        return f"{name}: {text}" if text else name
    source = getattr(error, "orig", None) or error
    source = source.__cause__ or source
    facts = [str(getattr(source, fact, None) or "") for fact in ("sqlstate", "table_name", "constraint_name")]
    return " ".join([name, *filter(None, facts)])


def show_exception(exc_info: Raised) -> str:
    """A traceback with its causes, each described by `describe`; where it happened, not with which values."""
    return "\n".join(_stack(exc_info[1], set()))


def _stack(error: BaseException | None, seen: set[int]) -> list[str]:
    if error is None or id(error) in seen:
        return []
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = _stack(cause, seen)
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            lines += _stack(inner, seen)
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
    return [*lines, "".join(frames).rstrip(), describe(error)]


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
