"""What a log line shows of an exception or a text: where it happened, never with which values."""

import sys
from types import SimpleNamespace

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError

from app.kit.log import describe, mask, show_exception

HEX = "0a" * 25


def database_error() -> IntegrityError:
    """As SQLAlchemy raises it: the driver's error, wrapped twice."""
    inner = asyncpg.UniqueViolationError("duplicate key value\nDETAIL:  Key (email)=(ada@example.com) already exists.")
    inner.constraint_name, inner.table_name = "uq_users_address_key", "users"
    outer = type("Adapted", (Exception,), {"__module__": "sqlalchemy.dialects.postgresql.asyncpg"})(str(inner))
    outer.__cause__ = inner
    return IntegrityError("insert", {}, outer)


def test_a_database_error_is_told_without_the_rows_values() -> None:
    assert describe(database_error()) == "IntegrityError 23505 users uq_users_address_key"


def test_a_traceback_tells_every_cause_and_no_value() -> None:
    try:
        try:
            raise database_error()
        except IntegrityError as error:
            raise LookupError(f"no luck with {HEX}") from error
    except LookupError:
        shown = show_exception(sys.exc_info())  # type: ignore[arg-type]
    assert "IntegrityError 23505" in shown
    assert shown.endswith("LookupError: no luck with ***")
    assert "test_log.py" in shown
    assert "ada@example.com" not in shown


def test_an_error_that_causes_itself_comes_to_an_end() -> None:
    error = ValueError("a")
    error.__context__ = ExceptionGroup("b", [error])
    assert describe(error) in show_exception((ValueError, error, None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        f"https://api.example/waInstance7103/sendMessage/{HEX}",
        f"first\\n{HEX}",
        f"token_{HEX}_",
        "Authorization: Bearer whatever-it-is",
        "gac.1234567890abcdef",
        "slt_sk_live_0123456789",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "redis://:swordfish@127.0.0.1/0",
    ],
)
def test_known_shapes_of_secrets_are_cut_out(text: str) -> None:
    secret = text.rsplit("/", 1)[-1] if "waInstance" in text else text
    assert secret not in mask(text)
    for part in (HEX, "whatever-it-is", "1234567890abcdef", "0123456789", "MfKQ9r8G", "swordfish"):
        assert part not in mask(text)


def test_plain_texts_stay() -> None:
    for text in ("d41d8cd98f00b204e9800998ecf8427e", "An instance of 12 words.", str(SimpleNamespace(a=1))):
        assert mask(text) == text
